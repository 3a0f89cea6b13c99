"""The demonstration: two whole phones and an exchange on this machine, told as a story. A client of control sockets."""

import signal
import sys
from collections.abc import Sequence
from pathlib import Path

USAGE = """\
usage: ./run [--interactive] [--out FOLDER]        (also: offhook demo ...)

Starts the embedded exchange and two phones, 1001 and 1002, on this machine and plays a whole call.
Nothing but 127.0.0.1 is used, and no hardware is needed.

  --interactive   leave both phones up and move them by hand, with keys that are shown
  --out FOLDER    where logs, recordings and the picture of the call go (default: demo-output)

example: ./run --interactive
"""


def main(arguments: Sequence[str]) -> int:
    """Run the demonstration; answers the process's exit status."""
    folder = Path("demo-output")
    interactive = False
    words = iter(arguments)
    for word in words:
        if word in ("--help", "-h"):
            sys.stdout.write(USAGE)
            return 0
        if word == "--interactive":
            interactive = True
        elif word == "--out":
            value = next(words, "")
            if not value:
                sys.stderr.write("demo: --out needs a folder, such as --out /tmp/call\n")
                return 2
            folder = Path(value)
        else:
            sys.stderr.write(f"demo: {word!r} is not understood\n{USAGE}")
            return 2
    return _run(folder.resolve(), interactive)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What asks us to end; our exchange and phones end with us whichever it is."""


def _interrupt_on_signals() -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for number in STOP_SIGNALS:
        signal.signal(number, interrupt)


def _ignore_signals() -> None:
    """Nothing may come between us and the end of what we started."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _run(folder: Path, interactive: bool) -> int:
    from device.demo.interactive import Keyboard, Session  # noqa: PLC0415  # help must not wait for all this
    from device.demo.story import Story, draw, introduce, show_result  # noqa: PLC0415
    from device.demo.system import DemoSystem  # noqa: PLC0415
    from device.errors import DeviceError  # noqa: PLC0415

    system = None
    _interrupt_on_signals()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _say("Starting the exchange and two phones ...")
        system = DemoSystem(folder, _say)
        system.start()
        introduce(system, _say)
        if interactive:
            Session(system, _say).run(Keyboard())
            return 0
        story = Story(system, _say)
        result = story.play()
        picture = draw(story, folder, _say)
        show_result(result, _say)
        faults = result.faults()
    except DeviceError as error:
        sys.stderr.write(f"demo: {error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"demo: {folder}: {error.strerror}; choose another folder with --out\n")
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        _ignore_signals()
        if system is not None:
            system.stop()
    _say("")
    _say(f"The picture of the call: {picture}")
    _say(f"What each phone heard, and the logs: {folder}")
    for fault in faults:
        sys.stderr.write(f"demo: {fault}\n")
    return 1 if faults else 0
