"""The messages of RFC 4475 and RFC 5118, each read and checked, and each sent to a telephone by datagram and stream."""

import pytest

from device.model import Account, AccountId
from device.sdp.parser import parse_sdp
from device.sip.errors import SipParseError
from device.sip.events import IncomingCall
from device.sip.message import Request, Response
from device.sip.parser import StreamFramer, parse_message, validate
from device.sip.uri import Uri, host_key
from tests.support.sip_bench import Bench
from tests.support.sip_facts import Facts, differences
from tests.support.torture import FACTS, FOLDERS, NAMES, Outcome, data_of

SECTIONS_4475 = (
    *(f"3.1.1.{number:02}" for number in range(1, 14)),
    *(f"3.1.2.{number:02}" for number in range(1, 20)),
    "3.2.1",
    *(f"3.3.{number:02}" for number in range(1, 16)),
    "3.4.1",
)
SECTIONS_5118 = ["4.01", "4.02", "4.03", "4.04", "4.05a", "4.05b", "4.06", "4.07", "4.08", "4.09", "4.10a", "4.10b"]
GOOD = [name for name in NAMES if "refused" not in FACTS[name]["parser"]]
BAD = [name for name in NAMES if "refused" in FACTS[name]["parser"]]
USERS = ("1002", "sips:1002@pbx.lan", "1002;par=u@gate.example")


def read(name: str) -> Request | Response:
    message = parse_message(data_of(name))
    validate(message)
    return message


def phone() -> Bench:
    """A telephone with the accounts that the vectors call."""
    bench = Bench()
    for number, user in enumerate(USERS):
        bench.agent.add_account(Account(AccountId(f"a{number}"), user, "pbx.lan", registrar="192.0.2.2"), None)
    return bench


def test_every_section_has_its_vector_and_every_vector_its_facts() -> None:
    for folder, sections in zip(FOLDERS, (SECTIONS_4475, SECTIONS_5118), strict=True):
        files = sorted(path.stem for path in folder.glob("*.dat"))
        assert [file.partition("_")[0] for file in files] == sorted(sections)
        assert {f"{folder.name}/{file}" for file in files} == {name for name in NAMES if folder.name in name}
    assert len(SECTIONS_4475) == 49


@pytest.mark.parametrize("name", GOOD)
def test_a_well_formed_message_is_read(name: str) -> None:
    facts = dict(FACTS[name]["parser"])
    message = read(name)
    session, host = facts.pop("sdp", None), facts.pop("same_host", None)
    assert differences(message, facts) == {}
    if host is not None:
        assert isinstance(message, Request)
        assert message.uri.matches(Uri("sip", message.uri.user, host=host))
        assert host_key(message.uri.host) == host_key(host)
    if session is not None:
        assert read_session(message.body) == session


def read_session(body: bytes) -> Facts:
    description = parse_sdp(body)
    return {
        "connection": description.connection.address if description.connection else None,
        "origin": description.origin.address,
        "media": [
            [media.kind, media.port, media.connection.address if media.connection else None]
            for media in description.media
        ],
    }


@pytest.mark.parametrize("name", GOOD)
def test_a_well_formed_message_reads_the_same_when_sent_on(name: str) -> None:
    message = read(name)
    again = parse_message(message.encode())
    validate(again)
    facts = {key: value for key, value in FACTS[name]["parser"].items() if key not in ("sdp", "same_host")}
    assert differences(again, facts) == {}


@pytest.mark.parametrize("name", BAD)
def test_a_malformed_message_is_refused(name: str) -> None:
    facts = FACTS[name]["parser"]
    with pytest.raises(SipParseError) as caught:
        read(name)
    assert caught.value.status == facts["refused"]
    assert facts["says"] in str(caught.value)


@pytest.mark.parametrize("is_stream", [False, True], ids=["datagram", "stream"])
@pytest.mark.parametrize("name", NAMES)
def test_what_a_telephone_does(name: str, is_stream: bool) -> None:
    expected = FACTS[name]["agent"]
    if is_stream:
        expected = FACTS[name].get("stream", {}).get("agent", expected)
    bench = phone()
    outcome = Outcome(bench.endpoint, data_of(name), name, is_stream)
    assert outcome.requests == []
    calls = [event.caller for event in outcome.events if isinstance(event, IncomingCall)]
    assert calls == ([expected["rings"]] if "rings" in expected else [])
    assert outcome.statuses == ([expected["status"]] if "status" in expected else [])
    assert outcome.is_broken is expected.get("broken", False)
    check_responses(outcome, expected, data_of(name))


def check_responses(outcome: Outcome, expected: Facts, data: bytes) -> None:
    """An answer carries the Vias as they came and goes back where the request came from."""
    for response, hop in zip(outcome.responses, outcome.hops, strict=True):
        assert hop.host in ("198.51.100.7", "2001:db8::9:1")
        for header, value in expected.get("headers", {}).items():
            assert response.headers.get(header) == value
        for header, token in expected.get("names", {}).items():
            assert token in response.tokens(header)
        if "via_count" in expected:
            assert len(response.vias) == expected["via_count"]
        for header in ("From", "Call-ID", "CSeq"):
            # What the answer to a malformed request says comes from that request.
            values = response.headers.get_all(header)
            assert len(values) <= 1
            assert all(value.split()[0].encode("utf-8", "surrogateescape") in data for value in values)


@pytest.mark.parametrize(
    "name", [name for name in NAMES if FACTS[name].get("stream", {}).get("agent", {}).get("waits")]
)
def test_a_stream_waits_for_what_was_announced(name: str) -> None:
    framer = StreamFramer()
    assert framer.receive_data(data_of(name)) == []
    assert framer.fault is None


@pytest.mark.parametrize("name", NAMES)
def test_a_telephone_works_on_after_each_of_them(name: str) -> None:
    bench = phone()
    for is_stream in (False, True):
        Outcome(bench.endpoint, data_of(name), name, is_stream)
    bench.sent()
    bench.request("OPTIONS", "sip:1002@pbx.lan", call_id="after")
    assert bench.statuses() == [200]
