"""A phone on the bench: somebody who lifts, dials and waits, and a list of what the phone wanted done."""

from itertools import count

from device.model import CallId
from device.phone.commands import Command, LogCall, PlaceCall, Refuse
from device.phone.events import (
    AnswerRequested,
    ButtonPressed,
    CallAnswered,
    CallFinished,
    CallOffered,
    CallRang,
    DigitDialled,
    DigitHeard,
    HookFlashed,
    HookLifted,
    HookReplaced,
    PhoneEvent,
    RegistrationUpdated,
)
from device.phone.phone import Phone
from device.phone.settings import PhoneSettings
from device.phone.states import PhoneState

CALLER = "sip:1002@pbx.example"


class Bench:
    """A registered phone with settings of its own, at second 1000 of its clock."""

    def __init__(self, registered: bool = True, **settings: str | float | bool) -> None:
        self.settings = PhoneSettings(**settings)  # type: ignore[arg-type]
        assert self.settings.faults() == []
        self.phone = Phone(self.settings)
        self.now = 1000.0
        self.done: list[Command] = []
        self._offers = count(1)
        if registered:
            self.handle(RegistrationUpdated(True))

    @property
    def state(self) -> PhoneState:
        return self.phone.state

    @property
    def tone(self) -> str:
        return self.phone.snapshot().tone

    @property
    def call_id(self) -> CallId:
        assert self.phone.call_id is not None
        return self.phone.call_id

    def handle(self, event: PhoneEvent) -> list[Command]:
        commands = self.phone.handle(event, self.now)
        self.done += commands
        return commands

    def wait(self, seconds: float) -> list[Command]:
        """Let time pass, waking the phone exactly when it asks for it."""
        end, commands = self.now + seconds, []
        while (deadline := self.phone.next_timeout()) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            commands += self.phone.handle_timeout(self.now)
        self.now = end
        self.done += commands
        return commands

    def lift(self) -> list[Command]:
        return self.handle(HookLifted(self.now))

    def replace(self) -> list[Command]:
        return self.handle(HookReplaced(self.now))

    def flash(self) -> list[Command]:
        return self.handle(HookFlashed(self.now))

    def press(self, button: str) -> list[Command]:
        return self.handle(ButtonPressed(button, self.now))

    def dial(self, digits: str) -> list[Command]:
        return [command for digit in digits for command in self.handle(DigitDialled(digit, self.now))]

    def offer(self, caller: str = CALLER, name: str = "", auto_answer_after_s: float | None = None) -> list[Command]:
        return self.handle(CallOffered(CallId(f"in-{next(self._offers)}"), caller, name, auto_answer_after_s))

    def far_rings(self, early_media: bool = False) -> list[Command]:
        return self.handle(CallRang(self.call_id, early_media))

    def far_answers(self) -> list[Command]:
        return self.handle(CallAnswered(self.call_id))

    def far_ends(self, status: int = 200, elsewhere: bool = False) -> list[Command]:
        return self.handle(CallFinished(self.call_id, status, "", False, elsewhere))

    def hear(self, digits: str) -> list[Command]:
        return [command for digit in digits for command in self.handle(DigitHeard(self.call_id, digit))]

    def calling(self, number: str = "1001") -> None:
        self.lift()
        self.dial(number + "#")
        assert self.state is PhoneState.CALLING

    def ringing_out(self) -> None:
        self.calling()
        self.far_rings()

    def talking(self) -> None:
        self.ringing_out()
        self.far_answers()

    def talking_hands_free(self) -> None:
        """A caller was answered by request, the handset is down."""
        self.offer()
        self.handle(AnswerRequested())

    def logged(self) -> list[LogCall]:
        return [command for command in self.done if isinstance(command, LogCall)]

    def placed(self) -> list[str]:
        return [command.target for command in self.done if isinstance(command, PlaceCall)]


def refusals(commands: list[Command]) -> list[str]:
    return [command.reason for command in commands if isinstance(command, Refuse)]
