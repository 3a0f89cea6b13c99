"""Vectors of SIP messages and the facts that must be read from them: where they are, how each is looked up."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from device.sip.message import Request, Response

VECTORS = Path(__file__).parent.parent / "vectors" / "sip"

Facts = dict[str, Any]


def load_facts(folder: Path) -> dict[str, Facts]:
    """What facts.json says of each vector of a folder, by the file's name without its ending."""
    facts: dict[str, Facts] = json.loads((folder / "facts.json").read_text())
    return facts


READERS: dict[str, Callable[[Any], object]] = {
    "method": lambda m: m.method,
    "status": lambda m: m.status,
    "reason": lambda m: m.reason,
    "uri": lambda m: str(m.uri),
    "scheme": lambda m: m.uri.scheme,
    "user": lambda m: m.uri.user,
    "host": lambda m: m.uri.host,
    "port": lambda m: m.uri.port,
    "uri_params": lambda m: [list(item) for item in m.uri.params],
    "from_name": lambda m: m.from_.display_name,
    "from_tag": lambda m: m.from_.tag,
    "from_uri": lambda m: str(m.from_.uri),
    "from_user": lambda m: m.from_.uri.user,
    "from_params": lambda m: [list(item) for item in m.from_.params],
    "to_name": lambda m: m.to.display_name,
    "to_tag": lambda m: m.to.tag,
    "to_uri": lambda m: str(m.to.uri),
    "to_user": lambda m: m.to.uri.user,
    "call_id": lambda m: m.call_id,
    "cseq": lambda m: [m.cseq.number, m.cseq.method],
    "vias": lambda m: [str(via) for via in m.vias],
    "via_count": lambda m: len(m.vias),
    "transports": lambda m: [via.transport for via in m.vias],
    "branch": lambda m: m.top_via.branch,
    "received": lambda m: m.top_via.received,
    "max_forwards": lambda m: m.max_forwards,
    "expires": lambda m: m.expires,
    "contacts": lambda m: [str(contact) for contact in m.contacts],
    "contact_user": lambda m: m.contacts[0].uri.user,
    "contact_params": lambda m: [list(item) for item in m.contacts[0].uri.params],
    "contact_headers": lambda m: [list(item) for item in m.contacts[0].uri.headers],
    "contact_expires": lambda m: [contact.expires for contact in m.contacts],
    "contact_is_star": lambda m: m.contact_is_star,
    "routes": lambda m: [str(route) for route in m.routes],
    "record_routes": lambda m: [str(route) for route in m.record_routes],
    "content_type": lambda m: m.content_type,
    "body_bytes": lambda m: len(m.body),
}


def differences(message: Request | Response, facts: Facts) -> dict[str, object]:
    """The facts that a message does not show, with what it shows instead; `headers` and `tokens` go by name."""
    shown: dict[str, object] = {}
    for key, wanted in facts.items():
        if key == "headers":
            found: object = {name: message.headers.get(name) for name in wanted}
        elif key == "tokens":
            found = {name: message.tokens(name) for name in wanted}
        else:
            found = READERS[key](message)
        if found != wanted:
            shown[key] = found
    return shown
