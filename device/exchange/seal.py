"""Short keyed digests: what the exchange writes into messages so as to know later that it was itself who wrote it."""

from device.sip.digest import ha1

LENGTH = 16
"""Hexadecimal digits: 64 bits, which nobody guesses over a network."""


class Seal:
    """Makes seals with one secret. With the same secret after a restart, older ones still hold."""

    __slots__ = ("_secret",)

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def of(self, *parts: str) -> str:
        """The seal of `parts`, which only a holder of the secret can compute."""
        # The digest module alone knows where the hash functions are. The secret stands at both ends, so that nothing
        # can be appended to a text that was sealed.
        return ha1("SHA-256", self._secret, chr(0).join(parts), self._secret)[:LENGTH]
