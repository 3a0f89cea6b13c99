"""The user agent of the services over loopback sockets: the exchange is played by the test, message by message."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.daemon.loop import Loop
from device.daemon.services.concierge import Concierge
from device.daemon.services.host import ServiceHost, Surroundings
from device.daemon.services.mailboxes import MailboxFiles
from device.exchange.services.numbers import ServiceNumbers
from device.exchange.services.orders import PagingGroup
from device.exchange.services.settings import USUAL_NUMBERS, ServiceSettings
from device.ids import SystemIds
from device.store.database import open_database

HOST = "127.0.0.1"
PHONE = "192.0.2.20"
SETTINGS = ServiceSettings(reserve_mb=1, max_calls=3, codecs="PCMU", **USUAL_NUMBERS)
OFFER = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio {port} RTP/AVP {codec} 101\r\na=rtpmap:101 telephone-event/8000\r\n"
)


class Line:
    """The exchange's side: one socket that sends requests and gets what comes back."""

    def __init__(self, folder: Path, listening: str = HOST) -> None:
        self.loop = Loop()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((HOST, 0))
        self.socket.setblocking(False)
        self.sound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sound.bind((HOST, 0))
        self.sound.setblocking(False)
        database = open_database(str(folder / "exchange.db"))
        boxes = MailboxFiles(database, SETTINGS, SystemIds(), lambda user: user in ("1001", "1002"))
        numbers = ServiceNumbers(SETTINGS, [PagingGroup("7001", ("1002",))])
        self.concierge = Concierge("pbx.lan", SETTINGS, numbers, boxes)
        surroundings = Surroundings(self.address_towards, lambda user: PHONE if user == "1001" else "")
        address = (listening, self.socket.getsockname()[1])
        self.host = ServiceHost(self.loop, SystemIds(), address, SETTINGS, self.concierge, surroundings)
        self.host.open(self.loop.now())
        self.loop.add_participant(self.host)
        self.came: list[str] = []
        self._calls = 0

    @staticmethod
    def address_towards(host: str) -> str:
        """Our address as a phone elsewhere, somebody unknown, and this machine see it."""
        return {PHONE: "192.0.2.10", HOST: HOST}.get(host, "198.51.100.10")

    def close(self) -> None:
        self.host.close(self.loop.now())
        self.loop.close()
        self.socket.close()
        self.sound.close()

    def send(self, text: str, sender: socket.socket | None = None) -> None:
        target = self.host.switch.target("*43")
        assert target is not None
        assert target.hop is not None
        (sender or self.socket).sendto(text.encode(), (HOST, target.hop.port or 0))

    def request(self, method: str, number: str, call: str, tag: str = "", body: str = "", kind: str = "") -> str:
        where = self.host.switch.target(number)
        uri = where.uri if where is not None else f"sip:services@{HOST};service={number}"
        own = f"{HOST}:{self.socket.getsockname()[1]}"
        self._calls += 1
        content = f"Content-Type: {kind or 'application/sdp'}\r\n" if body else ""
        return (
            f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{call}{self._calls}\r\n"
            f"From: <sip:1001@pbx.lan>;tag=a\r\nTo: <sip:{number}@pbx.lan>{f';tag={tag}' if tag else ''}\r\n"
            f"Call-ID: {call}\r\nCSeq: {self._calls} {method}\r\nMax-Forwards: 70\r\nContact: <sip:{own}>\r\n{content}"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )

    def invite(self, number: str, call: str = "c1", codec: str = "0", where: str = HOST) -> None:
        offer = OFFER.format(port=self.sound.getsockname()[1], codec=codec).replace(
            f"c=IN IP4 {HOST}", f"c=IN IP4 {where}"
        )
        self.send(self.request("INVITE", number, call, body=offer))

    def expect(self, *starts: str) -> str:
        """Wait for a message that begins with one of these."""
        deadline = self.loop.now() + 10.0
        while self.loop.now() < deadline:
            self.loop.turn(0.02)
            try:
                self.came.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                continue
            if self.came[-1].startswith(starts):
                return self.came[-1]
        raise AssertionError(f"waited for {starts} in vain, had {self.came}")

    def talk(self, number: str, call: str = "c1", where: str = HOST) -> str:
        """A call that stands, whose sound is wanted at `where`; answers our tag."""
        self.invite(number, call, where=where)
        answer = self.expect("SIP/2.0 200")
        tag = next(line for line in answer.split("\r\n") if line.startswith("To:")).rpartition("tag=")[2]
        ack = self.request("ACK", number, call, tag)
        cseq = next(line for line in answer.split("\r\n") if line.startswith("CSeq:")).split()[1]
        self.send(ack.replace(f"CSeq: {self._calls} ACK", f"CSeq: {cseq} ACK"))
        return tag

    def hear(self) -> None:
        """Wait until sound has come."""
        deadline = self.loop.now() + 10.0
        while self.loop.now() < deadline:
            self.loop.turn(0.02)
            try:
                if len(self.sound.recv(4096)) == 172:
                    return
            except BlockingIOError:
                continue
        raise AssertionError("no sound came")


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    line = Line(tmp_path)
    yield line
    line.close()


def test_a_call_is_answered_heard_and_ended_by_a_key(line: Line) -> None:
    tag = line.talk("*43")
    line.hear()
    assert line.host.calls() == [{"call": "in-1", "caller": "1001", "service": "echo", "room": ""}]
    line.send(line.request("INFO", "*43", "c1", tag, "Signal=#\r\nDuration=100\r\n", "application/dtmf-relay"))
    line.expect("BYE ")
    assert line.host.calls() == []


def test_the_caller_hangs_up(line: Line) -> None:
    tag = line.talk("8001")
    line.hear()
    line.send(line.request("BYE", "8001", "c1", tag))
    line.expect("SIP/2.0 200")
    assert line.host.calls() == []
    assert line.concierge.rooms.everything() == {}


@pytest.mark.parametrize(("caller", "address"), [("1001", "192.0.2.10"), ("guest", "198.51.100.10")])
def test_who_wants_our_offer_is_told_an_address_that_it_can_reach(line: Line, caller: str, address: str) -> None:
    """The exchange beside us is no measure: it has no sound."""
    line.send(line.request("INVITE", "*43", "c1").replace("sip:1001@", f"sip:{caller}@"))
    assert f"c=IN IP4 {address}\r\n" in line.expect("SIP/2.0 200")


def test_a_description_that_names_a_host(line: Line) -> None:
    line.talk("*43", where="localhost")
    line.hear()


def test_what_is_no_service_and_who_has_no_codec(line: Line) -> None:
    line.invite("1234")
    line.expect("SIP/2.0 404")
    line.invite("*981009", "c2")
    line.expect("SIP/2.0 404")
    line.invite("*43", "c3", codec="96")
    line.expect("SIP/2.0 488")
    assert line.host.calls() == []


def test_too_many_calls_hear_busy(line: Line) -> None:
    for number in range(3):
        line.talk("8001", f"c{number}")
    line.invite("8001", "c9")
    line.expect("SIP/2.0 486")


def test_nobody_but_the_exchange_is_heard(line: Line) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind((HOST, 0))
        stranger.settimeout(0.0)
        line.send(line.request("OPTIONS", "*43", "c1"), stranger)
        line.invite("*43", "c2")
        line.expect("SIP/2.0 200")
        with pytest.raises(BlockingIOError):
            stranger.recv(100)


@pytest.mark.parametrize("listening", ["", "0.0.0.0", "::"])
def test_an_exchange_at_every_address_is_heard_by_the_loopback_one(tmp_path: Path, listening: str) -> None:
    line = Line(tmp_path, listening)
    line.talk("*43")
    line.hear()
    line.close()


def test_a_page_calls_the_members_and_asks_them_to_answer_by_themselves(line: Line) -> None:
    line.talk("7001")
    invite = line.expect("INVITE sip:1002@pbx.lan")
    assert 'From: "" <sip:1001@pbx.lan>' in invite or "From: <sip:1001@pbx.lan>" in invite
    assert "answer-after=0" in invite
    assert "info=alert-autoanswer" in invite
    assert "Answer-Mode: Auto" in invite


def test_a_page_to_phones_that_cannot_be_reached_ends_by_itself(line: Line) -> None:
    line.talk("7001")
    invite = line.expect("INVITE sip:1002@pbx.lan").split("\r\n")
    kept = [text for text in invite if text.partition(":")[0] in ("Via", "From", "To", "Call-ID", "CSeq")]
    refusal = "\r\n".join(["SIP/2.0 480 Not here", *kept, "Content-Length: 0", "", ""])
    line.send(refusal.replace("To: <sip:1002@pbx.lan>", "To: <sip:1002@pbx.lan>;tag=x"))
    line.expect("ACK ")
    line.expect("BYE ")
    assert line.host.calls() == []


def test_the_end_ends_every_call(line: Line) -> None:
    line.talk("8001")
    line.hear()
    line.host.close(line.loop.now())
    line.expect("BYE ")
    assert line.host.calls() == []
