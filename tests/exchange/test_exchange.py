"""The exchange as a whole: who may do what, registrations, dialogs, and what it does not let happen."""

import pytest

from device.exchange.exchange_events import BindingsChanged, CallForwarded
from device.model import Binding, Credential
from device.sip.auth_headers import parse_challenges
from device.sip.client_auth import ClientAuth
from device.sip.digest import authorize
from device.sip.hop import Hop
from device.sip.message import Request, Response
from tests.exchange.switchboard import (
    DOMAIN,
    OWN,
    UNIX_OFFSET_S,
    Phone,
    Switchboard,
    credential,
    settings,
    two_phones,
)

AOR_1001 = "sip:1001@pbx.lan"


def stranger(board: Switchboard) -> Phone:
    phone = board.phone("guest", "198.51.100.1")
    phone.domain = "elsewhere.example"
    return phone


def only_response(came: list[Request | Response]) -> Response:
    (response,) = came
    assert isinstance(response, Response)
    return response


class TestValidation:
    @pytest.mark.parametrize("uri", ["tel:1002", "sips:1002@pbx.lan", "urn:service:sos"])
    def test_another_scheme_than_sip(self, uri: str) -> None:
        phone = stranger(Switchboard())
        phone.ask("OPTIONS", uri)
        assert phone.statuses() == [416]

    def test_too_many_hops(self) -> None:
        board = Switchboard()
        _, bob = two_phones(board)
        phone = stranger(board)
        for method in ("INVITE", "OPTIONS"):
            phone.ask(method, "sip:1002@pbx.lan", Max_Forwards="0")
        assert phone.statuses() == [483, 483]
        assert bob.received() == []

    def test_the_last_hop_may_be_us(self) -> None:
        board = Switchboard()
        phone = board.phone("1001", "192.0.2.1")
        phone.ask("OPTIONS", "sip:pbx.lan", Max_Forwards="0")
        assert phone.statuses() == [200]
        assert phone.register(Max_Forwards="0").status == 200

    def test_unknown_extensions_of_proxies(self) -> None:
        phone = stranger(Switchboard())
        phone.ask("INVITE", "sip:1002@pbx.lan", Proxy_Require="privacy, sec-agree")
        response = phone.response()
        assert (response.status, response.tokens("Unsupported")) == (420, ["privacy", "sec-agree"])

    def test_a_route_that_is_no_sip_uri(self) -> None:
        phone = stranger(Switchboard())
        phone.ask("OPTIONS", "sip:1002@pbx.lan", Route="<tel:123>")
        assert phone.statuses() == [400]

    def test_a_lower_via_that_cannot_be_read(self) -> None:
        board = Switchboard()
        _, bob = two_phones(board)
        phone = stranger(board)
        request = phone.build("MESSAGE", "sip:1002@pbx.lan")
        request.headers.add("Via", "garbage")
        phone.send(request)
        assert phone.statuses() == [400]
        assert bob.received() == []

    def test_answers_name_the_exchange(self) -> None:
        phone = stranger(Switchboard())
        phone.ask("OPTIONS", "sip:pbx.lan")
        assert "offhook-exchange" in (phone.response().headers.get("Server") or "")

    def test_or_do_not(self) -> None:
        phone = stranger(Switchboard(settings(server="")))
        phone.ask("OPTIONS", "sip:pbx.lan")
        assert phone.response().headers.get("Server") is None


class TestItself:
    def test_options_tells_that_it_lives_and_asks_for_no_password(self) -> None:
        phone = Switchboard().phone("1001", "192.0.2.1")
        phone.ask("OPTIONS", f"sip:{DOMAIN}")
        response = phone.response()
        assert (response.status, "Allow" in response.headers) == (200, False)
        assert (response.headers.get("Accept"), response.headers.get("Supported")) == ("", "")
        assert (response.headers.get("Accept-Encoding"), response.headers.get("Accept-Language")) == ("identity", "en")
        assert response.to.tag

    @pytest.mark.parametrize(("method", "status"), [("INVITE", 405), ("MESSAGE", 405), ("WHATEVER", 501)])
    def test_it_takes_nothing_else(self, method: str, status: int) -> None:
        phone = Switchboard().phone("1001", "192.0.2.1")
        phone.ask(method, f"sip:{DOMAIN}")
        response = phone.response()
        assert (response.status, response.headers.get("Allow")) == (status, "OPTIONS, REGISTER")

    @pytest.mark.parametrize("method", ["OPTIONS", "REGISTER"])
    def test_it_knows_no_extension(self, method: str) -> None:
        phone = Switchboard().phone("1001", "192.0.2.1")
        phone.ask(method, f"sip:{DOMAIN}", Require="path")
        response = phone.response()
        assert (response.status, response.headers.get("Unsupported")) == (420, "path")

    def test_it_knows_itself_by_the_address_that_the_sender_uses(self) -> None:
        board = Switchboard()
        board.addresses["10.0.0.5"] = "10.0.0.1"
        phone = board.phone("1001", "10.0.0.5")
        phone.ask("OPTIONS", "sip:10.0.0.1")
        assert phone.statuses() == [200]
        phone.ask("OPTIONS", "sip:10.0.0.2")
        assert phone.statuses() == [407]


class TestWhoMayCall:
    def test_a_user_proves_who_he_is(self) -> None:
        board = Switchboard()
        alice, bob = two_phones(board)
        alice.ask("INVITE", "sip:1002@pbx.lan")
        response = alice.response()
        assert (response.status, bob.received()) == (407, [])
        challenges = parse_challenges(response.headers.get_all("Proxy-Authenticate"))
        assert [one.algorithm for one in challenges] == ["SHA-256", "MD5"]
        assert {(one.realm, one.qop) for one in challenges} == {(DOMAIN, ("auth",))}

    def test_a_wrong_password(self, caplog: pytest.LogCaptureFixture) -> None:
        board = Switchboard()
        _, bob = two_phones(board)
        mallory = board.phone("1001", "192.0.2.9")
        mallory.auth = ClientAuth(Credential("1001", password="guess"), board.ids)
        _, came = mallory.authorized("INVITE", "sip:1002@pbx.lan")
        assert only_response(came).status == 403
        assert bob.received() == []
        assert "wrong password for sip:1001@pbx.lan from udp:192.0.2.9:5060" in caplog.text

    def test_a_user_does_not_call_in_the_name_of_another(self) -> None:
        board = Switchboard()
        alice, bob = two_phones(board)
        _, came = alice.authorized("INVITE", "sip:1002@pbx.lan", From="<sip:1003@pbx.lan>;tag=x")
        response = only_response(came)
        assert (response.status, response.reason, bob.received()) == (403, "Not your address", [])

    def test_credentials_go_no_further_but_those_for_others_do(self) -> None:
        board = Switchboard()
        alice, bob = two_phones(board)
        other = 'Digest username="a", realm="other.example", nonce="n", uri="sip:x", response="0"'
        alice.ask("MESSAGE", "sip:1002@pbx.lan", Proxy_Authorization=other)
        _, challenge = parse_challenges(alice.response().headers.get_all("Proxy-Authenticate"))
        known = credential("1001")
        assert known is not None
        ours = authorize(challenge, known, "MESSAGE", "sip:1002@pbx.lan", cnonce="c")
        alice.ask("MESSAGE", "sip:1002@pbx.lan", Proxy_Authorization=f"{other}\n{ours}\nBasic eDp5")
        message = bob.request("MESSAGE")
        assert message.headers.get_all("Proxy-Authorization") == [other, "Basic eDp5"]

    def test_those_of_an_ack_and_of_a_bye_go_no_further_either(self) -> None:
        """An ACK bears what its INVITE bore (section 22.1): who is called could guess the password by it."""
        board = Switchboard()
        alice, bob = two_phones(board)
        sent = alice.invite("1002")
        invite = bob.request("INVITE")
        bob.reply(invite, 200)
        ours = sent.headers.get("Proxy-Authorization")
        assert ours is not None
        answer = alice.response()
        for method in ("ACK", "BYE"):
            alice.in_dialog(method, answer, Proxy_Authorization=f"{ours}\nDigest nonsense")
            came = bob.request(method)
            assert came.headers.get_all("Proxy-Authorization") == ["Digest nonsense"]

    def test_credentials_that_cannot_be_read(self) -> None:
        phone = Switchboard().phone("1001", "192.0.2.1")
        phone.ask("MESSAGE", "sip:1002@pbx.lan", Proxy_Authorization="Digest nonsense")
        assert phone.statuses() == [400]

    def test_a_name_that_is_no_text_is_nobody(self) -> None:
        board = Switchboard()
        phone = stranger(board)
        phone.ask("MESSAGE", "sip:%ff@pbx.lan")
        assert phone.statuses() == [480]
        alice = board.phone("1001", "192.0.2.1")
        alice.ask("REGISTER", "sip:pbx.lan", To=alice.address)
        _, challenge = parse_challenges(alice.response().headers.get_all("WWW-Authenticate"))
        known = credential("1001")
        assert known is not None
        proof = authorize(challenge, known, "REGISTER", "sip:pbx.lan", cnonce="c").replace('"1001"', '"\udcff"')
        alice.ask("REGISTER", "sip:pbx.lan", To=alice.address, Authorization=proof)
        assert alice.statuses() == [403]

    def test_a_stranger_may_call_a_user(self) -> None:
        board = Switchboard()
        _, bob = two_phones(board)
        phone = stranger(board)
        phone.ask("INVITE", "sip:1002@pbx.lan")
        bob.reply(bob.request("INVITE"), 200)
        assert phone.statuses() == [200]
        assert board.events[-1] == CallForwarded("sip:guest@elsewhere.example", "sip:1002@pbx.lan", 1)

    @pytest.mark.parametrize(
        ("uri", "route"),
        [
            ("sip:victim@203.0.113.7", ""),
            ("sip:victim@203.0.113.7", f"<sip:{OWN};lr>"),
            ("sip:1002@pbx.lan", "<sip:203.0.113.7;lr>"),
            ("sip:1002@pbx.lan", f"<sip:{OWN};lr>\n<sip:203.0.113.7;lr>"),
            ("sip:1002@pbx.lan;maddr=203.0.113.7", ""),
            (f"sip:{OWN};lr", f"<sip:{OWN};lr>\n<sip:victim@203.0.113.7>"),
        ],
    )
    @pytest.mark.parametrize("to_tag", ["", ";tag=feigned"])
    def test_a_stranger_gets_nothing_relayed(self, uri: str, route: str, to_tag: str) -> None:
        board = Switchboard()
        two_phones(board)
        phone = stranger(board)
        for method in ("INVITE", "MESSAGE", "BYE", "ACK", "REGISTER"):
            phone.ask(method, uri, Route=route, To=f"<sip:1002@pbx.lan>{to_tag}")
        *others, register = phone.statuses()
        assert set(others) == {403}
        assert register in (401, 403)
        assert not any(hop.host == "203.0.113.7" for hop, _ in board.sent)

    def test_the_seal_of_one_dialog_opens_no_other(self) -> None:
        board = Switchboard()
        _, bob = two_phones(board)
        phone = stranger(board)
        phone.ask("INVITE", "sip:1002@pbx.lan")
        bob.reply(bob.request("INVITE"), 200)
        route = str(phone.response().record_routes[0])
        for changes in ({"Call_ID": "other"}, {"From": "<sip:guest@elsewhere.example>;tag=other"}, {}):
            to = "<sip:x@203.0.113.7>" if not changes else "<sip:x@203.0.113.7>;tag=t"
            phone.ask("MESSAGE", "sip:x@203.0.113.7", Route=route, To=to, **changes)
            assert phone.statuses() == [403]

    def test_a_user_calls_out_and_is_called_back_in_the_dialog(self) -> None:
        board = Switchboard()
        alice, _ = two_phones(board)
        gateway = board.phone("gateway", "203.0.113.7")
        alice.authorized("INVITE", "sip:5551234@203.0.113.7")
        invite = gateway.request("INVITE")
        assert board.events[-1] == CallForwarded(AOR_1001, "sip:5551234@203.0.113.7", 1)
        gateway.reply(invite, 200)
        alice.in_dialog("ACK", alice.response())
        gateway.request("ACK")
        gateway.in_dialog("BYE", invite)
        alice.reply(alice.request("BYE"), 200)
        assert gateway.statuses() == [200]

    def test_a_user_follows_a_route_of_his_own(self) -> None:
        board = Switchboard()
        alice, _ = two_phones(board)
        gateway = board.phone("gateway", "203.0.113.7")
        alice.authorized("MESSAGE", "sip:x@far.example", Route=f"<sip:{OWN};lr>\n<sip:203.0.113.7;lr>")
        message = gateway.request("MESSAGE")
        assert (str(message.uri), [str(one) for one in message.routes]) == (
            "sip:x@far.example",
            ["<sip:203.0.113.7;lr>"],
        )

    def test_nobody_asserts_an_identity(self) -> None:
        board = Switchboard()
        _, bob = two_phones(board)
        stranger(board).ask("MESSAGE", "sip:1002@pbx.lan", P_Asserted_Identity="<sip:1003@pbx.lan>")
        assert bob.request("MESSAGE").headers.get("P-Asserted-Identity") is None

    def test_who_is_called_is_told_without_what_might_break_a_log(self) -> None:
        board = Switchboard(bindings=[Binding("sip:1\n2@pbx.lan", "sip:x@192.0.2.2", 2e6, "c", 1)])
        stranger(board).ask("INVITE", "sip:1%0A2@pbx.lan;x=y")
        assert board.events[-1] == CallForwarded("sip:guest@elsewhere.example", "sip:1%0A2@pbx.lan", 1)


class TestWhoIsCalled:
    def test_nobody_of_that_name(self) -> None:
        phone = stranger(Switchboard())
        phone.ask("INVITE", "sip:9999@pbx.lan")
        assert phone.statuses() == [480]

    def test_a_user_who_is_not_registered(self) -> None:
        phone = stranger(Switchboard())
        phone.ask("INVITE", "sip:1002@pbx.lan")
        assert phone.statuses() == [480]

    def test_a_user_whose_registration_is_over(self) -> None:
        board = Switchboard()
        _, bob = two_phones(board)
        board.advance(601)
        phone = stranger(board)
        phone.ask("INVITE", "sip:1002@pbx.lan")
        assert (phone.statuses(), bob.received()) == ([480], [])

    def test_a_domain_written_as_our_address_is_the_same(self) -> None:
        board = Switchboard()
        _, bob = two_phones(board)
        stranger(board).ask("MESSAGE", f"sip:1002@{OWN}:5060")
        assert bob.request("MESSAGE")

    def test_a_stored_contact_is_called_after_a_restart(self) -> None:
        kept = Binding("sip:1002@pbx.lan", "sip:1002@192.0.2.2", UNIX_OFFSET_S + 60, "c", 1)
        broken = Binding("sip:1002@pbx.lan", "sip:1002@192.0.2.4", UNIX_OFFSET_S + 60, "c", 1, received="nonsense")
        board = Switchboard(bindings=[kept, broken])
        stranger(board).ask("MESSAGE", "sip:1002@pbx.lan")
        for host in ("192.0.2.2", "192.0.2.4"):
            assert board.phone("1002", host).request("MESSAGE")


class TestRegistration:
    def test_from_challenge_to_removal(self) -> None:
        board = Switchboard()
        alice = board.phone("1001", "192.0.2.1")
        response = alice.register(Expires="120")
        assert response.headers.get_all("Contact") == ["<sip:1001@192.0.2.1:5060>;expires=120"]
        (told,) = board.events
        assert isinstance(told, BindingsChanged)
        assert (told.aor, [one.contact for one in told.bindings]) == (AOR_1001, ["sip:1001@192.0.2.1:5060"])
        board.advance(60)
        assert alice.register(Expires="120").headers.get_all("Contact") == ["<sip:1001@192.0.2.1:5060>;expires=120"]
        assert alice.register(Contact="").headers.get_all("Contact") == ["<sip:1001@192.0.2.1:5060>;expires=120"]
        board.events.clear()
        assert alice.register(Contact="*", Expires="0").headers.get_all("Contact") == []
        assert board.events == [BindingsChanged(AOR_1001, ())]
        board.advance(40)
        assert board.is_idle

    def test_who_is_registered_is_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("INFO")
        Switchboard().phone("1001", "192.0.2.1").register()
        assert "sip:1001@pbx.lan has 1 contact(s)" in caplog.text

    def test_what_was_stored_before_ends_too(self) -> None:
        stored = Binding(AOR_1001, "sip:1001@192.0.2.1", UNIX_OFFSET_S + 50, "c", 1)
        board = Switchboard(bindings=[stored])
        board.advance(51)
        assert board.events == [BindingsChanged(AOR_1001, ())]
        assert board.is_idle

    def test_a_clock_that_is_set_moves_what_is_stored_and_nothing_else(self) -> None:
        board = Switchboard()
        alice = board.phone("1001", "192.0.2.1")
        alice.register(Expires="120")
        board.events.clear()
        board.exchange.clock_set(1000.0, board.now)
        board.flush()
        (told,) = board.events
        assert isinstance(told, BindingsChanged)
        assert told.bindings[0].expires_at == UNIX_OFFSET_S + 1000 + 120
        board.events.clear()
        assert alice.register(Contact="").headers.get_all("Contact") == ["<sip:1001@192.0.2.1:5060>;expires=120"]
        board.advance(121)
        assert board.events == [BindingsChanged(AOR_1001, ())]

    def test_a_fetch_is_no_news(self) -> None:
        board = Switchboard()
        alice, _ = two_phones(board)
        board.events.clear()
        alice.register(Contact="")
        assert board.events == []

    def test_what_is_not_refreshed_ends_and_is_told(self) -> None:
        board = Switchboard()
        alice = board.phone("1001", "192.0.2.1")
        alice.register(Contact="<sip:1001@192.0.2.1>;expires=60\n<sip:1001@192.0.2.4>;expires=90")
        board.events.clear()
        board.advance(59.9)
        assert board.events == []
        board.advance(0.2)
        (told,) = board.events
        assert isinstance(told, BindingsChanged)
        assert [one.contact for one in told.bindings] == ["sip:1001@192.0.2.4"]
        board.advance(30.0)
        assert board.events[-1] == BindingsChanged(AOR_1001, ())
        board.advance(10.0)
        assert board.is_idle

    @pytest.mark.parametrize("user", ["1001", "nobody"])
    def test_without_the_password_a_user_is_like_nobody(self, user: str) -> None:
        board = Switchboard()
        phone = board.phone(user, "192.0.2.1")
        phone.auth = ClientAuth(Credential(user, password="guess"), board.ids)
        phone.ask("REGISTER", "sip:pbx.lan", To=phone.address)
        first = phone.response()
        assert (first.status, first.reason) == (401, "Unauthorized")
        second = phone.register()
        assert (second.status, second.reason) == (403, "Wrong user or password")
        assert board.exchange.location.everything() == []

    def test_a_user_registers_nobody_else(self) -> None:
        board = Switchboard()
        alice = board.phone("1001", "192.0.2.1")
        assert alice.register(To="<sip:1002@pbx.lan>").status == 403
        assert alice.register(To="<sip:1001@elsewhere.example>").status == 404
        assert board.exchange.location.everything() == []

    def test_an_old_nonce_is_renewed_without_a_question(self) -> None:
        board = Switchboard()
        alice = board.phone("1001", "192.0.2.1")
        alice.register()
        board.advance(400)
        before = len(board.sent)
        assert alice.register().status == 200
        challenge = board.sent[before][1].headers.get("WWW-Authenticate") or ""
        assert "stale=true" in challenge

    def test_another_domain_is_asked_for_a_user_of_ours_only(self) -> None:
        board = Switchboard()
        stranger(board).ask("REGISTER", "sip:203.0.113.7")
        assert board.sent[-1][1].status == 403  # type: ignore[union-attr]
        alice = board.phone("1001", "192.0.2.1")
        alice.authorized("REGISTER", "sip:203.0.113.7", To=alice.address)
        request = board.phone("x", "203.0.113.7").request("REGISTER")
        assert request.headers.get("Record-Route") is None

    def test_a_user_who_is_removed_is_called_no_more(self) -> None:
        board = Switchboard()
        _, bob = two_phones(board)
        board.events.clear()
        board.exchange.forget_user("1002", board.now)
        board.exchange.forget_user("nobody", board.now)
        board.flush()
        assert board.events == [BindingsChanged("sip:1002@pbx.lan", ())]
        stranger(board).ask("INVITE", "sip:1002@pbx.lan")
        assert bob.received() == []


class TestWaysToPhones:
    def test_a_phone_with_tcp_is_called_and_spoken_to_over_its_connection(self) -> None:
        board = Switchboard()
        alice = board.phone("1001", "192.0.2.1")
        bob = board.phone("1002", "192.0.2.2", 40001, "TCP")
        assert alice.register().status == bob.register().status == 200
        alice.invite("1002")
        invite = bob.request("INVITE")
        assert str(invite.uri) == "sip:1002@192.0.2.2:5060;transport=tcp"
        routes = [str(route) for route in invite.record_routes]
        assert len(routes) == 2
        assert f"sip:{OWN}:5060;transport=tcp;lr" in routes[0]
        bob.reply(invite, 200)
        answer = alice.response()
        alice.in_dialog("ACK", answer)
        assert bob.request("ACK").routes == []
        alice.in_dialog("BYE", answer)
        bye = bob.request("BYE")
        bob.reply(bye, 200)
        assert alice.statuses() == [200]

    def test_what_dns_chose_is_what_record_route_says(self) -> None:
        """Which transport, and which of our addresses, is known when the name has been looked up, and not before."""
        board = Switchboard()
        alice, _ = two_phones(board)
        board.addresses["198.51.100.7"] = "198.51.100.1"
        board.names["far.example"] = [Hop("TLS", "198.51.100.7", 5061)]
        alice.authorized("INVITE", "sip:x@far.example")
        (invite,) = board.take(Hop("TLS", "198.51.100.7", 5061))
        assert [str(route.uri.without_param("seal")) for route in invite.record_routes] == [
            "sip:198.51.100.1:5060;transport=tls;lr",
            f"sip:{OWN}:5060;lr",
        ]

    def test_a_message_too_large_for_udp_takes_its_record_route_along(self) -> None:
        """It goes by TCP (RFC 3261 section 18.1.1), and by UDP with another value where TCP is refused."""
        board = Switchboard()
        alice, bob = two_phones(board)
        request = alice.auth.authorize(alice.build("INVITE", "sip:1002@pbx.lan"))
        request.body = b"v" * 1400
        request.headers.set("Content-Length", "1400")
        alice.send(request)
        again = alice.auth.challenge_received(alice.response(), request)
        assert again is not None
        again.headers.prepend("Via", alice.via())
        alice.send(again)
        by_tcp = bob.request("INVITE")
        assert by_tcp.top_via.transport == "TCP"
        assert [route.uri.transport for route in by_tcp.record_routes] == ["tcp", None]
        board.endpoint.receive_transport_error(Hop("TCP", "192.0.2.2", 5060), board.now, "connection refused")
        by_udp = bob.request("INVITE")
        assert by_udp.top_via.transport == "UDP"
        assert [route.uri.transport for route in by_udp.record_routes] == [None]

    def test_a_phone_behind_nat_is_reached_where_it_came_from(self) -> None:
        board = Switchboard()
        alice = board.phone("1001", "192.0.2.1")
        bob = board.phone("1002", "203.0.113.5", 31000)
        bob.contact = "<sip:1002@10.0.0.7:5060>"
        inside = "SIP/2.0/UDP 10.0.0.7:5060;branch=z9hG4bK-nat{};rport"
        alice.register()
        bob.ask("REGISTER", "sip:pbx.lan", To=bob.address, Via=inside.format(1))
        challenged = bob.response()
        again = bob.auth.challenge_received(challenged, bob.build("REGISTER", "sip:pbx.lan", To=bob.address))
        assert again is not None
        again.headers.prepend("Via", inside.format(2))
        bob.send(again)
        assert bob.statuses() == [200]
        alice.invite("1002")
        invite = bob.request("INVITE")
        assert str(invite.uri) == "sip:1002@10.0.0.7:5060"
        bob.reply(invite, 200)
        answer = alice.response()
        alice.in_dialog("ACK", answer)
        bob.request("ACK")
        alice.in_dialog("INFO", answer)
        bob.reply(bob.request("INFO"), 200)
        assert alice.statuses() == [200]

    def test_another_contact_in_the_dialog_is_taken_at_its_word(self) -> None:
        board = Switchboard()
        alice, bob = two_phones(board)
        alice.invite("1002")
        invite = bob.request("INVITE")
        bob.reply(invite, 200, Contact="<sip:conference@192.0.2.77>")
        alice.in_dialog("ACK", alice.response())
        board.phone("x", "192.0.2.77").request("ACK")

    def test_a_peer_that_gives_its_address_of_record_as_contact_is_looked_up(self) -> None:
        board = Switchboard()
        alice, bob = two_phones(board)
        alice.invite("1002")
        bob.reply(bob.request("INVITE"), 200, Contact="<sip:1002@pbx.lan>")
        answer = alice.response()
        alice.in_dialog("ACK", answer)
        bob.request("ACK")
        alice.in_dialog("BYE", answer)
        assert str(bob.request("BYE").uri) == "sip:1002@192.0.2.2:5060"
        board.exchange.forget_user("1002", board.now)
        alice.in_dialog("INFO", answer)
        assert alice.statuses() == [480]


class TestDialogs:
    def test_within_a_dialog_nobody_is_asked_again(self) -> None:
        board = Switchboard()
        alice, bob = two_phones(board)
        alice.invite("1002")
        invite = bob.request("INVITE")
        bob.reply(invite, 200)
        answer = alice.response()
        alice.in_dialog("ACK", answer)
        bob.received()
        events = len(board.events)
        alice.in_dialog("INVITE", answer)
        again = bob.request("INVITE")
        assert again.record_routes
        bob.reply(again, 488)
        assert alice.statuses() == [488]
        for method in ("INFO", "UPDATE", "REFER", "NOTIFY", "MESSAGE"):
            bob.in_dialog(method, invite)
            alice.reply(alice.request(method), 200)
        assert bob.statuses() == [200] * 5
        assert len(board.events) == events

    def test_a_restart_with_the_same_secret_ends_no_dialog(self) -> None:
        before = Switchboard(secret="kept")
        alice, bob = two_phones(before)
        alice.invite("1002")
        invite = bob.request("INVITE")
        after = Switchboard(secret="kept", prefix="later-")
        alice.board = bob.board = after
        bob.in_dialog("BYE", invite)
        assert alice.request("BYE")

    def test_without_it_the_sender_has_to_prove_himself(self) -> None:
        before = Switchboard()
        alice, bob = two_phones(before)
        alice.invite("1002")
        invite = bob.request("INVITE")
        after = Switchboard(prefix="later-")
        alice.board = bob.board = after
        bob.in_dialog("BYE", invite)
        assert bob.statuses() == [407]

    def test_an_ack_without_route_still_reaches_a_user_of_ours(self) -> None:
        board = Switchboard()
        _, bob = two_phones(board)
        phone = stranger(board)
        phone.ask("ACK", "sip:1002@pbx.lan", To="<sip:1002@pbx.lan>;tag=x")
        assert str(bob.request("ACK").uri) == "sip:1002@192.0.2.2:5060"

    def test_also_by_another_address_of_ours(self) -> None:
        board = Switchboard()
        _, bob = two_phones(board)
        board.addresses["198.51.100.1"] = "198.51.100.10"
        stranger(board).ask("ACK", "sip:1002@198.51.100.10", To="<sip:1002@pbx.lan>;tag=x")
        assert bob.request("ACK")

    @pytest.mark.parametrize(
        ("uri", "headers"),
        [
            ("sip:1002@pbx.lan", {"Max_Forwards": "0"}),
            ("sip:9999@pbx.lan", {}),
            ("sip:x@203.0.113.7", {}),
            ("tel:123", {}),
            ("sip:1002@pbx.lan", {"Route": "<tel:123>"}),
        ],
    )
    def test_an_ack_that_leads_nowhere_is_dropped(self, uri: str, headers: dict[str, str]) -> None:
        board = Switchboard()
        two_phones(board)
        before = len(board.sent)
        stranger(board).ask("ACK", uri, To="<sip:1002@pbx.lan>;tag=x", **headers)
        board.flush()
        assert len(board.sent) == before

    def test_what_a_strict_router_made_of_the_route_is_repaired(self) -> None:
        board = Switchboard()
        alice, bob = two_phones(board)
        alice.invite("1002")
        invite = bob.request("INVITE")
        bob.reply(invite, 200)
        answer = alice.response()
        own, target = answer.record_routes[0].uri, answer.contacts[0].uri
        alice.ask("BYE", str(own), Route=f"<{target}>", To=str(answer.to))
        assert str(bob.request("BYE").uri) == str(target)


class TestStrangeEvents:
    def test_responses_that_belong_to_nothing_are_dropped(self) -> None:
        board = Switchboard()
        for via in (f"SIP/2.0/UDP {OWN}:5060;branch=z9hG4bKx", "SIP/2.0/UDP 192.0.2.77;branch=z9hG4bKx"):
            response = Response(200)
            for name, value in (
                ("Via", via),
                ("Via", "SIP/2.0/UDP 203.0.113.7;branch=z9hG4bKy"),
                ("From", "<sip:a@pbx.lan>;tag=1"),
                ("To", "<sip:b@pbx.lan>;tag=2"),
                ("Call-ID", "c"),
                ("CSeq", "1 INVITE"),
            ):
                response.headers.add(name, value)
            board.receive(response.encode(), Hop("UDP", "198.51.100.1", 5060))
        assert board.sent == []

    def test_a_caller_who_never_acknowledges_is_forgotten(self) -> None:
        board = Switchboard(bindings=[])
        phone = stranger(board)
        phone.ask("INVITE", "sip:9999@pbx.lan")
        board.advance(40.0)
        assert board.is_idle
