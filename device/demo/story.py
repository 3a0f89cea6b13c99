"""The scripted call: 1001 lifts, dials, 1002 rings and answers, both speak, 1001 hangs up; then the figures."""

import time
from collections.abc import Callable
from pathlib import Path

from device.control.client import DaemonEvent
from device.demo.ladder import LadderMessage, LadderNote, LadderRow, draw_svg, draw_text
from device.demo.measure import Likeness, Recording, compare, read_wav
from device.demo.system import HOST, DemoError, DemoPhone, DemoSystem
from device.media.pcm import peak
from device.records import dataclass

EXCHANGE = "exchange"
TALK_S = 8.0
RING_S = 2.5
TONE_S = 1.5
GOOD_CORRELATION = 0.9
SETTLE_S = 0.7
"""Speech is compared from so long after the answer: the jitter buffer has found its depth then."""

PERIOD_S = 0.02
"""A period of the audio thread, in seconds."""

AUDIBLE = 500
"""A peak of less than this, of 32768, is no dial tone."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class CallResult:
    """What the story found out."""

    setup_ms: float
    """From the last digit's key press to connected, the time that 1002 rang included."""
    post_dial_ms: float
    """From the INVITE leaving 1001 to its ringback."""
    likeness: dict[str, Likeness]
    """By the number of the phone that listened."""
    reports: dict[str, dict[str, object]]
    """The RTP figures by phone."""

    def faults(self) -> list[str]:
        """What was not as it should be, in words."""
        found = [
            f"{number} did not hear the other side well: correlation {like.correlation:.3f}"
            for number, like in self.likeness.items()
            if like.correlation < GOOD_CORRELATION
        ]
        for number in self.likeness:
            if number not in self.reports:
                found.append(f"{number} gave no RTP figures")
        return found


class Story:
    """Plays the call on a running `DemoSystem` and says what happens as it happens."""

    def __init__(self, system: DemoSystem, say: Say) -> None:
        self.system = system
        self._say = say
        self._caller = system.phones["1001"]
        self._callee = system.phones["1002"]
        self.began = time.monotonic()

    def play(self) -> CallResult:
        """Play the whole call; raises DemoError where it does not go on."""
        caller, callee, system = self._caller, self._callee, self.system
        self.began = time.monotonic()
        self._tell("1001 lifts the handset")
        caller.client.call("board.lift")
        self._until(caller, "dial-tone", "1001 hears dial tone")
        system.listen(TONE_S)
        self._check_dial_tone()
        self._tell("1001 dials 1002 on its keypad")
        dialled_at = time.monotonic()
        caller.client.call("board.press", digits="1002")
        caller.client.call("board.press", digits="#")
        self._until(callee, "alerting", "1002 rings: its ringer line follows the cadence")
        self._until(caller, "ringback", "1001 hears ringback")
        system.listen(RING_S)
        self._check_ringer()
        self._tell("1002 lifts the handset")
        callee.client.call("board.lift")
        self._until(callee, "connected", "1002 is connected")
        self._until(caller, "connected", "1001 is connected")
        answered_at = time.monotonic()
        self._tell(f"both speak for {TALK_S:.0f} s, at once: {caller.microphone.name} and {callee.microphone.name}")
        system.listen(TALK_S)
        opened = {phone.number: phone.status()["audio"] for phone in (caller, callee)}
        talked_until = time.monotonic()
        self._tell("1001 hangs up")
        caller.client.call("board.replace")
        self._until(caller, "idle", "1001 is idle, BYE has been sent")
        self._until(callee, "busy-tone", "1002 hears busy tone")
        system.listen(0.5)
        self._tell("1002 hangs up")
        callee.client.call("board.replace")
        self._until(callee, "idle", "1002 is idle")
        system.listen(0.5)
        return CallResult(
            setup_ms=(answered_at - dialled_at) * 1000,
            post_dial_ms=self._post_dial_ms(),
            likeness={
                "1001": self._compare(callee, caller, opened, answered_at, talked_until),
                "1002": self._compare(caller, callee, opened, answered_at, talked_until),
            },
            reports={phone.number: report for phone in (caller, callee) if (report := _last_report(phone))},
        )

    def _tell(self, text: str) -> None:
        self._say(f"{time.monotonic() - self.began:6.2f} s  {text}")

    def _until(self, phone: DemoPhone, state: str, text: str) -> None:
        self.system.wait(f"phone {phone.number} to be {state}", lambda: _was(phone, state, self.began))
        self._tell(f"{text}   [1001 {self._caller.state}, 1002 {self._callee.state}]")

    def _check_dial_tone(self) -> None:
        tone = read_wav(self._caller.heard, 0.0)
        if peak(tone.pcm) < AUDIBLE:
            raise DemoError(f"no dial tone in {self._caller.heard}")

    def _check_ringer(self) -> None:
        lines = {line["name"]: line for line in _board(self._callee)["lines"]}  # type: ignore[attr-defined]
        self._tell(f"1002's lines now: {', '.join(name for name, line in lines.items() if line['active']) or 'none'}")

    def _compare(
        self, speaker: DemoPhone, listener: DemoPhone, opened: dict[str, dict[str, object]], start: float, end: float
    ) -> Likeness:
        said_from = float(str(opened[speaker.number]["opened_at"]))
        heard_before_s = PERIOD_S * int(str(opened[listener.number]["periods_before"]))
        heard_from = float(str(opened[listener.number]["opened_at"])) - heard_before_s
        said: Recording = read_wav(speaker.microphone, said_from)
        heard = read_wav(listener.heard, heard_from)
        return compare(said, heard, start + SETTLE_S, end)

    def _post_dial_ms(self) -> float:
        messages = [event.params for _, event in self._caller.events if event.topic == "sip"]
        sent = [m for m in messages if m["direction"] == "out" and str(m["text"]).startswith("INVITE ")]
        rang = [m for m in messages if m["direction"] == "in" and str(m["text"]).startswith("SIP/2.0 180")]
        return (float(str(rang[-1]["at"])) - float(str(sent[0]["at"]))) * 1000 if sent and rang else 0.0


def _was(phone: DemoPhone, state: str, since: float) -> bool:
    """Whether the phone is in `state`, or has been in it since `since` (a call may pass through it quickly)."""
    return phone.state == state or any(
        at >= since and event.topic == "phone" and event.params["state"] == state for at, event in phone.events[-6:]
    )


def _board(phone: DemoPhone) -> dict[str, object]:
    return phone.status()["board"]


def _last_report(phone: DemoPhone) -> dict[str, object]:
    reports = [event.params for _, event in phone.events if event.topic == "audio" and event.params.get("report")]
    return reports[-1]["report"] if reports else {}  # type: ignore[return-value]  # a StreamReport as JSON


def show_result(result: CallResult, say: Say) -> None:
    """Print the figures as a small table."""
    say("")
    say("Result of the call")
    say(f"  INVITE to 180 at the caller: {result.post_dial_ms:.1f} ms")
    say(f"  first key to conversation, dialling and {RING_S:.1f} s of ringing included: {result.setup_ms:.0f} ms")
    say("  phone  heard the other side as                  sent  received  lost  jitter   round trip, to 20 ms")
    for number, like in result.likeness.items():
        report = result.reports.get(number, {})
        trip = report.get("round_trip_ms")
        say(
            f"  {number}   correlation {like.correlation:.3f}, {like.delay_s * 1000:4.0f} ms later, "
            f"gain {like.gain:4.2f}"
            f"  {report.get('packets_sent', '-'):>9}  {report.get('packets_received', '-'):>8}"
            f"  {report.get('packets_lost', '-'):>4}  {float(str(report.get('jitter_ms', 0))):3.1f} ms"
            f"   {'-' if trip is None else f'{float(str(trip)):.1f} ms'}"
        )


def draw(story: Story, folder: Path, say: Say) -> Path:
    """Show the call's SIP messages in the terminal and leave the same picture as SVG; answers where."""
    rows = ladder_rows(story.system, story.began)
    lifelines = ["phone 1001", EXCHANGE, "phone 1002"]
    say("")
    for line in draw_text(lifelines, rows):
        say(line)
    path = folder / "call.svg"
    path.write_text(draw_svg("A call from 1001 to 1002 through the embedded exchange", lifelines, rows))
    return path


def ladder_rows(system: DemoSystem, since: float) -> list[LadderRow]:
    """Every message between the phones and the exchange, and every state of the phones, from `since` (monotonic)."""
    wall_offset = time.time() - time.monotonic()
    zero = since + wall_offset
    rows = [_row(phone, event, wall_offset) for phone in system.phones.values() for _, event in phone.events]
    ours: list[LadderRow] = [row for row in rows if row is not None and row.at >= zero]
    return [_shifted(row, zero) for row in sorted(ours, key=_moment)]


def _moment(row: LadderRow) -> float:
    return row.at


def _row(phone: DemoPhone, event: DaemonEvent, wall_offset: float) -> LadderRow | None:
    place = f"phone {phone.number}"
    if event.topic == "sip":
        ends = (place, EXCHANGE) if event.params["direction"] == "out" else (EXCHANGE, place)
        return LadderMessage(float(str(event.params["at"])), *ends, _label(str(event.params["text"])))
    if event.topic == "phone" and event.params.get("previous"):
        return LadderNote(float(str(event.params["at"])) + wall_offset, place, str(event.params["state"]))
    return None


def _label(text: str) -> str:
    first_line, _, rest = text.partition("\r\n")
    words = first_line.split(" ")
    label = " ".join(words[1:]) if words[0].startswith("SIP/") else words[0]
    return label + (" (SDP)" if "application/sdp" in rest else "")


def _shifted(row: LadderRow, zero: float) -> LadderRow:
    if isinstance(row, LadderMessage):
        return LadderMessage(row.at - zero, row.source, row.target, row.label)
    return LadderNote(row.at - zero, row.place, row.text)


def introduce(system: DemoSystem, say: Say) -> None:
    """Tell the reader what runs where."""
    say(f"An exchange listens at {HOST}:{system.port}; two phones are registered at it:")
    for phone in system.phones.values():
        say(
            f"  {phone.number} at {HOST}:{phone.port}, process {phone.process.pid}, simulated board, "
            f"microphone {phone.microphone.name}"
        )
    say("")
