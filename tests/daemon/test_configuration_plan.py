import pytest

from device.daemon.configuration_plan import (
    Snapshot,
    account_changes,
    differences,
    parse_snapshot,
    plan_changes,
    setting_changes,
)
from device.model import Account, AccountId, Credential

OFFICE = Account(AccountId("office"), "1001", "pbx.example.com")
DOOR = Account(AccountId("door"), "", "192.0.2.7", register=False)
BASE = Snapshot({"phone.hotline": "1002", "media.tones": "uk"}, {"office": OFFICE, "door": DOOR})


def test_a_snapshot_is_the_same_after_encoding() -> None:
    further = (("pbx", (("MD5", "00"),)), ("door", (("MD5", "11"), ("SHA-256", "22"))))
    credential = Credential("1001", "pbx", (("MD5", "00"),), "", further)
    snapshot = Snapshot(BASE.settings, BASE.accounts, {"office": credential})
    assert parse_snapshot(snapshot.encode(with_secrets=True)) == snapshot
    assert parse_snapshot(snapshot.encode()) == BASE
    assert "MD5" not in snapshot.encode()


def test_what_another_version_knew_of_an_account_is_passed_over() -> None:
    text = BASE.encode().replace('"user": "1001"', '"user": "1001", "colour": "red"')
    assert parse_snapshot(text) == BASE


def test_changes_are_laid_over_what_there_is() -> None:
    plan = plan_changes(
        BASE,
        {"phone.hotline": None, "audio.kind": "null"},
        {"office": {"expires_s": 300}, "door": None, "home": {"user": "5", "domain": "x.example", "password": "pw"}},
    )
    assert plan.faults == []
    assert plan.target.settings == {"media.tones": "uk", "audio.kind": "null"}
    assert set(plan.target.accounts) == {"office", "home"}
    assert plan.target.accounts["office"].expires_s == 300
    assert plan.secrets == {"home": {"password": "pw"}}
    keys = [change["key"] for change in differences(BASE, plan)]
    assert keys == [
        "audio.kind",
        "phone.hotline",
        "account.door",
        "account.home.user",
        "account.home.domain",
        "account.home.password",
        "account.office.expires_s",
    ]
    assert "pw" not in str(differences(BASE, plan))


def test_an_account_that_begins_anew_keeps_nothing() -> None:
    plan = plan_changes(BASE, {}, {"door": {"replace": True, "user": "7", "domain": "x.example"}})
    assert plan.target.accounts["door"] == Account(AccountId("door"), "7", "x.example")


@pytest.mark.parametrize(
    ("accounts", "said"),
    [
        ({"offce": None}, "account.offce: there is no such account; did you mean office?"),
        ({"zzz": None}, "`show accounts` lists"),
        ({"office": {"expirs_s": 3}}, "account.office.expirs_s: an account has no such field; did you mean expires_s?"),
        ({"office": {"zzz": 3}}, "there are user, domain"),
        ({"office": {"expires_s": "3"}}, "account.office.expires_s: is not of type int"),
        ({"office": {"expires_s": 3}}, "account.office.expires_s: 3 is not between"),
        ({"new": {"user": "1"}}, "account.new.domain: is empty"),
        ({"a b": {"user": "1", "domain": "x"}}, "has no blanks"),
        ({"office": {"realm": "x"}}, "account.office.realm: give the password with it"),
    ],
)
def test_every_fault_is_found(accounts: dict[str, dict[str, object] | None], said: str) -> None:
    faults = plan_changes(BASE, {}, accounts).faults
    assert any(said in fault for fault in faults), faults


def test_faults_are_found_together() -> None:
    assert len(plan_changes(BASE, {}, {"office": {"expires_s": 3, "transport": "x"}, "zzz": None}).faults) == 3


def test_what_turns_one_into_the_other() -> None:
    assert setting_changes({"a": "1", "b": "2"}, {"b": "3", "c": "4"}) == {"a": None, "b": "3", "c": "4"}
    assert account_changes({"office": OFFICE, "door": DOOR}, {"office": OFFICE}) == {"door": None}
