"""Other names, groups, forwarding, redirection and ways to foreign domains, as phones see them."""

from collections.abc import Iterator

import pytest

from device.exchange.diversion import MAX_DIVERSIONS
from device.exchange_model import DomainRoute, Forwarding, RingGroup, RoutingTable
from device.sip.hop import Hop
from device.sip.message import Request, Response
from tests.exchange.switchboard import OWN, Phone, Switchboard, settings

LONG_S = 400.0
ELSEWHERE = Hop("UDP", "203.0.113.7", 5060)


class House:
    """Alice, Bob and Carol at an exchange; `configure` says how it routes."""

    def __init__(self) -> None:
        self.board = Switchboard(settings(min_expires_s=3600, default_expires_s=3600))
        self.alice, self.bob, self.carol = (
            self.board.phone(f"100{number}", f"192.0.2.{number}") for number in (1, 2, 3)
        )
        for phone in (self.alice, self.bob, self.carol):
            assert phone.register().status == 200

    def configure(self, **table: object) -> None:
        self.board.exchange.router.configure(RoutingTable(**table))  # type: ignore[arg-type]

    def forward(self, *forwardings: Forwarding) -> None:
        self.configure(forwardings=forwardings)

    def refused(self, called: str) -> int:
        """Call, and give the status of the refusal that comes at once."""
        return self.answered(called).status

    def answered(self, called: str, **headers: str) -> Response:
        """Call, and give the answer that comes at once."""
        sent, (answer,) = self.alice.authorized("INVITE", f"sip:{called}@pbx.lan", **headers)
        assert isinstance(answer, Response)
        self.alice.acknowledge_failure(sent, answer)
        return answer

    def elsewhere(self) -> Request:
        """The INVITE that went to 203.0.113.7."""
        (invite,) = [one for one in self.board.take(ELSEWHERE) if isinstance(one, Request) and one.method == "INVITE"]
        return invite


@pytest.fixture
def house() -> Iterator[House]:
    house = House()
    yield house
    house.board.advance(LONG_S)
    assert house.board.exchange.under_way == 0
    assert len(house.board.endpoint.layer) == 0


def methods(phone: Phone) -> list[str]:
    found = [one.method if isinstance(one, Request) else str(one.status) for one in phone.received()]
    return list(dict.fromkeys(found))


class TestAliases:
    @pytest.mark.parametrize("target", ["1002", "1002@pbx.lan", "sip:1002@pbx.lan", f"sip:1002@{OWN}"])
    def test_a_short_number_is_a_user(self, house: House, target: str) -> None:
        house.configure(aliases=(("2", target),))
        house.alice.invite("2")
        house.bob.reply(house.bob.request("INVITE"), 200)
        assert house.alice.statuses() == [200]

    def test_it_may_be_somebody_elsewhere(self, house: House) -> None:
        house.configure(aliases=(("7", "sip:bob@203.0.113.7"),))
        house.alice.invite("7")
        assert str(house.elsewhere().uri) == "sip:bob@203.0.113.7"

    def test_or_another_alias(self, house: House) -> None:
        house.configure(aliases=(("2", "two"), ("two", "1002")))
        house.alice.invite("2")
        house.bob.reply(house.bob.request("INVITE"), 486)
        assert house.alice.response().status == 486

    def test_a_circle_of_them_is_nobody(self, house: House) -> None:
        house.configure(aliases=(("2", "3"), ("3", "2")))
        assert house.refused("2") == 482

    def test_one_of_a_user_who_is_away(self, house: House) -> None:
        house.configure(aliases=(("2", "1002"),))
        house.board.exchange.forget_user("1002", house.board.now)
        assert house.refused("2") == 480

    def test_one_of_nobody(self, house: House) -> None:
        house.configure(aliases=(("2", "1999"),))
        assert house.refused("2") == 480

    def test_other_requests_go_there_too(self, house: House) -> None:
        house.configure(aliases=(("2", "1002"),))
        house.alice.authorized("MESSAGE", "sip:2@pbx.lan")
        house.bob.reply(house.bob.request("MESSAGE"), 200)
        assert house.alice.statuses() == [200]

    def test_a_stranger_calls_by_it(self, house: House) -> None:
        house.configure(aliases=(("2", "1002"),))
        stranger = house.board.phone("guest", "198.51.100.1")
        stranger.domain = "elsewhere.example"
        stranger.ask("INVITE", "sip:2@pbx.lan")
        house.bob.reply(house.bob.request("INVITE"), 200)
        assert stranger.statuses() == [200]


class TestGroups:
    def test_all_ring_and_one_answers(self, house: House) -> None:
        house.configure(groups=(RingGroup("600", ("1002", "1003")),))
        house.alice.invite("600")
        first, second = house.bob.request("INVITE"), house.carol.request("INVITE")
        assert first.headers.get("Alert-Info") is None
        house.bob.reply(first, 180)
        house.carol.reply(second, 180)
        house.carol.reply(second, 200)
        assert house.alice.statuses() == [180, 180, 200]
        assert methods(house.bob) == ["CANCEL"]
        house.bob.reply(first, 487)

    def test_in_order_each_for_a_while(self, house: House) -> None:
        house.configure(groups=(RingGroup("600", ("1002", "1003"), in_order=True, ring_s=10),))
        house.alice.invite("600")
        first = house.bob.request("INVITE")
        house.bob.reply(first, 180)
        house.board.advance(9)
        assert methods(house.carol) == []
        house.board.advance(2)
        assert methods(house.bob) == ["CANCEL"]
        house.bob.reply(first, 487)
        second = house.carol.request("INVITE")
        house.carol.reply(second, 180)
        house.board.advance(11)
        assert methods(house.carol) == ["CANCEL"]
        house.carol.reply(second, 487)
        assert house.alice.statuses() == [180, 180, 408]

    def test_who_is_busy_or_away_is_passed_over(self, house: House) -> None:
        house.configure(groups=(RingGroup("600", ("1999", "1002", "1003"), in_order=True),))
        house.alice.invite("600")
        house.bob.reply(house.bob.request("INVITE"), 486)
        house.carol.reply(house.carol.request("INVITE"), 200)
        assert house.alice.statuses() == [200]

    def test_a_caller_is_not_called_back(self, house: House) -> None:
        house.configure(groups=(RingGroup("600", ("1001", "1002")),))
        house.alice.invite("600")
        house.bob.reply(house.bob.request("INVITE"), 200)
        assert methods(house.alice) == ["200"]

    @pytest.mark.parametrize("in_order", [False, True])
    def test_nobody_answers_and_somebody_else_is_called(self, house: House, in_order: bool) -> None:
        group = RingGroup("600", ("1002",), in_order=in_order, ring_s=10, otherwise="1003")
        house.configure(groups=(group,))
        house.alice.invite("600")
        first = house.bob.request("INVITE")
        house.bob.reply(first, 180)
        house.board.advance(11)
        house.bob.reply(first, 487)
        second = house.carol.request("INVITE")
        assert second.headers.get("Diversion") == "<sip:600@pbx.lan>;reason=no-answer;counter=1"
        house.carol.reply(second, 200)
        assert house.alice.statuses() == [180, 200]

    def test_nobody_is_there_and_somebody_else_is_called(self, house: House) -> None:
        house.configure(groups=(RingGroup("600", ("1999",), otherwise="1003"),))
        house.alice.invite("600")
        house.carol.reply(house.carol.request("INVITE"), 200)

    def test_nobody_is_there_at_all(self, house: House) -> None:
        house.configure(groups=(RingGroup("600", ("1999", "1001")),))
        assert house.refused("600") == 480

    def test_a_door_rings_as_a_door(self, house: House) -> None:
        """Our phones, and others, take the cadence from Alert-Info."""
        house.configure(groups=(RingGroup("door", ("1002",), bell="door"),))
        house.alice.invite("door")
        invite = house.bob.request("INVITE")
        assert invite.headers.get_all("Alert-Info") == ["<sip:door@pbx.lan>;info=alert-door"]
        house.bob.reply(invite, 200)

    def test_groups_within_groups_and_somebody_elsewhere(self, house: House) -> None:
        groups = (RingGroup("600", ("601", "sip:x@203.0.113.7")), RingGroup("601", ("1002", "1003")))
        house.configure(groups=groups)
        house.alice.invite("600")
        house.elsewhere()
        house.bob.request("INVITE")
        invite = house.carol.request("INVITE")
        house.carol.reply(invite, 200)

    def test_groups_in_a_circle(self, house: House) -> None:
        house.configure(groups=(RingGroup("600", ("601",)), RingGroup("601", ("600",))))
        assert house.refused("600") == 482

    def test_a_members_own_forwarding_does_not_carry_the_group_away(self, house: House) -> None:
        house.configure(groups=(RingGroup("600", ("1002",)),), forwardings=(Forwarding("1002", always="1003"),))
        house.alice.invite("600")
        house.bob.reply(house.bob.request("INVITE"), 200)
        assert methods(house.carol) == []


class TestForwarding:
    def test_always(self, house: House) -> None:
        house.forward(Forwarding("1002", always="1003"))
        house.alice.invite("1002")
        invite = house.carol.request("INVITE")
        assert invite.headers.get("Diversion") == "<sip:1002@pbx.lan>;reason=unconditional;counter=1"
        assert invite.headers.get_all("History-Info") == [
            "<sip:1002@pbx.lan>;index=1",
            "<sip:1003@pbx.lan;cause=302>;index=1.1;mp=1",
        ]
        house.carol.reply(invite, 200)
        assert house.alice.statuses() == [200]
        assert methods(house.bob) == []

    def test_when_busy(self, house: House) -> None:
        house.forward(Forwarding("1002", busy="1003", no_answer="sip:x@203.0.113.7"))
        house.alice.invite("1002")
        house.bob.reply(house.bob.request("INVITE"), 486)
        invite = house.carol.request("INVITE")
        assert invite.headers.get("Diversion") == "<sip:1002@pbx.lan>;reason=user-busy;counter=1"
        house.carol.reply(invite, 486)
        assert house.alice.response().status == 486
        assert house.board.take(ELSEWHERE) == [], "the call was sent on once, not twice"

    def test_when_nobody_answers(self, house: House) -> None:
        house.forward(Forwarding("1002", no_answer="1003", no_answer_s=12))
        house.alice.invite("1002")
        invite = house.bob.request("INVITE")
        house.bob.reply(invite, 180)
        house.board.advance(11)
        assert methods(house.bob) == []
        house.board.advance(2)
        assert methods(house.bob) == ["CANCEL"]
        house.bob.reply(invite, 487)
        diverted = house.carol.request("INVITE")
        assert diverted.headers.get("Diversion") == "<sip:1002@pbx.lan>;reason=no-answer;counter=1"
        house.carol.reply(diverted, 200)
        assert house.alice.statuses() == [180, 200]

    @pytest.mark.parametrize("status", [480, 408])
    def test_a_phone_that_says_so_itself(self, house: House, status: int) -> None:
        house.forward(Forwarding("1002", no_answer="1003"))
        house.alice.invite("1002")
        house.bob.reply(house.bob.request("INVITE"), status)
        house.carol.reply(house.carol.request("INVITE"), 200)

    def test_who_is_not_registered_answers_not(self, house: House) -> None:
        house.forward(Forwarding("1002", no_answer="1003"))
        house.board.exchange.forget_user("1002", house.board.now)
        house.alice.invite("1002")
        invite = house.carol.request("INVITE")
        assert invite.headers.get("Diversion") == "<sip:1002@pbx.lan>;reason=unavailable;counter=1"
        house.carol.reply(invite, 200)

    @pytest.mark.parametrize(("status", "passed"), [(404, 404), (488, 488), (603, 603), (600, 600)])
    def test_other_refusals_go_back(self, house: House, status: int, passed: int) -> None:
        house.forward(Forwarding("1002", busy="1003", no_answer="1003"))
        sent = house.alice.invite("1002")
        house.bob.reply(house.bob.request("INVITE"), status)
        answer = house.alice.response()
        assert answer.status == passed
        house.alice.acknowledge_failure(sent, answer)
        assert methods(house.carol) == []

    def test_a_caller_who_gives_up_is_sent_nowhere(self, house: House) -> None:
        house.forward(Forwarding("1002", busy="1003", no_answer="1003", no_answer_s=5))
        sent = house.alice.invite("1002")
        invite = house.bob.request("INVITE")
        house.bob.reply(invite, 180)
        house.alice.cancel(sent)
        house.bob.reply(house.bob.request("CANCEL"), 200)
        house.bob.reply(invite, 487)
        house.board.advance(30)
        assert methods(house.carol) == []

    def test_over_several_users(self, house: House) -> None:
        house.forward(Forwarding("1002", always="1003"), Forwarding("1003", busy="sip:x@203.0.113.7"))
        house.alice.invite("1002")
        house.carol.reply(house.carol.request("INVITE"), 486)
        invite = house.elsewhere()
        assert invite.headers.get_all("Diversion") == [
            "<sip:1003@pbx.lan>;reason=user-busy;counter=1",
            "<sip:1002@pbx.lan>;reason=unconditional;counter=1",
        ]

    def test_in_a_circle(self, house: House) -> None:
        house.forward(Forwarding("1002", always="1003"), Forwarding("1003", always="1002"))
        assert house.refused("1002") == 482

    def test_a_circle_of_two_who_do_not_answer_rings_both(self, house: House) -> None:
        house.forward(Forwarding("1002", busy="1003"), Forwarding("1003", busy="1002"))
        house.alice.invite("1002")
        house.bob.reply(house.bob.request("INVITE"), 486)
        house.carol.reply(house.carol.request("INVITE"), 486)
        assert house.alice.response().status == 486
        assert methods(house.bob) == ["ACK"]

    def test_a_call_that_comes_back_to_who_sent_it_on(self, house: House) -> None:
        """Two exchanges that send it to and fro tell each other so by Diversion."""
        house.forward(Forwarding("1002", always="sip:x@203.0.113.7"))
        stranger = house.board.phone("guest", "198.51.100.1")
        stranger.domain = "elsewhere.example"
        stranger.ask("INVITE", "sip:1002@pbx.lan", Diversion="<sip:x@203.0.113.7>, <sip:1002@pbx.lan>")
        assert stranger.statuses() == [482]

    def test_a_call_that_was_sent_on_too_often(self, house: House) -> None:
        house.forward(Forwarding("1002", always="1003"))
        said = ", ".join(f"<sip:{number}@far.example>" for number in range(MAX_DIVERSIONS))
        assert house.answered("1002", Diversion=said).status == 482

    def test_messages_are_not_calls(self, house: House) -> None:
        house.forward(Forwarding("1002", always="1003"))
        house.alice.authorized("MESSAGE", "sip:1002@pbx.lan")
        house.bob.reply(house.bob.request("MESSAGE"), 200)

    def test_after_the_last_of_several_preferences(self, house: House) -> None:
        mobile = house.board.phone("1002", "192.0.2.22")
        mobile.register(Call_ID="reg-mobile", Contact=f"{mobile.contact};q=0.5")
        house.forward(Forwarding("1002", busy="1003"))
        house.alice.invite("1002")
        house.bob.reply(house.bob.request("INVITE"), 486)
        mobile.reply(mobile.request("INVITE"), 486)
        house.carol.reply(house.carol.request("INVITE"), 200)


class TestRedirect:
    def test_a_caller_is_told_where_the_phones_are(self, house: House) -> None:
        house.forward(Forwarding("1002", redirect=True))
        answer = house.answered("1002")
        assert (answer.status, answer.headers.get_all("Contact")) == (302, ["<sip:1002@192.0.2.2:5060>;q=1"])
        assert answer.to.tag
        assert methods(house.bob) == []

    def test_or_whom_to_call_instead(self, house: House) -> None:
        house.forward(Forwarding("1002", always="1003", redirect=True))
        answer = house.answered("1002")
        assert (answer.status, answer.headers.get_all("Contact")) == (302, ["<sip:1003@pbx.lan>"])

    def test_nobody_is_there(self, house: House) -> None:
        house.forward(Forwarding("1002", redirect=True))
        house.board.exchange.forget_user("1002", house.board.now)
        assert house.refused("1002") == 480

    @pytest.mark.parametrize(
        ("route", "contact"),
        [
            (DomainRoute("b.example", "", redirect=True), "<sip:bob@b.example>"),
            (DomainRoute("b.example", "sip:192.0.2.9:5080", redirect=True), "<sip:bob@192.0.2.9:5080>"),
            (DomainRoute("*", "", redirect=True), "<sip:bob@b.example>"),
        ],
    )
    def test_foreign_domains(self, house: House, route: DomainRoute, contact: str) -> None:
        house.configure(routes=(route,))
        sent, (answer,) = house.alice.authorized("INVITE", "sip:bob@b.example")
        assert isinstance(answer, Response)
        assert (answer.status, answer.headers.get_all("Contact")) == (302, [contact])
        house.alice.acknowledge_failure(sent, answer)

    def test_strangers_are_told_of_no_foreign_domain(self, house: House) -> None:
        house.configure(routes=(DomainRoute("*", "", redirect=True),))
        stranger = house.board.phone("guest", "198.51.100.1")
        stranger.domain = "elsewhere.example"
        stranger.ask("INVITE", "sip:bob@b.example")
        assert stranger.statuses() == [403]


class TestForeignProxies:
    def test_the_proxy_of_a_domain_is_asked(self, house: House) -> None:
        house.configure(routes=(DomainRoute("b.example", "sip:203.0.113.7"), DomainRoute("*", "sip:192.0.2.99")))
        house.alice.authorized("INVITE", "sip:bob@b.example")
        invite = house.elsewhere()
        assert str(invite.uri) == "sip:bob@b.example"
        assert [str(route) for route in invite.routes] == ["<sip:203.0.113.7;lr>"]
        assert [route.uri.host for route in invite.record_routes] == [OWN]

    def test_a_route_that_the_caller_gave_comes_first(self, house: House) -> None:
        house.configure(routes=(DomainRoute("b.example", "sip:192.0.2.99"),))
        house.alice.authorized("INVITE", "sip:bob@b.example", Route=f"<sip:{OWN};lr>, <sip:203.0.113.7;lr>")
        assert [str(route) for route in house.elsewhere().routes] == ["<sip:203.0.113.7;lr>"]

    def test_it_is_not_asked_within_a_call(self, house: House) -> None:
        """By then both sides have said where they are."""
        house.configure(routes=(DomainRoute("203.0.113.7", "sip:192.0.2.99"),))
        stranger = house.board.phone("guest", "203.0.113.7")
        stranger.domain = "203.0.113.7"
        stranger.ask("INVITE", "sip:1002@pbx.lan")
        invite = house.bob.request("INVITE")
        house.bob.reply(invite, 200)
        house.bob.in_dialog("BYE", invite)
        assert stranger.request("BYE").routes == []

    def test_forwarding_goes_by_it(self, house: House) -> None:
        house.configure(
            routes=(DomainRoute("b.example", "sip:203.0.113.7"),),
            forwardings=(Forwarding("1002", always="x@b.example"),),
        )
        house.alice.invite("1002")
        invite = house.elsewhere()
        assert [str(route) for route in invite.routes] == ["<sip:203.0.113.7;lr>"]
        assert invite.headers.get("Diversion") is not None


class TestUnreadableStores:
    """Whoever writes into the store by other means than our commands may write anything."""

    @pytest.mark.parametrize("bad", ["sip:", "a b@c", "sip:x@", "sips:x@y.example", "\udcff@x"])
    def test_what_leads_nowhere_is_left_out(self, house: House, bad: str, caplog: pytest.LogCaptureFixture) -> None:
        house.configure(
            aliases=(("1", bad), ("2", "1002")),
            groups=(RingGroup("600", (bad, "1003"), otherwise=bad),),
            forwardings=(Forwarding("1002", always=bad, busy=bad, no_answer=bad),),
            routes=(DomainRoute("b.example", bad),),
        )
        assert "is no SIP address: calls are not sent there" in caplog.text
        assert house.refused("1") == 404
        house.alice.invite("600")
        house.carol.reply(house.carol.request("INVITE"), 486)
        assert house.alice.response().status == 486
        house.alice.invite("2")
        house.bob.reply(house.bob.request("INVITE"), 486)
        assert house.alice.response().status == 486


class TestDeflection:
    def test_a_phone_that_sends_a_call_on_is_named(self, house: House) -> None:
        house.alice.invite("1002")
        house.bob.reply(house.bob.request("INVITE"), 302, Contact="<sip:1003@pbx.lan>")
        invite = house.carol.request("INVITE")
        assert invite.headers.get("Diversion") == "<sip:1002@pbx.lan>;reason=deflection;counter=1"
        house.carol.reply(invite, 200)
