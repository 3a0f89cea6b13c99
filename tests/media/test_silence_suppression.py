"""What is sent while nobody speaks: nothing of speech may be missing, and little else may be sent."""

import random
import wave
from array import array
from pathlib import Path

import pytest

from device.media import pcm
from device.media.comfort_noise import noise_rms
from device.media.silence_suppression import HANGOVER_MS, SPEECH_DB, UPDATE_MS, SilenceSuppressor
from device.media.stream import MediaStream
from device.records import replace
from device.rtp.packet import RtpPacket, parse_rtp
from tests.media.test_stream import RIGHT, parameters

SPEECH = Path(__file__).parents[2] / "device" / "demo" / "sounds" / "caller.wav"


def background(rms: float, packets: int, seed: int = 1) -> bytes:
    chance = random.Random(seed)
    return pcm.from_array(array("h", [round(chance.gauss(0, rms)) for _ in range(160 * packets)]))


def packets_of(sound: bytes) -> list[bytes]:
    return [sound[at : at + 320] for at in range(0, len(sound) - 319, 320)]


def speech() -> bytes:
    with wave.open(str(SPEECH)) as file:
        return file.readframes(file.getnframes())


def test_a_pause_is_told_once_a_second() -> None:
    suppressor = SilenceSuppressor(20)
    taken = [suppressor.take(packet) for packet in packets_of(background(30, 500))]
    assert taken[: HANGOVER_MS // 20] == [None] * (HANGOVER_MS // 20)
    rest = taken[HANGOVER_MS // 20 :]
    assert None not in rest
    told = [index for index, payload in enumerate(rest) if payload]
    assert told[0] == 0
    assert 9 <= len(told) <= 12, "a second apart"
    assert noise_rms(rest[0][0]) == pytest.approx(30, rel=0.2)  # type: ignore[index]


def test_silence_itself_is_told_as_such() -> None:
    suppressor = SilenceSuppressor(20)
    taken = [suppressor.take(bytes(320)) for _ in range(100)]
    assert taken[HANGOVER_MS // 20] == b"\x7f"
    assert taken.count(b"") == 100 - HANGOVER_MS // 20 - 2


def test_another_background_is_told_at_once() -> None:
    suppressor = SilenceSuppressor(20)
    for packet in packets_of(background(15, 60)):
        suppressor.take(packet)
    assert any(suppressor.take(packet) for packet in packets_of(background(28, 3)))


def test_speech_is_sent_from_its_first_packet_to_some_time_after_its_last() -> None:
    suppressor = SilenceSuppressor(20)
    quiet = packets_of(background(20, 100))
    talk = packets_of(pcm.mix(speech(), background(20, len(speech()) // 320 + 1)))
    taken = [suppressor.take(packet) for packet in quiet + talk + quiet]
    loud = [index for index, packet in enumerate(quiet + talk + quiet) if pcm.rms(packet) > 80]
    assert all(taken[index] is None for index in loud)
    assert all(taken[loud[-1] + 1 + n] is None for n in range(HANGOVER_MS // 20))
    assert taken[99] is not None
    assert taken[-1] is not None


def test_a_fan_that_starts_becomes_background() -> None:
    suppressor = SilenceSuppressor(20)
    for packet in packets_of(background(15, 100)):
        suppressor.take(packet)
    taken = [suppressor.take(packet) is None for packet in packets_of(background(150, 50 * 12))]
    assert taken[0]
    assert not taken[-1], f"{SPEECH_DB} dB at 3 dB a second are over by now"


# In a stream.


def sent(stream: MediaStream, sound: bytes) -> list[RtpPacket]:
    return [parse_rtp(data) for packet in packets_of(sound) for data, _ in stream.send_frame(packet, 0.0)]


def test_a_talk_spurt_begins_with_a_marker_and_time_goes_on_in_the_pause() -> None:
    stream = MediaStream(parameters(noise_pt=13, timestamp=0, sequence=0))
    packets = sent(stream, background(20, 100) + speech())
    noise = [packet for packet in packets if packet.payload_type == 13]
    assert 2 <= len(noise) <= 5 + len(speech()) // 320 * 20 // UPDATE_MS
    assert not any(packet.marker for packet in noise)
    first = next(packet for packet in packets if packet.timestamp > 160 * 50 and packet.payload_type == 8)
    assert first.marker
    assert first.timestamp == 160 * 100 + 160 * next(
        n for n, packet in enumerate(packets_of(speech())) if pcm.rms(packet) > 40
    )
    assert [packet.sequence for packet in packets] == list(range(len(packets)))


def test_the_far_end_hears_speech_as_it_was_and_background_in_between() -> None:
    sender, receiver = MediaStream(parameters(noise_pt=13)), MediaStream(parameters(RIGHT))
    sound = background(20, 100) + pcm.mix(speech(), background(20, len(speech()) // 320 + 1)) + background(20, 100)
    heard, count = b"", 0
    for packet in packets_of(sound):
        for data, _ in sender.send_frame(packet, 0.0):
            receiver.receive_rtp(data, RIGHT, 0.0)
            count += 1
        heard += receiver.next_frame()
    packets = len(packets_of(sound))
    assert count < 0.75 * packets
    report = receiver.counters()
    assert (report.packets_lost, report.frames_concealed, report.packets_late) == (0, 0, 0)
    compared = 0
    for at in range(32000, 32000 + len(speech()), 2560):
        piece = sound[at : at + 1280]
        if pcm.rms(piece) > 300:
            _, factor = pcm.fit(heard[at : at + 3200], piece)  # at any delay up to 120 ms
            assert factor == pytest.approx(1.0, abs=0.1), at
            compared += 1
    assert compared > 10
    assert pcm.rms(heard[-16000:]) == pytest.approx(20, rel=0.25)


def test_without_the_setting_everything_is_sent() -> None:
    stream = MediaStream(parameters())
    assert stream._suppressor is None
    assert len(sent(stream, bytes(320 * 100))) == 100


def test_soft_music_on_hold_is_no_pause() -> None:
    held = parameters(noise_pt=13, on_hold=True)
    assert len(sent(MediaStream(held), bytes(320 * 100))) < 20
    assert len(sent(MediaStream(replace(held, hold_music="/m.wav")), bytes(320 * 100))) == 100


def test_keys_as_tones_are_sent_in_a_pause() -> None:
    stream = MediaStream(parameters(noise_pt=13, telephone_event_pt=None))
    sent(stream, bytes(320 * 50))
    stream.send_digit("5")
    packets = sent(stream, bytes(320 * 50))
    # The key, its pause, and what follows every sound.
    assert [packet.payload_type for packet in packets[:10]] == [8] * 10
    assert sum(packet.payload_type == 8 for packet in packets) < 20
