"""Every command of the phone, carried out by whoever can."""

import logging
from types import SimpleNamespace
from typing import get_args

import pytest

from device.audio.commands import StartTone as PlayTone
from device.audio.commands import StopTone as SilenceTone
from device.daemon.executor import Executor
from device.hardware.errors import LineError
from device.media.settings import MediaSettings
from device.media.tone_plan import tone_pattern
from device.model import CallId
from device.phone.commands import (
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
from device.store.errors import StoreError

CALL = CallId("c1")
NOW = 1000.0


class _Recording:
    """Takes any call of any method and notes it."""

    def __init__(self, name: str, notes: list[tuple[object, ...]]) -> None:
        self._name = name
        self._notes = notes
        self.error: Exception | None = None

    def __getattr__(self, method: str) -> object:
        def note(*arguments: object) -> object:
            self._notes.append((f"{self._name}.{method}", *arguments))
            if self.error is not None:
                raise self.error
            return "office" if method == "account_of" else None

        return note


@pytest.fixture
def bench() -> SimpleNamespace:
    notes: list[tuple[object, ...]] = []
    line, engine, desk, log = (_Recording(name, notes) for name in ("line", "engine", "desk", "log"))
    settings = MediaSettings(tones="uk", tone_level_db=-22)
    runtime = _Recording("runtime", notes)
    executor = Executor(
        line,  # type: ignore[arg-type]
        engine,  # type: ignore[arg-type]
        desk,  # type: ignore[arg-type]
        log,  # type: ignore[arg-type]
        settings,
        lambda monotonic: monotonic + 1_700_000_000,
        runtime.transfer,  # type: ignore[arg-type]
    )
    return SimpleNamespace(executor=executor, notes=notes, line=line, engine=engine, desk=desk, log=log)


@pytest.mark.parametrize(
    ("command", "done"),
    [
        (PlaceCall(CALL, "1002", emergency=True), ("line.place", CALL, "1002", True, NOW, False)),
        (PlaceCall(CALL, "1002", anonymous=True), ("line.place", CALL, "1002", False, NOW, True)),
        (PlaceTransfer("t", CALL), ("line.place_transfer", "t", CALL, NOW)),
        (RefuseTransfer("t", 603), ("line.refuse_transfer", "t", 603, NOW)),
        (TransferCall(CALL, "1003", None), ("runtime.transfer", CALL, "1003", None, NOW)),
        (SendRinging(CALL), ("line.ring", CALL, NOW)),
        (AnswerCall(CALL), ("line.answer", CALL, NOW)),
        (RejectCall(CALL, 486), ("line.reject", CALL, 486, NOW)),
        (HangUp(CALL), ("line.hang_up", CALL, NOW)),
        (HoldCall(CALL), ("line.hold", CALL, NOW)),
        (ResumeCall(CALL), ("line.resume", CALL, NOW)),
        (ConnectAudio(CALL), ("line.connect_audio", CALL)),
        (DisconnectAudio(CALL), ("line.disconnect_audio", CALL)),
        (SendDigit(CALL, "5"), ("line.send_digit", CALL, "5", NOW)),
        (StartTone("BUSY"), ("engine.submit", PlayTone(tone_pattern("uk", "BUSY"), -22))),
        (StopTone(), ("engine.submit", SilenceTone())),
        (StartRinger("door"), ("desk.start_ringer", "door", NOW)),
        (StopRinger(), ("desk.stop_ringer",)),
        (SetLamp("ringing", "blink"), ("desk.show_lamp", "ringing", "blink", NOW)),
        (PulseRelay("door", 3.0), ("desk.pulse_relay", "door", 3.0, NOW)),
    ],
)
def test_a_command_reaches_its_adapter(bench: SimpleNamespace, command: Command, done: tuple[object, ...]) -> None:
    bench.executor.execute([command], NOW)
    assert bench.notes == [done]


def test_every_command_there_is_can_be_carried_out(bench: SimpleNamespace) -> None:
    assert set(bench.executor._actions) == set(get_args(Command))


@pytest.mark.parametrize("tone", TONES)
def test_every_tone_there_is_can_be_played(bench: SimpleNamespace, tone: str) -> None:
    bench.executor.execute([StartTone(tone)], NOW)
    assert len(bench.notes) == 1


def test_one_card_serves_both_ways_of_hearing(bench: SimpleNamespace, caplog: pytest.LogCaptureFixture) -> None:
    bench.executor.execute([SelectAudioPath("loudspeaker")], NOW)
    assert bench.notes == []
    assert caplog.records == []


def test_a_refusal_is_told_once(bench: SimpleNamespace) -> None:
    bench.executor.execute([Refuse("busy")], NOW)
    assert bench.executor.take_refusal() == "busy"
    assert bench.executor.take_refusal() is None


def test_a_call_is_logged_in_wall_clock_time(bench: SimpleNamespace) -> None:
    bench.executor.execute([LogCall(CALL, "in", "sip:bob@x", "Bob", 10.0, 12.0, 20.0, "answered")], NOW)
    record = bench.notes[-1][1]
    assert (record.started_at, record.answered_at, record.ended_at) == (1_700_000_010, 1_700_000_012, 1_700_000_020)
    assert (record.account, record.direction, record.remote, record.remote_name, record.cause) == (
        "office", "in", "sip:bob@x", "Bob", "answered",
    )  # fmt: skip


def test_a_call_that_nobody_answered_has_no_time_of_answer(bench: SimpleNamespace) -> None:
    bench.executor.execute([LogCall(CALL, "out", "1002", "", 10.0, None, 20.0, "busy")], NOW)
    assert bench.notes[-1][1].answered_at == 0.0


def test_a_full_card_keeps_nobody_from_telephoning(bench: SimpleNamespace, caplog: pytest.LogCaptureFixture) -> None:
    bench.log.error = StoreError("no space left")
    bench.executor.execute([LogCall(CALL, "out", "1002", "", 10.0, None, 20.0, "busy"), StopTone()], NOW)
    assert bench.notes[-1] == ("engine.submit", SilenceTone())
    assert "c1: the call could not be put in the call log: no space left" in caplog.text


def test_what_fails_does_not_keep_the_rest_from_being_done(
    bench: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    bench.desk.error = LineError("the lamp is gone")
    bench.executor.execute([SetLamp("ringing", "on"), StopTone()], NOW)
    assert bench.notes[-1] == ("engine.submit", SilenceTone())
    assert "SetLamp could not be carried out" in caplog.text


def test_digits_that_could_not_be_sent_are_not_in_the_log(
    bench: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bench.line.error = RuntimeError("no thread")
    bench.executor.execute([SendDigit(CALL, "7")], NOW)
    assert "SendDigit could not be carried out" in caplog.text
    assert "'7'" not in caplog.text


def test_a_flood_of_calls_does_not_fill_the_call_log(bench: SimpleNamespace, caplog: pytest.LogCaptureFixture) -> None:
    def attempt(number: int, now: float) -> None:
        call_id = CallId(f"in-{number}")
        bench.executor.execute([LogCall(call_id, "in", "sip:stranger@x", "", now, None, now, "busy")], now)

    def logged() -> int:
        return sum(note[0] == "log.add" for note in bench.notes)

    for number in range(200):
        attempt(number, NOW + number / 100)
    assert logged() == 20
    assert caplog.text.count("too many calls") == 1
    bench.executor.execute([LogCall(CALL, "in", "sip:bob@x", "Bob", 10.0, 12.0, 20.0, "answered")], NOW + 2)
    attempt(500, NOW + 70)
    assert logged() == 22
