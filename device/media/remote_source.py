"""Where one stream comes from and goes to: symmetric RTP (RFC 4961) that learns, but does not follow every stranger."""

from device.media.stream_parameters import Address
from device.rtp.packet import signed_difference

CONSISTENT_PACKETS = 5
"""Packets in order from one source before we send there: 100 ms of sound."""
CONSISTENT_NEGOTIATED = 2
"""The same for the negotiated address itself, which has the better claim."""
QUIET_S = 3.0
"""A source that is silent for so long may be followed by another one."""
_NOWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - compared with, never bound


class RemoteSource:
    """Decides which packets are the peer's and where ours go.

    Until a source has proved itself, the first one that is heard is played and we send to the negotiated address.
    From then on only that source is heard, unless it falls silent or the negotiated address itself speaks up.
    """

    __slots__ = (
        "_candidate",
        "_heard_at",
        "_latched",
        "_negotiated",
        "_run",
        "_sequence",
        "_ssrc",
        "_symmetric",
        "destination",
    )

    def __init__(self, negotiated: Address, symmetric: bool) -> None:
        self._symmetric = symmetric
        self._negotiate(negotiated)

    def _negotiate(self, negotiated: Address) -> None:
        self._negotiated = negotiated
        self._latched: Address | None = None
        self._heard_at = 0.0
        self._candidate: Address | None = None
        self._ssrc = self._sequence = self._run = 0
        self._choose()

    def update(self, negotiated: Address, symmetric: bool) -> None:
        """A new offer and answer: another address must prove itself anew, the same one stays as it is."""
        self._symmetric = symmetric
        if negotiated != self._negotiated:
            self._negotiate(negotiated)
        self._choose()

    def _choose(self) -> None:
        address = self._latched if self._latched and self._symmetric else self._negotiated
        self.destination = None if address[0] in _NOWHERE or not address[1] else address
        """Where to send, None while that is nowhere (a held or refused stream that nobody has spoken on)."""

    @property
    def latched(self) -> Address | None:
        """The source that has proved itself."""
        return self._latched

    def accept(self, source: Address, ssrc: int, sequence: int, now: float) -> bool:
        """Whether a valid packet from there is the peer's."""
        if source == self._latched:
            self._heard_at = now
            return True
        if self._latched is None:
            return self._accept_first(source, ssrc, sequence, now)
        quiet = now - self._heard_at >= QUIET_S
        if not quiet and source != self._negotiated:
            return False
        return self._prove(source, ssrc, sequence, now)

    def _accept_first(self, source: Address, ssrc: int, sequence: int, now: float) -> bool:
        if source == self._negotiated:
            self._latch(source, now)
            return True
        stranger = self._candidate is not None and source != self._candidate and now - self._heard_at < QUIET_S
        if stranger:
            return False
        self._prove(source, ssrc, sequence, now)
        self._heard_at = now
        return True

    def _prove(self, source: Address, ssrc: int, sequence: int, now: float) -> bool:
        """Count packets in order from one source; True when it has become the one."""
        follows = source == self._candidate and ssrc == self._ssrc
        follows = follows and 0 < signed_difference(sequence, self._sequence, 16) < 100
        self._run = self._run + 1 if follows else 1
        self._candidate, self._ssrc, self._sequence = source, ssrc, sequence
        if self._run < (CONSISTENT_NEGOTIATED if source == self._negotiated else CONSISTENT_PACKETS):
            return False
        self._latch(source, now)
        return True

    def _latch(self, source: Address, now: float) -> None:
        self._latched = source
        self._heard_at = now
        self._candidate = None
        self._run = 0
        self._choose()
