"""One exchange in two networks that cannot reach each other: each side has it in the path by an address of its own."""

from collections.abc import Iterator

import pytest

from tests.support.canary import CANARY
from tests.support.daemons import ExchangeDaemon, PhoneDaemon, running
from tests.support.namespaces import Junction

pytestmark = pytest.mark.interop

PASSWORDS = {"1001": f"first {CANARY}", "1002": f"second {CANARY}"}
DOMAIN = "pbx.test"
LEFT, LEFT_EXCHANGE = "192.0.2.1", "192.0.2.10"
RIGHT, RIGHT_EXCHANGE = "198.51.100.1", "198.51.100.10"
TRANSPORTS = ("udp", "tcp")


class Gateway:
    """The exchange in the middle, 1001 on the left and 1002 on the right."""

    def __init__(self, folder, junction: Junction, transport: str) -> None:
        self.transport = transport
        self.exchange = ExchangeDaemon(folder, PASSWORDS, domain=DOMAIN, host="0.0.0.0")
        self.exchange.prefix = junction.middle.prefix
        self.left = PhoneDaemon("1001", folder, {"sip.bind_address": LEFT})
        self.left.prefix = junction.left.prefix
        self.right = PhoneDaemon("1002", folder, {"sip.bind_address": RIGHT})
        self.right.prefix = junction.right.prefix

    def register(self) -> None:
        for phone, host, transport in (
            (self.left, LEFT_EXCHANGE, "udp"),
            (self.right, RIGHT_EXCHANGE, self.transport),
        ):
            server = f"{host}:{self.exchange.port}"
            phone.add_account(server, phone.name, PASSWORDS[phone.name], domain=DOMAIN, transport=transport)
            phone.expect_registration("registered")


@pytest.fixture(scope="module", params=TRANSPORTS)
def gateway(tmp_path_factory, request) -> Iterator[Gateway]:
    with Junction() as junction:
        junction.left.add_address(LEFT)
        junction.right.add_address(RIGHT)
        junction.address_middle("left", LEFT_EXCHANGE)
        junction.address_middle("right", RIGHT_EXCHANGE)
        made = Gateway(tmp_path_factory.mktemp("gateway"), junction, request.param)
        with running(made.exchange, made.left, made.right):
            made.register()
            yield made


@pytest.fixture
def at_rest(gateway) -> Iterator[Gateway]:
    yield gateway
    for phone in (gateway.left, gateway.right):
        phone.rest()


def routes_of(message: str) -> list[str]:
    """The hosts of the Record-Route values, with "/tcp" where one names that transport."""
    values = [line.partition(":")[2] for line in message.split("\r\n") if line.startswith("Record-Route:")]
    return [
        value.partition("sip:")[2].partition(":")[0] + ("/tcp" if "transport=tcp" in value else "") for value in values
    ]


@pytest.mark.parametrize("who_hangs_up", ["caller", "callee"])
@pytest.mark.parametrize("towards", ["right", "left"])
def test_a_call_between_the_networks(at_rest, towards, who_hangs_up) -> None:
    caller, callee = (at_rest.left, at_rest.right) if towards == "right" else (at_rest.right, at_rest.left)
    caller.place(callee.name)
    callee.expect_state("alerting")
    callee.lift()
    caller.expect_state("connected")
    callee.expect_state("connected")
    right = RIGHT_EXCHANGE + ("/tcp" if at_rest.transport == "tcp" else "")
    expected = [right, LEFT_EXCHANGE] if towards == "right" else [LEFT_EXCHANGE, right]
    assert routes_of(callee.messages("in", "INVITE")[-1]) == expected, "the side of the called one comes first"
    ends, hears = (caller, callee) if who_hangs_up == "caller" else (callee, caller)
    ends.call("call.hangup")
    assert hears.expect_message("in", "BYE").count("\r\nVia:") == 2
    ends.expect_message("in", "SIP/2.0 200", "BYE")


def test_a_caller_who_gives_up(at_rest) -> None:
    at_rest.left.place("1002")
    at_rest.right.expect_state("alerting")
    at_rest.left.expect_state("ringback")
    at_rest.left.call("call.hangup")
    at_rest.right.expect_state("idle")
    at_rest.left.expect_message("in", "SIP/2.0 487")
