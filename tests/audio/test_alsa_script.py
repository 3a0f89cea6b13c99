"""What a card may answer at any call, by script: short writes, odd formats, errors in the middle."""

import os
from collections.abc import Iterator
from errno import EACCES, EBUSY, EINVAL, EIO, ENODEV, ENOENT

import pytest

from device.audio import alsa
from device.audio.alsa import AlsaCapture, AlsaPlayback
from device.audio.errors import DeviceUnavailable
from tests.support import scripted_alsa
from tests.support.scripted_alsa import PCM, ALSAAudioError, DropError

FRAME = b"\1\0" * 160
EPIPE = -32
STREAMS_PIPE = ALSAAudioError("Streams pipe error [card]")


@pytest.fixture(autouse=True)
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(__import__("sys").modules, "alsaaudio", scripted_alsa)
    monkeypatch.setattr(alsa.time, "sleep", lambda seconds: None)
    scripted_alsa.reset()
    yield
    scripted_alsa.reset()


def error(number: int) -> ALSAAudioError:
    return ALSAAudioError(f"{os.strerror(number)} [card]")


def playback(*answers: object) -> AlsaPlayback:
    """A card that plays already; `answers` are for what is written next."""
    sink = AlsaPlayback("card")
    sink.open(8000, 160)
    sink.write(FRAME)
    sink._bursting = False
    PCM.answers.extend(answers)
    return sink


def capture(*answers: object) -> AlsaCapture:
    source = AlsaCapture("card")
    source.open(8000, 160)
    PCM.answers.extend(answers)
    return source


def written() -> list[int]:
    """Lengths of the writes in samples."""
    return [len(data) // 2 for data in PCM.instances[-1].written]


def test_the_first_write_holds_the_margin_and_a_frame() -> None:
    playback()
    assert written() == [80 + 160]


def test_a_short_write_is_completed() -> None:
    playback(100).write(FRAME)
    assert written() == [240, 160, 60]


def test_what_does_not_fit_twice_is_dropped() -> None:
    sink = playback(0, 100, 10)
    sink.write(FRAME)
    sink.write(FRAME)
    assert written() == [240, 160, 160, 60]
    assert sink.xruns == 0


def test_a_buffer_that_is_full_takes_nothing_and_nobody_waits() -> None:
    class Nothing(int):
        """Zero frames, and not the script's word for "all"."""

        def __eq__(self, other: object) -> bool:
            return False

        __hash__ = int.__hash__

    playback(Nothing(0), Nothing(0)).write(FRAME)
    assert written() == [240, 160, 160]


def test_an_underrun_in_the_second_half_of_a_short_write_begins_anew() -> None:
    sink = playback(100, EPIPE)
    sink.write(FRAME)
    assert written() == [240, 160, 60, 80 + 160]
    assert sink.xruns == 1


def test_a_suspended_playback_is_dropped_and_begun_anew() -> None:
    sink = playback(STREAMS_PIPE)
    sink.write(FRAME)
    assert written() == [240, 160, 240]
    assert PCM.instances[0].dropped == 1


def test_a_card_that_does_not_start_again_is_lost() -> None:
    with pytest.raises(DeviceUnavailable, match="does not start to play"):
        playback(EPIPE, EPIPE).write(FRAME)


def test_frames_in_a_burst_after_an_underrun_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(alsa.time, "monotonic", lambda: now)
    sink = playback(EPIPE)
    for elapsed_s in (0.0, 0.0, 0.001, 0.018, 0.02, 0.0):
        now += elapsed_s
        sink.write(FRAME)
    assert sink.skipped == 2
    assert written() == [240, 160, 240, 160, 160, 160]


@pytest.mark.parametrize(("apart_s", "margin_ms"), [(10.0, 20), (40.0, 10)])
def test_only_underruns_close_together_widen_the_margin(
    monkeypatch: pytest.MonkeyPatch, apart_s: float, margin_ms: int
) -> None:
    now = 1000.0
    monkeypatch.setattr(alsa.time, "monotonic", lambda: now)
    sink = playback(EPIPE, 0, EPIPE)
    sink.write(FRAME)
    now += apart_s
    sink.write(FRAME)
    assert (sink.xruns, sink.margin_ms) == (2, margin_ms)


def test_the_margin_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(alsa.time, "monotonic", lambda: now)
    sink = playback()
    for _ in range(20):
        now += 1.0
        PCM.answers.append(EPIPE)
        sink.write(FRAME)
    assert sink.margin_ms == 80


def test_a_buffer_that_fills_up_loses_a_frame_a_second() -> None:
    sink = playback()
    PCM.queued = 80 + 100
    for _ in range(100):
        sink.write(FRAME)
    assert sink.skipped == 0
    PCM.queued = 80 + 250
    for _ in range(100):
        sink.write(FRAME)
    assert sink.skipped == 2


def test_an_error_of_the_card_names_it_and_the_setting() -> None:
    with pytest.raises(DeviceUnavailable, match=r"card \(playback\): Input/output error.*audio\.playback_device"):
        playback(error(EIO)).write(FRAME)
    with pytest.raises(DeviceUnavailable, match=r'not there \(capture\).*"plughw:CARD=Device"'):
        capture(error(ENODEV)).read()


def test_an_unplugged_card_can_be_closed() -> None:
    sink = playback(DropError("No such device [card]"))
    sink.close()
    assert PCM.instances[0].closed


def test_reads_are_put_together_to_frames() -> None:
    source = capture(FRAME[:100], 0, FRAME[:100], FRAME, FRAME[:300])
    assert source.read() == FRAME
    assert source.read() == FRAME


def test_an_overrun_throws_away_what_was_half_read() -> None:
    source = capture(b"\7\0" * 100, EPIPE, 0, FRAME)
    assert source.read() == FRAME
    assert source.xruns == 1


def test_a_suspended_capture_is_dropped_and_begun_anew() -> None:
    source = capture(STREAMS_PIPE, 0, FRAME)
    assert source.read() == FRAME
    assert source.xruns == 1
    assert PCM.instances[0].dropped == 1


def test_a_capture_that_cannot_be_started_again_is_lost() -> None:
    with pytest.raises(DeviceUnavailable, match="not there"):
        capture(EPIPE, error(ENODEV)).read()


def test_overruns_without_end_are_given_up() -> None:
    source = capture()
    PCM.default = EPIPE
    with pytest.raises(DeviceUnavailable, match="nothing but overruns"):
        source.read()


def test_a_card_without_a_sample_is_given_up() -> None:
    with pytest.raises(DeviceUnavailable, match="stands still"):
        capture().read()


@pytest.mark.parametrize(
    ("number", "reason"),
    [(EBUSY, "in use"), (EACCES, "group audio"), (EINVAL, "plughw"), (EIO, "check its connection")],
)
def test_reasons_not_to_open(monkeypatch: pytest.MonkeyPatch, number: int, reason: str) -> None:
    class Refusing(PCM):
        def __init__(self, *arguments: object, **wanted: object) -> None:
            raise error(number)

    monkeypatch.setattr(scripted_alsa, "PCM", Refusing)
    with pytest.raises(DeviceUnavailable, match=reason):
        AlsaCapture("card").open(8000, 160)


def test_a_machine_without_cards_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripted_alsa, "cards", list)
    with pytest.raises(DeviceUnavailable, match="shows no sound card"):
        AlsaCapture("plughw:CARD=Device").open(8000, 160)


@pytest.mark.parametrize("name", ["plughw:CARD=Device", "hw:0", "default"])
def test_without_its_configuration_alsa_knows_no_card_and_that_is_told(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """As on an image that has the library of ALSA, and not its data."""

    def refuse(*_: object, **__: object) -> None:
        raise scripted_alsa.ALSAAudioError(f"{os.strerror(ENOENT)} [{name}]")

    for symbol in ("cards", "card_indexes", "PCM"):
        monkeypatch.setattr(scripted_alsa, symbol, refuse)
    monkeypatch.setattr(scripted_alsa.PCM, "avail", None, raising=False)
    with pytest.raises(DeviceUnavailable, match=r"its configuration is missing; .* /usr/share/alsa/alsa.conf"):
        AlsaCapture(name).open(8000, 160)


@pytest.mark.parametrize("name", ["hw:Device", "hw:3,0", "plughw:CARD=b1,DEV=0", "default"])
def test_cards_that_are_there_are_opened(name: str) -> None:
    AlsaCapture(name).open(8000, 160)
    assert PCM.instances[0].wanted["device"] == name


def test_the_period_is_asked_for_in_frames_of_the_rate_that_the_card_insists_on() -> None:
    PCM.formats.append({"rate": 48000, "channels": 2})
    AlsaCapture("card").open(8000, 160)
    first, second = PCM.instances
    assert first.closed
    assert (second.wanted["rate"], second.wanted["channels"], second.wanted["periodsize"]) == (48000, 2, 960)


def test_a_card_that_cannot_make_up_its_mind_is_refused() -> None:
    PCM.formats.extend([{"rate": 48000}, {"rate": 16000}, {"rate": 48000}])
    with pytest.raises(DeviceUnavailable, match="does not settle"):
        AlsaCapture("hw:Device").open(8000, 160)
    assert all(pcm.closed for pcm in PCM.instances)


def test_a_long_period_of_the_card_makes_the_margin_as_long() -> None:
    PCM.formats.append({"period_size": 171})
    assert playback().margin_ms == pytest.approx(21.4, abs=0.1)
