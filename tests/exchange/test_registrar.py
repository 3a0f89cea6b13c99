import pytest

from device.exchange.location import LocationService
from device.exchange.registrar import MAX_USER_AGENT, Registrar, Registration
from device.exchange.settings import ExchangeSettings
from device.sip.hop import Hop
from device.sip.message import Request
from device.sip.parser import parse_message

AOR = "sip:alice@pbx.lan"
NOW = 1000.0
DESK = Hop("UDP", "192.0.2.1", 5060)


def register(
    *contacts: str,
    expires: str = "",
    call_id: str = "c1",
    cseq: int = 1,
    to: str = "<sip:alice@pbx.lan>",
    user_agent: str = "",
    via: str = "192.0.2.1",
) -> Request:
    lines = [
        "REGISTER sip:pbx.lan SIP/2.0",
        f"Via: SIP/2.0/UDP {via};branch=z9hG4bK1;rport=5060",
        "From: <sip:alice@pbx.lan>;tag=1",
        f"To: {to}",
        f"Call-ID: {call_id}",
        f"CSeq: {cseq} REGISTER",
        *(f"Contact: {contact}" for contact in contacts),
    ]
    if expires:
        lines.append(f"Expires: {expires}")
    if user_agent:
        lines.append(f"User-Agent: {user_agent}")
    message = parse_message("\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape"))
    assert isinstance(message, Request)
    return message


class Office:
    """A registrar with its location service; `take` lets alice's REGISTER come from her desk."""

    def __init__(self, **settings: int) -> None:
        self.location = LocationService()
        self.registrar = Registrar(ExchangeSettings(domain="pbx.lan", **settings), self.location)

    def take(self, request: Request, source: Hop = DESK, now: float = NOW) -> Registration:
        return self.registrar.process(request, "alice", source, "tag", now)

    def status(self, request: Request, now: float = NOW) -> int:
        return self.take(request, now=now).response.status

    def contacts(self, now: float = NOW) -> list[str]:
        return [binding.contact for binding in self.location.bindings(AOR, now)]


def listed(registration: Registration) -> list[str]:
    return registration.response.headers.get_all("Contact")


class TestBinding:
    def test_a_contact_is_bound_and_listed(self) -> None:
        office = Office()
        outcome = office.take(register("<sip:alice@192.0.2.1>", expires="300", user_agent="phone 1"))
        assert (outcome.response.status, outcome.aor, outcome.changed) == (200, AOR, True)
        assert outcome.response.to.tag == "tag"
        assert listed(outcome) == ["<sip:alice@192.0.2.1>;expires=300"]
        (binding,) = office.location.bindings(AOR, NOW)
        assert (binding.aor, binding.contact, binding.expires_at) == (AOR, "sip:alice@192.0.2.1", NOW + 300)
        assert (binding.call_id, binding.cseq, binding.q) == ("c1", 1, 1.0)
        assert binding.user_agent == "phone 1"

    def test_a_question_without_contact_lists_and_changes_nothing(self) -> None:
        office = Office()
        office.take(register("<sip:alice@192.0.2.1>", "<sip:alice@192.0.2.2>;q=0.5", expires="300"))
        outcome = office.take(register(cseq=2), now=NOW + 100)
        assert not outcome.changed
        assert listed(outcome) == [
            "<sip:alice@192.0.2.1>;expires=200",
            "<sip:alice@192.0.2.2>;expires=200;q=0.5",
        ]

    def test_a_refresh_moves_the_end(self) -> None:
        office = Office()
        office.take(register("<sip:alice@192.0.2.1>", expires="300"))
        outcome = office.take(register("<sip:alice@192.0.2.1>", expires="300", cseq=2), now=NOW + 200)
        assert outcome.changed
        assert office.contacts(NOW + 499) == ["sip:alice@192.0.2.1"]
        assert office.contacts(NOW + 500) == []

    def test_equal_uris_are_one_contact_however_they_are_written(self) -> None:
        office = Office()
        office.take(register("<sip:%61lice@192.0.2.1;foo=1>"))
        office.take(register("<sip:alice@192.0.2.1>", cseq=2))
        assert office.contacts() == ["sip:alice@192.0.2.1"]

    def test_the_same_contact_twice_in_one_request_counts_once(self) -> None:
        office = Office()
        assert office.status(register("<sip:alice@192.0.2.1>", "<sip:alice@192.0.2.1>;q=0.5")) == 200
        (binding,) = office.location.bindings(AOR, NOW)
        assert binding.q == 0.5

    def test_two_phones_may_be_bound(self) -> None:
        office = Office()
        office.take(register("<sip:alice@192.0.2.1>"))
        office.take(register("<sip:alice@192.0.2.2>", call_id="c2"))
        assert office.contacts() == ["sip:alice@192.0.2.1", "sip:alice@192.0.2.2"]

    def test_only_so_many_contacts(self) -> None:
        office = Office(max_contacts=2)
        office.take(register("<sip:alice@192.0.2.1>", "<sip:alice@192.0.2.2>"))
        assert office.status(register("<sip:alice@192.0.2.3>", cseq=2)) == 403
        assert len(office.contacts()) == 2
        assert office.status(register("<sip:alice@192.0.2.2>", cseq=3)) == 200
        both = register("<sip:alice@192.0.2.1>;expires=0", "<sip:alice@192.0.2.3>", cseq=4)
        assert office.status(both) == 200
        assert office.contacts() == ["sip:alice@192.0.2.2", "sip:alice@192.0.2.3"]

    def test_nobody_registers_for_another(self) -> None:
        office = Office()
        assert office.status(register("<sip:alice@192.0.2.1>", to="<sip:bob@pbx.lan>")) == 403
        assert office.location.everything() == []


class TestLifetime:
    @pytest.mark.parametrize(
        ("contact", "expires", "granted"),
        [
            ("<sip:alice@192.0.2.1>", "", 600),
            ("<sip:alice@192.0.2.1>", "120", 120),
            ("<sip:alice@192.0.2.1>;expires=90", "120", 90),
            ("<sip:alice@192.0.2.1>;expires=99999", "", 3600),
            ("<sip:alice@192.0.2.1>;expires=soon", "", 3600),
            ("<sip:alice@192.0.2.1>", "99999999999", 3600),
            ("<sip:alice@192.0.2.1>;expires=30", "", 30),
        ],
    )
    def test_the_contact_wishes_before_the_request_and_within_our_bounds(
        self, contact: str, expires: str, granted: int
    ) -> None:
        assert listed(Office().take(register(contact, expires=expires))) == [f"<sip:alice@192.0.2.1>;expires={granted}"]

    @pytest.mark.parametrize("wish", [1, 29])
    def test_too_brief_a_wish_is_told_the_minimum(self, wish: int) -> None:
        outcome = Office().take(register("<sip:alice@192.0.2.1>", expires=str(wish)))
        assert outcome.response.status == 423
        assert outcome.response.headers.get("Min-Expires") == "30"
        assert not outcome.changed

    def test_an_hour_is_never_too_brief(self) -> None:
        office = Office(min_expires_s=7200, default_expires_s=7200, max_expires_s=7200)
        assert office.status(register("<sip:alice@192.0.2.1>", expires="3599")) == 423
        assert office.status(register("<sip:alice@192.0.2.1>", expires="3600")) == 200


class TestRemoval:
    def test_zero_seconds_remove_one_contact(self) -> None:
        office = Office()
        office.take(register("<sip:alice@192.0.2.1>", "<sip:alice@192.0.2.2>"))
        outcome = office.take(register("<sip:alice@192.0.2.1>;expires=0", cseq=2))
        assert outcome.changed
        assert listed(outcome) == ["<sip:alice@192.0.2.2>;expires=600"]

    def test_removing_what_is_not_there_is_no_fault(self) -> None:
        outcome = Office().take(register("<sip:alice@192.0.2.1>", expires="0"))
        assert outcome.response.status == 200
        assert not outcome.changed

    def test_a_star_removes_everything_whoever_bound_it(self) -> None:
        office = Office()
        office.take(register("<sip:alice@192.0.2.1>"))
        office.take(register("<sip:alice@192.0.2.2>", call_id="c2", cseq=9))
        outcome = office.take(register("*", expires="0", call_id="c3"))
        assert (outcome.response.status, outcome.changed) == (200, True)
        assert listed(outcome) == []
        assert office.contacts() == []

    @pytest.mark.parametrize("expires", ["", "1", "300"])
    def test_a_star_needs_zero_seconds(self, expires: str) -> None:
        office = Office()
        office.take(register("<sip:alice@192.0.2.1>"))
        assert office.status(register("*", expires=expires, cseq=2)) == 400
        assert office.contacts() == ["sip:alice@192.0.2.1"]

    def test_a_star_stands_alone(self) -> None:
        office = Office()
        office.take(register("<sip:alice@192.0.2.1>"))
        assert office.status(register("*", "<sip:alice@192.0.2.2>", expires="0", cseq=2)) == 400
        assert office.contacts() == ["sip:alice@192.0.2.1"]


class TestOrder:
    @pytest.mark.parametrize("contact", ["<sip:alice@192.0.2.1>", "<sip:alice@192.0.2.1>;expires=0", "*"])
    @pytest.mark.parametrize("cseq", [4, 5])
    def test_an_older_request_of_the_same_call_changes_nothing(self, contact: str, cseq: int) -> None:
        office = Office()
        office.take(register("<sip:alice@192.0.2.1>", cseq=5))
        outcome = office.take(register(contact, cseq=cseq, expires="0"), now=NOW + 1)
        assert (outcome.response.status, outcome.changed) == (500, False)
        assert office.location.next_expiry() == NOW + 600

    def test_a_phone_that_was_started_anew_counts_anew(self) -> None:
        office = Office()
        office.take(register("<sip:alice@192.0.2.1>", cseq=500))
        assert office.status(register("<sip:alice@192.0.2.1>", call_id="c2", cseq=1)) == 200

    def test_a_call_id_in_another_encoding_is_compared_as_it_is_stored(self) -> None:
        office = Office()
        office.take(register("<sip:alice@192.0.2.1>", call_id="caf\udce9", cseq=5))
        (binding,) = office.location.bindings(AOR, NOW)
        assert binding.call_id == "caf\\udce9"
        assert office.status(register("<sip:alice@192.0.2.1>", call_id="caf\udce9", cseq=5)) == 500
        assert office.status(register("<sip:alice@192.0.2.1>", call_id="caf\udce9", cseq=6)) == 200


class TestAllOrNothing:
    @pytest.mark.parametrize(
        ("bad", "status"),
        [
            ("<tel:123>", 400),
            ("<sips:alice@192.0.2.1>", 400),
            ("<sip:alice@192.0.2.1;transport=tls>", 400),
            ("<sip:alice@192.0.2.1;transport=sctp>", 400),
            ("<sip:alic\udce9@192.0.2.1>", 400),
            ("<sip:alice@192.0.2.9>;expires=5", 423),
            ("<sip:alice@192.0.2.5>", 500),
        ],
    )
    def test_one_contact_that_cannot_be_bound_refuses_all(self, bad: str, status: int) -> None:
        office = Office()
        office.take(register("<sip:alice@192.0.2.5>", cseq=7))
        outcome = office.take(register("<sip:alice@192.0.2.1>", bad, cseq=7))
        assert (outcome.response.status, outcome.changed) == (status, False)
        assert office.contacts() == ["sip:alice@192.0.2.5"]

    def test_a_user_agent_is_kept_as_short_text(self) -> None:
        office = Office()
        office.take(register("<sip:alice@192.0.2.1>", user_agent="T\udce9l\udce9phone" + "x" * 500))
        (binding,) = office.location.bindings(AOR, NOW)
        assert binding.user_agent.encode().startswith(b"T\\udce9l")
        assert len(binding.user_agent) == MAX_USER_AGENT


class TestWhereItCameFrom:
    def received(self, contact: str, source: Hop, via: str = "192.0.2.1") -> str:
        office = Office()
        office.take(register(contact, via=via), source)
        (binding,) = office.location.bindings(AOR, NOW)
        return binding.received

    @pytest.mark.parametrize("contact", ["<sip:alice@192.0.2.1>", "<sip:alice@192.0.2.1:5060>"])
    def test_a_phone_without_nat_is_called_at_its_contact(self, contact: str) -> None:
        assert self.received(contact, DESK) == ""

    def test_behind_nat_it_is_called_where_the_register_came_from(self) -> None:
        source = Hop("UDP", "203.0.113.5", 31000)
        assert self.received("<sip:alice@10.0.0.7>", source, via="10.0.0.7:5060") == "udp:203.0.113.5:31000"

    @pytest.mark.parametrize("transport", ["UDP", "TCP"])
    def test_so_is_a_phone_without_an_address(self, transport: str) -> None:
        source = Hop(transport, "203.0.113.5", 31000, 1)
        assert self.received("<sip:alice@x7.invalid>", source) == f"{transport.lower()}:203.0.113.5:31000"

    @pytest.mark.parametrize("transport", ["UDP", "TCP"])
    @pytest.mark.parametrize("contact", ["<sip:bob@pbx.lan>", "<sip:mobile@198.51.100.7>"])
    def test_a_contact_that_is_another_place_is_called_there(self, contact: str, transport: str) -> None:
        assert self.received(contact, Hop(transport, "192.0.2.1", 5060, 1)) == ""

    def test_a_phone_that_has_learnt_its_public_address_is_called_there(self) -> None:
        source = Hop("UDP", "203.0.113.5", 31000)
        assert self.received("<sip:alice@203.0.113.5:31000>", source, via="10.0.0.7:5060") == ""

    def test_a_program_that_sends_from_another_port_listens_at_its_contact(self) -> None:
        assert self.received("<sip:alice@192.0.2.1>", Hop("UDP", "192.0.2.1", 31000)) == ""

    def test_one_that_asks_for_tcp_gets_it(self) -> None:
        source = Hop("UDP", "192.0.2.1", 31000)
        assert self.received("<sip:alice@192.0.2.1;transport=tcp>", source) == ""

    def test_a_connection_is_used_again(self) -> None:
        source = Hop("TCP", "192.0.2.1", 40001, 3)
        assert self.received("<sip:alice@192.0.2.1;transport=tcp>", source) == "tcp:192.0.2.1:40001"

    def test_ipv6(self) -> None:
        contact, via = "<sip:alice@[2001:db8::1]>", "[2001:db8::1]:5060"
        assert self.received(contact, Hop("UDP", "2001:db8::1", 5060), via) == ""
        assert self.received(contact, Hop("UDP", "2001:db8::2", 5060), via) == "udp:[2001:db8::2]:5060"

    def test_a_contact_by_tls_counts_where_it_came_by_tls(self) -> None:
        contact, source = "<sip:alice@192.0.2.1;transport=tls>", Hop("TLS", "192.0.2.1", 40001, 3)
        assert self.received(contact, source) == "tls:192.0.2.1:40001"
        office = Office()
        assert office.status(register(contact)) == 400
        assert not office.location.bindings(AOR, NOW)
