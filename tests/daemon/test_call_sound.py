"""What the audio thread is told of one call."""

import pytest

from device.audio.commands import AttachStream, AudioCommand, DetachStream, UpdateStream
from device.daemon.call_sound import HOSTS_KEPT, STALE_DATAGRAMS, CallSound
from device.ids import CountingIds
from device.media.media_session import MediaSession
from device.media.settings import MediaSettings
from device.model import CallId
from device.net.rtp_socket import RtpSocketPair
from tests.support.whole_phone import HOST, sdp

CALL = CallId("c1")


class _Engine:
    def __init__(self) -> None:
        self.commands: list[AudioCommand] = []

    def submit(self, command: AudioCommand) -> None:
        self.commands.append(command)


class _Port:
    """A port in which datagrams wait."""

    def __init__(self, waiting: int) -> None:
        self.waiting = waiting
        self.closed = 0
        self.local_port = 20_000

    def receive(self) -> tuple[bytes, tuple[str, int]] | None:
        if not self.waiting:
            return None
        self.waiting -= 1
        return b"old", (HOST, 40_000)

    def close(self) -> None:
        self.closed += 1


class _Bench:
    def __init__(self, waiting: int = 0) -> None:
        self.engine = _Engine()
        self.rtp, self.rtcp = _Port(waiting), _Port(waiting)
        self.session = MediaSession(MediaSettings(), HOST, 20_000, CountingIds())
        ports = RtpSocketPair(self.rtp, self.rtcp)  # type: ignore[arg-type]
        self.sound = CallSound(CALL, self.session, ports, self.engine)  # type: ignore[arg-type]

    def told(self) -> list[AudioCommand]:
        """What the engine was told since the last time."""
        commands, self.engine.commands = self.engine.commands, []
        return commands


@pytest.fixture
def bench() -> _Bench:
    return _Bench()


def _attached(bench: _Bench) -> AttachStream:
    bench.session.receive_offer(sdp())
    bench.sound.connect()
    (command,) = bench.told()
    assert isinstance(command, AttachStream)
    return command


def _update(bench: _Bench) -> UpdateStream:
    (command,) = bench.told()
    assert isinstance(command, UpdateStream)
    return command


def test_a_stream_begins_when_it_is_agreed_and_wanted(bench: _Bench) -> None:
    command = _attached(bench)
    assert command.call_id == CALL
    assert command.parameters.remote == (HOST, 40_000)
    assert command.rtp is bench.rtp
    assert not command.parameters.on_hold


def test_wanted_first_and_agreed_later(bench: _Bench) -> None:
    bench.sound.connect()
    assert bench.told() == []
    bench.session.receive_offer(sdp())
    bench.sound.refresh()
    assert isinstance(bench.told()[0], AttachStream)


def test_agreed_but_not_wanted_is_no_stream(bench: _Bench) -> None:
    bench.session.receive_offer(sdp())
    bench.sound.refresh()
    bench.sound.disconnect()
    assert bench.told() == []


def test_only_what_changed_is_told(bench: _Bench) -> None:
    _attached(bench)
    bench.sound.refresh()
    bench.sound.connect()
    assert bench.told() == []
    bench.session.receive_offer(sdp(port=40_010, version=2))
    bench.sound.refresh()
    assert _update(bench).parameters.remote == (HOST, 40_010)


def test_parted_audio_is_silence_both_ways(bench: _Bench) -> None:
    _attached(bench)
    bench.sound.disconnect()
    assert _update(bench).parameters.on_hold
    bench.sound.connect()
    assert not _update(bench).parameters.on_hold


def test_hold_and_resume_are_told(bench: _Bench) -> None:
    _attached(bench)
    bench.session.hold()
    bench.sound.refresh()
    assert _update(bench).parameters.on_hold
    bench.session.resume()
    bench.sound.refresh()
    assert not _update(bench).parameters.on_hold


def test_old_datagrams_are_not_played(bench: _Bench) -> None:
    bench = _Bench(waiting=50)
    _attached(bench)
    assert bench.rtp.waiting == bench.rtcp.waiting == 0


def test_a_flood_does_not_keep_the_call_from_beginning() -> None:
    bench = _Bench(waiting=10 * STALE_DATAGRAMS)
    _attached(bench)
    assert bench.rtp.waiting == 9 * STALE_DATAGRAMS


def test_a_host_name_is_waited_for(bench: _Bench) -> None:
    bench.session.receive_offer(sdp(host="media.example"))
    bench.sound.connect()
    assert bench.told() == []
    assert bench.sound.unresolved_host() == "media.example"
    bench.sound.resolved("media.example", "127.0.0.3")
    assert bench.sound.unresolved_host() is None
    (command,) = bench.told()
    assert isinstance(command, AttachStream)
    assert command.parameters.remote == ("127.0.0.3", 40_000)
    assert command.parameters.remote_rtcp == ("127.0.0.3", 40_001)


def test_nothing_is_unresolved_before_anything_is_agreed(bench: _Bench) -> None:
    assert bench.sound.unresolved_host() is None


def test_the_end_detaches_and_leaves_the_ports_to_the_thread(bench: _Bench) -> None:
    _attached(bench)
    bench.sound.end()
    assert bench.told() == [DetachStream(CALL)]
    assert bench.rtp.closed == 0


def test_the_end_of_a_call_without_sound_closes_the_ports(bench: _Bench) -> None:
    bench.sound.end()
    assert bench.told() == []
    assert (bench.rtp.closed, bench.rtcp.closed) == (1, 1)


def test_a_peer_that_names_ever_new_hosts_does_not_fill_the_memory(bench: _Bench) -> None:
    for number in range(HOSTS_KEPT + 10):
        bench.sound.resolved(f"media{number}.example", "127.0.0.3")
    assert len(bench.sound._resolved) == HOSTS_KEPT


def test_an_announcement_is_heard_instead_of_the_microphone_until_it_is_over(bench: _Bench) -> None:
    bench.session.receive_offer(sdp())
    bench.sound.announce("/a.wav")
    (begun,) = bench.told()
    assert isinstance(begun, AttachStream)
    heard = begun.parameters
    assert (heard.on_hold, heard.hold_music, heard.sending) == (True, "/a.wav", True)
    bench.sound.end_announcement()
    (over,) = bench.told()
    assert isinstance(over, UpdateStream)
    assert (over.parameters.on_hold, over.parameters.hold_music, over.parameters.sending) == (True, "", False)
    bench.sound.end_announcement()
    assert bench.told() == []
    bench.sound.connect()
    (talk,) = bench.told()
    assert isinstance(talk, UpdateStream)
    assert talk.parameters == bench.session.parameters


def test_no_announcement_nothing_to_end(bench: _Bench) -> None:
    bench.session.receive_offer(sdp())
    bench.sound.end_announcement()
    assert bench.told() == []
