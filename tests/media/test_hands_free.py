"""The loudspeaker in the microphone: found, taken out, or one who speaks at a time. In rooms made of numbers."""

from array import array
from collections.abc import Callable

import pytest

from device.media import pcm
from device.media.codecs import native
from device.media.errors import CodecUnavailableError
from device.media.hands_free import HISTORY_MS, MARGIN_MS, EchoControl, EchoHistory, HalfDuplex
from device.media.speex_dsp import SpeexVoice
from tests.support.libraries import has_library, needs_speexdsp
from tests.support.rooms import Room, decibels, speech

RATES = (8000, 16000)


def canceller(rate_hz: int) -> SpeexVoice:
    return SpeexVoice(rate_hz, cancels_echo=True, suppresses_noise=False, evens_gain=False)


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize("delay_ms", [25, 73, 180, 320])
def test_the_delay_of_the_echo_is_found(rate_hz: int, delay_ms: int) -> None:
    room, history = Room(rate_hz, delay_ms), EchoHistory(rate_hz)
    for frame in room.frames(speech("far", rate_hz, 5)):
        history.reference(room.microphone(bytes(len(frame))))
        room.loudspeaker(frame)
        history.note_played(frame)
    assert history.delay_ms == pytest.approx(delay_ms, abs=2.5)


@pytest.mark.parametrize("sound", ["silence", "another voice"])
def test_no_delay_is_made_up(sound: str) -> None:
    history = EchoHistory(8000)
    room = Room(8000, 50)
    near = speech("near", 8000, 5)
    for number, frame in enumerate(room.frames(speech("far", 8000, 5))):
        captured = near[320 * number : 320 * number + 320] if sound == "another voice" else bytes(320)
        history.reference(captured)
        history.note_played(frame)
    assert history.delay_ms is None


def test_a_reference_is_what_was_played_when_the_echo_was() -> None:
    room, history = Room(8000, 100, tail=False), EchoHistory(8000)
    played = [bytes(320)] * (HISTORY_MS // 20)
    for number, frame in enumerate(room.frames(speech("far", 8000, 6))):
        reference = history.reference(room.microphone(bytes(320)))
        if number == 250:  # a moment of speech
            assert history.delay_ms == pytest.approx(100, abs=1)
            late = 2 * int(8 * (history.delay_ms - 20 - MARGIN_MS))
            whole = b"".join(played)
            assert reference == whole[len(whole) - late - 320 : len(whole) - late]
        room.loudspeaker(frame)
        history.note_played(frame)
        played.append(frame)


def run(control: EchoControl, rate_hz: int, far: bytes, near: bytes, delay_ms: int = 73) -> tuple[bytes, bytes]:
    """A call: what the microphone heard, and what was sent of it."""
    room = Room(rate_hz, delay_ms)
    heard, sent = [], []
    for number, frame in enumerate(room.frames(far)):
        captured = room.microphone(near[len(frame) * number : len(frame) * (number + 1)] or bytes(len(frame)))
        heard.append(captured)
        sent.append(control.from_mouth(captured))
        room.loudspeaker(control.to_ear(frame))
    return b"".join(heard), b"".join(sent)


def part(sound: bytes, rate_hz: int, first_s: float, last_s: float) -> bytes:
    return sound[2 * int(rate_hz * first_s) : 2 * int(rate_hz * last_s)]


def weakened(heard: bytes, sent: bytes, rate_hz: int, first_s: float, last_s: float) -> float:
    """By how many dB what is sent is weaker than what the microphone heard."""
    return decibels(part(heard, rate_hz, first_s, last_s)) - decibels(part(sent, rate_hz, first_s, last_s))


@needs_speexdsp
@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize("delay_ms", [30, 73, 250])
def test_the_canceller_takes_the_echo_out(rate_hz: int, delay_ms: int) -> None:
    heard, sent = run(canceller(rate_hz), rate_hz, speech("far", rate_hz, 12), b"", delay_ms)
    assert weakened(heard, sent, rate_hz, 6, 12) > 30


@needs_speexdsp
@pytest.mark.parametrize("rate_hz", RATES)
def test_the_canceller_leaves_the_near_voice(rate_hz: int) -> None:
    far, near = speech("far", rate_hz, 8), speech("near", rate_hz, 14)
    near = bytes(2 * rate_hz * 9) + near[2 * rate_hz * 9 :]
    heard, sent = run(canceller(rate_hz), rate_hz, far + bytes(2 * rate_hz * 6), near)
    assert abs(weakened(heard, sent, rate_hz, 10, 14)) < 2


@needs_speexdsp
def test_both_at_once_are_both_heard() -> None:
    far, near = speech("far", 8000, 14), bytes(2 * 8000 * 9) + speech("near", 8000, 5)
    _, sent = run(canceller(8000), 8000, far, near)
    voice, clean = part(near, 8000, 9.5, 14), part(sent, 8000, 9.5, 14)
    alike = max(pcm.factor_of(clean[2 * late :], voice[: len(voice) - 2 * late]) for late in range(0, 320, 4))
    assert alike > 0.5


@needs_speexdsp
def test_noise_is_weakened_and_a_voice_is_not() -> None:
    control = SpeexVoice(8000, cancels_echo=False, suppresses_noise=True, evens_gain=False)
    noise = Room(8000, 20).noise(300, 10)
    near = bytes(2 * 8000 * 5) + speech("near", 8000, 5)
    mixed = pcm.mix(noise, near)
    sent = b"".join(control.from_mouth(mixed[at : at + 320]) for at in range(0, len(mixed) - 319, 320))
    assert weakened(mixed, sent, 8000, 3, 5) > 8
    assert weakened(mixed, sent, 8000, 6, 10) < 3


@needs_speexdsp
def test_a_weak_voice_is_brought_up() -> None:
    control = SpeexVoice(8000, cancels_echo=False, suppresses_noise=False, evens_gain=True)
    near = pcm.scale(speech("near", 8000, 15), 0.1)
    sent = b"".join(control.from_mouth(near[at : at + 320]) for at in range(0, len(near) - 319, 320))
    assert weakened(near, sent, 8000, 10, 15) < -8
    assert pcm.peak(sent) < 32767


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize("delay_ms", [25, 73, 200])
def test_while_the_far_end_speaks_the_microphone_is_closed(rate_hz: int, delay_ms: int) -> None:
    heard, sent = run(HalfDuplex(), rate_hz, speech("far", rate_hz, 8), b"", delay_ms)
    assert weakened(heard, sent, rate_hz, 0, 8) > 25


def test_while_nobody_speaks_there_the_voice_here_is_sent_as_it_is() -> None:
    near = speech("near", 8000, 4)
    heard, sent = run(HalfDuplex(), 8000, bytes(2 * 8000 * 4), near)
    assert sent == heard


def test_whoever_is_much_louder_takes_the_floor_and_gives_it_back() -> None:
    control = HalfDuplex()
    far = pcm.scale(speech("far", 8000, 12), 0.2)
    near = bytes(2 * 8000 * 5) + speech("near", 8000, 3)
    heard, sent = run(control, 8000, far, near)
    assert weakened(heard, sent, 8000, 1, 5) > 25
    assert weakened(heard, sent, 8000, 5.5, 8) < 6
    assert weakened(heard, sent, 8000, 9, 12) > 25


@pytest.mark.parametrize("make", [HalfDuplex, lambda: canceller(8000)])
def test_frames_keep_their_length_and_silence_stays(make: Callable[[], EchoControl]) -> None:
    if not has_library("speexdsp") and make is not HalfDuplex:
        pytest.skip("libspeexdsp1 is not installed")
    control = make()
    for _ in range(60):
        assert len(control.from_mouth(bytes(320))) == 320
        assert control.to_ear(bytes(320)) == bytes(320)
    assert pcm.peak(control.from_mouth(bytes(320))) <= 1


def test_without_the_library_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(native.LIBRARIES, "speexdsp", (("libnot-there.so.1",), "libspeexdsp1"))
    monkeypatch.delitem(native._loaded, "speexdsp", raising=False)
    with pytest.raises(
        CodecUnavailableError, match=r'run "apt install libspeexdsp1", or set audio.echo to half-duplex'
    ):
        canceller(8000)


def test_the_room_of_these_tests_echoes() -> None:
    room = Room(8000, 20, tail=False)
    room.loudspeaker(array("h", [1000] * 160).tobytes())
    assert set(pcm.to_array(room.microphone(bytes(320)))) == {500}
