"""Which addresses are of the house's own network rather than of the Internet."""

from device.annotations import Final

_PRIVATE: Final = ("10.", "127.", "192.168.", "169.254.", *(f"172.{number}." for number in range(16, 32)))
"""RFC 1918, loopback, and link-local addresses (RFC 3927)."""


def is_of_house(address: str) -> bool:
    """Whether an IP literal without brackets is private, link-local or loopback (RFC 1918, 3927, 4193, 4291)."""
    if ":" not in address:
        return address.startswith(_PRIVATE)
    text = address.lower()
    if text.startswith("::ffff:"):
        return is_of_house(text.removeprefix("::ffff:"))
    return text == "::1" or text.startswith(("fc", "fd", "fe8", "fe9", "fea", "feb"))
