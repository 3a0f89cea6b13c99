"""Lamps, texts, pickup, parking, trunks and numbers in DNS all at once, by the dice and partly garbled: none crashes,
and nothing is left behind."""

from contextlib import suppress
from random import Random

import pytest

from device.exchange.exchange_events import EnumWanted
from device.exchange.numbers import NumberSettings
from device.sip.errors import SipParseError
from device.sip.message import Request, Response
from tests.exchange.switchboard import DOMAIN, Phone, Switchboard, settings
from tests.exchange.test_exchange_fuzz import mutate
from tests.exchange.test_parking import Services
from tests.exchange.test_trunks import Provider, outside, trunk

METHODS = ("SUBSCRIBE", "PUBLISH", "MESSAGE", "INVITE", "BYE", "NOTIFY", "REGISTER", "CANCEL", "OPTIONS")
TARGETS = ("1001", "1002", "1003", "*8", "*81002", "701", "0301234", "112", "4711", "1999")
EVENTS = ("dialog", "presence", "message-summary", "other;id=1")
STATUSES = (180, 200, 200, 404, 486, 481, 503, 407, 480)
MESSAGES = 700


class Crowd:
    """Three phones and a provider who send what comes to their minds."""

    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)
        self.board = Switchboard(settings(park_slots="701-703", requests_per_s=0, ban_after=0))
        self.board.exchange.services = Services()
        numbers = NumberSettings(country_code="49", enum="e164.arpa")
        self.board.exchange.trunks.configure(outside(trunk(ring="1002"), numbers=numbers), 0.0)
        phones = [self.board.phone(f"100{number}", f"192.0.2.{number}") for number in (1, 2, 3)]
        for phone in phones:
            assert phone.register().status == 200
        self.everybody: list[Phone] = [*phones, Provider(self.board)]

    def request(self, phone: Phone) -> Request:
        dice = self.dice
        method = dice.choice(METHODS)
        uri = f"sip:{dice.choice(TARGETS)}@{DOMAIN}"
        fields = {
            "Call_ID": f"c{dice.randrange(40)}",
            "Supported": dice.choice(("replaces", "timer")),
            "Event": dice.choice(EVENTS) if method in ("SUBSCRIBE", "PUBLISH") else "",
            "Expires": dice.choice(("0", "60", "600", "")),
            "Content_Type": {"PUBLISH": "application/pidf+xml", "MESSAGE": "text/plain"}.get(method, ""),
        }
        if dice.random() < 0.2:
            fields["Replaces"] = f"c{dice.randrange(40)};to-tag=tag-1002;from-tag=tag-1001"
        if dice.random() < 0.2:
            fields["To"] = f"<{uri}>;tag=t{dice.randrange(5)}"
        request = phone.build(method, uri, **fields)
        request.body = dice.choice((b"", b"x", b"<presence/>"))
        return phone.auth.authorize(request) if dice.random() < 0.6 else request

    def step(self) -> None:
        dice, board = self.dice, self.board
        phone = dice.choice(self.everybody)
        request = self.request(phone)
        board.receive(mutate(request, dice) if dice.random() < 0.35 else request.encode(), phone.hop)
        for one in self.everybody:
            for message in one.received():
                self.answer(one, message, request)
        board.advance(60.0 if dice.random() < 0.01 else dice.random())
        for event in board.events:
            if isinstance(event, EnumWanted) and dice.random() < 0.5:
                board.exchange.receive_enum(event.name, (), board.now)
        board.events.clear()

    def answer(self, phone: Phone, message: Request | Response, request: Request) -> None:
        """As a phone does, where it can read what came."""
        with suppress(SipParseError):
            if isinstance(message, Request):
                if message.method != "ACK" and self.dice.random() < 0.8:
                    phone.reply(message, self.dice.choice(STATUSES))
            elif message.status in (401, 407):
                again = phone.auth.challenge_received(message, request)
                if again is not None:
                    again.headers.prepend("Via", phone.via())
                    phone.send(again)


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_left_behind(seed: int) -> None:
    crowd = Crowd(seed)
    exchange, seen = crowd.board.exchange, 0
    for _ in range(MESSAGES):
        crowd.step()
        seen = max(seen, len(exchange.house.calls))
    crowd.board.advance(90_000)
    house, depot = exchange.house, exchange.depot
    left = (house.calls, house.watchers, exchange._enum._waiting, exchange._pickup._attempts)
    assert [len(one) for one in left] == [0] * len(left)
    assert [len(one) for one in (depot._open, depot._taken, depot._under_way, exchange.agent.client)] == [0] * 4
    assert (exchange.under_way, len(crowd.board.endpoint.layer)) == (0, 0)
    assert seen
