"""The daemon registers at SIPp: digests of every kind, outbound, GRUU, Service-Route, strict servers."""

import pytest

from tests.support.canary import ACCOUNT_PASSWORD
from tests.support.processes import HOST

pytestmark = pytest.mark.interop

USER, PASSWORD = "alice", ACCOUNT_PASSWORD
PROOF = "response=.[0-9a-f]+."


def challenge(*challenges: str) -> str:
    return "\n".join(f"WWW-Authenticate: Digest {one}" for one in challenges)


@pytest.mark.parametrize(
    ("challenges", "credentials"),
    [
        # The points stand for quotes, which end an attribute of the scenario.
        (['realm="r", nonce="n"'], "nonce=.n., uri=.sip:[^,]*., response=.[0-9a-f]{32}."),
        (['realm="r",nonce="n",algorithm=md5,qop="auth"'], "algorithm=MD5,.*qop=auth, *nc=00000001"),
        (['realm="r", nonce="n", qop="auth-int"'], "qop=auth-int"),
        (['realm="r", nonce="n", algorithm=MD5-sess, qop="auth"'], "algorithm=MD5-sess,.*cnonce="),
        (['realm="r", nonce="n", algorithm=SHA-256, qop="auth"'], "response=.[0-9a-f]{64}."),
        (
            ['realm="r", nonce="n", algorithm=MD5, qop="auth"', 'realm="r", nonce="s", algorithm=SHA-256, qop="auth"'],
            "nonce=.s.,.*algorithm=SHA-256",
        ),
        (
            ['realm="r", nonce="x", algorithm=SHA3-512, qop="auth"', 'realm="r", nonce="n", algorithm=MD5'],
            "nonce=.n.,.*algorithm=MD5",
        ),
        (['nonce="n", opaque="", realm="r", stale=FALSE, domain="sip:r", x="y"'], "opaque=.."),
    ],
    ids=["rfc2069", "lower-case", "auth-int", "sess", "sha-256", "strongest", "unknown-beside", "odd-order"],
)
def test_a_digest_of_every_kind(start_phone, play, challenges: list[str], credentials: str) -> None:
    phone = start_phone()
    sipp = play("register-challenged", challenge=challenge(*challenges), credentials=credentials, verification=PROOF)
    phone.add_account(sipp.address, USER, PASSWORD)
    phone.expect_registration("registered")
    sipp.succeed()
    assert phone.account()["password"] == "sealed"


def test_next_nonces_and_one_that_is_stale(start_phone, play) -> None:
    phone = start_phone()
    sipp = play("register-next-nonce", user=USER, password=PASSWORD)
    phone.add_account(sipp.address, USER, PASSWORD)
    phone.expect_registration("registered")
    sipp.succeed()


@pytest.mark.parametrize("privacy", ["", "id"])
def test_outbound_gruu_and_service_route(start_phone, play, privacy: str) -> None:
    phone = start_phone()
    public, temporary = "sip:alice@127.0.0.1;gr=urn:uuid:x", "sip:t.4711@127.0.0.1;gr"
    expected = "t.4711@" if privacy else "alice@127.0.0.1;gr=urn"
    proxy = play("refuse-routed", route="service", contact=expected)
    registrar = play(
        "register-outbound",
        contact_params=f';pub-gruu="{public}";temp-gruu="{temporary}"',
        more=f"Service-Route: <sip:service@{proxy.address};lr>",
    )
    phone.add_account(registrar.address, USER, PASSWORD, privacy=privacy, outbound_proxy="")
    phone.expect_registration("registered")
    registrar.succeed()
    phone.place(f"bob@{HOST}")
    proxy.succeed()


@pytest.mark.parametrize("status", [400, 420, 439])
def test_a_strict_server(start_phone, play, status: int) -> None:
    phone = start_phone()
    sipp = play("register-strict", status=status)
    phone.add_account(sipp.address, USER, PASSWORD)
    phone.expect_registration("registered")
    sipp.succeed()
