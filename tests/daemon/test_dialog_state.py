"""Others watch whether the phone is in a call."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from device.control.errors import ControlError
from device.model import AccountId
from device.phone.states import PhoneState
from device.sip.feature_events import NotifyReceived, SubscriptionChanged
from tests.support.turning import HandLoop
from tests.support.whole_phone import FarEnd, WholePhone, whole_phone

NAMESPACE = "{urn:ietf:params:xml:ns:dialog-info}"
CONTENT_TYPE = "application/dialog-info+xml"


@pytest.fixture
def watched(loop: HandLoop, tmp_path: Path) -> Iterator[WholePhone]:
    with whole_phone(loop, tmp_path, {"sip.dialog_state": "all", "phone.direct_calls": "on"}) as phone:
        yield phone


def watch(phone: WholePhone, far_end: FarEnd) -> None:
    far_end.agent.subscribe("blf", phone.target, "dialog", CONTENT_TYPE, None, phone.loop.now())


def states(phone: WholePhone, far_end: FarEnd, wanted: list[str]) -> None:
    """Wait until the far end has been told of calls in these states, and of nothing else."""
    phone.loop.turn_until(lambda: told(far_end) == wanted, f"{wanted} ({told(far_end)})")


def told(far_end: FarEnd) -> list[str] | None:
    news = far_end.told(NotifyReceived)
    if not news:
        return None
    assert news[-1].content_type == CONTENT_TYPE
    root = ElementTree.fromstring(news[-1].body.decode())
    assert root.get("state") == "full"
    assert root.get("entity", "").startswith("sip:")
    return [state.text or "" for state in root.iter(f"{NAMESPACE}state")]


def test_a_watcher_sees_calls_come_and_go(watched: WholePhone, far_end: FarEnd) -> None:
    watch(watched, far_end)
    states(watched, far_end, [])
    far_end.call(watched.target)
    watched.wait(PhoneState.ALERTING)
    states(watched, far_end, ["early"])
    watched.control.call("call.answer")
    states(watched, far_end, ["confirmed"])
    watched.control.call("call.hangup")
    states(watched, far_end, [])
    watched.place("sip:nobody@nowhere.invalid")
    states(watched, far_end, [])
    assert len(far_end.told(NotifyReceived)) >= 4
    versions = [ElementTree.fromstring(one.body).get("version") for one in far_end.told(NotifyReceived)]
    assert versions == sorted(versions, key=lambda text: int(text or 0))
    far_end.agent.unsubscribe("blf", watched.loop.now())
    watched.loop.turn_until(
        lambda: far_end.told(SubscriptionChanged)[-1].state == "terminated", "the end of the subscription"
    )


@pytest.mark.parametrize(("setting", "status"), [("off", 489), ("servers", 403)])
def test_who_may_not_watch(loop: HandLoop, tmp_path: Path, far_end: FarEnd, setting: str, status: int) -> None:
    with whole_phone(loop, tmp_path, {"sip.dialog_state": setting}) as phone:
        watch(phone, far_end)
        loop.turn_until(lambda: far_end.told(SubscriptionChanged), "a refusal")
        assert far_end.told(SubscriptionChanged)[-1].status == status


def test_the_entity_is_the_account_that_is_watched(watched: WholePhone, far_end: FarEnd) -> None:
    with pytest.raises(ControlError):
        watched.control.call("account.show", id="none")
    watched.control.call("account.add", id="b&b", user="b&b", domain="127.0.0.1", register=False)
    assert watched.parts.accounts.get(AccountId("b&b")) is not None
    far_end.agent.subscribe(
        "blf", f"sip:b&b@127.0.0.1:{watched.port}", "dialog", CONTENT_TYPE, None, watched.loop.now()
    )
    states(watched, far_end, [])
    assert ElementTree.fromstring(far_end.told(NotifyReceived)[-1].body).get("entity") == "sip:b&b@127.0.0.1"
