"""What a registrar's 2xx gives: the lifetime of our own binding, GRUUs, a service route, the outbound mechanism."""

from collections.abc import Sequence

from device.annotations import Final
from device.records import dataclass
from device.sip.errors import SipParseError
from device.sip.header_syntax import split_commas
from device.sip.headers import NameAddr, parse_name_addr, parse_name_addr_list
from device.sip.message import Response
from device.sip.uri import Uri, host_key, parse_uri

INSTANCE: Final = "+sip.instance"
REG_ID: Final = "reg-id"
MAX_SERVICE_ROUTES: Final = 8
"""A longer service route is no route of a telephone; it is not followed."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What holds while we are registered."""

    expires_s: int = 0
    outbound: bool = False
    """Whether the registrar sends requests over our flow (RFC 5626 section 6)."""
    knows_instances: bool = False
    """Whether the registrar tells our bindings by instance and reg-id, so that a new address replaces the old one."""
    flow_timer_s: int = 0
    """How often the server wants the flow to be kept alive at least; 0 where it does not say."""
    service_route: tuple[NameAddr, ...] = ()
    """The routes of our requests outside dialogs (RFC 3608)."""
    public_gruu: Uri | None = None
    temporary_gruu: Uri | None = None
    """Our globally routable addresses (RFC 5627)."""


NOTHING_GRANTED: Final = Grant()


def read_grant(response: Response, sent: NameAddr, asked_s: int) -> Grant:
    """Read the 2xx to a REGISTER that had the Contact `sent` and asked for `asked_s`."""
    own = own_binding(response, sent)
    expires_s = own.expires if own is not None else None
    if expires_s is None:
        expires_s = asked_s if response.expires is None else response.expires
    flow_timer = response.headers.get("Flow-Timer") or ""
    outbound = sent.has_param(REG_ID) and "outbound" in [token.lower() for token in response.tokens("Require")]
    echoed = own is not None and own.has_param(REG_ID) and _is_same_flow(own, sent)
    public, temporary = _gruu(own, "pub-gruu"), _gruu(own, "temp-gruu")
    if not outbound and _gives_gruus_unasked(response, temporary):
        public = temporary = None
    return Grant(
        expires_s,
        outbound,
        outbound or echoed,
        int(flow_timer) if flow_timer.isascii() and flow_timer.isdigit() and len(flow_timer) < 6 else 0,
        _service_route(response),
        public,
        temporary,
    )


def own_binding(response: Response, sent: NameAddr) -> NameAddr | None:
    """Our own among the contacts of a 2xx, which lists those of all phones of the address (RFC 3261 section 10.2.4)."""
    contacts = [contact for contact in readable_contacts(response) if contact.uri.is_sip]
    instance = _instance(sent)
    # A binding that names another device is never ours, however much its address is like ours.
    ours = [contact for contact in contacts if not instance or _instance(contact) in ("", instance)]
    for is_same in (_is_same_uri, _is_same_flow, _is_same_address):
        found = next((contact for contact in ours if is_same(contact, sent)), None)
        if found is not None:
            return found
    # Some registrars write the address that they saw.
    seen = _seen_address(response)
    found = next((contact for contact in ours if (host_key(contact.uri.host), contact.uri.port) == seen), None)
    return found if found is not None or len(contacts) != 1 or not ours else ours[0]


def readable_contacts(response: Response) -> list[NameAddr]:
    """The contacts that can be read; that another phone's cannot is no reason for ours not to be registered."""
    found = []
    for line in response.headers.get_all("Contact"):
        for piece in _pieces(line):
            contact = _parsed(piece)
            if contact is not None:
                found.append(contact)
    return found


def _pieces(line: str) -> Sequence[str]:
    try:
        return split_commas(line, skip_empty=True)
    except SipParseError:
        return ()


def _parsed(piece: str) -> NameAddr | None:
    try:
        return parse_name_addr(piece)
    except SipParseError:
        return None


def _is_same_uri(contact: NameAddr, sent: NameAddr) -> bool:
    return contact.uri.matches(sent.uri)


def _is_same_flow(contact: NameAddr, sent: NameAddr) -> bool:
    instance = _instance(sent)
    return bool(instance) and _instance(contact) == instance and contact.param(REG_ID) == sent.param(REG_ID)


def _instance(contact: NameAddr) -> str:
    return (contact.param(INSTANCE) or "").lower()


def _is_same_address(contact: NameAddr, sent: NameAddr) -> bool:
    """Some registrars change the parameters, or the case of the user part."""
    one, other = contact.uri, sent.uri
    same_host = (host_key(one.host), one.port) == (host_key(other.host), other.port)
    return same_host and one.user.lower() == other.user.lower()


def _seen_address(response: Response) -> tuple[str, int | None]:
    via = response.top_via
    return host_key(via.received or via.host), via.rport or via.port


def _service_route(response: Response) -> tuple[NameAddr, ...]:
    """The Service-Route, which must be loose routes (RFC 3608 section 5); none where it cannot be followed."""
    try:
        routes = tuple(parse_name_addr_list(response.headers.get_all("Service-Route")))
    except SipParseError:
        return ()
    usable = len(routes) <= MAX_SERVICE_ROUTES and all(one.uri.is_sip and one.uri.has_param("lr") for one in routes)
    return routes if usable else ()


def _gives_gruus_unasked(response: Response, temporary: Uri | None) -> bool:
    """Whether the registrar hands out GRUUs by default while its stock configuration routes no BYE to them.

    Calls would not end then. With outbound somebody has configured it for such things.
    """
    server = (response.headers.get("Server") or "").lower()
    by_shape = temporary is not None and temporary.user.startswith("uloc-")
    return by_shape or any(name in server for name in ("kamailio", "opensips", "openser"))


def _gruu(own: NameAddr | None, name: str) -> Uri | None:
    text = own.param(name) if own is not None else None
    if not text:
        return None
    try:
        uri = parse_uri(text)
    except SipParseError:
        return None
    return uri if uri.scheme == "sip" and uri.has_param("gr") else None
