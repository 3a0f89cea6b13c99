"""A phone that starts before anything else is there, network, clock and card that can be written, and takes them all.

As root, since it makes network namespaces and mounts.
"""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.scenarios.test_tls import TlsExchange
from tests.support.canary import CANARY
from tests.support.certificates import Authority
from tests.support.daemons import ExchangeDaemon, PhoneDaemon, running
from tests.support.namespaces import Cable
from tests.support.processes import wait_until

pytestmark = pytest.mark.interop

PASSWORDS = {"1001": f"first {CANARY}", "1002": f"second {CANARY}"}
AT_ONCE_S = 5.0
"""The phone acts within a second; the machine is shared."""
FAKETIME = Path("/usr/lib")


class Clock:
    """The clock of the day of one daemon, which a test sets (libfaketime); its monotonic clock is the machine's."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        library = next(FAKETIME.glob("*/faketime/libfaketime.so.1"), None)
        assert library is not None, "missing on this machine; type: sudo apt-get install faketime"
        self.prefix = (
            "env",
            f"LD_PRELOAD={library}",
            f"FAKETIME_TIMESTAMP_FILE={self._file}",
            "FAKETIME_NO_CACHE=1",
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
        )

    def set(self, unix_time: float) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(f"{unix_time - time.time():+.0f}s\n")
        new.replace(self._file)


@pytest.fixture
def card(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own, whose rights can be changed."""
    folder = tmp_path / "card"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


def remount(card: Path, mode: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{mode}", card], check=True)


def notices(phone: PhoneDaemon) -> str:
    return " ".join(map(str, phone.status()["notices"]))  # type: ignore[call-overload]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_no_interface_at_all_then_a_network(tmp_path: Path, transport: str) -> None:
    with Cable() as cable:
        cable.far.add_address("192.0.2.10")
        exchange = ExchangeDaemon(tmp_path, PASSWORDS)
        exchange.address = f"192.0.2.10:{exchange.port}"
        exchange.prefix = cable.far.prefix
        phone = PhoneDaemon("1001", tmp_path, {"sip.bind_address": ""})
        phone.prefix = cable.near.prefix
        cable.pull_out()
        with running(exchange, phone):
            phone.add_account(exchange.address, "1001", PASSWORDS["1001"], transport=transport)
            phone.stop()
            phone.start()
            assert phone.account()["state"] != "registered"
            cable.put_in()
            cable.near.add_address("192.0.2.1")
            phone.expect_registration("registered", AT_ONCE_S)
            wait_until("the exchange to know where", lambda: "192.0.2.1" in str(exchange.contacts("1001")))


def test_tls_works_as_soon_as_the_clock_is_set(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    exchange = TlsExchange(tmp_path, authority)
    clock = Clock(tmp_path)
    clock.set(60.0)
    phone = PhoneDaemon("1001", tmp_path, {"sip.tls_ca_file": str(authority.path)})
    phone.prefix = clock.prefix
    with running(exchange, phone):
        phone.add_account(exchange.tls_address, "1001", PASSWORDS["1001"], transport="tls")
        failed = phone.expect_registration("failed")
        assert "this board's clock is wrong (1970-01-01), so that no certificate can be checked" in str(failed["text"])
        phone.call("account.add", id="direct", user="1001", domain="127.0.0.1", register=False)
        phone.place(f"sip:1001@{exchange.address}")
        wait_until("the call to be logged", phone.call_log)
        assert float(str(phone.call_log()[0]["started_at"])) < 86_400
        clock.set(time.time())
        phone.expect_registration("registered", AT_ONCE_S)
        wait_until("the call log to be right", lambda: float(str(phone.call_log()[0]["started_at"])) > 1.7e9, AT_ONCE_S)
        assert "the clock was set ahead" in phone.log()


def test_contacts_at_the_exchange_last_as_long_when_its_clock_is_set(tmp_path: Path) -> None:
    clock = Clock(tmp_path)
    clock.set(60.0)
    exchange = ExchangeDaemon(tmp_path, PASSWORDS)
    exchange.prefix = clock.prefix
    phone = PhoneDaemon("1001", tmp_path)
    with running(exchange, phone):
        phone.add_account(exchange.address, "1001", PASSWORDS["1001"])
        phone.expect_registration("registered")
        clock.set(time.time())
        wait_until("the exchange to notice", lambda: "the clock was set ahead" in exchange.log())
        assert len(exchange.contacts("1001")) == 1
        exchange.kill()
        exchange.start()
        # What it had stored in 1970 would be over long ago.
        assert len(exchange.contacts("1001")) == 1


def test_a_card_that_turned_read_only(tmp_path: Path, card: Path) -> None:
    exchange = ExchangeDaemon(tmp_path, PASSWORDS)
    phone = PhoneDaemon("1001", tmp_path)
    phone.store_path = card / "phone.db"
    with running(exchange, phone):
        phone.add_account(exchange.address, "1001", PASSWORDS["1001"])
        phone.expect_registration("registered")
        phone.kill()
        remount(card, "ro")
        phone.start()
        wait_until("the account to be registered", lambda: phone.account()["state"] == "registered")
        assert f"{card / 'phone.db'} is on a read-only file system: type `mount -o remount,rw {card}`" in notices(phone)
        remount(card, "rw")
        wait_until("the phone to start anew", lambda: "main: starting anew" in phone.log(), 40.0)
        wait_until("the phone to answer again", phone._answers)
        assert notices(phone) == ""
        assert phone.account()["state"] in ("registering", "registered")


def test_a_card_that_is_full(tmp_path: Path, card: Path) -> None:
    phone = PhoneDaemon("1001", tmp_path)
    phone.store_path = card / "phone.db"
    with running(phone):
        phone.call("settings.set", values={"phone.hotline": "1002"})
        phone.kill()
        fill = os.open(card / "fill", os.O_WRONLY | os.O_CREAT)
        with suppress(OSError):
            while os.write(fill, bytes(4096)):
                pass
        os.close(fill)
        phone.start()
        assert phone.call("settings.get", key="phone.hotline")["value"] == "1002"


def test_a_first_start_without_any_place_for_the_store(tmp_path: Path, card: Path) -> None:
    remount(card, "ro")
    phone = PhoneDaemon("1001", tmp_path)
    phone.store_path = card / "offhook" / "phone.db"
    with running(phone):
        assert "read-only file system" in notices(phone)
        phone.lift()
        phone.expect_state("dial-tone")
