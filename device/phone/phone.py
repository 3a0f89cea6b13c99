"""The phone: events in, commands out, one table between them."""

from collections.abc import Callable, Mapping

from device.model import CallId
from device.phone.commands import Command
from device.phone.events import PhoneEvent
from device.phone.settings import PhoneSettings
from device.phone.states import PhoneState
from device.records import dataclass


@dataclass(frozen=True, slots=True)
class CallSnapshot:
    """One call as a status display shows it; times are seconds on the monotonic clock."""

    call_id: str
    direction: str
    """"in" or "out"."""
    remote: str
    remote_name: str
    started: float
    answered: float | None
    held: bool
    early_media: bool


@dataclass(frozen=True, slots=True)
class PhoneSnapshot:
    """What the phone is doing, in plain values that `asdict` can hand to JSON."""

    state: str
    lifted: bool
    registered: bool
    ringing: bool
    tone: str
    """Name of the tone that plays, empty for none."""
    audio_path: str
    """"handset" or "loudspeaker"."""
    missed_calls: int
    messages_waiting: bool
    call: CallSnapshot | None


class Phone:
    """One line with one call at a time.

    `new_call_id` names the calls this phone places; without it they are "out-1", "out-2" ...
    `speed_dials` maps short codes to targets, besides those of the settings.
    """

    def __init__(
        self,
        settings: PhoneSettings,
        new_call_id: Callable[[], CallId] | None = None,
        speed_dials: Mapping[str, str] | None = None,
    ) -> None:
        raise NotImplementedError

    @property
    def state(self) -> PhoneState:
        raise NotImplementedError

    @property
    def call_id(self) -> CallId | None:
        """The name of the call there is, None without one."""
        raise NotImplementedError

    def handle(self, event: PhoneEvent, now: float) -> list[Command]:
        """Take one event at `now` (monotonic seconds) and say what is to be done about it, in order."""
        raise NotImplementedError

    def handle_timeout(self, now: float) -> list[Command]:
        """Let every deadline up to `now` take effect."""
        raise NotImplementedError

    def next_timeout(self) -> float | None:
        """When `handle_timeout` wants to be called next, None for not at all."""
        raise NotImplementedError

    def set_speed_dials(self, speed_dials: Mapping[str, str]) -> None:
        """Replace the short codes that came besides the settings, as when the phone book has changed."""
        raise NotImplementedError

    def snapshot(self) -> PhoneSnapshot:
        """What the phone is doing now."""
        raise NotImplementedError
