"""Looking on while the daemon works: its log, its SIP messages and its events, until Ctrl-C."""

import time
from argparse import ArgumentParser, Namespace
from contextlib import closing

from device.cli_commands.command import EXIT_OK, Command, Session, UsageError
from device.console.errors import ConsoleError
from device.console.happenings import clock, event_line, is_about, message_line
from device.control.schema import TOPICS


def _log_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("-n", "--lines", metavar="N", type=int, default=50, help="start with the last N lines (50)")
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what comes, until Ctrl-C")


def _log(session: Session, given: Namespace) -> int:
    if given.follow:
        session.client.subscribe(["log"])
    result = session.ask("log.tail", lines=given.lines)
    # What came between the two calls is among the last lines already.
    session.client.forget_events()
    if session.output.as_json and not given.follow:
        return session.answer(result)
    for line in result["lines"]:
        _show_log_line(session, line)
    if given.follow:
        for event in session.client.events():
            _show_log_line(session, str(event.params.get("line", "")))
    return EXIT_OK


def _show_log_line(session: Session, line: str) -> None:
    if session.output.as_json:
        session.output.json({"line": line})
    else:
        session.output.text(line)


def _trace_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "filter", metavar="FILTER", nargs="?", default="", help="a method, a part of a Call-ID, or a number"
    )
    parser.add_argument("--full", action="store_true", help="show whole messages instead of one line each")
    parser.add_argument("--pcap", metavar="FILE", default="", help="write them to a capture file, without secrets")


def _trace(session: Session, given: Namespace) -> int:
    if given.pcap:
        return _capture(session, given.pcap, given.filter)
    session.use_phone_time()
    session.client.subscribe(["sip"])
    for event in session.client.events():
        if not is_about(event.params, given.filter):
            continue
        if session.output.as_json:
            session.output.json(event.params)
            continue
        session.output.line(message_line(event.params, _when(event.params.get("at"))))
        if given.full:
            for line in str(event.params.get("text", "")).splitlines():
                session.output.line(f"    {line}".rstrip())
    return EXIT_OK


def _capture(session: Session, path: str, wanted: str) -> int:
    """Write messages to a capture file until Ctrl-C; each is in the file as soon as it came."""
    from device.console.capture import Capture  # noqa: PLC0415

    try:
        capture = Capture(path)
    except ConsoleError as error:
        raise UsageError(f"--pcap {error}") from error
    with closing(capture):
        session.client.subscribe(["sip"])
        session.answer({"file": path}, f"writing to {path} until Ctrl-C")
        for event in session.client.events():
            if is_about(event.params, wanted):
                capture.write(event.params)
    return EXIT_OK


def _when(at: object) -> float:
    return at if isinstance(at, float) else time.time()


def _events_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("topics", metavar="TOPIC", nargs="*", help=f"{', '.join(TOPICS)} (default: without log, sip)")


def _events(session: Session, given: Namespace) -> int:
    topics = given.topics or [topic for topic in TOPICS if topic not in ("log", "sip")]
    unknown = [topic for topic in topics if topic not in TOPICS]
    if unknown:
        raise UsageError(f"there is no topic {', '.join(unknown)}: there are {', '.join(TOPICS)}")
    session.use_phone_time()
    session.client.subscribe(topics)
    for event in session.client.events():
        if session.output.as_json:
            session.output.json({"topic": event.topic, **event.params})
        else:
            session.output.line(f"{clock(time.time())} {event_line(event)}")
    return EXIT_OK


COMMANDS = (
    Command("log", "show the last lines of the daemon's log", "log -f", _log, _log_arguments),
    Command("trace sip", "show SIP messages as they come and go", "trace sip --full", _trace, _trace_arguments),
    Command("events", "show what happens, as it happens", "events phone call", _events, _events_arguments),
)
