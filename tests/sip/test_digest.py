"""Digest authentication: known answers, both sides of the exchange, and a client that knows when to stop."""

import hashlib
import subprocess
import sys

import pytest

from device.model import Credential
from device.sip import digest
from device.sip.digest import (
    ALGORITHMS,
    AuthCredentials,
    Challenge,
    authorize,
    ha1,
    make_authentication_info,
    make_challenge,
    parse_authentication_info,
    parse_challenges,
    parse_credentials,
    rspauth_matches,
    strongest,
    verify,
)
from device.sip.errors import SipParseError, SipStateError

REALM = "office.example"
PASSWORD = 'knock: "twice" é'
DESK = Credential("desk", password=PASSWORD)

HASHLIB_NAMES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}


def expected_response(algorithm: str, fields: AuthCredentials, method: str, body: bytes, password: str) -> str:
    """request-digest written down a second time, straight from RFC 7616 section 3.4.1, over hashlib."""

    def h(*parts: str | bytes) -> str:
        data = b":".join(part if isinstance(part, bytes) else part.encode() for part in parts)
        return hashlib.new(HASHLIB_NAMES[algorithm.removesuffix("-sess")], data).hexdigest()

    a1 = h(fields.username, fields.realm, password)
    if algorithm.endswith("-sess"):
        a1 = h(a1, fields.nonce, fields.cnonce)
    a2 = h(method, fields.uri, h(body)) if fields.qop == "auth-int" else h(method, fields.uri)
    if fields.qop:
        return h(a1, fields.nonce, fields.nonce_count, fields.cnonce, fields.qop, a2)
    return h(a1, fields.nonce, a2)


def lookup(username: str, realm: str, algorithm: str) -> str | None:
    return ha1(algorithm, username, realm, PASSWORD) if username == "desk" else None


def read(text: str) -> AuthCredentials:
    credentials = parse_credentials(text)
    assert credentials is not None
    return credentials


# The arithmetic


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_example_of_rfc_7616_section_3_9_1(algorithm: str, response: str) -> None:
    nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
    opaque = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    challenge = Challenge("Digest", "http-auth@example.org", nonce, opaque, algorithm, ("auth", "auth-int"))
    credential = Credential("Mufasa", password="Circle of Life")
    value = authorize(challenge, credential, "GET", "/dir/index.html", b"", 1, cnonce)
    assert read(value) == AuthCredentials(
        "Mufasa",
        "http-auth@example.org",
        nonce,
        "/dir/index.html",
        response,
        algorithm,
        "auth",
        "00000001",
        cnonce,
        opaque,
    )


@pytest.mark.parametrize("qop", ["auth", "auth-int", ""])
@pytest.mark.parametrize("algorithm", [*ALGORITHMS, *(f"{name}-sess" for name in ALGORITHMS)])
def test_every_algorithm_and_qop_from_challenge_to_proof(algorithm: str, qop: str) -> None:
    body = b"v=0\r\n"
    (challenge,) = parse_challenges(make_challenge(REALM, "n1", algorithm, qop=(qop,) if qop else (), opaque="o"))
    fields = read(authorize(challenge, DESK, "INVITE", "sip:bell@office.example", body, 10, "c1"))
    assert fields.response == expected_response(algorithm, fields, "INVITE", body, PASSWORD)
    assert (fields.algorithm, fields.qop, fields.opaque) == (algorithm, qop, "o")
    assert (fields.nonce_count, fields.count) == (("0000000a", 10) if qop else ("", 0))
    assert fields.cnonce == ("c1" if qop or algorithm.endswith("-sess") else "")
    assert verify(fields, "INVITE", lookup, body)
    assert not verify(fields, "BYE", lookup, body)
    assert verify(fields, "INVITE", lookup, b"other") == (qop != "auth-int")


def test_stored_ha1_needs_no_password() -> None:
    sealed = Credential("desk", REALM, (("SHA-256", ha1("SHA-256", "desk", REALM, PASSWORD)),))
    challenge = Challenge("Digest", REALM, "n", algorithm="SHA-256-sess", qop=("auth",))
    assert verify(read(authorize(challenge, sealed, "BYE", "sip:x", cnonce="c")), "BYE", lookup)


def test_proof_fails_for_what_is_wrong_or_unknown() -> None:
    challenge = Challenge("Digest", REALM, "n", qop=("auth",))
    value = authorize(challenge, DESK, "INVITE", "sip:x", cnonce="c")
    assert not verify(read(value.replace('"desk"', '"nobody"')), "INVITE", lookup)
    assert not verify(read(value.replace("=MD5", "=SHA-1")), "INVITE", lookup)
    assert not verify(read(value.replace("qop=auth", "qop=auth-conf")), "INVITE", lookup)
    assert not verify(read(value.replace("nc=00000001", "nc=00000002")), "INVITE", lookup)
    assert not verify(read(value.replace('response="', 'response="é')), "INVITE", lookup)
    guessed = authorize(challenge, Credential("desk", password="x"), "INVITE", "sip:x", cnonce="c")
    assert not verify(read(guessed), "INVITE", lookup)


def test_upper_case_hexadecimal_is_a_proof_too() -> None:
    fields = read(authorize(Challenge("Digest", REALM, "n"), DESK, "INVITE", "sip:x"))
    shouted = read(str(fields).replace(fields.response, fields.response.upper()))
    assert verify(shouted, "INVITE", lookup)


def test_server_proves_the_password_with_authentication_info() -> None:
    challenge = Challenge("Digest", REALM, "n", qop=("auth-int",))
    fields = read(authorize(challenge, DESK, "REGISTER", "sip:office.example", b"", 1, "c"))
    info = parse_authentication_info(
        make_authentication_info(fields, ha1("MD5", "desk", REALM, PASSWORD), b"body", "next")
    )
    assert (info.nextnonce, info.qop, info.cnonce, info.nonce_count) == ("next", "auth-int", "c", "00000001")
    assert rspauth_matches(info, fields, DESK, b"body")
    assert not rspauth_matches(info, fields, DESK, b"else")
    assert not rspauth_matches(info, fields, Credential("desk", "elsewhere"), b"body")
    assert make_authentication_info(read(str(fields).replace(", qop=auth-int", "")), "0" * 32) == ""


def test_algorithm_that_is_not_known() -> None:
    with pytest.raises(SipStateError, match="not available"):
        ha1("SHA-1", "a", "b", "c")
    with pytest.raises(SipStateError, match="no answer"):
        authorize(Challenge("Digest", REALM, "n", algorithm="SHA-1"), DESK, "BYE", "sip:x")
    with pytest.raises(SipStateError, match="cnonce"):
        authorize(Challenge("Digest", REALM, "n", qop=("auth",)), DESK, "BYE", "sip:x")


def test_hashes_of_the_interpreter_and_of_openssl_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    own = [ha1(algorithm, "a", "b", "c") for algorithm in ALGORITHMS]
    monkeypatch.setattr(digest, "_SOURCES", dict.fromkeys(ALGORITHMS, (("no_such_module", "x"),)))
    monkeypatch.setattr(digest, "_constructors", {})
    assert [ha1(algorithm, "a", "b", "c") for algorithm in ALGORITHMS] == own


def test_system_without_sha_512_256_uses_the_next_best(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "_constructors", {})
    monkeypatch.setattr(digest, "_OPENSSL_NAMES", {"SHA-512-256": "no-such-hash"})
    offered = [Challenge("Digest", REALM, "n", algorithm=name) for name in ALGORITHMS]
    choice = strongest(offered, DESK)
    assert choice is not None
    assert choice.algorithm == "SHA-256"


def test_common_algorithms_do_not_load_openssl() -> None:
    code = "import sys; from device.sip.digest import ha1; ha1('MD5','','',''); ha1('SHA-256','','',''); "
    code += "sys.exit('hashlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Reading and choosing challenges


def test_several_challenges_in_one_line_and_in_several() -> None:
    joined = (
        'Digest realm="a, b", nonce="1",qop="auth,auth-int" , algorithm=SHA-256,Basic realm="c", Digest realm=d,nonce=2'
    )
    expected = [
        Challenge("Digest", "a, b", "1", algorithm="SHA-256", qop=("auth", "auth-int")),
        Challenge("Basic", "c"),
        Challenge("Digest", "d", "2"),
    ]
    assert parse_challenges(joined) == expected
    lines = ['Digest realm="a, b", nonce="1", qop="auth,auth-int", algorithm="sha-256"', 'BASIC realm="c"', "x"]
    assert parse_challenges(lines)[:2] == [expected[0], Challenge("BASIC", "c")]


def test_all_parameters_of_a_challenge() -> None:
    text = (
        'DIGEST Realm="say \\"friend\\" \\\\", NONCE="n=1,2", opaque="", stale=TRUE, algorithm=md5-SESS, '
        'qop=auth, domain="sip:a sip:b", userhash=true, charset=UTF-8, x-new="y",'
    )
    (challenge,) = parse_challenges(text)
    assert challenge == Challenge(
        "Digest", 'say "friend" \\', "n=1,2", "", "MD5-sess", ("auth",), True, "sip:a sip:b", True
    )
    answer = authorize(challenge, Credential('a"b', password="x"), "BYE", "sip:x", cnonce="c")
    assert 'username="a\\"b", realm="say \\"friend\\" \\\\"' in answer
    assert 'opaque=""' in answer
    assert read(answer).realm == challenge.realm


def test_malformed_challenges_are_passed_over() -> None:
    lines = ["", "Digest", 'Digest realm="x"', 'Digest nonce="x"', 'Digest realm="open', 'realm="x"', "=", ","]
    assert parse_challenges(lines) == []
    assert len(parse_challenges([*lines, 'Digest realm="x", nonce="y"'])) == 1
    assert parse_challenges("Negotiate YWJj==") == [Challenge("Negotiate", "")]


def test_challenge_made_for_a_phone_that_waited_too_long() -> None:
    text = make_challenge("a", "n", "SHA-256", stale=True)
    assert text == 'Digest realm="a", nonce="n", stale=true, algorithm=SHA-256, qop="auth"'


def test_strongest_algorithm_that_has_a_secret() -> None:
    offered = [Challenge("Digest", REALM, "n", algorithm=name, qop=("auth",)) for name in ("MD5", "SHA-256", "X-9")]
    offered += [Challenge("Digest", REALM, "n", algorithm="SHA-512-256", qop=("auth-conf",)), Challenge("Basic", REALM)]
    chosen = strongest(offered, DESK)
    assert chosen is not None
    assert chosen.algorithm == "SHA-256"
    only_md5 = Credential("desk", REALM, (("MD5", "0" * 32),))
    chosen = strongest(offered, only_md5)
    assert chosen is not None
    assert chosen.algorithm == "MD5"
    assert strongest(offered, Credential("desk", "elsewhere", (("MD5", "0" * 32),))) is None
    assert strongest(offered, Credential("desk")) is None


# Reading credentials


def test_credentials_of_another_scheme_are_none_of_ours() -> None:
    assert parse_credentials("Doorkey shape=round") is None


def test_user_name_in_extended_notation() -> None:
    text = "Digest username*=UTF-8''J%C3%BCrgen%20X, realm=a, nonce=b, uri=\"c\", response=d"
    assert read(text).username == "Jürgen X"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Digest",
        'Digest username="a", realm="b", nonce="c", uri="d"',
        'Digest username="a", realm="b", nonce="c", uri="d", response="e", qop=auth',
        'Digest username="a", realm="b", nonce="c", uri="d", response="e", qop=auth, cnonce="f", nc=xyz',
        'Digest username="a", realm="b", nonce="c", uri="d", response="e", qop=auth, cnonce="f", nc=123456789',
        'Digest username="a',
    ],
)
def test_malformed_credentials(text: str) -> None:
    with pytest.raises(SipParseError) as caught:
        parse_credentials(text)
    assert caught.value.status == 400


def test_secrets_are_not_shown() -> None:
    assert PASSWORD not in repr(DESK)
    assert PASSWORD not in str(read(authorize(Challenge("Digest", REALM, "n"), DESK, "BYE", "sip:x")))
