"""Registrations, as the registrar and the owner see them."""

import pytest

from device.model import Credential
from device.sip.digest import ha1, seal
from device.sip.errors import SipStateError
from device.sip.events import RealmLearnt, RegistrationChanged, RegistrationState
from device.sip.hop import Hop
from device.sip.message import Request
from device.sip.settings import UserAgentSettings
from tests.support.sip_bench import OFFICE, PEER, PEER_STREAM, Bench, office

S = RegistrationState
OWN = "<sip:1001@192.0.2.1:5060>"
CHALLENGE = 'Digest realm="pbx", nonce="n1", algorithm=MD5, qop="auth"'


@pytest.fixture
def bench() -> Bench:
    return Bench(account=office())


def start(bench: Bench) -> Request:
    bench.agent.start_registration(OFFICE, bench.now)
    return bench.sent_request("REGISTER")


def accept(bench: Bench, register: Request, contact: str = OWN + ";expires=600", **headers: str) -> None:
    bench.reply(register, 200, Contact=contact, **headers)


def registered(bench: Bench, contact: str = OWN + ";expires=600") -> Request:
    register = start(bench)
    accept(bench, register, contact)
    bench.events()
    return register


def states(bench: Bench) -> list[RegistrationState]:
    return [event.state for event in bench.events() if isinstance(event, RegistrationChanged)]


def last(bench: Bench) -> RegistrationChanged:
    return [event for event in bench.events() if isinstance(event, RegistrationChanged)][-1]


def pause(bench: Bench) -> float:
    """Seconds until the next REGISTER, which is sent."""
    since = bench.now
    at = bench.endpoint.next_timeout()
    while "REGISTER" not in bench.methods():
        assert at is not None
        bench.advance(at - bench.now)
        at = bench.endpoint.next_timeout()
    return bench.now - since


def test_registering(bench: Bench) -> None:
    register = start(bench)
    assert str(register.uri) == "sip:192.0.2.2"
    assert str(register.to) == '"Office" <sip:1001@192.0.2.2>'
    assert register.from_.tag
    assert [str(contact) for contact in register.contacts] == [OWN]
    assert register.expires == 600
    accept(bench, register)
    assert bench.events() == [
        RegistrationChanged(OFFICE, S.REGISTERING, 0, "", 0, None),
        RegistrationChanged(OFFICE, S.REGISTERED, 200, "registered", 600, 525.0),
    ]


def test_refreshing_with_the_same_call_id_and_rising_cseq(bench: Bench) -> None:
    first = registered(bench)
    bench.advance(524.9)
    assert bench.methods() == []
    bench.advance(0.1)
    second = bench.sent_request("REGISTER")
    assert second.call_id == first.call_id
    assert second.cseq.number == first.cseq.number + 1
    accept(bench, second)
    assert bench.events() == [], "a refresh that changes nothing is no news"
    bench.advance(525)
    accept(bench, bench.sent_request("REGISTER"), OWN + ";expires=100")
    assert last(bench) == RegistrationChanged(OFFICE, S.REGISTERED, 200, "registered", 100, 50.0)


@pytest.mark.parametrize(
    ("contact", "expires", "after"),
    [
        (OWN + ";expires=40", "", 20.0),
        (OWN + ";expires=3600", "", 525.0),
        (OWN, "100", 50.0),
        (OWN, "", 525.0),
        ("", "100", 50.0),
        ("<sip:1001@203.0.113.7:1024>;expires=5, <SIP:1001@192.0.2.1:5060;x=y>;expires=80", "", 40.0),
        ("<sip:1001@203.0.113.7:1024>;expires=90", "", 45.0),
        ("<sip:1001@203.0.113.7>;expires=5, <sip:1001@203.0.113.8>;expires=7", "", 525.0),
        ("<sip:1001@203.0.113.7>;expires=5, <sip:1001@192.0.2.1:5060;transport=udp>;expires=80", "", 40.0),
    ],
)
def test_the_lifetime_is_that_of_our_own_binding(bench: Bench, contact: str, expires: str, after: float) -> None:
    accept(bench, start(bench), contact, Expires=expires)
    assert last(bench).next_attempt_s == after


def test_a_challenge_is_answered_and_the_realm_told_once(bench: Bench) -> None:
    register = start(bench)
    bench.reply(register, 401, WWW_Authenticate=CHALLENGE)
    again = bench.sent_request("REGISTER")
    assert again.cseq.number == register.cseq.number + 1
    assert 'username="1001"' in (again.headers.get("Authorization") or "")
    accept(bench, again)
    assert [one.sealed for one in bench.events() if isinstance(one, RealmLearnt)] == [seal("1001", "pbx", "secret")]
    bench.advance(525)
    refresh = bench.sent_request("REGISTER")
    assert "nc=00000002" in (refresh.headers.get("Authorization") or ""), "sent authorised at once"
    bench.reply(refresh, 401, WWW_Authenticate=CHALLENGE.replace("n1", "n2") + ", stale=true")
    accept(bench, bench.sent_request("REGISTER"))
    assert bench.events() == []


def test_a_sealed_secret_needs_no_realm_told() -> None:
    bench = Bench()
    sealed = (("MD5", ha1("MD5", "1001", "pbx", "secret")),)
    bench.agent.add_account(office(), Credential("1001", "pbx", sealed))
    bench.reply(start(bench), 401, WWW_Authenticate=CHALLENGE)
    accept(bench, bench.sent_request("REGISTER"))
    assert states(bench) == [S.REGISTERING, S.REGISTERED]


def test_a_wrong_password_is_tried_again_slowly(bench: Bench) -> None:
    bench.reply(start(bench), 401, WWW_Authenticate=CHALLENGE)
    bench.reply(bench.sent_request("REGISTER"), 401, WWW_Authenticate=CHALLENGE.replace("n1", "n2"))
    failed = last(bench)
    assert (failed.state, failed.status) == (S.FAILED, 401)
    assert failed.text.startswith("the server refused user 1001's password; check user name and password")
    assert 270 <= pause(bench) <= 300


def test_a_missing_password() -> None:
    bench = Bench()
    bench.agent.add_account(office(), None)
    bench.reply(start(bench), 401, WWW_Authenticate=CHALLENGE)
    assert last(bench).text == "the server asks for a password for realm 'pbx', but user 1001 has none here; set one"


def challenged(bench: Bench, register: Request, realm: str, nonce: str = "n1", status: int = 401) -> Request:
    """Challenge a REGISTER; gives the one that answers."""
    name = "Proxy_Authenticate" if status == 407 else "WWW_Authenticate"
    bench.reply(register, status, **{name: f'Digest realm="{realm}", nonce="{nonce}", algorithm=MD5, qop="auth"'})
    return bench.sent_request("REGISTER")


def test_a_nonce_that_is_stale_at_its_first_use_is_replaced_while_the_secret_is_pending(bench: Bench) -> None:
    again = challenged(bench, start(bench), "pbx")
    bench.reply(again, 401, WWW_Authenticate=CHALLENGE.replace("n1", "n2") + ", stale=true")
    accept(bench, bench.sent_request("REGISTER"))
    assert states(bench) == [S.REGISTERING, S.REGISTERED]


def test_a_proxy_and_a_registrar_of_different_realms(bench: Bench) -> None:
    again = challenged(bench, challenged(bench, start(bench), "proxy", "p1", 407), "pbx")
    assert 'realm="proxy"' in (again.headers.get("Proxy-Authorization") or "")
    assert 'realm="pbx"' in (again.headers.get("Authorization") or "")
    accept(bench, again)
    learnt = [event.sealed for event in bench.events() if isinstance(event, RealmLearnt)]
    assert learnt == [seal("1001", "proxy", "secret"), seal("1001", "pbx", "secret")]

    # After a restart with what was sealed.
    kept = learnt[0].with_realm("pbx", learnt[1].ha1)
    restarted = Bench()
    restarted.agent.add_account(office(), kept)
    accept(restarted, challenged(restarted, challenged(restarted, start(restarted), "proxy", "p1", 407), "pbx"))
    assert states(restarted) == [S.REGISTERING, S.REGISTERED]


def test_a_realm_that_the_password_was_never_hashed_for() -> None:
    bench = Bench()
    bench.agent.add_account(office(), seal("1001", "proxy", "secret"))
    bench.reply(challenged(bench, start(bench), "proxy", "p1", 407), 401, WWW_Authenticate=CHALLENGE)
    assert last(bench).text == (
        "no password for realm 'pbx', only for 'proxy': enter it again with `offhook account set office --password`"
    )
    bench.agent.add_account(office(), Credential("1001", password="secret"))
    accept(bench, start(bench))
    learnt = [event.sealed.realm for event in bench.events() if isinstance(event, RealmLearnt)]
    assert learnt == ["proxy", "pbx"], "the realm that is still in use and the one that was missed"


def test_a_server_that_asks_for_what_cannot_be_answered(bench: Bench) -> None:
    bench.reply(start(bench), 401, WWW_Authenticate='Basic realm="pbx"')
    assert last(bench).text.startswith("the server asks for a password in a way that cannot be answered here")


def test_a_redirection_is_followed_and_the_next_registration_begins_at_home(bench: Bench) -> None:
    bench.reply(start(bench), 302, Contact="<sip:1001@198.51.100.9:5070>;q=0.9, <sip:198.51.100.1>;q=0.1")
    elsewhere = bench.sent_request("REGISTER")
    assert (str(elsewhere.uri), str(elsewhere.to.uri)) == ("sip:198.51.100.9:5070", "sip:1001@192.0.2.2")
    assert bench.hops == [Hop("UDP", "198.51.100.9", 5070)]
    accept(bench, elsewhere)
    assert states(bench) == [S.REGISTERING, S.REGISTERED]
    bench.advance(525)
    refresh = bench.sent_request("REGISTER")
    assert str(refresh.uri) == "sip:192.0.2.2"
    bench.reply(refresh, 301, Contact="<sip:198.51.100.9:5070>")
    accept(bench, bench.sent_request("REGISTER"))
    bench.agent.stop_registration(OFFICE, bench.now)
    bench.reply(bench.sent_request("REGISTER"), 302, Contact="<sip:198.51.100.9:5070>")
    end = bench.sent_request("REGISTER")
    assert (str(end.uri), end.expires) == ("sip:198.51.100.9:5070", 0)
    bench.reply(end, 200)
    assert states(bench) == [S.UNREGISTERING, S.UNREGISTERED]


def test_redirections_do_not_go_round(bench: Bench) -> None:
    bench.reply(start(bench), 302, Contact="<sip:198.51.100.9>")
    bench.reply(bench.sent_request("REGISTER"), 302, Contact="<sip:192.0.2.2>")
    failed = last(bench)
    assert bench.methods() == []
    assert (failed.state, failed.status) == (S.FAILED, 302)
    assert 270 <= (failed.next_attempt_s or 0) <= 300
    assert "sends them on again (302 Moved Temporarily)" in failed.text


@pytest.mark.parametrize("contact", ["", "<tel:+441234>", "<sip:1001@192.0.2.2>"])
def test_a_redirection_to_nowhere(bench: Bench, contact: str) -> None:
    bench.reply(start(bench), 302, Contact=contact)
    assert "names no other that can be asked" in last(bench).text
    assert bench.methods() == []


def test_too_brief_a_registration_is_made_longer(bench: Bench) -> None:
    bench.reply(start(bench), 423, Min_Expires="1800")
    again = bench.sent_request("REGISTER")
    assert again.expires == 1800
    accept(bench, again, OWN + ";expires=1800")
    assert states(bench) == [S.REGISTERING, S.REGISTERED]


@pytest.mark.parametrize("least", ["", "600", "many"])
def test_too_brief_without_a_longer_time_is_a_refusal(bench: Bench, least: str) -> None:
    bench.reply(start(bench), 423, Min_Expires=least)
    assert (last(bench).state, bench.methods()) == (S.FAILED, [])


def test_pauses_double_up_to_the_cap_and_never_end(bench: Bench) -> None:
    start(bench)
    pauses = []
    for _ in range(12):
        bench.endpoint.receive_transport_error(PEER, bench.now, "network is unreachable")
        event = last(bench)
        assert (event.state, event.status) == (S.FAILED, 503)
        pauses.append(event.next_attempt_s)
        assert pause(bench) == pytest.approx(event.next_attempt_s)
    for number, seconds in enumerate(pauses):
        assert seconds is not None
        assert min(30, 2**number) <= seconds <= min(60, 2 * 2**number)
    assert len(set(pauses)) == 12, "phones that failed together do not come back together"


def test_a_success_starts_the_pauses_from_the_beginning(bench: Bench) -> None:
    start(bench)
    for _ in range(5):
        bench.endpoint.receive_transport_error(PEER, bench.now, "gone")
        pause(bench)
    bench.agent.network_changed(bench.now)
    accept(bench, bench.sent_request("REGISTER"))
    bench.advance(525)
    bench.events()
    bench.endpoint.receive_transport_error(PEER, bench.now, "gone")
    failed = last(bench)
    assert failed.next_attempt_s is not None
    assert 1.0 <= failed.next_attempt_s <= 2.0


def test_silence(bench: Bench) -> None:
    start(bench)
    bench.advance(32)
    failed = last(bench)
    assert (failed.state, failed.status, failed.text) == (S.FAILED, 408, "no answer from the network")


def test_a_retry_after_that_cannot_be_read_counts_for_nothing(bench: Bench) -> None:
    bench.reply(start(bench), 500, Retry_After="soon")
    assert (last(bench).next_attempt_s or 99) <= 2


def test_a_server_that_keeps_nothing_is_tried_again(bench: Bench) -> None:
    accept(bench, start(bench), OWN + ";expires=0")
    assert last(bench).text == "the server accepted the registration but does not keep it"


# Stopping.


def test_taking_the_registration_back(bench: Bench) -> None:
    registered(bench)
    bench.agent.stop_registration(OFFICE, bench.now)
    bench.agent.stop_registration(OFFICE, bench.now)
    last_register = bench.sent_request("REGISTER")
    assert last_register.expires == 0
    assert [str(contact) for contact in last_register.contacts] == [OWN]
    bench.reply(last_register, 200)
    assert states(bench) == [S.UNREGISTERING, S.UNREGISTERED]
    bench.advance(1000)
    assert bench.methods() == []


@pytest.mark.parametrize("status", [403, 500, 423])
def test_a_server_that_does_not_let_go(bench: Bench, status: int) -> None:
    registered(bench)
    bench.agent.stop_registration(OFFICE, bench.now)
    bench.reply(bench.sent_request("REGISTER"), status)
    assert states(bench) == [S.UNREGISTERING, S.UNREGISTERED]


def test_the_wait_for_the_end_is_bounded(bench: Bench) -> None:
    registered(bench)
    bench.agent.stop_registration(OFFICE, bench.now)
    bench.advance(3.9)
    assert states(bench) == [S.UNREGISTERING]
    bench.advance(0.1)
    assert states(bench) == [S.UNREGISTERED]


def test_stopping_waits_for_the_open_register(bench: Bench) -> None:
    register = start(bench)
    bench.agent.stop_registration(OFFICE, bench.now)
    bench.agent.stop_registration(OFFICE, bench.now)
    bench.agent.network_changed(bench.now)
    assert bench.methods() == []
    accept(bench, register)
    final = bench.sent_request("REGISTER")
    assert final.expires == 0
    bench.reply(final, 200)
    assert states(bench) == [S.REGISTERING, S.UNREGISTERING, S.UNREGISTERED]


@pytest.mark.parametrize("status", [403, 500, 423])
def test_stopping_while_the_open_register_fails(bench: Bench, status: int) -> None:
    register = start(bench)
    bench.agent.stop_registration(OFFICE, bench.now)
    bench.reply(register, status)
    assert states(bench)[-1] is S.UNREGISTERED
    assert bench.methods() == []


def test_stopping_while_the_open_register_has_no_answer(bench: Bench) -> None:
    start(bench)
    bench.agent.stop_registration(OFFICE, bench.now)
    bench.advance(4)
    assert states(bench)[-1] is S.UNREGISTERED


def test_stopping_while_waiting_for_the_next_attempt(bench: Bench) -> None:
    bench.reply(start(bench), 403)
    bench.agent.stop_registration(OFFICE, bench.now)
    assert states(bench)[-1] is S.UNREGISTERED
    assert bench.methods() == []
    bench.agent.stop_registration(OFFICE, bench.now)
    assert states(bench) == [S.UNREGISTERED]


def test_stopping_while_a_refresh_fails_removes_the_old_binding(bench: Bench) -> None:
    registered(bench)
    bench.advance(525)
    bench.reply(bench.sent_request("REGISTER"), 500)
    bench.agent.stop_registration(OFFICE, bench.now)
    assert bench.sent_request("REGISTER").expires == 0


def test_starting_again_while_stopping(bench: Bench) -> None:
    register = start(bench)
    bench.agent.stop_registration(OFFICE, bench.now)
    bench.agent.start_registration(OFFICE, bench.now)
    accept(bench, register)
    bench.agent.stop_registration(OFFICE, bench.now)
    bench.sent()
    bench.agent.start_registration(OFFICE, bench.now)
    again = bench.sent_request("REGISTER")
    assert again.expires == 600
    accept(bench, again)
    assert states(bench)[-2:] == [S.REGISTERING, S.REGISTERED]
    bench.advance(10)
    assert states(bench) == []


def test_starting_twice_registers_once_and_again_when_registered(bench: Bench) -> None:
    register = start(bench)
    bench.agent.start_registration(OFFICE, bench.now)
    assert bench.methods() == []
    accept(bench, register)
    bench.agent.start_registration(OFFICE, bench.now)
    bench.agent.start_registration(OFFICE, bench.now)
    assert bench.methods() == ["REGISTER"]


def test_a_new_start_does_not_wait_for_the_pause(bench: Bench) -> None:
    bench.reply(start(bench), 403)
    bench.sent()
    bench.agent.start_registration(OFFICE, bench.now)
    assert bench.methods() == ["REGISTER"]


def test_an_account_that_does_not_exist(bench: Bench) -> None:
    with pytest.raises(SipStateError, match="add it first"):
        bench.agent.start_registration("gone", bench.now)  # type: ignore[arg-type]
    bench.agent.stop_registration("gone", bench.now)  # type: ignore[arg-type]
    bench.agent.remove_account("gone", bench.now)  # type: ignore[arg-type]


# The network.


def test_a_changed_network_registers_at_once(bench: Bench) -> None:
    registered(bench)
    bench.agent.network_changed(bench.now)
    accept(bench, bench.sent_request("REGISTER"))
    bench.agent.network_changed(bench.now)
    bench.agent.network_changed(bench.now)
    first, second = bench.sent()
    accept(bench, first)  # type: ignore[arg-type]
    assert bench.events() == [], "the answer to the older one came by the older network"
    accept(bench, second)  # type: ignore[arg-type]
    bench.advance(524)
    assert len(bench.methods()) == 0


def test_a_changed_network_cuts_the_pause_short(bench: Bench) -> None:
    bench.reply(start(bench), 500)
    bench.sent()
    bench.agent.network_changed(bench.now)
    assert bench.methods() == ["REGISTER"]


def test_a_changed_network_while_registering(bench: Bench) -> None:
    start(bench)
    bench.agent.network_changed(bench.now)
    accept(bench, bench.sent_request("REGISTER"))
    assert states(bench) == [S.REGISTERING, S.REGISTERED]


def test_a_changed_network_is_nothing_to_an_account_at_rest(bench: Bench) -> None:
    registered(bench)
    bench.agent.stop_registration(OFFICE, bench.now)
    bench.reply(bench.sent_request("REGISTER"), 200)
    bench.agent.network_changed(bench.now)
    assert bench.methods() == []


def behind_nat(register: Request, seen: str = "203.0.113.9", port: int = 40000) -> Request:
    """The request as a server sees it from outside."""
    seen_request = register.copy()
    via = register.top_via.with_param("received", seen).with_param("rport", str(port))
    seen_request.headers.set("Via", str(via))
    return seen_request


def test_the_public_address_is_learnt_and_registered(bench: Bench) -> None:
    accept(bench, behind_nat(start(bench)))
    moved = bench.sent_request("REGISTER")
    assert [str(contact) for contact in moved.contacts] == ["<sip:1001@203.0.113.9:40000>", OWN + ";expires=0"]
    accept(bench, behind_nat(moved), "<sip:1001@203.0.113.9:40000>;expires=600")
    assert bench.methods() == []
    bench.advance(525)
    assert [str(one) for one in bench.sent_request("REGISTER").contacts] == ["<sip:1001@203.0.113.9:40000>"]
    bench.agent.network_changed(bench.now)
    contacts = bench.sent_request("REGISTER").contacts
    assert [str(one) for one in contacts] == [OWN, "<sip:1001@203.0.113.9:40000>;expires=0"]


def test_an_address_that_changes_each_time_is_followed_once_a_refresh(bench: Bench) -> None:
    accept(bench, behind_nat(start(bench), port=40000))
    accept(bench, behind_nat(bench.sent_request("REGISTER"), port=40001))
    assert bench.methods() == []


@pytest.mark.parametrize(
    "settings", [UserAgentSettings(learn_contact=False), UserAgentSettings(advertised_address="phone.example.org")]
)
def test_learning_can_be_turned_off(settings: UserAgentSettings) -> None:
    bench = Bench(settings, account=office())
    accept(bench, behind_nat(start(bench)))
    assert bench.methods() == []


# Several accounts, removal.


def test_an_account_that_is_removed_unregisters_and_is_forgotten(bench: Bench) -> None:
    registered(bench)
    bench.agent.remove_account(OFFICE, bench.now)
    bench.reply(bench.sent_request("REGISTER"), 200)
    assert states(bench) == [S.UNREGISTERING, S.UNREGISTERED]
    bench.agent.network_changed(bench.now)
    assert bench.methods() == []
    assert bench.endpoint.next_timeout() is not None


def test_an_account_that_is_removed_at_rest_is_forgotten_at_once(bench: Bench) -> None:
    bench.reply(start(bench), 403)
    bench.agent.remove_account(OFFICE, bench.now)
    assert states(bench)[-1] is S.UNREGISTERED


def test_an_account_that_comes_back_while_it_leaves(bench: Bench) -> None:
    registered(bench)
    bench.agent.remove_account(OFFICE, bench.now)
    leaving = bench.sent_request("REGISTER")
    bench.agent.add_account(office(), Credential("1001", password="secret"))
    returning = start(bench)
    assert returning.call_id == leaving.call_id
    assert returning.cseq.number > leaving.cseq.number
    bench.reply(leaving, 200)
    accept(bench, returning)
    assert states(bench)[-1] is S.REGISTERED
    bench.advance(525)
    assert bench.methods() == ["REGISTER"]


@pytest.mark.parametrize(
    "change", [{"user": "1002"}, {"registrar": "192.0.2.7"}, {"outbound_proxy": "192.0.2.7"}, {"transport": "tcp"}]
)
def test_an_account_that_becomes_another_does_not_wait_for_the_answer_to_the_old_one(
    bench: Bench, change: dict[str, str]
) -> None:
    old = start(bench)
    bench.agent.remove_account(OFFICE, bench.now)
    bench.agent.add_account(office(**change), Credential("1001", password="secret"))
    new = start(bench)
    assert new.to.uri.user == change.get("user", "1001")
    bench.events()
    bench.reply(old, 200, Contact=OWN + ";expires=600")
    assert states(bench) == []
    accept(bench, new, f"<{new.contacts[0].uri}>;expires=600")
    assert states(bench)[-1] is S.REGISTERED


def test_an_account_that_comes_back_unchanged_takes_the_answer_to_its_open_register(bench: Bench) -> None:
    register = start(bench)
    bench.agent.remove_account(OFFICE, bench.now)
    bench.agent.add_account(office(expires_s=120), Credential("1001", password="secret"))
    bench.agent.start_registration(OFFICE, bench.now)
    assert bench.methods() == []
    accept(bench, register)
    assert states(bench)[-1] is S.REGISTERED


def test_a_changed_account_registers_with_its_new_data(bench: Bench) -> None:
    registered(bench)
    bench.agent.add_account(office(expires_s=120), Credential("1001", password="other"))
    assert start(bench).expires == 120


def test_a_broken_connection_is_made_good_at_once() -> None:
    bench = Bench(account=office(transport="tcp"))
    before = registered(bench)
    bench.endpoint.connection_closed(PEER_STREAM, bench.now)
    again = bench.sent_request("REGISTER")
    assert (again.call_id, again.cseq.number) == (before.call_id, before.cseq.number + 1)


def test_other_connections_that_end_mean_nothing(bench: Bench) -> None:
    registered(bench)
    bench.endpoint.connection_closed(PEER_STREAM, bench.now)
    assert bench.methods() == []


def test_a_connection_that_cannot_be_made_is_not_tried_without_a_pause() -> None:
    bench = Bench(account=office(transport="tcp"))
    registered(bench)
    bench.endpoint.connection_closed(PEER_STREAM, bench.now)
    assert bench.methods() == ["REGISTER"]
    bench.endpoint.receive_transport_error(PEER_STREAM, bench.now, "refused")
    bench.endpoint.connection_closed(PEER_STREAM, bench.now)
    assert bench.methods() == []
    assert last(bench).state is S.FAILED


def test_a_server_that_closes_the_connection_after_each_answer_is_not_flooded() -> None:
    bench = Bench(account=office(transport="tcp"))
    registered(bench)
    sent = 0
    for _ in range(120):
        for request in bench.sent():
            assert isinstance(request, Request)
            sent += 1
            bench.reply(request, 200, Contact=f"{request.headers.get('Contact')};expires=600")
            bench.endpoint.connection_closed(PEER_STREAM, bench.now)
        bench.endpoint.connection_closed(PEER_STREAM, bench.now)
        bench.advance(0.5)
    assert S.FAILED not in states(bench)
    assert 2 <= sent <= 6


def moved_to(bench: Bench, host: str) -> Request:
    """The REGISTER after our address has become another one."""
    bench.addresses[PEER.host] = host
    bench.agent.network_changed(bench.now)
    return bench.sent_request("REGISTER")


def contacts(register: Request) -> list[str]:
    return [str(contact) for contact in register.contacts]


def test_what_an_unanswered_register_may_have_bound_is_taken_back(bench: Bench) -> None:
    """Its answer was lost with the network; the request may have arrived."""
    registered(bench)
    second = moved_to(bench, "192.0.2.2")
    assert contacts(second) == ["<sip:1001@192.0.2.2:5060>", OWN + ";expires=0"]
    third = moved_to(bench, "192.0.2.3")
    assert contacts(third) == [
        "<sip:1001@192.0.2.3:5060>",
        OWN + ";expires=0",
        "<sip:1001@192.0.2.2:5060>;expires=0",
    ]
    accept(bench, third, "<sip:1001@192.0.2.3:5060>;expires=600")
    assert contacts(moved_to(bench, "192.0.2.4")) == [
        "<sip:1001@192.0.2.4:5060>",
        "<sip:1001@192.0.2.3:5060>;expires=0",
    ]


def test_what_silence_may_have_bound_is_taken_back_once(bench: Bench) -> None:
    start(bench)
    bench.advance(32)
    bench.sent()
    pause(bench)
    assert contacts(moved_to(bench, "192.0.2.2")) == ["<sip:1001@192.0.2.2:5060>", OWN + ";expires=0"]


def test_only_so_many_doubtful_contacts_are_remembered(bench: Bench) -> None:
    start(bench)
    for last_octet in range(2, 12):
        register = moved_to(bench, f"192.0.2.{last_octet}")
    assert contacts(register)[1:] == [f"<sip:1001@192.0.2.{n}:5060>;expires=0" for n in range(7, 11)]


def test_a_registration_is_taken_back_with_all_that_it_may_have_bound(bench: Bench) -> None:
    registered(bench)
    moved_to(bench, "192.0.2.2")
    bench.advance(32)
    bench.sent()
    bench.agent.stop_registration(OFFICE, bench.now)
    final = bench.sent_request("REGISTER")
    assert final.expires == 0
    assert contacts(final) == [OWN, "<sip:1001@192.0.2.2:5060>;expires=0"]
