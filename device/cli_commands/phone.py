"""The phone itself: its state, calls and digits; and the daemon's life."""

import os
from argparse import ArgumentParser, Namespace

from device import __version__
from device.cli_commands.command import EXIT_FAILED, EXIT_OK, Command, Session, UsageError
from device.console.layout import shown
from device.console.outcomes import transfer_outcome, transfer_words
from device.console.overview import status_lines
from device.console.why import examine, first_fault, lines_of
from device.control.errors import FAILED, ControlError, DaemonUnreachableError
from device.records import asdict

STOP_PATIENCE_S = 40.0
"""Longer than the longest daemon.stop_timeout_s, in seconds."""


def _status(session: Session, _given: Namespace) -> int:
    status = session.ask("status")
    if session.output.as_json:
        return session.answer(status)
    session.output.lines(status_lines(status, "offhook account add"))
    return EXIT_OK


def _examine(session: Session, _given: Namespace) -> int:
    links = list(examine(session.ask))
    fault = first_fault(links)
    if session.output.as_json:
        session.output.json(
            {"links": [asdict(link) for link in links], "first_fault": asdict(fault) if fault else None}
        )
    else:
        session.output.lines(lines_of(links))
    return EXIT_OK if fault is None else EXIT_FAILED


def _call_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("target", metavar="TARGET", help="a number, a phone book name or code, or a SIP address")
    parser.add_argument("--account", metavar="ID", help="account to call with (default: the first registered one)")
    parser.add_argument("--anonymous", action="store_true", help="withhold your number and name from the one called")


def _call(session: Session, given: Namespace) -> int:
    result = session.ask("call.place", target=given.target, account=given.account, anonymous=given.anonymous or None)
    return session.answer(result, f"calling {given.target} (call {shown(result.get('call'))})")


def _which_call(parser: ArgumentParser) -> None:
    parser.add_argument("call", metavar="CALL", nargs="?", help="id of the call (default: the only one)")


def _answer(session: Session, given: Namespace) -> int:
    return session.answer(session.ask("call.answer", call=given.call), "answered")


def _hang_up(session: Session, given: Namespace) -> int:
    return session.answer(session.ask("call.hangup", call=given.call), "hung up")


def _send_digits(session: Session, given: Namespace) -> int:
    return session.answer(session.ask("call.digits", digits=given.digits), f"sent {given.digits}")


def _record_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "path",
        metavar="FILE",
        nargs="?",
        help="name in the daemon's folder of recordings, or a path that it may write to",
    )
    parser.add_argument("--stop", action="store_true", help="end the recording")
    parser.add_argument("--call", metavar="CALL", help="id of the call (default: the current one)")


def _record(session: Session, given: Namespace) -> int:
    if given.stop:
        return session.answer(session.ask("call.record_stop", call=given.call), "the recording has ended")
    path = os.path.abspath(given.path) if given.path and os.sep in given.path else given.path
    result = session.ask("call.record", path=path, call=given.call)
    return session.answer(result, f"recording to {shown(result.get('path'))}; `offhook record --stop` ends it")


def _play_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("path", metavar="FILE", nargs="?", help="WAV file of 16 bit that the daemon may read")
    parser.add_argument("--stop", action="store_true", help="end the file that plays")
    parser.add_argument("--call", metavar="CALL", help="id of the call (default: the current one)")


def _play(session: Session, given: Namespace) -> int:
    if given.stop:
        return session.answer(session.ask("call.play_stop", call=given.call), "nothing plays any more")
    if not given.path:
        raise UsageError("give the WAV file to play, or --stop")
    result = session.ask("call.play", path=os.path.abspath(given.path), call=given.call)
    return session.answer(result, f"playing {shown(result.get('path'))} to both sides; `offhook play --stop` ends it")


def _transfer_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "target",
        metavar="TARGET",
        nargs="?",
        help="whom the far end is to talk to (default: the call that waits, so that the two talk to each other)",
    )


def _transfer(session: Session, given: Namespace) -> int:
    session.client.subscribe(["call"])
    result = session.ask("call.transfer", target=given.target)
    event = session.wait(transfer_outcome())
    is_good, words = transfer_words(event, "offhook status")
    if event is None or not is_good:
        raise ControlError(FAILED, words)
    why = {"status": event.params.get("status", 0), "text": event.params.get("text", "")}
    return session.answer({**result, "transferred": True, **why}, words)


def _hold(session: Session, given: Namespace) -> int:
    return session.answer(session.ask("call.hold", call=given.call), "on hold")


def _resume(session: Session, given: Namespace) -> int:
    return session.answer(session.ask("call.resume", call=given.call), "off hold")


def _conference(session: Session, given: Namespace) -> int:
    return session.answer(session.ask("call.conference", call=given.call), "the three of you talk")


def _register(session: Session, given: Namespace) -> int:
    result = session.ask("registration.refresh", account=given.account)
    return session.answer(result, f"registering now: see `offhook status` (accounts: {shown(result.get('accounts'))})")


def _stop(session: Session, _given: Namespace) -> int:
    result = session.ask("daemon.stop")
    if not session.client.wait_closed(STOP_PATIENCE_S):
        raise ControlError(FAILED, f"the daemon has not ended within {STOP_PATIENCE_S:.0f} s: see `offhook log`")
    return session.answer(result, "the daemon has hung up, unregistered and stopped")


def _version(session: Session, _given: Namespace) -> int:
    versions: dict[str, object] = {"version": __version__, "daemon": None}
    try:
        versions["daemon"] = session.ask("daemon.version")["version"]
    except DaemonUnreachableError:
        daemon = "no daemon answers"
    else:
        daemon = f"daemon {versions['daemon']}"
    return session.answer(versions, f"offhook {__version__} ({daemon})")


COMMANDS = (
    Command("status", "show the phone, its accounts and its calls", "status", _status),
    Command("why", "say what is wrong first, from the supply to the registration, and what to do", "why", _examine),
    Command("call", "call somebody", "call 1002", _call, _call_arguments),
    Command("answer", "answer the call that rings", "answer", _answer, _which_call),
    Command("hangup", "end a call, or refuse the one that rings", "hangup", _hang_up, _which_call),
    Command("hold", "put the call on hold, to call somebody else beside it", "hold", _hold, _which_call),
    Command("resume", "take the call off hold", "resume", _resume, _which_call),
    Command(
        "conference",
        "make one talk of three of the call and the one that waits",
        "conference",
        _conference,
        _which_call,
    ),
    Command(
        "transfer",
        "send the far end of the call to somebody else, and wait for the outcome",
        "transfer 1003",
        _transfer,
        _transfer_arguments,
    ),
    Command(
        "dtmf",
        "send digits in the current call",
        "dtmf '123#'",
        _send_digits,
        lambda parser: parser.add_argument("digits", metavar="DIGITS", help="0-9, *, #, A-D; quoted for the shell"),
    ),
    Command("record", "record the call, both sides in stereo", "record", _record, _record_arguments),
    Command("play", "let both sides of the call hear a WAV file", "play announcement.wav", _play, _play_arguments),
    Command(
        "register",
        "register now instead of at the next deadline",
        "register office",
        _register,
        lambda parser: parser.add_argument("account", metavar="ACCOUNT", nargs="?", help="default: all accounts"),
    ),
    Command("stop", "end all calls, unregister and stop the daemon", "stop", _stop),
    Command("version", "show the version of this command and of the daemon", "version", _version),
)
