"""What an example of a flow is, and how its performance becomes a ladder."""

from collections.abc import Callable, Sequence

from device.demo.ladder import LadderMessage, LadderNote, LadderRow, draw_svg
from device.exchange.accounting import Accounted
from device.exchange.exchange_events import BindingsChanged
from device.exchange_model import AccountingRecord, CallDetail
from device.records import dataclass
from device.sip.events import CallEnded, CallEstablished, IncomingCall, RegistrationChanged
from device.sip.message import Request
from device.sip.parser import parse_message
from tests.scenarios.flows.network import Carried
from tests.scenarios.flows.rfc3665 import Play
from tests.support.processes import ROOT

FOLDER = ROOT / "docs" / "flows"
STEPS = ROOT / "tests" / "vectors" / "textbook"


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody would say of the moment."""

    at: float
    place: str
    text: str


class Performance:
    """A play of which everything is noted that a picture wants to tell."""

    def __init__(self, play: Play) -> None:
        self.play = play
        self.notes: list[Note] = []
        for person in play.people:
            self._listen(person.station, person.name, _said_by_person)
        for proxy in play.proxies:
            self._listen(proxy.station, proxy.name, _said_by_exchange)

    def _listen(self, station, name: str, words: Callable[[object], str]) -> None:
        told = station.on_event

        def tell(event: object, now: float) -> None:
            text = words(event)
            if text:
                self.notes.append(Note(now, name, text))
            told(event, now)

        station.on_event = tell


def _said_by_person(event: object) -> str:
    match event:
        case IncomingCall():
            return "is called"
        case CallEstablished():
            return "talks"
        case CallEnded(_, cause):
            return f"call over: {cause.status} {cause.text}".strip() if cause.status else "call over"
        case RegistrationChanged(_, state, _) if state.value in ("registered", "unregistered"):
            return state.value
    return ""


def _said_by_exchange(event: object) -> str:
    match event:
        case BindingsChanged(aor, bindings):
            where = ", ".join(binding.contact.partition("@")[2] for binding in bindings)
            return f"{aor.removeprefix('sip:')}: {where or 'nowhere'}"
        case Accounted(record, call):
            return _record_in_words(record, call)
    return ""


def _record_in_words(record: AccountingRecord | None, call: CallDetail | None) -> str:
    """What is written down of a registration, of a call that is answered or refused, and of its end."""
    if record is None:
        return ""
    if call is None:
        return f"record: {record.method} {record.sip_code}"
    if not call.ended_at:
        return f"record: set up, answered after {call.answered_at - call.set_up_at:.1f} s"
    if not call.answered_at:
        return f"record: set up, ended after {call.ended_at - call.set_up_at:.1f} s, {call.cause}"
    return f"record: talked {call.duration_s:.1f} s, {call.cause} by the {call.ended_by}"


@dataclass(frozen=True, slots=True)
class Example:
    """A flow: `perform` plays it, and of what happens between two times the picture is made.

    `lifelines` are the names of who takes part and what stands over them.
    """

    name: str
    title: str
    about: str
    lifelines: dict[str, str]
    perform: Callable[[], Performance]
    between: tuple[float, float] = (0.0, 1e9)

    def rungs(self, performance: Performance) -> list[str]:
        """The messages of the performance, one a line."""
        return [str(carried) for carried in self._wire(performance)]

    def expected(self) -> list[str]:
        """The messages that we expect."""
        return (STEPS / f"{self.name}.txt").read_text().splitlines()

    def picture(self, performance: Performance) -> str:
        """The ladder of the performance."""
        return draw_svg(self.title, list(self.lifelines.values()), self.rows(performance))

    def rows(self, performance: Performance) -> list[LadderRow]:
        """Messages and notes in the order of time, which begins with the first."""
        rows: list[LadderRow] = [
            LadderMessage(carried.at, self._shown(carried.source), self._shown(carried.target), label_of(carried))
            for carried in self._wire(performance)
        ]
        first, last = self.between
        told = [note for carried in self._wire(performance) for note in told_on_the_way(carried)]
        notes = [one for one in (*performance.notes, *told) if first <= one.at <= last and one.place in self.lifelines]
        rows += [LadderNote(one.at, self._shown(one.place), one.text) for one in notes]
        rows.sort(key=lambda row: row.at)
        began = rows[0].at
        return [_since(row, began) for row in rows]

    def _shown(self, name: str) -> str:
        return self.lifelines[name]

    def _wire(self, performance: Performance) -> list[Carried]:
        first, last = self.between
        return [carried for carried in performance.play.network.wire if first <= carried.at <= last]


def told_on_the_way(carried: Carried) -> list[Note]:
    """What an exchange has put into an INVITE for whom it calls instead, or for the bell."""
    message = parse_message(carried.data)
    if not isinstance(message, Request) or message.method != "INVITE":
        return []
    found = []
    for value in message.headers.get_all("Diversion"):
        uri, _, params = value.partition(">")
        reason = params.partition(";reason=")[2].partition(";")[0]
        found.append(Note(carried.at, carried.source, f"Diversion: {uri.strip('<').removeprefix('sip:')}, {reason}"))
    for value in message.headers.get_all("Alert-Info"):
        found.append(Note(carried.at, carried.source, f"Alert-Info: {value.partition(';')[2]}"))
    return found


def label_of(carried: Carried) -> str:
    """What stands on the arrow of a message: its first line, shortened to what tells it from others."""
    message = parse_message(carried.data)
    sdp = " (SDP)" if message.body else ""
    if not isinstance(message, Request):
        of = "" if message.cseq.method == "INVITE" else f" ({message.cseq.method})"
        return f"{message.status} {message.reason}{of}{sdp}"
    where = ""
    if message.method in ("INVITE", "REGISTER"):
        where = f" {message.uri.user}@{message.uri.host}" if message.uri.user else f" {message.uri.host}"
    expires = message.headers.get("Expires")
    transport = _transport_of(message)
    lifetime = f", Expires: {expires}" if message.method == "REGISTER" and expires is not None else ""
    has_proof = "Authorization" in message.headers or "Proxy-Authorization" in message.headers
    proof = ", digest" if has_proof and message.method != "ACK" else ""
    return f"{message.method}{where}{lifetime}{proof}{sdp}{transport}"


def _transport_of(request: Request) -> str:
    """By which transport a request goes, where that is not UDP."""
    name = request.top_via.transport
    return "" if name == "UDP" else f" over {name}"


INTRODUCTION = """\
# The flows that everybody draws

Each picture is drawn by a run: telephones and exchanges of this project play the flow in virtual time, and
`firmware_scripts/draw-flows` draws what went over the wire. `tests/scenarios/test_textbook.py` plays them again and
compares; `tests/interop/test_textbook.py` plays them with SIPp, baresip and our telephone as programs of their own.
"""


def page(examples: Sequence["Example"]) -> str:
    """docs/flows/README.md: every picture with what it shows."""
    parts = [INTRODUCTION, "| flow | what it shows |\n|---|---|"]
    parts[-1] += "".join(f"\n| [{one.title}](#{one.name}) | {one.about} |" for one in examples)
    parts += [
        f'<a id="{one.name}"></a>\n\n## {one.title}\n\n{one.about}\n\n![{one.title}]({one.name}.svg)'
        for one in examples
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _since(row: LadderRow, began: float) -> LadderRow:
    if isinstance(row, LadderMessage):
        return LadderMessage(row.at - began, row.source, row.target, row.label)
    return LadderNote(row.at - began, row.place, row.text)
