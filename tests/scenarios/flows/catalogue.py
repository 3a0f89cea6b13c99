"""Every flow: its section of RFC 3665, how it is played, and what its people may tell of it afterwards."""

from collections.abc import Callable

from device.records import dataclass
from tests.scenarios.flows import further, rfc3665
from tests.scenarios.flows.network import Trouble
from tests.scenarios.flows.rfc3665 import Play
from tests.support.processes import ROOT

LADDERS = ROOT / "tests" / "vectors" / "flows"


@dataclass(frozen=True, slots=True)
class Flow:
    """`play` performs it with one mishap or none and a conversation of so many seconds.

    `outcomes` are the ends that are right, the first one where nothing goes wrong. Only a race has more than one.
    """

    name: str
    play: Callable[[Trouble, float], Play]
    outcomes: tuple[str, ...]

    def ladder(self) -> list[str]:
        """The messages that we expect on the wire, one a line: from whom, to whom, what."""
        lines = (LADDERS / f"{self.name}.txt").read_text().splitlines()
        return [line for line in lines if line and not line.startswith("#")]


HUNG_UP_BY_BOB = "alice: connected, ended 0; bob: called, connected, ended 0 here"
HUNG_UP_BY_ALICE = "alice: connected, ended 0 here; bob: called, connected, ended 0"
REGISTERED = "bob: registering 0, registered 200, unregistering 0, unregistered 0"
SENT_ON = "alice: connected, sent on, connected, ended 0, ended 0 here"
REPLACED = "carol: called, connected, called, ended 0 here, connected, ended 0"

FLOWS = (
    Flow("2.1-new-registration", rfc3665.new_registration, (f"{REGISTERED}; sip:bob@192.0.2.2:5060",)),
    Flow(
        "2.2-second-contact",
        rfc3665.second_contact,
        (f"{REGISTERED}; sip:bob@198.51.100.2:5060; sip:bob@192.0.2.2:5060; sip:bob@198.51.100.2:5060",),
    ),
    Flow("2.3-contacts-fetched", rfc3665.contacts_fetched, ("2; sip:bob@192.0.2.2:5060; sip:bob@198.51.100.2:5060",)),
    Flow("2.4-registration-cancelled", rfc3665.registration_cancelled, (REGISTERED,)),
    Flow("2.5-wrong-password", rfc3665.wrong_password, ("bob: registering 0, failed 403, unregistered 0",)),
    Flow("3.1-successful", rfc3665.successful, (HUNG_UP_BY_BOB,)),
    Flow("3.2-two-proxies", rfc3665.through_two_proxies, (HUNG_UP_BY_BOB,)),
    Flow("3.3-multiple-authentication", rfc3665.multiple_authentication, (HUNG_UP_BY_ALICE,)),
    Flow("3.4-failing-proxy", rfc3665.failing_proxy, (HUNG_UP_BY_BOB,)),
    Flow("3.5-through-alg", rfc3665.through_alg, (HUNG_UP_BY_ALICE,)),
    Flow(
        "3.6-redirected",
        rfc3665.redirected,
        ("alice: changed, connected, ended 0 here; bob: called, connected, ended 0",),
    ),
    Flow(
        "3.7-address-change",
        rfc3665.address_change,
        ("alice: connected, changed, ended 0; bob: called, connected, ended 0 here",),
    ),
    Flow("3.8-no-answer", rfc3665.no_answer, ("alice: ended 487 here; bob: called, ended 487",)),
    Flow("3.9-busy", rfc3665.busy, ("alice: ended 486; bob: called, ended 486 here",)),
    Flow("3.10-no-response", rfc3665.no_response, ("alice: ended 408; bob: nothing",)),
    Flow("3.11-unavailable", rfc3665.unavailable, ("alice: ended 480; bob: called, ended 480 here",)),
    Flow(
        "x-held-and-resumed",
        further.held_and_resumed,
        ("alice: connected, changed, changed, ended 0 here; bob: called, connected, ended 0",),
    ),
    Flow(
        "x-change-refused",
        further.change_refused,
        ("alice: connected, changed, ended 0; bob: called, connected, ended 0 here",),
    ),
    Flow("x-forked", further.forked, (f"{HUNG_UP_BY_ALICE}; bob-upstairs: called, ended 200",)),
    Flow("x-given-up-at-once", further.given_up_at_once, ("alice: ended 487 here; bob: called, ended 487",)),
    Flow(
        "x-cancel-crosses-answer",
        further.cancel_crosses_answer,
        (
            "alice: ended 487 here; bob: called, connected, ended 0",
            # The INVITE was late, so that nobody had answered yet; or the ACK was, and the BYE came first.
            "alice: ended 487 here; bob: called, ended 487",
            "alice: ended 487 here; bob: called, ended 0",
        ),
    ),
    Flow(
        "x-both-hang-up",
        further.both_hang_up,
        ("alice: connected, ended 0 here; bob: called, connected, ended 0 here", HUNG_UP_BY_ALICE),
    ),
    Flow(
        "x-both-change",
        further.both_change,
        ("alice: connected, changed, ended 0; bob: called, connected, changed, ended 0 here",),
    ),
    Flow("x-rung-reliably", further.rung_reliably, (HUNG_UP_BY_BOB,)),
    Flow("x-answered-early", further.answered_early, (HUNG_UP_BY_ALICE,)),
    Flow("x-kept-alive", further.kept_alive, (HUNG_UP_BY_BOB,)),
    Flow(
        "x-blind-transfer",
        further.blind_transfer,
        (
            "alice: connected, sent on, connected, ended 0, ended 0 here; "
            "bob: called, connected, transferred 200, ended 0 here; carol: called, connected, ended 0",
        ),
    ),
    Flow(
        "x-attended-transfer",
        further.attended_transfer,
        (
            f"{SENT_ON}; bob: called, connected, connected, ended 0, transferred 200, ended 0 here; {REPLACED}",
            # Carol's BYE was late, so that Bob heard of the success first.
            f"{SENT_ON}; bob: called, connected, connected, transferred 200, ended 0 here, ended 0; {REPLACED}",
        ),
    ),
)
