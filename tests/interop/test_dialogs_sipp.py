"""SIPp plays what is rare and then decides: recorded routes, CANCELs that cross answers, ways to ask for digest."""

import pytest

from tests.support.canary import ACCOUNT_PASSWORD
from tests.support.processes import HOST

pytestmark = pytest.mark.interop

DIRECT = {"phone.direct_calls": "on"}
OWN_ROUTE = "Route: .sip:[0-9.:]+;lr"
FAR_ROUTE = "Route: .sip:far.example.org;lr"


@pytest.mark.parametrize(
    ("near", "line", "route"),
    [
        ("sip:[local_ip]:[local_port];lr", "^BYE sip:sipp@", f"{OWN_ROUTE}.*{FAR_ROUTE}"),
        ("sip:[local_ip]:[local_port]", "^BYE sip:[0-9.:]+ SIP", f"{FAR_ROUTE}.*Route: .sip:sipp@"),
    ],
    ids=["loose", "strict"],
)
def test_the_called_phone_keeps_to_the_recorded_route(start_phone, play, near, line, route) -> None:
    phone = start_phone(DIRECT)
    sipp = play("call-routed", f"{HOST}:{phone.port}", target=phone.target, near=near, line=line, route=route)
    phone.expect_state("alerting")
    phone.lift()
    phone.expect_state("connected")
    phone.expect_message("in", "ACK")
    phone.rest()
    sipp.succeed()


def test_an_answer_that_crosses_the_cancel_is_ended(start_phone, play) -> None:
    """The 200 came although the call was given up: ACK, then BYE, and nobody talks."""
    phone = start_phone(DIRECT)
    sipp = play("answer-after-cancel")
    phone.place(f"sip:bob@{sipp.address}")
    phone.expect_state("ringback")
    phone.call("call.hangup")
    phone.expect_message("out", "CANCEL")
    phone.expect_message("out", "ACK")
    phone.expect_message("out", "BYE")
    sipp.succeed()
    assert phone.call_log()[0]["cause"] == "cancelled"


def test_ringing_that_crosses_the_cancel_changes_nothing(start_phone, play) -> None:
    phone = start_phone(DIRECT)
    sipp = play("ring-after-cancel")
    phone.place(f"sip:bob@{sipp.address}")
    phone.expect_state("ringback")
    phone.call("call.hangup")
    phone.expect_state("idle")
    sipp.succeed()
    assert phone.status()["calls"] == []


def test_a_caller_who_gives_up_in_the_same_breath(start_phone, play) -> None:
    phone = start_phone(DIRECT)
    play("call-and-cancel-at-once", f"{HOST}:{phone.port}", target=phone.target).succeed()
    phone.rest()
    assert phone.call_log()[0]["cause"] == "missed"


PLAIN = 'WWW-Authenticate: Digest realm="sipp", nonce="n1"'
SHA_256 = f"{PLAIN}, algorithm=SHA-256"
COUNTED = "qop=auth.*nc=0000000{}"


@pytest.mark.parametrize(
    ("challenges", "credentials", "refresh"),
    [
        (PLAIN, 'nonce="n1".*response="[0-9a-f]{32}"', 'nonce="n1"'),
        (f'{PLAIN}, algorithm=md5, qop="auth"', COUNTED.format(1), COUNTED.format(2)),
        (f'{PLAIN}, qop="auth-int,auth", opaque="what"', "opaque=.what", COUNTED.format(2)),
        (f'{PLAIN}, qop="auth-int"', "qop=auth-int", "qop=auth-int.*nc=00000002"),
        (f'{PLAIN}, algorithm=MD5-sess, qop="auth"', "algorithm=MD5-sess", "algorithm=MD5-sess"),
        (f'{SHA_256}, qop="auth"', 'response="[0-9a-f]{64}"', COUNTED.format(2)),
        (f'{PLAIN}, algorithm=MD5, qop="auth"\n{SHA_256}, qop="auth"', "algorithm=SHA-256", "algorithm=SHA-256"),
        (f'{PLAIN}, algorithm=SHA3-999, qop="auth"\n{PLAIN}, qop="auth"', COUNTED.format(1), COUNTED.format(2)),
        (f'WWW-Authenticate: Bearer realm="sipp"\n{PLAIN}, qop="auth"', COUNTED.format(1), COUNTED.format(2)),
    ],
    ids=["rfc2069", "md5", "opaque", "auth-int", "sess", "sha-256", "strongest", "unknown-algorithm", "unknown-scheme"],
)
def test_digest_in_every_way_to_ask_for_it(start_phone, play, challenges, credentials, refresh) -> None:
    register(start_phone(), play, challenges=challenges, credentials=credentials, refresh=refresh, info="")


def test_the_next_nonce_is_used(start_phone, play) -> None:
    challenges = f'{PLAIN}, algorithm=MD5, qop="auth"'
    info = 'Authentication-Info: nextnonce="n2"'
    register(
        start_phone(),
        play,
        challenges=challenges,
        credentials='nonce="n1"',
        info=info,
        refresh='nonce="n2".*nc=00000001',
    )


def register(phone, play, **values) -> None:
    sipp = play("registrar-asks", **values)
    phone.add_account(sipp.address, "alice", ACCOUNT_PASSWORD)
    for _ in range(2):
        phone.expect_registration("registered")
    phone.call("account.remove", id="office")
    sipp.succeed()
