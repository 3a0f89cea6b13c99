import pytest

from device.records import replace
from device.store.database import Database
from device.store.errors import StoreError
from device.store.voicemail import StoredMessage, Voicemail

FIRST = StoredMessage("m1", "1001", "1002", "Bob", 1_700_000_000.5, 4.5, False)


def test_new_ones_come_first_and_each_kind_in_its_order(database: Database) -> None:
    voicemail = Voicemail(database)
    for name, at, heard in (("m1", 5, True), ("m2", 9, False), ("m3", 3, True), ("m4", 8, False)):
        voicemail.begin(replace(FIRST, name=name, received_at=float(at), heard=heard))
    voicemail.begin(replace(FIRST, name="other", mailbox="1003"))
    assert [one.name for one in voicemail.of_box("1001")] == ["m4", "m2", "m3", "m1"]
    assert voicemail.counts("1001") == (2, 2)
    assert voicemail.counts("1003") == (1, 0)
    assert voicemail.counts("1004") == (0, 0)


def test_one_that_is_being_recorded_does_not_count(database: Database) -> None:
    voicemail = Voicemail(database)
    voicemail.begin(replace(FIRST, seconds=None))
    assert voicemail.of_box("1001") == []
    assert voicemail.counts("1001") == (0, 0)
    assert voicemail.everything() == [replace(FIRST, seconds=None)]
    voicemail.finish("m1", 4.5)
    assert voicemail.of_box("1001") == [FIRST]


def test_heard_and_new_again(database: Database) -> None:
    voicemail = Voicemail(database)
    voicemail.begin(FIRST)
    voicemail.mark_heard("m1", True, 100.0)
    assert voicemail.of_box("1001") == [replace(FIRST, heard=True)]
    assert voicemail.heard_before(100.0) == []
    assert [one.name for one in voicemail.heard_before(100.1)] == ["m1"]
    voicemail.mark_heard("m1", False, 200.0)
    assert voicemail.heard_before(1000.0) == []
    assert voicemail.counts("1001") == (1, 0)


def test_removing_and_names_are_unique(database: Database) -> None:
    voicemail = Voicemail(database)
    voicemail.begin(FIRST)
    with pytest.raises(StoreError):
        voicemail.begin(FIRST)
    assert voicemail.remove("m1")
    assert not voicemail.remove("m1")
    assert voicemail.everything() == []


def test_a_pin_is_set_changed_and_taken_away(database: Database) -> None:
    voicemail = Voicemail(database)
    assert voicemail.pin("1001") is None
    voicemail.set_pin("1001", "salt", "hash")
    voicemail.set_pin("1001", "salt2", "hash2")
    assert voicemail.pin("1001") == ("salt2", "hash2")
    voicemail.set_pin("1001", "", "")
    assert voicemail.pin("1001") is None
