import pytest

from device.exchange.authenticator import MAX_CREDENTIALS, Authenticator, Verdict
from device.exchange.used_nonces import USED_NONCES_KEPT
from device.ids import CountingIds
from device.model import Credential
from device.records import replace
from device.sip.auth_headers import parse_challenges
from device.sip.digest import authorize, ha1
from device.sip.message import Request
from device.sip.parser import parse_message
from tests.support.work import work_of

REALM = "pbx.lan"
OURS = "offhook/0.1.0"
ALICE = Credential("alice", REALM, tuple((name, ha1(name, "alice", REALM, "secret")) for name in ("MD5", "SHA-256")))


def register(authorization: str = "") -> Request:
    lines = [
        "REGISTER sip:pbx.lan SIP/2.0",
        "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1",
        "From: <sip:alice@pbx.lan>;tag=1",
        "To: <sip:alice@pbx.lan>",
        "Call-ID: c1",
        "CSeq: 1 REGISTER",
    ]
    if authorization:
        lines.append(f"Authorization: {authorization}")
    message = parse_message("\r\n".join([*lines, "", ""]).encode())
    assert isinstance(message, Request)
    return message


def make() -> Authenticator:
    return Authenticator(REALM, {"alice": ALICE}.get, CountingIds(), 300, "both")


def answer(
    authenticator: Authenticator,
    now: float = 0.0,
    algorithm: str = "SHA-256",
    count: int = 1,
    credential: Credential = ALICE,
    uri: str = "sip:pbx.lan",
) -> str:
    challenges = parse_challenges(authenticator.challenges(now, OURS))
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
        challenge = parse_challenges(authenticator.challenges(0.0, OURS))[0]
        for count in (1, 2, 7):
            authorization = authorize(challenge, ALICE, "REGISTER", "sip:pbx.lan", b"", count, "cn")
            assert verdict(authenticator, authorization) is Verdict.ACCEPTED

    def test_one_right_answer_among_several_is_enough(self) -> None:
        authenticator = make()
        first, second = answer(authenticator), answer(authenticator, algorithm="MD5")
        assert verdict(authenticator, first) is Verdict.ACCEPTED
        request = register(f"{first}\r\nAuthorization: {second}")
        assert authenticator.check(request, "Authorization", 1.0).verdict is Verdict.ACCEPTED
        assert authenticator.check(request, "Authorization", 1.0).verdict is Verdict.STALE

    def test_only_so_many_are_looked_at(self) -> None:
        authenticator = make()
        wrong = answer(authenticator).replace('username="alice"', 'username="mallory"')
        request = register("\r\nAuthorization: ".join([*[wrong] * MAX_CREDENTIALS, answer(authenticator)]))
        assert authenticator.check(request, "Authorization", 1.0).verdict is Verdict.REFUSED

    def test_a_nonce_ends(self) -> None:
        authenticator = make()
        assert verdict(authenticator, answer(authenticator), now=300.0) is Verdict.STALE

    def test_a_nonce_of_a_former_life_is_stale_not_wrong(self) -> None:
        before, after = make(), Authenticator(REALM, {"alice": ALICE}.get, CountingIds("x"), 300)
        assert verdict(after, answer(before)) is Verdict.STALE

    def test_credentials_made_for_another_target_are_worth_nothing(self) -> None:
        authenticator = make()
        assert verdict(authenticator, answer(authenticator, uri="sip:elsewhere")) is Verdict.REFUSED

    def test_nonces_that_are_over_are_stale(self) -> None:
        """With the wrong password as with the right one."""
        authenticator = make()
        wrong = Credential("alice", REALM, (("MD5", ha1("MD5", "alice", REALM, "guess")),))
        for credential in (ALICE, wrong):
            sent = answer(authenticator, algorithm="MD5", credential=credential)
            assert verdict(authenticator, sent, now=301.0) is Verdict.STALE

    def test_so_are_those_for_what_is_no_uri(self) -> None:
        authenticator = make()
        assert verdict(authenticator, answer(authenticator, uri="garbage")) is Verdict.REFUSED

    def test_an_algorithm_that_is_not_stored_is_wrong(self) -> None:
        authenticator = make()
        authorization = answer(authenticator).replace("algorithm=SHA-256", "algorithm=SHA-512-256")
        assert verdict(authenticator, authorization) is Verdict.REFUSED

    def test_without_qop_a_nonce_serves_once(self) -> None:
        authenticator = make()
        challenge = parse_challenges(authenticator.challenges(0.0, ""))[-1]
        plain = authorize(replace(challenge, qop=()), ALICE, "REGISTER", "sip:pbx.lan")
        assert verdict(authenticator, plain) is Verdict.ACCEPTED
        assert verdict(authenticator, plain) is Verdict.STALE

    def test_a_nonce_of_another_making_is_stale(self) -> None:
        authenticator = make()
        genuine = answer(authenticator)
        nonce = parse_challenges(make().challenges(0.0, OURS))[0].nonce
        for forged in ("", "n", nonce[:-1] + "x", nonce.replace("0.", "ffff.", 1), "é" + nonce, nonce + "é"):
            challenge = replace(parse_challenges(authenticator.challenges(0.0, OURS))[0], nonce=forged)
            sent = authorize(challenge, ALICE, "REGISTER", "sip:pbx.lan", b"", 1, "cn")
            assert verdict(authenticator, sent) is Verdict.STALE, forged
        assert verdict(authenticator, genuine) is Verdict.ACCEPTED

    def test_strangers_who_ask_for_many_nonces_take_none_from_the_users(self) -> None:
        authenticator = make()
        first = answer(authenticator)
        for _ in range(1000):
            authenticator.challenges(0.0, OURS)
        assert verdict(authenticator, first) is Verdict.ACCEPTED

    def test_the_memory_of_used_nonces_is_bounded_and_nothing_can_be_replayed(self) -> None:
        authenticator = make()
        first = answer(authenticator, now=0.0)
        assert verdict(authenticator, first) is Verdict.ACCEPTED
        for number in range(USED_NONCES_KEPT):
            used = answer(authenticator, now=1.0 + number / 1000)
            assert verdict(authenticator, used, now=5.0) is Verdict.ACCEPTED
        assert verdict(authenticator, first, now=5.0) is Verdict.STALE
        assert verdict(authenticator, used, now=5.0) is Verdict.STALE
        assert verdict(authenticator, answer(authenticator, now=5.0), now=6.0) is Verdict.ACCEPTED

    def test_users_who_come_all_at_once_take_no_nonce_from_each_other(self) -> None:
        crowd = {
            name: Credential(name, REALM, (("MD5", ha1("MD5", name, REALM, "secret")),))
            for name in (f"u{number}" for number in range(500))
        }
        authenticator = Authenticator(REALM, (crowd | {"alice": ALICE}).get, CountingIds(), 300)
        first = answer(authenticator, algorithm="MD5")
        for credential in crowd.values():
            for _ in range(5):
                proof = answer(authenticator, 1.0, "MD5", credential=credential)
                assert verdict(authenticator, proof) is Verdict.ACCEPTED
        assert verdict(authenticator, first) is Verdict.ACCEPTED

    def test_used_nonces_that_are_over_are_forgotten(self) -> None:
        authenticator = make()
        for at in range(0, 3000, 10):
            assert verdict(authenticator, answer(authenticator, now=float(at)), now=float(at)) is Verdict.ACCEPTED
        assert len(authenticator._used) <= 31


class TestAddresses:
    def test_a_nonce_holds_for_the_address_that_it_was_given_to(self) -> None:
        authenticator = make()
        challenge = parse_challenges(authenticator.challenges(0.0, OURS, "192.0.2.1"))[0]
        sent = register(authorize(challenge, ALICE, "REGISTER", "sip:pbx.lan", b"", 1, "cn"))
        assert authenticator.check(sent, "Authorization", 1.0, "192.0.2.2").verdict is Verdict.STALE
        assert authenticator.check(sent, "Authorization", 1.0, "192.0.2.1").verdict is Verdict.ACCEPTED


class TestUnknownUsers:
    """Nobody learns which users exist: neither by the answer nor by the work it takes."""

    @pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
    def test_refusing_a_user_who_does_not_exist_takes_the_same_work(self, algorithm: str) -> None:
        authenticator = make()
        works = []
        for user in ("alice", "mallo"):
            guess = Credential(user, REALM, ((algorithm, ha1(algorithm, user, REALM, "guess")),))
            request = register(answer(authenticator, algorithm=algorithm, credential=guess))
            authenticator.check(request, "Authorization", 1.0)
            works.append(work_of(lambda request=request: authenticator.check(request, "Authorization", 1.0)))
        assert works[0] == works[1]

    def test_an_algorithm_for_which_there_is_no_secret_proves_nothing(self) -> None:
        imported = Credential("bob", REALM, (("MD5", ha1("MD5", "bob", REALM, "secret")),))
        authenticator = Authenticator(REALM, {"bob": imported}.get, CountingIds(), 300)
        knows = Credential("bob", REALM, (("SHA-256", ha1("SHA-256", "bob", REALM, "secret")),))
        assert verdict(authenticator, answer(authenticator, credential=knows)) is Verdict.REFUSED
