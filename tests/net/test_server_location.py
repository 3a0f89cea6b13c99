"""RFC 3263 from zones to hops: each test writes a zone and says where requests go and what DNS is asked for."""

from collections import Counter
from random import Random

import pytest

from device.net.dns_message import AAAA, NAPTR, SRV, A, Naptr, RecordData, Srv
from device.net.server_location import MAX_HOPS, Abilities, Location, Question, locate
from device.sip.hop import NextHop

Zone = dict[tuple[str, int], tuple[RecordData, ...]]

HOSTS: Zone = {
    ("a.example.org", A): ("192.0.2.1",),
    ("b.example.org", A): ("192.0.2.2",),
    ("c.example.org", A): ("192.0.2.3",),
    ("example.org", A): ("192.0.2.9",),
}
NAPTRS: tuple[RecordData, ...] = (
    Naptr(50, 50, "S", "SIPS+D2T", "", "_sips._tcp.example.org"),
    Naptr(90, 50, "S", "SIP+D2T", "", "_sip._tcp.example.org"),
    Naptr(100, 50, "S", "SIP+D2U", "", "_sip._udp.example.org"),
)
"""The example of RFC 3263 section 4.1."""


def _abilities(transports: tuple[str, ...] = ("UDP", "TCP"), types: tuple[int, ...] = (A,)) -> Abilities:
    return Abilities(transports, types, lambda server: 0.5)


class _Asked:
    """What a lookup against `zone` came to, and which questions it needed, step by step."""

    def __init__(self, next_hop: NextHop, zone: Zone, abilities: Abilities) -> None:
        known: dict[Question, tuple[RecordData, ...]] = {}
        self.steps: list[list[tuple[str, int]]] = []
        while (location := locate(next_hop, next_hop.host, abilities, known.get)).missing:
            assert location.hops == ()
            self.steps.append([tuple(question) for question in location.missing])
            known.update({question: zone.get(tuple(question), ()) for question in location.missing})
        self.location: Location = location

    @property
    def hops(self) -> list[str]:
        return [str(hop) for hop in self.location.hops]


def _ask(next_hop: NextHop, zone: Zone, abilities: Abilities | None = None) -> _Asked:
    return _Asked(next_hop, {**HOSTS, **zone}, abilities or _abilities())


def test_naptr_chooses_the_transport_that_the_domain_prefers_and_we_speak() -> None:
    zone: Zone = {
        ("example.org", NAPTR): NAPTRS,
        ("_sip._tcp.example.org", SRV): (Srv(0, 1, 5060, "a.example.org"), Srv(0, 2, 5070, "b.example.org")),
    }
    asked = _ask(NextHop("Example.ORG."), zone)
    assert asked.hops == ["tcp:192.0.2.2:5070", "tcp:192.0.2.1:5060"]
    assert asked.steps[0] == [("example.org", NAPTR), ("_sip._udp.example.org", SRV), ("_sip._tcp.example.org", SRV)]
    assert asked.steps[1] == [("b.example.org", A), ("a.example.org", A)]


def test_with_tls_the_secure_service_is_chosen_and_the_server_proves_the_name_that_was_asked_for() -> None:
    zone: Zone = {
        ("example.org", NAPTR): NAPTRS,
        ("_sips._tcp.example.org", SRV): (Srv(0, 1, 5061, "a.example.org"),),
    }
    asked = _ask(NextHop("example.org"), zone, _abilities(("UDP", "TCP", "TLS")))
    assert asked.hops == ["tls:192.0.2.1:5061"]
    assert asked.location.hops[0].names == ("example.org",)


def test_naptr_records_of_the_same_order_follow_each_other() -> None:
    zone: Zone = {
        ("example.org", NAPTR): (
            Naptr(10, 20, "S", "SIP+D2T", "", "_sip._tcp.example.org"),
            Naptr(10, 10, "S", "SIP+D2U", "", "_sip._udp.example.org"),
            Naptr(20, 10, "S", "SIP+D2U", "", "_elsewhere._udp.example.org"),
        ),
        ("_sip._udp.example.org", SRV): (Srv(0, 1, 5060, "a.example.org"),),
        ("_sip._tcp.example.org", SRV): (Srv(0, 1, 5060, "b.example.org"),),
    }
    assert _ask(NextHop("example.org"), zone).hops == ["udp:192.0.2.1:5060", "tcp:192.0.2.2:5060"]


def test_a_naptr_record_may_lead_straight_to_a_host() -> None:
    zone: Zone = {("example.org", NAPTR): (Naptr(1, 1, "A", "SIP+D2T", "", "c.example.org"),)}
    assert _ask(NextHop("example.org"), zone).hops == ["tcp:192.0.2.3:5060"]


@pytest.mark.parametrize(
    "record",
    [
        Naptr(1, 1, "S", "SIP+D2W", "", "_sip._ws.example.org"),
        Naptr(1, 1, "U", "E2U+SIP", "!.*!sip:x@y!", ""),
        Naptr(1, 1, "", "SIP+D2U", "", "more.example.org"),
        Naptr(1, 1, "S", "SIP+D2U", "", ""),
        Naptr(1, 1, "S", "SIPS+D2T", "", "_sips._tcp.example.org"),
        Naptr(1, 1, "S", "SIP+D2U", "", "_nothing._udp.example.org"),
    ],
)
def test_naptr_records_that_lead_nowhere_are_passed_over(record: Naptr) -> None:
    zone: Zone = {
        ("example.org", NAPTR): (record,),
        ("_sip._udp.example.org", SRV): (Srv(0, 1, 5080, "a.example.org"),),
    }
    assert _ask(NextHop("example.org"), zone).hops == ["udp:192.0.2.1:5080"]


def test_without_naptr_srv_is_asked_for_each_transport_in_our_order() -> None:
    zone: Zone = {
        ("_sip._tcp.example.org", SRV): (Srv(0, 1, 5060, "a.example.org"),),
        ("_sip._udp.example.org", SRV): (Srv(9, 1, 5060, "b.example.org"),),
    }
    assert _ask(NextHop("example.org"), zone).hops == ["udp:192.0.2.2:5060", "tcp:192.0.2.1:5060"]


def test_without_srv_the_name_itself_is_a_host_with_the_default_port() -> None:
    asked = _ask(NextHop("example.org"), {})
    assert asked.hops == ["udp:192.0.2.9:5060"]
    assert asked.steps[-1] == [("example.org", A)]
    assert len(asked.steps) == 2


@pytest.mark.parametrize(
    ("transport", "service", "hops"),
    [
        ("UDP", "_sip._udp.", "udp:192.0.2.1:5070"),
        ("tcp", "_sip._tcp.", "tcp:192.0.2.1:5070"),
        ("TLS", "_sips._tcp.", "tls:192.0.2.1:5070"),
    ],
)
def test_a_named_transport_is_asked_for_alone(transport: str, service: str, hops: str) -> None:
    zone: Zone = {
        ("example.org", NAPTR): NAPTRS,
        (service + "example.org", SRV): (Srv(0, 1, 5070, "a.example.org"),),
    }
    asked = _ask(NextHop("example.org", None, transport), zone)
    assert asked.hops == [hops]
    assert ("example.org", NAPTR) not in asked.steps[0] or transport == "TLS"
    assert {name for name, kind in asked.steps[0] if kind == SRV} == {service + "example.org"}


def test_a_secure_uri_goes_where_naptr_says_that_tls_is() -> None:
    zone: Zone = {
        ("example.org", NAPTR): (
            Naptr(1, 1, "S", "SIP+D2U", "", "_sip._udp.example.org"),
            Naptr(2, 1, "S", "SIPS+D2T", "", "_sips._tcp.provider.example.org"),
        ),
        ("_sips._tcp.provider.example.org", SRV): (Srv(0, 1, 5061, "a.example.org"),),
        ("_sips._tcp.example.org", SRV): (Srv(0, 1, 5061, "b.example.org"),),
    }
    asked = _ask(NextHop("example.org", None, "TLS"), zone)
    assert asked.hops == ["tls:192.0.2.1:5061"]
    assert asked.location.hops[0].names == ("example.org",)


@pytest.mark.parametrize(("transport", "port"), [("UDP", 5060), ("TCP", 5060), ("TLS", 5061), ("SCTP", 5060)])
def test_a_named_transport_without_srv_has_its_own_default_port(transport: str, port: int) -> None:
    assert _ask(NextHop("example.org", None, transport), {}).hops == [f"{transport.lower()}:192.0.2.9:{port}"]


@pytest.mark.parametrize(("transport", "hop"), [(None, "udp:192.0.2.9:5080"), ("TCP", "tcp:192.0.2.9:5080")])
def test_with_a_port_only_addresses_are_asked_for(transport: str | None, hop: str) -> None:
    asked = _ask(NextHop("example.org", 5080, transport), {("_sip._udp.example.org", SRV): (Srv(0, 1, 1, "a"),)})
    assert asked.hops == [hop]
    assert asked.steps == [[("example.org", A)]]


def test_priorities_come_before_weights() -> None:
    zone: Zone = {
        ("_sip._udp.example.org", SRV): (
            Srv(20, 1000, 5060, "c.example.org"),
            Srv(10, 0, 5060, "b.example.org"),
            Srv(10, 5, 5060, "a.example.org"),
        )
    }
    hops = _ask(NextHop("example.org", None, "UDP"), zone).hops
    assert hops == ["udp:192.0.2.1:5060", "udp:192.0.2.2:5060", "udp:192.0.2.3:5060"]


def test_weights_share_the_load_as_rfc_2782_says_also_for_the_second_server() -> None:
    zone: Zone = {
        **HOSTS,
        ("_sip._udp.example.org", SRV): (
            Srv(1, 60, 5060, "a.example.org"),
            Srv(1, 30, 5060, "b.example.org"),
            Srv(1, 10, 5060, "c.example.org"),
        ),
    }
    random, orders = Random(3263), Counter[tuple[str, ...]]()
    for _ in range(3000):
        draws: dict[str, float] = {}

        def draw(server: str, draws: dict[str, float] = draws) -> float:
            return draws.setdefault(server, 1 - random.random())

        asked = _Asked(NextHop("example.org", None, "UDP"), zone, Abilities(("UDP",), (A,), draw))
        orders[tuple(hop.host[-1] for hop in asked.location.hops)] += 1
    first = Counter[str]()
    for order, count in orders.items():
        first[order[0]] += count
    assert 1700 < first["1"] < 1900
    assert 820 < first["2"] < 980
    # Once the first has been drawn, the second is drawn among the rest by their weights: 30 to 10.
    assert 0.68 < orders["1", "2", "3"] / first["1"] < 0.82


def test_the_order_of_two_servers_stays_when_a_third_comes() -> None:
    draws = {"a.example.org:5060": 0.3, "b.example.org:5060": 0.8, "c.example.org:5060": 0.5}
    abilities = Abilities(("UDP",), (A,), draws.__getitem__)
    two = (Srv(1, 1, 5060, "a.example.org"), Srv(1, 1, 5060, "b.example.org"))
    key, next_hop = ("_sip._udp.example.org", SRV), NextHop("example.org", None, "UDP")
    assert _ask(next_hop, {key: two}, abilities).hops == ["udp:192.0.2.2:5060", "udp:192.0.2.1:5060"]
    three = (*reversed(two), Srv(1, 1, 5060, "c.example.org"))
    hops = _ask(next_hop, {key: three}, abilities).hops
    assert hops == ["udp:192.0.2.2:5060", "udp:192.0.2.3:5060", "udp:192.0.2.1:5060"]


def test_a_service_that_is_decidedly_not_there_is_not_looked_for_elsewhere() -> None:
    zone: Zone = {("_sip._udp.example.org", SRV): (Srv(0, 0, 0, ""),)}
    assert _ask(NextHop("example.org", None, "UDP"), zone).hops == []


def test_a_port_0_takes_no_requests() -> None:
    zone: Zone = {("_sip._udp.example.org", SRV): (Srv(0, 0, 0, "a.example.org"), Srv(1, 0, 5060, "b.example.org"))}
    assert _ask(NextHop("example.org", None, "UDP"), zone).hops == ["udp:192.0.2.2:5060"]


def test_addresses_of_both_families_take_turns() -> None:
    zone: Zone = {
        ("example.org", A): ("192.0.2.1", "192.0.2.2", "192.0.2.3"),
        ("example.org", AAAA): ("2001:db8::1", "2001:db8::2"),
    }
    asked = _ask(NextHop("example.org", 5060), zone, _abilities(types=(AAAA, A)))
    assert [hop.host for hop in asked.location.hops] == [
        "2001:db8::1",
        "192.0.2.1",
        "2001:db8::2",
        "192.0.2.2",
        "192.0.2.3",
    ]


def test_one_address_under_two_names_is_one_hop() -> None:
    zone: Zone = {
        ("d.example.org", A): ("192.0.2.1",),
        ("_sip._udp.example.org", SRV): (Srv(0, 1, 5060, "a.example.org"), Srv(1, 1, 5060, "d.example.org")),
    }
    assert _ask(NextHop("example.org", None, "UDP"), zone).hops == ["udp:192.0.2.1:5060"]


def test_a_server_without_address_is_left_out() -> None:
    zone: Zone = {("_sip._udp.example.org", SRV): (Srv(0, 1, 5060, "x.example.org"), Srv(1, 1, 5060, "a.example.org"))}
    assert _ask(NextHop("example.org", None, "UDP"), zone).hops == ["udp:192.0.2.1:5060"]
    assert _ask(NextHop("nobody.example.org"), {}).hops == []


def test_a_flood_of_records_is_cut() -> None:
    servers = tuple(Srv(number, 1, 5060, f"s{number}.example.org") for number in range(100))
    zone: Zone = {(server.target, A): ("192.0.2.7", "192.0.2.8") for server in servers}
    zone = {(host, kind): (f"198.51.100.{index}",) for index, (host, kind) in enumerate(zone)}
    zone["_sip._udp.example.org", SRV] = servers
    asked = _ask(NextHop("example.org", None, "UDP"), zone)
    assert len(asked.hops) == MAX_HOPS == len(asked.steps[-1])
