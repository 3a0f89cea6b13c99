"""One virtual board for a person: how to reach it, what can be typed, and what its lines do."""

import json
import sys
import time
from pathlib import Path

from tests.board.agent_client import AgentError
from tests.board.board_phone import DOOR_BUTTON, HOOK, LINE_NAMES, OUTPUTS, PULSE, ROWS, BoardPhone, key_lines
from tests.board.hands import press_keys, turn_dial
from tests.board.house import FAR, HERE, PASSWORDS
from tests.board.network import HOST_ADDRESS, BoardNetwork
from tests.board.qemu_rig import PROFILE, QemuRig, build_rig
from tests.support.daemons import CALLEE_WAV, PhoneDaemon
from tests.support.kamailio import DOMAIN, Kamailio
from tests.support.processes import PATIENCE_S, wait_until

PROVISION_FILE = """\
# What an installer would put on the boot partition.
[settings.hardware]
board = "raspberry-pi"

[settings.audio]
capture_device = "plughw:CARD=Loopback,DEV=0"
playback_device = "plughw:CARD=Loopback,DEV=0"

[settings.console]
open = true

[accounts.office]
address = "{user}@{domain}"
password = "{password}"
registrar = "{server}"
outbound_proxy = "{server}"
"""

HELP = """\
  lift, replace           the handset
  press 1002#             keys of the keypad
  turn 1002               the rotary dial
  button                  the door button
  call                    the telephone 1002 in the house calls the board
  lines                   what the outputs are at, and what they did since the last time
  run COMMAND             run something in the board, as root: run offhook status
  pull, plug              the network cable
  cut                     take the power away and give it back
  help, quit"""


def visit(image: Path, out: Path, new: bool) -> int:
    """Start one board and serve a person until `quit`."""
    out.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with BoardNetwork(out) as network:
        kamailio = Kamailio(out, PASSWORDS, 60, host=HOST_ADDRESS, prefix=network.prefix)
        far = PhoneDaemon(FAR, out, {"sip.bind_address": HOST_ADDRESS}, microphone=CALLEE_WAV)
        far.prefix = network.prefix
        provision = out / "offhook.toml"
        provision.write_text(
            PROVISION_FILE.format(user=HERE, domain=DOMAIN, password=PASSWORDS[HERE], server=kamailio.address)
        )
        rig = build_rig(out / "board", network, provision)
        if new:
            rig.board.forget()
        try:
            kamailio.start()
            far.start()
            far.add_account(kamailio.address, FAR, PASSWORDS[FAR], domain=DOMAIN)
            tell(f"starting {image.name}; U-Boot, Linux and systemd take a minute or so")
            rig.start()
            tell(f"up after {time.monotonic() - started:.0f} s; {rig.agent.ask('hello')['kernel']}")
            person = Visit(rig, far)
            person.wire()
            person.serve()
        finally:
            if rig.board.is_on:
                tell("shutting it down in order; what it has stored is kept for the next start")
                rig.stop()
            far.stop()
            kamailio.stop()
    return 0


def tell(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def ask_until_it_answers(rig: QemuRig) -> dict[str, object]:
    """Which profile the phone has, as soon as the phone can be asked."""

    def asked() -> dict[str, object] | None:
        done = rig.agent.run([*rig.offhook, "settings", "get", "hardware.board", "--json"], check=False)
        answer: dict[str, object] | None = json.loads(done.out) if done.status == 0 else None
        return answer

    found = wait_until("the phone to answer", asked, PATIENCE_S * rig.patience)
    assert found is not None
    return found


class Visit:
    """Understands what the person types."""

    def __init__(self, rig: QemuRig, far: PhoneDaemon) -> None:
        self._rig, self._far = rig, far
        self._phone = BoardPhone(HERE, rig)
        self._looked_at = 0.0

    def wire(self) -> None:
        """Wire hook, keypad, dial, lamps, ringer and relay to the board, unless that was done at an earlier start."""
        answer = ask_until_it_answers(self._rig)
        if answer["value"] != PROFILE:
            tell("wiring the telephone to the board, and starting the phone with it")
            self._phone.install("gpiod")
            self._phone.client.close()

    def serve(self) -> None:
        self._arrive()
        while True:
            sys.stdout.write("board> ")
            sys.stdout.flush()
            line = sys.stdin.readline()
            words = line.split()
            if not line or words[:1] in (["quit"], ["exit"]):
                return
            try:
                if words:
                    self._do(words[0], words[1:])
            except (AgentError, AssertionError, ValueError) as error:
                tell(f"  {error}")

    def _arrive(self) -> None:
        self._phone.rest_lines()
        network = self._rig.network.name
        tell(f"  serial console: {self._rig.uart}      screen {self._rig.uart} 115200")
        tell(f"  address       : {self._rig.address}, registrar {HOST_ADDRESS}; the network is the namespace {network}")
        tell(f"                  ip netns exec {network} ping {self._rig.address}")
        tell(f"  logs          : {self._rig.folder}/")
        tell(HELP)

    def _do(self, verb: str, words: list[str]) -> None:
        verbs = {
            "lift": self._lift,
            "replace": self._replace,
            "press": self._press,
            "turn": self._turn,
            "button": self._button,
            "call": self._call,
            "lines": self._show_lines,
            "run": self._run,
            "pull": self._rig.board.pull_cable,
            "plug": self._rig.board.plug_cable,
            "cut": self._cut,
        }
        if verb in ("press", "turn", "run"):
            if not words:
                raise ValueError(f"{verb} what? `help` has an example")
            verbs[verb](*words)  # type: ignore[operator]
        elif verb in verbs:
            verbs[verb]()  # type: ignore[operator]
        else:
            tell(HELP)

    def _lift(self) -> None:
        self._rig.agent.set_line(HOOK, False)

    def _replace(self) -> None:
        self._rig.agent.set_line(HOOK, True)

    def _press(self, keys: str) -> None:
        self._rig.agent.play(press_keys([key_lines(key) for key in keys], down_s=1.0, up_s=1.0))

    def _turn(self, digits: str) -> None:
        self._rig.agent.play(turn_dial(PULSE, None, [int(digit) or 10 for digit in digits]))

    def _button(self) -> None:
        self._rig.agent.play([(0.0, DOOR_BUTTON, False), (0.3, DOOR_BUTTON, True)])

    def _call(self) -> None:
        self._far.place(HERE)

    def _run(self, *words: str) -> None:
        command = [*self._rig.offhook, *words[1:]] if words[0] == "offhook" else list(words)
        done = self._rig.agent.run(command, check=False)
        tell((done.out + done.err).rstrip())

    def _cut(self) -> None:
        cut = self._rig.cut_power()
        total = cut.flushed + cut.unflushed
        tell(f"  the power is gone; {cut.unflushed} writes of {total} were not flushed. It boots again ...")
        self._rig.start()
        self._arrive()

    def _show_lines(self) -> None:
        lines = [*OUTPUTS, *ROWS]
        for line, high in zip(lines, self._rig.agent.levels(lines), strict=True):
            tell(f"  GPIO{line:<3} {'high' if high else 'low ':<5} {LINE_NAMES.get(line, '')}")
        now = self._rig.agent.now()
        for at, line, high in self._rig.agent.edges(OUTPUTS, self._looked_at)[-20:]:
            tell(f"  {at - now:9.3f} s  GPIO{line} {'high' if high else 'low'}  {LINE_NAMES.get(line, '')}")
        self._looked_at = now
