"""The steps of the wizard. Each commits what it has found before the next begins, so that nothing is lost."""

from collections.abc import Callable

from device.console.errors import BrokenOffError, ConsoleError
from device.console.setup.account import account_step
from device.console.setup.desk import country_step, off_hook_step, volume_step
from device.console.setup.kept import value_of
from device.console.setup.machine import board_step, network_step, restart_if_needed, sound_step
from device.console.setup.questions import confirm
from device.console.setup.trial_call import call_step
from device.console.shell import Shell
from device.console.steps import Dialogue
from device.control.errors import ControlError

DONE = "console.setup_done"

STEPS: dict[str, tuple[str, Callable[[Shell], Dialogue]]] = {
    "board": ("what the telephone is made of", board_step),
    "sound": ("the sound card", sound_step),
    "network": ("the network", network_step),
    "account": ("the server and the account", account_step),
    "country": ("tones and ringing of the country", country_step),
    "off-hook": ("what lifting the handset does", off_hook_step),
    "volume": ("bell and volume", volume_step),
    "call": ("a test call", call_step),
}
"""In the order in which they are asked."""


def run_wizard(shell: Shell, only: str = "") -> Dialogue:
    """All steps that are not done yet, or one."""
    shell.run_unpaged()
    if only:
        yield from _run_step(shell, only)
        return
    done = _done(shell)
    left = [name for name in STEPS if name not in done]
    shell.say(
        "Setting up this phone. Enter takes what stands in [brackets], ? explains, Ctrl-C leaves; what was answered "
        "is kept, and `setup` goes on from there.",
    )
    if done and left:
        shell.say(f"Done already: {', '.join(name for name in STEPS if name in done)}.")
        if not (yield from confirm(shell, f"go on with {left[0]}", True)):
            left = list(STEPS)
    elif not left:
        shell.say("All steps are done; they are asked again, with what holds now.")
        left = list(STEPS)
    for name in left:
        yield from _run_step(shell, name)
    shell.say("", "This phone is set up. `show status` shows how it is, `why` what is wrong should anything be.")


def _run_step(shell: Shell, name: str) -> Dialogue:
    title, step = STEPS[name]
    number = list(STEPS).index(name) + 1
    shell.say("", f"{number} of {len(STEPS)}: {title}")
    try:
        yield from step(shell)
    except BrokenOffError:
        shell.say("", f"Left at {name!r}; `setup` goes on there.")
        raise
    except (ConsoleError, ControlError) as error:
        shell.explain(error)
        shell.say(f"  This step is left open; `setup {name}` does it again.")
        return
    done = {*_done(shell), name}
    shell.ask("settings.set", values={DONE: ",".join(step for step in STEPS if step in done)})
    if name == "sound":
        yield from restart_if_needed(shell)


def _done(shell: Shell) -> set[str]:
    return {name for name in value_of(shell, DONE).split(",") if name in STEPS}
