"""Texts for phones that are away, kept by the exchange over a restart: our phones, and SIPp as the one who writes."""

from pathlib import Path

import pytest

from tests.support.canary import CANARY
from tests.support.daemons import ExchangeDaemon, PhoneDaemon, running
from tests.support.processes import wait_until

pytestmark = pytest.mark.interop

PASSWORDS = {user: f"{user}-{CANARY}" for user in ("1001", "1002")}


def register(phone: PhoneDaemon, exchange: ExchangeDaemon) -> None:
    phone.add_account(exchange.address, phone.name, PASSWORDS[phone.name])
    phone.expect_registration("registered")


def waiting(exchange: ExchangeDaemon) -> object:
    return exchange.client.call("status")["texts"]  # type: ignore[index]


def test_a_text_waits_for_its_reader_over_a_restart_of_the_exchange(tmp_path: Path) -> None:
    exchange = ExchangeDaemon(tmp_path, PASSWORDS)
    writer, reader = PhoneDaemon("1001", tmp_path), PhoneDaemon("1002", tmp_path)
    with running(exchange, writer, reader):
        register(writer, exchange)
        for text in ("the first", "the second"):
            writer.call("message.send", target="1002", text=text)
            writer.expect_message("in", "SIP/2.0 202")
        assert waiting(exchange) == {"1002": 2}
        exchange.kill()
        exchange.start()
        assert waiting(exchange) == {"1002": 2}
        register(reader, exchange)
        wait_until("both texts to come", lambda: len(reader.call("message.list")["messages"]) == 2)  # type: ignore[arg-type]
        texts = reader.call("message.list")["messages"]
        assert [one["text"] for one in texts] == ["the first", "the second"]  # type: ignore[index, attr-defined]
        wait_until("the exchange to forget them", lambda: waiting(exchange) == {})
        writer.call("message.send", target="1002", text="at once")
        writer.expect_message("in", "SIP/2.0 200", "MESSAGE")


def test_a_phone_that_died_without_a_word(tmp_path: Path) -> None:
    """The exchange still knows its contact, and the writer waits for no more than some seconds."""
    exchange = ExchangeDaemon(tmp_path, PASSWORDS)
    writer, reader = PhoneDaemon("1001", tmp_path), PhoneDaemon("1002", tmp_path)
    with running(exchange, writer, reader):
        register(writer, exchange)
        register(reader, exchange)
        reader.kill()
        writer.call("message.send", target="1002", text="are you there")
        writer.expect_message("in", "SIP/2.0 202", timeout_s=15.0)
        reader.start()
        wait_until("the text to come", lambda: reader.call("message.list")["messages"])
