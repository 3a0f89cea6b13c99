"""The whole audio thread in real time: on the fake card, and on files. Nothing here measures time."""

import threading
import time
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from device.audio.commands import AttachStream, DetachStream, StartTone, StopTone
from device.audio.devices import make_device
from device.audio.engine import AudioEngine
from device.audio.manual import ManualPort
from device.audio.reports import AudioReport, DeviceFound, DeviceLost, StreamEnded
from device.audio.settings import AudioSettings
from device.audio.wav import read_wav_format
from device.media.tones import TonePattern, ToneSegment
from device.model import CallId
from tests.support.fakecard.card import OPEN, UNPLUGGED, FakeCard
from tests.support.streams import FAR_RTP, PlainStream, stream_parameters

TONE = TonePattern((ToneSegment((425,), 1000),))
PATIENCE_S = 10.0


class Phone:
    """An engine and the main thread that it wakes."""

    def __init__(self, settings: AudioSettings) -> None:
        self.reports: list[AudioReport] = []
        self._woken = threading.Event()
        self.engine = AudioEngine(settings, lambda: make_device(settings), self._woken.set, new_stream=PlainStream)

    def attach(self) -> ManualPort:
        rtp = ManualPort()
        self.engine.submit(AttachStream(CallId("a"), stream_parameters(), rtp, ManualPort()))
        return rtp

    def wait_for(self, what: str, happened: Callable[[], bool]) -> None:
        """Let time pass until something has happened; fails only when it never does."""
        give_up_at = time.monotonic() + PATIENCE_S
        while not happened():
            self._woken.wait(0.01)
            self._woken.clear()
            self.reports += self.engine.reports()
            assert time.monotonic() < give_up_at, f"{what} did not happen"


@pytest.fixture
def started() -> Iterator[Callable[..., Phone]]:
    phones: list[Phone] = []

    def start(**settings: object) -> Phone:
        values = {"linger_s": 0.0, "real_time_priority": 0, **settings}
        phones.append(Phone(AudioSettings(**values)))  # type: ignore[arg-type]
        return phones[-1]

    yield start
    for phone in phones:
        phone.engine.close()


Started = Callable[..., Phone]


def test_a_call_on_a_card_is_heard_and_the_card_closed_behind_it(card: FakeCard, started: Started) -> None:
    card.hear([700] * 48)
    phone = started(kind="alsa")
    rtp = phone.attach()
    phone.wait_for("the microphone being sent", lambda: len(rtp.sent) > 4)
    assert card[OPEN] == 2
    # ALSA's own rate conversion runs in before it gives the level whole.
    assert array("h", rtp.sent[4][0])[-1] == pytest.approx(700, abs=10)
    phone.engine.submit(DetachStream(CallId("a")))
    phone.wait_for("the card being closed", lambda: card[OPEN] == 0)
    assert isinstance(phone.reports[-1], StreamEnded)


def test_a_card_pulled_out_and_plugged_in_again_in_a_call(card: FakeCard, started: Started) -> None:
    phone = started(kind="alsa", capture_device="card8", playback_device="card8")
    rtp = phone.attach()
    phone.wait_for("sound", lambda: len(rtp.sent) > 2)
    card[UNPLUGGED] = 1
    phone.wait_for("the loss being told", lambda: any(isinstance(report, DeviceLost) for report in phone.reports))
    before = len(rtp.sent)
    phone.wait_for("the call going on in silence", lambda: len(rtp.sent) > before + 3)
    card[UNPLUGGED] = 0
    phone.wait_for("the card being found", lambda: DeviceFound("card8") in phone.reports)
    assert card[OPEN] == 2
    assert phone.engine.counters().devices_lost == 1


def test_an_idle_phone_has_its_card_closed_and_does_not_wake_up(card: FakeCard, started: Started) -> None:
    phone = started(kind="alsa")
    phone.engine.submit(StartTone(TONE))
    phone.wait_for("the tone", lambda: phone.engine.counters().periods > 2)
    phone.engine.submit(StopTone())
    phone.wait_for("the card being closed", lambda: card[OPEN] == 0)

    def switches() -> int:
        """How often the audio thread has gone to sleep so far."""
        assert phone.engine._thread is not None
        status = Path(f"/proc/self/task/{phone.engine._thread.native_id}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("voluntary_ctxt")).split()[1])

    time.sleep(0.05)
    before = switches()
    time.sleep(0.1)
    assert switches() == before


def test_a_call_on_files(started: Started, tmp_path: Path) -> None:
    phone = started(kind="wav", wav_out=str(tmp_path / "out.wav"))
    rtp = phone.attach()
    for _ in range(3):
        rtp.arrived.append((array("h", [321] * 160).tobytes(), FAR_RTP))
    phone.wait_for("sound", lambda: len(rtp.sent) > 4)
    phone.engine.submit(DetachStream(CallId("a")))
    phone.wait_for("the end", lambda: any(isinstance(report, StreamEnded) for report in phone.reports))
    phone.engine.close()
    with open(tmp_path / "out.wav", "rb") as file:
        layout = read_wav_format(file)
        file.seek(layout.data_at)
        heard = array("h", file.read(layout.data_bytes))
    assert heard.count(321) == 480


def test_a_call_without_any_device(started: Started) -> None:
    phone = started(kind="null")
    rtp = phone.attach()
    phone.wait_for("silence being sent", lambda: len(rtp.sent) > 3)
    assert rtp.sent[0][0] == bytes(320)


def test_a_microphone_alone_and_an_ear_piece_alone(card: FakeCard, started: Started) -> None:
    for capture, playback in (("card8", "none"), ("none", "card8")):
        phone = started(kind="alsa", capture_device=capture, playback_device=playback)
        rtp = phone.attach()
        phone.wait_for("sound", lambda sent=rtp.sent: len(sent) > 3)  # type: ignore[misc]
        assert card[OPEN] == 1
        phone.engine.close()
