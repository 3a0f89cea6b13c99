import pytest

from device.store.database import Database
from device.store.errors import UnknownEntryError
from device.store.paging import PagingGroups, StoredGroup


def test_groups_are_kept_changed_listed_and_removed(database: Database) -> None:
    groups = PagingGroups(database)
    groups.put(StoredGroup("7002", "1001 1002", "", "PCMU"))
    groups.put(StoredGroup("7001", "", "239.1.2.3:5004", "G722"))
    groups.put(StoredGroup("7002", "1003", "", "PCMA"))
    assert groups.list() == [
        StoredGroup("7001", "", "239.1.2.3:5004", "G722"),
        StoredGroup("7002", "1003", "", "PCMA"),
    ]
    groups.remove("7002")
    assert [group.number for group in groups.list()] == ["7001"]
    with pytest.raises(UnknownEntryError, match="page list"):
        groups.remove("7002")
