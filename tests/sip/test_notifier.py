"""Subscriptions of others to us: granted, notified one at a time, renewed and ended."""

import pytest

from device.sip.hop import Hop
from device.sip.identity import Identity
from device.sip.message import Request, Response
from device.sip.notifier import Notifier, NotifierState
from device.sip.subscription import (
    Finished,
    NotifyAccepted,
    NotifyRefused,
    RefreshReceived,
    StateChanged,
    SubscriptionExpired,
)
from device.sip.subscription_table import MAX_NOTIFIERS, Package
from tests.support.sip_bench import PEER, STRANGER, Bench, office

URI = "sip:1001@192.0.2.1:5060"


class Lamp:
    """A package of one word."""

    def __init__(self) -> None:
        self.word = b"dark"
        self.bench = Bench(account=office())
        self.bench.agent.serve_package("lamp", self.make)
        self.made = 0

    def make(self) -> Package:
        self.made += 1
        return Package("lamp", "text/lamp", self.current, self.allows)

    def current(self, identity: Identity) -> bytes:
        assert identity.user == "1001"
        return self.word

    def allows(self, identity: Identity, source: Hop) -> bool:
        return source == PEER

    def subscribe(self, **more: str) -> Response:
        values = {"Event": "lamp", "Contact": "<sip:watcher@192.0.2.2:5060>", **more}
        self.bench.request("SUBSCRIBE", URI, **values)  # type: ignore[arg-type]
        return next(one for one in self.take() if isinstance(one, Response))

    def take(self) -> list[Request | Response]:
        self.taken = self.bench.sent()
        return self.taken

    def notify(self) -> Request:
        return next(one for one in self.taken if isinstance(one, Request))

    def change(self, word: bytes) -> None:
        self.word = word
        self.bench.agent.package_changed("lamp", self.bench.now)
        self.take()


@pytest.fixture
def lamp() -> Lamp:
    return Lamp()


def test_a_subscription_is_granted_and_told_at_once(lamp: Lamp) -> None:
    answer = lamp.subscribe(Expires="600", Record_Route="<sip:p1.example.org;lr>")
    assert [str(route.uri) for route in answer.record_routes] == ["sip:p1.example.org;lr"]
    assert (answer.status, answer.headers.get("Expires")) == (200, "600")
    notify = lamp.notify()
    assert notify.body == b"dark"
    assert str(notify.uri) == "sip:watcher@192.0.2.2:5060"
    assert [str(route.uri) for route in notify.routes] == ["sip:p1.example.org;lr"]
    for name, value in (
        ("Event", "lamp"),
        ("Subscription-State", "active;expires=600"),
        ("Content-Type", "text/lamp"),
    ):
        assert notify.headers.get(name) == value
    assert (notify.from_.tag, notify.to.tag) == (answer.to.tag, "peer")
    assert notify.contacts
    assert lamp.made == 1


def test_news_wait_for_the_answer_and_only_the_newest_counts(lamp: Lamp) -> None:
    lamp.subscribe(Expires="600")
    first = lamp.notify()
    lamp.change(b"dim")
    lamp.change(b"bright")
    assert lamp.taken == []
    lamp.bench.reply(first, 200)
    lamp.take()
    assert lamp.notify().body == b"bright"
    lamp.bench.reply(lamp.notify(), 200)
    assert lamp.take() == []


def test_a_subscription_ends_with_its_time(lamp: Lamp) -> None:
    lamp.subscribe(Expires="60")
    lamp.bench.reply(lamp.notify(), 200)
    lamp.bench.advance(59)
    assert lamp.take() == []
    lamp.bench.advance(2)
    lamp.take()
    assert lamp.notify().headers.get("Subscription-State") == "terminated;reason=timeout"
    lamp.bench.reply(lamp.notify(), 200)
    lamp.bench.advance(80)
    assert lamp.bench.agent.is_idle


def test_it_is_renewed_and_ended_in_its_dialog(lamp: Lamp) -> None:
    answer = lamp.subscribe(Expires="60")
    lamp.bench.reply(lamp.notify(), 200)
    lamp.bench.advance(50)
    lamp.bench.in_dialog("SUBSCRIBE", answer, cseq=2, Event="lamp", Expires="60", Contact="<sip:new@192.0.2.2>")
    lamp.take()
    assert lamp.notify().uri.user == "new"
    lamp.bench.reply(lamp.notify(), 200)
    lamp.bench.advance(50)
    assert lamp.take() == []
    lamp.bench.in_dialog("SUBSCRIBE", answer, cseq=1, Event="lamp", Expires="60")
    assert lamp.bench.statuses() == [500]
    lamp.bench.in_dialog("SUBSCRIBE", answer, cseq=3, Event="lamp", Expires="0")
    lamp.take()
    assert lamp.notify().headers.get("Subscription-State") == "terminated;reason=timeout"
    lamp.bench.in_dialog("SUBSCRIBE", answer, cseq=4, Event="lamp", Expires="60")
    assert lamp.bench.statuses() == [481]


def test_who_only_looks_is_told_once(lamp: Lamp) -> None:
    assert lamp.subscribe(Expires="0").status == 200
    assert lamp.notify().headers.get("Subscription-State") == "terminated;reason=timeout"
    lamp.change(b"bright")
    assert lamp.taken == []


@pytest.mark.parametrize("status", [481, 489, 404, 408])
def test_a_subscriber_who_is_gone_is_forgotten(lamp: Lamp, status: int) -> None:
    lamp.subscribe()
    lamp.bench.reply(lamp.notify(), status)
    lamp.change(b"bright")
    assert lamp.taken == []


def test_a_subscriber_with_a_bad_moment_is_kept(lamp: Lamp) -> None:
    lamp.subscribe()
    lamp.bench.reply(lamp.notify(), 503)
    lamp.change(b"bright")
    assert lamp.notify().body == b"bright"


def test_a_subscriber_who_falls_silent_is_forgotten(lamp: Lamp) -> None:
    lamp.subscribe()
    lamp.bench.advance(33)
    lamp.take()
    lamp.change(b"bright")
    assert lamp.taken == []


def test_the_last_news_wait_for_their_turn(lamp: Lamp) -> None:
    answer = lamp.subscribe()
    first = lamp.notify()
    lamp.bench.in_dialog("SUBSCRIBE", answer, cseq=2, Event="lamp", Expires="0")
    assert [one for one in lamp.take() if isinstance(one, Request)] == []
    lamp.bench.reply(first, 200)
    lamp.take()
    assert lamp.notify().headers.get("Subscription-State") == "terminated;reason=timeout"


@pytest.mark.parametrize(
    ("headers", "status", "name", "value"),
    [
        ({"Event": "presence"}, 489, "Allow-Events", "refer, lamp"),
        ({"Event": "refer"}, 489, "Allow-Events", "refer, lamp"),
        ({"Event": ""}, 400, "Allow-Events", None),
        ({"Accept": "text/other"}, 406, "Accept", "text/lamp"),
        ({"Expires": "10"}, 423, "Min-Expires", "30"),
        ({"Contact": ""}, 400, "Expires", None),
    ],
)
def test_what_cannot_be_subscribed_to(
    lamp: Lamp, headers: dict[str, str], status: int, name: str, value: str | None
) -> None:
    answer = lamp.subscribe(**headers)
    assert (answer.status, answer.headers.get(name)) == (status, value)
    assert not [one for one in lamp.taken if isinstance(one, Request)]


@pytest.mark.parametrize("accept", ["text/lamp", "text/*", "*/*", "text/other, text/lamp;q=0.1"])
def test_bodies_that_the_subscriber_takes(lamp: Lamp, accept: str) -> None:
    assert lamp.subscribe(Accept=accept).status == 200


def test_strangers_may_be_kept_out(lamp: Lamp) -> None:
    lamp.bench.request("SUBSCRIBE", URI, source=STRANGER, Event="lamp", Contact="<sip:x@198.51.100.9>")
    assert lamp.bench.statuses() == [403]


def test_subscribers_are_bounded(lamp: Lamp) -> None:
    for number in range(MAX_NOTIFIERS):
        lamp.bench.request("SUBSCRIBE", URI, call_id=f"s{number}", Event="lamp", Contact="<sip:x@192.0.2.2>")
    lamp.bench.sent()
    lamp.bench.request("SUBSCRIBE", URI, call_id="last", Event="lamp", Contact="<sip:x@192.0.2.2>")
    answer = lamp.bench.sent_response()
    assert (answer.status, answer.headers.get("Retry-After")) == (503, "60")


def test_every_pair_of_the_table_is_decided() -> None:
    kinds = (RefreshReceived, StateChanged, Finished, NotifyAccepted, NotifyRefused, SubscriptionExpired)
    pairs = {(state, kind) for state in NotifierState for kind in kinds}
    # An answer comes only while it is awaited.
    impossible = {(NotifierState.ACTIVE, kind) for kind in (NotifyAccepted, NotifyRefused)}
    assert {*Notifier.TABLE, *Notifier.IGNORED} == pairs - impossible
    assert not {*Notifier.TABLE} & Notifier.IGNORED
