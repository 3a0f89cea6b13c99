"""Builds REGISTER requests (RFC 3261 section 10.2, RFC 5626 section 4.2): whose, where to, and which contacts."""

from collections.abc import Sequence

from device.records import dataclass
from device.sip.core import Core
from device.sip.dialog import MAX_FORWARDS
from device.sip.headers import CSeq, Headers, NameAddr
from device.sip.identity import Identity
from device.sip.message import Request
from device.sip.registration_grant import INSTANCE, REG_ID
from device.sip.uri import Uri

FIRST_REG_ID = "1"
"""Our only flow: an account has one outbound proxy."""


@dataclass(frozen=True, slots=True)
class RegisterContacts:
    """The contacts of one REGISTER."""

    contact: NameAddr
    old: tuple[NameAddr, ...] = ()
    """Other addresses of ours that the server still holds, or may hold, and is to forget."""

    @classmethod
    def of_end(cls, held: Sequence[NameAddr]) -> "RegisterContacts":
        """To take a registration back: the contacts as they were registered."""
        return cls(held[0], _others(held[0], held))

    @classmethod
    def of(cls, identity: Identity, address: NameAddr, held: Sequence[NameAddr], is_plain: bool) -> "RegisterContacts":
        """Our `address`, with the instance id unless `is_plain`; `held` is what the server has of ours, or may have.

        A registrar that knows instances replaces the old contact by itself, would refuse two contacts of which one has
        a reg-id, and takes the same address without one for another phone. The others get the old one with no time
        left, and no reg-id then.
        """
        old = _others(address, held)
        if is_plain or not identity.shows_instance:
            return cls(address, old)
        contact = address.with_param(INSTANCE, f"<{identity.instance_urn}>")
        if identity.grant.knows_instances:
            old = ()
        return cls(contact if old else contact.with_param(REG_ID, FIRST_REG_ID), old)

    def put_into(self, headers: Headers) -> None:
        """Write them.

        An old one is named by its URI alone: a registrar that looks for the instance id would find the new one by
        it, and remove that.
        """
        headers.add("Contact", str(self.contact))
        for contact in self.old:
            old = contact.without_param(REG_ID).without_param(INSTANCE)
            headers.add("Contact", str(old.with_param("expires", "0")))


def _others(address: NameAddr, held: Sequence[NameAddr]) -> tuple[NameAddr, ...]:
    """Those of `held` that are other addresses than `address`, each once."""
    others: list[NameAddr] = []
    for contact in held:
        if not any(contact.uri.matches(known.uri) for known in (address, *others)):
            others.append(contact)
    return tuple(others)


@dataclass(frozen=True, slots=True)
class RegisterNames:
    """What stays the same from one REGISTER of an account to the next."""

    tag: str
    call_id: str


def build_register(
    core: Core,
    identity: Identity,
    uri: Uri,
    names: RegisterNames,
    cseq: int,
    contacts: RegisterContacts,
    expires_s: int,
) -> Request:
    """A REGISTER to the registrar `uri`."""
    address = identity.address(identity.registrar_hop(uri))
    headers = Headers([("Route", str(route)) for route in identity.proxy_routes])
    headers.add("Max-Forwards", MAX_FORWARDS)
    headers.add("From", str(address.with_tag(names.tag)))
    headers.add("To", str(address))
    headers.add("Call-ID", names.call_id)
    headers.add("CSeq", str(CSeq(cseq, "REGISTER")))
    contacts.put_into(headers)
    headers.add("Expires", str(expires_s))
    request = Request("REGISTER", uri, headers)
    # A Path that a proxy adds is the registrar's affair; all we need do is not object (RFC 3327 section 5.1).
    extensions = ("path", "outbound", "gruu") if contacts.contact.has_param(INSTANCE) else ("path",)
    core.add_capabilities(request, *extensions)
    return request
