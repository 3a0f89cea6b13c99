"""The exchange's challenges with both algorithms, and what the phones of others make of them."""

from collections.abc import Iterator

import pytest

from tests.support.baresip import Baresip
from tests.support.canary import CANARY
from tests.support.daemons import CALLEE_WAV, ExchangeDaemon, PhoneDaemon, running
from tests.support.linphone import Linphone
from tests.support.processes import wait_until

pytestmark = pytest.mark.interop

PASSWORDS = {"1001": f"first-{CANARY}", "1002": f"second-{CANARY}"}


@pytest.fixture
def exchange(tmp_path) -> Iterator[ExchangeDaemon]:
    exchange = ExchangeDaemon(tmp_path, PASSWORDS)
    with running(exchange):
        yield exchange


def test_linphone_answers_the_strong_one_and_goes_on_with_its_nonce(exchange, tmp_path) -> None:
    linphone = Linphone("1001", PASSWORDS["1001"], exchange.address, tmp_path)
    linphone.start()
    try:
        wait_until("linphonec to be registered", lambda: exchange.contacts("1001"))
        authorization = next(line for line in linphone.log().splitlines() if line.startswith("Authorization:"))
        assert "algorithm=SHA-256" in authorization
        assert "nc=00000001" in authorization
    finally:
        linphone.stop()


def test_baresip_gets_in_though_it_knows_md5_alone(exchange, tmp_path) -> None:
    baresip = Baresip("1002", PASSWORDS["1002"], exchange.address, tmp_path, CALLEE_WAV)
    try:
        baresip.start()
        assert exchange.contacts("1002")
    finally:
        baresip.stop()


def test_our_phone_takes_the_strong_one_and_forms_a_flow(exchange, tmp_path) -> None:
    phone = PhoneDaemon("1001", tmp_path)
    with running(phone):
        phone.add_account(exchange.address, "1001", PASSWORDS["1001"], transport="tcp")
        phone.expect_registration("registered")
        register = phone.messages("out", "REGISTER")[-1]
        assert "algorithm=SHA-256" in register
        granted = phone.messages("in", "SIP/2.0 200")[-1]
        assert "Require: outbound" in granted
        (binding,) = exchange.client.call("exchange.registrations")["registrations"]
        assert binding["received"].startswith("tcp:")
        assert (binding["reg_id"], binding["instance"][:9]) == (1, "urn:uuid:")
