"""What RFC 3665 leaves out: calls that change, forks, callers who give up at the worst moment."""

from device.sip.events import CallEstablished, IncomingCall, OfferReceived
from tests.scenarios.flows.network import DELAY_S, Mishap
from tests.scenarios.flows.people import ANSWER_S
from tests.scenarios.flows.rfc3665 import Play, direct, one_proxy, perform, two_proxies


def held_and_resumed(mishap: Mishap | None, talk_s: float) -> Play:
    """Bob puts the call on hold through both proxies and takes it back."""
    play, alice, bob = two_proxies(mishap)

    def hold(_: CallEstablished) -> None:
        play.network.plan(1.0, bob.change)
        play.network.plan(2.0, bob.change)
        alice.hang_up(3.0 + talk_s)

    bob.will[CallEstablished] = hold
    alice.call("sip:bob@b.example")
    return perform(play)


def change_refused(mishap: Mishap | None, talk_s: float) -> Play:
    """Alice cannot take the session that Bob offers; the call goes on as it was."""
    play, alice, bob = two_proxies(mishap)
    alice.will[OfferReceived] = lambda event: alice.agent.refuse_offer(event.call_id, 488, play.network.now)

    def change(_: CallEstablished) -> None:
        play.network.plan(1.0, bob.change)
        bob.hang_up(2.0 + talk_s)

    bob.will[CallEstablished] = change
    alice.call("sip:bob@b.example")
    return perform(play)


def forked(mishap: Mishap | None, talk_s: float) -> Play:
    """Bob has two phones and answers at one; the other must fall silent."""
    play, alice, (_bob, upstairs) = one_proxy(mishap, phones=2)
    upstairs.will[IncomingCall] = upstairs.ring
    alice.will[CallEstablished] = lambda _: alice.hang_up(talk_s)
    alice.call("bob")
    return perform(play)


def given_up_at_once(mishap: Mishap | None, _talk_s: float) -> Play:
    """Alice hangs up before any answer came: the CANCEL has to wait (RFC 3261 section 9.1)."""
    play, alice, bob = direct(mishap)
    bob.will[IncomingCall] = bob.ring
    alice.call("sip:bob@192.0.2.2")
    alice.hang_up()
    return perform(play)


def cancel_crosses_answer(mishap: Mishap | None, _talk_s: float) -> Play:
    """Alice hangs up while Bob's 200 is on its way: it is acknowledged, and then comes BYE."""
    play, alice, _bob = direct(mishap)
    alice.call("sip:bob@192.0.2.2")
    alice.hang_up(ANSWER_S + 1.5 * DELAY_S)
    return perform(play)


def both_hang_up(mishap: Mishap | None, talk_s: float) -> Play:
    """Two BYEs cross each other."""
    play, alice, bob = direct(mishap)
    alice.will[CallEstablished] = lambda _: alice.hang_up(talk_s + DELAY_S)
    bob.will[CallEstablished] = lambda _: bob.hang_up(talk_s)
    alice.call("sip:bob@192.0.2.2")
    return perform(play)


def both_change(mishap: Mishap | None, talk_s: float) -> Play:
    """Two re-INVITEs cross each other: both get 491 and try again at different times (RFC 3261 section 14.1)."""
    play, alice, bob = direct(mishap)

    def change(_: CallEstablished) -> None:
        play.network.plan(1.0, alice.change)
        play.network.plan(1.0, bob.change)
        bob.hang_up(12.0 + talk_s)

    bob.will[CallEstablished] = change
    alice.call("sip:bob@192.0.2.2")
    return perform(play)
