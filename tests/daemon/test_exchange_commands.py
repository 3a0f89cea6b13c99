from pathlib import Path

import pytest

from device.daemon.exchange_commands import COMMANDS, HELP, Desk, run_command
from device.daemon.options import UsageError
from device.store.database import open_database

ALONE = {"numbering", "setting", "redirect", "registrations", "calls", "records", "accounting", "overview", "export"}
"""Words that are commands by themselves, without a second one."""


@pytest.mark.parametrize("word", [word for word in COMMANDS if word not in ALONE])
def test_every_first_word_says_what_may_follow(word: str, tmp_path: Path) -> None:
    with (
        open_database(str(tmp_path / "x.db")) as database,
        pytest.raises(UsageError, match=f"{word}: say what to do: "),
    ):
        run_command(Desk(database, "pbx", 0.0), (word,))


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ((), "is not understood"),
        (("nonsense",), "is not understood"),
        (("usr", "list"), "did you mean 'user'"),
        (("trunk", "nonsense"), "say what to do: add, list, remove, set, show"),
        (("trunk", "remove"), "trunk remove: give the name of a trunk"),
        (("trunk", "remove", "a", "b"), "'b' is too much"),
        (("numbering", "emergncy=1"), "write NAME=VALUE with one of emergency"),
    ],
)
def test_what_is_not_understood(words: tuple[str, ...], fault: str, tmp_path: Path) -> None:
    with open_database(str(tmp_path / "x.db")) as database, pytest.raises(UsageError, match=fault):
        run_command(Desk(database, "pbx", 0.0), words)


def test_every_command_has_its_line_of_help() -> None:
    assert set(COMMANDS) <= set(HELP)
    assert set(HELP) - set(COMMANDS) == {"run", "watch"}
    for word, (text, example) in HELP.items():
        assert text
        assert example.split()[0] == word
