"""A talk of three at one phone: each far end hears the microphone and the other far end, and never itself."""

import pytest

from device.audio.commands import DetachStream, JoinStreams, SetMuted, UpdateStream
from device.audio.joined_calls import JoinedCalls
from device.model import CallId
from tests.audio.test_bridge import Bench, frame
from tests.support.streams import FAR_RTP, stream_parameters

A, B, C = CallId("a"), CallId("b"), CallId("c")


class Talk:
    """A bridge with three calls, the first two of them joined."""

    def __init__(self) -> None:
        self.bench = Bench()
        self.ports = {name: self.bench.attach(name)[0] for name in "abc"}
        self.bench.obey(JoinStreams((A, B)))

    def period(self, captured: int, **said: int) -> tuple[bytes, dict[str, bytes]]:
        """What the earpiece hears, and what each far end."""
        for name, level in said.items():
            self.ports[name].arrived.append((frame(level), FAR_RTP))
        heard = self.bench.period(frame(captured))
        return heard, {name: port.sent[-1][0] for name, port in self.ports.items()}


def test_each_far_end_hears_the_other_two_and_the_ear_hears_all() -> None:
    talk = Talk()
    ear, far = talk.period(1000, a=100, b=20, c=3)
    assert ear == frame(123)
    assert far == {"a": frame(1020), "b": frame(1100), "c": frame(1000)}


def test_a_muted_microphone_leaves_the_far_ends_to_each_other() -> None:
    talk = Talk()
    talk.bench.obey(SetMuted(True))
    assert talk.period(1000, a=100, b=20)[1] == {"a": frame(20), "b": frame(100), "c": frame(0)}


def test_one_who_is_held_is_not_heard() -> None:
    talk = Talk()
    talk.bench.obey(UpdateStream(A, stream_parameters(on_hold=True, receiving=False)))
    talk.bench.streams[0].waiting.clear()
    assert talk.period(1000, b=20)[1]["b"] == frame(1000)


def test_the_talk_is_over_with_the_second_to_last() -> None:
    talk = Talk()
    talk.period(1000, a=100, b=20)
    talk.bench.obey(DetachStream(A))
    del talk.ports["a"]
    assert talk.period(1000, b=20)[1] == {"b": frame(1000), "c": frame(1000)}
    assert talk.bench.bridge._extras == {}


def test_a_call_that_is_not_there_joins_nobody() -> None:
    talk = Talk()
    talk.bench.obey(JoinStreams((C, CallId("gone"))))
    assert talk.period(1000, a=100, b=20, c=3)[1] == {"a": frame(1020), "b": frame(1100), "c": frame(1000)}


@pytest.mark.parametrize("members", [3, 5])
def test_more_than_two_far_ends(members: int) -> None:
    joined = JoinedCalls()
    names = [CallId(str(number)) for number in range(members)]
    for number, name in enumerate(names):
        joined.enter(name)
        joined.put(name, frame(10**number))
    for number, name in enumerate(names):
        assert joined.others(name) == frame(sum(10**other for other in range(members) if other != number))
    assert not joined.is_over
    for name in names[1:]:
        joined.leave(name)
    assert joined.is_over
    assert joined.others(names[0]) in (b"", frame(0))
