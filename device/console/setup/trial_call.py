"""The last step: a call to a number that echoes, or to anybody."""

from collections.abc import Generator
from contextlib import suppress

from device.annotations import Any
from device.console.errors import BrokenOffError
from device.console.happenings import sentence
from device.console.setup.presets import PRESETS
from device.console.setup.questions import ask
from device.console.shell import Shell
from device.console.steps import AwaitEvent, Dialogue, Step

PATIENCE_S = 60.0
TALK_S = 10.0


def call_step(shell: Shell) -> Dialogue:
    """Call, tell what happens, hang up after a while."""
    echoes = ", ".join(f"{preset.echo} ({preset.title})" for preset in PRESETS.values() if preset.echo)
    number = yield from ask(
        shell,
        "number for a test call (Enter for none)",
        help_text=f"one that echoes what you say: {echoes}; or any phone",
    )
    if not number:
        return
    yield from call_and_tell(shell, number)


def call_and_tell(shell: Shell, number: str) -> Generator[Step, Any, bool]:
    """Place a call, follow it, end it ten seconds after it was answered; answers whether it was."""
    answered = False
    with shell.following("call"), suppress(BrokenOffError):
        call = shell.ask("call.place", target=number)["call"]
        shell.say(f"  Calling {number}; Ctrl-C hangs up.")
        while (event := (yield AwaitEvent(TALK_S if answered else PATIENCE_S, is_brief=True))) is not None:
            if event.topic != "call" or event.params.get("call") != call:
                continue
            shell.say(f"    {sentence(event)}")
            answered = answered or event.params.get("event") == "established"
            if event.params.get("event") == "ended":
                break
    running = [item["call"] for item in shell.ask("call.list")["calls"]]
    if call in running:
        shell.ask("call.hangup", call=call)
    shell.say("  The call was answered." if answered else "  The call was not answered.")
    return answered
