import pytest

from device.exchange_model import NumberPattern, Trunk, TrunkRoute
from device.model import Account, AccountId, Credential
from device.records import replace
from device.store.database import Database
from device.store.errors import StoreError, UnknownEntryError
from device.store.subscribers import Subscribers
from device.store.trunks import NumberPatterns, Permissions, TrunkRoutes, Trunks

PROVIDER = Trunk(
    Account(AccountId("provider"), "4711", "sip.example.com"), Credential("4711", password="secret"), ring="1001"
)


def test_a_trunk_is_kept_with_its_password_and_sealed(database: Database) -> None:
    trunks = Trunks(database)
    trunks.put(PROVIDER)
    assert trunks.list() == (PROVIDER,)
    trunks.seal("provider", "example", {"MD5": "11" * 16})
    credential = trunks.get("provider").credential
    assert credential is not None
    assert (credential.password, credential.realms) == ("", ("example",))


def test_a_change_keeps_the_password_that_it_does_not_name(database: Database) -> None:
    trunks = Trunks(database)
    trunks.put(PROVIDER)
    trunks.put(replace(PROVIDER, credential=None, caller="own"))
    assert trunks.get("provider") == replace(PROVIDER, caller="own")


def test_what_goes_with_a_trunk(database: Database) -> None:
    Trunks(database).put(PROVIDER)
    routes = TrunkRoutes(database)
    routes.put(TrunkRoute("0", "provider", 2, 1, "00"))
    routes.put(TrunkRoute("", "provider"))
    assert routes.list() == (TrunkRoute("", "provider"), TrunkRoute("0", "provider", 2, 1, "00"))
    routes.remove("", "provider")
    with pytest.raises(UnknownEntryError, match="no route for '' by 'provider'"):
        routes.remove("", "provider")
    with pytest.raises(UnknownEntryError, match="no trunk 'other'"):
        routes.put(TrunkRoute("0", "other"))
    Trunks(database).remove("provider")
    assert (Trunks(database).list(), routes.list()) == ((), ())
    assert database.query("SELECT * FROM secret") == []


def test_patterns(database: Database) -> None:
    patterns = NumberPatterns(database)
    patterns.put(NumberPattern("0900", "premium"))
    patterns.put(NumberPattern("0900", "free"))
    assert patterns.list() == (NumberPattern("0900", "free"),)
    patterns.remove("0900")
    with pytest.raises(UnknownEntryError, match="no pattern '0900'"):
        patterns.remove("0900")


def test_permissions_are_none_nothing_or_some(database: Database) -> None:
    permissions = Permissions(database)
    assert permissions.of("1001", "pbx") is None
    permissions.put("1001", "pbx", ["local", "premium", "local"], 1.0)
    assert permissions.of("1001", "pbx") == {"local", "premium"}
    permissions.put("1001", "pbx", [], 2.0)
    assert permissions.of("1001", "pbx") == frozenset()
    assert permissions.list() == {("1001", "pbx"): ("none",)}
    permissions.clear("1001", "pbx")
    assert permissions.of("1001", "pbx") is None
    with pytest.raises(StoreError, match="stands alone"):
        permissions.put("1001", "pbx", ["none", "local"], 3.0)


def test_they_go_with_the_user(database: Database) -> None:
    Subscribers(database).put("1001", "pbx", {"MD5": "11" * 16})
    Permissions(database).put("1001", "pbx", ["local"], 1.0)
    Subscribers(database).remove("1001", "pbx")
    assert Permissions(database).list() == {}
