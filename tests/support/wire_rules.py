"""What RFC 3261 asks of every message that a user agent sends, checked on the wire while it sends them."""

from math import inf

from device.sip.endpoint import SipEndpoint
from device.sip.hop import Hop
from device.sip.message import Request, Response
from device.sip.parser import parse_message

WITH_CONTACT = ("INVITE", "UPDATE", "SUBSCRIBE", "REFER")
EXPLAINED = {405: ("Allow",), 415: ("Accept", "Accept-Encoding"), 420: ("Unsupported",), 423: ("Min-Expires",)}
"""Statuses and the header fields of which one must be there (section 21)."""
LATE_TRYING_S = 3.5
ACK_WAIT_S = TIMER_B_S = 32.0
SLACK_S = 0.3
"""What is due is done so much later at the most, since the people of a bench look at their plans that often."""

Key = tuple[str, str]
"""Branch and method."""


class WireRules:
    """Watches one endpoint; `faults` names every message that breaks a rule, with the section."""

    def __init__(self, endpoint: SipEndpoint) -> None:
        self.faults: list[str] = []
        self.messages = 0
        self._sent: dict[Key, tuple[Request, bytes]] = {}
        self._sent_at: dict[Key, float] = {}
        self._answers_in: dict[Key, list[Response]] = {}
        self._received: dict[Key, tuple[Request, float]] = {}
        self._answers_out: dict[Key, list[tuple[Response, bytes, float]]] = {}
        self._sequence: dict[tuple[str, str, str], tuple[int, bytes]] = {}
        endpoint.on_trace = self._trace

    def _trace(self, direction: str, data: bytes, _hop: Hop, now: float) -> None:
        message = parse_message(data)
        key = (message.top_via.branch or "", message.cseq.method)
        self.messages += 1
        if direction == "in":
            if isinstance(message, Request):
                self._received.setdefault(key, (message, now))
            elif now < self._given_up_at(key):
                self._answers_in.setdefault(key, []).append(message)
        elif isinstance(message, Request):
            self._check_request(key, message, data, now)
        else:
            self._check_response(key, message, data, now)

    def _given_up_at(self, key: Key) -> float:
        """When a request that nobody answered is forgotten: Timers B and F."""
        if key not in self._sent or self._answers_in.get(key):
            return inf
        return self._sent_at[key] + TIMER_B_S

    def _must(self, holds: bool, section: str, message: Request | Response, what: str) -> None:
        if not holds:
            self.faults.append(f"{section}: {message!r} {message.headers.get('CSeq')}: {what}")

    # Requests.

    def _check_request(self, key: Key, request: Request, data: bytes, now: float) -> None:
        if key in self._sent:
            self._must(data == self._sent[key][1], "17.1", request, "a retransmission differs")
            return
        self._sent[key] = (request, data)
        self._sent_at[key] = now
        self._must(len(request.headers.get_all("Via")) == 1, "8.1.1.7", request, "not one Via")
        self._must(key[0].startswith("z9hG4bK"), "8.1.1.7", request, "a branch without cookie")
        self._must(request.cseq.method == request.method, "8.1.1.5", request, "CSeq names another method")
        self._must(request.max_forwards == 70, "8.1.1.6", request, "Max-Forwards")
        self._must(bool(request.from_.tag), "8.1.1.3", request, "no From tag")
        self._check_body(request)
        if request.method in WITH_CONTACT:
            self._must(len(request.contacts) == 1, "8.1.1.8", request, "not one Contact")
        if request.method == "ACK":
            self._check_ack(key, request)
        elif request.method == "CANCEL":
            self._check_cancel(key, request)
        else:
            self._check_sequence(request)
        if request.method == "INVITE" and request.to.tag:
            self._must(not self._open_invites(request, now), "14.1", request, "another INVITE is under way")
        if request.method == "BYE":
            self._check_bye(request, now)

    def _check_body(self, message: Request | Response) -> None:
        self._must(message.headers.get("Content-Length") == str(len(message.body)), "20.14", message, "length")
        self._must(bool(message.body) == (message.content_type is not None), "20.15", message, "body and type")

    def _check_ack(self, key: Key, ack: Request) -> None:
        invite = self._sent.get((key[0], "INVITE"))
        same = [one for one, _ in self._sent.values() if one.method == "INVITE" and _same_call(one, ack)]
        if invite is None:
            got = [answer for found in self._answers_in.values() for answer in found if answer.cseq == _invite(ack)]
            tags = {answer.to.tag for answer in got if answer.status < 300 and answer.call_id == ack.call_id}
            self._must(any(one.cseq.number == ack.cseq.number for one in same), "13.2.2.4", ack, "of no INVITE")
            self._must(ack.to.tag in tags, "13.2.2.4", ack, "of no 2xx")
            return
        finals = [answer for answer in self._answers_in.get((key[0], "INVITE"), ()) if answer.status >= 300]
        self._must(bool(finals), "17.1.1.3", ack, "of no failure")
        if finals:
            self._must(ack.headers.get("To") == finals[0].headers.get("To"), "17.1.1.3", ack, "To")
        for name in ("Via", "From", "Call-ID", "Route"):
            self._must(ack.headers.get(name) == invite[0].headers.get(name), "17.1.1.3", ack, name)
        self._must(ack.uri_text == invite[0].uri_text and not ack.body, "17.1.1.3", ack, "Request-URI or body")

    def _check_cancel(self, key: Key, cancel: Request) -> None:
        invite = self._sent.get((key[0], "INVITE"))
        answers = [answer.status for answer in self._answers_in.get((key[0], "INVITE"), ())]
        self._must(invite is not None, "9.1", cancel, "of nothing")
        self._must(bool(answers), "9.1", cancel, "before a provisional response")
        self._must(all(status < 200 for status in answers), "9.1", cancel, "after the final response")
        if invite is not None:
            for name in ("Via", "From", "To", "Call-ID", "Route"):
                self._must(cancel.headers.get(name) == invite[0].headers.get(name), "9.1", cancel, name)
            self._must(cancel.cseq.number == invite[0].cseq.number, "9.1", cancel, "CSeq")
        self._must(not cancel.headers.get_all("Require"), "9.1", cancel, "Require")

    def _check_sequence(self, request: Request) -> None:
        begun = (request.call_id, request.from_.tag or "", "")
        dialog = (*begun[:2], request.to.tag or "")
        last = self._sequence.get(dialog, self._sequence.get(begun))
        # A request that goes to the next server of a set is the same one (RFC 3263 section 4.3).
        text = b"\r\n".join(line for line in request.encode().split(b"\r\n") if not line.startswith(b"Via:"))
        is_next = last is None or request.cseq.number == last[0] + 1 or text == last[1]
        self._must(is_next, "12.2.1.1", request, f"CSeq after {last[0] if last is not None else None}")
        self._sequence[dialog] = request.cseq.number, text

    def _open_invites(self, request: Request, now: float) -> list[Key]:
        """INVITEs of the same call without final response, in either direction.

        What came in this very moment may have come after `request` was written.
        """
        ours = [key for key, (one, _) in self._sent.items() if key[1] == "INVITE" and one is not request]
        theirs = [key for key, (_, since) in self._received.items() if key[1] == "INVITE" and since < now]
        return [
            *(key for key in ours if _same_call(self._sent[key][0], request) and not _final(self._answers_in, key)),
            *(key for key in theirs if self._received[key][0].call_id == request.call_id and not self._answered(key)),
        ]

    def _answered(self, key: Key) -> list[tuple[Response, bytes, float]]:
        return [one for one in self._answers_out.get(key, ()) if one[0].status >= 200]

    def _check_bye(self, bye: Request, now: float) -> None:
        self._must(bool(bye.to.tag), "15", bye, "outside a dialog")
        for key, (invite, _) in self._received.items():
            first = [at for answer, _, at in self._answered(key) if answer.status < 300]
            if key[1] != "INVITE" or invite.call_id != bye.call_id or invite.to.tag or not first:
                continue
            acknowledged = any(
                one.method == "ACK" and one.call_id == bye.call_id and one.cseq.number == invite.cseq.number
                for one, _ in self._received.values()
            )
            # A later request of theirs shows that they have our 2xx (RFC 5407 section 3.1.4).
            later = any(one.call_id == bye.call_id and one.to.tag for one, _ in self._received.values())
            waited = now >= first[0] + ACK_WAIT_S - SLACK_S
            self._must(acknowledged or later or waited, "15", bye, "of a callee before the ACK")

    # Responses.

    def _check_response(self, key: Key, response: Response, data: bytes, now: float) -> None:
        asked, since = self._received.get(key, (None, 0.0))
        if asked is None:
            self._must(False, "8.2", response, "to nothing")
            return
        earlier = self._answers_out.setdefault(key, [])
        self._must(key[1] != "ACK", "17.2.1", response, "to an ACK")
        for name in ("From", "Call-ID", "CSeq"):
            self._must(response.headers.get(name) == asked.headers.get(name), "8.2.6.2", response, name)
        vias = [(via.sent_by, via.branch) for via in response.vias]
        self._must(vias == [(via.sent_by, via.branch) for via in asked.vias], "8.2.6.2", response, "Vias")
        self._check_tag(asked, response, [one for one, _, _ in earlier])
        finals = [one for one in earlier if one[0].status >= 200]
        self._must(not finals or data == finals[0][1], "17.2", response, "another final response")
        if key[1] != "INVITE" and response.status < 200:
            late = response.status == 100 and now >= since + LATE_TRYING_S
            self._must(late, "8.2.6.1", response, "provisional to another request than INVITE")
        elif 100 < response.status < 300 and key[1] == "INVITE":
            self._must(len(response.contacts) == 1, "12.1.1", response, "not one Contact")
            routes = response.headers.get_all("Record-Route")
            self._must(routes == asked.headers.get_all("Record-Route"), "12.1.1", response, "Record-Route")
        names = EXPLAINED.get(response.status, ())
        self._must(not names or any(name in response.headers for name in names), "21", response, "unexplained")
        self._check_body(response)
        earlier.append((response, data, now))

    def _check_tag(self, asked: Request, response: Response, earlier: list[Response]) -> None:
        if asked.to.tag:
            self._must(response.headers.get("To") == asked.headers.get("To"), "8.2.6.2", response, "To")
        elif response.status > 100:
            tags = {one.to.tag for one in earlier if one.status > 100} | {response.to.tag}
            self._must(len(tags) == 1 and None not in tags, "8.2.6.2", response, f"To tags {tags}")

    # The end.

    def finish(self) -> list[str]:
        """All faults, with those that show only when everything is over: what was left without an answer."""
        for key, (request, _) in self._received.items():
            if key[1] != "ACK":
                self._must(bool(self._answered(key)), "8.2", request, "was never answered")
        acks = [one for one, _ in self._sent.values() if one.method == "ACK"]
        for (_, method), answers in self._answers_in.items():
            for answer in answers:
                if method == "INVITE" and answer.status >= 200:
                    met = any(ack.cseq.number == answer.cseq.number and ack.to.tag == answer.to.tag for ack in acks)
                    self._must(met, "13.2.2.4" if answer.status < 300 else "17.1.1.3", answer, "was never acknowledged")
        return self.faults


def _same_call(one: Request, other: Request) -> bool:
    return (one.call_id, one.from_.tag) == (other.call_id, other.from_.tag)


def _invite(ack: Request) -> object:
    return type(ack.cseq)(ack.cseq.number, "INVITE")


def _final(answers: dict[Key, list[Response]], key: Key) -> bool:
    return any(answer.status >= 200 for answer in answers.get(key, ()))
