"""Store and file system, clock, network, accounts, watchdog, power."""

import pytest

from device.doctor.finding import Finding
from device.doctor.surroundings import (
    examine_clock,
    examine_hardware,
    examine_network,
    examine_store,
)
from device.doctor.system_view import Space
from tests.support.doctored_board import STORE, DoctoredBoard


def sick(examination: object, board: DoctoredBoard) -> list[Finding]:
    findings = examination(board.case())  # type: ignore[operator]
    return [finding for finding in findings if finding.severity in ("warning", "error")]


def texts(examination: object, board: DoctoredBoard) -> list[str]:
    return [finding.text for finding in examination(board.case())]  # type: ignore[operator]


def test_a_store_that_is_whole_is_looked_at_without_touching_it(board: DoctoredBoard) -> None:
    board.keep()
    folder = board.folder / "var/lib/offhook"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert sick(examine_store, board) == []
    assert f"{STORE} is whole: 1 account(s), 2 setting(s)" in texts(examine_store, board)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_no_store_yet(board: DoctoredBoard) -> None:
    assert sick(examine_store, board) == []
    assert f"there is no {STORE} yet; it is made at the first start" in texts(examine_store, board)


def test_a_damaged_store_is_told_and_left_as_it_is(board: DoctoredBoard) -> None:
    board.keep()
    board.change(STORE.lstrip("/"), "no database, but of some length" * 100)
    (board.folder / STORE.lstrip("/")).chmod(0o600)
    (fault,) = sick(examine_store, board)
    assert fault.severity == "error"
    assert f"{STORE} was damaged" in fault.text
    assert "offhook-doctor-" not in fault.text
    assert (board.folder / STORE.lstrip("/")).read_text().startswith("no database")


def test_a_store_that_others_may_read(board: DoctoredBoard) -> None:
    board.keep()
    (board.folder / STORE.lstrip("/")).chmod(0o644)
    (fault,) = sick(examine_store, board)
    assert fault.remedy == f"chmod 600 {STORE}"


@pytest.mark.parametrize(
    ("room", "severity", "words"),
    [
        (Space(1 << 30, 1 << 32, True), "error", "read-only"),
        (Space(1 << 20, 1 << 32, False), "error", "only 1024 KiB are free"),
        (Space(10 << 20, 1 << 32, False), "warning", "only 10 MiB are free"),
    ],
)
def test_no_room_for_the_store(board: DoctoredBoard, room: Space, severity: str, words: str) -> None:
    board.keep()
    board.room = room
    (fault,) = sick(examine_store, board)
    assert fault.severity == severity
    assert words in fault.text
    assert "/var/lib/offhook" in fault.remedy or "vacuum" in fault.remedy


@pytest.mark.parametrize(
    ("mount", "severity", "words"),
    [
        ("tmpfs /var/lib/offhook tmpfs rw 0 0", "error", "forgotten at power-off"),
        ("overlay / overlay rw 0 0", "error", "forgotten at power-off"),
        ("/dev/sda1 /var vfat rw 0 0", "warning", "keeps no journal"),
        ("/dev/sda1 / ext4 rw,nobarrier 0 0", "warning", "mounted with nobarrier"),
    ],
)
def test_a_file_system_that_does_not_survive_a_power_cut(
    board: DoctoredBoard, mount: str, severity: str, words: str
) -> None:
    board.keep()
    board.change("proc/mounts", f"{mount}\n")
    (fault,) = sick(examine_store, board)
    assert fault.severity == severity
    assert words in fault.text


def test_what_the_running_phone_complains_of(board: DoctoredBoard) -> None:
    board.answers = {"status": {"notices": ["the card is gone"]}, "settings.list": {"settings": []}}
    (fault,) = sick(examine_store, board)
    assert (fault.area, fault.text) == ("phone", "the card is gone")


def test_a_clock_of_1970(board: DoctoredBoard) -> None:
    board.clock = 42.0
    (fault,) = sick(examine_clock, board)
    assert fault.severity == "error"
    assert "the clock says 1970-01-01" in fault.text


def test_a_clock_that_nobody_steers(board: DoctoredBoard) -> None:
    assert sick(examine_clock, board) == []
    board.synchronised = False
    (fault,) = sick(examine_clock, board)
    assert "follows no time service" in fault.text
    assert "timedatectl" in fault.remedy
    board.change("etc/init.d/S49ntpd", "#!/bin/sh\n")
    (fault,) = sick(examine_clock, board)
    assert "/etc/default/ntpd" in fault.remedy
    board.synchronised = None
    assert texts(examine_clock, board) == []


def test_no_link(board: DoctoredBoard) -> None:
    board.change("sys/class/net/eth0/carrier", "0\n")
    (fault,) = sick(examine_network, board)
    assert "none of eth0 has a link" in fault.text


def test_no_route_and_no_name_server(board: DoctoredBoard) -> None:
    board.change("proc/net/route", "Iface\tDestination\tGateway\neth0\t0000A8C0\t00000000\n")
    board.change("etc/resolv.conf", "search home\n")
    assert [fault.text.partition(":")[0] for fault in sick(examine_network, board)] == [
        "there is no default route",
        "no name server is known",
    ]


def test_a_default_route_of_ipv6_will_do(board: DoctoredBoard) -> None:
    board.change("proc/net/route", "Iface\tDestination\tGateway\n")
    zeros = "0" * 32
    board.change("proc/net/ipv6_route", f"{zeros} 00 {zeros} 00 fe80{zeros[:28]} 00000400 1 0 3     eth0\n")
    assert sick(examine_network, board) == []


def test_a_server_that_no_name_server_knows(board: DoctoredBoard) -> None:
    board.keep()
    assert sick(examine_network, board) == []
    board.hosts.clear()
    (fault,) = sick(examine_network, board)
    assert "pbx.example.com leads to no address" in fault.text


def test_how_the_accounts_of_the_running_phone_are(board: DoctoredBoard) -> None:
    accounts = [
        {"id": "office", "state": "registered"},
        {"id": "home", "state": "failed", "text": "the server refused the password"},
        {"id": "late", "state": "registering"},
    ]
    board.answers = {"status": {"accounts": accounts}, "settings.list": {"settings": []}}
    findings = [finding for finding in examine_network(board.case()) if finding.area == "account"]
    assert [finding.severity for finding in findings] == ["ok", "error", "note"]
    assert "refused the password" in findings[1].text
    board.answers["status"]["accounts"] = []
    assert "there is no account yet" in texts(examine_network, board)


def test_a_healthy_board_is_named(board: DoctoredBoard) -> None:
    assert sick(examine_hardware, board) == []
    said = texts(examine_hardware, board)
    assert "Raspberry Pi 3 Model B Rev 1.2, kernel 6.12.41+deb13-arm64" in said
    assert "systemd feeds the hardware watchdog (14s)" in said


def test_heat_memory_and_power(board: DoctoredBoard) -> None:
    board.change("sys/class/thermal/thermal_zone0/temp", "84000\n")
    board.change("proc/meminfo", "MemAvailable:  20000 kB\n")
    board.change("sys/devices/platform/soc/soc:firmware/get_throttled", "50005\n")
    said = [fault.text for fault in sick(examine_hardware, board)]
    assert said == [
        "only 19 MiB are free",
        "the processor has 84 degrees Celsius",
        "the power supply is too weak: too low a voltage right now, throttled right now, too low a voltage since the "
        "start, throttled since the start",
    ]


def test_power_is_asked_of_the_firmware_where_the_kernel_does_not_tell(board: DoctoredBoard) -> None:
    board.change("sys/devices/platform/soc/soc:firmware/get_throttled", None)
    assert "the voltage has been right since the start" not in texts(examine_hardware, board)
    board.programs["vcgencmd get_throttled"] = "throttled=0x50000"
    (fault,) = sick(examine_hardware, board)
    assert "too low a voltage since the start" in fault.text


def test_a_watchdog_that_nobody_feeds(board: DoctoredBoard) -> None:
    board.programs["systemctl show -p RuntimeWatchdogUSec --value"] = "0"
    assert any("nobody feeds the hardware watchdog" in text for text in texts(examine_hardware, board))
    board.live = False
    board.change("usr/lib/systemd/system.conf.d/50-offhook-watchdog.conf", "")
    assert "systemd feeds the hardware watchdog (14s)" in texts(examine_hardware, board)
    board.change("dev/watchdog0", None)
    assert any("no hardware watchdog" in text for text in texts(examine_hardware, board))
