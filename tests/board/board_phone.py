"""The phone on a virtual board as a test uses it: hands at its lines, ears at its sound card, told what happens."""

import json
import time
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import pairwise
from random import Random

from device.control.client import ControlClient, DaemonEvent
from device.control.errors import REFUSED, ControlError
from device.demo.measure import RATE_HZ, Recording, read_wav
from device.hardware.rotary_dial import DIAL_PLANS
from tests.board.agent_client import AgentError
from tests.board.hands import NOMINAL_BREAK, NOMINAL_PULSES_PER_S, Action, press_keys, settle, turn_dial
from tests.board.rig import Rig
from tests.support.daemons import CALLER_WAV, PhoneDaemon
from tests.support.processes import PATIENCE_S

HOOK, PULSE, OFF_NORMAL, DOOR_BUTTON = 17, 23, 24, 4
RINGER, SECOND_COIL, DOOR_RELAY = 18, 12, 25
REGISTERED_LAMP, MESSAGE_LAMP, RINGING_LAMP, IN_CALL_LAMP = 22, 27, 10, 9
ROWS, COLUMNS = (5, 6, 13, 19), (16, 20, 21)
KEYS = ("123", "456", "789", "*0#")
INPUTS = (HOOK, PULSE, OFF_NORMAL, DOOR_BUTTON, *COLUMNS)
OUTPUTS = (RINGER, SECOND_COIL, DOOR_RELAY, REGISTERED_LAMP, MESSAGE_LAMP, RINGING_LAMP, IN_CALL_LAMP)

LINE_NAMES = {
    HOOK: "hook",
    PULSE: "dial pulse",
    OFF_NORMAL: "dial off-normal",
    DOOR_BUTTON: "door button",
    RINGER: "ringer",
    DOOR_RELAY: "door relay",
    REGISTERED_LAMP: "lamp registered",
    RINGING_LAMP: "lamp ringing",
    IN_CALL_LAMP: "lamp in call",
    SECOND_COIL: "ringer, second coil",
    **{line: f"keypad row {number}" for number, line in enumerate(ROWS)},
    **{line: f"keypad column {number}" for number, line in enumerate(COLUMNS)},
}
"""For pictures of what the lines did."""

PROFILE = """\
name = "Telephone of the virtual board"
driver = "{driver}"
chip = "raspberry-pi"

[hook]
line = 17

[keypad]
rows = [5, 6, 13, 19]
columns = [16, 20, 21]
keys = ["123", "456", "789", "*0#"]
settle_us = {settle_us}

[dial]
plan = "{plan}"

[dial.pulse]
line = 23
debounce_ms = 8
{off_normal}
{ringer}
[lamps.registered]
line = 22

[lamps.ringing]
line = 10

[lamps.in_call]
line = 9

[lamps.message]
line = 27

[relays.door]
line = 25

[buttons.door]
line = 4
bias = "none"
"""

OFF_NORMAL_TABLE = """
[dial.off_normal]
line = 24
"""

BUZZER_TABLE = """
[ringer]
lines = [18]
"""

BELL_TABLE = """
[ringer]
kind = "bell"
lines = [18, 12]
frequency_hz = 25
dead_time_ms = 2
"""
"""A mechanical bell: its two coils, or the two sides of its bridge, take turns."""

SCANS_A_KEY = 5
"""So many scans see a key that is pressed; two must agree."""

LOOPBACK = "hw:CARD=Loopback,DEV=1"
"""The far end of the phone's sound card; the phone itself has the near one."""
PHONE_CARD = "plughw:CARD=Loopback,DEV=0"
SPEECH = "speech.wav"
HEARD = "heard.wav"


STEADY_S = 0.015
"""A contact that moves so much later than it should makes another pulse than was meant."""
STEADY_SHARE = 0.2
"""Of the shortest time between two movements of a dial's contact: a quick one leaves 25 ms, of which bounce and
debouncing need up to 20."""
LONGEST_SPIKE_S = 0.0075
"""What was meant to be over sooner and lasts so long is no spike any more."""


class UnsteadyHandError(AssertionError):
    """The test's own hand was not quick enough, which says nothing about the phone."""


class AgentControl(ControlClient):
    """The control socket of the phone in the board, through the agent."""

    def __init__(self, rig: Rig, path: str) -> None:
        super().__init__(path)
        self._rig = rig
        self._connected = False
        self._taken = 0
        self._waiting: deque[DaemonEvent] = deque()

    def open(self) -> None:
        if not self._connected:
            self._rig.agent.ask("connect", path=self.path)
            self._connected = True
            self._taken = 0
            self._waiting.clear()

    def close(self) -> None:
        self._connected = False

    def call(self, method: str, /, **params: object) -> object:
        self.open()
        given = {name: value for name, value in params.items() if value is not None}
        try:
            return self._rig.agent.ask("control", method=method, params=given)
        except AgentError as error:
            raise ControlError(REFUSED, str(error)) from error

    def next_event(self, timeout_s: float | None = None) -> DaemonEvent | None:
        if not self._waiting:
            found = self._rig.agent.ask("events", first=self._taken, seconds=0.0 if timeout_s is None else timeout_s)
            self._taken += len(found)
            for _, method, params in found:
                self._waiting.append(DaemonEvent(method.removeprefix("event."), params))
        return self._waiting.popleft() if self._waiting else None


class BoardPhone(PhoneDaemon):
    """The phone in the board, moved by its lines. `name` is the number that it registers."""

    def __init__(self, name: str, rig: Rig, socket_inside: str = "/run/offhook/control.sock") -> None:
        super().__init__(name, rig.folder)
        self.rig = rig
        self.client = AgentControl(rig, socket_inside)
        self.chance: Random | None = None
        """With it every contact bounces."""
        self.profile = ""
        self.lifted_at = 0.0
        self.moved: list[tuple[float, int, bool]] = []
        """What the hands did to single lines, by the board's clock."""
        self.resting_high = frozenset({HOOK, OFF_NORMAL, DOOR_BUTTON, *COLUMNS})
        (rig.share / SPEECH).write_bytes(CALLER_WAV.read_bytes())

    # Setting up.

    def start(self) -> None:
        """Start the phone, or start it anew."""
        self.client.close()
        self.rig.start_phone()
        self.begin_to_listen()
        self._state = str(self.status()["phone"]["state"])  # type: ignore[index]

    def stop(self) -> None:
        self.client.close()

    def install(
        self,
        driver: str,
        settings: Mapping[str, str] | None = None,
        *,
        off_normal: bool = True,
        plan: str = "international",
        ringer: str = BUZZER_TABLE,
    ) -> None:
        """Wire the board up for a driver, and start the phone with it."""
        table = OFF_NORMAL_TABLE if off_normal else ""
        text = PROFILE.format(driver=driver, off_normal=table, plan=plan, ringer=ringer, settle_us=self.rig.settle_us)
        values = {
            "hardware.board": self.rig.keep_profile(text),
            "audio.capture_device": PHONE_CARD,
            "audio.playback_device": PHONE_CARD,
            **(settings or {}),
        }
        self.call("settings.set", values=values)
        self.rest_lines()
        self.start()
        # gpio-sim takes the bias that the phone asks for as what is wired: the contacts have it their way again.
        self.rest_lines()

    def rest_lines(self) -> None:
        """Every contact as it is while nobody touches the telephone."""
        self.move([*((0.0, line, True) for line in self.resting_high), (0.0, PULSE, False)])

    def set(self, **values: str) -> None:
        """Change settings that count at once; a dot is written as two underscores."""
        answer = self.call("settings.set", values={key.replace("__", "."): value for key, value in values.items()})
        assert not answer["restart"], f"{answer['restart']} count only after a restart"

    # Hands.

    def move(self, actions: Sequence[Action]) -> list[float]:
        """Move lines and keys; the board's instants of each action."""
        done = self.rig.agent.play(actions)
        self.moved += [
            (at, what, state) for at, (_, what, state) in zip(done, actions, strict=True) if isinstance(what, int)
        ]
        return done

    def move_exactly(
        self, actions: Sequence[Action], *, spikes: bool = False, steady_s: float = STEADY_S
    ) -> list[float]:
        """Move lines in just that rhythm, `spikes` as well. Raises UnsteadyHandError where the machine was too busy."""
        done = self.move(actions)
        late = [at - planned for at, (planned, _, _) in zip(done, actions, strict=True)]
        unsteady_s = max(abs(later - sooner) for sooner, later in pairwise(late))
        if unsteady_s > steady_s or (spikes and self._stretched(actions, done)):
            raise UnsteadyHandError(f"a contact moved {unsteady_s * 1000:.0f} ms too late: the machine is too busy")
        return done

    @staticmethod
    def _stretched(actions: Sequence[Action], done: Sequence[float]) -> bool:
        """Whether a spike of one line has become something longer."""
        since: dict[object, tuple[float, float]] = {}
        for (planned, what, _), at in zip(actions, done, strict=True):
            before = since.get(what)
            if before and planned - before[0] < LONGEST_SPIKE_S < at - before[1]:
                return True
            since[what] = planned, at
        return False

    def lift(self) -> None:
        self.lifted_at = self.move(settle(HOOK, False, 0.0, self.chance))[-1]

    def replace(self) -> None:
        self.move(settle(HOOK, True, 0.0, self.chance))

    def press_cradle(self, seconds: float) -> None:
        """Press the cradle down for so long."""
        self.move([*settle(HOOK, True, 0.0, self.chance), *settle(HOOK, False, seconds, self.chance)])

    def press(self, keys: str, *, down_s: float = 0.2) -> list[float]:
        """Press keys of the keypad: not too quickly, since a scan takes ten times `settle_us` here."""
        crossings = [key_lines(key) for key in keys]
        seconds = max(down_s, SCANS_A_KEY * 10 * self.rig.settle_us / 1e6)
        return self.move(press_keys(crossings, down_s=seconds, up_s=seconds, chance=self.chance))

    def dial(self, digits: str) -> None:
        self.press(digits)

    def turn(
        self,
        digits: str,
        *,
        off_normal: bool = True,
        plan: str = "international",
        per_s: float = NOMINAL_PULSES_PER_S,
        open_part: float = NOMINAL_BREAK,
    ) -> list[float]:
        """Dial with the rotary dial."""
        pulses = [DIAL_PLANS[plan].index(digit) for digit in digits]
        contact = OFF_NORMAL if off_normal else None
        actions = turn_dial(PULSE, contact, pulses, per_s=per_s, open_part=open_part, chance=self.chance)
        shortest_s = min(open_part, 1 - open_part) / per_s
        return self.move_exactly(actions, steady_s=min(STEADY_S, STEADY_SHARE * shortest_s))

    # Ears and mouth.

    def begin_to_hear(self) -> None:
        """Record what the phone plays from now on."""
        self.rig.agent.ask("record", device=LOOPBACK, rate_hz=RATE_HZ, file=HEARD)

    def heard(self) -> Recording:
        """End the recording; it carries the host's time."""
        answer = self.rig.agent.ask("end_sound", name="record")
        return read_wav(self.rig.share / HEARD, self.rig.agent.on_host(answer["started_at"]))

    def begin_to_speak(self) -> None:
        """Speak into the microphone, over and over."""
        self.rig.agent.ask("start_playing", device=LOOPBACK, file=SPEECH)

    def said(self) -> Recording:
        """End the speech; it carries the host's time."""
        answer = self.rig.agent.ask("end_sound", name="play")
        return read_wav(CALLER_WAV, self.rig.agent.on_host(answer["started_at"]))

    # Outputs.

    def levels(self) -> dict[int, bool]:
        """What the outputs are at."""
        return dict(zip(OUTPUTS, self.rig.agent.levels(OUTPUTS), strict=True))

    def wait_output(self, line: int, high: bool, since: float, within_s: float = PATIENCE_S) -> float:
        """When an output was set, on the board's clock."""
        return self.rig.agent.wait_edge(line, high, since, within_s)

    def memory_kib(self) -> int:
        """Resident memory of the phone."""
        text = self.rig.agent.read_text(f"/proc/{self.rig.phone_process()}/status")
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS"))

    def processor_s(self) -> float:
        """Processor time that the phone has used."""
        fields = self.rig.agent.read_text(f"/proc/{self.rig.phone_process()}/stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100


def key_lines(key: str) -> tuple[int, int]:
    """The row line and the column line of a key."""
    for row, keys in enumerate(KEYS):
        if key in keys:
            return ROWS[row], COLUMNS[keys.index(key)]
    raise ValueError(f"there is no key {key!r}")


def as_text(value: object) -> str:
    """For messages of failures."""
    return json.dumps(value, indent=1, default=str)


def host_now() -> float:
    """The host's monotonic clock, which pictures and figures are drawn on."""
    return time.monotonic()
