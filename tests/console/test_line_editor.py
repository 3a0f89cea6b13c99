import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.console import keys
from device.console.keys import KeyDecoder, ctrl
from device.console.line_editor import (
    CompletionWanted,
    EditorEvent,
    HelpWanted,
    InputEnded,
    LineAbandoned,
    LineEditor,
    LineEntered,
)
from tests.support.screens import Screen

PROMPT = "offhook# "


class Desk:
    """An editor, a keyboard and a screen."""

    def __init__(self, columns: int = 80, hidden: bool = False, assisted: bool = True) -> None:
        self.screen = Screen(columns, 10)
        self.editor = LineEditor()
        self.editor.columns = columns
        self.sent = ""
        self._keys = KeyDecoder()
        self._asked = (hidden, assisted)
        self.start()

    def start(self, text: str = "") -> None:
        self.editor.start(PROMPT, *self._asked, text)
        self._show()

    def type(self, data: str) -> list[EditorEvent]:
        """Type; a finished line is followed by a new prompt."""
        events = []
        for key in self._keys.receive(data.encode(), 0.0):
            event = self.editor.receive_key(key)
            self._show()
            if event is not None:
                events.append(event)
            if isinstance(event, LineEntered | LineAbandoned | InputEnded):
                self.start()
        return events

    def _show(self) -> None:
        text = self.editor.text_to_send()
        self.sent += text
        self.screen.feed(text)

    @property
    def line(self) -> str:
        """The last row without its prompt; the cursor as a bar."""
        row = self.screen.last.ljust(self.screen.cursor[0])
        return row[len(PROMPT) : self.screen.cursor[0]] + "|" + row[self.screen.cursor[0] :]


def test_a_line_is_typed_corrected_and_entered() -> None:
    desk = Desk()
    assert desk.type("shw\x1b[Do\x05 status\x7f\x7f") == []
    assert desk.line == "show stat|"
    assert desk.type("us\r") == [LineEntered("show status")]
    assert desk.screen.lines() == [PROMPT + "show status", PROMPT.rstrip()]


def test_what_is_entered_in_the_middle_stands_whole() -> None:
    desk = Desk()
    desk.type("show status\x01")
    assert desk.line == "|show status"
    desk.type("\r")
    assert desk.screen.lines()[0] == PROMPT + "show status"


@pytest.mark.parametrize(("key", "event"), [("\x03", LineAbandoned()), ("\x04", InputEnded())])
def test_leaving(key: str, event: EditorEvent) -> None:
    assert Desk().type(key) == [event]


def test_ctrl_d_deletes_where_there_is_something() -> None:
    desk = Desk()
    assert desk.type("abc\x02\x04") == []
    assert desk.line == "ab|"


def test_history_by_arrows() -> None:
    desk = Desk()
    desk.type("one\rtwo\rhalf\x1b[A")
    assert desk.line == "two|"
    desk.type("\x1b[A\x1b[A")
    assert desk.line == "one|"
    assert desk.sent[-1] == "\a"
    desk.type("\x1b[B\x1b[B")
    assert desk.line == "half|"


def test_a_line_that_is_not_assisted_has_neither_history_nor_help() -> None:
    desk = Desk(assisted=False)
    assert desk.type("one\r\x1b[A\t?\x12\r") == [LineEntered("one"), LineEntered("?")]
    assert desk.editor.history.lines == []


def test_search_backwards() -> None:
    desk = Desk()
    desk.type("show status\rexit\rshow log\rhalf\x12show")
    assert desk.screen.last == "(search)'show': show log"
    desk.type("\x12")
    assert desk.screen.last == "(search)'show': show status"
    assert desk.type("\r") == [LineEntered("show status")]


def test_a_search_can_be_narrowed_taken_back_and_given_up() -> None:
    desk = Desk()
    desk.type("show status\rshow log\rhalf\x12show s")
    assert desk.screen.last == "(search)'show s': show status"
    desk.type("\x7f")
    assert desk.screen.last == "(search)'show ': show log"
    desk.type("\x07")
    assert desk.line == "half|"


def test_a_search_ends_with_any_other_key_and_the_line_stays() -> None:
    desk = Desk()
    desk.type("show status\r\x12stat\x05 x")
    assert desk.line == "show status x|"


def test_a_search_in_vain_rings_the_bell() -> None:
    desk = Desk()
    desk.type("show\r\x12z")
    assert desk.sent.count("\a") == 1
    assert desk.screen.last == "(search)'z':"


def test_a_hidden_line_leaves_no_trace() -> None:
    desk = Desk(hidden=True, assisted=False)
    assert desk.type("secret\x02\x02x\r") == [LineEntered("secrxet")]
    assert desk.type("secret\x15\x19\r") == [LineEntered("")]
    assert set(desk.sent) <= set(PROMPT + "\r\n")
    assert desk.screen.lines()[0] == PROMPT.rstrip()


def test_tab_and_question_mark_are_told_with_what_stands_before_the_cursor() -> None:
    desk = Desk()
    assert desk.type("show st\x02\t") == [CompletionWanted("show s")]
    assert desk.type("?") == [HelpWanted("show s")]


def test_a_question_mark_in_quotes_or_after_ctrl_v_is_one() -> None:
    desk = Desk()
    assert desk.type('"really?" \x16?\r') == [LineEntered('"really?" ?')]


def test_something_else_can_be_printed_in_between() -> None:
    desk = Desk()
    desk.type("show status\x02\x02")
    desk.editor.withdraw()
    desk._show()
    desk.screen.feed("the phone rings\r\n")
    desk.editor.resume()
    desk._show()
    assert desk.screen.lines() == ["the phone rings", PROMPT + "show status"]
    assert desk.line == "show stat|us"


def test_ctrl_l_shows_the_line_anew() -> None:
    desk = Desk()
    desk.type("show")
    desk.screen.feed("~~noise~~")
    desk.type("\x0c")
    assert desk.screen.last == PROMPT + "show"


def test_a_line_may_begin_with_something() -> None:
    desk = Desk()
    desk.start("raspberry-pi")
    assert desk.type("\x7f3\r") == [LineEntered("raspberry-p3")]


def test_a_line_that_is_too_long_scrolls_on_one_row() -> None:
    desk = Desk(columns=30)
    text = "set phone hotline sip:1002@pbx.example.com"
    desk.type(text)
    assert len(desk.screen.lines()) == 1
    assert desk.line.startswith("<")
    assert desk.line.endswith("example.com|")
    desk.type("\x01")
    assert desk.line == "|set phone hotline s>"
    desk.type("\x06" * 20)
    assert desk.line[0] == "<"
    assert desk.type("\r") == [LineEntered(text)]


def test_a_prompt_wider_than_the_screen_leaves_room_to_type() -> None:
    desk = Desk(columns=20)
    desk.editor.leave()
    desk.editor.start("A question that is longer than the line: ")
    desk._show()
    desk.type("yes")
    assert desk.screen.last.endswith("line: yes")


def test_wide_letters() -> None:
    desk = Desk(columns=30)
    desk.type("你好你好你好你好你好你好你好")
    assert len(desk.screen.lines()) == 1
    desk.type("\x01")
    assert desk.screen.lines()[0].startswith(PROMPT + "你好")
    desk.type("\x04\x05\x7f")
    assert desk.type("\r") == [LineEntered("好你好你好你好你好你好你")]


KEYS = st.one_of(
    st.sampled_from(
        ["\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", *"\x01\x02\x04\x05\x06\x0b\x0c\x0e\x10\x12\x14\x15\x17\x19"]
    ),
    st.sampled_from(["\x7f", "\r", "\x03", "\x07", "\x16", "\t", "?"]),
    st.text(alphabet='ab é你" ', min_size=1, max_size=12),
)


@settings(max_examples=60)
@given(st.integers(20, 40), st.lists(KEYS, max_size=40))
def test_whatever_is_typed_the_screen_shows_the_line_on_one_row(columns: int, typed: list[str]) -> None:
    desk = Desk(columns)
    for data in typed:
        desk.type(data)
        column, _ = desk.screen.cursor
        assert column < columns
    desk.type("\x07\x15\x0b")
    rows_before = len(desk.screen.lines())
    desk.type("end of it")
    assert desk.screen.last == PROMPT + "end of it"
    assert len(desk.screen.lines()) == rows_before
    assert desk.type("\r")[-1] == LineEntered("end of it")


def test_the_keys_that_people_expect() -> None:
    desk = Desk()
    for letter in "abefkuwytlr":
        assert desk.editor.receive_key(ctrl(letter)) is None
    assert desk.editor.receive_key(keys.PAGE_UP) is None
