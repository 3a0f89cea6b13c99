"""What RFC 3665 leaves out: calls that change, forks, callers who give up at the worst moment."""

from device.sip.events import CallEstablished, IncomingCall, OfferReceived
from device.sip.feature_events import TransferFinished
from tests.scenarios.flows.network import DELAY_S, Trouble
from tests.scenarios.flows.people import ANSWER, ANSWER_S, THINK_S, Person, Proxy
from tests.scenarios.flows.rfc3665 import (
    ALICE,
    BOB,
    BOB_ELSEWHERE,
    P1,
    A,
    Play,
    direct,
    one_proxy,
    perform,
    two_proxies,
)


def held_and_resumed(mishap: Trouble, talk_s: float) -> Play:
    """Bob puts the call on hold through both proxies and takes it back."""
    play, alice, bob = two_proxies(mishap)

    def hold(_: CallEstablished) -> None:
        play.network.plan(1.0, bob.change)
        play.network.plan(2.0, bob.change)
        alice.hang_up(3.0 + talk_s)

    bob.will[CallEstablished] = hold
    alice.call("sip:bob@b.example")
    return perform(play)


def change_refused(mishap: Trouble, talk_s: float) -> Play:
    """Alice cannot take the session that Bob offers; the call goes on as it was."""
    play, alice, bob = two_proxies(mishap)
    alice.will[OfferReceived] = lambda event: alice.agent.refuse_offer(event.call_id, 488, play.network.now)

    def change(_: CallEstablished) -> None:
        play.network.plan(1.0, bob.change)
        bob.hang_up(2.0 + talk_s)

    bob.will[CallEstablished] = change
    alice.call("sip:bob@b.example")
    return perform(play)


def forked(mishap: Trouble, talk_s: float) -> Play:
    """Bob has two phones and answers at one; the other must fall silent."""
    play, alice, (_bob, upstairs) = one_proxy(mishap, phones=2)
    upstairs.will[IncomingCall] = upstairs.ring
    alice.will[CallEstablished] = lambda _: alice.hang_up(talk_s)
    alice.call("bob")
    return perform(play)


def given_up_at_once(mishap: Trouble, _talk_s: float) -> Play:
    """Alice hangs up before any answer came: the CANCEL has to wait (RFC 3261 section 9.1)."""
    play, alice, bob = direct(mishap)
    bob.will[IncomingCall] = bob.ring
    alice.call("sip:bob@192.0.2.2")
    alice.hang_up()
    return perform(play)


def cancel_crosses_answer(mishap: Trouble, _talk_s: float) -> Play:
    """Alice hangs up while Bob's 200 is on its way: it is acknowledged, and then comes BYE."""
    play, alice, _bob = direct(mishap)
    alice.call("sip:bob@192.0.2.2")
    alice.hang_up(ANSWER_S + 1.5 * DELAY_S)
    return perform(play)


def both_hang_up(mishap: Trouble, talk_s: float) -> Play:
    """Two BYEs cross each other."""
    play, alice, bob = direct(mishap)
    alice.will[CallEstablished] = lambda _: alice.hang_up(talk_s + DELAY_S)
    bob.will[CallEstablished] = lambda _: bob.hang_up(talk_s)
    alice.call("sip:bob@192.0.2.2")
    return perform(play)


def both_change(mishap: Trouble, talk_s: float) -> Play:
    """Two re-INVITEs cross each other: both get 491 and try again at different times (RFC 3261 section 14.1)."""
    play, alice, bob = direct(mishap)

    def change(_: CallEstablished) -> None:
        play.network.plan(1.0, alice.change)
        play.network.plan(1.0, bob.change)
        bob.hang_up(12.0 + talk_s)

    bob.will[CallEstablished] = change
    alice.call("sip:bob@192.0.2.2")
    return perform(play)


# Extensions.


def rung_reliably(mishap: Trouble, talk_s: float) -> Play:
    """Bob's ringing asks for PRACK (RFC 3262)."""
    play, alice, bob = direct(mishap, reliable_ringing=True)
    bob.will[CallEstablished] = lambda _: bob.hang_up(talk_s)
    alice.call("sip:bob@192.0.2.2")
    return perform(play)


def answered_early(mishap: Trouble, talk_s: float) -> Play:
    """Bob is heard before he answers: his answer to the offer comes in a reliable 183."""
    play, alice, bob = direct(mishap, reliable_ringing=True)

    def be_called(event: IncomingCall) -> None:
        play.network.plan(THINK_S, lambda: bob.agent.progress(event.call_id, ANSWER, play.network.now))
        play.network.plan(ANSWER_S, lambda: bob.agent.answer(event.call_id, ANSWER, play.network.now))

    bob.will[IncomingCall] = be_called
    alice.will[CallEstablished] = lambda _: alice.hang_up(talk_s)
    alice.call("sip:bob@192.0.2.2")
    return perform(play)


def kept_alive(mishap: Trouble, talk_s: float) -> Play:
    """A session timer of 90 s is refreshed once before Bob hangs up (RFC 4028)."""
    play, alice, bob = direct(mishap, session_expires_s=90)
    bob.will[CallEstablished] = lambda _: bob.hang_up(60.0 + talk_s / 4)
    alice.call("sip:bob@192.0.2.2")
    return perform(play)


def three_at_one_exchange(mishap: Trouble) -> tuple[Play, Person, Person, Person]:
    places = {"alice": ALICE, "bob": BOB, "carol": BOB_ELSEWHERE}
    people = [Person(name, address, A, A, register=False) for name, address in places.items()]
    proxy = Proxy("p1", P1, A, {name: [address] for name, address in places.items()})
    return Play(people, [proxy], mishap), *people


def blind_transfer(mishap: Trouble, talk_s: float) -> Play:
    """Bob sends Alice on to Carol and hangs up once he hears that they talk (RFC 3515)."""
    play, alice, bob, carol = three_at_one_exchange(mishap)
    first = "alice-calls-1"

    def send_on(event: CallEstablished) -> None:
        play.network.plan(1.0, lambda: bob.send_on(event.call_id, "carol"))

    bob.will[CallEstablished] = send_on
    bob.will[TransferFinished] = lambda _: bob.hang_up()
    alice.will[CallEstablished] = lambda event: alice.hang_up(talk_s) if event.call_id != first else None
    alice.call("bob")
    del carol
    return perform(play)


def attended_transfer(mishap: Trouble, talk_s: float) -> Play:
    """Bob asks Carol first, then joins the two: Alice's new call takes the place of his (RFC 3891)."""
    play, alice, bob, carol = three_at_one_exchange(mishap)
    alice_calls = "alice-calls-1"
    waiting: list[CallEstablished] = []

    def go_on(event: CallEstablished) -> None:
        if not waiting:
            waiting.append(event)
            play.network.plan(1.0, lambda: bob.call("carol"))
        else:
            held = waiting[0].call_id
            play.network.plan(1.0, lambda: bob.send_on(held, "", event.call_id))

    def leave(event: TransferFinished) -> None:
        bob.agent.hang_up(event.call_id, play.network.now)
        if not event.succeeded:
            bob.hang_up()

    bob.will[CallEstablished] = go_on
    bob.will[TransferFinished] = leave
    alice.will[CallEstablished] = lambda event: alice.hang_up(talk_s) if event.call_id != alice_calls else None
    alice.call("bob")
    del carol
    return perform(play)
