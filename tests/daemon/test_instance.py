"""Which device this is, from what the board tells, and how long it holds back after a power failure."""

import logging
import re
from collections import Counter
from pathlib import Path
from statistics import pstdev

import pytest

from device.daemon.instance import JUST_STARTED_S, device_instance, power_up_delay
from device.sip.instance import NO_INSTANCE, Instance

SERIAL = "10000000abcdef12"
MACHINE = "0123456789abcdef0123456789abcdef"


def board(root: Path, serial: str = "", machine: str = "", cards: dict[str, str] | None = None) -> str:
    files = {"proc/device-tree/serial-number": f"{serial}\0" if serial else "", "etc/machine-id": machine}
    files.update({f"sys/class/net/{name}/address": address for name, address in (cards or {}).items()})
    for name, text in files.items():
        if text:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n")
    return str(root)


def test_a_device_is_the_same_after_each_start(tmp_path: Path) -> None:
    root = board(tmp_path, SERIAL, MACHINE)
    instance = device_instance("/var/lib/offhook/offhook.db", root)
    assert instance == device_instance("/var/lib/offhook/offhook.db", root)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", instance.urn)
    assert 0.0 <= instance.spread < 1.0
    assert SERIAL not in instance.urn.replace("-", "")


def test_copied_cards_make_different_devices(tmp_path: Path) -> None:
    one = device_instance("/x.db", board(tmp_path / "one", SERIAL, MACHINE))
    other = device_instance("/x.db", board(tmp_path / "other", SERIAL[:-1] + "3", MACHINE))
    assert one.urn != other.urn
    assert one.spread != other.spread


def test_two_phones_on_one_board_are_two_devices(tmp_path: Path) -> None:
    root = board(tmp_path, machine=MACHINE)
    assert device_instance("/x.db", root).urn != device_instance("/y.db", root).urn


def test_a_board_without_serial_number_and_machine_id_has_its_network_card(tmp_path: Path) -> None:
    cards = {"eth0": "b8:27:eb:01:02:03", "lo": "00:00:00:00:00:00", "zz": "02:00:00:00:00:01"}
    root = board(tmp_path / "one", cards=cards)
    assert device_instance("/x.db", root) == device_instance("/x.db", root)
    del cards["zz"]
    assert device_instance("/x.db", root) == device_instance("/x.db", board(tmp_path / "two", cards=cards))


def test_a_board_that_tells_nothing_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        one = device_instance("/x.db", board(tmp_path, cards={"lo": "00:00:00:00:00:00"}))
        other = device_instance("/x.db", str(tmp_path / "nowhere"))
    assert one.urn != other.urn
    assert "another device at each start" in caplog.text


def test_this_very_machine_has_one() -> None:
    assert device_instance("/x.db").urn.startswith("urn:uuid:")


@pytest.mark.parametrize(
    ("cut_off", "now", "delay"), [(True, 20.0, 2.5), (True, JUST_STARTED_S, 0.0), (False, 20.0, 0.0)]
)
def test_only_after_a_power_failure_does_a_phone_hold_back(cut_off: bool, now: float, delay: float) -> None:
    assert power_up_delay(Instance("urn:uuid:x", 0.5), 5.0, cut_off, now) == delay


DEVICES = [Instance("urn:uuid:x", number / 1000 + 0.0005) for number in range(1000)]


@pytest.mark.parametrize("number", [0, 1, 2, 7, 30, 1000])
def test_at_each_attempt_the_devices_are_spread_evenly(number: int) -> None:
    tenths = Counter(int(device.fraction(number) * 10) for device in DEVICES)
    assert sorted(tenths) == list(range(10))
    assert max(tenths.values()) - min(tenths.values()) < 60


def test_over_many_attempts_devices_drift_apart_as_if_by_chance() -> None:
    attempts = 50
    sums = [sum(device.fraction(number) for number in range(attempts)) for device in DEVICES]
    assert 0.8 * (attempts / 12) ** 0.5 < pstdev(sums) < 1.25 * (attempts / 12) ** 0.5
    assert all(device.fraction(3) == device.fraction(3) for device in DEVICES)
    assert NO_INSTANCE.urn == ""
