"""The image: another version shown, taken, gone back from; the board restarted.

What is done is done by root, whom the phone asks.
"""

from collections.abc import Generator

from device.annotations import Any
from device.console.command_table import Argument, Command, Given
from device.console.errors import BrokenOffError, ConsoleError
from device.console.shell import Shell
from device.console.steps import Dialogue, Pause, Step, agree
from device.control.errors import ControlError
from device.errors import DeviceError

LOOK_S = 1.0
PERCENT_STEP = 10


def _upgrade(shell: Shell, given: Given) -> Dialogue:
    source = given["source"]
    if not source.startswith(("/", "http://", "https://")):
        raise ConsoleError(
            f"{source!r} is no address (https://...) and no whole path of a file: `upgrade /media/usb/NAME.upgrade` "
            "takes one from a stick"
        )
    shell.say(
        "The version is verified and written beside the one that runs; then the board restarts into it. It is kept "
        "when the phone registers as before; otherwise the old one comes back."
    )
    if not (yield from _agreed(shell)):
        return
    options = given.get("options", "").split()
    yield from _ask(shell, [source, *options])


def _go_back(shell: Shell, given: Given) -> Dialogue:
    shell.say(
        "The board restarts into the version before. Where that cannot read the store of today, the store of before "
        "comes back, and the one of today is kept beside it."
    )
    if not (yield from _agreed(shell)):
        return
    yield from _ask(shell, ["back", *given.get("options", "").split()])


def _reboot(shell: Shell, given: Given) -> Dialogue:
    shell.say("The board restarts; the phone is away for a minute.")
    if not (yield from _agreed(shell)):
        return
    yield from _ask(shell, ["restart", *given.get("options", "").split()])


def _show(shell: Shell, _given: Given) -> Dialogue:
    yield from _ask(shell, ["status"])


def _agreed(shell: Shell) -> Generator[Step, Any, bool]:
    if (yield from agree("Go on?")):
        return True
    shell.say("Nothing was changed.")
    return False


def _ask(shell: Shell, words: list[str]) -> Dialogue:
    """Ask, and show what is said until nothing more comes. Ctrl-C stops looking on, not the upgrade."""
    shell.ask("upgrade.start", words=words)
    shell.run_unpaged()
    shown, percent = 0, -PERCENT_STEP
    while True:
        try:
            yield Pause(LOOK_S, keeps_keys=True)
        except BrokenOffError:
            shell.say("It goes on; `show upgrade` tells later how it came out.")
            return
        try:
            answer = shell.ask("upgrade.progress")
        except (ControlError, DeviceError):
            shell.say("The phone does not answer any more: the board restarts.")
            return
        percent = _show_percent(shell, answer, percent)
        shell.say(*answer["lines"][shown:])
        shown = len(answer["lines"])
        if not answer["running"]:
            return


def _show_percent(shell: Shell, answer: dict[str, Any], shown: int) -> int:
    percent = int(answer["percent"])
    if percent >= shown + PERCENT_STEP and answer["running"]:
        shell.say(f"{percent} % written")
        return percent
    return shown


COMMANDS = (
    Command(
        "upgrade",
        "take a signed version of the image, and restart into it",
        _upgrade,
        (
            Argument("source", "an http or https address, or a file on a USB stick: /media/usb/..."),
            Argument("options", "--force, --allow-downgrade, --no-restart", optional=True, rest=True),
        ),
        example="upgrade /media/usb/offhook-rpi3-0.2.0.upgrade",
    ),
    Command(
        "upgrade back",
        "restart into the version before the last upgrade",
        _go_back,
        (Argument("options", "--force: also while a call is up", optional=True, rest=True),),
    ),
    Command(
        "reboot",
        "restart the board",
        _reboot,
        (Argument("options", "--force: also while a call is up", optional=True, rest=True),),
    ),
    Command("upgrade status", "the same as `show upgrade`", _show),
    Command("show upgrade", "which version runs, and how the last upgrade came out", _show),
)
