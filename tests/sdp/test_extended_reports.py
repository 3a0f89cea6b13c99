"""a=rtcp-xr as RFC 3611 section 5.2 has it, in offers and answers of ours and of others."""

import pytest

from device.records import replace
from device.sdp.extended_reports import agreed_formats, answer_formats, parse_formats
from device.sdp.offer_answer import build_answer, build_offer, read_answer
from tests.sdp.test_offer_answer import LOCAL, description

OURS = "voip-metrics rcvr-rtt=all"
WITH = replace(LOCAL, extended_reports=OURS)
AUDIO = "m=audio 5000 RTP/AVP 8\r\n"
LINPHONE = "rcvr-rtt=all:10000 stat-summary=loss,dup,jitt,TTL voip-metrics"


def test_the_parameters_of_an_attribute() -> None:
    assert parse_formats(LINPHONE) == {"rcvr-rtt": "all", "stat-summary": "loss,dup,jitt,ttl", "voip-metrics": ""}
    assert parse_formats("") == {}


def test_our_offer_asks_for_them() -> None:
    assert b"a=rtcp-xr:voip-metrics rcvr-rtt=all\r\n" in build_offer(WITH, 0).encode()
    assert b"rtcp-xr" not in build_offer(LOCAL, 0).encode()


@pytest.mark.parametrize(
    ("offered", "answer", "agreed"),
    [
        (f"a=rtcp-xr:{LINPHONE}\r\n", OURS, ("voip-metrics", "rcvr-rtt=all")),
        ("a=rtcp-xr:rcvr-rtt=sender\r\n", "voip-metrics rcvr-rtt=sender", ("rcvr-rtt=sender",)),
        ("a=rtcp-xr:rcvr-rtt=everybody\r\n", "voip-metrics", ()),
        ("a=rtcp-xr:pkt-loss-rle\r\n", "voip-metrics", ()),
        ("a=sendonly\r\na=rtcp-xr:voip-metrics\r\n", "voip-metrics", ("voip-metrics",)),
        ("a=recvonly\r\na=rtcp-xr:voip-metrics\r\n", "voip-metrics", ()),
        ("", None, ()),
    ],
)
def test_our_answer_and_what_we_send_then(offered: str, answer: str | None, agreed: tuple[str, ...]) -> None:
    description_, outcome = build_answer(description(AUDIO + offered), WITH, 1)
    assert outcome is not None
    assert description_.media[0].attribute("rtcp-xr") == answer
    assert outcome.extended_reports == agreed


def test_an_attribute_of_the_session_is_one_of_its_media() -> None:
    _, outcome = build_answer(description(f"a=rtcp-xr:{LINPHONE}\r\n{AUDIO}"), WITH, 1)
    assert outcome is not None
    assert outcome.extended_reports == ("voip-metrics", "rcvr-rtt=all")


@pytest.mark.parametrize(
    ("answered", "agreed"),
    [
        ("a=rtcp-xr:rcvr-rtt=all voip-metrics\r\n", ("voip-metrics", "rcvr-rtt=all")),
        ("a=rtcp-xr:rcvr-rtt=sender\r\n", ()),
        ("a=rtcp-xr:voip-metrics\r\n", ("voip-metrics",)),
        ("", ()),
    ],
)
def test_what_an_answer_to_our_offer_agrees_on(answered: str, agreed: tuple[str, ...]) -> None:
    offer = build_offer(WITH, 0)
    assert read_answer(offer, description(AUDIO + answered), WITH).extended_reports == agreed


def test_who_does_not_want_them_neither_answers_nor_sends_any() -> None:
    answer, outcome = build_answer(description(f"{AUDIO}a=rtcp-xr:{LINPHONE}\r\n"), LOCAL, 1)
    assert outcome is not None
    assert outcome.extended_reports == ()
    assert b"rtcp-xr" not in answer.encode()
    assert agreed_formats(LINPHONE, "", they_send=True) == ("voip-metrics",)
    assert answer_formats(LINPHONE, "voip-metrics") == "voip-metrics"
