"""Whatever comes from the network: nothing raises, nothing is left, and nothing is relayed that may not be."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.exchange_model import Forwarding, RingGroup, RoutingTable
from device.sip.errors import SipParseError
from device.sip.hop import Hop
from device.sip.message import Request, Response
from device.sip.parser import validate
from tests.exchange.switchboard import OWN, Phone, Switchboard, two_phones

VICTIM = "203.0.113.7"

PIECES = [
    "",
    " ",
    ",",
    ";",
    "<",
    '"',
    "*",
    "\udcff\udcfe",
    "\N{SNOWMAN}",
    "%00",
    "4294967296",
    "-1",
    "0",
    "z9hG4bK",
    "SIP/2.0/UDP",
    "SIP/2.0/TCP 192.0.2.2;branch=z9hG4bK-odd;rport",
    "sip:1002@pbx.lan",
    "sip:1001@pbx.lan;transport=tcp",
    f"<sip:{OWN};lr>",
    f"<sip:{OWN}:5060;lr;seal=0123456789abcdef>",
    f"<sip:x@{VICTIM}>",
    f"<sip:{VICTIM};lr>",
    "<tel:1002>",
    "<sips:1002@pbx.lan>;expires=9",
    "<sip:[::1]:5060>",
    ";tag=x",
    ";maddr=192.0.2.9",
    "Digest",
    'Digest username="1001", realm="pbx.lan", nonce="n1", uri="sip:pbx.lan", response="0"',
    'Digest username="%ff", realm="pbx.lan", nonce="n1", uri="", response="", qop=auth, nc=zz, cnonce="c"',
    "1 CANCEL",
    "2147483648 INVITE",
    "a@b",
]
NAMES = [
    "Via",
    "Route",
    "Record-Route",
    "From",
    "To",
    "Call-ID",
    "CSeq",
    "Contact",
    "Max-Forwards",
    "Max-Breadth",
    "Expires",
    "Require",
    "Proxy-Require",
    "Authorization",
    "Proxy-Authorization",
    "Content-Length",
    "User-Agent",
    "Diversion",
    "History-Info",
    "Reason",
    "X-Unknown",
]
TARGETS = ("sip:1001@pbx.lan", "sip:1002@pbx.lan", "sip:pbx.lan", "sip:600@pbx.lan", "sip:7@pbx.lan")
ROUTING = RoutingTable(
    (("7", "1002"), ("8", f"x@{VICTIM}")),
    (
        RingGroup("600", ("1001", "1002", "601", "8")),
        RingGroup("601", ("600", "1002"), in_order=True, otherwise="1001"),
    ),
    (
        Forwarding("1001", busy="601", no_answer=f"sip:x@{VICTIM}"),
        Forwarding("1002", busy="1001", no_answer="600", no_answer_s=5),
    ),
)
"""How half of the crowds are routed."""

STATUSES = [100, 180, 183, 199, 200, 202, 302, 401, 407, 408, 480, 486, 487, 500, 503, 600, 603]


Items = list[tuple[str, str]]


def change(items: Items, dice: Random) -> None:
    """Do one thing wrong."""
    position = dice.randrange(len(items))
    name, value = items[position]
    cut = dice.randrange(len(value) + 1)
    what = dice.randrange(7)
    if what == 0:
        del items[position]
    elif what == 1:
        items.insert(position, dice.choice(items))
    elif what == 2:
        items.insert(position, (dice.choice(NAMES), dice.choice(PIECES)))
    elif what == 3:
        dice.shuffle(items)
    else:
        changed = (name, dice.choice(PIECES)), (name, value[:cut] + dice.choice(PIECES)), (dice.choice(NAMES), value)
        items[position] = changed[what - 4]


def mutate(message: Request | Response, dice: Random) -> bytes:
    """The message, perhaps with a few things wrong."""
    items = list(message.headers.items())
    for _ in range(dice.choice((0, 0, 0, 1, 1, 2, 3))):
        change(items, dice)
    head = message.encode().partition(b"\r\n")[0].decode("utf-8", "surrogateescape")
    if dice.random() < 0.05:
        head = head.replace(dice.choice(head), dice.choice(PIECES), 1)
    lines = [head, *(f"{name}: {value}" for name, value in items)]
    data = "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + message.body
    return data[: dice.randrange(len(data))] if dice.random() < 0.02 else data


def is_whole(message: Request | Response) -> bool:
    """Whether there is enough in it to go on from; an answer to half a request is none."""
    try:
        validate(message)
    except SipParseError:
        return False
    return True


def has_contact(response: Response) -> bool:
    """Whether there is one that can be read; in a failure nobody else asks for it."""
    try:
        return bool(response.contacts)
    except SipParseError:
        return False


class Crowd:
    """Two phones and a stranger who say the right things wrongly, and answer what they get at random."""

    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)
        self.board = Switchboard()
        self.phones: list[Phone] = [*two_phones(self.board), self.board.phone("guest", "198.51.100.1")]
        self.phones[2].domain = "elsewhere.example"
        if seed % 2:
            self.board.exchange.router.configure(ROUTING)
        self.heard: list[tuple[Phone, Request | Response]] = []

    def play(self, steps: int) -> None:
        """Send so many messages."""
        for _ in range(steps):
            if self.heard and self.dice.random() < 0.7:
                phone, came = self.dice.choice(self.heard[-12:])
                message = self.continued(phone, came)
            else:
                phone = self.dice.choice(self.phones)
                message = self.begun(phone)
            self.board.receive(mutate(message, self.dice), phone.hop)
            if self.dice.random() < 0.02:
                self.board.endpoint.receive_transport_error(phone.hop, self.board.now, "refused")
                self.board.flush()
            self.board.advance(self.dice.choice((0.0, 0.0, 0.05, 1.0)))
            for other in self.phones:
                self.heard += [(other, one) for one in other.received() if is_whole(one)]

    def begun(self, phone: Phone) -> Request:
        method = self.dice.choice(("INVITE", "INVITE", "REGISTER", "OPTIONS", "MESSAGE", "BYE", "CANCEL", "ACK"))
        phone.call_id = f"call-{self.dice.randrange(1000)}"
        request = phone.build(method, self.dice.choice(TARGETS))
        if method == "REGISTER":
            request.headers.set("To", phone.address)
        return phone.auth.authorize(request)

    def continued(self, phone: Phone, came: Request | Response) -> Request | Response:
        if isinstance(came, Request):
            return self.answered(phone, came)
        if came.status in (401, 407) and came.cseq.method != "ACK":
            return self.authorized(phone, came)
        if came.status >= 200 and has_contact(came):
            return self.in_dialog(phone, came)
        cancel = phone.build("CANCEL", "sip:1002@pbx.lan")
        for name in ("Via", "From", "To", "Call-ID"):
            cancel.headers.set(name, came.headers.get(name) or "")
        cancel.headers.set("CSeq", f"{came.cseq.number} CANCEL")
        return cancel

    def answered(self, phone: Phone, came: Request) -> Response:
        response = came.response(self.dice.choice(STATUSES), to_tag=f"t{self.dice.randrange(3)}")
        for route in came.headers.get_all("Record-Route"):
            response.headers.add("Record-Route", route)
        response.headers.add("Contact", phone.contact)
        return response

    def authorized(self, phone: Phone, came: Response) -> Request:
        uri = "sip:1002@pbx.lan" if came.status == 407 else "sip:pbx.lan"
        request = phone.build(came.cseq.method, uri)
        for name in ("From", "Call-ID"):
            request.headers.set(name, came.headers.get(name) or "")
        return phone.auth.challenge_received(came, request) or request

    def in_dialog(self, phone: Phone, came: Response) -> Request:
        request = phone.build(self.dice.choice(("ACK", "BYE", "INVITE", "INFO")), str(came.contacts[0].uri))
        for name in ("From", "To", "Call-ID"):
            request.headers.set(name, came.headers.get(name) or "")
        for route in came.headers.get_all("Record-Route"):
            request.headers.add("Route", route)
        return request


@pytest.mark.parametrize("seed", range(12))
def test_messages_with_faults_raise_nothing_and_leave_nothing(seed: int) -> None:
    crowd = Crowd(seed)
    crowd.play(steps=300)
    board = crowd.board
    board.advance(600.0)
    assert board.exchange.under_way == 0
    assert len(board.endpoint.layer) == 0
    for user in ("1001", "1002"):
        board.exchange.forget_user(user, board.now)
    assert board.is_idle, "a timer is left"


def test_the_fuzz_reaches_the_inside() -> None:
    crowd = Crowd(99)
    crowd.play(steps=1200)
    kinds = {one.method if isinstance(one, Request) else one.status for _, one in crowd.board.sent}
    assert {"INVITE", "ACK", "CANCEL", "BYE", "MESSAGE", 180, 200, 400, 401, 403, 407, 481, 486, 603} <= kinds


@pytest.mark.parametrize("seed", range(4))
def test_a_stranger_whose_requests_have_faults_gets_nothing_relayed(seed: int) -> None:
    dice = Random(seed)
    board = Switchboard()
    two_phones(board)
    phone = board.phone("guest", "198.51.100.1")
    phone.domain = "elsewhere.example"
    for _ in range(250):
        method = dice.choice(("INVITE", "MESSAGE", "BYE", "ACK", "REGISTER"))
        uri = dice.choice((f"sip:x@{VICTIM}", "sip:1002@pbx.lan", f"sip:{OWN};lr"))
        request = phone.build(method, uri)
        for _ in range(dice.randrange(3)):
            request.headers.add("Route", dice.choice((f"<sip:{OWN};lr>", f"<sip:{VICTIM};lr>", f"<sip:{VICTIM}>")))
        if dice.random() < 0.5:
            request.headers.set("To", f"<{uri}>;tag=x")
        board.receive(mutate(request, dice), phone.hop)
        board.advance(0.1)
    # A Via may name the victim as where answers go; that is the transport layer's to judge, and no request.
    assert not [one for hop, one in board.sent if hop.host == VICTIM and isinstance(one, Request)]


@settings(max_examples=150, deadline=None)
@given(
    user=st.text(max_size=8),
    name=st.sampled_from(
        [
            "Route",
            "Contact",
            "Diversion",
            "History-Info",
            "Proxy-Authorization",
            "Max-Breadth",
            "Via",
            "User-Agent",
            "To",
        ]
    ),
    value=st.text(alphabet=st.characters(exclude_characters="\r\n"), max_size=40),
    method=st.sampled_from(["INVITE", "REGISTER", "MESSAGE", "ACK"]),
)
def test_any_text_anywhere_raises_nothing(user: str, name: str, value: str, method: str) -> None:
    board = Switchboard()
    lines = [
        f"{method} sip:{user}@pbx.lan SIP/2.0",
        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-h",
        f"{name}: {value}",
        "From: <sip:1001@pbx.lan>;tag=1",
        "To: <sip:1002@pbx.lan>",
        "Call-ID: c",
        f"CSeq: 1 {method}",
        "",
        "",
    ]
    board.receive("\r\n".join(lines).encode("utf-8", "surrogatepass"), Hop("UDP", "192.0.2.1", 5060))
    board.advance(100.0)
    assert board.is_idle
