"""Whole daemons over TLS: phones at the embedded exchange, calls from phone to phone, and what is refused."""

import time
from collections.abc import Iterator

import pytest

from device.demo.system import free_port
from tests.support.canary import CANARY
from tests.support.certificates import Authority
from tests.support.daemons import CALLEE_WAV, ExchangeDaemon, PhoneDaemon, running
from tests.support.dnsmasq import Dnsmasq
from tests.support.processes import HOST
from tests.support.sound import GOOD_CORRELATION, TALK_S, judge

PASSWORDS = {"1001": f"first {CANARY}", "1002": f"second {CANARY}"}


class TlsExchange(ExchangeDaemon):
    """The embedded exchange with a certificate for its address."""

    def __init__(self, folder, authority: Authority, domain: str = HOST, certified: str = f"IP:{HOST}") -> None:
        super().__init__(folder, PASSWORDS, domain=domain)
        self.certificate = authority.issue(certified)
        self.tls_port = free_port()
        self.tls_address = f"{HOST}:{self.tls_port}"

    def command(self) -> list[str]:
        files = ["--tls-certificate", str(self.certificate.path), "--tls-key", str(self.certificate.key)]
        return [*super().command(), *files, "--tls-port", str(self.tls_port)]


@pytest.fixture
def authority(tmp_path) -> Authority:
    return Authority(tmp_path / "ca")


@pytest.fixture
def phones(tmp_path, authority) -> tuple[PhoneDaemon, PhoneDaemon]:
    """One that only connects, and one that others can connect to, too."""
    trust = {"sip.tls_ca_file": str(authority.path)}
    ours = authority.issue(f"IP:{HOST}")
    listening = {"sip.tls_certificate": str(ours.path), "sip.tls_key": str(ours.key), "sip.tls_port": str(free_port())}
    first = PhoneDaemon("1001", tmp_path, trust)
    return first, PhoneDaemon("1002", tmp_path, {**trust, **listening}, microphone=CALLEE_WAV)


@pytest.fixture
def house(tmp_path, authority, phones) -> Iterator[TlsExchange]:
    exchange = TlsExchange(tmp_path, authority)
    with running(exchange, *phones):
        for phone in phones:
            phone.add_account(exchange.tls_address, phone.name, PASSWORDS[phone.name], transport="tls")
            phone.expect_registration("registered")
        yield exchange


def talk(caller: PhoneDaemon, callee: PhoneDaemon, target: str) -> None:
    """Call hands-free, and see that each hears the other."""
    caller.place(target)
    callee.expect_state("alerting")
    callee.lift()
    callee.expect_state("connected")
    caller.expect_state("connected")
    since = time.monotonic()
    caller.listen(TALK_S)
    (said_caller, heard_caller), (said_callee, heard_callee) = caller.recordings(), callee.recordings()
    assert judge(said_caller, heard_callee, since).correlation > GOOD_CORRELATION
    assert judge(said_callee, heard_caller, since).correlation > GOOD_CORRELATION


def test_a_call_through_the_exchange_both_ways(house, phones) -> None:
    first, second = phones
    for caller, callee in ((first, second), (second, first)):
        talk(caller, callee, callee.name)
        callee.rest()
        caller.expect_state("idle")
        caller.rest()
    vias = [line for phone in phones for text in phone.messages("out") for line in text.splitlines() if "Via:" in line]
    assert all("SIP/2.0/TLS" in line for line in vias)


@pytest.mark.parametrize("who_hangs_up", ["caller", "callee"])
def test_a_secure_call_through_the_exchange(house, phones, who_hangs_up) -> None:
    """A SIPS URI: TLS on every hop, and Record-Route and contacts that want the same."""
    first, second = phones
    talk(first, second, f"sips:1002@{HOST}")
    invite = second.messages("in", "INVITE sips:")[-1]
    assert "Record-Route: <sips:" in invite
    assert "Contact: <sips:" in invite
    ends, hears = (first, second) if who_hangs_up == "caller" else (second, first)
    ends.call("call.hangup")
    assert "SIP/2.0/TLS" in hears.expect_message("in", "BYE sips:")


def test_a_secure_call_to_a_phone_without_tls_is_refused(house, phones, tmp_path) -> None:
    plain = PhoneDaemon("plain", tmp_path)
    with running(plain):
        phones[1].call("account.remove", id="office")
        plain.add_account(house.address, "1002", PASSWORDS["1002"])
        plain.expect_registration("registered")
        phones[0].place(f"sips:1002@{HOST}")
        phones[0].expect_message("in", "SIP/2.0 480", "")
        assert plain.messages("in", "INVITE") == []


def test_a_secure_call_straight_to_the_other_phone(phones) -> None:
    first, second = phones
    with running(*phones):
        talk(first, second, f"sips:offhook@{HOST}:{second.settings['sip.tls_port']}")
        invite = second.messages("in", "INVITE sips:")[-1]
        assert "Contact: <sips:offhook@" in invite
        # The phone that nobody can connect to is reached on the connection that it opened.
        second.rest()
        first.expect_state("idle")
        assert first.messages("in", "BYE sips:")


def test_a_phone_that_does_not_trust_the_exchange_says_what_to_do(house, tmp_path) -> None:
    phone = PhoneDaemon("1003", tmp_path)
    with running(phone):
        phone.add_account(house.tls_address, "1001", PASSWORDS["1001"], transport="tls")
        text = str(phone.expect_registration("failed")["text"])
        assert "signed by Test Authority of Testers, which is not trusted here" in text
        assert "sip.tls_ca_file" in text
        assert text in str(phone.account()["text"])


@pytest.mark.parametrize(("name", "registers"), [("office.test", True), ("host.office.test", False)])
@pytest.mark.parametrize("transport", ["tls", "auto"])
def test_a_server_that_dns_found_proves_the_domain_and_not_its_host(
    tmp_path, authority, name: str, registers: bool, transport: str
) -> None:
    """NAPTR and SRV lead to a host, which whoever forges DNS may choose: its own name proves nothing (RFC 5922)."""
    exchange = TlsExchange(tmp_path, authority, domain="office.test", certified=f"DNS:{name}")
    dns = Dnsmasq(tmp_path)
    dns.naptr("office.test", 1, 1, "SIPS+D2T", "_sips._tcp.office.test")
    dns.srv("_sips._tcp.office.test", "host.office.test", exchange.tls_port)
    dns.host("host.office.test", HOST)
    phone = PhoneDaemon("1001", tmp_path, {"sip.tls_ca_file": str(authority.path), "sip.dns_servers": dns.address})
    with running(exchange, phone):
        dns.start()
        try:
            fields = {"registrar": "", "outbound_proxy": "", "domain": "office.test", "transport": transport}
            phone.add_account("", "1001", PASSWORDS["1001"], **fields)
            if registers:
                phone.expect_registration("registered")
                assert "SIP/2.0/TLS" in phone.messages("out", "REGISTER")[-1]
            else:
                text = str(phone.expect_registration("failed")["text"])
                assert "is for host.office.test, not for office.test" in text
                assert phone.messages("in") == []
        finally:
            dns.stop()
