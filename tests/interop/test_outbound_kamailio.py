"""Outbound and GRUU for real: Kamailio sends calls over the flow that the phone keeps open."""

import re
from collections.abc import Iterator

import pytest

from tests.support.canary import CANARY
from tests.support.daemons import PhoneDaemon, running
from tests.support.kamailio import DOMAIN, Kamailio

pytestmark = pytest.mark.interop

PASSWORDS = {"1001": f"first {CANARY}", "1002": f"second {CANARY}"}
FLOW_TIMER_S = 10


@pytest.fixture(params=["udp", "tcp"])
def house(request, tmp_path) -> Iterator[tuple[Kamailio, PhoneDaemon, PhoneDaemon]]:
    kamailio = Kamailio(tmp_path, PASSWORDS, 600, flow_timer_s=FLOW_TIMER_S)
    phones = [PhoneDaemon(user, tmp_path) for user in PASSWORDS]
    with running(kamailio, *phones):
        for phone in phones:
            phone.add_account(
                kamailio.address, phone.name, PASSWORDS[phone.name], domain=DOMAIN, transport=request.param
            )
            phone.expect_registration("registered")
        yield kamailio, phones[0], phones[1]


def test_calls_come_over_the_flow_and_name_gruus(house) -> None:
    _, first, second = house
    accepted = first.expect_message("in", "SIP/2.0 200", "REGISTER")
    assert re.search(r"^Require: outbound", accepted, re.MULTILINE)
    assert f"Flow-Timer: {FLOW_TIMER_S}" in accepted
    first.place("1002")
    second.expect_state("alerting")
    second.lift()
    for phone in (first, second):
        phone.expect_state("connected")
    gruus = {}
    for phone, start in ((first, "INVITE"), (second, "SIP/2.0 200")):
        message = next(text for text in phone.messages("out", start) if "INVITE" in text)
        gruus[phone.name] = re.search(r"^Contact: <(sip:.*;gr=urn:uuid:[^>]*)>", message, re.MULTILINE)[1]
    assert gruus["1001"] != gruus["1002"]
    # What the called side sends within the call goes to the GRUU of the caller, and comes over the flow.
    second.replace()
    first.expect_message("in", "BYE")
    first.expect_state("idle")
    assert f"BYE {gruus['1001']}" in second.messages("out", "BYE")[0]


def test_a_flow_is_kept_alive_and_formed_anew(house) -> None:
    kamailio, first, _ = house
    registers = len(first.messages("out", "REGISTER"))
    # Kamailio answers pings and STUN: for longer than a flow timer nothing is registered anew.
    with pytest.raises(AssertionError, match="in vain"):
        first.expect("registration", "nothing", lambda _news: True, FLOW_TIMER_S + 3.0)
    assert len(first.messages("out", "REGISTER")) == registers
    kamailio.kill()
    first.expect_registration("failed", FLOW_TIMER_S + 5.0)
    kamailio.start()
    first.expect_registration("registered", 40.0)
    assert "sip:1001@" in " ".join(kamailio.contacts())
