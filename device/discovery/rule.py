"""Where boards had better not look for each other: the rule that holds unless a person says otherwise. Pure."""

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address

MODES = ("auto", "on", "off")
HOUSE_ACCOUNT = "house"
"""The account that discovery makes; any other was made by a person or a provisioning server."""

HOME_DOMAINS = (
    "",
    "lan",
    "local",
    "localdomain",
    "home",
    "internal",
    "home.arpa",
    "fritz.box",
    "speedport.ip",
)
"""Search domains of home routers, and those reserved for private use (RFC 6762 appendix G, RFC 8375, ICANN 2024)."""


def why_not(mode: str, addresses: Sequence[str], search: Sequence[str], accounts: Sequence[str]) -> str:
    """Why this board keeps to itself, in words; empty where it may look for others.

    `addresses` are its own, `search` the domains that the network's DHCP names, `accounts` those of the phone.
    """
    if mode == "off":
        return "switched off: `offhook discovery mode auto` or `on` changes it"
    usable = [address for address in addresses if not ip_address(address.partition("%")[0]).is_loopback]
    if not usable:
        return "this board has no address yet"
    if mode == "on":
        return ""
    others = [name for name in accounts if name != HOUSE_ACCOUNT]
    if others:
        return f"this phone has an account of its own ({others[0]}): `offhook discovery mode on` looks all the same"
    public = [address for address in usable if not _is_private(address)]
    if public:
        return f"{public[0]} can be reached from everywhere: `offhook discovery mode on` looks all the same"
    managed = [name for name in search if not _is_home(name)]
    if managed:
        return (
            f"the network calls itself {managed[0]}, somebody administers it: "
            "ask them, then `offhook discovery mode on`"
        )
    return ""


def _is_private(text: str) -> bool:
    """Whether nobody outside the house reaches that address: RFC 1918, link-local, and IPv6 behind a home's firewall.

    Homes with IPv6 have global addresses; their IPv4 address tells them from a hosted machine.
    """
    address = ip_address(text.partition("%")[0])
    return isinstance(address, IPv6Address) or address.is_private


def _is_home(name: str) -> bool:
    name = name.rstrip(".").lower()
    return name in HOME_DOMAINS or name.endswith((".local", ".home.arpa", ".internal", ".lan"))
