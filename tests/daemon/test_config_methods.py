"""Commits, on a store alone and on a whole phone."""

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.control.errors import INVALID_PARAMS, ControlError
from device.daemon.config_methods import NOT_CONFIRMED, OUTSIDE, ConfigMethods
from device.daemon.main import _take_back_unconfirmed
from device.daemon.settings_methods import SettingsMethods
from device.errors import DeviceError
from device.model import Account, AccountId, Credential
from device.store.accounts import Accounts
from device.store.config_history import COMMITS_KEPT
from device.store.database import Database, open_database
from device.store.settings import Settings
from tests.support.processes import ROOT
from tests.support.whole_phone import WholePhone

OFFICE = {"user": "1001", "domain": "pbx.example.com", "password": "pw"}


class Followers:
    """Remembers who was told what."""

    def __init__(self) -> None:
        self.settings: list[dict[str, Any]] = []
        self.accounts: list[tuple[str, bool]] = []
        self.events: list[dict[str, Any]] = []
        self.refusal = ""

    def check_account(self, account: Account) -> None:
        if self.refusal:
            raise DeviceError(self.refusal)

    def settings_changed(self, changes: Any) -> list[str]:
        self.settings.append(dict(changes))
        return [key for key in changes if key.startswith("audio.")]

    def account_changed(self, before: Account | None, account_id: AccountId) -> None:
        self.accounts.append((account_id, before is not None))

    def publish(self, topic: str, params: dict[str, object]) -> None:
        assert topic == "config"
        self.events.append(params)


class Office:
    """The methods on a store, with both clocks in hand."""

    def __init__(self, database: Database, followers: Followers | None) -> None:
        self.database = database
        self.now = 100.0
        self.followers = followers
        self.methods = ConfigMethods(
            database, SettingsMethods(Settings(database), list), followers, lambda: self.now, lambda: 1e9 + self.now
        )

    def commit(self, **params: Any) -> dict[str, Any]:
        return self.methods.commit(params)

    def refusal(self, **params: Any) -> ControlError:
        with pytest.raises(ControlError) as caught:
            self.commit(**params)
        return caught.value

    @property
    def settings(self) -> dict[str, str]:
        return Settings(self.database).get_all()

    @property
    def accounts(self) -> list[str]:
        return [account.id for account in Accounts(self.database).list()]

    def history(self) -> list[str]:
        commits: Any = self.methods.history({})["commits"]
        return [commit["comment"] for commit in commits]

    def number_of(self, back: int) -> int:
        commits: Any = self.methods.history({})["commits"]
        return int(commits[back]["number"])


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_database(str(tmp_path / "s.db"), backup_interval_s=0.0) as database:
        yield Office(database, Followers())


def test_settings_and_accounts_are_committed_together(office: Office) -> None:
    answer = office.commit(
        settings={"phone.hotline": "1002", "audio.kind": "null"}, accounts={"office": OFFICE}, author="eve", comment="c"
    )
    assert answer["restart"] == ["audio.kind"]
    assert answer["registering"] == ["office"]
    assert answer["changed"][:2] == ["audio.kind", "phone.hotline"]
    assert office.settings == {"audio.kind": "null", "phone.hotline": "1002"}
    assert Accounts(office.database).credential(AccountId("office")) == Credential("1001", password="pw")
    assert office.history() == ["c", OUTSIDE]
    followers = office.followers
    assert followers is not None
    assert followers.accounts == [("office", False)]
    assert followers.events[0]["changed"] == answer["changed"]
    assert "pw" not in str(followers.events) + str(office.methods.history({}))


def test_one_fault_keeps_everything_from_being_changed_and_all_are_told(office: Office) -> None:
    error = office.refusal(
        settings={"phone.hotline": "1002", "media.tones": "xx", "phone.hotlin": "1"},
        accounts={"office": {**OFFICE, "expires_s": 1}},
    )
    assert error.code == INVALID_PARAMS
    for said in ("media.tones", "did you mean phone.hotline", "account.office.expires_s: 1"):
        assert said in error.message
    assert (office.settings, office.accounts, office.history()) == ({}, [], [])


def test_an_account_that_the_phone_cannot_use_is_refused(office: Office) -> None:
    followers = office.followers
    assert followers is not None
    followers.refusal = "no such registrar"
    assert "account.office: no such registrar" in office.refusal(accounts={"office": OFFICE}).message


def test_changes_are_shown_and_nothing_is_changed(office: Office) -> None:
    office.commit(settings={"phone.door_code": "1234"})
    answer = office.methods.changes(
        {"settings": {"phone.hotline": "1002", "phone.door_code": "9876", "media.tones": "xx"}}
    )
    assert answer["changes"] == [
        {"key": "media.tones", "before": None, "after": "xx"},
        {"key": "phone.door_code", "before": "***", "after": "***"},
        {"key": "phone.hotline", "before": None, "after": "1002"},
    ]
    assert "media.tones" in str(answer["faults"])
    assert office.settings == {"phone.door_code": "1234"}


def test_a_mask_is_no_value(office: Office) -> None:
    office.commit(settings={"phone.door_code": "1234"})
    assert "only stands for it" in office.refusal(settings={"phone.door_code": "***"}).message


def test_what_holds_already_makes_no_commit(office: Office) -> None:
    office.commit(settings={"phone.hotline": "1"}, comment="one")
    assert office.commit(settings={"phone.hotline": "1"})["number"] == 0
    assert office.history() == ["one", OUTSIDE]


def test_going_back(office: Office) -> None:
    office.commit(settings={"phone.hotline": "1"}, accounts={"office": OFFICE}, comment="one")
    office.commit(settings={"phone.hotline": "2", "media.tones": "uk"}, comment="two")
    office.commit(accounts={"office": None}, comment="three")
    office.commit(**{"from": office.number_of(2)}, comment="back")
    assert office.settings == {"phone.hotline": "1"}
    assert office.accounts == ["office"]
    # Its password went with the account; that is no secret of the history.
    assert Accounts(office.database).credential(AccountId("office")) is None
    office.commit(**{"from": office.number_of(2)}, settings={"media.tones": "us"}, comment="back and more")
    assert office.settings == {"phone.hotline": "2", "media.tones": "us"}


def test_what_came_about_outside_can_be_gone_back_to(office: Office) -> None:
    office.commit(settings={"phone.hotline": "1"}, comment="one")
    Settings(office.database).set_many({"phone.hotline": "by hand"})
    office.commit(settings={"phone.hotline": "2"}, comment="two")
    assert office.history() == ["two", OUTSIDE, "one", OUTSIDE]
    office.commit(**{"from": office.number_of(1)})
    assert office.settings == {"phone.hotline": "by hand"}


def test_only_so_many_commits_are_kept(office: Office) -> None:
    for number in range(COMMITS_KEPT + 5):
        office.commit(settings={"phone.hotline": str(number)}, comment=str(number))
    assert office.history() == [str(number) for number in range(COMMITS_KEPT + 4, 4, -1)]


def test_what_another_has_changed_meanwhile_is_not_overwritten_unseen(office: Office) -> None:
    office.commit(settings={"phone.hotline": "1"}, author="eve")
    known = office.number_of(0)
    office.commit(settings={"phone.hotline": "2"}, author="adam")
    error = office.refusal(settings={"phone.hotline": "3"}, since=known)
    assert "meanwhile adam has changed phone.hotline" in error.message
    assert isinstance(error.data, dict)
    # What nobody else has touched is no conflict, and whoever knows may go on.
    office.commit(settings={"media.tones": "uk"}, since=known)
    office.commit(settings={"phone.hotline": "3"}, since=office.number_of(0))
    assert office.settings == {"media.tones": "uk", "phone.hotline": "3"}


def test_a_commit_that_is_not_confirmed_is_taken_back(office: Office) -> None:
    office.commit(settings={"phone.hotline": "1"}, accounts={"office": OFFICE})
    office.commit(settings={"phone.hotline": "2"}, accounts={"office": None}, confirm_s=60)
    assert office.methods.history({})["confirm_within_s"] == 60
    assert office.methods.pump(office.now) == office.now + 60
    office.now += 61
    assert office.methods.pump(office.now) is None
    assert office.settings == {"phone.hotline": "1"}
    assert Accounts(office.database).credential(AccountId("office")) == Credential("1001", password="pw")
    assert NOT_CONFIRMED in office.history()[0]
    followers = office.followers
    assert followers is not None
    assert followers.events[-1]["event"] == "taken-back"
    assert followers.accounts[-1] == ("office", False)


def test_a_changed_password_comes_back_too(office: Office) -> None:
    office.commit(accounts={"office": OFFICE})
    office.commit(accounts={"office": {"password": "other"}}, confirm_s=60)
    office.methods.take_back()
    assert Accounts(office.database).credential(AccountId("office")) == Credential("1001", password="pw")


def test_a_commit_that_is_confirmed_stays(office: Office) -> None:
    office.commit(settings={"phone.hotline": "2"}, confirm_s=60)
    number = office.number_of(0)
    assert office.methods.history({})["unconfirmed"] == number
    assert office.methods.confirm({"author": "eve"}) == {"number": number}
    office.now += 61
    assert office.methods.pump(office.now) is None
    assert office.settings == {"phone.hotline": "2"}
    assert office.methods.confirm({}) == {"number": 0}


def test_a_further_commit_confirms_the_one_before(office: Office) -> None:
    office.commit(settings={"phone.hotline": "1"}, confirm_s=60)
    office.commit(settings={"phone.hotline": "2"})
    office.now += 61
    office.methods.pump(office.now)
    assert office.settings == {"phone.hotline": "2"}


def test_a_phone_that_starts_takes_back_what_was_not_confirmed(office: Office) -> None:
    office.commit(settings={"phone.hotline": "1"}, confirm_s=3600)
    assert Settings(office.database).is_unconfirmed()
    _take_back_unconfirmed(office.database)
    assert office.settings == {}
    assert not Settings(office.database).is_unconfirmed()


def test_a_store_alone_commits_but_could_not_take_anything_back(tmp_path: Path) -> None:
    with open_database(str(tmp_path / "s.db")) as database:
        office = Office(database, None)
        assert office.commit(settings={"phone.hotline": "1"})["restart"] == ["phone.hotline"]
        assert "the phone is down" in office.refusal(settings={"phone.hotline": "2"}, confirm_s=60).message


@pytest.mark.parametrize(
    "params", [{"comment": "a\nb"}, {"comment": "x" * 201}, {"confirm_s": 0}, {"confirm_s": 90000}]
)
def test_strange_parameters(office: Office, params: dict[str, Any]) -> None:
    assert office.refusal(settings={"phone.hotline": "1"}, **params).code == INVALID_PARAMS


def test_a_commit_that_is_no_more_cannot_be_gone_back_to(office: Office) -> None:
    with pytest.raises(DeviceError, match="commit 77 is not kept"):
        office.commit(**{"from": 77})


KEYS = ("phone.hotline", "media.tones", "audio.mic_gain_db")
VALUES = {"phone.hotline": ["1", "2", ""], "media.tones": ["uk", "us"], "audio.mic_gain_db": ["3", "-2"]}
STEPS = st.one_of(
    st.sampled_from(KEYS).flatmap(lambda key: st.tuples(st.just("set"), st.just(key), st.sampled_from(VALUES[key]))),
    st.tuples(st.just("set"), st.sampled_from(KEYS), st.none()),
    st.tuples(st.just("account"), st.sampled_from(["a", "b"]), st.sampled_from([300, 600, None])),
    st.tuples(st.just("commit")),
    st.tuples(st.just("rollback"), st.integers(0, 5)),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(STEPS, max_size=30))
def test_any_sequence_leaves_exactly_what_the_model_says(tmp_path_factory: Any, steps: list[tuple[Any, ...]]) -> None:
    path = tmp_path_factory.mktemp("store") / "s.db"
    with open_database(str(path)) as database:
        office = Office(database, Followers())
        running: dict[str, Any] = {}
        past: list[dict[str, Any]] = [{}]
        wanted = dict(running)
        params: dict[str, Any] = {"settings": {}, "accounts": {}}
        for step in steps:
            if step[0] == "set":
                params["settings"][step[1]] = step[2]
                _put(wanted, step[1], step[2])
            elif step[0] == "account":
                if step[2] is None and step[1] not in wanted:
                    continue
                fields = {"user": "1", "domain": "x.example", "register": False, "expires_s": step[2]}
                params["accounts"][step[1]] = None if step[2] is None else fields
                if step[2] is None and step[1] not in running and "from" not in params:
                    del params["accounts"][step[1]]
                _put(wanted, step[1], step[2])
            elif step[0] == "commit":
                office.commit(**params)
                if wanted != running:
                    running = dict(wanted)
                    past.append(running)
                params = {"settings": {}, "accounts": {}}
            elif step[1] < len(past) and len(past) > 1:
                params = {"settings": {}, "accounts": {}, "from": office.number_of(step[1])}
                wanted = dict(past[-1 - step[1]])
        accounts = {account.id: account.expires_s for account in Accounts(database).list()}
        assert {**office.settings, **accounts} == running
    with open_database(str(path)) as database:
        assert Settings(database).get_all() == {key: value for key, value in running.items() if "." in key}


def _put(values: dict[str, Any], key: str, value: Any) -> None:
    if value is None:
        values.pop(key, None)
    else:
        values[key] = value


WRITER = """
import sys
from device.daemon.config_methods import ConfigMethods
from device.daemon.settings_methods import SettingsMethods
from device.store.database import open_database
from device.store.settings import Settings

with open_database(sys.argv[1]) as database:
    methods = ConfigMethods(database, SettingsMethods(Settings(database), list), None, lambda: 0.0, lambda: 0.0)
    for number in range(int(sys.argv[2]), 1_000_000):
        account = {"user": str(number), "domain": "x.example", "register": False}
        methods.commit({"settings": {"phone.hotline": str(number)}, "accounts": {"office": account}})
        print(number, flush=True)
"""


def test_a_power_cut_loses_at_most_the_commit_that_was_being_made(tmp_path: Path) -> None:
    store, writer = tmp_path / "s.db", tmp_path / "writer.py"
    writer.write_text(textwrap.dedent(WRITER))
    last = 0
    for cut in range(8):
        process = subprocess.Popen(
            [sys.executable, str(writer), str(store), str(last + 1)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT)},
        )
        assert process.stdout is not None
        for _ in range(1 + cut * 2):
            last = int(process.stdout.readline())
        process.kill()
        last = max([last, *map(int, process.stdout.read().split())])
        process.wait()
        process.stdout.close()
        with open_database(str(store)) as database:
            number = int(Settings(database).get("phone.hotline") or 0)
            (account,) = Accounts(database).list()
            # Settings, account and history tell of the same commit, and none that was told to be made is missing.
            assert number in (last, last + 1)
            assert account.user == str(number)
            assert f'"phone.hotline": "{number}"' in Office(database, None).methods._history.content(
                Office(database, None).number_of(0)
            )
            last = number


def test_a_whole_phone_follows_a_commit_and_tells_of_it(phone: WholePhone) -> None:
    phone.control.call("subscribe", topics=["config"])
    answer = phone.control.call(
        "config.commit",
        settings={"phone.hotline": "1002", "audio.mic_gain_db": "3"},
        accounts={"office": {"user": "1001", "domain": "127.0.0.1", "register": False}},
        author="eve",
    )
    assert answer["restart"] == ["audio.mic_gain_db"]
    assert phone.control.call("account.show", id="office")["state"] == "no registration needed"
    assert phone.control.topic("config")[0]["author"] == "eve"
    phone.control.call("config.commit", accounts={"office": None})
    assert phone.control.call("account.list") == {"accounts": []}


def test_a_whole_phone_takes_back_what_is_not_confirmed(phone: WholePhone) -> None:
    phone.control.call("config.commit", settings={"phone.hotline": "1002"}, confirm_s=1)
    assert phone.control.call("settings.get", key="phone.hotline")["value"] == "1002"
    phone.loop.turn_until(
        lambda: phone.control.call("settings.get", key="phone.hotline")["value"] == "", "the old hotline"
    )
