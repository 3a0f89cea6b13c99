"""Tables of the user agent that fill up, where no other test of theirs shows it (see docs/limits.md)."""

import pytest

from device.model import CallId
from device.sip.call_table import LATE_INVITES_KEPT
from device.sip.identity import MAX_SERVERS
from device.sip.invite_usage import _ACKS_KEPT
from device.sip.outgoing_invite import MAX_EARLY_DIALOGS
from device.sip.settings import UserAgentSettings
from device.sip.transaction_layer import DEFAULT_LIMIT
from tests.support.sip_bench import ANSWER, CALL, OFFER, Bench, office


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_requests_out_of_the_blue_are_remembered_as_long_as_their_transactions(bench: Bench) -> None:
    """A flood of OPTIONS, each by another way: the marks of merged requests go with the transactions that give way."""
    for number in range(DEFAULT_LIMIT + 200):
        bench.request("OPTIONS", call_id=f"c{number}")
    bench.events()
    assert len(bench.agent._server) == DEFAULT_LIMIT
    bench.advance(40.0)
    assert len(bench.agent._server) == 0


def test_forks_without_end_are_rung_for_but_not_all_remembered(bench: Bench) -> None:
    invite = bench.call()
    for number in range(MAX_EARLY_DIALOGS + 20):
        bench.reply(invite, 180, tag=f"branch{number}")
    outgoing = next(iter(bench.agent._calls)).outgoing
    assert len(outgoing._early) == MAX_EARLY_DIALOGS
    bench.reply(invite, 200, tag="unknown", body=ANSWER)
    assert bench.sent_request("ACK").to.tag == "unknown", (
        "who answers without being remembered is talked to all the same"
    )


def test_servers_that_answer_from_ever_new_addresses_are_not_all_trusted() -> None:
    bench = Bench(account=office())
    identity = next(iter(bench.agent._identities.values()))
    for number in range(MAX_SERVERS + 20):
        identity.add_server(f"198.51.100.{number}")
    assert len(identity.servers) == MAX_SERVERS


def test_calls_that_failed_are_known_for_late_answers_only_so_many(bench: Bench) -> None:
    for number in range(LATE_INVITES_KEPT + 5):
        call_id = CallId(f"c{number}")
        bench.agent.invite(call_id, "192.0.2.2", OFFER, None, bench.now)
        bench.reply(bench.sent_request("INVITE"), 486)
        bench.advance(40.0)
    assert len(bench.agent._calls._late) == LATE_INVITES_KEPT


def test_calls_that_we_make_are_bounded_by_the_setting() -> None:
    bench = Bench(UserAgentSettings(max_calls=2))
    for number in range(3):
        bench.agent.invite(CallId(f"c{number}"), "192.0.2.2", OFFER, None, bench.now)
    assert bench.end().status == 486
    assert len(bench.agent._calls) == 2


def test_acks_of_many_changes_are_not_all_kept(bench: Bench) -> None:
    bench.established()
    for _ in range(_ACKS_KEPT + 5):
        bench.agent.reoffer(CALL, OFFER, bench.now)
        bench.reply(bench.sent_request("INVITE"), 200, body=ANSWER)
        bench.sent_request("ACK")
        bench.advance(40.0)
    session = next(iter(bench.agent._calls))
    assert len(session._usage._acks) == _ACKS_KEPT
