"""Sounds, bells, lamps and relays tried out by a technician: each ends by itself, and gives way to a call.

Loaded with the first test. A participant of the loop from then on.
"""

from collections.abc import Callable

from device.audio.commands import StartMeter, StartTone, StopMeter, StopTone
from device.audio.engine import AudioEngine
from device.control.errors import INVALID_PARAMS, REFUSED, ControlError
from device.daemon.account_fields import Params
from device.daemon.desk import Desk
from device.hardware.cadences import COUNTRY_CADENCES, DISTINCTIVE_CADENCES
from device.hardware.lamp import LAMP_MODES
from device.media.settings import MediaSettings
from device.media.tone_plan import TONE_NAMES, tone_pattern

DEFAULT_S, LONGEST_S = 5, 60
LONGEST_PULSE_S = 10
RINGING_STATE = "alerting"
SILENT_STATES = ("alerting", "connected", "held")
"""States of the phone that bring no tone of their own in place of ours."""


class DeviceTests:
    """The methods test.*; `activity` answers the phone's state in a word, `is_idle` whether nobody uses it."""

    def __init__(
        self,
        desk: Desk,
        engine: AudioEngine,
        media: MediaSettings,
        is_idle: Callable[[], bool],
        activity: Callable[[], str],
        clock: Callable[[], float],
    ) -> None:
        self._desk = desk
        self._engine = engine
        self._media = media
        self._is_idle = is_idle
        self._activity = activity
        self._clock = clock
        self._ends: dict[tuple[str, str], float] = {}
        """What runs, as kind and name, and when it ends."""

    def ring(self, params: Params) -> dict[str, object]:
        """Let the bell ring."""
        pattern = str(params.get("name") or "default")
        known = {"default": None, **COUNTRY_CADENCES, **DISTINCTIVE_CADENCES}
        if pattern not in known:
            raise ControlError(INVALID_PARAMS, f"name: {pattern!r} is no ring pattern; there are {', '.join(known)}")
        seconds = self._seconds(params, LONGEST_S)
        self._end("ring", "")
        self._desk.start_ringer(pattern, self._clock())
        return self._begin("ring", "", seconds)

    def tone(self, params: Params) -> dict[str, object]:
        """Play a tone to the ear."""
        name = str(params.get("name") or "dial").upper().replace("-", "_")
        if name not in TONE_NAMES:
            words = ", ".join(tone.lower().replace("_", "-") for tone in TONE_NAMES)
            raise ControlError(INVALID_PARAMS, f"name: {params['name']!r} is no tone; there are {words}")
        seconds = self._seconds(params, LONGEST_S)
        self._engine.submit(
            StartTone(tone_pattern(self._media.tones, name, self._media.own_tones), self._media.tone_level_db)
        )
        return self._begin("tone", "", seconds)

    def lamp(self, params: Params) -> dict[str, object]:
        """Light a lamp; afterwards it shows again what the phone wants."""
        name, mode = str(params.get("name") or ""), str(params.get("mode") or "on")
        self._known("lamp", name, self._desk.lamp_names())
        if mode not in LAMP_MODES:
            raise ControlError(INVALID_PARAMS, f"mode: {mode!r} is none of {', '.join(LAMP_MODES)}")
        seconds = self._seconds(params, LONGEST_S)
        self._desk.try_lamp(name, mode, self._clock())
        return self._begin("lamp", name, seconds)

    def relay(self, params: Params) -> dict[str, object]:
        """Pull a relay for a moment."""
        name = str(params.get("name") or "")
        self._known("relay", name, self._desk.relay_names())
        seconds = self._seconds(params, LONGEST_PULSE_S, 1)
        self._desk.pulse_relay(name, seconds, self._clock())
        return {"seconds": seconds}

    def mic(self, params: Params) -> dict[str, object]:
        """Tell how loud the microphone is; with `loop_back` it is heard, too."""
        seconds = self._seconds(params, LONGEST_S)
        self._engine.submit(StartMeter(bool(params.get("loop_back"))))
        return self._begin("mic", "", seconds)

    def stop(self, _params: Params) -> dict[str, object]:
        """End every test."""
        stopped = [kind for kind, _ in self._ends]
        for kind, name in list(self._ends):
            self._end(kind, name)
        return {"stopped": stopped}

    def pump(self, now: float) -> float | None:
        """End what is due, and everything once somebody uses the phone; answers when the next is due."""
        idle = self._is_idle()
        for (kind, name), end in list(self._ends.items()):
            if now >= end or (not idle and kind != "lamp"):
                self._end(kind, name)
        return min(self._ends.values(), default=None)

    def _seconds(self, params: Params, longest: int, default: int = DEFAULT_S) -> int:
        """How long a test is to last; raises ControlError for too long, and when the phone is in use."""
        seconds = params.get("seconds", default)
        if not isinstance(seconds, int) or not 1 <= seconds <= longest:
            raise ControlError(INVALID_PARAMS, f"seconds: {seconds!r} is no whole number from 1 to {longest}")
        if not self._is_idle():
            raise ControlError(REFUSED, f"the phone is in use ({self._activity()}): test again when it is at rest")
        if self._desk.fault:
            raise ControlError(REFUSED, f"the board is not there: {self._desk.fault}")
        return seconds

    @staticmethod
    def _known(kind: str, name: str, names: list[str]) -> None:
        if name not in names:
            there_are = f"there are {', '.join(names)}" if names else "it has none"
            raise ControlError(INVALID_PARAMS, f"name: this board has no {kind} {name!r}; {there_are}")

    def _begin(self, kind: str, name: str, seconds: int) -> dict[str, object]:
        self._ends[kind, name] = self._clock() + seconds
        return {"seconds": seconds}

    def _end(self, kind: str, name: str) -> None:
        """End a test, unless the phone has taken over the bell or the tone for its own purpose."""
        if self._ends.pop((kind, name), None) is None:
            return
        activity = self._activity()
        if kind == "mic":
            self._engine.submit(StopMeter())
        elif kind == "lamp":
            self._desk.restore_lamp(name, self._clock())
        elif kind == "ring" and activity != RINGING_STATE:
            self._desk.stop_ringer()
        elif kind == "tone" and (self._is_idle() or activity in SILENT_STATES):
            self._engine.submit(StopTone())
