"""`offhook call-report`: how a call sounded, in figures and as a picture."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from device.annotations import Any
from device.cli_commands.command import EXIT_OK, Command, Session, UsageError
from device.console.call_report import report_lines, summary, which_call


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "number",
        metavar="N",
        nargs="?",
        type=int,
        help="1: the last finished call, 2: the one before it, as `offhook calls` counts; 0: the call of now "
        "(default: the call of now, or else the last)",
    )
    parser.add_argument("--svg", metavar="FILE", help="draw level, loss, jitter and jitter buffer over time")


def _report(session: Session, given: Namespace) -> int:
    if given.number is not None and given.number < 0:
        raise UsageError("N counts back from the last call: 1 is the last, 0 the one of now")
    report = session.ask("call.report", number=given.number)
    if given.svg:
        _draw(report, given.svg)
    if session.output.as_json:
        return session.answer(report)
    session.output.lines(report_lines(report))
    if given.svg:
        session.output.line(f"the picture is in {given.svg}")
    return EXIT_OK


def _draw(report: dict[str, Any], path: str) -> None:
    if not report.get("time_line"):
        raise UsageError(
            "there is no picture of this call: the phone remembers the curves of its last eight calls with sound, "
            "until it is started anew; the figures are there without --svg"
        )
    from device.cli_commands.call_picture import draw_call  # noqa: PLC0415  # for whoever wants a picture

    try:
        Path(path).write_text(draw_call(report, which_call(report), summary(report["quality"])), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None


COMMANDS = (
    Command(
        "call-report",
        "tell how a call sounded: scores, loss, jitter, delay; and draw it",
        "call-report 1",
        _report,
        _arguments,
    ),
)
