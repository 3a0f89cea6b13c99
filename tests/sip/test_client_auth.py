"""A client that answers challenges, sends later requests authorised, and knows when to stop."""

import pytest

from device.ids import CountingIds
from device.model import Credential
from device.sip.auth_headers import AuthCredentials
from device.sip.client_auth import ClientAuth
from device.sip.digest import ha1, make_authentication_info, make_challenge, parse_credentials, seal, verify
from device.sip.headers import Headers
from device.sip.message import Request, Response
from device.sip.uri import parse_uri

REALM = "office.example"
PASSWORD = 'knock: "twice" é'
DESK = Credential("desk", password=PASSWORD)


def lookup(username: str, realm: str, algorithm: str) -> str | None:
    return ha1(algorithm, username, realm, PASSWORD) if username == "desk" else None


def read(text: str) -> AuthCredentials:
    credentials = parse_credentials(text)
    assert credentials is not None
    return credentials


def request(method: str = "REGISTER", to: str = "<sip:desk@office.example>") -> Request:
    headers = Headers(
        [("Via", "SIP/2.0/UDP x;branch=z9hG4bK1"), ("From", "<sip:desk@office.example>;tag=1"), ("To", to)]
    )
    headers.add("Call-ID", "c")
    headers.add("CSeq", f"1 {method}")
    return Request(method, parse_uri("sip:office.example"), headers, b"")


def refusal(*values: str, status: int = 401) -> Response:
    name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
    return Response(status, headers=Headers([(name, value) for value in values]))


def credentials_of(message: Request | None, name: str = "Authorization") -> list[AuthCredentials]:
    assert message is not None
    return [read(value) for value in message.headers.get_all(name)]


def client(credential: Credential = DESK) -> ClientAuth:
    return ClientAuth(credential, CountingIds())


def test_challenge_is_answered() -> None:
    auth = client()
    original = request()
    assert auth.authorize(original) is original
    repeated = auth.challenge_received(refusal(make_challenge(REALM, "n1")), original)
    (fields,) = credentials_of(repeated)
    assert repeated is not None
    assert verify(fields, "REGISTER", lookup)
    assert (fields.nonce, fields.nonce_count, fields.uri) == ("n1", "00000001", "sip:office.example")
    assert (repeated.cseq.number, "Via" in repeated.headers) == (2, False)
    assert "Authorization" not in original.headers
    assert auth.fault == ""


def test_later_requests_go_authorised_with_a_rising_count() -> None:
    auth = client()
    auth.challenge_received(refusal(make_challenge(REALM, "n1")), request())
    for count in (2, 3, 4):
        (fields,) = credentials_of(auth.authorize(request()))
        assert (fields.nonce, fields.count) == ("n1", count)
        assert verify(fields, "REGISTER", lookup)
    repeated_by_us = auth.authorize(auth.authorize(request()))
    assert len(credentials_of(repeated_by_us)) == 1


def test_only_the_challenged_method_outside_dialogs_goes_authorised() -> None:
    auth = client()
    auth.challenge_received(refusal(make_challenge(REALM, "n1")), request("REGISTER"))
    invite = request("INVITE")
    assert auth.authorize(invite) is invite
    again = auth.challenge_received(refusal(make_challenge(REALM, "n1")), invite)
    assert [fields.count for fields in credentials_of(again)] == [2]
    assert len(credentials_of(auth.authorize(request("INVITE")))) == 1
    within = request("INVITE", "<sip:bell@office.example>;tag=7")
    assert auth.authorize(within) is within
    assert len(credentials_of(auth.challenge_received(refusal(make_challenge(REALM, "n9")), within))) == 1


def test_what_was_made_for_the_registrar_does_not_go_along_with_a_call() -> None:
    auth = client()
    auth.challenge_received(refusal(make_challenge("registrar", "r1")), request("REGISTER"))
    call = auth.challenge_received(refusal(make_challenge("proxy", "p1"), status=407), request("INVITE"))
    assert credentials_of(call) == []
    assert [fields.realm for fields in credentials_of(call, "Proxy-Authorization")] == ["proxy"]


def test_wrong_password_is_tried_once() -> None:
    auth = client()
    repeated = auth.challenge_received(refusal(make_challenge(REALM, "n1")), request())
    assert repeated is not None
    for nonce in ("n1", "n2"):
        assert auth.challenge_received(refusal(make_challenge(REALM, nonce)), repeated) is None
        assert "refused the user name or password" in auth.fault
    plain = request()
    assert auth.authorize(plain) is plain


def test_wrong_password_with_a_server_of_rfc_2069_is_tried_once() -> None:
    auth = client()
    repeated = auth.challenge_received(refusal(make_challenge(REALM, "n1", qop=())), request())
    assert repeated is not None
    assert credentials_of(repeated)[0].qop == ""
    assert auth.challenge_received(refusal(make_challenge(REALM, "n2", qop=())), repeated) is None


def test_nonce_that_ran_out_is_replaced_with_or_without_stale() -> None:
    for stale, qop in ((True, ("auth",)), (False, ("auth",)), (False, ())):
        auth = client()
        auth.challenge_received(refusal(make_challenge(REALM, "n1", qop=qop)), request())
        later = auth.authorize(request())
        again = auth.challenge_received(refusal(make_challenge(REALM, "n2", stale=stale, qop=qop)), later)
        (fields,) = credentials_of(again)
        assert (fields.nonce, fields.nonce_count) == ("n2", "00000001" if qop else "")
        assert verify(fields, "REGISTER", lookup)


def test_request_that_went_out_before_the_client_gave_up_is_tried_once_more() -> None:
    auth = client()
    first = auth.challenge_received(refusal(make_challenge(REALM, "n1")), request())
    second = auth.authorize(request())
    assert first is not None
    assert auth.challenge_received(refusal(make_challenge(REALM, "n2")), first) is None
    last = auth.challenge_received(refusal(make_challenge(REALM, "n3")), second)
    assert last is not None
    assert auth.challenge_received(refusal(make_challenge(REALM, "n4")), last) is None


def test_late_acceptance_of_an_old_nonce_changes_nothing() -> None:
    auth = client()
    old = accepted_request(auth)
    auth.challenge_received(refusal(make_challenge(REALM, "n5", stale=True)), auth.authorize(request()))
    assert auth.accepted(accepting('nextnonce="n2"'), old)
    assert credentials_of(auth.authorize(request()))[0].nonce == "n5"


def test_server_that_calls_every_nonce_stale_is_left() -> None:
    auth = client()
    attempt: Request | None = request()
    tries = 0
    while attempt is not None:
        tries += 1
        assert tries < 10
        attempt = auth.challenge_received(refusal(make_challenge(REALM, f"n{tries}", stale=True)), attempt)
    assert tries == 4
    assert "stale" in auth.fault
    same = client()
    repeated = same.challenge_received(refusal(make_challenge(REALM, "n1", stale=True)), request())
    assert repeated is not None
    assert same.challenge_received(refusal(make_challenge(REALM, "n1", stale=True)), repeated) is None


def test_server_that_names_ever_new_realms_is_left() -> None:
    auth = client()
    attempt: Request | None = request()
    tries = 0
    while attempt is not None:
        tries += 1
        assert tries < 20
        attempt = auth.challenge_received(refusal(make_challenge(f"realm{tries}", "n")), attempt)
    assert tries == 5
    assert "realms" in auth.fault


def test_credentials_never_go_to_another_realm() -> None:
    auth = client(Credential("desk", REALM, (("MD5", ha1("MD5", "desk", REALM, PASSWORD)),)))
    assert auth.challenge_received(refusal(make_challenge("thief.example", "n1")), request()) is None
    assert auth.fault == "no password for realm 'thief.example', only for 'office.example'"
    assert auth.lacks_realm
    both = refusal(make_challenge("thief.example", "n1"), make_challenge(REALM, "n2"))
    assert [fields.realm for fields in credentials_of(auth.challenge_received(both, request()))] == [REALM]


def test_the_password_is_hashed_for_each_realm_and_forgotten_with_the_first_success() -> None:
    auth = client()
    assert auth.seal_realms() == []
    once = auth.challenge_received(refusal(make_challenge("proxy", "p1"), status=407), request())
    assert [one.realms for one in auth.seal_realms()] == [("proxy",)]
    assert once is not None
    twice = auth.challenge_received(refusal(make_challenge("server", "s1")), once)
    assert [one.realms for one in auth.seal_realms()] == [("server",)]
    auth.drop_password(request())
    assert auth.credential.password == PASSWORD, "a success without credentials proves nothing"
    assert twice is not None
    auth.drop_password(twice)
    assert (auth.credential.password, auth.credential.realms) == ("", ("proxy", "server"))
    assert auth.seal_realms() == []
    later = auth.authorize(request())
    assert verify(credentials_of(later)[0], "REGISTER", lookup)
    assert verify(credentials_of(later, "Proxy-Authorization")[0], "REGISTER", lookup)


def test_a_success_before_the_password_is_hashed_does_not_forget_it() -> None:
    auth = client()
    repeated = auth.challenge_received(refusal(make_challenge(REALM, "n1")), request())
    assert repeated is not None
    auth.drop_password(repeated)
    assert auth.credential == DESK


def test_only_so_many_realms_are_kept() -> None:
    auth = client()
    for number in range(6):
        auth.challenge_received(refusal(make_challenge(f"realm{number}", "n")), request())
        auth.seal_realms()
    assert auth.credential.realms == ("realm0", "realm1", "realm2", "realm3")


def test_a_realm_that_was_missed_is_hashed_with_the_next_password() -> None:
    auth = client(seal("desk", "server", PASSWORD))
    assert auth.challenge_received(refusal(make_challenge("proxy", "p1"), status=407), request()) is None
    assert auth.challenge_received(refusal(make_challenge("proxy", "p2"), status=407), request()) is None
    auth.take_credential(DESK)
    assert [one.realms for one in auth.seal_realms()] == [("proxy",)]


def test_the_sealed_copy_of_what_is_known_changes_nothing() -> None:
    auth = client()
    auth.challenge_received(refusal(make_challenge(REALM, "n1")), request())
    (sealed,) = auth.seal_realms()
    auth.take_credential(sealed)
    assert auth.credential.password == PASSWORD
    auth.take_credential(seal("desk", "elsewhere", PASSWORD))
    assert auth.credential.password == ""
    plain = request()
    assert auth.authorize(plain) is plain, "the old realm can be answered no longer"


def test_an_empty_realm_is_a_realm() -> None:
    auth = client()
    repeated = auth.challenge_received(refusal(make_challenge("", "n1")), request())
    assert repeated is not None
    (sealed,) = auth.seal_realms()
    auth.drop_password(repeated)
    assert (auth.credential, sealed.realms) == (sealed, ("",))
    assert verify(credentials_of(auth.authorize(request()))[0], "REGISTER", lookup)


def test_challenges_of_server_and_proxy_in_one_response() -> None:
    auth = client()
    response = refusal(make_challenge("server", "s1"), status=401)
    response.headers.add("Proxy-Authenticate", make_challenge("proxy", "p1", "SHA-256"))
    response.headers.add("Proxy-Authenticate", make_challenge("proxy", "p1", "MD5"))
    repeated = auth.challenge_received(response, request("INVITE"))
    assert [fields.realm for fields in credentials_of(repeated)] == ["server"]
    (proxied,) = credentials_of(repeated, "Proxy-Authorization")
    assert (proxied.realm, proxied.algorithm) == ("proxy", "SHA-256")
    assert repeated is not None
    assert auth.challenge_received(refusal(make_challenge("proxy", "p2"), status=407), repeated) is None


def test_challenge_after_challenge_keeps_the_first_credentials() -> None:
    auth = client()
    once = auth.challenge_received(refusal(make_challenge("proxy", "p1"), status=407), request("INVITE"))
    assert once is not None
    twice = auth.challenge_received(refusal(make_challenge("server", "s1")), once)
    assert [fields.realm for fields in credentials_of(twice)] == ["server"]
    assert [fields.count for fields in credentials_of(twice, "Proxy-Authorization")] == [2]


@pytest.mark.parametrize(
    "values",
    [(), ("garbage",), ('Basic realm="x"',), (f'Digest realm="{REALM}", nonce="n", algorithm=SHA-1',),
     (f'Digest realm="{REALM}", nonce="n", qop="auth-conf"',)],
)  # fmt: skip
def test_challenge_that_cannot_be_answered(values: tuple[str, ...]) -> None:
    auth = client()
    assert auth.challenge_received(refusal(*values), request()) is None
    assert auth.fault


def test_malformed_credentials_of_the_refused_request_are_passed_over() -> None:
    original = request()
    original.headers.add("Authorization", "Digest nonsense")
    original.headers.add("Authorization", "Doorkey x")
    assert len(credentials_of(client().challenge_received(refusal(make_challenge(REALM, "n")), original))) == 1


def accepted_request(auth: ClientAuth, algorithm: str = "MD5") -> Request:
    repeated = auth.challenge_received(refusal(make_challenge(REALM, "n1", algorithm)), request())
    assert repeated is not None
    return repeated


def accepting(info: str) -> Response:
    return Response(200, headers=Headers([("Authentication-Info", info)]))


def test_next_nonce_is_used() -> None:
    auth = client()
    repeated = accepted_request(auth)
    (fields,) = credentials_of(repeated)
    info = make_authentication_info(fields, ha1("MD5", "desk", REALM, PASSWORD), nextnonce="n2")
    assert auth.accepted(accepting(info), repeated)
    (fields,) = credentials_of(auth.authorize(request()))
    assert (fields.nonce, fields.count) == ("n2", 1)


def test_server_that_does_not_know_the_password_is_noticed() -> None:
    auth = client()
    repeated = accepted_request(auth)
    (fields,) = credentials_of(repeated)
    info = make_authentication_info(fields, ha1("MD5", "desk", REALM, "guess"), nextnonce="n2")
    assert not auth.accepted(accepting(info), repeated)
    assert not auth.accepted(accepting('rspauth="é", nextnonce="n2"'), repeated)
    assert not auth.accepted(accepting('rspauth="0", qop=auth-int, nextnonce="n2"'), repeated)
    assert credentials_of(auth.authorize(request()))[0].nonce == "n1"


def test_authentication_info_that_says_nothing_new() -> None:
    auth = client()
    repeated = accepted_request(auth, "SHA-256-sess")
    assert auth.accepted(Response(200), repeated)
    assert auth.accepted(accepting(""), repeated)
    assert auth.accepted(accepting('nextnonce="open, qop=auth'), repeated)
    assert auth.accepted(accepting("qop=auth"), repeated)
    assert auth.accepted(accepting('nextnonce="n2"'), repeated)
    assert credentials_of(auth.authorize(request()))[0].nonce == "n1"
    assert client().accepted(accepting('nextnonce="n2"'), repeated)


def proxy_accepting(info: str) -> Response:
    return Response(200, headers=Headers([("Proxy-Authentication-Info", info)]))


def test_a_proxy_speaks_for_itself_after_rfc_7615_section_4() -> None:
    auth = client()
    repeated = auth.challenge_received(refusal(make_challenge(REALM, "n1"), status=407), request())
    assert repeated is not None
    (fields,) = credentials_of(repeated, "Proxy-Authorization")
    right = make_authentication_info(fields, ha1("MD5", "desk", REALM, PASSWORD), nextnonce="n2")
    wrong = make_authentication_info(fields, ha1("MD5", "desk", REALM, "guess"), nextnonce="n3")
    assert auth.accepted(accepting(wrong), repeated), "what a registrar says of itself is no news of the proxy"
    assert not auth.accepted(proxy_accepting(wrong), repeated)
    assert auth.accepted(proxy_accepting(right), repeated)
    assert credentials_of(auth.authorize(request()), "Proxy-Authorization")[0].nonce == "n2"


def refused_reuse(auth: ClientAuth, number: int, stale: bool = False) -> None:
    """A later request goes authorised by an old nonce, is refused, and taken with the new one."""
    refused = auth.authorize(request())
    repeated = auth.challenge_received(refusal(make_challenge(REALM, f"n{number}", stale=stale)), refused)
    assert repeated is not None
    assert auth.accepted(Response(200), repeated)


@pytest.mark.parametrize("stale", [True, False])
def test_a_server_that_changes_its_nonce_at_each_request_sees_no_refused_credentials_any_more(stale: bool) -> None:
    auth = client()
    assert auth.accepted(Response(200), accepted_request(auth))
    refused_reuse(auth, 2, stale)
    refused_reuse(auth, 3, stale)
    plain = request()
    assert auth.authorize(plain) is plain, "it waits for the challenge"
    repeated = auth.challenge_received(refusal(make_challenge(REALM, "n4")), plain)
    (fields,) = credentials_of(repeated)
    assert (fields.nonce, fields.count) == ("n4", 1)


def test_a_nonce_that_is_good_again_is_used_again() -> None:
    auth = client()
    assert auth.accepted(Response(200), accepted_request(auth))
    for number in (2, 3, 4, 5):
        refused_reuse(auth, number)
        assert auth.accepted(Response(200), auth.authorize(request()))
    assert credentials_of(auth.authorize(request()))[0].count == 3


def test_a_next_nonce_is_used_where_none_may_be_used_twice() -> None:
    auth = client()
    assert auth.accepted(Response(200), accepted_request(auth))
    refused_reuse(auth, 2)
    refused_reuse(auth, 3)
    plain = auth.challenge_received(refusal(make_challenge(REALM, "n4")), request())
    assert plain is not None
    assert auth.accepted(accepting('nextnonce="n5"'), plain)
    (fields,) = credentials_of(auth.authorize(request()))
    assert (fields.nonce, fields.count) == ("n5", 1)


def test_one_realm_is_not_sent_while_another_is() -> None:
    auth = client()
    first = auth.challenge_received(refusal(make_challenge("proxy", "p1"), status=407), request())
    assert first is not None
    both = auth.challenge_received(refusal(make_challenge(REALM, "n1")), first)
    assert both is not None
    for number in (2, 3):
        refused = auth.authorize(request())
        both = auth.challenge_received(refusal(make_challenge(REALM, f"n{number}")), refused)
        assert both is not None
        assert auth.accepted(Response(200), both)
    sent = auth.authorize(request())
    assert credentials_of(sent) == []
    assert credentials_of(sent, "Proxy-Authorization")[0].nonce == "p1"


# Spellings of servers in the field.


@pytest.mark.parametrize(
    "challenge",
    [
        # A home router: RFC 2069, another nonce at each request.
        'Digest realm="fritz.box", nonce="9A3F2B1C4D5E6F70"',
        # An open-source PBX: lower case, no spaces, opaque and qop.
        'Digest realm="asterisk",nonce="1717600000/4f0e6a4e25c2",opaque="2b2f0d",algorithm=md5,qop="auth"',
        # A Windows PBX: nonce first, the realm of the product.
        'Digest nonce="414d535c0e8c3a12:b7e1", algorithm=MD5, realm="PhoneSystem"',
        # Quotes where tokens belong and the other way round.
        'digest REALM="pbx" , NONCE=abc123 , ALGORITHM="MD5" , QOP=auth , STALE="FALSE"',
        # Several qop values, an unknown one first, and parameters that nobody knows.
        'Digest realm="pbx", charset=UTF-8, domain="sip:pbx", nonce="x", qop="token, auth,auth-int", x-vendor="1"',
        # A comma and an escaped quote in the realm; an empty opaque; a comma too many.
        'Digest realm="a, \\"b\\"", nonce="x", opaque="", qop="auth",',
        # Tabs and line ends folded to spaces.
        'Digest\trealm="pbx",\t nonce="x"',
    ],
)
def test_a_challenge_of_the_field_is_answered(challenge: str) -> None:
    auth = client()
    repeated = auth.challenge_received(refusal(challenge), request())
    (fields,) = credentials_of(repeated)
    assert verify(fields, "REGISTER", lookup)
    assert fields.nonce in challenge


def test_the_strongest_of_several_algorithms_is_answered_whatever_their_order() -> None:
    values = [make_challenge(REALM, f"n-{name}", name) for name in ("MD5", "SHA-256", "AKAv1-MD5")]
    for order in (values, values[::-1]):
        (fields,) = credentials_of(client().challenge_received(refusal(*order), request()))
        assert (fields.algorithm, fields.nonce) == ("SHA-256", "n-SHA-256")


def test_an_algorithm_that_nobody_knows_alone_is_told() -> None:
    auth = client()
    assert auth.challenge_received(refusal(make_challenge(REALM, "n", "AKAv1-MD5")), request()) is None
    assert "AKAV1-MD5" in auth.fault


def test_a_server_that_has_forgotten_the_nonce_it_gave_is_answered_once_more() -> None:
    auth = client()
    repeated = accepted_request(auth)
    assert auth.accepted(accepting('nextnonce="n2"'), repeated)
    # It has been started anew; what it refuses now is its own nonce, which it does not call stale.
    again = auth.challenge_received(refusal(make_challenge(REALM, "n3")), auth.authorize(request()))
    assert again is not None
    assert credentials_of(again)[0].nonce == "n3"
    assert auth.challenge_received(refusal(make_challenge(REALM, "n4")), again) is None
    assert auth.was_refused
    assert auth.fault.endswith("refused the user name or password")


def test_a_new_password_has_proven_nothing_yet() -> None:
    auth = client()
    assert auth.accepted(accepting('nextnonce="n2"'), accepted_request(auth))
    auth.take_credential(Credential("desk", password="new"))
    assert auth.challenge_received(refusal(make_challenge(REALM, "n3")), auth.authorize(request())) is None
