"""Lamps and presence on the bench: the test plays the watching phone, and reads what it is told."""

from xml.etree import ElementTree

import pytest

from device.exchange.call_watch import SILENT_CALL_S
from device.sip.message import Request, Response
from tests.exchange.switchboard import DOMAIN, Phone, Switchboard, two_phones

INFO = "{urn:ietf:params:xml:ns:dialog-info}"
PIDF = "{urn:ietf:params:xml:ns:pidf}"
PUBLISHED = b'<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:1002@pbx.lan"><note>out</note></presence>'


class Lamp(Phone):
    """The phone of 1003, which watches and answers every NOTIFY."""

    def __init__(self, board: Switchboard) -> None:
        super().__init__(board, "1003", board.phone("1003", "192.0.2.3").hop)
        self.call_id = "watch-1003"
        self.notified: list[Request] = []
        self.status = 200

    def subscribe(self, event: str = "dialog", user: str = "1002", expires: str = "", **headers: str) -> Response:
        fields = {"Event": event, "Contact": self.contact, "Expires": expires}
        _, came = self.authorized("SUBSCRIBE", f"sip:{user}@{DOMAIN}", **(fields | headers))
        return self.sort(came)

    def sort(self, came: list[Request | Response]) -> Response:
        """Answer the NOTIFYs among `came`; gives the last response."""
        response = None
        for one in came:
            if isinstance(one, Response):
                response = one
            else:
                self.notified.append(one)
                self.reply(one, self.status)
                again = self.received()
                if any(isinstance(other, Request) for other in again):
                    self.sort(again)
        assert response is not None or came
        return response  # type: ignore[return-value]

    def within(self, response: Response, expires: str) -> Response:
        """A SUBSCRIBE in the dialog of the one that `response` answered."""
        fields = {"Event": "dialog", "Expires": expires, "To": str(response.to), "Call_ID": response.call_id}
        _, came = self.authorized("SUBSCRIBE", str(response.contacts[0].uri), **fields)
        return self.sort(came)

    def news(self) -> list[Request]:
        """The NOTIFYs since the last look, each answered."""
        came = self.received()
        if came:
            self.sort(came)
        found = {one.top_via.branch: one for one in self.notified}
        self.notified = []
        return list(found.values())

    def states(self) -> list[list[tuple[str, str]]]:
        """Direction and state of each dialog, NOTIFY by NOTIFY."""
        return [
            [
                (one.get("direction", ""), one.findtext(f"{INFO}state") or "")
                for one in ElementTree.fromstring(notify.body)
            ]
            for notify in self.news()
        ]


def watched() -> tuple[Switchboard, Phone, Phone, Lamp]:
    board = Switchboard()
    alice, bob = two_phones(board)
    lamp = Lamp(board)
    assert lamp.register().status == 200
    return board, alice, bob, lamp


class TestLamps:
    def test_a_call_from_ringing_to_its_end(self) -> None:
        _, alice, bob, lamp = watched()
        response = lamp.subscribe()
        assert (response.status, response.headers.get("Expires")) == (200, "600")
        (first,) = lamp.news()
        assert first.headers.get("Subscription-State") == "active;expires=600"
        assert first.content_type == "application/dialog-info+xml"
        assert ElementTree.fromstring(first.body).get("entity") == "sip:1002@pbx.lan"
        alice.invite("1002")
        assert lamp.states() == [[("recipient", "trying")]]
        invite = bob.request("INVITE")
        bob.reply(invite, 180)
        assert lamp.states() == [[("recipient", "early")]]
        bob.reply(invite, 200)
        (told,) = lamp.news()
        (dialog,) = ElementTree.fromstring(told.body)
        assert (dialog.get("call-id"), dialog.get("local-tag"), dialog.get("remote-tag")) == (
            alice.call_id,
            "tag-1002",
            "tag-1001",
        )
        assert dialog.findtext(f"{INFO}remote/{INFO}identity") == "sip:1001@pbx.lan"
        ok = alice.response()
        alice.in_dialog("ACK", ok)
        assert lamp.states() == []
        bob.received()
        alice.in_dialog("BYE", ok)
        assert lamp.states() == [[]]

    def test_the_caller_has_a_lamp_too(self) -> None:
        _, alice, bob, lamp = watched()
        lamp.subscribe(user="1001")
        lamp.news()
        alice.invite("1002")
        assert lamp.states() == [[("initiator", "trying")]]
        invite = bob.request("INVITE")
        bob.reply(invite, 180)
        assert lamp.states() == [[("initiator", "early")]]
        bob.reply(invite, 200)
        assert lamp.states() == [[("initiator", "confirmed")]]

    @pytest.mark.parametrize("status", [486, 603, 404])
    def test_a_call_that_is_refused(self, status: int) -> None:
        _, alice, bob, lamp = watched()
        lamp.subscribe()
        alice.invite("1002")
        bob.reply(bob.request("INVITE"), status)
        assert lamp.states()[-1] == []

    def test_a_call_that_is_taken_back(self) -> None:
        board, alice, bob, lamp = watched()
        lamp.subscribe()
        asked = alice.invite("1002")
        invite = bob.request("INVITE")
        bob.reply(invite, 180)
        alice.cancel(asked)
        bob.reply(bob.request("CANCEL"), 200)
        bob.reply(invite, 487)
        assert lamp.states()[-1] == []
        assert len(board.exchange.house.calls) == 0

    def test_of_two_phones_the_one_that_answers(self) -> None:
        board, alice, bob, lamp = watched()
        other = board.phone("1002", "192.0.2.22")
        assert other.register(Call_ID="other").status == 200
        lamp.subscribe()
        alice.invite("1002")
        first, second = bob.request("INVITE"), other.request("INVITE")
        bob.reply(first, 180)
        other.reply(second, 180)
        other.reply(second, 200)
        assert lamp.states()[-1] == [("recipient", "confirmed")]

    def test_news_wait_for_the_answer_to_the_last_ones(self) -> None:
        _, alice, bob, lamp = watched()
        lamp.subscribe()
        lamp.news()
        alice.invite("1002")
        (pending,) = lamp.received()
        invite = bob.request("INVITE")
        bob.reply(invite, 180)
        bob.reply(invite, 200)
        assert lamp.received() == []
        assert isinstance(pending, Request)
        lamp.reply(pending, 200)
        assert lamp.states() == [[("recipient", "confirmed")]]

    def test_a_call_that_ended_unseen_is_forgotten(self) -> None:
        board, alice, bob, lamp = watched()
        alice.invite("1002")
        invite = bob.request("INVITE")
        bob.reply(invite, 200, Session_Expires="90;refresher=uac")
        assert board.exchange.house.calls.is_busy("1002")
        board.advance(134)
        assert board.exchange.house.calls.is_busy("1002")
        board.advance(2)
        assert not board.exchange.house.calls.is_busy("1002")
        alice.call_id = "second"
        alice.invite("1002")
        bob.reply(bob.request("INVITE"), 200)
        board.advance(SILENT_CALL_S + 1)
        assert len(board.exchange.house.calls) == 0
        assert lamp.received() == []

    def test_a_bye_of_somebody_else_changes_nothing(self) -> None:
        board, alice, bob, _ = watched()
        alice.invite("1002")
        bob.reply(bob.request("INVITE"), 200)
        stranger = board.phone("guest", "198.51.100.1")
        stranger.domain = "elsewhere.example"
        stranger.ask(
            "BYE", "sip:1002@pbx.lan", Call_ID=alice.call_id, From="<sip:x@elsewhere.example>;tag=tag-1001",
            To="<sip:1002@pbx.lan>;tag=tag-1002",
        )  # fmt: skip
        assert board.exchange.house.calls.is_busy("1002")

    def test_the_memory_of_calls_is_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("device.exchange.call_watch.MAX_CALLS", 2)
        board, alice, bob, _ = watched()
        for number in range(4):
            alice.call_id = f"call-{number}"
            alice.invite("1002")
            bob.reply(bob.request("INVITE"), 200)
        assert len(board.exchange.house.calls.calls_of("1002")) == 2


class TestSubscriptions:
    def test_renewed_and_ended(self) -> None:
        board, alice, _, lamp = watched()
        response = lamp.subscribe()
        lamp.news()
        board.advance(300)
        assert lamp.within(response, "600").status == 200
        board.advance(400)
        lamp.news()
        assert len(board.exchange.house.watchers) == 1
        assert lamp.within(response, "0").status == 200
        assert lamp.notified[-1].headers.get("Subscription-State") == "terminated;reason=timeout"
        assert len(board.exchange.house.watchers) == 0
        alice.invite("1002")
        assert [one for one in lamp.received() if isinstance(one, Request)] == []

    def test_not_renewed(self) -> None:
        board, _, _, lamp = watched()
        lamp.subscribe(expires="60")
        lamp.news()
        board.advance(61)
        (last,) = lamp.news()
        assert last.headers.get("Subscription-State") == "terminated;reason=timeout"
        assert len(board.exchange.house.watchers) == 0

    def test_a_fetch(self) -> None:
        board, _, _, lamp = watched()
        assert lamp.subscribe(expires="0").status == 200
        (only,) = lamp.news()
        assert only.headers.get("Subscription-State") == "terminated;reason=timeout"
        assert len(board.exchange.house.watchers) == 0

    @pytest.mark.parametrize(
        ("event", "expires", "headers", "status"),
        [
            ("dialog", "5", {}, 423),
            ("dialog", "600", {"Accept": "text/plain"}, 406),
            ("message-summary", "600", {}, 403),
        ],
    )
    def test_refusals(self, event: str, expires: str, headers: dict[str, str], status: int) -> None:
        _, _, _, lamp = watched()
        assert lamp.subscribe(event, expires=expires, **headers).status == status

    def test_of_nobody(self) -> None:
        _, _, _, lamp = watched()
        assert lamp.subscribe(user="1999").status == 404

    def test_other_packages_are_for_the_phone(self) -> None:
        _, _, bob, lamp = watched()
        lamp.authorized("SUBSCRIBE", f"sip:1002@{DOMAIN}", Event="ua-profile")
        assert bob.request("SUBSCRIBE").headers.get("Event") == "ua-profile"

    def test_strangers_watch_nobody(self) -> None:
        board, _, bob, _ = watched()
        stranger = board.phone("guest", "198.51.100.1")
        stranger.domain = "elsewhere.example"
        stranger.ask("SUBSCRIBE", f"sip:1002@{DOMAIN}", Event="dialog")
        assert len(board.exchange.house.watchers) == 0
        assert bob.request("SUBSCRIBE").method == "SUBSCRIBE"

    def test_somebody_else_cannot_end_it(self) -> None:
        board, alice, _, lamp = watched()
        response = lamp.subscribe()
        lamp.news()
        fields = {"Event": "dialog", "Expires": "0", "To": str(response.to), "Call_ID": response.call_id}
        forged = f"<sip:1001@{DOMAIN}>;tag=tag-1003"
        _, came = alice.authorized("SUBSCRIBE", str(response.contacts[0].uri), From=forged, **fields)
        assert isinstance(came[-1], Response)
        assert came[-1].status == 403
        assert len(board.exchange.house.watchers) == 1

    def test_one_that_the_exchange_has_forgotten(self) -> None:
        _, _, _, lamp = watched()
        fields = {"Event": "dialog", "To": f"<sip:1002@{DOMAIN}>;tag=gone", "Call_ID": "before"}
        _, came = lamp.authorized("SUBSCRIBE", f"sip:1002@{DOMAIN}", **fields)
        assert lamp.sort(came).status == 481

    def test_a_watcher_that_is_gone(self) -> None:
        board, alice, _, lamp = watched()
        response = lamp.subscribe()
        lamp.news()
        lamp.status = 481
        alice.invite("1002")
        lamp.news()
        assert lamp.within(response, "600").status == 481
        assert len(board.exchange.house.watchers) == 0

    def test_a_user_who_is_removed(self) -> None:
        board, _, _, lamp = watched()
        lamp.subscribe()
        lamp.news()
        board.exchange.forget_user("1002", board.now)
        (last,) = lamp.news()
        assert last.headers.get("Subscription-State") == "terminated;reason=noresource"

    def test_one_user_has_no_more_than_a_telephone_can_have_lamps(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("device.exchange.watchers.MAX_OF_USER", 2)
        _, _, _, lamp = watched()
        statuses = []
        for number in range(3):
            lamp.call_id = f"watch-{number}"
            statuses.append(lamp.subscribe().status)
        assert statuses == [200, 200, 503]

    def test_all_subscriptions_are_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("device.exchange.watchers.MAX_WATCHERS", 1)
        _, _, _, lamp = watched()
        assert lamp.subscribe().status == 200
        refused = lamp.subscribe(Call_ID="another")
        assert (refused.status, refused.headers.get("Retry-After")) == (503, "60")

    def test_told_where_the_phone_came_from_whatever_its_contact_says(self) -> None:
        board, _, _, lamp = watched()
        lamp.contact = "<sip:1003@10.0.0.3:5060>"
        lamp.subscribe()
        (first,) = lamp.news()
        assert str(first.uri) == "sip:1003@10.0.0.3:5060"
        assert board.sent[-1][0].host == "192.0.2.3"


class TestPresence:
    def state(self, lamp: Lamp) -> list[tuple[str, str]]:
        found = []
        for notify in lamp.news():
            root = ElementTree.fromstring(notify.body)
            found.append((root.findtext(f".//{PIDF}basic") or "", root.findtext(f".//{PIDF}note") or ""))
        return found

    def test_follows_registrations_and_calls(self) -> None:
        board, alice, bob, lamp = watched()
        lamp.subscribe("presence")
        assert self.state(lamp) == [("open", "")]
        alice.invite("1002")
        assert lamp.news() == []
        bob.reply(bob.request("INVITE"), 200)
        assert self.state(lamp) == [("open", "On the phone")]
        alice.in_dialog("BYE", alice.response())
        assert self.state(lamp)[-1] == ("open", "")
        bob.received()
        bob.register(Contact="*", Expires="0")
        assert self.state(lamp)[-1] == ("closed", "")
        board.advance(1)

    def test_what_is_published_stands(self) -> None:
        board, _, bob, lamp = watched()
        lamp.subscribe("presence")
        lamp.news()
        tag = self.publish(bob, PUBLISHED).headers.get("SIP-ETag") or ""
        (told,) = lamp.news()
        assert told.body == PUBLISHED
        refreshed = self.publish(bob, b"", tag)
        assert (refreshed.status, refreshed.headers.get("SIP-ETag") != tag) == (200, True)
        assert lamp.news() == []
        assert self.publish(bob, b"", tag).status == 412
        board.advance(3700)
        lamp.subscribe("presence", Call_ID="again")
        assert self.state(lamp)[-1][0] == "closed"

    def publish(self, phone: Phone, body: bytes, tag: str = "", user: str = "1002", **headers: str) -> Response:
        fields = {"Event": "presence", "SIP_If_Match": tag, "Content_Type": "application/pidf+xml" if body else ""}
        build = phone.build

        def with_body(method: str, uri: str, **more: str) -> Request:
            request = build(method, uri, **more)
            request.body = body
            return request

        phone.build = with_body  # type: ignore[method-assign]
        _, came = phone.authorized("PUBLISH", f"sip:{user}@{DOMAIN}", **(fields | headers))
        phone.build = build  # type: ignore[method-assign]
        assert isinstance(came[-1], Response)
        return came[-1]

    def test_each_for_oneself(self) -> None:
        _, _, bob, _ = watched()
        assert self.publish(bob, PUBLISHED, user="1001").status == 403
        assert self.publish(bob, PUBLISHED, Event="dialog").status == 489
        assert self.publish(bob, PUBLISHED, Content_Type="text/plain").status == 415
        assert self.publish(bob, b"x" * 20_000).status == 413
        assert self.publish(bob, b"").status == 400
        assert self.publish(bob, PUBLISHED, Expires="5").status == 423


class TestMessages:
    def test_counts_and_news(self) -> None:
        board, _, _, lamp = watched()
        counts = {"1003": (2, 1)}
        board.exchange.house.message_counts = lambda user: counts.get(user, (0, 0))
        board.exchange.house.message_account = "*98"
        lamp.subscribe("message-summary", "1003")
        (first,) = lamp.news()
        assert first.body.decode().splitlines() == [
            "Messages-Waiting: yes", "Message-Account: sip:*98@pbx.lan", "Voice-Message: 2/1 (0/0)",
        ]  # fmt: skip
        counts["1003"] = (0, 3)
        board.exchange.house.messages_changed("1003", board.now)
        (told,) = lamp.news()
        assert "Messages-Waiting: no" in told.body.decode()
        board.exchange.house.messages_changed("1002", board.now)
        assert lamp.news() == []
