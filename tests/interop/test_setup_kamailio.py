"""The setup wizard at Kamailio, found by its domain: from an empty phone to a registered one and a test call."""

import sys

import pytest

from tests.support.canary import CANARY
from tests.support.consoles import terminal_console
from tests.support.daemons import CALLEE_WAV, PhoneDaemon, running
from tests.support.dnsmasq import Dnsmasq
from tests.support.kamailio import DOMAIN, Kamailio
from tests.support.processes import HOST
from tests.support.wizard import answers, walk

pytestmark = pytest.mark.interop

PASSWORDS = {"1001": f"first {CANARY}", "1002": f"second {CANARY}"}


def test_from_an_empty_phone_to_a_test_call(tmp_path) -> None:
    kamailio, dnsmasq = Kamailio(tmp_path, PASSWORDS), Dnsmasq(tmp_path)
    dnsmasq.srv(f"_sip._udp.{DOMAIN}", f"sip.{DOMAIN}", kamailio.port)
    dnsmasq.host(f"sip.{DOMAIN}", HOST)
    names = {"sip.dns_servers": dnsmasq.address}
    fresh, other = PhoneDaemon("fresh", tmp_path, names), PhoneDaemon("1002", tmp_path, microphone=CALLEE_WAV)
    dnsmasq.start()
    try:
        with running(kamailio, fresh, other), terminal_console(fresh.socket_path, fresh.store_path) as person:
            other.add_account(kamailio.address, "1002", PASSWORDS["1002"], domain=DOMAIN)
            other.expect_registration("registered")
            wanted = answers("kamailio", DOMAIN, "1001", PASSWORDS["1001"], "1002")
            seconds, keys = walk(person, wanted, other)
            assert f"The server asks for passwords as '{DOMAIN}'." in person.seen
            assert f"Registered as 1001@{DOMAIN} at udp:{kamailio.address}." in person.seen
            assert PASSWORDS["1001"] not in person.seen
            assert fresh.call("account.show", id="main")["state"] == "registered"
            assert f"udp:{kamailio.address}" in person.run("test dns main")
            sys.stdout.write(f"\nthe wizard at Kamailio: {seconds:.1f} s, {keys} keys\n")
            (call,) = fresh.call_log()
            assert (call["remote"], call["answered_at"] > 0) == ("1002", True)
    finally:
        dnsmasq.stop()
