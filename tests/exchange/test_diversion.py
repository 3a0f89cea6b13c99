import pytest

from device.exchange.diversion import (
    BUSY,
    NO_ANSWER,
    UNCONDITIONAL,
    Diversion,
    diversion_fields,
    diverters_of,
)
from device.sip.message import Request
from device.sip.uri import parse_uri

BOB, CAROL, DAVE = (parse_uri(f"sip:{name}@pbx.lan") for name in ("bob", "carol", "dave"))


def request(**headers: str) -> Request:
    made = Request("INVITE", "sip:bob@pbx.lan")
    for name, value in headers.items():
        made.headers.add(name.replace("_", "-"), value)
    return made


def test_a_call_that_was_not_sent_on_says_nothing() -> None:
    assert diversion_fields(request(), (), CAROL) == ()


@pytest.mark.parametrize(
    ("reason", "history"),
    [
        (UNCONDITIONAL, ["<sip:bob@pbx.lan>;index=1", "<sip:carol@pbx.lan;cause=302>;index=1.1;mp=1"]),
        (
            BUSY,
            ["<sip:bob@pbx.lan?Reason=SIP%3Bcause%3D486>;index=1", "<sip:carol@pbx.lan;cause=486>;index=1.1;mp=1"],
        ),
        (
            NO_ANSWER,
            ["<sip:bob@pbx.lan?Reason=SIP%3Bcause%3D408>;index=1", "<sip:carol@pbx.lan;cause=408>;index=1.1;mp=1"],
        ),
    ],
)
def test_one_that_was_says_by_whom_and_why(reason: str, history: list[str]) -> None:
    """The index of RFC 7044 section 10.3, the cause of RFC 4458."""
    fields = diversion_fields(request(), (Diversion(BOB, reason),), CAROL)
    assert [value for name, value in fields if name == "Diversion"] == [f"<sip:bob@pbx.lan>;reason={reason};counter=1"]
    assert [value for name, value in fields if name == "History-Info"] == history


def test_who_sent_it_on_last_comes_first_in_diversion_and_last_in_history() -> None:
    chain = (Diversion(BOB, UNCONDITIONAL), Diversion(CAROL, BUSY))
    fields = diversion_fields(request(), chain, DAVE)
    assert [value.partition(">")[0] for name, value in fields if name == "Diversion"] == [
        "<sip:carol@pbx.lan",
        "<sip:bob@pbx.lan",
    ]
    assert [value for name, value in fields if name == "History-Info"] == [
        "<sip:bob@pbx.lan>;index=1",
        "<sip:carol@pbx.lan;cause=302?Reason=SIP%3Bcause%3D486>;index=1.1;mp=1",
        "<sip:dave@pbx.lan;cause=486>;index=1.1.1;mp=1.1",
    ]


def test_what_others_have_written_is_gone_on_with() -> None:
    before = request(History_Info="<sip:x@a.example>;index=1, <sip:bob@pbx.lan>;index=1.2;rc=1")
    fields = diversion_fields(before, (Diversion(BOB, UNCONDITIONAL),), CAROL)
    assert [value.partition(";index=")[2] for name, value in fields if name == "History-Info"] == [
        "1.2.1",
        "1.2.1.1;mp=1.2.1",
    ]


def test_who_has_sent_it_on_before_is_read_the_last_first() -> None:
    came = request(Diversion='"B, the second" <sip:b@x.example>;reason=no-answer, <sip:a@x.example>')
    assert [str(uri) for uri in diverters_of(came)] == ["sip:b@x.example", "sip:a@x.example"]


@pytest.mark.parametrize("text", ["<sip:b", '"', "<>", "<sip:b@x>, <nothing", ""])
def test_what_cannot_be_read_says_nothing(text: str) -> None:
    assert diverters_of(request(Diversion=text)) == []
    assert diversion_fields(request(History_Info=text), (Diversion(BOB, BUSY),), CAROL)
