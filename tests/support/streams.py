"""Streams for the tests of the audio thread: what MediaStream promises, without codec and network timing."""

from collections import deque

from device.media.stream import Address, Datagrams, MediaStream, StreamParameters, StreamReport

FAR_RTP = ("192.0.2.9", 4000)
FAR_RTCP = ("192.0.2.9", 4001)


def stream_parameters(**changes: object) -> StreamParameters:
    """A call of G.711 with 20 ms packets."""
    values: dict[str, object] = {
        "codec_name": "PCMU",
        "payload_type": 0,
        "receive_formats": ((0, "PCMU"),),
        "clock_rate_hz": 8000,
        "sample_rate_hz": 8000,
        "remote": FAR_RTP,
        "remote_rtcp": FAR_RTCP,
        "sending": True,
        "receiving": True,
        "on_hold": False,
        "ptime_ms": 20,
        "telephone_event_pt": 101,
        "receive_telephone_event_pts": (101,),
        "ssrc": 1,
        "sequence": 1,
        "timestamp": 1,
        "seed": 1,
        "cname": "c",
    }
    return StreamParameters(**{**values, **changes})  # type: ignore[arg-type]


class PlainStream(MediaStream):
    """A datagram is a frame of PCM, both ways; `b"*5"` is the digit 5; `b"!"` breaks it."""

    def __init__(self, parameters: StreamParameters) -> None:
        self.parameters = parameters
        self.waiting: deque[bytes] = deque()
        self.digits_waiting: list[tuple[str, str]] = []
        self.reports_heard: list[bytes] = []
        self.received = 0
        self.last_packet_at: float | None = None
        self.broken_in = ""
        self.pauses = False

    @property
    def far_end_pauses(self) -> bool:
        return self.pauses

    def update(self, parameters: StreamParameters) -> None:
        self.parameters = parameters
        self._break("update")

    def receive_rtp(self, data: bytes, source: Address, now: float) -> None:
        if data.startswith(b"!"):
            self.broken_in = data[1:].decode()
        elif data.startswith(b"*"):
            self.digits_waiting.append((data[1:].decode(), "rtp"))
        else:
            self.waiting.append(data)
        self.received += 1
        self.last_packet_at = now

    def receive_rtcp(self, data: bytes, source: Address, now: float) -> None:
        self.reports_heard.append(data)

    def next_frame(self) -> bytes:
        self._break("next_frame")
        return self.waiting.popleft() if self.waiting else bytes(self.parameters.sample_rate_hz // 25)

    def send_frame(self, pcm: bytes, now: float) -> Datagrams:
        self._break("send_frame")
        return [(pcm, self.parameters.remote)]

    def send_digit(self, digit: str, duration_ms: int = 0, in_band: bool = False) -> None:
        self._break("send_digit")
        if digit not in "0123456789*#ABCD":
            raise ValueError(digit)
        self.digits_out = [*getattr(self, "digits_out", []), (digit, duration_ms, in_band)]

    def digits_received(self) -> list[tuple[str, str]]:
        digits, self.digits_waiting = self.digits_waiting, []
        return digits

    def rtcp_to_send(self, now: float) -> Datagrams:
        return [(b"report", self.parameters.remote_rtcp)] if self.received == 1 else []

    def close(self, now: float) -> Datagrams:
        self._break("close")
        return [(b"bye", self.parameters.remote_rtcp)]

    def counters(self) -> StreamReport:
        self._break("counters")
        return StreamReport("PCMU", "far", packets_received=self.received, last_packet_at=self.last_packet_at)

    def _break(self, where: str) -> None:
        if self.broken_in == where:
            raise RuntimeError(f"broken in {where}")
