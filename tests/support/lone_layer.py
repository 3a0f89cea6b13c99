"""A transaction layer on its own, and the short words with which its tests speak to it."""

from device.ids import CountingIds
from device.sip.hop import Hop, NextHop, Transmission
from device.sip.parser import parse_message
from device.sip.timers import SipTimers
from device.sip.transaction_layer import (
    RequestReceived,
    TransactionEvent,
    TransactionLayer,
)
from tests.support.sip_messages import answer, first_line, request

BOB = NextHop("192.0.2.2")
BOB_UDP = Hop("UDP", "192.0.2.2", 5060)
BOB_TCP = Hop("TCP", "192.0.2.2", 5060)
ALICE = Hop("UDP", "192.0.2.1", 5060)
PROXY = NextHop("proxy.example", transport="UDP")
HOP_1, HOP_2 = Hop("UDP", "198.51.100.1", 5060), Hop("UDP", "198.51.100.2", 5070)
LARGE = "X-Filler: " + "x" * 1200


def make_layer(host: str = "192.0.2.1", **limits: int) -> TransactionLayer:
    return TransactionLayer(SipTimers(), CountingIds(), lambda _hop: (host, 5060), **limits)


def events(layer: TransactionLayer) -> list[TransactionEvent]:
    found = []
    while (event := layer.next_event()) is not None:
        found.append(event)
    return found


def sent(layer: TransactionLayer) -> list[Transmission]:
    return layer.transmissions_to_send()


def lines(layer: TransactionLayer) -> list[tuple[str, Hop]]:
    """First words and target of everything sent."""
    return [(" ".join(first_line(one.data).split()[:2]), one.hop) for one in sent(layer)]


def methods(layer: TransactionLayer) -> list[str]:
    """Method, or status, of everything sent."""
    found = [first_line(one.data).split() for one in sent(layer)]
    return [words[1] if words[0] == "SIP/2.0" else words[0] for words in found]


def names(layer: TransactionLayer) -> list[str]:
    return [type(event).__name__ for event in events(layer)]


def receive(layer: TransactionLayer, data: bytes, status: int, now: float, source: Hop = BOB_UDP) -> None:
    layer.receive_message(answer(data, status), source, now)


def incoming(
    layer: TransactionLayer, method: str, source: Hop = ALICE, now: float = 0.0, branch: str = "z9hG4bK-a", **more: str
) -> None:
    via = more.pop("via", f"SIP/2.0/UDP 192.0.2.1:5060;branch={branch};rport")
    layer.receive_message(parse_message(request(method, via=via, **more).encode()), source, now)


def received(layer: TransactionLayer) -> RequestReceived:
    (event,) = events(layer)
    assert isinstance(event, RequestReceived)
    return event


def respond(layer: TransactionLayer, event: RequestReceived, status: int, now: float = 0.0) -> bool:
    return layer.send_response(event.key, event.request.response(status, to_tag="to-1"), now)
