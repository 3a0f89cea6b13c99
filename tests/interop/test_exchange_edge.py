"""A Kamailio as edge proxy before the exchange: phones know the edge alone, and calls come back by the Path it adds."""

from collections.abc import Iterator

import pytest

from tests.interop.test_kamailio_pair import call
from tests.support.canary import CANARY
from tests.support.daemons import CALLEE_WAV, ExchangeDaemon, PhoneDaemon, running
from tests.support.kamailio import DOMAIN, Kamailio

pytestmark = pytest.mark.interop

PASSWORDS = {"1001": f"first-{CANARY}", "1002": f"second-{CANARY}"}


@pytest.fixture(params=["udp", "tcp"])
def house(request, tmp_path) -> Iterator[tuple[ExchangeDaemon, Kamailio, list[PhoneDaemon]]]:
    exchange = ExchangeDaemon(tmp_path, PASSWORDS, domain=DOMAIN)
    edge = Kamailio(tmp_path, {}, core=exchange.address)
    phones = [PhoneDaemon("1001", tmp_path), PhoneDaemon("1002", tmp_path, microphone=CALLEE_WAV)]
    with running(exchange, edge, *phones):
        for phone in phones:
            fields = {"id": "office", "user": phone.name, "domain": DOMAIN, "registrar": edge.address}
            fields |= {"outbound_proxy": edge.address, "transport": request.param}
            phone.call("account.add", **fields, password=PASSWORDS[phone.name])
            phone.expect_registration("registered")
        yield exchange, edge, phones


def test_calls_come_by_the_path_of_the_registration(house) -> None:
    exchange, edge, (first, second) = house
    bindings = exchange.client.call("exchange.registrations")["registrations"]
    assert [edge.address in binding["path"] for binding in bindings] == [True, True]
    assert [binding["received"] for binding in bindings] == ["", ""]
    granted = first.messages("in", "SIP/2.0 200")[-1]
    assert f"Path: <sip:{edge.address}" in granted
    call(first, second)
    call(second, first)
    vias = second.messages("in", "INVITE")[-1].count("\nVia: ")
    assert vias >= 3


def test_an_edge_that_does_no_outbound_is_told_so(house) -> None:
    """Its Path has no `ob`: the phone hears 439 and registers plainly."""
    _, _, (first, _) = house
    assert first.messages("in", "SIP/2.0 439 First Hop Lacks Outbound Support")
    assert "reg-id" not in first.messages("out", "REGISTER")[-1]
