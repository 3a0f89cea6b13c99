"""Asserted identities, privacy asked for and respected, and anonymous calls of ours."""

import pytest

from device.model import Account
from device.sip.asserted_identity import asserted_identity, is_private
from device.sip.headers import Headers
from device.sip.invite_options import InviteOptions
from device.sip.message import Request, Response
from tests.support.sip_bench import CALL, OFFER, OFFICE, Bench, office


@pytest.mark.parametrize(
    ("headers", "uri"),
    [
        ([("P-Asserted-Identity", "<tel:+4420>, <sip:+4420@x;user=phone>")], "sip:+4420@x;user=phone"),
        ([("P-Asserted-Identity", "<tel:+4420>")], "tel:+4420"),
        ([("Remote-Party-ID", "<sip:a@x>;party=calling"), ("P-Asserted-Identity", "<sip:b@x>")], "sip:b@x"),
        ([("Remote-Party-ID", "<sip:a@x>;party=redirecting"), ("Remote-Party-ID", "<sip:b@x>")], "sip:b@x"),
        ([("P-Asserted-Identity", '"open <sip:b@x>')], None),
        ([], None),
    ],
)
def test_the_address_that_counts(headers: list[tuple[str, str]], uri: str | None) -> None:
    found = asserted_identity(Headers(headers))
    assert (str(found.uri) if found else None) == uri


@pytest.mark.parametrize(
    ("headers", "private"),
    [
        ([("Privacy", "none")], False),
        ([("Privacy", "critical;id")], True),
        ([("Privacy", "session")], True),
        ([("Remote-Party-ID", "<sip:a@x>;privacy=off")], False),
        ([("Remote-Party-ID", "<sip:a@x>;privacy=full")], True),
        ([], False),
    ],
)
def test_privacy(headers: list[tuple[str, str]], private: bool) -> None:
    request = Request("INVITE", "sip:x", Headers([("From", "<sip:bob@x>;tag=1"), *headers]))
    assert is_private(request) is private
    assert is_private(Response(200, None, Headers(headers))) is private


def call(account: Account, privacy: str = "") -> Request:
    bench = Bench(account=account)
    options = InviteOptions(privacy) if privacy else None
    bench.agent.invite(CALL, "1002", OFFER, OFFICE, bench.now, options)
    return bench.sent_request("INVITE")


def test_a_call_says_who_we_are() -> None:
    invite = call(office())
    assert "Privacy" not in invite.headers
    assert "P-Preferred-Identity" not in invite.headers
    assert call(office(privacy="full"), "none").from_.uri.user == "1001"


def test_a_call_that_withholds_our_identity() -> None:
    for invite in (call(office(privacy="id")), call(office(), "id")):
        assert invite.from_.uri.user == "1001"
        assert invite.headers.get("Privacy") == "id"
        assert invite.headers.get("P-Preferred-Identity") == '"Office" <sip:1001@192.0.2.2>'


def test_an_anonymous_call() -> None:
    for invite in (call(office(privacy="full")), call(office(), "full")):
        assert str(invite.from_).startswith('"Anonymous" <sip:anonymous@anonymous.invalid>;tag=')
        assert invite.headers.get("Privacy") == "id"
        assert invite.headers.get("P-Preferred-Identity") == '"Office" <sip:1001@192.0.2.2>'
        assert "1001" not in str(invite.contacts[0])


def test_an_anonymous_call_without_an_account() -> None:
    bench = Bench()
    bench.agent.invite(CALL, "192.0.2.2", OFFER, None, bench.now, InviteOptions("full"))
    invite = bench.sent_request("INVITE")
    assert invite.from_.uri.user == "anonymous"
    assert "P-Preferred-Identity" not in invite.headers
