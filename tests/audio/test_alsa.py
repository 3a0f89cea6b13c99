"""The real ALSA library on the fake card: rates, xruns, suspend, a card in use, a card pulled out."""

import time
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("alsaaudio", reason="pyalsaaudio is not installed")

from device.audio.alsa import AlsaCapture, AlsaPlayback
from device.audio.errors import DeviceUnavailable
from tests.support.fakecard.card import (
    CAPTURE_XRUN,
    OPEN,
    PLAYBACK_XRUN,
    RECORD,
    STALLED,
    SUSPEND,
    UNPLUGGED,
    FakeCard,
)

CARDS = ["card8", "card16", "card48", "card32", "card4", "plug48", "default"]
SILENCE = bytes(320)


@pytest.fixture
def opened() -> Iterator[Callable[[AlsaCapture | AlsaPlayback], None]]:
    """Open for frames of 20 ms at 8 kHz, and close at the end."""
    devices: list[AlsaCapture | AlsaPlayback] = []

    def opener(device: AlsaCapture | AlsaPlayback) -> None:
        devices.append(device)
        device.open(8000, 160)

    yield opener
    for device in devices:
        device.close()


Opened = Callable[[AlsaCapture | AlsaPlayback], None]


@pytest.mark.parametrize("name", CARDS)
def test_the_microphone_is_heard_at_our_rate(card: FakeCard, opened: Opened, name: str) -> None:
    card.hear([1000] * 100)
    source = AlsaCapture(name)
    opened(source)
    periods = [array("h", source.read()) for _ in range(5)]
    assert {len(period) for period in periods} == {160}
    assert periods[-1][-1] == pytest.approx(1000, abs=40)
    assert source.xruns == 0


@pytest.mark.parametrize("name", CARDS)
def test_what_is_written_is_played_behind_a_short_silence(card: FakeCard, opened: Opened, name: str) -> None:
    card[RECORD] = 1
    source, sink = AlsaCapture(name), AlsaPlayback(name)
    opened(source)
    opened(sink)
    for _ in range(6):
        source.read()
        sink.write(array("h", [2000] * 160).tobytes())
    sink.close()
    played = card.played()
    rate_hz = {"card8": 8000, "card16": 16000}.get(name, 48000)
    first = next(index for index, sample in enumerate(played) if abs(sample) > 1000)
    # The margin of 10 ms goes ahead of the first frame; filters may add a little.
    assert 0.009 <= first / rate_hz <= 0.014
    assert sorted(played)[-100] == pytest.approx(2000, abs=150)


def test_a_wide_margin_outlasts_a_late_thread(card: FakeCard, opened: Opened) -> None:
    source, sink = AlsaCapture("card8"), AlsaPlayback("card8", margin_ms=80)
    opened(source)
    opened(sink)
    for _ in range(3):
        source.read()
        sink.write(SILENCE)
    time.sleep(0.06)
    for _ in range(5):
        source.read()
        sink.write(SILENCE)
    assert (source.xruns, sink.xruns, sink.skipped) == (0, 0, 0)


def test_periods_keep_the_pace_of_the_card(card: FakeCard, opened: Opened) -> None:
    source = AlsaCapture("card8")
    opened(source)
    source.read()
    begun = time.monotonic()
    for _ in range(10):
        source.read()
    assert time.monotonic() - begun >= 0.19


def test_a_fixed_rate_of_the_card_can_be_asked_for(card: FakeCard, opened: Opened) -> None:
    card.hear([1000] * 48)
    source = AlsaCapture("plug48", card_rate_hz=48000)
    opened(source)
    assert len([source.read() for _ in range(3)][-1]) == 320


def test_a_shorter_period_of_alsa_makes_the_same_frames(card: FakeCard, opened: Opened) -> None:
    card.hear([1000] * 100)
    source = AlsaCapture("card8", period_ms=5)
    opened(source)
    assert [array("h", source.read()) for _ in range(3)] == [array("h", [1000] * 160)] * 3


def test_a_capture_overrun_is_counted_and_survived(card: FakeCard, opened: Opened) -> None:
    source = AlsaCapture("card8")
    opened(source)
    source.read()
    card[CAPTURE_XRUN] += 1
    for _ in range(3):
        assert len(source.read()) == 320
    assert source.xruns == 1


def test_a_thread_that_was_held_up_finds_what_it_missed_and_goes_on(card: FakeCard, opened: Opened) -> None:
    source, sink = AlsaCapture("card8"), AlsaPlayback("card8")
    opened(source)
    opened(sink)
    source.read()
    sink.write(SILENCE)
    time.sleep(0.07)
    for _ in range(6):
        source.read()
        sink.write(SILENCE)
    assert source.xruns == 0
    assert sink.xruns >= 1
    assert sink.skipped >= 1  # what came too late was not played later still


def test_a_playback_underrun_is_counted_and_played_on_within_a_period(card: FakeCard, opened: Opened) -> None:
    card[RECORD] = 1
    source, sink = AlsaCapture("card8"), AlsaPlayback("card8")
    opened(source)
    opened(sink)
    for number in range(8):
        if number == 3:
            card[PLAYBACK_XRUN] += 1
        source.read()
        sink.write(array("h", [number + 1] * 160).tobytes())
    sink.close()
    assert sink.xruns >= 1
    assert [level for level in range(1, 8) if level in card.played()] == [1, 2, 3, 4, 5, 6, 7]


def test_the_margin_grows_when_underruns_repeat(card: FakeCard, opened: Opened) -> None:
    source, sink = AlsaCapture("card8"), AlsaPlayback("card8")
    opened(source)
    opened(sink)
    sink.write(SILENCE)
    for _ in range(3):
        card[PLAYBACK_XRUN] += 1
        source.read()
        sink.write(SILENCE)
    assert sink.xruns >= 3
    assert sink.margin_ms >= 30


def test_a_suspend_is_survived_in_both_directions(card: FakeCard, opened: Opened) -> None:
    source, sink = AlsaCapture("card8"), AlsaPlayback("card8")
    opened(source)
    opened(sink)
    source.read()
    sink.write(SILENCE)
    card[SUSPEND] += 1
    for _ in range(3):
        assert len(source.read()) == 320
        sink.write(SILENCE)
    assert source.xruns >= 1
    assert sink.xruns >= 1


def test_a_card_that_stands_still_is_given_up(card: FakeCard, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device.audio.alsa.STALL_S", 0.1)
    source = AlsaCapture("card8")
    opened(source)
    source.read()
    card[STALLED] = 1
    with pytest.raises(DeviceUnavailable, match="card8 stands still"):
        source.read()


@pytest.mark.parametrize("name", ["card8", "card48", "plug48"])
def test_an_unplugged_card_is_told_by_both_directions(card: FakeCard, opened: Opened, name: str) -> None:
    source, sink = AlsaCapture(name), AlsaPlayback(name)
    opened(source)
    opened(sink)
    source.read()
    card[UNPLUGGED] = 1
    with pytest.raises(DeviceUnavailable, match=f"sound card {name} is not there"):
        source.read()
    with pytest.raises(DeviceUnavailable, match=f"sound card {name} is not there"):
        sink.write(SILENCE)
    source.close()
    sink.close()
    for device in (source, sink):
        with pytest.raises(DeviceUnavailable, match="plug it in"):
            device.open(8000, 160)
    card[UNPLUGGED] = 0
    source.open(8000, 160)
    assert len(source.read()) == 320


def test_a_card_in_use_is_told_and_can_be_opened_later(card: FakeCard, opened: Opened) -> None:
    first, second = AlsaCapture("card8"), AlsaCapture("card8")
    opened(first)
    with pytest.raises(DeviceUnavailable, match=r"card8 is in use by another program.*audio\.capture_device"):
        second.open(8000, 160)
    first.close()
    opened(second)
    assert len(second.read()) == 320


def test_a_name_that_does_not_exist_is_told(card: FakeCard) -> None:
    with pytest.raises(DeviceUnavailable, match=r"nonesuch is not there.*audio\.playback_device"):
        AlsaPlayback("nonesuch").open(8000, 160)


@pytest.mark.parametrize("name", ["plughw:CARD=Nonesuch", "hw:Nonesuch,0", "hw:77", "sysdefault:CARD=Nonesuch"])
def test_a_card_that_is_absent_is_not_even_tried(card: FakeCard, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DeviceUnavailable, match="is not there"):
        AlsaCapture(name).open(8000, 160)
    assert capfd.readouterr().err == ""


def test_a_width_that_nobody_knows_names_the_way_out(card: FakeCard) -> None:
    with pytest.raises(DeviceUnavailable, match=r'only S24_3LE, 2 channels, 48000 Hz; use "plughw'):
        AlsaCapture("card24").open(8000, 160)


def test_nothing_stays_open_and_closing_does_not_wait(card: FakeCard, opened: Opened) -> None:
    source, sink = AlsaCapture("card8"), AlsaPlayback("card8")
    source.open(8000, 160)
    sink.open(8000, 160)
    assert card[OPEN] == 2
    for _ in range(3):
        sink.write(SILENCE)
    begun = time.monotonic()
    sink.close()
    source.close()
    assert time.monotonic() - begun < 0.05
    assert card[OPEN] == 0
    sink.close()
    source.close()


def test_opening_twice_is_opening_once(card: FakeCard, opened: Opened) -> None:
    source, sink = AlsaCapture("card8"), AlsaPlayback("card8")
    for _ in range(2):
        opened(source)
        opened(sink)
    assert card[OPEN] == 2


def test_a_closed_device_says_so() -> None:
    with pytest.raises(DeviceUnavailable, match="not open"):
        AlsaCapture("card8").read()
    with pytest.raises(DeviceUnavailable, match="not open"):
        AlsaPlayback("card8").write(SILENCE)


def test_the_build_script_tells_how_it_is_used() -> None:
    text = (Path(__file__).parent.parent / "support" / "fakecard" / "build").read_text()
    assert "usage: build DIRECTORY" in text
