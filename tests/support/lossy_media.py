"""A bad network for the sound of calls between real programs: a SIP relay on loopback that takes their RTP over itself.

    relay = LossyMedia(far_end_port, loss=0.05, delay_s=0.04)
    phone.place(f"sip:1002@127.0.0.1:{relay.port}")

Requests and answers pass; the port in each description becomes one of the relay, where datagrams are lost by a seeded
chance and the rest goes on a little later. What follows in the dialog (ACK, BYE) finds its way without it.
"""

import re
import selectors
import socket
import threading
import time
from heapq import heappop, heappush
from random import Random

from tests.support.processes import HOST

_MEDIA = re.compile(rb"(?m)^m=audio (\d+) ")
_LENGTH = re.compile(rb"(?im)^(Content-Length|l)\s*:\s*\d+")
_STEP_S = 0.002


def _socket(port: int = 0) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((HOST, port))
    made.setblocking(False)
    return made


def _pair() -> tuple[socket.socket, socket.socket]:
    """An even port and the next one."""
    while True:
        first = _socket()
        port = first.getsockname()[1]
        if port % 2 == 0 and port < 65_000:
            try:
                return first, _socket(port + 1)
            except OSError:
                pass
        first.close()


class LossyMedia:
    """A thread of its own from `with` to the end of it; RTCP is delayed and not lost."""

    def __init__(self, far_port: int, loss: float, delay_s: float, seed: int = 5) -> None:
        self._sip = _socket()
        self.port = self._sip.getsockname()[1]
        self._far = (HOST, far_port)
        self._near: tuple[str, int] | None = None
        self.loss, self._delay_s = loss, delay_s
        self.jitter_s = 0.0
        """RTP takes up to so much longer by chance, and may overtake itself."""
        self._random = Random(seed)
        self._selector = selectors.DefaultSelector()
        self._late: list[tuple[float, int, socket.socket, bytes, tuple[str, int]]] = []
        self._count = 0
        self._doors: dict[tuple[bool, int], int] = {}
        self._open: dict[tuple[bool, bool], socket.socket] = {}
        """The newest door for each side, for RTP and for RTCP. What comes at one leaves by the other, as from the phone
        that it stands for, since phones answer to where sound comes from."""
        self.sent = self.lost = 0
        """RTP from the far end to the near one, and how much of it was thrown away."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._sockets = [self._sip]

    def __enter__(self) -> "LossyMedia":
        self._selector.register(self._sip, selectors.EVENT_READ, self._pass_sip)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._selector.close()
        for one in self._sockets:
            one.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            for key, _ in self._selector.select(_STEP_S):
                key.data()
            while self._late and self._late[0][0] <= time.monotonic():
                _, _, door, data, target = heappop(self._late)
                door.sendto(data, target)

    def _pass_sip(self) -> None:
        data, source = self._sip.recvfrom(65_535)
        to_far = source != self._far
        if to_far:
            self._near = source
        head, gap, body = data.partition(b"\r\n\r\n")
        if found := _MEDIA.search(body):
            door = self._door(to_far, int(found[1]))
            body = _MEDIA.sub(b"m=audio %d " % door, body)
            head = _LENGTH.sub(rb"\g<1>: %d" % len(body), head)
        target = self._far if to_far else self._near
        if target is not None:
            self._sip.sendto(head + gap + body, target)

    def _door(self, from_near: bool, port: int) -> int:
        """The port of ours that stands for `port` of one side."""
        known = self._doors.get((from_near, port))
        if known is not None:
            return known
        rtp, rtcp = _pair()
        self._sockets += [rtp, rtcp]
        for one, offset in ((rtp, 0), (rtcp, 1)):
            target = (HOST, port + offset)
            self._open[from_near, offset == 1] = one
            self._selector.register(one, selectors.EVENT_READ, self._passing(one, target, from_near, offset == 1))
        self._doors[from_near, port] = rtp.getsockname()[1]
        return self._doors[from_near, port]

    def _passing(self, door: socket.socket, target: tuple[str, int], to_near: bool, is_rtcp: bool):
        def take() -> None:
            data, _ = door.recvfrom(65_535)
            if not is_rtcp:
                lost = self._random.random() < self.loss
                self.sent += to_near
                self.lost += lost and to_near
                if lost:
                    return
            self._count += 1
            way_out = self._open.get((not to_near, is_rtcp), door)
            late_s = self._delay_s + (0.0 if is_rtcp else self.jitter_s * self._random.random())
            heappush(self._late, (time.monotonic() + late_s, self._count, way_out, data, target))

        return take
