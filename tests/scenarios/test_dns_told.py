"""`test dns` at the console and on the command line, of a whole phone at a real name server (dnsmasq)."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.demo.system import free_port
from tests.support.consoles import terminal_console
from tests.support.daemons import PhoneDaemon, own_command, running
from tests.support.dnsmasq import Dnsmasq
from tests.support.processes import HOST, PATIENCE_S


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[PhoneDaemon]:
    """One whose first name server is dead, and whose domain names a server that has no address beside a good one."""
    dnsmasq = Dnsmasq(tmp_path)
    dnsmasq.srv("_sip._udp.office.test", "pbx.test", 5070)
    dnsmasq.srv("_sip._udp.office.test", "dead.test", 5071, priority=10)
    dnsmasq.host("pbx.test", HOST)
    dnsmasq.srv("_sip._udp.broken.test", "nowhere.test", 5070)
    phone = PhoneDaemon("phone", tmp_path, {"sip.dns_servers": f"{HOST}:{free_port()}, {dnsmasq.address}"})
    dnsmasq.start()
    try:
        with running(phone):
            phone.call("account.add", id="office", user="1001", domain="office.test", register=False)
            yield phone
    finally:
        dnsmasq.stop()


def look_up(phone: PhoneDaemon, *words: str) -> tuple[int, str]:
    command = own_command("test", "dns", *words, "--socket", str(phone.socket_path))
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    return done.returncode, done.stdout + done.stderr


def test_an_account_on_the_command_line(phone: PhoneDaemon) -> None:
    status, said = look_up(phone, "office")
    assert status == 0
    assert "Connection refused" in said
    assert "pbx.test:5070 priority 0 weight 0" in said
    assert ", kept for 5 min 00 s" in said
    assert "to be tried in this order: udp:127.0.0.1:5070" in said
    assert "SRV names dead.test as a server, which has no address" in said
    status, said = look_up(phone, "office", "--json")
    (target,) = json.loads(said)["targets"]
    assert target["hops"] == ["udp:127.0.0.1:5070"]
    assert [step["type"] for step in target["steps"]] == ["SRV", "SRV", "A", "A"]
    assert len(target["findings"]) == 2


def test_what_is_not_found_is_status_1_and_says_why(phone: PhoneDaemon) -> None:
    status, said = look_up(phone, "nobody.test")
    assert (status, "the name nobody.test does not exist" in said) == (1, True)
    status, said = look_up(phone, "sip:broken.test;transport=udp")
    assert (status, "SRV names nowhere.test as a server, which has no address" in said) == (1, True)
    status, said = look_up(phone)
    assert (status, "no account registers" in said) == (1, True)
    status, said = look_up(phone, "192.0.2.1")
    assert (status, "is an address; DNS is not needed" in said) == (0, True)


def test_at_the_console(phone: PhoneDaemon) -> None:
    with terminal_console(phone.socket_path, phone.store_path, lines=500, columns=120) as person:
        person.choose_password()
        said = person.run("test dns office")
        assert "to be tried in this order: udp:127.0.0.1:5070" in said
        assert "there is no such name (NXDOMAIN)" in said
        person.run("set account office registrar nobody.test")
        person.run("commit")
        assert "the name nobody.test does not exist" in person.run("test dns office")
