"""Two phones and an exchange that only pretend, in a time that passes as a test wants."""

import wave
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from device.control.client import DaemonEvent
from device.control.errors import REFUSED, ControlError
from device.demo.measure import RATE_HZ

SOUNDS = Path(__file__).parents[2] / "device" / "demo" / "sounds"
DELAY_S = 0.1


class SmallClock:
    """Stands for the module `time`."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now + 1_700_000_000.0


class SmallPhone:
    """What the story and the keyboard see of a phone."""

    def __init__(self, number: str, folder: Path, clock: SmallClock) -> None:
        self.number = number
        self.port = 5060
        self.state = "idle"
        self.clock = clock
        self.heard = folder / f"{number}-heard.wav"
        self.microphone = SOUNDS / ("caller.wav" if number == "1001" else "callee.wav")
        self.events: list[tuple[float, DaemonEvent]] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.client = SimpleNamespace(call=self._call)
        self.process = SimpleNamespace(pid=4711)
        self.refuses = False
        self.act: Callable[[str, str, dict[str, Any]], None] = lambda number, method, params: None

    def _call(self, method: str, **params: Any) -> None:
        if self.refuses:
            raise ControlError(REFUSED, "not now")
        self.calls.append((method, params))
        self.act(self.number, method, params)

    def enter(self, state: str) -> None:
        """Go to a state and tell so."""
        params = {"state": state, "previous": self.state, "at": self.clock.now, "call": None}
        self.state = state
        self.tell("phone", params)

    def tell(self, topic: str, params: dict[str, Any]) -> None:
        self.events.append((self.clock.now, DaemonEvent(topic, params)))

    def say(self, direction: str, text: str) -> None:
        """A SIP message at this phone."""
        self.tell("sip", {"direction": direction, "at": self.clock.time(), "text": text})

    def status(self) -> dict[str, Any]:
        lines = [{"name": "ringer.0", "active": self.state == "alerting"}]
        return {
            "phone": {"state": self.state},
            "audio": {"opened_at": 1000.0, "periods_before": 0},
            "board": {"lines": lines},
        }


class SmallSystem:
    """The scripted world: dialling 1002# at 1001 makes 1002 ring, and so on; both hear each other after a while."""

    def __init__(self, folder: Path) -> None:
        self.clock = SmallClock()
        self.port = 5070
        self.phones = {number: SmallPhone(number, folder, self.clock) for number in ("1001", "1002")}
        for phone in self.phones.values():
            phone.act = self._act
            phone.heard.write_bytes(b"")
        self.keys: list[list[int]] = []
        self._write_heard()

    def _write_heard(self) -> None:
        for number, other in (("1001", "1002"), ("1002", "1001")):
            with wave.open(str(self.phones[other].microphone), "rb") as reader:
                pcm = reader.readframes(reader.getnframes())
            with wave.open(str(self.phones[number].heard), "wb") as writer:
                writer.setnchannels(1)
                writer.setsampwidth(2)
                writer.setframerate(RATE_HZ)
                writer.writeframes(bytes(2 * int(DELAY_S * RATE_HZ)) + pcm * 5)

    def _act(self, number: str, method: str, params: dict[str, Any]) -> None:
        caller, callee = self.phones["1001"], self.phones["1002"]
        if method == "board.lift" and number == "1001":
            caller.enter("dial-tone")
        elif method == "board.press" and params["digits"] == "#":
            caller.say("out", "INVITE sip:1002@x SIP/2.0\r\nContent-Type: application/sdp\r\n\r\n")
            self.clock.now += 0.02
            callee.say("in", "INVITE sip:1002@x SIP/2.0\r\n\r\n")
            callee.enter("alerting")
            caller.say("in", "SIP/2.0 180 Ringing\r\n\r\n")
            caller.enter("ringback")
        elif method == "board.lift":
            callee.enter("connected")
            caller.enter("connected")
        elif method == "board.replace" and number == "1001":
            caller.enter("idle")
            for phone in (caller, callee):
                phone.tell("audio", {"call": "c", "ended": True, "report": {"packets_sent": 400, "jitter_ms": 0.5}})
            callee.enter("busy-tone")
        elif method == "board.replace":
            callee.enter("idle")

    def wait(self, what: str, reached: Callable[[], bool], timeout_s: float = 15.0) -> None:
        self.clock.now += 0.01
        assert reached(), what

    def listen(self, seconds: float) -> None:
        self.clock.now += seconds

    def pump(self, longest_wait_s: float, more: list[int] | None = None) -> list[int]:
        """Every second turn keys are there to be read."""
        return self.keys.pop(0) if self.keys else (more or [])
