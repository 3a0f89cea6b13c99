"""Looking on: events as they come, SIP messages as a ladder, edges of the GPIO lines; each until Ctrl-C."""

import os
from collections.abc import Callable, Generator, Iterable
from contextlib import closing

from device.annotations import TYPE_CHECKING, Any
from device.console.command_table import Argument, Choice, Command, Given
from device.console.happenings import EdgePicture, clock, is_about, ladder_line, options_words, sentence, sound_words
from device.console.shell import Shell
from device.console.steps import AwaitEvent, Dialogue, Pause, Step
from device.control.client import DaemonEvent
from device.control.schema import TOPICS

if TYPE_CHECKING:
    from device.console.capture import Capture

USUAL_TOPICS = [topic for topic in TOPICS if topic not in ("log", "sip", "board")]
PROGRESS_S = 5.0
"""Between two words about a capture that grows."""
LOOK_AGAIN_S = 2.0
"""How often somebody who waits for events is told that there is no phone."""
STOP_WITH = "(Ctrl-C ends this)"


def _follow(shell: Shell, topics: Iterable[str], show: Callable[[DaemonEvent], None]) -> Dialogue:
    """Give every event of the topics to `show` until the person breaks off."""
    with shell.following(*topics):
        shell.say(STOP_WITH)
        while True:
            event = yield AwaitEvent(LOOK_AGAIN_S)
            lost = shell.take_events_lost()
            if lost:
                shell.say(f"({lost} events left out: this line is too slow for all)")
            if event is not None:
                show(event)


def _monitor(shell: Shell, given: Given) -> Dialogue:
    topics = [given["topic"]] if given.get("topic") else USUAL_TOPICS

    def show(event: DaemonEvent) -> None:
        # A line of the log has its own time.
        when = "" if event.topic == "log" else f"{clock(shell.wall_clock())} "
        shell.say(f"{when}{sentence(event)}")

    return _follow(shell, topics, show)


def _topics(_shell: Shell, _given: Given) -> list[Choice]:
    return [(topic, help_text.rpartition("}: ")[2][:60]) for topic, help_text in TOPICS.items()]


def _trace_sip(shell: Shell, given: Given) -> Dialogue:
    return _trace(shell, given.get("filter", ""), full=False)


def _trace_sip_full(shell: Shell, given: Given) -> Dialogue:
    return _trace(shell, given.get("filter", ""), full=True)


def _trace(shell: Shell, wanted: str, full: bool) -> Dialogue:
    def show(event: DaemonEvent) -> None:
        message = event.params
        if not is_about(message, wanted):
            return
        at = message.get("at")
        shell.say(ladder_line(message, at if isinstance(at, float) else shell.wall_clock(), shell.columns))
        if full:
            lines = str(message.get("text", "")).splitlines()
            shell.say_as_it_is(f"    {line.expandtabs()}".rstrip() for line in lines)

    return _follow(shell, ["sip"], show)


def _trace_to_file(shell: Shell, given: Given) -> Dialogue:
    from device.console.capture import Capture  # noqa: PLC0415  # for whoever wants one

    capture = Capture(os.path.join(os.environ.get("STATE_DIRECTORY", ""), given["file"]))
    shell.say(f"writing to {capture.path} {STOP_WITH}")
    try:
        with closing(capture), shell.following("sip"):
            yield from _write_messages(shell, capture, given.get("filter", ""))
    finally:
        shell.say(f"{capture.path}: {capture.words()}; digests of passwords are left out")


def _write_messages(shell: Shell, capture: "Capture", wanted: str) -> Dialogue:
    """Little is said meanwhile, so that no message waits for a slow line."""
    told, told_at = 0, shell.wall_clock()
    while True:
        event = yield AwaitEvent(LOOK_AGAIN_S)
        if event is not None and event.topic == "sip" and is_about(event.params, wanted):
            capture.write(event.params)
        lost = shell.take_events_lost()
        if lost:
            shell.say(f"({lost} messages left out: they came too quickly)")
        now = shell.wall_clock()
        if capture.messages != told and now >= told_at + PROGRESS_S:
            told, told_at = capture.messages, now
            shell.say(f"{clock(now)} {capture.words()}")


def _trace_gpio(shell: Shell, given: Given) -> Dialogue:
    wanted, picture = given.get("line"), EdgePicture()

    def show(event: DaemonEvent) -> None:
        line, at = str(event.params.get("line")), event.params.get("at")
        if wanted not in (None, line) or not isinstance(at, (int, float)):
            return
        drawn = picture.edge(line, bool(event.params.get("active")), float(at))
        shell.say(f"{clock(shell.wall_clock())} {drawn}")

    return _follow(shell, ["board"], show)


def _meter(shell: Shell, _given: Given) -> Dialogue:
    if not shell.ask("call.list")["calls"]:
        shell.say("there is no call now; it begins with the next one (`test mic` measures the microphone without one)")

    def show(event: DaemonEvent) -> None:
        report = event.params.get("report")
        if isinstance(report, dict):
            shell.say(f"{clock(shell.wall_clock())} {sound_words(report)}")

    return _follow(shell, ["audio"], show)


PINGS = 4
PING_PAUSE_S = 1.0
PING_PATIENCE_S = 34.0
"""A little longer than Timer F of RFC 3261."""


def _ping_answer(query: object) -> AwaitEvent:
    return AwaitEvent(PING_PATIENCE_S, lambda event: event.params.get("name") == query, is_brief=True)


def _options(shell: Shell, given: Given) -> Generator[Step, Any, bool]:
    times: list[float] = []
    told = False
    with shell.following("options"):
        for number in range(PINGS):
            query = shell.ask("options.send", target=given["target"])["query"]
            event = yield _ping_answer(query)
            if event is None:
                shell.say("no answer, nor a word that there is none")
                return False
            answer = event.params
            shell.say(options_words(answer))
            if answer["status"]:
                times.append(float(answer["seconds"]))
                if not told:
                    told = True
                    shell.say(*(f"  {name}: {value}" for name, value in dict(answer["abilities"]).items()))
            if number + 1 < PINGS:
                yield Pause(PING_PAUSE_S)
    if times:
        least, most = 1000 * min(times), 1000 * max(times)
        shell.say(f"{len(times)} of {PINGS} answered, {least:.0f} to {most:.0f} ms")
    else:
        shell.say("nobody answered: `why` looks at the network, `trace sip` at what passes")
    return bool(times)


def _input_lines(shell: Shell, _given: Given) -> list[Choice]:
    lines = shell.ask("board.show")["lines"]
    return [(line["name"], f"{line['chip']} {line['line']}") for line in lines if line["direction"] == "in"]


_FILTER = Argument("filter", "a method, a part of a Call-ID, or a number", optional=True)

COMMANDS = (
    Command(
        "monitor",
        "what happens, as it happens",
        _monitor,
        (Argument("topic", "one kind of events", optional=True, choices=_topics, only=True),),
        monitor=True,
        example="monitor call",
    ),
    Command(
        "trace sip",
        "SIP messages as a ladder, one line each",
        _trace_sip,
        (_FILTER,),
        monitor=True,
        example="trace sip REGISTER",
    ),
    Command(
        "trace sip file",
        "write SIP messages to a capture file for Wireshark, without secrets",
        _trace_to_file,
        (Argument("file", "its name; without a folder it is kept with the phone's store"), _FILTER),
        example="trace sip file night.pcap INVITE",
    ),
    Command("trace full", "SIP messages with all their lines", _trace_sip_full, (_FILTER,), monitor=True),
    Command(
        "options",
        "ask a SIP address four times whether it is there, how quickly, and what it can do",
        _options,
        (Argument("target", "a number or a SIP address"),),
        example="options sip:pbx.example.com",
    ),
    Command(
        "meter",
        "the sound of a call every second: packets, loss, jitter, delay of the buffer, scores",
        _meter,
        monitor=True,
    ),
    Command(
        "trace gpio",
        "edges of the board's inputs, drawn",
        _trace_gpio,
        (Argument("line", "one line", optional=True, choices=_input_lines, only=True),),
        monitor=True,
        example="trace gpio hook",
    ),
)
