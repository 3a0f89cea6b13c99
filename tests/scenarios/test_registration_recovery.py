"""Whole daemons on loopback: registrations come back by themselves, whoever was away."""

from collections.abc import Iterator

import pytest

from tests.support.canary import CANARY
from tests.support.daemons import ExchangeDaemon, PhoneDaemon, running
from tests.support.processes import PATIENCE_S, wait_until

PASSWORDS = {"1001": f"first {CANARY}", "1002": f"second {CANARY}"}

FLOW_RETRY_S = 30.0
"""How long a server that sends calls over the flow, as the exchange does, may be left alone from the second failure on
(RFC 5626 section 4.5)."""


@pytest.fixture
def exchange(tmp_path) -> ExchangeDaemon:
    return ExchangeDaemon(tmp_path, PASSWORDS)


@pytest.fixture
def phone(tmp_path) -> Iterator[PhoneDaemon]:
    phone = PhoneDaemon("1001", tmp_path)
    with running(phone):
        yield phone


def add_account(phone: PhoneDaemon, exchange: ExchangeDaemon, **more: object) -> None:
    phone.add_account(exchange.address, phone.name, PASSWORDS[phone.name], **more)


def test_a_phone_waits_for_its_server(exchange, phone) -> None:
    add_account(phone, exchange)
    phone.expect_registration("registering")
    assert phone.status()["phone"]["state"] == "out-of-service"
    phone.lift()
    phone.expect_message("out", "REGISTER")
    phone.expect_message("out", "REGISTER")
    with running(exchange):
        phone.expect_registration("registered")
        phone.expect_state("dial-tone")


def test_a_refused_connection_is_tried_again(exchange, phone) -> None:
    add_account(phone, exchange, transport="tcp")
    news = phone.expect_registration("failed")
    assert news["next_attempt_s"] <= 2
    phone.expect_registration("failed")
    with running(exchange):
        phone.expect_registration("registered")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_server_that_was_away_is_found_again(exchange, phone, transport) -> None:
    with running(exchange):
        add_account(phone, exchange, transport=transport)
        phone.expect_registration("registered")
        phone.expect_message("in", "SIP/2.0 200")
        exchange.kill()
        phone.call("registration.refresh")
        phone.expect_message("out", "REGISTER")
        phone.expect_message("out", "REGISTER")
        exchange.start()
        phone.expect_message("in", "SIP/2.0 200", timeout_s=FLOW_RETRY_S + PATIENCE_S)
        wait_until("the account to be registered", lambda: phone.account()["state"] == "registered")
        assert exchange.contacts("1001")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_an_exchange_remembers_its_phones_over_a_power_cut(exchange, phone, tmp_path, transport) -> None:
    other = PhoneDaemon("1002", tmp_path)
    with running(exchange, other):
        for each in (phone, other):
            add_account(each, exchange, transport=transport)
            each.expect_registration("registered")
        exchange.kill()
        exchange.start()
        # Over TCP the phones have noticed, and register anew; over UDP they know nothing of it.
        for each in (phone, other):
            wait_until("the account to be registered", lambda p=each: p.account()["state"] == "registered")
        phone.place("1002")
        other.expect_state("alerting")
        phone.expect_state("ringback")
        other.lift()
        phone.expect_state("connected")
        other.replace()
        phone.expect_state("idle")


def test_a_wrong_password_is_told_and_can_be_put_right(exchange, phone) -> None:
    with running(exchange):
        phone.add_account(exchange.address, "1001", "not the password")
        news = phone.expect_registration("failed")
        assert news["status"] == 403
        assert news["next_attempt_s"] > 60
        phone.call("account.update", id="office", password=PASSWORDS["1001"])
        phone.expect_registration("registered")


def test_a_phone_registers_from_its_store_after_a_power_cut(exchange, phone) -> None:
    with running(exchange):
        add_account(phone, exchange)
        phone.expect_registration("registered")
        before = exchange.contacts("1001")
        phone.kill()
        phone.start()
        wait_until("the account to be registered", lambda: phone.account()["state"] == "registered")
        assert phone.account()["password"] == "sealed"
        assert exchange.contacts("1001") == before


def test_a_phone_that_stops_unregisters(exchange, phone) -> None:
    with running(exchange):
        add_account(phone, exchange)
        phone.expect_registration("registered")
        assert exchange.contacts("1001")
        phone.stop()
        assert exchange.contacts("1001") == []
        assert phone.program.status == 0


def test_an_account_that_is_removed_unregisters(exchange, phone) -> None:
    with running(exchange):
        add_account(phone, exchange)
        phone.expect_registration("registered")
        phone.call("account.remove", id="office")
        wait_until("the contact to be gone", lambda: not exchange.contacts("1001"))
