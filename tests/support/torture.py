"""The vectors after RFC 4475 and RFC 5118, and elements that they are sent to: the bytes in, what goes on the wire out.

Each is named by its section. Its facts say what the parser reads, what a telephone and what an exchange do about it,
and where a stream differs from a datagram.
"""

from pathlib import Path

from device.sip.endpoint import SipEndpoint, StreamBroken
from device.sip.hop import Hop
from device.sip.message import Request, Response
from device.sip.parser import parse_message
from device.sip.transaction_layer import LookupWanted
from tests.support.sip_facts import VECTORS, Facts, load_facts

FOLDERS = (VECTORS / "rfc4475", VECTORS / "rfc5118")
FACTS: dict[str, Facts] = {}
PATHS: dict[str, Path] = {}
for _folder in FOLDERS:
    for _name, _facts in load_facts(_folder).items():
        FACTS[f"{_folder.name}/{_name}"] = _facts
        PATHS[f"{_folder.name}/{_name}"] = _folder / f"{_name}.dat"

NAMES = sorted(FACTS)
SENDER = "198.51.100.7"
SENDER_IPV6 = "2001:db8::9:1"


def data_of(name: str) -> bytes:
    """The bytes of a vector."""
    return PATHS[name].read_bytes()


def sender_of(name: str) -> str:
    """The address that a vector comes from: those of RFC 5118 from an IPv6 one."""
    return SENDER_IPV6 if name.startswith("rfc5118") else SENDER


class Outcome:
    """What became of one vector: responses to its sender, requests to others, events, and whether the stream broke."""

    def __init__(self, endpoint: SipEndpoint, data: bytes, name: str, is_stream: bool) -> None:
        source = Hop("TCP", sender_of(name), 40000, 7) if is_stream else Hop("UDP", sender_of(name), 5099)
        if is_stream:
            endpoint.receive_stream(data, source, 0.0)
        else:
            endpoint.receive_datagram(data, source, 0.0)
        self.events: list[object] = []
        self.responses: list[Response] = []
        self.requests: list[Request] = []
        self.hops: list[Hop] = []
        while self._take(endpoint):
            pass
        self.is_broken = any(isinstance(event, StreamBroken) for event in self.events)

    def _take(self, endpoint: SipEndpoint) -> bool:
        taken = False
        while (event := endpoint.next_event()) is not None:
            taken = True
            if isinstance(event, LookupWanted):
                endpoint.receive_lookup(event.next_hop, [Hop("UDP", "192.0.2.2", 5060)], 0.0)
            else:
                self.events.append(event)
        for one in endpoint.transmissions_to_send():
            taken = True
            message = parse_message(one.data)
            if isinstance(message, Request):
                self.requests.append(message)
            elif message.status > 100:
                self.responses.append(message)
                self.hops.append(one.hop)
        return taken

    @property
    def statuses(self) -> list[int]:
        """The final and early statuses sent; a 100 is nobody's decision."""
        return [response.status for response in self.responses]
