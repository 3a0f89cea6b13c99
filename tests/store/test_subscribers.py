import pytest

from device.model import Aor, Credential
from device.store.database import Database
from device.store.errors import StoreError, UnknownEntryError
from device.store.subscribers import Aliases, Subscribers

HA1 = {"MD5": "11" * 16, "SHA-256": "22" * 32}


def test_a_subscriber_is_known_by_name_and_realm(database: Database) -> None:
    subscribers = Subscribers(database)
    subscribers.put("1001", "pbx", HA1)
    assert subscribers.credential("1001", "pbx") == Credential("1001", "pbx", tuple(HA1.items()))
    assert subscribers.credential("1001", "other") is None


def test_a_new_password_replaces_the_old_one(database: Database) -> None:
    subscribers = Subscribers(database)
    subscribers.put("1001", "pbx", HA1)
    subscribers.put("1001", "pbx", {"MD5": "33" * 16})
    assert subscribers.credential("1001", "pbx") == Credential("1001", "pbx", (("MD5", "33" * 16),))
    assert subscribers.list() == (Aor("1001", "pbx"),)


def test_subscribers_are_listed_and_forgotten(database: Database) -> None:
    subscribers = Subscribers(database)
    subscribers.put("1002", "pbx", HA1)
    subscribers.put("1001", "pbx", HA1)
    assert subscribers.list() == (Aor("1001", "pbx"), Aor("1002", "pbx"))
    subscribers.remove("1001", "pbx")
    assert subscribers.list() == (Aor("1002", "pbx"),)
    with pytest.raises(UnknownEntryError, match="no user 1001@pbx"):
        subscribers.remove("1001", "pbx")


def test_an_unknown_algorithm_is_refused(database: Database) -> None:
    with pytest.raises(StoreError, match="CRC32 is unknown"):
        Subscribers(database).put("1001", "pbx", {"CRC32": "00"})


def test_an_alias_means_one_subscriber(database: Database) -> None:
    aliases = Aliases(database)
    aliases.put(Aor("9", "pbx"), Aor("1001", "pbx"))
    aliases.put(Aor("9", "pbx"), Aor("1002", "pbx"))
    assert aliases.find(Aor("9", "pbx")) == Aor("1002", "pbx")
    assert aliases.list() == ((Aor("9", "pbx"), Aor("1002", "pbx")),)
    aliases.remove(Aor("9", "pbx"))
    assert aliases.find(Aor("9", "pbx")) is None
    with pytest.raises(UnknownEntryError, match="no alias sip:9@pbx"):
        aliases.remove(Aor("9", "pbx"))
