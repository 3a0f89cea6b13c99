"""Subscriptions of ours: got, kept, lost and given back, message by message."""

import pytest

from device.sip.feature_events import NotifyReceived, SubscriptionChanged
from device.sip.message import Request
from device.sip.subscriber import Subscriber, SubscriberState, Wish
from device.sip.subscription import (
    EventHeader,
    LeaveRequested,
    Notified,
    NotifyMissed,
    RefreshDue,
    SubscribeAccepted,
    SubscribeDue,
    SubscribeRefused,
    SubscriptionExpired,
)
from device.sip.uri import parse_uri
from tests.support.sip_bench import OFFICE, STRANGER, Bench, office

PACKAGE = "message-summary"
ACCEPT = "application/simple-message-summary"
NEWS = b"Messages-Waiting: yes\r\n"


@pytest.fixture
def bench() -> Bench:
    return Bench(account=office())


def subscribe(bench: Bench, expires_s: int = 600) -> Request:
    bench.agent.subscribe("mwi", "1001", PACKAGE, ACCEPT, OFFICE, bench.now, expires_s)
    return bench.sent_request("SUBSCRIBE")


def notify(bench: Bench, subscribe: Request, state: str = "active;expires=600", **more: object) -> None:
    """The notifier's NOTIFY in the dialog that `subscribe` begins."""
    values: dict[str, object] = {"Content_Type": ACCEPT, "body": NEWS, "tag": "notifier", "cseq": 1, "Event": PACKAGE}
    values |= more
    tag = values.pop("tag")
    bench.request(
        "NOTIFY",
        "sip:1001@192.0.2.1:5060",
        to=str(subscribe.from_),
        from_=f"<sip:1001@192.0.2.2>;tag={tag}",
        call_id=subscribe.call_id,
        Contact="<sip:mwi@192.0.2.2:5060>",
        Subscription_State=state,
        **values,  # type: ignore[arg-type]
    )


def subscribed(bench: Bench, expires_s: int = 600) -> Request:
    request = subscribe(bench, expires_s)
    bench.reply(request, 200, tag="notifier", Expires=str(expires_s))
    notify(bench, request, f"active;expires={expires_s}")
    assert bench.statuses() == [200]
    bench.events()
    return request


def states(bench: Bench) -> list[str]:
    return [event.state for event in bench.events() if isinstance(event, SubscriptionChanged)]


def test_a_subscription_is_asked_for_and_told(bench: Bench) -> None:
    request = subscribe(bench)
    assert str(request.uri) == "sip:1001@192.0.2.2"
    for name, value in (("Event", PACKAGE), ("Expires", "600"), ("Accept", ACCEPT)):
        assert request.headers.get(name) == value
    assert request.contacts[0].uri.user == "1001"
    bench.reply(request, 200, tag="notifier", Expires="300")
    notify(bench, request, "active")
    assert bench.statuses() == [200]
    changed, news = bench.events()
    assert changed == SubscriptionChanged("mwi", OFFICE, PACKAGE, "active", 0, "subscribed")
    assert news == NotifyReceived("mwi", OFFICE, PACKAGE, ACCEPT, NEWS)
    # The 2xx granted 300 s, and a NOTIFY without a time of its own changes nothing of it.
    bench.advance(269)
    assert bench.methods() == []
    bench.advance(2)
    refresh = bench.sent_request("SUBSCRIBE")
    assert refresh.to.tag == "notifier"
    assert str(refresh.uri) == "sip:mwi@192.0.2.2:5060"


def test_the_notification_may_come_before_the_answer(bench: Bench) -> None:
    request = subscribe(bench)
    notify(bench, request)
    assert bench.statuses() == [200]
    assert states(bench) == ["active"]
    bench.reply(request, 202, tag="notifier", Expires="600")
    assert bench.events() == []
    bench.advance(571)
    assert bench.sent_request("SUBSCRIBE").cseq.number > request.cseq.number


def test_approval_may_take_its_time(bench: Bench) -> None:
    request = subscribe(bench)
    bench.reply(request, 200, tag="notifier", Expires="600")
    notify(bench, request, "pending;expires=600", body=b"", Content_Type="")
    notify(bench, request, cseq=2)
    assert states(bench) == ["pending", "active"]


def test_a_refresh_renews_the_subscription(bench: Bench) -> None:
    subscribed(bench)
    for _ in range(3):
        bench.advance(571)
        refresh = bench.sent_request("SUBSCRIBE")
        bench.reply(refresh, 200, tag="notifier", Expires="600")
    assert states(bench) == []


@pytest.mark.parametrize("status", [481, 404, 489])
def test_a_refresh_that_finds_nothing_begins_anew(bench: Bench, status: int) -> None:
    old = subscribed(bench)
    bench.advance(571)
    bench.reply(bench.sent_request("SUBSCRIBE"), status, tag="notifier")
    new = bench.sent_request("SUBSCRIBE")
    assert new.call_id != old.call_id
    assert new.to.tag is None


def test_a_refresh_that_fails_otherwise_leaves_the_subscription_until_its_end(bench: Bench) -> None:
    request = subscribed(bench)
    bench.advance(571)
    bench.reply(bench.sent_request("SUBSCRIBE"), 500, tag="notifier")
    notify(bench, request, "active", cseq=2)
    assert bench.statuses() == [200]
    bench.advance(28)
    assert bench.methods() == []
    bench.advance(2)
    assert bench.sent_request("SUBSCRIBE").to.tag is None


def test_a_silent_notifier_is_given_up_and_tried_again(bench: Bench) -> None:
    request = subscribe(bench)
    bench.reply(request, 200, tag="notifier", Expires="600")
    bench.advance(33)
    assert bench.event(SubscriptionChanged).status == 408
    bench.advance(28)
    assert "SUBSCRIBE" not in bench.methods()
    bench.advance(2)
    assert "SUBSCRIBE" in bench.methods()


@pytest.mark.parametrize(("status", "text"), [(489, ""), (403, ""), (404, "")])
def test_what_is_not_to_be_had_is_asked_for_once(bench: Bench, status: int, text: str) -> None:
    bench.reply(subscribe(bench), status)
    assert bench.event(SubscriptionChanged).state == "terminated"
    bench.advance(7200)
    assert bench.methods() == []
    assert bench.agent.is_idle


def test_a_busy_server_says_when_to_come_again(bench: Bench) -> None:
    bench.reply(subscribe(bench), 503, Retry_After="120")
    event = bench.event(SubscriptionChanged)
    assert (event.state, event.status, event.next_attempt_s) == ("waiting", 503, 120)
    bench.advance(119)
    assert "SUBSCRIBE" not in bench.methods()
    bench.advance(2)
    assert "SUBSCRIBE" in bench.methods()


def test_pauses_grow(bench: Bench) -> None:
    bench.reply(subscribe(bench), 480)
    pauses = []
    for _ in range(8):
        event = bench.event(SubscriptionChanged)
        assert event.next_attempt_s is not None
        pauses.append(event.next_attempt_s)
        bench.advance(event.next_attempt_s)
        bench.reply(bench.sent_request("SUBSCRIBE"), 480)
    assert pauses == [30, 60, 120, 240, 480, 960, 1800, 1800]


def test_a_subscription_that_is_too_brief_is_asked_for_longer(bench: Bench) -> None:
    bench.reply(subscribe(bench), 423, Min_Expires="1200")
    longer = bench.sent_request("SUBSCRIBE")
    assert longer.headers.get("Expires") == "1200"
    bench.reply(longer, 423, Min_Expires="1200")
    assert states(bench) == ["waiting"]


def test_a_password_is_asked_for(bench: Bench) -> None:
    request = subscribe(bench)
    bench.reply(request, 401, WWW_Authenticate='Digest realm="r", nonce="n", qop="auth"')
    again = bench.sent_request("SUBSCRIBE")
    assert "Authorization" in again.headers
    assert again.cseq.number == request.cseq.number + 1
    bench.reply(again, 401, WWW_Authenticate='Digest realm="r", nonce="m", qop="auth"')
    assert "refused" in bench.event(SubscriptionChanged).text


@pytest.mark.parametrize(
    ("reason", "state", "pause"),
    [
        ("rejected", "terminated", None),
        ("noresource", "terminated", None),
        ("probation;retry-after=90", "waiting", 90),
        ("giveup", "waiting", 30),
    ],
)
def test_the_notifier_ends_it(bench: Bench, reason: str, state: str, pause: float | None) -> None:
    notify(bench, subscribed(bench), f"terminated;reason={reason}", cseq=2)
    event = next(event for event in bench.events() if isinstance(event, SubscriptionChanged))
    assert (event.state, event.next_attempt_s) == (state, pause)


@pytest.mark.parametrize("reason", ["deactivated", "timeout"])
def test_the_notifier_wants_a_new_one(bench: Bench, reason: str) -> None:
    notify(bench, subscribed(bench), f"terminated;reason={reason}", cseq=2)
    new = bench.sent_request("SUBSCRIBE")
    # Once is enough: a notifier that does so again and again is not asked without a pause.
    notify(bench, new, f"terminated;reason={reason}")
    assert bench.methods() == []
    assert states(bench) == ["waiting"]


def test_unsubscribing(bench: Bench) -> None:
    request = subscribed(bench)
    bench.agent.unsubscribe("mwi", bench.now)
    leave = bench.sent_request("SUBSCRIBE")
    assert leave.headers.get("Expires") == "0"
    assert leave.to.tag == "notifier"
    bench.reply(leave, 200, tag="notifier", Expires="0")
    notify(bench, request, cseq=2)
    assert states(bench) == []
    notify(bench, request, "terminated;reason=timeout", cseq=3)
    assert bench.statuses() == [200, 200]
    assert states(bench) == ["terminated"]
    notify(bench, request, cseq=4)
    assert bench.statuses() == [481]


@pytest.mark.parametrize("status", [200, 481, 500])
def test_unsubscribing_without_a_last_notification(bench: Bench, status: int) -> None:
    subscribed(bench)
    bench.agent.unsubscribe("mwi", bench.now)
    bench.reply(bench.sent_request("SUBSCRIBE"), status, tag="notifier")
    bench.advance(64)
    assert states(bench) == ["terminated"]
    assert bench.agent.is_idle


def test_leaving_before_the_first_answer_and_in_a_pause(bench: Bench) -> None:
    subscribe(bench)
    bench.agent.unsubscribe("mwi", bench.now)
    assert bench.sent_request("SUBSCRIBE").headers.get("Expires") == "0"
    bench.advance(80)
    assert states(bench) == ["terminated"]
    bench.sent()
    bench.reply(subscribe(bench), 480)
    bench.agent.unsubscribe("mwi", bench.now)
    assert states(bench) == ["waiting", "terminated"]


def test_renewing_before_the_time(bench: Bench) -> None:
    bench.agent.renew_subscription("mwi", bench.now)
    subscribed(bench)
    bench.agent.renew_subscription("mwi", bench.now)
    refresh = bench.sent_request("SUBSCRIBE")
    assert refresh.to.tag == "notifier"
    bench.reply(refresh, 481, tag="notifier")
    bench.reply(bench.sent_request("SUBSCRIBE"), 480)
    assert states(bench) == ["waiting"]
    bench.agent.renew_subscription("mwi", bench.now)
    assert bench.sent_request("SUBSCRIBE").to.tag is None
    bench.advance(29)
    assert len({one.top_via.branch for one in bench.sent() if isinstance(one, Request)}) == 1


def test_an_account_that_goes_takes_its_subscriptions_along(bench: Bench) -> None:
    subscribed(bench)
    bench.agent.remove_account(OFFICE, bench.now)
    assert bench.sent_request("SUBSCRIBE").headers.get("Expires") == "0"


def test_a_second_subscription_of_the_same_name_replaces_the_first(bench: Bench) -> None:
    subscribed(bench)
    bench.agent.subscribe("mwi", "1002", PACKAGE, ACCEPT, OFFICE, bench.now)
    sent = [one for one in bench.sent() if isinstance(one, Request)]
    assert [one.headers.get("Expires") for one in sent] == ["0", "3600"]


# NOTIFYs that are not for us.


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"Event": "presence"}, 481),
        ({"Event": "message-summary;id=2"}, 481),
        ({"tag": "fork"}, 481),
        ({"cseq": 0}, 500),
        ({"Content_Type": "text/html"}, 415),
    ],
)
def test_notifications_that_do_not_fit(bench: Bench, change: dict[str, object], status: int) -> None:
    request = subscribe(bench)
    notify(bench, request)
    bench.sent()
    notify(bench, request, **{"cseq": 2, **change})
    assert bench.statuses() == [status]


def test_a_notification_without_a_state(bench: Bench) -> None:
    request = subscribe(bench)
    notify(bench, request, state="")
    assert bench.statuses() == [400]


def test_several_notifiers_may_answer_where_the_package_lets_them(bench: Bench) -> None:
    wish = Wish("watch", parse_uri("sip:1002@192.0.2.2"), EventHeader("presence"), ACCEPT, 600, False, True)
    bench.agent.features.subscriptions.subscribe(bench.agent.identity_of(OFFICE), wish, bench.now)
    request = bench.sent_request("SUBSCRIBE")
    for number in range(10):
        notify(bench, request, tag=f"n{number}", Event="presence")
    assert bench.statuses() == [200] * 8 + [481] * 2
    assert states(bench) == ["active"] * 8
    notify(bench, request, tag="n3", cseq=2, Event="presence", state="terminated;reason=noresource")
    assert states(bench) == ["terminated"]


def test_unsolicited_notifications_only_from_our_server(bench: Bench) -> None:
    uri = "sip:1001@192.0.2.1"
    for number, (source, package, status) in enumerate(
        (
            ({}, PACKAGE, 200),
            ({}, "check-sync", 200),
            ({"source": STRANGER}, PACKAGE, 481),
            ({}, "presence", 481),
            ({}, "", 481),
        )
    ):
        more: dict[str, str] = {"Event": package, "Content_Type": ACCEPT}
        bench.request("NOTIFY", uri, call_id=f"n{number}", body=NEWS, **more, **source)  # type: ignore[arg-type]
        assert bench.statuses() == [status]
        told = [NotifyReceived("", OFFICE, package, ACCEPT, NEWS)] if status == 200 else []
        assert bench.events() == told


def test_every_pair_of_the_table_is_decided() -> None:
    """What may come in each state, over all inputs: a row, ignored, or an error of ours."""
    kinds = (
        SubscribeDue,
        SubscribeAccepted,
        SubscribeRefused,
        Notified,
        NotifyMissed,
        RefreshDue,
        SubscriptionExpired,
        LeaveRequested,
    )
    decided = {*Subscriber.TABLE, *Subscriber.IGNORED}
    for state in SubscriberState:
        assert (state, LeaveRequested) in decided
        if state is not SubscriberState.IDLE:
            assert (state, SubscribeRefused) in decided
    assert {kind for _, kind in decided} == set(kinds)
    assert not {*Subscriber.TABLE} & Subscriber.IGNORED
