import pytest

from device.model import PhonebookEntry
from device.store.database import Database
from device.store.errors import DuplicateError, StoreError, UnknownEntryError
from device.store.phonebook import Phonebook

DOOR = PhonebookEntry("Front door", "sip:door@192.0.2.7", "11")
ANNA = PhonebookEntry("Anna", "1002")


@pytest.fixture
def phonebook(database: Database) -> Phonebook:
    phonebook = Phonebook(database)
    phonebook.add(DOOR)
    phonebook.add(ANNA)
    return phonebook


def test_entries_come_in_the_order_of_their_names(phonebook: Phonebook) -> None:
    phonebook.add(PhonebookEntry("bert", "1003"))
    assert [entry.name for entry in phonebook.list()] == ["Anna", "bert", "Front door"]


def test_names_are_found_in_any_case_and_codes_exactly(phonebook: Phonebook) -> None:
    assert phonebook.find("front DOOR") == DOOR
    assert phonebook.find("nobody") is None
    assert phonebook.find_code("11") == DOOR
    assert phonebook.find_code("") is None


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (PhonebookEntry("ANNA", "1009"), "has 'ANNA' already"),
        (PhonebookEntry("Garage", "1010", "11"), "code 11 belongs to 'Front door'"),
    ],
)
def test_names_and_codes_are_taken_only_once(phonebook: Phonebook, entry: PhonebookEntry, words: str) -> None:
    with pytest.raises(DuplicateError, match=words):
        phonebook.add(entry)
    assert len(phonebook.list()) == 2


def test_many_entries_may_have_no_code(phonebook: Phonebook) -> None:
    phonebook.add(PhonebookEntry("Bert", "1003"))
    phonebook.add(PhonebookEntry("Carl", "1004"))
    assert len(phonebook.list()) == 4


@pytest.mark.parametrize("entry", [PhonebookEntry(" ", "1"), PhonebookEntry("x", "")])
def test_an_entry_needs_name_and_target(phonebook: Phonebook, entry: PhonebookEntry) -> None:
    with pytest.raises(StoreError, match="needs a name and a target"):
        phonebook.add(entry)


def test_removing_forgets_one_entry(phonebook: Phonebook) -> None:
    phonebook.remove("anna")
    assert phonebook.list() == (DOOR,)
    with pytest.raises(UnknownEntryError, match="no 'anna': `offhook phonebook list`"):
        phonebook.remove("anna")
