"""The table of docs/registration.md: what each failure leads to, and when the next attempt is made."""

import re
from pathlib import Path

import pytest

from device.sip.events import RegistrationChanged, RegistrationState
from device.sip.instance import Instance
from device.sip.message import Request
from device.sip.registration_rules import Manner, Pauses, manner_of
from tests.support.sip_bench import OFFICE, Bench, office

DOCUMENT = Path(__file__).parents[2] / "docs" / "registration.md"
RULES = dict(
    re.findall(r"^\| (\d{3}) [^|]*\| (soon|gradual|slow|plain) \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
)
PAUSES = Pauses(60.0, 300.0, is_outbound=False)
SECONDS = {"soon": (1.0, 2.0), "gradual": (30.0, 60.0), "slow": (270.0, 300.0)}
OUTBOUND = Instance("urn:uuid:00000000-0000-8000-8000-000000000001", 0.25)


def fail(bench: Bench, status: int, **headers: str) -> RegistrationChanged:
    bench.agent.start_registration(OFFICE, bench.now)
    bench.reply(bench.sent_request("REGISTER"), status, **headers)
    found = [event for event in bench.events() if isinstance(event, RegistrationChanged)]
    return found[-1]


def test_the_document_lists_what_the_code_does() -> None:
    assert len(RULES) >= 25
    for status, manner in RULES.items():
        assert manner_of(int(status)).name.lower() == manner, status


@pytest.mark.parametrize(("status", "manner"), sorted(RULES.items()))
def test_each_rule_of_the_document_is_followed(status: str, manner: str) -> None:
    # Without an instance id nothing was added that could be left out: what is plain already is refused for long.
    lowest, highest = SECONDS["slow" if manner == "plain" else manner]
    bench = Bench(account=office())
    failed = fail(bench, int(status))
    assert (failed.state, failed.status) == (RegistrationState.FAILED, int(status))
    assert failed.next_attempt_s is not None
    assert lowest <= failed.next_attempt_s <= highest
    assert failed.text
    bench.advance(failed.next_attempt_s - 0.01)
    assert bench.methods() == []
    bench.advance(0.02)
    assert bench.methods() == ["REGISTER"]


@pytest.mark.parametrize("status", [status for status, manner in sorted(RULES.items()) if manner == "plain"])
def test_what_a_strict_server_does_not_take_is_left_out_at_once(status: str) -> None:
    bench = Bench(account=office(), instance=OUTBOUND)
    bench.agent.start_registration(OFFICE, bench.now)
    first = bench.sent_request("REGISTER")
    bench.reply(first, int(status))
    second = bench.sent_request("REGISTER")
    assert "reg-id=1" in (first.headers.get("Contact") or "")
    assert second.headers.get("Contact") == "<sip:1001@192.0.2.1:5060>"
    assert second.tokens("Supported")[-1] == "path"
    assert second.cseq.number == first.cseq.number + 1
    bench.reply(second, int(status))
    failed = bench.events()[-1]
    assert isinstance(failed, RegistrationChanged)
    assert failed.state is RegistrationState.FAILED
    bench.agent.network_changed(bench.now)
    again = bench.sent_request("REGISTER")
    assert "reg-id=1" in (again.headers.get("Contact") or ""), "another network may have another first hop"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (403, "refused to register user 1001 (403 Forbidden); check the account or ask its provider"),
        (404, "does not know user 1001 (404 Not Found); check the account's user and domain"),
        (480, "the server answered 480 Temporarily Unavailable"),
        (603, "refused to register user 1001 (603 Decline)"),
    ],
)
def test_the_words_say_whose_turn_it_is(status: int, words: str) -> None:
    assert words in fail(Bench(account=office()), status).text


@pytest.mark.parametrize("status", [403, 404, 480, 500, 503, 600])
@pytest.mark.parametrize(
    ("value", "least"), [("120", 120.0), ("90 (maintenance);duration=60", 90.0), ("9999999", 3600.0)]
)
def test_a_server_says_when_to_come_back_and_not_all_come_at_once(status: int, value: str, least: float) -> None:
    failed = fail(Bench(account=office()), status, Retry_After=value)
    assert failed.next_attempt_s is not None
    assert least <= failed.next_attempt_s <= least + 10


def test_a_short_retry_after_does_not_shorten_the_pauses_that_grow() -> None:
    bench = Bench(account=office())
    pauses = []
    for _ in range(8):
        failed = fail(bench, 503, Retry_After="1")
        pauses.append(failed.next_attempt_s or 0)
        bench.advance(pauses[-1])
        bench.reply(bench.sent_request("REGISTER"), 503, Retry_After="1")
        bench.events()
    assert all(1 <= pause <= 60 for pause in pauses)


def test_a_refusal_that_may_be_lifted_sooner_is_asked_about_again_gradually() -> None:
    pauses = [PAUSES.after(Manner.GRADUAL, failures, 0.0, None) for failures in range(6)]
    assert pauses == [30.0, 60.0, 120.0, 150.0, 150.0, 150.0]
    assert PAUSES.after(Manner.GRADUAL, 9, 0.999, None) <= 300


@pytest.mark.parametrize("failures", [0, 1, 5, 40, 10_000])
@pytest.mark.parametrize("manner", [Manner.SOON, Manner.GRADUAL, Manner.SLOW])
def test_no_pause_is_without_end_and_none_is_nothing(manner: Manner, failures: int) -> None:
    for outbound in (False, True):
        for fraction in (0.0, 0.5, 0.999):
            pause = Pauses(60.0, 300.0, outbound).after(manner, failures, fraction, None)
            assert 1.0 <= pause <= 300.0


def test_a_flow_is_formed_again_as_rfc_5626_section_4_5_says() -> None:
    pauses = Pauses(1800.0, 300.0, is_outbound=True)
    assert 1.0 <= pauses.after(Manner.SOON, 0, 0.5, None) <= 2.0, (
        "the first attempt: the server is just being restarted"
    )
    lowest = [pauses.after(Manner.SOON, failures, 0.0, None) for failures in range(1, 10)]
    assert lowest == [15.0, 30.0, 60.0, 120.0, 240.0, 480.0, 900.0, 900.0, 900.0]
    assert pauses.after(Manner.SOON, 1, 0.999, None) <= 30.0


def test_an_open_register_that_nobody_ever_ends_is_sent_again() -> None:
    bench = Bench(account=office())
    bench.agent.start_registration(OFFICE, bench.now)
    first = bench.sent_request("REGISTER")
    registration = bench.agent._registrations[OFFICE]
    # As if a fault of ours had lost the transaction: by construction no state is without a timer.
    bench.agent._client._sent.clear()
    bench.advance(199)
    assert [one.cseq for one in bench.sent() if isinstance(one, Request)][-1] == first.cseq
    bench.advance(1)
    assert bench.sent_request("REGISTER").cseq.number == first.cseq.number + 1
    assert registration.next_timeout() is not None


@pytest.mark.parametrize(("unknown", "known"), [(499, 400), (555, 500), (599, 500), (699, 600)])
def test_a_status_that_nobody_has_heard_of_counts_as_the_first_of_its_class(unknown: int, known: int) -> None:
    assert manner_of(unknown) is manner_of(known)


def test_a_server_that_forgets_its_nonces_is_asked_again_soon() -> None:
    # An overloaded registrar that has given out more nonces than it remembers: the password is right.
    bench = Bench(account=office())
    bench.agent.start_registration(OFFICE, bench.now)
    for number in range(4):
        stale = ", stale=true" if number else ""
        challenge = f'Digest realm="pbx", nonce="n{number}", algorithm=MD5, qop="auth"{stale}'
        bench.reply(bench.sent_request("REGISTER"), 401, WWW_Authenticate=challenge)
    failed = [event for event in bench.events() if isinstance(event, RegistrationChanged)][-1]
    assert failed.state is RegistrationState.FAILED
    assert failed.next_attempt_s is not None
    assert failed.next_attempt_s <= SECONDS["soon"][1]
    assert "overloaded" in failed.text
    bench.advance(failed.next_attempt_s)
    assert bench.methods() == ["REGISTER"]
