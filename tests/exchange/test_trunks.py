"""Calls out of the house and into it: the test plays provider and phones, message by message."""

import pytest

from device.exchange.numbers import NumberSettings
from device.exchange.trunks import OutsideConfiguration
from device.exchange_model import Forwarding, NumberPattern, RoutingTable, Trunk, TrunkRoute
from device.model import Account, AccountId, Credential
from device.records import replace
from device.sip.auth_headers import make_challenge, parse_credentials
from device.sip.digest import ha1, verify
from device.sip.hop import Hop
from device.sip.message import Request, Response
from tests.exchange.switchboard import DOMAIN, Phone, Switchboard, two_phones

REALM = "provider.example"
PROVIDER_HOST = "198.51.100.20"
OTHER_HOST = "198.51.100.30"


class Provider(Phone):
    """A provider that challenges every INVITE and REGISTER with a nonce of its own."""

    def __init__(self, board: Switchboard, host: str = PROVIDER_HOST) -> None:
        super().__init__(board, "provider", Hop("UDP", host, 5060))
        self.contact = f"<sip:gateway@{host}:5060>"
        self.domain = host

    def challenge(self, request: Request, status: int = 407, nonce: str = "n1", stale: bool = False) -> None:
        name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
        value = make_challenge(REALM, nonce, "MD5", stale=stale, qop=("auth",))
        self.reply(request, status, **{name.replace("-", "_"): value})

    def proves(self, request: Request, header: str = "Proxy-Authorization") -> bool:
        """Whether the request has the credentials of the account."""
        credentials = parse_credentials(request.headers.get(header) or "")
        stored = {"MD5": ha1("MD5", "4711", REALM, "secret")}
        return credentials is not None and verify(
            credentials, request.method, lambda _user, _realm, algorithm: stored.get(algorithm), request.body
        )

    def take_registration(self) -> None:
        request = self.request("REGISTER")
        self.challenge(request, 401)
        request = self.request("REGISTER")
        assert self.proves(request, "Authorization")
        self.reply(request, 200, Contact=f"{request.headers.get('Contact')};expires=600")


def trunk(name: str = "provider", host: str = PROVIDER_HOST, register: bool = False, **more: str) -> Trunk:
    account = Account(AccountId(name), "4711", host, register=register)
    return Trunk(account, Credential("4711", password="secret"), **more)


def outside(*trunks: Trunk, routes: tuple[TrunkRoute, ...] = (), **more: object) -> OutsideConfiguration:
    routes = routes or tuple(TrunkRoute("0", one.name, number) for number, one in enumerate(trunks))
    return replace(OutsideConfiguration(trunks=trunks, routes=routes), **more)


def connected(configuration: OutsideConfiguration) -> tuple[Switchboard, Phone, Phone, Provider]:
    board = Switchboard()
    board.exchange.trunks.configure(configuration, board.now)
    board.flush()
    return board, *two_phones(board), Provider(board)


def answered(provider: Provider, phone: Phone) -> tuple[Request, Response]:
    """The INVITE as the provider took it, and the 200 as the phone got it."""
    provider.challenge(provider.request("INVITE"))
    invite = provider.request("INVITE")
    assert provider.proves(invite)
    provider.reply(invite, 180)
    provider.reply(invite, 200)
    return invite, phone.response()


class TestOutgoing:
    def test_the_exchange_answers_the_challenge_itself(self) -> None:
        _, alice, _, provider = connected(outside(trunk()))
        asked = alice.invite("0301234")
        invite, ok = answered(provider, alice)
        assert str(invite.uri) == f"sip:0301234@{PROVIDER_HOST}"
        assert invite.from_.uri.user == "4711"
        assert invite.from_.tag == asked.from_.tag
        assert str(invite.to.uri) == f"sip:0301234@{PROVIDER_HOST}"
        assert invite.cseq.number == asked.cseq.number + 1
        assert ok.status == 200
        assert (str(ok.from_), str(ok.to.uri)) == (str(asked.from_), f"sip:0301234@{DOMAIN}")
        assert ok.cseq.number == asked.cseq.number
        assert ok.to.tag == "tag-provider"
        assert DOMAIN not in str(invite.from_)

    def test_acknowledged_and_ended_in_the_numbers_of_the_trunk(self) -> None:
        board, alice, _, provider = connected(outside(trunk()))
        alice.invite("0301234")
        invite, ok = answered(provider, alice)
        alice.in_dialog("ACK", ok)
        ack = provider.request("ACK")
        assert ack.cseq.number == invite.cseq.number
        assert ack.from_.uri.user == "4711"
        bye_of_alice = alice.in_dialog("BYE", ok)
        bye = provider.request("BYE")
        assert bye.cseq.number == bye_of_alice.cseq.number + 1 > invite.cseq.number
        provider.reply(bye, 200)
        assert alice.response().cseq.number == bye_of_alice.cseq.number
        board.advance(100)
        assert board.exchange.under_way == 0

    def test_a_call_goes_on_over_a_restart(self) -> None:
        configuration = outside(trunk())
        board, alice, _, provider = connected(configuration)
        alice.invite("0301234")
        invite, ok = answered(provider, alice)
        again = Switchboard(secret="s", prefix="again")
        again.exchange._seal = again.exchange._proxy._seal = again.exchange.trunks._seal = board.exchange._seal
        again.exchange.trunks.configure(configuration, again.now)
        alice.board = provider.board = again
        bye = alice.in_dialog("BYE", ok)
        assert provider.request("BYE").cseq.number == bye.cseq.number + 1 > invite.cseq.number

    def test_requests_within_the_call_are_challenged_too(self) -> None:
        _, alice, _, provider = connected(outside(trunk()))
        alice.invite("0301234")
        _, ok = answered(provider, alice)
        alice.in_dialog("ACK", ok)
        reinvite = alice.in_dialog("INVITE", ok, Contact=alice.contact)
        first = provider.request("INVITE")
        assert first.cseq.number == reinvite.cseq.number + 1
        provider.challenge(first, nonce="n2")
        second = provider.request("INVITE")
        assert second.cseq.number == reinvite.cseq.number + 2
        assert provider.proves(second)
        provider.reply(second, 200)
        ok_again = alice.response()
        assert (ok_again.status, ok_again.cseq.number) == (200, reinvite.cseq.number)
        alice.in_dialog("ACK", ok_again)
        assert provider.request("ACK").cseq.number == second.cseq.number
        bye = alice.in_dialog("BYE", ok)
        assert provider.request("BYE").cseq.number == bye.cseq.number + 2

    def test_the_provider_hangs_up(self) -> None:
        _, alice, _, provider = connected(outside(trunk()))
        alice.invite("0301234")
        invite, ok = answered(provider, alice)
        alice.in_dialog("ACK", ok)
        provider.in_dialog("BYE", invite)
        bye = alice.request("BYE")
        assert bye.from_.tag == ok.to.tag
        alice.reply(bye, 200)
        assert provider.response().status == 200

    def test_the_caller_gives_up(self) -> None:
        _, alice, _, provider = connected(outside(trunk()))
        asked = alice.invite("0301234")
        provider.challenge(provider.request("INVITE"))
        invite = provider.request("INVITE")
        provider.reply(invite, 180)
        alice.cancel(asked)
        cancel = provider.request("CANCEL")
        assert cancel.cseq.number == invite.cseq.number
        provider.reply(cancel, 200)
        provider.reply(invite, 487)
        assert alice.statuses()[-1] == 487

    def test_a_wrong_password_ends_with_the_challenge_and_no_loop(self) -> None:
        _, alice, _, provider = connected(outside(trunk()))
        alice.invite("0301234")
        provider.challenge(provider.request("INVITE"))
        provider.challenge(provider.request("INVITE"), nonce="n2")
        provider.received()
        response = alice.response()
        assert response.status == 407
        assert provider.received() == []

    @pytest.mark.parametrize(
        ("mode", "expected"),
        [
            ("account", f"sip:4711@{PROVIDER_HOST}"),
            ("number", f"sip:1001@{PROVIDER_HOST}"),
            ("own", f"sip:1001@{DOMAIN}"),
        ],
    )
    def test_who_calls(self, mode: str, expected: str) -> None:
        _, alice, _, provider = connected(outside(trunk(caller=mode)))
        alice.invite("0301234")
        assert str(provider.request("INVITE").from_.uri) == expected

    def test_digits_of_a_route_and_the_form_of_numbers(self) -> None:
        routes = (TrunkRoute("9", "provider", strip=1), TrunkRoute("0", "provider", prepend="123"))
        numbers = NumberSettings(country_code="49")
        _, alice, _, provider = connected(outside(trunk(number_format="e164"), routes=routes, numbers=numbers))
        alice.invite("9089777")
        assert provider.request("INVITE").uri.user == "+4989777"
        alice.call_id = "second"
        alice.invite("089777")
        assert provider.request("INVITE").uri.user == "123+4989777"

    def test_a_number_without_route_is_nobody(self) -> None:
        _, alice, _, provider = connected(outside(trunk()))
        alice.invite("777")
        assert alice.statuses() == []
        assert provider.received() == []

    def test_a_user_of_ours_comes_before_a_route(self) -> None:
        _, alice, bob, provider = connected(outside(trunk(), routes=(TrunkRoute("", "provider"),)))
        alice.invite("1002")
        assert bob.request("INVITE").uri.user == "1002"
        assert provider.received() == []


class TestStrangers:
    def test_no_way_out_for_them(self) -> None:
        board, _, _, provider = connected(outside(trunk(), routes=(TrunkRoute("", "provider"),)))
        guest = board.phone("guest", "203.0.113.9")
        guest.domain = "elsewhere.example"
        for number in ("0301234", "112"):
            guest.ask("INVITE", f"sip:{number}@{DOMAIN}")
        assert guest.statuses()[-1] == 480
        assert provider.received() == []

    def test_not_even_one_that_knows_a_trunk_mark(self) -> None:
        _, alice, _, provider = connected(outside(trunk()))
        alice.invite("0301234")
        _, ok = answered(provider, alice)
        route = str(ok.record_routes[-1])
        alice.ask("INVITE", f"sip:0900@{PROVIDER_HOST}", Route=route, Call_ID="other", To="<sip:x@y>;tag=z")
        assert provider.received() == []


class TestPermissions:
    @pytest.mark.parametrize(
        ("number", "status"), [("0301234", None), ("0043123", 403), ("+43123", 403), ("0900123", 403), ("0151123", 403)]
    )
    def test_by_class(self, number: str, status: int | None) -> None:
        numbers = NumberSettings(country_code="49")
        routes = (TrunkRoute("", "provider"),)
        patterns = (NumberPattern("0151", "mobile"),)
        _, alice, _, provider = connected(outside(trunk(), routes=routes, numbers=numbers, patterns=patterns))
        _, came = alice.authorized("INVITE", f"sip:{number}@{DOMAIN}")
        if status is None:
            assert provider.request("INVITE").uri.user == number
        else:
            assert [one.status for one in came if isinstance(one, Response)][-1] == status
            assert provider.received() == []

    def test_each_user_has_their_own(self) -> None:
        board, alice, bob, provider = connected(outside(trunk()))
        board.exchange.trunks.permissions = lambda user: frozenset({"international"}) if user == "1002" else None
        bob.invite("0043123")
        assert provider.request("INVITE").uri.user == "0043123"
        _, came = bob.authorized("INVITE", f"sip:0301@{DOMAIN}", Call_ID="b2")
        assert isinstance(came[-1], Response)
        assert came[-1].status == 403
        _, came = alice.authorized("INVITE", f"sip:0043123@{DOMAIN}")
        assert isinstance(came[-1], Response)
        assert (came[-1].status, came[-1].reason) == (403, "Not permitted: international numbers")


class TestEmergency:
    def test_passes_over_permissions(self) -> None:
        board, alice, _, provider = connected(outside(trunk()))
        board.exchange.trunks.permissions = lambda _user: frozenset()
        alice.invite("112")
        assert provider.request("INVITE").uri.user == "112"

    def test_from_the_house_without_password(self) -> None:
        board, _, _, provider = connected(outside(trunk()))
        phone = board.phone("1099", "192.168.1.50")
        phone.ask("INVITE", "sip:112@pbx.lan")
        assert provider.request("INVITE").uri.user == "112"

    def test_passes_over_a_ban_and_the_limit_of_requests(self) -> None:
        board, _, _, _ = connected(outside(trunk()))
        admission = board.exchange.strangers.admission
        help_me = b"INVITE sip:112@pbx.lan SIP/2.0\r\n"
        for sender in ("192.168.1.50", "203.0.113.7"):
            admission.note(sender, 1000.0, "wrong passwords", board.now)
            assert not admission.admits(b"REGISTER sip:pbx.lan SIP/2.0\r\n", sender, board.now)
            assert not admission.admits(b"INVITE sip:1002@pbx.lan SIP/2.0\r\n", sender, board.now)
        assert not admission.admits(help_me, "203.0.113.7", board.now)
        assert admission.admits(help_me, "192.168.1.50", board.now)
        assert admission.admits(b"ACK sip:112@pbx.lan SIP/2.0\r\n", "192.168.1.50", board.now)
        flood = [admission.admits(b"OPTIONS sip:pbx.lan SIP/2.0\r\n", "10.0.0.9", board.now) for _ in range(20_000)]
        assert not flood[-1]
        assert admission.admits(b"INVITE urn:service:sos SIP/2.0\r\n", "10.0.0.9", board.now)

    def test_from_the_internet_with_password_alone(self) -> None:
        board, _, _, provider = connected(outside(trunk()))
        phone = board.phone("1001", "203.0.113.7")
        phone.ask("INVITE", "sip:112@pbx.lan")
        assert phone.statuses() == [407]
        assert provider.received() == []

    @pytest.mark.parametrize("uri", ["urn:service:sos", "urn:service:sos.fire", "tel:112", "sip:112@192.0.2.10"])
    def test_however_it_is_asked_for(self, uri: str) -> None:
        _, alice, _, provider = connected(outside(trunk()))
        alice.authorized("INVITE", uri)
        assert provider.request("INVITE").uri.user == "112"

    def test_every_trunk_is_tried_whatever_the_first_says(self) -> None:
        first, second = trunk(), trunk("other", OTHER_HOST)
        board, alice, _, provider = connected(outside(first, second, routes=(TrunkRoute("1", "other"),)))
        other = Provider(board, OTHER_HOST)
        alice.invite("112")
        other.reply(other.request("INVITE"), 404)
        provider.reply(provider.request("INVITE"), 180)
        assert alice.statuses()[-1] == 180

    def test_when_the_exchange_is_full(self, monkeypatch: pytest.MonkeyPatch) -> None:
        board, alice, _, provider = connected(outside(trunk()))
        monkeypatch.setattr(board.exchange._proxy, "is_full", lambda: True)
        alice.ask("INVITE", "sip:1002@pbx.lan")
        assert alice.statuses() == [503]
        house = board.phone("1001", "10.0.0.9")
        house.ask("INVITE", "sip:911@pbx.lan")
        assert provider.request("INVITE").uri.user == "911"


class TestFailOver:
    def both(self) -> tuple[Switchboard, Phone, Provider, Provider]:
        board, alice, _, provider = connected(outside(trunk(), trunk("other", OTHER_HOST)))
        return board, alice, provider, Provider(board, OTHER_HOST)

    @pytest.mark.parametrize("status", [408, 500, 503])
    def test_to_the_next_trunk(self, status: int) -> None:
        _, alice, first, second = self.both()
        alice.invite("0301234")
        first.reply(first.request("INVITE"), status)
        second.challenge(second.request("INVITE"))
        invite = second.request("INVITE")
        second.reply(invite, 200)
        ok = alice.response()
        assert ok.status == 200
        alice.in_dialog("ACK", ok)
        assert second.request("ACK").cseq.number == invite.cseq.number

    @pytest.mark.parametrize("status", [404, 486, 603])
    def test_not_when_the_number_itself_is_the_reason(self, status: int) -> None:
        _, alice, first, second = self.both()
        alice.invite("0301234")
        first.reply(first.request("INVITE"), status)
        assert alice.statuses()[-1] == status
        assert second.received() == []

    def test_when_the_first_is_silent_and_it_rests_for_a_while(self) -> None:
        board, alice, first, second = self.both()
        alice.invite("0301234")
        board.advance(3.9)
        assert second.received() == []
        board.advance(0.2)
        second.reply(second.request("INVITE"), 486)
        assert alice.statuses()[-1] == 486
        first.received()
        alice.call_id = "second"
        alice.invite("0301234")
        second.reply(second.request("INVITE"), 486)
        assert first.received() == []
        board.advance(61)
        alice.call_id = "third"
        alice.invite("0301234")
        first.request("INVITE")

    def test_all_fail(self) -> None:
        board, alice, first, second = self.both()
        alice.invite("0301234")
        first.reply(first.request("INVITE"), 503)
        second.reply(second.request("INVITE"), 503)
        assert alice.statuses()[-1] == 500
        board.advance(200)
        assert board.exchange.under_way == 0


class TestRegistration:
    def test_at_the_provider_with_digest(self) -> None:
        board = Switchboard()
        board.exchange.trunks.configure(outside(trunk(register=True)), board.now)
        provider = Provider(board)
        provider.take_registration()
        (line,) = board.exchange.trunks.lines
        assert line.is_well(board.now)
        assert any(type(event).__name__ == "RealmLearnt" for event in board.events)

    def test_one_that_is_not_registered_is_tried_last(self) -> None:
        board, alice, _, first = connected(outside(trunk(register=True), trunk("other", OTHER_HOST)))
        second = Provider(board, OTHER_HOST)
        first.received()
        alice.invite("0301234")
        second.request("INVITE")

    def test_a_trunk_that_is_taken_away_deregisters(self) -> None:
        board = Switchboard()
        board.exchange.trunks.configure(outside(trunk(register=True)), board.now)
        provider = Provider(board)
        provider.take_registration()
        board.exchange.trunks.configure(OutsideConfiguration(), board.now)
        request = provider.request("REGISTER")
        assert request.contacts[0].expires == 0 or request.expires == 0
        assert board.exchange.trunks.lines == ()


class TestAddressTranslation:
    def registered_behind(self) -> tuple[Switchboard, Phone, Phone, Provider]:
        """The provider sees us at 203.0.113.77:31000, and says so."""
        board = Switchboard()
        board.exchange.trunks.configure(outside(trunk(register=True, ring="1002")), board.now)
        alice, bob = two_phones(board)
        provider = Provider(board)
        for _ in range(2):
            request = provider.request("REGISTER")
            via = f"{request.headers.get_all('Via')[0]};received=203.0.113.77;rport=31000".replace(";rport;", ";")
            response = request.response(200, to_tag="r")
            response.headers.set("Via", via)
            response.headers.add("Contact", f"{request.contacts[0]};expires=600")
            provider.send(response)
        return board, alice, bob, provider

    def test_contact_and_record_route_are_what_the_provider_sees(self) -> None:
        _, alice, _, provider = self.registered_behind()
        alice.invite("0301234")
        invite, ok = answered(provider, alice)
        first, second = (route.uri for route in invite.record_routes)
        assert (first.host_port, second.host_port) == ("203.0.113.77:31000", "192.0.2.10:5060")
        provider.in_dialog("BYE", invite)
        assert alice.request("BYE").from_.tag == ok.to.tag

    def test_calls_in_as_well(self) -> None:
        _, _, bob, provider = self.registered_behind()
        provider.ask("INVITE", "sip:4711@203.0.113.77:31000", Contact=provider.contact)
        invite = bob.request("INVITE")
        bob.reply(invite, 200)
        ok = provider.response()
        assert ok.record_routes[-1].uri.host_port == "203.0.113.77:31000"
        provider.in_dialog("ACK", ok)
        provider.in_dialog("BYE", ok)
        assert bob.request("BYE").method == "BYE"


class TestIncoming:
    def test_the_called_number_is_a_user(self) -> None:
        _, _, bob, provider = connected(outside(trunk()))
        provider.ask("INVITE", "sip:1002@192.0.2.10", P_Asserted_Identity="<sip:+4930@provider.example>")
        invite = bob.request("INVITE")
        assert invite.headers.get("P-Asserted-Identity") == "<sip:+4930@provider.example>"

    def test_else_the_one_who_rings_for_it(self) -> None:
        _, _, bob, provider = connected(outside(trunk(ring="1002")))
        provider.ask("INVITE", "sip:4711@192.0.2.10", Route=f"<sip:{PROVIDER_HOST};lr>")
        invite = bob.request("INVITE")
        assert (invite.uri.user, invite.routes) == ("1002", [])

    def test_of_two_accounts_at_one_provider_the_one_that_is_called(self) -> None:
        second = trunk("second", ring="1002")
        second = replace(second, account=replace(second.account, user="4712"))
        _, alice, bob, provider = connected(outside(trunk(ring="1001"), second))
        provider.ask("INVITE", "sip:4712@192.0.2.10")
        assert (bob.request("INVITE").uri.user, alice.received()) == ("1002", [])

    @pytest.mark.parametrize("number", ["0301234", "+49301234", "49301234", "0049301234"])
    def test_by_a_number_that_is_another_name_of_a_user(self, number: str) -> None:
        board, _, bob, provider = connected(outside(trunk(), numbers=NumberSettings(country_code="49")))
        board.exchange.router.configure(RoutingTable(aliases=(("0301234", "1002"),)))
        provider.ask("INVITE", f"sip:{number}@192.0.2.10")
        assert bob.request("INVITE").uri.user == "1002"

    def test_by_the_address_that_a_translator_gave_us(self) -> None:
        _, _, bob, provider = connected(outside(trunk(ring="1002")))
        provider.ask("INVITE", "sip:4711@203.0.113.77:31000")
        assert bob.request("INVITE").uri.user == "1002"

    def test_from_another_machine_of_the_provider_as_a_stranger(self) -> None:
        board, _, bob, _ = connected(outside(trunk(ring="1002")))
        gateway = board.phone("gateway", "198.51.100.99")
        gateway.domain = "provider.example"
        gateway.ask("INVITE", "sip:4711@192.0.2.10", P_Asserted_Identity="<sip:1001@pbx.lan>")
        invite = bob.request("INVITE")
        assert (invite.uri.user, invite.headers.get("P-Asserted-Identity")) == ("1002", None)

    def test_it_gets_no_further_than_us(self) -> None:
        _, _, _, provider = connected(outside(trunk(), routes=(TrunkRoute("", "provider"),)))
        provider.ask("INVITE", "sip:0900123@192.0.2.10")
        assert provider.statuses() == [404]
        provider.ask("INVITE", "sip:0900123@elsewhere.example", Call_ID="2")
        assert provider.statuses() == [403]

    def test_who_pretends_to_be_a_user_has_to_prove_it(self) -> None:
        _, _, _, provider = connected(outside(trunk(), routes=(TrunkRoute("", "provider"),)))
        provider.ask("INVITE", "sip:0900123@192.0.2.10", From=f"<sip:1001@{DOMAIN}>;tag=x")
        assert provider.statuses() == [407]

    def test_it_may_ask_whether_we_live(self) -> None:
        _, _, _, provider = connected(outside(trunk()))
        provider.ask("OPTIONS", "sip:4711@192.0.2.10")
        assert provider.statuses() == [200]

    def test_requests_back_to_it_answer_challenges(self) -> None:
        _, _, bob, provider = connected(outside(trunk(ring="1002")))
        provider.ask("INVITE", "sip:4711@192.0.2.10", Contact=provider.contact)
        invite = bob.request("INVITE")
        bob.reply(invite, 200)
        ok = provider.response()
        provider.in_dialog("ACK", ok)
        bob.received()
        bye_of_bob = bob.in_dialog("BYE", invite)
        bye = provider.request("BYE")
        assert bye.cseq.number == bye_of_bob.cseq.number
        provider.challenge(bye)
        again = provider.request("BYE")
        assert provider.proves(again)
        assert again.cseq.number == bye.cseq.number + 1
        provider.reply(again, 200)
        assert bob.response().status == 200


def test_a_trunk_that_cannot_be_read_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    bad = trunk("bad", "no host at all")
    board, alice, _, provider = connected(outside(bad, trunk()))
    assert [line.trunk.name for line in board.exchange.trunks.lines] == ["provider"]
    assert "trunk bad is left out" in caplog.text
    alice.invite("0301234")
    assert provider.request("INVITE").uri.user == "0301234"


def test_the_memory_of_calls_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device.exchange.trunks.MAX_CALLS_REMEMBERED", 2)
    board, alice, _, provider = connected(outside(trunk()))
    for number in range(4):
        alice.call_id = f"call-{number}"
        alice.invite("0301234")
        invites = [one for one in provider.received() if isinstance(one, Request) and one.method == "INVITE"]
        invite = invites[-1]
        if "Proxy-Authorization" not in invite.headers:
            provider.challenge(invite, nonce=f"n{number}")
            invite = provider.request("INVITE")
        provider.reply(invite, 200)
        alice.in_dialog("ACK", alice.response())
        provider.received()
    assert len(board.exchange.trunks._legs) == 2


class TestSentOn:
    """Calls that aliases, groups and forwarding of the house send out by a trunk."""

    def configured(self, **table: object) -> tuple[Switchboard, Phone, Phone, Provider]:
        made = connected(outside(trunk()))
        made[0].exchange.router.configure(RoutingTable(**table))  # type: ignore[arg-type]
        return made

    def test_a_short_number_for_one_outside(self) -> None:
        _, alice, _, provider = self.configured(aliases=(("7", "0301234"),))
        alice.invite("7")
        invite, ok = answered(provider, alice)
        assert str(invite.uri) == f"sip:0301234@{PROVIDER_HOST}"
        assert (ok.status, ok.to.uri.user) == (200, "7")

    def test_it_is_as_forbidden_as_the_number(self) -> None:
        board, alice, _, provider = self.configured(aliases=(("7", "0301234"),))
        board.exchange.trunks.permissions = lambda _user: frozenset()
        _, (answer,) = alice.authorized("INVITE", f"sip:7@{DOMAIN}")
        assert isinstance(answer, Response)
        assert answer.status == 480
        assert provider.received() == []

    def test_strangers_get_out_by_no_alias(self) -> None:
        board, _, _, provider = self.configured(aliases=(("7", "0301234"),))
        stranger = board.phone("guest", "203.0.113.9")
        stranger.domain = "elsewhere.example"
        stranger.ask("INVITE", f"sip:7@{DOMAIN}")
        assert stranger.response().status == 480
        assert provider.received() == []

    def test_forwarding_goes_out_by_the_permissions_of_who_forwards(self) -> None:
        """Also for a caller who may call nobody outside, and for one from elsewhere."""
        board, _, bob, provider = self.configured(forwardings=(Forwarding("1002", busy="0301234"),))
        board.exchange.trunks.permissions = lambda user: None if user == "1002" else frozenset()
        stranger = board.phone("guest", "203.0.113.9")
        stranger.domain = "elsewhere.example"
        stranger.ask("INVITE", f"sip:1002@{DOMAIN}")
        bob.reply(bob.request("INVITE"), 486)
        invite, ok = answered(provider, stranger)
        assert str(invite.uri) == f"sip:0301234@{PROVIDER_HOST}"
        assert invite.headers.get("Diversion") == f"<sip:1002@{DOMAIN}>;reason=user-busy;counter=1"
        stranger.in_dialog("ACK", ok)
        assert provider.request("ACK").cseq.number == invite.cseq.number

    def test_and_not_beyond_them(self) -> None:
        board, alice, bob, provider = self.configured(forwardings=(Forwarding("1002", busy="0301234"),))
        board.exchange.trunks.permissions = lambda user: frozenset() if user == "1002" else None
        alice.invite("1002")
        bob.reply(bob.request("INVITE"), 486)
        assert alice.response().status == 486
        assert provider.received() == []
