"""A caller on a plain UDP socket that measures how long each answer takes, and knows no more SIP than it needs."""

import re
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.bench.registrar import HOST

ANSWER_TIMEOUT_S = 3.0

PCMU_OFFER = ("0 101", "a=rtpmap:0 PCMU/8000", "a=rtpmap:101 telephone-event/8000")
"""Payload types for the media line, and the lines that explain them."""

_STATUS = re.compile(rb"SIP/2\.0 (\d{3}) ")
_AUDIO_PORT = re.compile(rb"^m=audio (\d+) ", re.M)


class CallFailedError(Exception):
    """The phone did not do what a call needs; the text says what."""


@dataclass(slots=True)
class Call:
    """One call in progress, with the seconds from our INVITE to its answers."""

    call_id: str
    branch: str
    to: bytes = b""
    ringing_s: float | None = None
    answered_s: float | None = None
    audio_port: int = 0


def header(message: bytes, name: bytes) -> bytes:
    """The first value of a header field; raises CallFailedError when it is missing."""
    found = re.search(rb"^" + name + rb"[ \t]*:[ \t]*(.*?)\r$", message, re.I | re.M)
    if found is None:
        raise CallFailedError(f"no {name.decode()} in an answer")
    return found[1]


class Caller:
    """Calls one phone; a context manager. Sound is offered to `audio_port`, an unread socket of its own if 0."""

    def __init__(
        self,
        user: str,
        port: int,
        audio_port: int = 0,
        clock: Callable[[], float] = time.perf_counter,
        offer: Sequence[str] = PCMU_OFFER,
    ) -> None:
        self._offer = offer
        self._peer = (HOST, port)
        self._uri = f"sip:{user}@{HOST}:{port}"
        self._clock = clock
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        self._sound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sound.bind((HOST, 0))
        self._port = self._socket.getsockname()[1]
        self._audio_port = audio_port or self._sound.getsockname()[1]
        self._count = 0

    def __enter__(self) -> "Caller":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._sound.close()

    def place(self) -> Call:
        """Call and wait for the 200; answers the call, acknowledged."""
        call = self._invite()
        while call.answered_s is None:
            self._await_invite_answer(call)
        self._send("ACK", call, 1, f"{call.branch}a", call.to)
        return call

    def ring(self) -> Call:
        """Call, wait for the 180 and give up; answers the call that was."""
        call = self._invite()
        while call.ringing_s is None:
            self._await_invite_answer(call)
            if call.answered_s is not None:
                raise CallFailedError("answered instead of ringing")
        self._send("CANCEL", call, 1, call.branch)
        self._await(call, b"INVITE", {487})
        self._send("ACK", call, 1, call.branch, call.to)
        return call

    def hang_up(self, call: Call) -> float:
        """End the call; answers the seconds from BYE to its 200."""
        began = self._clock()
        self._send("BYE", call, 2, f"{call.branch}b", call.to)
        self._await(call, b"BYE", {200})
        return self._clock() - began

    def _invite(self) -> Call:
        self._count += 1
        self._drain()
        name = f"{self._count}-{self._port}"
        call = Call(f"call-{name}", f"z9hG4bK-{name}")
        body = (
            f"v=0\r\no=- {self._count} 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\n"
            f"m=audio {self._audio_port} RTP/AVP {self._offer[0]}\r\n"
            + "".join(f"{line}\r\n" for line in self._offer[1:])
            + "a=ptime:20\r\n"
        )
        self._began = self._clock()
        self._send("INVITE", call, 1, call.branch, body=body)
        return call

    def _await_invite_answer(self, call: Call) -> None:
        status, message, at = self._receive(call, b"INVITE")
        if status == 180 and call.ringing_s is None:
            call.ringing_s = at - self._began
        if 200 <= status <= 299:
            call.answered_s = at - self._began
            call.to = header(message, b"To")
            port = _AUDIO_PORT.search(message)
            call.audio_port = int(port[1]) if port else 0
        elif status >= 300:
            call.to = header(message, b"To")
            self._send("ACK", call, 1, call.branch, call.to)
            raise CallFailedError(f"INVITE was answered with {status}")

    def _await(self, call: Call, method: bytes, wanted: set[int]) -> None:
        while True:
            status, message, _ = self._receive(call, method)
            if status in wanted:
                call.to = header(message, b"To")
                return
            if status >= 200:
                raise CallFailedError(f"{method.decode()} was answered with {status}")

    def _receive(self, call: Call, method: bytes) -> tuple[int, bytes, float]:
        """Status, text and time of the next answer to that request of the call; others are passed over."""
        deadline = self._clock() + ANSWER_TIMEOUT_S
        while (left := deadline - self._clock()) > 0:
            self._socket.settimeout(left)
            try:
                message = self._socket.recv(65536)
            except TimeoutError:
                break
            at = self._clock()
            found = _STATUS.match(message)
            if (
                found
                and header(message, b"Call-ID") == call.call_id.encode()
                and header(message, b"CSeq").endswith(method)
            ):
                return int(found[1]), message, at
        raise CallFailedError(f"no answer to {method.decode()} within {ANSWER_TIMEOUT_S:g} s")

    def _send(self, method: str, call: Call, number: int, branch: str, to: bytes = b"", body: str = "") -> None:
        lines = [
            f"{method} {self._uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {HOST}:{self._port};branch={branch};rport",
            "Max-Forwards: 70",
            f'From: "Bench" <sip:bench@{HOST}>;tag=bench',
            f"To: {to.decode() or f'<{self._uri}>'}",
            f"Call-ID: {call.call_id}",
            f"CSeq: {number} {method}",
        ]
        if method == "INVITE":
            lines += [
                f"Contact: <sip:bench@{HOST}:{self._port}>",
                "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS",
                "Content-Type: application/sdp",
            ]
        lines += [f"Content-Length: {len(body)}", "", body]
        self._socket.sendto("\r\n".join(lines).encode(), self._peer)

    def _drain(self) -> None:
        """Forget late answers to earlier calls."""
        self._socket.setblocking(False)
        try:
            while True:
                self._socket.recv(65536)
        except BlockingIOError:
            pass
