"""What `export` shows can be pasted into another phone."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device.console.account_form import DEFAULTS
from device.console.candidate import Candidate
from device.console.errors import ConsoleError
from device.console.export import export_lines
from device.console.import_file import take_file
from device.daemon.store_service import StoreMethods
from device.model import ACCOUNT_CHOICES
from tests.console.desk import Desk, FakePhone

TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)


@st.composite
def account_fields(draw: st.DrawFn) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, default in DEFAULTS.items():
        if name in ACCOUNT_CHOICES:
            found[name] = draw(st.sampled_from(ACCOUNT_CHOICES[name]))
        elif isinstance(default, bool):
            found[name] = draw(st.booleans())
        elif isinstance(default, int):
            found[name] = draw(st.integers(0, 10_000))
        else:
            found[name] = draw(TEXTS)
    return found


@given(
    values=st.dictionaries(st.from_regex(r"[a-z_]{1,8}\.[a-z_]{1,8}", fullmatch=True), TEXTS, max_size=5),
    accounts=st.dictionaries(TEXTS.filter(bool), account_fields(), max_size=3),
)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_export_then_import_is_the_identity(values: dict[str, str], accounts: dict[str, dict[str, Any]]) -> None:
    listed = [{"key": key, "value": value, "default": "\x00"} for key, value in sorted(values.items())]
    shown = [{"id": name, "password": "none", **fields} for name, fields in accounts.items()]
    candidate = Candidate()
    take_file("\n".join(export_lines(listed, shown)), candidate)
    assert candidate.settings == values
    for name, fields in accounts.items():
        assert {**DEFAULTS, **candidate.accounts[name]} == fields  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[settings", "this is no TOML"),
        ("[other]\na = 1", "other: there is no such table"),
        ("settings = 3", "settings: is no table"),
        ("[settings.phone]\nhotline = [1]", "settings.phone.hotline: is neither text"),
        ("[accounts.a]\ncolour = 'red'", "accounts.a.colour: an account has no such field"),
        ("[accounts.a]\nexpires_s = 'soon'", "accounts.a.expires_s: 'soon' is not a whole number"),
    ],
)
def test_every_fault_is_told_and_nothing_is_taken(text: str, words: str) -> None:
    candidate = Candidate()
    with pytest.raises(ConsoleError, match=words):
        take_file(text, candidate)
    assert not candidate


def test_pasted_at_the_console_and_committed(tmp_path: Path) -> None:
    methods = StoreMethods(str(tmp_path / "s.db"), lambda: 0.0).table()
    kept = {name.replace(".", "__"): method for name, method in methods.items() if not name.startswith("console.")}
    desk = Desk(FakePhone(**kept), columns=120, length=0)
    desk.type("import\r")
    text = '[settings.phone]\nhotline = "1002"\n[accounts.office]\nuser = "1001"\ndomain = "pbx"\n.\n'
    lines = desk.type(text.replace("\n", "\r"))
    assert any("in the candidate now: 1 setting and 1 account;" in line for line in lines)
    assert desk.run("commit")[0].startswith("commit 2: phone.hotline, account.office.user")
    exported = "\n".join(desk.run("export"))
    assert 'hotline = "1002"' in exported
    desk.type("import\r")
    assert desk.type("[settings.phone]\r\x03")[-1] == "offhook#"
    assert desk.run("show changes") == ["no changes"]


def test_a_setting_that_there_is_not_is_dropped_by_its_name(tmp_path: Path) -> None:
    methods = StoreMethods(str(tmp_path / "s.db"), lambda: 0.0).table()
    kept = {name.replace(".", "__"): method for name, method in methods.items() if not name.startswith("console.")}
    desk = Desk(FakePhone(**kept), columns=120, length=0)
    desk.type('import\r[settings.phone]\rhotlin = "7"\rhotline = "1002"\r.\r')
    assert "did you mean phone.hotline?" in desk.run("commit")[0]
    assert any("phone.hotlin  " in line for line in desk.type("delete phone.h?"))
    desk.type("\x15")
    assert desk.run("delete phone.hotlin") == []
    assert desk.run("commit")[0] == "commit 2: phone.hotline"
