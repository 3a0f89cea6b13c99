"""When a registration is renewed, and how often its flow is kept open."""

import pytest

from device.model import Account, AccountId
from device.sip.hop import Hop
from device.sip.registration_grant import Grant
from device.sip.registration_times import keepalive_of, refresh_pause
from tests.support.sip_bench import PEER, PEER_STREAM


@pytest.mark.parametrize(
    ("lifetime", "spread", "after"),
    [(600, 0.0, 525.0), (3600, 0.0, 3525.0), (100, 0.0, 50.0), (60, 0.0, 30.0), (600, 0.5, 498.75)],
)
def test_a_registration_is_renewed_while_two_attempts_still_fit(lifetime: int, spread: float, after: float) -> None:
    assert refresh_pause(lifetime, spread) == pytest.approx(after)


@pytest.mark.parametrize(
    ("changes", "hop", "grant", "translated", "plan"),
    [
        ({}, PEER, Grant(60), False, None),
        ({}, PEER, Grant(60), True, ("crlf", 29.0)),
        ({}, PEER, Grant(60, outbound=True), False, ("stun", 29.0)),
        ({}, PEER_STREAM, Grant(60), False, ("crlf", 120.0)),
        ({}, Hop("TLS", "192.0.2.2", 5061, 2), Grant(60, outbound=True, flow_timer_s=45), False, ("crlf", 45.0)),
        ({"keepalive": "off"}, PEER_STREAM, Grant(60, outbound=True), True, None),
        ({"keepalive": "crlf"}, PEER, Grant(60), False, ("crlf", 29.0)),
        ({"keepalive": "stun"}, PEER, Grant(60), False, ("stun", 29.0)),
        ({"keepalive": "stun"}, PEER_STREAM, Grant(60), False, ("crlf", 120.0)),
        ({"keepalive": "options", "keepalive_s": 30}, PEER, Grant(60, flow_timer_s=90), False, ("options", 30.0)),
        ({"keepalive": "options"}, PEER_STREAM, Grant(60), False, ("options", 120.0)),
    ],
)
def test_what_keeps_a_flow_open(
    changes: dict[str, object], hop: Hop, grant: Grant, translated: bool, plan: tuple[str, float] | None
) -> None:
    account = Account(**{"id": AccountId("x"), "user": "1", "domain": "pbx", **changes})  # type: ignore[arg-type]
    assert keepalive_of(account, hop, grant, translated) == plan
