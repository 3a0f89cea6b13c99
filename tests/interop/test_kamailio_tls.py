"""Two offhook phones at Kamailio over TLS: registration and calls by both versions, restart, and what is refused."""

from collections.abc import Iterator

import pytest

from device.demo.system import free_port
from tests.interop.test_kamailio import PASSWORDS, House
from tests.support.certificates import DAY_S, Authority
from tests.support.daemons import CALLEE_WAV, PhoneDaemon, running
from tests.support.kamailio import DOMAIN, Kamailio
from tests.support.processes import wait_until

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "ca")


class TlsHouse(House):
    """Kamailio with a certificate for its domain, and two phones that trust the authority."""

    def __init__(self, folder, authority: Authority, listening: bool = False) -> None:
        self.authority = authority
        self.certificate = authority.issue(f"DNS:{DOMAIN}")
        self.kamailio = Kamailio(folder, PASSWORDS, certificate=self.certificate)
        settings = {"sip.tls_ca_file": str(authority.path), "sip.retry_cap_s": "1"}
        self.first = PhoneDaemon("1001", folder, settings)
        if listening:
            ours = authority.issue("URI:sip:phone.test")
            settings |= {"sip.tls_certificate": str(ours.path), "sip.tls_key": str(ours.key)}
            settings["sip.tls_port"] = str(free_port())
        self.second = PhoneDaemon("1002", folder, settings, microphone=CALLEE_WAV)
        self.phones = (self.first, self.second)

    def register(self, **more: object) -> None:
        for phone in self.phones:
            phone.add_account(
                self.kamailio.tls_address, phone.name, PASSWORDS[phone.name], domain=DOMAIN, transport="tls", **more
            )
        for phone in self.phones:
            phone.expect_registration("registered")


@pytest.fixture
def house(tmp_path, authority) -> Iterator[TlsHouse]:
    built = TlsHouse(tmp_path, authority)
    with running(built.kamailio, *built.phones):
        yield built


@pytest.mark.parametrize(("method", "version"), [("TLSv1.2", "TLSv1.2"), ("TLSv1.2+", "TLSv1.3")])
def test_registration_and_a_call_by_each_version(tmp_path, authority, method: str, version: str) -> None:
    house = TlsHouse(tmp_path, authority)
    house.kamailio.use_tls(house.certificate, method)
    with running(house.kamailio, *house.phones):
        house.register()
        for phone in house.phones:
            assert f"TLS to 127.0.0.1:{house.kamailio.tls_port}: {version}, " in phone.log()
            assert f"certified for {DOMAIN}" in phone.log()
            register = phone.messages("out", "REGISTER")[-1]
            assert "Via: SIP/2.0/TLS " in register
            assert ";transport=tls>" in register
        house.check_sound(house.connect(house.first, house.second))
        house.first.rest()
        house.second.expect_state("busy-tone")
        assert "SIP/2.0/TLS" in house.second.messages("in", "BYE")[0]


def test_a_phone_with_a_certificate_is_called_on_a_connection_of_the_server(tmp_path, authority) -> None:
    house = TlsHouse(tmp_path, authority, listening=True)
    port = house.second.settings["sip.tls_port"]
    with running(house.kamailio, *house.phones):
        house.register()
        assert f"@127.0.0.1:{port};transport=tls" in house.second.messages("out", "REGISTER")[-1]
        house.check_sound(house.connect(house.first, house.second))
        house.second.rest()
        house.first.expect_state("busy-tone")
        assert house.kamailio.contacts().count(f"sip:1002@127.0.0.1:{port};transport=tls") == 1


def test_phones_come_back_after_a_restart_of_the_server(house) -> None:
    house.register()
    house.connect(house.first, house.second)
    for phone in house.phones:
        phone.rest()
    house.kamailio.kill()
    house.kamailio.start()
    for phone in house.phones:
        wait_until("the account to be registered anew", lambda p=phone: len(house.kamailio.contacts()) >= 2)
    house.connect(house.first, house.second)


def test_an_expired_certificate_is_told_in_the_status(tmp_path, authority) -> None:
    house = TlsHouse(tmp_path, authority)
    house.kamailio.use_tls(authority.issue(f"DNS:{DOMAIN}", since=-9 * DAY_S, until=-DAY_S))
    with running(house.kamailio, house.first):
        house.first.add_account(house.kamailio.tls_address, "1001", PASSWORDS["1001"], domain=DOMAIN, transport="tls")
        news = house.first.expect_registration("failed")
        assert "the server's certificate expired on 20" in str(news["text"])
        assert "the server's certificate expired on 20" in str(house.first.account()["text"])
        assert "the server's certificate expired on 20" in house.first.log()
        # Renewed at the server, it is taken at the next attempt.
        house.kamailio.stop()
        house.kamailio.use_tls(house.certificate)
        house.kamailio.start()
        house.first.expect_registration("registered")


def test_a_stranger_between_is_not_believed(tmp_path, authority) -> None:
    house = TlsHouse(tmp_path, authority)
    house.kamailio.use_tls(authority.issue("DNS:elsewhere.test"))
    with running(house.kamailio, house.first):
        house.first.add_account(house.kamailio.tls_address, "1001", PASSWORDS["1001"], domain=DOMAIN, transport="tls")
        text = str(house.first.expect_registration("failed")["text"])
        assert f"is for elsewhere.test, not for 127.0.0.1 or {DOMAIN}" in text
        assert house.first.messages("in", "SIP/2.0") == []
        assert house.kamailio.contacts() == []
