"""The bounds of the table of subscriptions; what it finds is shown with subscriber and notifier."""

import pytest

from device.sip.errors import SipStateError
from device.sip.subscription_table import MAX_SUBSCRIBERS
from tests.support.sip_bench import OFFICE, Bench, office


def test_subscriptions_of_ours_are_bounded() -> None:
    bench = Bench(account=office())
    for number in range(MAX_SUBSCRIBERS):
        bench.agent.subscribe(f"s{number}", "1002", "dialog", "application/dialog-info+xml", OFFICE, bench.now)
    with pytest.raises(SipStateError, match="too many"):
        bench.agent.subscribe("one more", "1002", "dialog", "application/dialog-info+xml", OFFICE, bench.now)


def test_changes_of_what_nobody_watches_are_told_to_nobody() -> None:
    bench = Bench(account=office())
    bench.agent.package_changed("lamp", bench.now)
    bench.agent.features.subscriptions.changed("lamp", bench.now)
    bench.agent.unsubscribe("nothing", bench.now)
    assert bench.sent() == []
