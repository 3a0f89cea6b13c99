"""`python -m tests.bench.idle_probe KIND COUNT`: so many transactions or dialogs of one kind at rest, in this process.

Prints bytes of resident memory for each, and microseconds that each took to make and to end.
"""

import gc
import os
import sys
import time
from collections.abc import Callable

from device.ids import CountingIds
from device.sip.dialog import Dialog
from device.sip.hop import Hop, NextHop
from device.sip.message import Request, Response
from device.sip.parser import parse_message, validate
from device.sip.timers import SipTimers
from device.sip.transaction import RequestReceived
from device.sip.transaction_layer import TransactionLayer
from tests.bench.process_figures import memory_mib
from tests.bench.sample_messages import INVITE, OK

PEER = Hop("UDP", "192.0.2.1", 5060)
WARM_UP = 200
"""Made and ended beforehand, so that code, caches and the allocator's first pages do not count."""

LONG_AFTER_S = 1000.0


def numbered(data: bytes, number: int) -> bytes:
    """A sample message of a call of its own."""
    text = data.decode().replace("z9hG4bKd41d", f"z9hG4bKd{number}").replace("3848276298220188511", f"{number:019d}")
    return text.replace("9fxced76sl", f"9fx{number:07d}").encode()


def made(method: str, number: int) -> Request:
    """A request as our own user agent makes it."""
    request = parse_message(numbered(INVITE, number).replace(b"INVITE", method.encode()))
    assert isinstance(request, Request)
    request.headers.remove("Via")
    if method != "INVITE":
        request.body = b""
    return request


class Probe:
    """A transaction layer that rests; `make` takes it to the state that is asked for, once for each number."""

    def __init__(self, count: int) -> None:
        limit = count + WARM_UP + 1
        self.layer = TransactionLayer(SipTimers(), CountingIds(), lambda _: ("192.0.2.31", 5060), limit, limit)
        self.dialogs: list[Dialog] = []

    def client(self, method: str, status: int) -> Callable[[int], None]:
        """A request of ours that was answered."""

        def make(number: int) -> None:
            self.layer.send_request(made(method, number), NextHop("192.0.2.1"), 0.0)
            (sent,) = self.layer.transmissions_to_send()
            request = parse_message(sent.data)
            assert isinstance(request, Request)
            response = parse_message(request.response(status, to_tag=f"t{number}").encode())
            self.layer.receive_message(response, PEER, 0.0)
            self.drain()

        return make

    def server(self, method: str, status: int) -> Callable[[int], None]:
        """A request of a peer that we answered."""

        def make(number: int) -> None:
            data = numbered(INVITE, number).replace(b"INVITE", method.encode())
            message = parse_message(data)
            validate(message)
            self.layer.receive_message(message, PEER, 0.0)
            event = self.layer.next_event()
            assert isinstance(event, RequestReceived)
            self.layer.send_response(event.key, event.request.response(status, to_tag=f"t{number}"), 0.0)
            self.drain()

        return make

    def called(self, number: int) -> None:
        """A dialog of a call that came."""
        request = parse_message(numbered(INVITE, number))
        assert isinstance(request, Request)
        dialog = Dialog.of_request(request, f"t{number:07d}")
        dialog.confirmed = True
        self.dialogs.append(dialog)

    def calling(self, number: int) -> None:
        """A dialog of a call that we made."""
        response = parse_message(numbered(OK, number))
        assert isinstance(response, Response)
        self.dialogs.append(Dialog.of_response(response, response.to.uri))

    def drain(self) -> None:
        self.layer.transmissions_to_send()
        while self.layer.next_event() is not None:
            pass

    def end(self) -> None:
        """Let every timer run out, or forget every dialog."""
        self.dialogs.clear()
        while self.layer.next_timeout() is not None:
            self.layer.handle_timeout(LONG_AFTER_S)
            self.drain()
        assert len(self.layer) == 0


KINDS: dict[str, Callable[[Probe], Callable[[int], None]]] = {
    "INVITE client transaction, Accepted": lambda probe: probe.client("INVITE", 200),
    "INVITE client transaction, Completed": lambda probe: probe.client("INVITE", 486),
    "client transaction, Completed": lambda probe: probe.client("BYE", 200),
    "INVITE server transaction, Accepted": lambda probe: probe.server("INVITE", 200),
    "INVITE server transaction, Completed": lambda probe: probe.server("INVITE", 486),
    "server transaction, Completed": lambda probe: probe.server("BYE", 200),
    "dialog, called": lambda probe: probe.called,
    "dialog, calling": lambda probe: probe.calling,
}


def resident_bytes() -> float:
    gc.collect()
    return memory_mib(os.getpid())[0] * 1024 * 1024


def measure(kind: str, count: int) -> tuple[float, float, float]:
    """Bytes, microseconds to make and microseconds to end, for each."""
    probe = Probe(count)
    make = KINDS[kind](probe)
    for number in range(WARM_UP):
        make(number)
    probe.end()
    before = resident_bytes()
    began = time.perf_counter()
    for number in range(WARM_UP, WARM_UP + count):
        make(number)
    ready = time.perf_counter()
    memory = resident_bytes() - before
    resting = time.perf_counter()
    probe.end()
    ended = time.perf_counter()
    return memory / count, (ready - began) / count * 1e6, (ended - resting) / count * 1e6


if __name__ == "__main__":
    sys.stdout.write(" ".join(f"{figure:.3f}" for figure in measure(sys.argv[1], int(sys.argv[2]))) + "\n")
