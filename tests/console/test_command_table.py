from typing import Any, cast

import pytest

from device.console.command_table import ADMIN, MONITOR, Argument, Command, CommandTable, completion
from device.console.errors import ConsoleError

NOBODY = cast("Any", None)
LINES = [("hook", "the hook switch"), ("ringer", "the bell"), ("front door", "the door")]


def nothing(*_: object) -> None:
    return None


COMMANDS = (
    Command("show status", "how it is", nothing, monitor=True),
    Command("show storage", "the card", nothing, monitor=True),
    Command("show log", "what was said", nothing, (Argument("lines", "how many", optional=True),), monitor=True),
    Command("set", "change", nothing, (Argument("key", "what"), Argument("value", "to what", rest=True))),
    Command(
        "test lamp",
        "light it",
        nothing,
        (
            Argument("name", "which", choices=lambda *_: LINES, only=True),
            Argument("seconds", "how long", optional=True),
        ),
    ),
    Command("test ring", "ring it", nothing),
    Command("exit", "leave", nothing, monitor=True),
)
TABLE = CommandTable(COMMANDS, ADMIN)


def parsed(line: str, table: CommandTable = TABLE) -> tuple[str, dict[str, str]]:
    found = table.parse(line, NOBODY)
    assert found is not None
    return found[0].words, found[1]


def refusal(line: str, table: CommandTable = TABLE) -> ConsoleError:
    with pytest.raises(ConsoleError) as caught:
        table.parse(line, NOBODY)
    return caught.value


def offered(text: str, table: CommandTable = TABLE) -> list[str]:
    return [name for name, _ in table.find_choices(text, NOBODY).choices]


@pytest.mark.parametrize(
    ("line", "words", "given"),
    [
        ("show status", "show status", {}),
        ("sh stat", "show status", {}),
        ("  e ", "exit", {}),
        ("show log", "show log", {}),
        ("sho l 20", "show log", {"lines": "20"}),
        ("set phone.hotline 1002", "set", {"key": "phone.hotline", "value": "1002"}),
        ('set a "b c"', "set", {"key": "a", "value": "b c"}),
        ("set a b  c", "set", {"key": "a", "value": "b  c"}),
        ("te la ho", "test lamp", {"name": "hook"}),
        ('test lamp "front door" 3', "test lamp", {"name": "front door", "seconds": "3"}),
    ],
)
def test_words_may_be_cut_short(line: str, words: str, given: dict[str, str]) -> None:
    assert parsed(line) == (words, given)


def test_an_empty_line_is_no_command() -> None:
    assert TABLE.parse("   ", NOBODY) is None


@pytest.mark.parametrize(
    ("line", "said", "at"),
    [
        ("show st", "'st' could be status or storage", 5),
        ("s", "'s' could be show or set", 0),
        ("shwo status", "did you mean 'show'?", 0),
        ("show stauts", "there is no 'show stauts'; did you mean 'status'?", 5),
        ("zzz", "`?` lists what there is", 0),
        ("status", "there is no 'status'; did you mean 'show status'?", 0),
        ("show zzz", "`show ?` lists what there is", 5),
        ("show", "show what? There is status, storage or log", -1),
        ("set", "key is missing (what): set key value", -1),
        ("exit now", "'now' is too much: exit", 5),
        ("test lamp hok", "did you mean 'hook'?", 10),
        ("test lamp zzz", "there is hook, ringer or front door", 10),
        ('set a "b', "never closed", 6),
    ],
)
def test_what_cannot_be_understood_is_told_with_its_place(line: str, said: str, at: int) -> None:
    error = refusal(line)
    assert said in str(error)
    assert error.at == at


def test_the_read_only_role_has_no_other_commands_and_is_told_so() -> None:
    table = CommandTable(COMMANDS, MONITOR)
    assert parsed("show status", table)[0] == "show status"
    assert "for the role admin" in str(refusal("set a b", table))
    assert "for the role admin" in str(refusal("test lamp hook", table))
    assert offered("", table) == ["show", "exit"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", ["show", "set", "test", "exit"]),
        ("s", ["show", "set"]),
        ("show ", ["status", "storage", "log"]),
        ("sh st", ["status", "storage"]),
        ("show log ", ["<lines>"]),
        ("set ", ["<key>"]),
        ("test lamp ", ["hook", "ringer", "front door"]),
        ("test lamp r", ["ringer"]),
        ("test lamp x", []),
        ("te la ho ", ["<seconds>"]),
        ("exit ", []),
        ("set a b c ", []),
    ],
)
def test_what_can_stand_at_a_place(text: str, wanted: list[str]) -> None:
    assert offered(text) == wanted


def test_help_tells_what_a_word_leads_to_and_whether_the_line_is_whole() -> None:
    found = dict(TABLE.find_choices("", NOBODY).choices)
    assert found["test"] == "lamp, ring"
    assert found["exit"] == "leave"
    assert TABLE.find_choices("show log ", NOBODY).usable
    assert TABLE.find_choices("exit ", NOBODY).usable
    assert not TABLE.find_choices("set ", NOBODY).usable


def test_help_after_words_that_make_no_sense_says_so() -> None:
    with pytest.raises(ConsoleError, match="did you mean 'show'"):
        TABLE.find_choices("shwo ", NOBODY)


@pytest.mark.parametrize(
    ("text", "added"),
    [
        ("sh", "ow "),
        ("s", ""),
        ("show s", "t"),
        ("show sto", "rage "),
        ("test lamp ho", "ok "),
        ('test lamp "fr', 'ont door" '),
        ("test lamp fr", ""),
        ("set ", ""),
        ("zzz", ""),
    ],
)
def test_the_tab_key_adds_what_is_certain(text: str, added: str) -> None:
    assert completion(TABLE.find_choices(text, NOBODY))[0] == added


def test_the_tab_key_lists_what_it_cannot_decide() -> None:
    assert [name for name, _ in completion(TABLE.find_choices("s", NOBODY))[1]] == ["show", "set"]
    assert completion(TABLE.find_choices("set ", NOBODY))[1] == [("<key>", "what")]


def test_a_command_says_how_it_is_written() -> None:
    assert COMMANDS[4].usage == "test lamp name [seconds]"
