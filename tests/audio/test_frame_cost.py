"""What a frame of a plain call does, counted: calls, exceptions and properties (docs/decisions/0017-cold-frames.md)."""

import sys
from collections.abc import Callable, Iterator
from types import FrameType

import pytest

from device.audio.bridge import CALL_RATE_HZ, Bridge
from device.audio.commands import AttachStream
from device.audio.settings import AudioSettings
from device.ids import SystemIds
from device.media.stream_parameters import StreamParameters
from device.model import CallId
from device.net.rtp_socket import RtpPort, open_rtp_sockets
from device.records import replace
from device.rtp.packet import encode_rtp
from tests.support.streams import stream_parameters

FRAME = bytes(320)
MOST_CALLS = 60
MOST_CALLS_OF_C = 40
WARM_UP = 60
"""Frames until the jitter buffer has settled."""


class PlainCall:
    """A bridge with a G.711 call on real ports, and a far end that sends a packet before each frame."""

    def __init__(self) -> None:
        self._far_end = RtpPort("127.0.0.1", 0)
        ports = open_rtp_sockets("127.0.0.1", 20000, 40000, SystemIds())
        self._to = ("127.0.0.1", ports.local_port)
        parameters: StreamParameters = replace(
            stream_parameters(), remote=("127.0.0.1", self._far_end.local_port), remote_rtcp=("127.0.0.1", 9)
        )
        self._payload_type = parameters.payload_type
        self.faults: list[str] = []
        self._bridge = Bridge(AudioSettings(kind="null"), CALL_RATE_HZ, lambda report: None, self.faults.append)
        self._bridge.obey(AttachStream(CallId("plain"), parameters, ports.rtp, ports.rtcp), 0.0)
        self._number = 0
        self.received = 0

    def frame(self, watched: Callable[[Callable[[], None]], None] = lambda run: run()) -> None:
        """Twenty milliseconds; `watched` runs the product's part of them."""
        now = self._number / 50
        packet = encode_rtp(self._payload_type, self._number, 160 * self._number, 7, False, bytes(160))
        self._far_end.send(packet, self._to)
        self._number += 1

        def run() -> None:
            self._bridge.next_frame(now, FRAME)
            self._bridge.send_frame(FRAME, now)

        watched(run)
        self.received += self._far_end.receive() is not None

    def close(self) -> None:
        self._bridge.close(2.0)
        self._far_end.close()


@pytest.fixture
def call() -> Iterator[PlainCall]:
    found = PlainCall()
    for _ in range(WARM_UP):
        found.frame()
    yield found
    assert found.received > WARM_UP // 2
    assert found.faults == []
    found.close()


class Watch:
    """What the product calls and raises while it is watched."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.properties: list[str] = []
        self.exceptions: list[str] = []
        self.calls_of_c = 0

    def __call__(self, run: Callable[[], None]) -> None:
        profile, trace = sys.getprofile(), sys.gettrace()
        sys.settrace(self._trace)
        sys.setprofile(self._profile)
        try:
            run()
        finally:
            sys.setprofile(profile)
            sys.settrace(trace)

    def _profile(self, frame: FrameType, event: str, argument: object) -> None:
        self.calls_of_c += event == "c_call"
        if event == "call":
            name = frame.f_code.co_name
            self.calls.append(name)
            owner = type(frame.f_locals.get("self"))
            if isinstance(getattr(owner, name, None), property):
                self.properties.append(f"{owner.__name__}.{name}")

    def _trace(self, frame: FrameType, event: str, argument: object) -> "Callable[..., object]":
        if event == "exception":
            self.exceptions.append(f"{frame.f_code.co_name}: {argument}")
        return self._trace


def test_a_frame_makes_few_calls(call: PlainCall) -> None:
    frames = []
    for _ in range(10):
        frames.append(Watch())
        call.frame(frames[-1])
    # Levels and control packets have their turn in every fifth frame only.
    usual = sorted(frames, key=lambda frame: len(frame.calls))[len(frames) // 2]
    assert 20 < len(usual.calls) <= MOST_CALLS, usual.calls
    assert 20 < usual.calls_of_c <= MOST_CALLS_OF_C


def test_a_frame_raises_nothing_and_asks_no_property(call: PlainCall) -> None:
    usual = Watch()
    for _ in range(4):
        call.frame(usual)
    assert usual.exceptions == []
    assert "__getattr__" not in usual.calls
    assert usual.properties == []
