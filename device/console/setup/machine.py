"""Steps about the machine: board profile and pins, sound card, network, and the restart that some of it needs."""

from device.annotations import Any
from device.console.command_table import Choice
from device.console.errors import BrokenOffError, ConsoleError
from device.console.happenings import desk_words
from device.console.layout import table
from device.console.setup.kept import keep, value_of
from device.console.setup.questions import ask, choose, confirm
from device.console.shell import Shell
from device.console.steps import AwaitEvent, Dialogue, Pause
from device.control.errors import ControlError

PINS_S = 60
METER_S = 8
LOOP_BACK_S = 12
RESTART_PATIENCE_S = 90
SILENCE_DB = -60.0
"""A microphone that never gets louder than this hears nothing."""
METER_WIDTH = 40


def board_step(shell: Shell) -> Dialogue:
    """Which board and profile; then contacts can be tried out."""
    known = shell.ask("setup.choices")
    model, board = known["model"], known["board"]
    titles = {item["name"]: item["title"] for item in known["boards"]}
    if board:
        shell.say(f"  This is a {titles[board]}.")
    else:
        shell.say(f"  This machine is {model or 'no board by its own words'}: none of the boards that offhook knows.")
    present = value_of(shell, "hardware.board")
    profile = yield from choose(shell, "what is it to be", _profiles(known, board, present), _default(known, present))
    by_pins = {item["name"] for item in known["profiles"] if item["by_pins"]}
    if profile in by_pins and not board:
        like = yield from choose(shell, "a board like which", list(titles.items()), next(iter(titles)))
        profile = f"{profile}@{like}"
    keep(shell, "board", {"hardware.board": profile})
    yield from restart_if_needed(shell)
    shell.say("  `offhook board picture` draws the wiring for this board.")
    if (yield from confirm(shell, "see which pin moves when you touch handset, keys and buttons", board != "")):
        yield from find_pins(shell)


def _profiles(known: dict[str, Any], board: str, present: str) -> list[Choice]:
    names = {item["name"]: item["title"] for item in known["profiles"]}
    if not board:
        names = {name: names[name] for name in sorted(names, key=lambda name: name != "simulated")}
    if present not in names:
        names[present] = "as it is now"
    return list(names.items())


def _default(known: dict[str, Any], present: str) -> str:
    if present == "simulated" and known["board"]:
        return "handset"
    return present


def find_pins(shell: Shell) -> Dialogue:
    """Show each pin that moves, until nothing has moved for a while or the person leaves."""
    try:
        found = shell.ask("setup.find_pins", seconds=PINS_S)
    except ControlError as error:
        shell.say(f"  Free pins cannot be watched: {error}")
        found = {"pins": [], "held": {}}
    if found["pins"]:
        shell.say(f"  {len(found['pins'])} free pins are watched, with their pull-ups: lift the handset, press, dial.")
    shell.say("  What the profile has already is told by its name. q or Ctrl-C is enough.")
    moves: dict[str, int] = {}
    try:
        with shell.following("pins", "desk"):
            while (event := (yield AwaitEvent(float(PINS_S)))) is not None:
                if event.topic == "pins":
                    pin = str(event.params["pin"])
                    moves[pin] = moves.get(pin, 0) + 1
                    shell.say(f"    pin {pin} went {event.params['level']} ({moves[pin]})")
                elif event.topic == "desk":
                    shell.say(f"    {desk_words(event.params)}")
    except BrokenOffError:
        pass
    finally:
        if shell.link.is_up:
            shell.ask("setup.stop_pins")
    if moves:
        counted = ", ".join(f"{pin} ({count})" for pin, count in moves.items())
        shell.say(f"  moved: {counted}")


def sound_step(shell: Shell) -> Dialogue:
    """Which cards; the tests follow when the phone has them."""
    cards = shell.ask("setup.cards")["cards"]
    if not cards:
        shell.say(
            "  There is no sound card. Plug in a USB card, or see `offhook doctor`; the phone takes it when it comes."
        )
        if not (yield from confirm(shell, "go on without sound for now", True)):
            raise ConsoleError("there is no sound card")
        return
    for direction, use in (("capture", "microphone"), ("playback", "ear piece")):
        able = [card for card in cards if card[direction]]
        present = value_of(shell, f"audio.{direction}_device")
        choices = [(card["device"], card["title"]) for card in able] + [("default", "ALSA's own choice")]
        default = present if present in dict(choices) and present != "default" else choices[0][0]
        device = yield from choose(shell, f"card for the {use}", choices, default)
        keep(shell, f"{use}", {"audio.kind": "alsa", f"audio.{direction}_device": device})
    yield from restart_if_needed(shell)
    yield from _try_sound(shell)


def _try_sound(shell: Shell) -> Dialogue:
    if (yield from confirm(shell, "play a tone in the ear piece", True)):
        seconds = shell.ask("test.tone", name="dial", seconds=3)["seconds"]
        yield Pause(float(seconds))
    if (yield from confirm(shell, "measure the microphone", True)):
        yield from measure(shell, loop_back=False, seconds=METER_S)
    if (yield from confirm(shell, "say something and hear it a second later", True)):
        yield from measure(shell, loop_back=True, seconds=LOOP_BACK_S)


def measure(shell: Shell, *, loop_back: bool, seconds: int) -> Dialogue:
    """A bar for the loudness of the microphone, line by line; Ctrl-C ends it."""
    shell.ask("test.mic", loop_back=loop_back, seconds=seconds)
    shell.say(f"  Speak for {seconds} s (Ctrl-C ends it).")
    loudest = -96.0
    try:
        with shell.following("meter"):
            for _ in range(5 * seconds):
                event = yield AwaitEvent(2.0, is_brief=True)
                if event is None:
                    break
                if event.topic != "meter":  # what other consoles commit is told to all
                    continue
                level = float(event.params["peak_db"])
                loudest = max(loudest, level)
                filled = max(0, min(METER_WIDTH, round(METER_WIDTH * (1 + level / 60))))
                shell.say(f"    {level:6.1f} dB |{'#' * filled}{'.' * (METER_WIDTH - filled)}|")
    except BrokenOffError:
        pass
    finally:
        if shell.link.is_up:
            shell.ask("test.stop")
    if loudest < SILENCE_DB:
        shell.say(
            "  Nothing was heard: is it the right card, is the microphone in its socket, is it muted in alsamixer?"
        )
    elif loudest > -1.0:
        shell.say("  It is too loud and clips: lower the capture level in alsamixer, or audio.mic_gain_db.")
    else:
        shell.say(f"  Loudest: {loudest:.1f} dB; speech should reach -30 to -6.")


def network_step(shell: Shell) -> Dialogue:
    """The network as it was found; addresses come from the system, not from the phone."""
    while True:
        facts = shell.ask("network.show")
        rows = [
            (item["name"], item["state"], ", ".join(item["addresses"]) or "no address")
            for item in facts["interfaces"]
            if item["name"] != "lo"
        ]
        shell.say(*(f"  {line}" for line in table(("interface", "state", "addresses"), rows, "no interface")))
        shell.say(f"  gateway: {', '.join(facts['gateways']) or 'none'}")
        shell.say(f"  name servers: {', '.join(facts['name_servers']) or 'none'}")
        addressed = any(item["addresses"] for item in facts["interfaces"] if item["name"] != "lo")
        if addressed:
            again = yield from confirm(shell, "look again", False)
        else:
            shell.say("  No address: plug in the cable, or set up the network of the system (nmtui, /etc/network).")
            again = yield from confirm(shell, "look again", True)
        if not again:
            return


def restart_if_needed(shell: Shell) -> Dialogue:
    """Start the phone anew where a commit waits for that, and wait for it."""
    status = shell.ask("status") if shell.link.is_up else {}
    waiting = status.get("waits_for_restart", ())
    if not waiting:
        return
    shell.say(f"  {', '.join(waiting)} count from the next start of the phone on.")
    if not (yield from confirm(shell, "start the phone anew now", True)):
        return
    shell.ask("daemon.stop")
    yield from wait_for_phone(shell)


def wait_for_phone(shell: Shell) -> Dialogue:
    """Until the phone answers again."""
    yield Pause(2.0)
    for _ in range(RESTART_PATIENCE_S):
        if shell.link.is_up or _answers(shell):
            shell.say("  The phone is back.")
            return
        yield Pause(1.0)
    yield from ask(shell, "The phone does not come back by itself; start it (systemctl start offhook) and press Enter")


def _answers(shell: Shell) -> bool:
    try:
        shell.ask("daemon.version")
    except ControlError:
        return False
    return True
