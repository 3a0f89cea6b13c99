"""What DNS said, in words; every fault that a look-up can have is named with what to do."""

from typing import Any

import pytest

from device.console.dns_words import DnsReport, findings, servers_line, step_lines, target_line

SERVER, OTHER = "192.0.2.53", "192.0.2.54"
TARGET = {"name": "office", "account": True, "host": "pbx.test", "port": 0, "transport": "UDP", "address": False}
HOPS = ["udp:192.0.2.7:5060"]


def step(kind: str, name: str, *records: str, fault: str = "", server: str = SERVER, seconds: float = 0.02) -> Any:
    return {
        "type": kind,
        "name": name,
        "server": server,
        "seconds": seconds,
        "ttl_s": 300 if records else 0,
        "records": list(records),
        "fault": fault,
    }


SRV = step("SRV", "_sip._udp.pbx.test", "a.test:5060 priority 0 weight 0")
NO_SRV = step("SRV", "_sip._udp.pbx.test", fault="no-record")
ADDRESS = step("A", "a.test", "192.0.2.7")


def test_a_step_is_told_with_server_time_and_how_long_it_holds() -> None:
    two = step("SRV", "_sip._udp.pbx.test", "a.test:5060 priority 0 weight 0", "b.test:5060 priority 1 weight 0")
    assert step_lines(two) == [
        "  SRV     _sip._udp.pbx.test",
        "          192.0.2.53, 20 ms: a.test:5060 priority 0 weight 0, kept for 5 min 00 s",
        "          and b.test:5060 priority 1 weight 0",
    ]
    assert step_lines(step("A", "x", fault="no-name"))[1].endswith("20 ms: there is no such name (NXDOMAIN)")
    assert step_lines(step("A", "x", fault="Network is unreachable"))[1].endswith("Network is unreachable")


def test_who_is_asked_and_for_what() -> None:
    assert (
        servers_line({"servers": [SERVER], "told_by": "system"}) == "name servers: 192.0.2.53 (from /etc/resolv.conf)"
    )
    assert "sip.dns_servers" in servers_line({"servers": [SERVER], "told_by": "settings"})
    assert "no name server is known" in servers_line({"servers": [], "told_by": "system"})
    assert target_line({**TARGET, "port": 5070}) == "office: where is pbx.test port 5070 by UDP?"
    assert target_line({**TARGET, "host": "192.0.2.7", "address": True}).endswith("an address; DNS is not needed")


def test_nothing_is_wrong_where_all_is_well() -> None:
    assert findings([SRV, ADDRESS], HOPS, [SERVER], TARGET) == []
    assert findings([NO_SRV, step("A", "pbx.test", "192.0.2.7")], HOPS, [SERVER], TARGET) == []


@pytest.mark.parametrize(
    ("steps", "servers", "text", "remedy"),
    [
        (
            [step("address", "pbx.test", fault="it has no address", server="system")],
            [],
            "no name server is set up",
            "DHCP",
        ),
        ([], [], "no name server is set up", "sip.dns_servers"),
        ([step("A", "pbx.test", fault="no-answer")], [SERVER], f"no name server answers: {SERVER}", "show network"),
        (
            [step("A", "pbx.test", fault="Connection refused")],
            [SERVER],
            f"no name server answers: {SERVER} (Connection refused)",
            "set sip.dns_servers",
        ),
        ([step("A", "pbx.test", fault="server-failure")], [SERVER], "will not or cannot tell", "set sip.dns_servers"),
        ([step("A", "pbx.test", fault="refused")], [SERVER], "will not or cannot tell", "another"),
        ([NO_SRV, step("A", "pbx.test", fault="no-name")], [SERVER], "the name pbx.test does not exist", "spelt right"),
        (
            [NO_SRV, step("A", "pbx.test", fault="no-record")],
            [SERVER],
            "has no address and names no SIP server by UDP",
            "transport auto",
        ),
        (
            [step("SRV", "_sip._udp.pbx.test", ".:0 priority 0 weight 0")],
            [SERVER],
            "pbx.test says in DNS that it has no such service",
            "another transport",
        ),
        (
            [SRV, step("A", "a.test", fault="no-name")],
            [SERVER],
            "SRV names a.test as a server, which has no address: there is no such name",
            "operator",
        ),
    ],
)
def test_the_weightiest_fault_comes_first_with_what_to_do(
    steps: list[Any], servers: list[str], text: str, remedy: str
) -> None:
    first = findings(steps, [], servers, TARGET)[0]
    assert text in first.text
    assert remedy in first.remedy


def test_a_silent_server_beside_a_good_one_is_noted_with_the_time_it_costs() -> None:
    lost = step("SRV", "_sip._udp.pbx.test", fault="no-answer", server=OTHER, seconds=2.0)
    (found,) = findings([lost, SRV, ADDRESS], HOPS, [OTHER, SERVER], TARGET)
    assert found.text == "192.0.2.54: no answer; 2.0 s were lost by asking it"


def test_a_name_that_is_no_account_is_not_said_to_be_one() -> None:
    found = findings([step("A", "pbx.test", fault="no-name")], [], [SERVER], {**TARGET, "account": False})
    assert "set account" not in found[0].remedy


def test_a_report_takes_its_own_test_alone_and_knows_its_end() -> None:
    answer = {"test": 3, "servers": [SERVER], "told_by": "system", "targets": [TARGET, {**TARGET, "address": True}]}
    report = DnsReport(answer)
    assert report.head()[0].startswith("name servers")
    assert report.receive({"test": 2, "target": 0, "hops": []}) == []
    assert report.receive({"test": 3, "target": 0, **SRV})[0] == "office: where is pbx.test by UDP?"
    assert not report.is_done
    lines = report.receive({"test": 3, "target": 0, "hops": HOPS})
    assert lines == ["  to be tried in this order: udp:192.0.2.7:5060"]
    assert report.is_done
    assert report.is_good
    first, second = report.facts()["targets"]  # type: ignore[misc]
    assert (first["hops"], first["steps"], second["steps"]) == (HOPS, [SRV], [])


def test_a_server_that_is_not_found_is_no_good_end() -> None:
    report = DnsReport({"test": 1, "servers": [SERVER], "told_by": "system", "targets": [TARGET]})
    report.receive({"test": 1, "target": 0, **step("A", "pbx.test", fault="no-name")})
    lines = report.receive({"test": 1, "target": 0, "hops": []})
    assert lines[0] == "  FAULT: the server is not found"
    assert lines[1].startswith("  because: the name pbx.test does not exist")
    assert lines[2].startswith("  do: is it spelt right?")
    assert report.is_done
    assert not report.is_good


def test_what_the_hosts_file_knows_is_said() -> None:
    report = DnsReport({"test": 1, "servers": [], "told_by": "system", "targets": [TARGET]})
    assert "hosts file" in report.receive({"test": 1, "target": 0, "hops": HOPS})[1]
