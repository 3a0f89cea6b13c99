import pytest

from device.exchange.authenticator import MAX_NONCES, Authenticator, Verdict
from device.ids import CountingIds
from device.model import Credential
from device.sip.auth_headers import parse_challenges
from device.sip.digest import authorize, ha1
from device.sip.message import Request
from device.sip.parser import parse_message

REALM = "pbx.lan"
ALICE = Credential("alice", REALM, tuple((name, ha1(name, "alice", REALM, "secret")) for name in ("MD5", "SHA-256")))


def register(call_id: str = "c1", agent: str = "desk", authorization: str = "") -> Request:
    lines = [
        "REGISTER sip:pbx.lan SIP/2.0",
        "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1",
        "From: <sip:alice@pbx.lan>;tag=1",
        "To: <sip:alice@pbx.lan>",
        f"Call-ID: {call_id}",
        "CSeq: 1 REGISTER",
        f"User-Agent: {agent}",
    ]
    if authorization:
        lines.append(f"Authorization: {authorization}")
    message = parse_message("\r\n".join([*lines, "", ""]).encode())
    assert isinstance(message, Request)
    return message


def make() -> Authenticator:
    return Authenticator(REALM, {"alice": ALICE}.get, CountingIds(), 300)


def answer(
    authenticator: Authenticator,
    now: float = 0.0,
    algorithm: str = "SHA-256",
    count: int = 1,
    credential: Credential = ALICE,
    uri: str = "sip:pbx.lan",
) -> str:
    challenges = parse_challenges(authenticator.challenges(register(), now))
    chosen = next(one for one in challenges if one.algorithm == algorithm)
    return authorize(chosen, credential, "REGISTER", uri, b"", count, "cn")


def verdict(authenticator: Authenticator, authorization: str, now: float = 1.0) -> Verdict:
    return authenticator.check(register(authorization=authorization), "Authorization", now).verdict


class TestChecking:
    @pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
    def test_the_right_password_is_accepted(self, algorithm: str) -> None:
        authenticator = make()
        authorization = answer(authenticator, algorithm=algorithm)
        found = authenticator.check(register(authorization=authorization), "Authorization", 1.0)
        assert (found.verdict, found.user) == (Verdict.ACCEPTED, "alice")

    def test_no_credentials_are_challenged(self) -> None:
        assert verdict(make(), "") is Verdict.CHALLENGE

    def test_credentials_of_another_realm_do_not_count(self) -> None:
        authenticator = make()
        other = answer(authenticator).replace('realm="pbx.lan"', 'realm="elsewhere"')
        assert verdict(authenticator, other) is Verdict.CHALLENGE

    def test_a_wrong_password_and_an_unknown_user_look_the_same(self) -> None:
        authenticator = make()
        wrong = Credential("alice", REALM, (("MD5", ha1("MD5", "alice", REALM, "guess")),))
        nobody = Credential("mallory", REALM, (("MD5", ha1("MD5", "mallory", REALM, "secret")),))
        for credential in (wrong, nobody):
            authorization = answer(authenticator, algorithm="MD5", credential=credential)
            assert verdict(authenticator, authorization) is Verdict.REFUSED

    def test_the_same_count_again_is_a_replay(self) -> None:
        authenticator = make()
        authorization = answer(authenticator)
        assert verdict(authenticator, authorization) is Verdict.ACCEPTED
        assert verdict(authenticator, authorization) is Verdict.STALE

    def test_a_nonce_serves_again_with_a_higher_count(self) -> None:
        authenticator = make()
        challenge = parse_challenges(authenticator.challenges(register(), 0.0))[0]
        for count in (1, 2, 7):
            authorization = authorize(challenge, ALICE, "REGISTER", "sip:pbx.lan", b"", count, "cn")
            assert verdict(authenticator, authorization) is Verdict.ACCEPTED

    def test_a_nonce_ends(self) -> None:
        authenticator = make()
        assert verdict(authenticator, answer(authenticator), now=300.0) is Verdict.STALE

    def test_a_nonce_of_a_former_life_is_stale_not_wrong(self) -> None:
        before, after = make(), Authenticator(REALM, {"alice": ALICE}.get, CountingIds("x"), 300)
        assert verdict(after, answer(before)) is Verdict.STALE

    def test_credentials_made_for_another_target_are_worth_nothing(self) -> None:
        authenticator = make()
        assert verdict(authenticator, answer(authenticator, uri="sip:elsewhere")) is Verdict.REFUSED

    def test_the_memory_of_nonces_is_bounded(self) -> None:
        authenticator = make()
        first = answer(authenticator)
        for number in range(MAX_NONCES):
            authenticator.challenges(register(call_id=str(number)), 0.0)
        assert verdict(authenticator, first) is Verdict.STALE


class TestOfferedAlgorithms:
    def offered(self, authenticator: Authenticator, request: Request) -> list[str]:
        return [one.algorithm for one in parse_challenges(authenticator.challenges(request, 0.0))]

    def test_the_strongest_comes_first(self) -> None:
        assert self.offered(make(), register()) == ["SHA-256", "MD5"]

    def test_a_phone_known_to_stumble_gets_md5_alone(self) -> None:
        assert self.offered(make(), register(agent="baresip v1.0.0 (x86_64/linux)")) == ["MD5"]

    def test_a_phone_that_comes_again_without_credentials_gets_md5_alone(self) -> None:
        authenticator = make()
        assert self.offered(authenticator, register("c9")) == ["SHA-256", "MD5"]
        assert self.offered(authenticator, register("c9")) == ["MD5"]
        assert self.offered(authenticator, register("another")) == ["SHA-256", "MD5"]

    def test_a_phone_that_answered_once_gets_the_choice_again(self) -> None:
        authenticator = make()
        self.offered(authenticator, register("c1"))
        assert verdict(authenticator, answer(authenticator)) is Verdict.ACCEPTED
        assert self.offered(authenticator, register("c1")) == ["SHA-256", "MD5"]
