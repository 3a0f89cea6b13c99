"""Whatever happens in whatever order: the world around the phone stays whole."""

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from device.model import CallId
from device.phone.commands import (
    LAMP_STATES,
    LAMPS,
    TONES,
    AnswerCall,
    Command,
    ConnectAudio,
    DisconnectAudio,
    HangUp,
    HoldCall,
    LogCall,
    PlaceCall,
    PlaceTransfer,
    PulseRelay,
    Refuse,
    RefuseTransfer,
    RejectCall,
    ResumeCall,
    SelectAudioPath,
    SendDigit,
    SendRinging,
    SetLamp,
    StartRinger,
    StartTone,
    StopRinger,
    StopTone,
    TransferCall,
)
from device.phone.events import (
    AnswerRequested,
    ButtonPressed,
    CallAnswered,
    CallerChanged,
    CallFinished,
    CallOffered,
    CallProgressed,
    CallRang,
    DialRequested,
    DialStarted,
    DigitDialled,
    DigitHeard,
    DigitsRequested,
    HangupRequested,
    HoldRequested,
    HookFlashed,
    HookLifted,
    HookReplaced,
    MediaLost,
    MessagesUpdated,
    MissedCallsSeen,
    PhoneEvent,
    RegistrationUpdated,
    ReplacementOffered,
    RequestEvent,
    ResumeRequested,
    TransferEnded,
    TransferOffered,
    TransferRequested,
)
from device.phone.phone import Phone
from device.phone.settings import PhoneSettings
from device.phone.states import PhoneState

PHONES = (
    PhoneSettings(),
    PhoneSettings(direct_calls=True, dial_plan="1xxx|<0=+49>x.|!0900x.", hotline="1001", hotline_delay_s=3.0),
    PhoneSettings(hotline="112", flash=False, hang_up_tone="REORDER", no_answer_s=5.0),
    PhoneSettings(
        auto_answer="always",
        auto_answer_delay_s=2.0,
        button_targets="door=1001>1002,sos=112,ear=",
        button_guard_s=0.0,
        door_code="12",
        door_hang_up_s=1.0,
        talk_limit_s=20.0,
    ),
    PhoneSettings(auto_answer="header", ring_timeout_s=3.0, speed_dials="1=1001,11=sip:a@b"),
)


class World:
    """The telephone network, bell, loudspeaker and log around a phone; complains of impossible commands."""

    def __init__(self, phone_settings: PhoneSettings) -> None:
        self.phone = Phone(phone_settings)
        self.now = 0.0
        self.live: dict[CallId, str] = {}
        """Calls that the network knows: "placed", "offered", "answered"."""
        self.known: list[CallId] = []
        self.logged: list[CallId] = []
        self.asked: set[str] = set()
        """Transfers that wait for an answer."""
        self.transfers = 0
        self.audio: set[CallId] = set()
        self.held: set[CallId] = set()
        self.tone = ""
        self.ringing = False
        self.lifted = False
        self.lamps = dict.fromkeys(LAMPS, "off")

    # What happens to the phone.

    def tell(self, event: PhoneEvent) -> None:
        if isinstance(event, HookLifted | HookReplaced):
            self.lifted = isinstance(event, HookLifted)
        commands = self.phone.handle(event, self.now)
        for command in commands:
            if isinstance(command, Refuse):
                assert isinstance(event, RequestEvent)
            self.carry_out(command)
        self.check()

    def wait(self, seconds: float) -> None:
        self.now += seconds
        for command in self.phone.handle_timeout(self.now):
            self.carry_out(command)
        deadline = self.phone.next_timeout()
        assert deadline is None or deadline > self.now
        self.check()

    def offer(self, caller: str, after_s: float | None) -> None:
        call_id = CallId(f"in-{len(self.known)}")
        self.known.append(call_id)
        self.live[call_id] = "offered"
        self.tell(CallOffered(call_id, caller, "", after_s))

    def replace(self, which: int) -> None:
        """Somebody takes the place of the far end of a call that there is, or was."""
        replaced = self.pick(which)
        if replaced is not None:
            call_id = CallId(f"in-{len(self.known)}")
            self.known.append(call_id)
            self.live[call_id] = "offered"
            self.tell(ReplacementOffered(call_id, replaced, "sip:dave@e"))

    def refer(self, which: int, target: str) -> None:
        """A far end asks us to call somebody."""
        self.transfers += 1
        name = f"transfer-{self.transfers}"
        self.asked.add(name)
        self.tell(TransferOffered(name, self.pick(which), target))
        assert not self.asked, "each transfer is answered at once"

    def pick(self, which: int) -> CallId | None:
        """The present call (0), the one that waits (1), or any earlier one."""
        chosen = {0: self.phone.call_id, 1: self.phone.parked_id}.get(which)
        return chosen or (self.known[which % len(self.known)] if self.known else None)

    def about(self, which: int, news: Callable[[CallId], PhoneEvent]) -> None:
        """News of the present call (0) or of any earlier one."""
        call_id = self.pick(which)
        if call_id is None:
            return
        event = news(call_id)
        if isinstance(event, CallFinished):
            self.live.pop(call_id, None)
        self.tell(event)

    # What the phone does to the world.

    def carry_out(self, command: Command) -> None:  # noqa: C901 - one branch a command
        match command:
            case PlaceCall(call_id, target):
                assert target
                assert call_id not in self.known
                self.place(call_id)
            case SendRinging(call_id):
                assert self.live[call_id] == "offered"
            case AnswerCall(call_id):
                assert self.live[call_id] == "offered"
                self.live[call_id] = "answered"
            case RejectCall(call_id, status):
                assert status in (480, 481, 486, 603)
                assert self.live.pop(call_id) == "offered"
            case HangUp(call_id):
                assert self.live.pop(call_id) in ("placed", "answered")
            case HoldCall(call_id):
                assert call_id not in self.held
                self.held.add(call_id)
            case ResumeCall(call_id):
                self.held.remove(call_id)
            case ConnectAudio(call_id):
                assert call_id in self.live
                assert not self.audio
                self.audio.add(call_id)
            case DisconnectAudio(call_id):
                self.audio.remove(call_id)
            case SendDigit(call_id, _):
                assert call_id in self.audio
                assert call_id in self.live
            case _:
                self.tell_others(command)

    def tell_others(self, command: Command) -> None:
        match command:
            case LogCall(call_id):
                assert call_id not in self.logged
                assert call_id not in self.live
                assert command.started <= (command.answered or command.started) <= command.ended == self.now
                self.logged.append(call_id)
            case PlaceTransfer(transfer_id, call_id):
                self.asked.remove(transfer_id)
                self.place(call_id)
            case RefuseTransfer(transfer_id, status):
                assert status in (486, 603)
                self.asked.remove(transfer_id)
            case TransferCall(call_id, target, joined):
                assert self.live[call_id] in ("placed", "answered")
                assert bool(target) != (joined in self.live)
            case _:
                self.switch(command)

    def place(self, call_id: CallId) -> None:
        assert call_id not in self.known
        others = [c for c in self.live if self.live[c] != "offered" and c != self.phone.parked_id]
        assert not others, "two calls at once"
        self.known.append(call_id)
        self.live[call_id] = "placed"

    def switch(self, command: Command) -> None:
        match command:
            case StartTone(tone):
                assert tone in TONES
                assert tone != self.tone
                self.tone = tone
            case StopTone():
                assert self.tone
                self.tone = ""
            case StartRinger():
                assert not self.ringing
                self.ringing = True
            case StopRinger():
                assert self.ringing
                self.ringing = False
            case SetLamp(name, state):
                assert state in LAMP_STATES
                assert self.lamps[name] != state
                self.lamps[name] = state
            case PulseRelay(_, seconds):
                assert seconds > 0
                assert self.audio
            case SelectAudioPath(path):
                assert path == ("handset" if self.lifted else "loudspeaker")
            case _:
                assert isinstance(command, Refuse)
                assert command.reason.endswith(".")

    def check(self) -> None:
        state, snapshot = self.phone.state, self.phone.snapshot()
        there = [call_id for call_id in (self.phone.call_id, self.phone.parked_id) if call_id is not None]
        assert sorted(there) == sorted(self.live), "the phone knows the calls that there are"
        assert not (self.phone.parked_id is not None and self.phone.call_id is None)
        assert self.phone.parked_id not in self.audio
        assert set(self.known) == {*self.logged, *self.live}, "each call ends once in the log"
        assert snapshot.tone == self.tone
        assert snapshot.lifted == self.lifted
        assert self.ringing == (state is PhoneState.ALERTING)
        assert not (self.ringing and self.lifted)
        if state is PhoneState.IDLE:
            assert not self.tone
            assert not self.ringing
            assert not self.audio
            assert not self.lifted
            assert self.phone.next_timeout() is None
        if not self.live:
            assert not self.audio
            assert self.lamps["in_call"] == "off"
        deadline = self.phone.next_timeout()
        assert deadline is None or deadline >= self.now

    def come_to_rest(self) -> None:
        """Hang up, and let the far end hang up: then all is quiet and all is logged."""
        self.tell(HookReplaced(self.now))
        for _ in range(2):
            if self.phone.call_id is not None:
                self.tell(HangupRequested())
        self.wait(1000.0)
        assert self.phone.state in (PhoneState.IDLE, PhoneState.OUT_OF_SERVICE)
        assert not self.live
        assert not self.tone
        assert self.phone.next_timeout() is None
        assert sorted(self.logged) == sorted(self.known)


Step = Callable[[World], None]


def _telling(event: Callable[[World], PhoneEvent]) -> Step:
    return lambda world: world.tell(event(world))


def _about(which: int, news: Callable[[CallId], PhoneEvent]) -> Step:
    return lambda world: world.about(which, news)


def _offering(caller: str, after_s: float | None) -> Step:
    return lambda world: world.offer(caller, after_s)


def _replacing(which: int) -> Step:
    return lambda world: world.replace(which)


def _referring(which: int) -> Step:
    return lambda world: world.refer(which, "sip:carol@d")


def _waiting(seconds: float) -> Step:
    return lambda world: world.wait(seconds)


_EVENTS: list[Callable[[World], Any]] = [
    lambda world: HookLifted(world.now),
    lambda world: HookLifted(world.now - 0.1),
    lambda world: HookReplaced(world.now),
    lambda world: HookFlashed(world.now),
    lambda world: DialStarted(world.now),
    lambda world: RegistrationUpdated(True),
    lambda world: RegistrationUpdated(False),
    lambda world: MessagesUpdated(True),
    lambda world: MissedCallsSeen(),
    lambda world: AnswerRequested(),
    lambda world: AnswerRequested(CallId("in-0")),
    lambda world: HangupRequested(),
    lambda world: HoldRequested(),
    lambda world: ResumeRequested(),
    lambda world: TransferRequested(),
    lambda world: TransferRequested("1002"),
    lambda world: HangupRequested(world.phone.parked_id),
]
_NEWS: list[Callable[[CallId], Any]] = [
    CallProgressed,
    CallRang,
    lambda call_id: CallRang(call_id, True),
    CallAnswered,
    lambda call_id: CallFinished(call_id, 200),
    lambda call_id: CallFinished(call_id, 486),
    lambda call_id: CallFinished(call_id, 404),
    lambda call_id: CallFinished(call_id, 487, elsewhere=True),
    MediaLost,
    lambda call_id: DigitHeard(call_id, "1"),
    lambda call_id: DigitHeard(call_id, "2"),
    lambda call_id: TransferEnded(call_id, succeeded=True),
    lambda call_id: TransferEnded(call_id, succeeded=False),
    lambda call_id: CallerChanged(call_id, "sip:eve@f", "Eve"),
]
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.sampled_from(_EVENTS).map(_telling),
    st.sampled_from("0129#*A").map(lambda digit: _telling(lambda world: DigitDialled(digit, world.now))),
    st.sampled_from(["door", "sos", "ear", "nose"]).map(
        lambda name: _telling(lambda world: ButtonPressed(name, world.now))
    ),
    st.sampled_from(["1001", "112", "sip:a@b", "", "0900123"]).map(
        lambda target: _telling(lambda world: DialRequested(target))
    ),
    st.sampled_from(["1001#", "112", "x"]).map(lambda digits: _telling(lambda world: DigitsRequested(digits))),
    st.builds(_offering, st.sampled_from(["sip:1001@b", "sip:spam@c"]), st.sampled_from([None, 0.0, 2.0])),
    st.builds(_replacing, st.integers(0, 3)),
    st.builds(_referring, st.integers(0, 3)),
    st.builds(_about, st.integers(0, 3), st.sampled_from(_NEWS)),
    st.builds(_about, st.just(0), st.sampled_from(_NEWS)),
    st.sampled_from([0.0, 0.3, 1.0, 2.0, 4.0, 20.0, 90.0]).map(_waiting),
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(PHONES), st.lists(STEPS, max_size=40))
def test_world_stays_whole(phone_settings: PhoneSettings, steps: list[Step]) -> None:
    world = World(phone_settings)
    world.check()
    for step in steps:
        step(world)
    world.come_to_rest()


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="0123456789*#", max_size=12), st.sampled_from(PHONES))
def test_emergency_number_always_gets_through(before: str, phone_settings: PhoneSettings) -> None:
    """Whatever was dialled before, after the handset was down 112 is called, registered or not."""
    world = World(phone_settings)
    world.tell(HookLifted(world.now))
    for digit in before:
        world.tell(DigitDialled(digit, world.now))
    world.tell(HookReplaced(world.now))
    world.tell(HookLifted(world.now))
    if phone_settings.hotline and phone_settings.hotline_delay_s == 0:
        return
    for digit in "112":
        world.tell(DigitDialled(digit, world.now))
    snapshot = world.phone.snapshot()
    assert snapshot.call is not None
    assert snapshot.call.remote == "112"
