import pytest

from device.sip.headers import parse_via
from device.sip.hop import Hop
from device.sip.routing import mark_source, response_hop, stateless_tag
from tests.support.sip_messages import request

HERE = Hop("UDP", "192.0.2.1", 5060)


@pytest.mark.parametrize(
    ("via", "source", "marked"),
    [
        ("SIP/2.0/UDP 192.0.2.1;branch=b", HERE, "SIP/2.0/UDP 192.0.2.1;branch=b"),
        ("SIP/2.0/UDP 192.0.2.1;branch=b", Hop("UDP", "192.0.2.1", 9), "SIP/2.0/UDP 192.0.2.1;branch=b"),
        ("SIP/2.0/UDP pc;branch=b", HERE, "SIP/2.0/UDP pc;branch=b;received=192.0.2.1"),
        ("SIP/2.0/UDP [::1];branch=b", Hop("UDP", "::1", 5060), "SIP/2.0/UDP [::1];branch=b"),
        ("SIP/2.0/UDP [::2];branch=b", Hop("UDP", "::1", 5060), "SIP/2.0/UDP [::2];branch=b;received=::1"),
        (
            "SIP/2.0/UDP 192.0.2.1;rport;branch=b",
            Hop("UDP", "192.0.2.1", 9),
            "SIP/2.0/UDP 192.0.2.1;rport=9;branch=b;received=192.0.2.1",
        ),
        (
            "SIP/2.0/UDP 192.0.2.1;received=10.9.9.9;branch=b",
            HERE,
            "SIP/2.0/UDP 192.0.2.1;received=192.0.2.1;branch=b",
        ),
    ],
)
def test_the_source_is_written_into_the_top_via(via: str, source: Hop, marked: str) -> None:
    asked = request(via=via)
    mark_source(asked, source)
    assert asked.headers.get_all("Via") == [marked]


@pytest.mark.parametrize(
    ("via", "source", "hop"),
    [
        ("SIP/2.0/UDP 192.0.2.1;rport=9;received=192.0.2.7", None, Hop("UDP", "192.0.2.7", 9)),
        ("SIP/2.0/UDP 192.0.2.1:0;rport=0", None, HERE),
        ("SIP/2.0/UDP [::1]:5070", None, Hop("UDP", "::1", 5070)),
        ("SIP/2.0/UDP 192.0.2.1;maddr=[ff02::1]", None, Hop("UDP", "ff02::1", 5060)),
        ("SIP/2.0/TCP 192.0.2.1;maddr=224.2.0.1", None, Hop("TCP", "192.0.2.1", 5060)),
        ("SIP/2.0/SCTP 192.0.2.1", None, Hop("SCTP", "192.0.2.1", 5060)),
        ("SIP/2.0/UDP pc.example", None, None),
        ("SIP/2.0/UDP pc.example", HERE, HERE),
        ("SIP/2.0/TLS pc", Hop("TLS", "192.0.2.1", 41000, 7), Hop("TLS", "192.0.2.1", 5061, 7)),
    ],
)
def test_where_a_response_goes(via: str, source: Hop | None, hop: Hop | None) -> None:
    assert response_hop(parse_via(via), source) == hop


def test_the_stateless_tag_is_the_same_for_a_retransmission_only() -> None:
    tags = [stateless_tag(request(via=f"SIP/2.0/UDP pc;branch={branch}")) for branch in ("1", "1", "2")]
    assert tags[0] == tags[1] != tags[2]
    assert len(tags[0]) == 8
