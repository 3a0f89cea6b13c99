"""A phone that starts while DNS is dead, after a life in which DNS was well."""

from pathlib import Path

from tests.support.daemons import ExchangeDaemon, PhoneDaemon, running
from tests.support.dnsmasq import Dnsmasq
from tests.support.processes import HOST


def test_a_phone_registers_though_no_name_server_answers_at_its_start(tmp_path: Path) -> None:
    exchange = ExchangeDaemon(tmp_path, {"1001": "secret"})
    dnsmasq = Dnsmasq(tmp_path)
    dnsmasq.srv("_sip._udp.office.test", "pbx.test", exchange.port)
    dnsmasq.host("pbx.test", HOST)
    phone = PhoneDaemon("phone", tmp_path, {"sip.dns_servers": dnsmasq.address})
    with running(exchange):
        dnsmasq.start()
        try:
            with running(phone):
                phone.call(
                    "account.add", id="office", user="1001", domain=HOST, registrar="office.test", password="secret"
                )
                phone.expect_registration("registered")
        finally:
            dnsmasq.stop()
        with running(phone):
            phone.expect_registration("registered")
            assert phone.account()["state"] == "registered"
