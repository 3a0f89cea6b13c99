"""What is exported is, once a phone has taken it, what there was."""

from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from device.console.export import export_lines
from device.daemon.provision import provision
from device.daemon.store_service import StoreMethods
from device.model import Account, AccountId, Credential
from device.store.accounts import Accounts
from device.store.database import open_database
from device.store.settings import Settings

CANARY = "canary-password"
TEXTS = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=12)
LETTERS = st.text(alphabet="abcdefghij0123456789.-", min_size=1, max_size=12)
ACCOUNTS = st.dictionaries(
    st.text(alphabet='abcé.#"\\', min_size=1, max_size=6),
    st.tuples(LETTERS, LETTERS, TEXTS, st.booleans(), st.integers(10, 86_400)),
    max_size=3,
)


def exported(store: Path) -> list[str]:
    methods = StoreMethods(str(store), lambda: 0.0).table()
    listed: Any = methods["settings.list"]({})
    accounts: Any = methods["account.list"]({})
    return export_lines(listed["settings"], accounts["accounts"])


def content(store: Path) -> tuple[dict[str, str], list[Account]]:
    with open_database(str(store)) as database:
        return Settings(database).get_all(), list(Accounts(database).list())


@settings(max_examples=25, deadline=None)
@given(hotline=TEXTS, gain=st.integers(-30, 30), flash=st.booleans(), accounts=ACCOUNTS)
def test_export_and_import_are_the_identity(
    tmp_path_factory: Any, hotline: str, gain: int, flash: bool, accounts: dict[str, tuple[Any, ...]]
) -> None:
    folder = tmp_path_factory.mktemp("export")
    values = {"audio.mic_gain_db": str(gain), "phone.flash": "on" if flash else "off", "phone.hotline": hotline}
    with open_database(str(folder / "one.db")) as database:
        Settings(database).set_many({key: value for key, value in values.items() if value not in ("", "on", "0")})
        for name, (user, domain, shown_as, mwi, expires_s) in accounts.items():
            account = Account(AccountId(name), user, domain, display_name=shown_as, mwi=mwi, expires_s=expires_s)
            Accounts(database).add(account, Credential(user, password=CANARY))
    lines = exported(folder / "one.db")
    assert CANARY not in "\n".join(lines)
    (folder / "phone.toml").write_text("\n".join(lines) + "\n")
    provision(str(folder / "two.db"), [str(folder / "phone.toml")])
    assert content(folder / "two.db") == content(folder / "one.db")
    # Taken a second time, by the same phone, it changes nothing.
    assert provision(str(folder / "two.db"), [str(folder / "phone.toml")]) == []


def test_secrets_are_left_out_and_said_to_be(tmp_path: Path) -> None:
    with open_database(str(tmp_path / "s.db")) as database:
        Settings(database).set_many({"phone.door_code": "4711"})
        Accounts(database).add(Account(AccountId("office"), "1", "x.example"), Credential("1", password=CANARY))
    lines = exported(tmp_path / "s.db")
    assert "# door_code is a secret and left out" in lines
    assert "# password is a secret and left out" in lines
    assert "4711" not in "".join(lines)
    assert CANARY not in "".join(lines)
