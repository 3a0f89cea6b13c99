"""The services' thread: it runs in real time while there is a call, and stops."""

from array import array
from pathlib import Path

import pytest

from device.audio.commands import AttachStream, DetachStream
from device.audio.errors import DeviceUnavailable
from device.audio.hub_commands import EchoCall, PlaySegments, ProgramEnded, TapeCall
from device.audio.hub_thread import HubThread
from device.audio.manual import ManualPort
from device.audio.reports import RecordingEnded, StreamEnded
from device.media.codecs.pcmu import PcmuCodec
from device.model import CallId
from device.rtp.packet import encode_rtp
from tests.support.processes import wait_until
from tests.support.streams import FAR_RTP, stream_parameters

A = CallId("a")
SPEECH = PcmuCodec().decode(PcmuCodec().encode(array("h", [800, -800] * 80).tobytes()))
"""20 ms that G.711 leaves as they are."""


class Talk:
    """A thread with one call, whose far end sends a packet whenever one was sent to it."""

    def __init__(self) -> None:
        self.wakes = 0
        self.hub = HubThread(self._wake, 30.0)
        self.port = ManualPort()
        self.told: list[object] = []
        self.hub.submit(AttachStream(A, stream_parameters(jitter_start_ms=20), self.port, None))

    def _wake(self) -> None:
        self.wakes += 1

    def happened(self, wanted: object) -> bool:
        self.told += self.hub.reports()
        return wanted in self.told

    def speak(self, packets: int) -> None:
        sent = 0

        def done() -> bool:
            nonlocal sent
            while sent < min(packets, len(self.port.sent)):
                payload = PcmuCodec().encode(SPEECH)
                self.port.arrived.append((encode_rtp(0, sent, 160 * sent, 9, not sent, payload), FAR_RTP))
                sent += 1
            return sent == packets

        wait_until("the far end to have spoken", done)

    def end(self) -> None:
        self.hub.submit(DetachStream(A))
        wait_until("the call to end", lambda: self.happened(None) or any(isinstance(n, StreamEnded) for n in self.told))
        self.hub.close()


def test_echo_and_clips_in_real_time() -> None:
    talk = Talk()
    talk.hub.submit(PlaySegments(A, 5, (SPEECH * 3,)))
    wait_until("the clip to be heard", lambda: talk.happened(ProgramEnded(A, 5)))
    assert talk.wakes
    talk.hub.submit(EchoCall(A))
    talk.speak(40)
    heard = b"".join(PcmuCodec().decode(data[12:]) for data, _ in talk.port.sent)
    assert heard.count(SPEECH[:64]) > 5
    talk.end()
    assert talk.port.closed


def test_a_recording_is_told_even_when_all_ends(tmp_path: Path) -> None:
    talk = Talk()
    path = tmp_path / "a.wav"
    talk.hub.submit(TapeCall(A, 1, talk.hub.new_recording(A, str(path), 0), 60.0, 60.0))
    talk.speak(10)
    talk.hub.close()
    (told,) = [report for report in talk.hub.reports() if isinstance(report, RecordingEnded)]
    assert (told.path, told.fault) == (str(path), "")
    assert path.stat().st_size == 44 + round(told.seconds * 16_000)
    assert told.seconds >= 0.1


def test_a_file_that_cannot_be_made(tmp_path: Path) -> None:
    hub = HubThread(lambda: None, 30.0)
    with pytest.raises(DeviceUnavailable):
        hub.new_recording(A, str(tmp_path / "none" / "a.wav"), 0)
    hub.close()


def test_it_sleeps_between_calls_and_takes_the_next() -> None:
    talk = Talk()
    talk.hub.submit(DetachStream(A))
    wait_until("the call to end", lambda: talk.happened(None) or any(isinstance(n, StreamEnded) for n in talk.told))
    port = ManualPort()
    talk.hub.submit(AttachStream(A, stream_parameters(), port, None))
    wait_until("the next call to be served", lambda: len(port.sent) > 3)
    talk.hub.close()
    assert port.closed
