import os
from pathlib import Path

import pytest

from device.daemon import device_facts
from device.daemon.device_facts import network_facts, storage_facts


def test_the_loopback_interface_of_this_machine() -> None:
    facts = network_facts()
    (loopback,) = [link for link in facts["interfaces"] if link["name"] == "lo"]  # type: ignore[attr-defined]
    assert "127.0.0.1/8" in loopback["addresses"]


def test_gateways_and_name_servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    routes = tmp_path / "route"
    routes.write_text(
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    )
    resolv = tmp_path / "resolv.conf"
    resolv.write_text("nameserver 192.168.1.1\nnameserver 2001:db8::1\n")
    monkeypatch.setattr(device_facts, "ROUTES", str(routes))
    monkeypatch.setattr(device_facts, "RESOLV_CONF", str(resolv))
    facts = network_facts()
    assert facts["gateways"] == ["192.168.1.1 by eth0"]
    assert facts["name_servers"] == ["192.168.1.1", "2001:db8::1"]


def test_ipv6_addresses_are_shown_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = tmp_path / "if_inet6"
    addresses.write_text(
        "fe80000000000000ba27ebfffe000001 02 40 20 80 lo\n"
        "20010db8000000010000000000000001 02 40 00 80 lo\n"
        "00000000000000000000000000000001 01 80 10 80 lo\n"
        "20010db8000100020003000400050006 02 40 00 80 lo\n"
    )
    monkeypatch.setattr(device_facts, "ADDRESSES_6", str(addresses))
    (loopback,) = [link for link in network_facts()["interfaces"] if link["name"] == "lo"]  # type: ignore[attr-defined]
    assert loopback["addresses"][1:] == [
        "fe80::ba27:ebff:fe00:1/64 (link-local)",
        "2001:db8:0:1::1/64",
        "::1/128",
        "2001:db8:1:2:3:4:5:6/64",
    ]


def test_a_machine_without_those_files(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ROUTES", "ADDRESSES_6", "RESOLV_CONF"):
        monkeypatch.setattr(device_facts, name, "/nowhere")
    facts = network_facts()
    assert (facts["gateways"], facts["name_servers"]) == ([], [])


def test_the_store_and_the_room_beside_it(tmp_path: Path) -> None:
    store = tmp_path / "offhook.db"
    store.write_bytes(b"x" * 1000)
    (tmp_path / "offhook.db-wal").write_bytes(b"x" * 24)
    facts = storage_facts(str(store))
    assert (facts["bytes"], facts["copy_age_s"], facts["read_only"]) == (1024, None, False)
    assert 0 < facts["free_bytes"] <= facts["total_bytes"]  # type: ignore[operator]
    backup = tmp_path / "offhook.db.backup"
    backup.write_bytes(b"x")
    os.utime(backup, (0, 0))
    assert storage_facts(str(store))["copy_age_s"] > 1_000_000_000  # type: ignore[operator]
