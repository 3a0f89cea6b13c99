import pytest

from device.exchange.location import LocationService
from device.model import Binding
from device.records import replace

ALICE = "sip:alice@pbx.lan"
BOB = "sip:bob@pbx.lan"


def binding(contact: str, expires_at: float = 100.0, aor: str = ALICE, q: float = 1.0) -> Binding:
    return Binding(aor, contact, expires_at, "c1", 1, q)


def test_the_most_preferred_contact_comes_first() -> None:
    low, high = binding("sip:a@192.0.2.1", q=0.1), binding("sip:a@192.0.2.2", q=0.9)
    assert LocationService([low, high]).bindings(ALICE, 0.0) == [high, low]


def test_a_contact_ends_at_its_time() -> None:
    location = LocationService([binding("sip:a@192.0.2.1", expires_at=100.0)])
    assert len(location.bindings(ALICE, 99.9)) == 1
    assert location.bindings(ALICE, 100.0) == []


def test_nobody_has_contacts_before_they_register() -> None:
    assert LocationService().bindings(ALICE, 0.0) == []
    assert LocationService().next_expiry() is None


def test_expiry_tells_whom_it_concerned_and_leaves_the_others() -> None:
    keeps, loses = binding("sip:b@192.0.2.2", 200.0, BOB), binding("sip:a@192.0.2.1", 100.0)
    location = LocationService([keeps, loses, binding("sip:a@192.0.2.3", 200.0)])
    assert location.next_expiry() == 100.0
    assert location.expire(150.0) == [ALICE]
    assert location.expire(150.0) == []
    assert [one.contact for one in location.everything()] == ["sip:a@192.0.2.3", "sip:b@192.0.2.2"]
    assert sorted(location.expire(200.0)) == [ALICE, BOB]
    assert location.everything() == []


def test_what_ends_next_follows_every_change() -> None:
    location = LocationService([binding("sip:a@192.0.2.1", 100.0), binding("sip:b@192.0.2.2", 200.0, BOB)])
    location.replace(ALICE, [binding("sip:a@192.0.2.1", 300.0), binding("sip:a@192.0.2.3", 250.0)])
    assert location.next_expiry() == 200.0
    location.forget(BOB)
    assert location.next_expiry() == 250.0
    location.shift(1000.0)
    assert location.next_expiry() == 1250.0
    assert location.expire(1249.0) == []
    assert location.expire(1250.0) == [ALICE]
    assert location.next_expiry() == 1300.0


def test_replacing_by_nothing_forgets_the_address() -> None:
    location = LocationService([binding("sip:a@192.0.2.1")])
    location.replace(ALICE, [])
    assert location.next_expiry() is None
    location.replace(BOB, [])
    assert location.everything() == []


def test_forgetting_tells_whether_there_was_anything() -> None:
    location = LocationService([binding("sip:a@192.0.2.1")])
    assert location.forget(ALICE)
    assert not location.forget(ALICE)
    assert location.everything() == []


@pytest.mark.parametrize("contact", ["", "garbage", "tel:123", "sip:"])
def test_a_stored_contact_that_cannot_be_called_is_left_out(contact: str) -> None:
    good = binding("sip:a@192.0.2.1")
    assert LocationService([binding(contact), good]).everything() == [good]


def test_a_clock_that_is_set_shortens_no_contact() -> None:
    location = LocationService([binding("sip:b@192.0.2.2", 200.0, BOB), binding("sip:a@192.0.2.1", 100.0)])
    assert location.shift(1000.0) == [ALICE, BOB]
    assert [one.expires_at for one in location.everything()] == [1100.0, 1200.0]
    assert LocationService().shift(1.0) == []


def over(flow: str, aor: str, reg_id: int = 1) -> Binding:
    return replace(binding("sip:x@192.0.2.1", aor=aor), received=flow, reg_id=reg_id)


def test_a_flow_that_is_over_takes_what_was_bound_to_it() -> None:
    here, there = "TCP:192.0.2.1:40000", "TCP:192.0.2.1:40001"
    location = LocationService([over(here, ALICE), over(there, ALICE), over(here, BOB, reg_id=0)])
    carol = "sip:carol@pbx.lan"
    location.replace(carol, [over(here, carol)])
    assert location.drop_flow(here) == [ALICE, carol]
    assert location.drop_flow(here) == []
    assert [(one.aor, one.received) for one in location.everything()] == [(ALICE, there), (BOB, here)]


def test_a_flow_that_was_left_takes_nothing() -> None:
    here, there = "TCP:192.0.2.1:40000", "TCP:192.0.2.1:40001"
    location = LocationService([over(here, ALICE), over(here, BOB)])
    location.replace(ALICE, [over(there, ALICE)])
    assert location.forget(BOB)
    assert location.drop_flow(here) == []
    assert location.drop_flow(there) == [ALICE]
