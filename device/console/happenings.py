"""Events of the phone as lines for a person: happenings, SIP messages, edges of GPIO lines. Pure."""

import re
import time
from collections.abc import Mapping
from itertools import pairwise

from device.annotations import Any
from device.console.call_report import live_score
from device.console.layout import duration, shown
from device.control.client import DaemonEvent

CSEQ = re.compile(r"^CSeq\s*:\s*(.*?)\s*$", re.IGNORECASE | re.MULTILINE)
CALL_ID = re.compile(r"^(?:Call-ID|i)\s*:\s*(.*?)\s*$", re.IGNORECASE | re.MULTILINE)

LADDER_COLUMNS = 22
"""Room for the name of the peer in a ladder."""


def clock(at: float) -> str:
    """The time of the day, with milliseconds."""
    return time.strftime("%H:%M:%S", time.localtime(at)) + f".{int(at % 1 * 1000):03d}"


def event_line(event: DaemonEvent) -> str:
    """One event in one line: its topic, then what it says as name=value; the text of SIP messages is left out."""
    values = {name: value for name, value in event.params.items() if not (event.topic == "sip" and name == "text")}
    return " ".join([event.topic, *(f"{name}={shown(value)}" for name, value in values.items())])


def sentence(event: DaemonEvent) -> str:
    """One event as a sentence; what has none is told by its values."""
    said = event.params
    if event.topic == "phone":
        return f"phone: {said.get('state')} (was {said.get('previous') or 'starting'})"
    if event.topic == "registration":
        return f"account {said.get('account')}: {_registration(said)}"
    if event.topic == "call":
        return f"call {said.get('call')}: {_call(said)}"
    if event.topic == "board":
        return f"line {said.get('line')}: {'active' if said.get('active') else 'inactive'}"
    if event.topic == "desk":
        return f"desk: {desk_words(said)}"
    if event.topic == "config":
        return _commit(said)
    if event.topic == "log":
        return str(said.get("line", ""))
    if event.topic == "sip":
        return f"sip: {message_words(said)}"
    if event.topic == "dns":
        return f"dns: {_look_up(said)}"
    return event_line(event)


def _look_up(said: Mapping[str, Any]) -> str:
    if "hops" in said:
        return f"found {', '.join(map(str, said['hops'])) or 'nothing'}"
    return (
        f"{said.get('type')} {said.get('name')}: {said.get('fault') or ', '.join(map(str, said.get('records') or ()))}"
    )


def _registration(said: Mapping[str, Any]) -> str:
    words = [str(said.get("state"))]
    if said.get("status"):
        words.append(f"({said['status']} {said.get('text', '')})".replace(" )", ")"))
    elif said.get("text"):
        words.append(f"({said['text']})")
    if said.get("state") == "registered" and said.get("expires_s"):
        words.append(f"for {duration(said['expires_s'])}")
    if said.get("next_attempt_s"):
        words.append(f"next attempt in {duration(said['next_attempt_s'])}")
    return " ".join(words)


def _call(said: Mapping[str, Any]) -> str:
    words = [str(said.get("event"))]
    if said.get("remote"):
        words.append(("to " if said.get("direction") == "out" else "from ") + str(said["remote"]))
    if said.get("status") or said.get("text"):
        words.append(f"({said.get('status') or ''} {said.get('text') or ''})".replace("( ", "(").replace(" )", ")"))
    return " ".join(words)


def _commit(said: Mapping[str, Any]) -> str:
    what = ", ".join(map(str, said.get("changed") or ())) or "nothing"
    comment = f" ({said['comment']})" if said.get("comment") else ""
    if said.get("event") == "taken-back":
        return f"commit {said.get('number')} was taken back, since it was not confirmed: {what}"
    if said.get("event") == "confirmed":
        return f"{said.get('author')} has confirmed commit {said.get('number')}"
    return f"{said.get('author')} has committed {what}{comment}"


def sound_words(report: Mapping[str, Any]) -> str:
    """The report of a call's sound in one line."""
    received, lost = int(report.get("packets_received") or 0), max(0, int(report.get("packets_lost") or 0))
    share = 100 * lost / max(1, received + lost)
    far_lost, round_trip = report.get("remote_lost"), report.get("round_trip_ms")
    return (
        f"{report.get('codec')} in {received} lost {lost} ({share:.1f} %) late {report.get('packets_late')}"
        f" concealed {report.get('frames_concealed')} jitter {report.get('jitter_ms')} ms"
        f" buffer {report.get('buffer_ms')} ms | out {report.get('packets_sent')}"
        f" lost {'?' if far_lost is None else far_lost}"
        f" round trip {'?' if round_trip is None else f'{round_trip} ms'} | MOS {live_score(report)}"
    )


def options_words(answer: Mapping[str, Any]) -> str:
    """What came of one OPTIONS."""
    milliseconds = 1000 * float(answer.get("seconds") or 0.0)
    if not answer.get("status"):
        return f"no answer: {answer.get('text')} (after {milliseconds:.0f} ms)"
    software = f" from {answer['software']}" if answer.get("software") else ""
    return f"{answer['status']} {answer.get('text')}{software} in {milliseconds:.1f} ms"


def desk_words(said: Mapping[str, Any]) -> str:
    """What a person at the desk did."""
    name = said.get("name", "")
    return {
        "HookLifted": "handset lifted",
        "HookReplaced": "handset back",
        "HookFlashed": "hook flash",
        "DigitDialled": f"digit {name}",
        "ButtonPressed": f"button {name}",
        "DialStarted": "the dial left its rest",
    }.get(str(said.get("event")), shown(said.get("event")))


def message_words(message: Mapping[str, Any]) -> str:
    """What a SIP message is: its first line, for a response with what it answers."""
    what = str(message.get("first_line", ""))
    if what.startswith("SIP/2.0") and (found := CSEQ.search(str(message.get("text", "")))):
        return f"{what.removeprefix('SIP/2.0 ')} ({found[1]})"
    return what


def message_line(message: Mapping[str, Any], at: float) -> str:
    """One SIP message in one line: when, which way, with whom, what."""
    arrow = "<-" if message.get("direction") == "in" else "->"
    return f"{clock(at)} {arrow} {message.get('peer', '')}  {message_words(message)}"


def ladder_line(message: Mapping[str, Any], at: float, columns: int) -> str:
    """One SIP message as a rung: the phone on the left, its peer on the right."""
    arrow = "<------" if message.get("direction") == "in" else "------>"
    rung = f"{clock(at)} phone {arrow} {message.get('peer', '')!s:<{LADDER_COLUMNS}} "
    what = message_words(message).removesuffix(" SIP/2.0")
    room = columns - 1 - len(rung)
    return rung + (what if len(what) <= room else what[: max(0, room - 3)] + "...")


def is_about(message: Mapping[str, Any], wanted: str) -> bool:
    """Whether a SIP message is of a method, of a call (by a part of its Call-ID), or names somebody."""
    if not wanted:
        return True
    text = str(message.get("text", ""))
    cseq, call_id = CSEQ.search(text), CALL_ID.search(text)
    if cseq is not None and cseq[1].split()[-1:] == [wanted.upper()]:
        return True
    if call_id is not None and wanted in call_id[1]:
        return True
    head = text.partition("\r\n\r\n")[0]
    people = [line for line in head.splitlines() if line.lower().startswith(("from", "to", "f:", "t:"))]
    return any(wanted in line for line in [head.partition("\r\n")[0], *people])


class EdgePicture:
    """The edges of GPIO lines as a small timing picture: the last levels of each, the longer the wider."""

    KEPT = 12
    """Levels of a line that the picture shows."""

    def __init__(self) -> None:
        self._edges: dict[str, list[tuple[float, bool]]] = {}

    def edge(self, line: str, active: bool, at: float) -> str:
        """A line has changed at so many seconds; its picture, and how long the level before it has stood."""
        edges = self._edges.setdefault(line, [])
        stood = f"after {_short(at - edges[-1][0])}" if edges else ""
        edges.append((at, active))
        del edges[: -self.KEPT]
        drawn = "".join(
            ("~" if level else "_") * _width(until - since) for (since, level), (until, _) in pairwise(edges)
        )
        before = "" if len(edges) > 1 else "_" if active else "~"
        return f"{line:<12} {before}{drawn}{'~' if active else '_'}  {'on' if active else 'off'} {stood}".rstrip()


def _width(seconds: float) -> int:
    """Columns for a level: one for a bounce, more for what a person would call short, long, very long."""
    return 1 + sum(seconds >= limit for limit in (0.01, 0.03, 0.1, 0.5, 2.0))


def _short(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"
