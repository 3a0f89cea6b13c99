"""The calls of services, 20 ms at a time: echo, clips, recordings and rooms, each heard as it should be."""

import wave
from array import array
from pathlib import Path

import pytest

from device.audio.commands import AttachStream, DetachStream, UpdateStream
from device.audio.hub import Hub
from device.audio.hub_commands import (
    ChimeRoom,
    EchoCall,
    EnterRoom,
    HubCommand,
    ListenToRoom,
    PlaySegments,
    ProgramEnded,
    TapeCall,
)
from device.audio.manual import ManualPort
from device.audio.recording import Recording
from device.audio.reports import DigitHeard, StreamEnded, StreamSilent
from device.media.stream_parameters import StreamParameters
from device.media.tones import TonePattern, ToneSegment
from device.model import CallId
from tests.support.processes import wait_until
from tests.support.streams import FAR_RTP, PlainStream, stream_parameters

BEEP = TonePattern((ToneSegment((425,), 40),), repeat=False)
WIDE = {"codec_name": "G722", "sample_rate_hz": 16000}


def frame(level: int, samples: int = 160) -> bytes:
    return array("h", [level] * samples).tobytes()


def level_of(pcm: bytes) -> int:
    """The one level of a frame of `frame`."""
    levels = set(array("h", pcm))
    assert len(levels) == 1, sorted(levels)[:5]
    return levels.pop()


class Ear:
    """A listener that is no call."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.closed = 0

    def send_frame(self, frame: bytes, rate_hz: int, now: float) -> None:
        self.heard.append(frame)

    def close(self) -> None:
        self.closed += 1


class Bench:
    """A hub with its calls' ports."""

    def __init__(self) -> None:
        self.reports: list[object] = []
        self.faults: list[str] = []
        self.ports: dict[str, ManualPort] = {}
        self.now = 100.0
        self.hub = Hub(self.reports.append, self.faults.append, 30.0, PlainStream)

    def obey(self, *commands: HubCommand) -> None:
        for command in commands:
            self.hub.obey(command, self.now)

    def call(self, *names: str, **parameters: object) -> None:
        for name in names:
            self.ports[name] = ManualPort(4000)
            self.obey(AttachStream(CallId(name), stream_parameters(**parameters), self.ports[name], None))

    def period(self, **said: bytes) -> dict[str, bytes]:
        """What each call hears while some say something."""
        for name, pcm in said.items():
            self.ports[name].arrived.append((pcm, FAR_RTP))
        for port in self.ports.values():
            port.sent.clear()
        self.now += 0.02
        self.hub.run_period(self.now)
        return {name: port.sent[-1][0] for name, port in self.ports.items() if port.sent}

    def levels(self, **said: int) -> dict[str, int]:
        """The same in levels."""
        heard = self.period(**{name: frame(level) for name, level in said.items()})
        return {name: level_of(pcm) for name, pcm in heard.items()}

    def join(self, *names: str, room: str = "8000", **more: bool) -> None:
        for name in names:
            self.obey(EnterRoom(CallId(name), room, announced=False, **more))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_call_without_a_program_hears_silence(bench: Bench) -> None:
    assert not bench.hub.is_busy()
    bench.call("a")
    assert bench.hub.is_busy()
    assert bench.levels(a=500) == {"a": 0}


def test_an_echo(bench: Bench) -> None:
    bench.call("a", "b")
    bench.obey(EchoCall(CallId("a")))
    assert bench.levels(a=500, b=900) == {"a": 500, "b": 0}
    assert bench.levels(b=1) == {"a": 0, "b": 0}


def test_clips_one_after_the_other_and_then_silence(bench: Bench) -> None:
    bench.call("a")
    bench.obey(PlaySegments(CallId("a"), 7, (frame(10, 200), frame(20, 80), frame(30, 40))))
    heard = [list(array("h", bench.period()["a"])) for _ in range(3)]
    assert heard[0] + heard[1] == [10] * 200 + [20] * 80 + [30] * 40
    assert heard[2] == [0] * 160
    assert bench.reports.count(ProgramEnded(CallId("a"), 7)) == 1


def test_a_file_among_clips_at_the_rate_of_a_wide_call(bench: Bench, tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(frame(5000, 800))
    bench.call("a", **WIDE)
    bench.obey(PlaySegments(CallId("a"), 1, (frame(1000, 160), str(tmp_path / "a.wav"))))
    heard: list[int] = []

    def ended() -> bool:
        heard.extend(array("h", bench.period()["a"]))
        return ProgramEnded(CallId("a"), 1) in bench.reports

    wait_until("the file to be played", ended)
    assert len(heard) % 320 == 0
    assert heard[160] == pytest.approx(1000, abs=2)
    assert sum(sample > 4500 for sample in heard) == pytest.approx(1600, abs=60)


def test_another_program_takes_the_place_of_the_one_before(bench: Bench) -> None:
    bench.call("a")
    bench.obey(PlaySegments(CallId("a"), 1, (frame(10, 1600),)))
    assert bench.levels() == {"a": 10}
    bench.obey(EchoCall(CallId("a")))
    assert bench.levels(a=3) == {"a": 3}
    assert not any(isinstance(report, ProgramEnded) for report in bench.reports)


class TestTaping:
    def tape(self, bench: Bench, path: Path, longest_s: float = 10.0, quiet_s: float = 2.0) -> Recording:
        recording = Recording(str(path), 0, lambda *told: bench.reports.append(told), channels=1)
        bench.call("a")
        bench.obey(TapeCall(CallId("a"), 3, recording, longest_s, quiet_s))
        return recording

    def samples(self, recording: Recording) -> list[int]:
        recording.join(5.0)
        with wave.open(recording.path) as file:
            return list(array("h", file.readframes(file.getnframes())))

    def test_the_caller_alone_until_it_is_detached(self, bench: Bench, tmp_path: Path) -> None:
        recording = self.tape(bench, tmp_path / "a.wav")
        for level in (1000, 2000, 3000):
            assert bench.levels(a=level) == {"a": 0}
        bench.obey(DetachStream(CallId("a")))
        assert self.samples(recording) == [1000] * 160 + [2000] * 160 + [3000] * 160
        assert (recording.path, 0.06, "") in bench.reports

    def test_silence_ends_it_and_is_cut_off(self, bench: Bench, tmp_path: Path) -> None:
        recording = self.tape(bench, tmp_path / "a.wav", quiet_s=0.2)
        for level in (1000, 1000, 0, 0, 0, 1000, *[0] * 20):
            bench.levels(a=level)
        assert ProgramEnded(CallId("a"), 3) in bench.reports
        assert self.samples(recording) == [1000] * 320 + [0] * 480 + [1000] * 160

    def test_the_longest_length_ends_it(self, bench: Bench, tmp_path: Path) -> None:
        recording = self.tape(bench, tmp_path / "a.wav", longest_s=0.1)
        for _ in range(20):
            bench.levels(a=1000)
        assert bench.reports.count(ProgramEnded(CallId("a"), 3)) == 1
        assert self.samples(recording) == [1000] * 800

    def test_of_a_call_that_is_gone_nothing_is_recorded(self, bench: Bench, tmp_path: Path) -> None:
        recording = Recording(str(tmp_path / "a.wav"), 0, lambda *told: bench.reports.append(told), channels=1)
        bench.obey(TapeCall(CallId("nobody"), 1, recording, 1.0, 1.0))
        recording.join(5.0)
        assert not recording.is_open


class TestRooms:
    def test_each_hears_the_others_and_not_itself(self, bench: Bench) -> None:
        bench.call("a", "b", "c", "d")
        bench.join("a", "b", "c")
        assert bench.levels(a=100, b=20, c=3, d=4000) == {"a": 23, "b": 103, "c": 120, "d": 0}

    def test_rooms_do_not_hear_each_other(self, bench: Bench) -> None:
        bench.call("a", "b", "c", "d")
        bench.join("a", "b")
        bench.join("c", "d", room="8001")
        assert bench.levels(a=100, b=20, c=3, d=4) == {"a": 20, "b": 100, "c": 4, "d": 3}

    def test_who_is_muted_hears_and_is_not_heard(self, bench: Bench) -> None:
        bench.call("a", "b", "c")
        bench.join("a", "b")
        bench.join("c", muted=True)
        assert bench.levels(a=100, b=20, c=3) == {"a": 20, "b": 100, "c": 120}
        bench.join("c", muted=False)
        assert bench.levels(a=100, b=20, c=3) == {"a": 23, "b": 103, "c": 120}

    def test_the_music_of_somebody_who_holds_the_room_is_not_heard(self, bench: Bench) -> None:
        bench.call("a", "b", "c")
        bench.join("a", "b", "c")
        bench.obey(UpdateStream(CallId("c"), stream_parameters(sending=False)))
        assert bench.levels(a=100, b=20, c=3)["a"] == 20
        bench.obey(UpdateStream(CallId("c"), stream_parameters()))
        assert bench.levels(a=100, b=20, c=3)["a"] == 23

    def test_one_speaks_and_all_others_listen(self, bench: Bench) -> None:
        """As in a page."""
        ear = Ear()
        bench.call("a", "b", "c")
        bench.join("a")
        bench.join("b", "c", muted=True)
        bench.obey(ListenToRoom("8000", ear))
        assert bench.levels(a=100, b=20, c=3) == {"a": 0, "b": 100, "c": 100}
        assert level_of(ear.heard[-1]) == 100
        bench.obey(*(DetachStream(CallId(name)) for name in "abc"))
        assert ear.closed == 1

    def test_nobody_to_listen_to(self, bench: Bench) -> None:
        ear = Ear()
        bench.obey(ListenToRoom("8000", ear))
        assert ear.closed == 1

    def test_somebody_leaves(self, bench: Bench) -> None:
        bench.call("a", "b", "c")
        bench.join("a", "b", "c")
        bench.levels(a=100, b=20, c=3)
        bench.obey(EchoCall(CallId("b")))
        assert bench.levels(a=100, b=20, c=3) == {"a": 3, "b": 20, "c": 100}
        bench.obey(DetachStream(CallId("c")))
        del bench.ports["c"]
        assert bench.levels(a=100, b=20) == {"a": 0, "b": 20}

    def test_coming_and_going_is_heard_by_those_who_are_there(self, bench: Bench) -> None:
        bench.call("a", "b")
        for name in "ab":
            bench.obey(EnterRoom(CallId(name), "8000"))
        assert max(array("h", bench.period()["a"])) > 1000
        for _ in range(20):
            heard = bench.levels() if _ > 14 else bench.period()
        assert heard == {"a": 0, "b": 0}
        bench.obey(DetachStream(CallId("b")))
        assert max(array("h", bench.period()["a"])) > 1000

    def test_a_chime_is_heard_by_all_members(self, bench: Bench) -> None:
        bench.call("a", "b", "c")
        bench.join("a")
        bench.join("b", muted=True)
        bench.obey(ChimeRoom("8000", BEEP, -10.0), ChimeRoom("none", BEEP, -10.0))
        heard = bench.period()
        assert [max(array("h", heard[name])) > 1000 for name in "abc"] == [True, True, False]

    def test_a_wide_member_lifts_the_rate_of_the_room_and_gives_it_back(self, bench: Bench) -> None:
        bench.call("a", "b")
        bench.call("w", **WIDE)
        bench.join("a", "b", "w")
        for _ in range(5):
            heard = bench.period(a=frame(8000), b=frame(2000), w=frame(500, 320))
        assert {name: len(pcm) for name, pcm in heard.items()} == {"a": 320, "b": 320, "w": 640}
        last = {name: array("h", pcm)[-1] for name, pcm in heard.items()}
        assert last == pytest.approx({"a": 2500, "b": 8500, "w": 10_000}, abs=30)
        bench.obey(DetachStream(CallId("w")))
        del bench.ports["w"]
        for _ in range(5):
            assert set(map(len, bench.period(a=frame(100), b=frame(20)).values())) == {320}
        assert bench.levels(a=100, b=20) == {"a": 20, "b": 100}

    def test_a_member_whose_codec_changes(self, bench: Bench) -> None:
        bench.call("a", "b")
        bench.join("a", "b")
        bench.obey(UpdateStream(CallId("a"), stream_parameters(**WIDE)))
        for _ in range(5):
            heard = bench.period(a=frame(8000, 320), b=frame(2000))
        assert [len(heard["a"]), len(heard["b"])] == [640, 320]
        assert [array("h", heard[name])[-1] for name in "ab"] == pytest.approx([2000, 8000], abs=30)


class TestFaults:
    @pytest.mark.parametrize("where", ["next_frame", "send_frame", "update", "close", "counters"])
    def test_one_broken_call_leaves_the_others(self, bench: Bench, where: str) -> None:
        bench.call("a", "b", "c")
        bench.join("a", "b", "c")
        bench.ports["c"].arrived.append((b"!" + where.encode(), FAR_RTP))
        for _ in range(60):
            bench.period(a=frame(100), b=frame(20))
        if where == "update":
            bench.obey(UpdateStream(CallId("c"), stream_parameters()))
        elif where == "close":
            bench.obey(DetachStream(CallId("c")))
        ended = [report for report in bench.reports if isinstance(report, StreamEnded)]
        assert [report.call_id for report in ended] == ["c"]
        assert "broken" in ended[0].error
        assert bench.ports.pop("c").closed
        assert bench.levels(a=100, b=20) == {"a": 20, "b": 100}
        assert len(bench.faults) == 1

    def test_a_stream_that_cannot_be_made(self) -> None:
        def refuse(parameters: StreamParameters) -> PlainStream:
            raise RuntimeError("no codec")

        bench = Bench()
        bench.hub = Hub(bench.reports.append, bench.faults.append, 30.0, refuse)
        bench.call("a")
        assert bench.ports["a"].closed
        assert isinstance(bench.reports[-1], StreamEnded)
        assert not bench.hub.is_busy()


def test_keys_and_long_silence_are_told(bench: Bench) -> None:
    bench.call("a")
    bench.ports["a"].arrived.append((b"*5", FAR_RTP))
    bench.period()
    assert DigitHeard(CallId("a"), "5", "rtp") in bench.reports
    for _ in range(1700):
        bench.period()
    silences = [report for report in bench.reports if isinstance(report, StreamSilent)]
    assert [report.call_id for report in silences] == ["a"]


def test_the_end_of_all(bench: Bench) -> None:
    bench.call("a", "b")
    bench.join("a", "b")
    bench.hub.close(bench.now)
    assert not bench.hub.is_busy()
    assert sum(isinstance(report, StreamEnded) for report in bench.reports) == 2
    assert all(port.closed for port in bench.ports.values())
