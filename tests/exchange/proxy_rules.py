"""What RFC 3261 section 16 asks of every message that a proxy sends, checked on the wire while it sends them."""

from device.sip.endpoint import SipEndpoint
from device.sip.hop import Hop
from device.sip.message import Request, Response
from device.sip.parser import parse_message

Key = tuple[str, str]
"""Branch and method."""

TOUCHED = frozenset(
    ("Via", "Max-Forwards", "Max-Breadth", "Record-Route", "Route", "Proxy-Authorization", "Content-Length")
)
"""The header fields that section 16.6, or our own policy, lets a proxy change in a request."""

ADDED = ("Diversion", "History-Info", "Alert-Info")
"""Those that our own services add to, taking nothing away."""


class ProxyRules:
    """Watches an exchange; `faults` names every message that breaks a rule, with the section."""

    def __init__(self, endpoint: SipEndpoint) -> None:
        self.faults: list[str] = []
        self.forwarded = 0
        self._received: dict[Key, Request] = {}
        self._sent: dict[Key, bytes] = {}
        self._branches: dict[Key, Request] = {}
        self._answers_in: dict[Key, list[int]] = {}
        self._failed: dict[Key, bytes] = {}
        endpoint.on_trace = self._trace

    def _trace(self, direction: str, data: bytes, _hop: Hop, _now: float) -> None:
        message = parse_message(data)
        key = (message.top_via.branch or "", message.cseq.method)
        if direction == "in":
            if isinstance(message, Request):
                self._received.setdefault(key, message)
            else:
                self._answers_in.setdefault(key, []).append(message.status)
        elif isinstance(message, Request):
            self._check_request(key, message, data)
        else:
            self._check_response(key, message, data)

    def _must(self, holds: bool, section: str, message: Request | Response, what: str) -> None:
        if not holds:
            self.faults.append(f"{section}: {message!r} {message.headers.get('CSeq')}: {what}")

    def _check_request(self, key: Key, request: Request, data: bytes) -> None:
        if key in self._sent:
            self._must(data == self._sent[key], "17.1", request, "a retransmission differs")
            return
        self._sent[key] = data
        invite = self._branches.get((key[0], "INVITE"))
        if request.method in ("ACK", "CANCEL") and invite is not None:
            answers = self._answers_in.get((key[0], "INVITE"), [])
            wanted = answers and (answers[-1] >= 300 if request.method == "ACK" else answers[-1] < 200)
            self._must(bool(wanted), "16.10", request, f"after {answers}")
            self._must(len(request.headers.get_all("Via")) == 1, "9.1", request, "not one Via")
            return
        below = request.vias[1:]
        asked = self._received.get((below[0].branch or "", request.method)) if below else None
        if asked is None:
            self._must(False, "16.6", request, "forwards nothing that came")
            return
        self.forwarded += 1
        self._branches[key] = request
        self._must(below[0].sent_by == asked.top_via.sent_by, "16.6 item 8", request, "the Via below ours")
        self._must(below[1:] == asked.vias[1:], "16.6 item 8", request, "Vias")
        self._must(request.max_forwards == (asked.max_forwards or 71) - 1, "16.6 item 3", request, "Max-Forwards")
        self._must(request.body == asked.body, "16.6 item 1", request, "the body")
        self._must(_kept(request) == _kept(asked), "16.6 item 1", request, "other header fields")
        for name in ADDED:
            left = request.headers.get_all(name)
            kept = [value for value in left if value in asked.headers.get_all(name)]
            self._must(kept == asked.headers.get_all(name), "16.6 item 1", request, name)
        theirs, ours = asked.headers.get_all("Record-Route"), request.headers.get_all("Record-Route")
        self._must(ours[len(ours) - len(theirs) :] == theirs, "16.6 item 4", request, "Record-Route")

    def _check_response(self, key: Key, response: Response, data: bytes) -> None:
        asked = self._received.get(key)
        if asked is None:
            self._must(False, "16.7 item 3", response, "to nothing")
            return
        vias = [(via.sent_by, via.branch) for via in response.vias]
        self._must(vias == [(via.sent_by, via.branch) for via in asked.vias], "16.7 item 9", response, "Vias")
        for name in ("From", "Call-ID", "CSeq"):
            self._must(response.headers.get(name) == asked.headers.get(name), "8.2.6.2", response, name)
        if response.status == 100:
            self._must(response.to.tag == asked.to.tag, "16.7 item 5", response, "a 100 of somebody else")
        if response.status in (401, 407):
            self._must(asked.method not in ("ACK", "CANCEL"), "22.1", response, "challenged")
        if response.status >= 300:
            self._must(self._failed.setdefault(key, data) == data, "16.7 item 6", response, "a second failure")


def _kept(request: Request) -> list[tuple[str, str]]:
    return [item for item in request.headers.items() if item[0] not in TOUCHED and item[0] not in ADDED]
