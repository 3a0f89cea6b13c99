"""One line as it is typed and corrected: keys in, text for the terminal out. Pure.

A line longer than the terminal is wide is shown through a window on one row, as network equipment does it; so nothing
is ever needed of the terminal but backspace and carriage return.
"""

from collections.abc import Callable, Sequence

from device.annotations import ClassVar
from device.console import keys
from device.console.history import History
from device.console.keys import ctrl
from device.console.row import Cell, Row, cells, width
from device.console.typed_line import CHANGES, TypedLine
from device.records import dataclass

NARROWEST_WINDOW = 10
LEFT_OUT_LEFT, LEFT_OUT_RIGHT = "<", ">"
BELL = "\a"


@dataclass(frozen=True, slots=True)
class LineEntered:
    """The line is finished."""

    text: str


@dataclass(frozen=True, slots=True)
class LineAbandoned:
    """Ctrl-C."""


@dataclass(frozen=True, slots=True)
class InputEnded:
    """Ctrl-D on an empty line."""


@dataclass(frozen=True, slots=True)
class CompletionWanted:
    """The tab key; `text` is what stands before the cursor."""

    text: str


@dataclass(frozen=True, slots=True)
class HelpWanted:
    """A question mark; `text` is what stands before the cursor."""

    text: str


EditorEvent = LineEntered | LineAbandoned | InputEnded | CompletionWanted | HelpWanted


class LineEditor:
    """`start` shows a prompt, `receive_key` takes keys, `text_to_send` is what the terminal must print."""

    def __init__(self) -> None:
        self.columns = 80
        self.history = History()
        self._row = Row()
        self._out: list[str] = []
        self._prompt = ""
        self._line = TypedLine()
        self._first = 0
        self._hidden = False
        self._assisted = False
        self._literal = False
        self._wanted: str | None = None
        self._found: int | None = None
        self._before = ""

    # What the console does.

    def start(self, prompt: str, hidden: bool = False, assisted: bool = False, text: str = "") -> None:
        """Ask for a line. `hidden` ones leave no trace; `assisted` ones have history, completion and help."""
        self._prompt, self._hidden, self._assisted = prompt, hidden, assisted
        self._wanted, self._literal = None, False
        self._first = 0
        self.history.rewind()
        self._line.put(text)
        self._line.keeps_killed = not hidden
        self._row.reset()
        self._show()

    def insert(self, text: str) -> None:
        """Put `text` at the cursor, as if it had been typed."""
        if not self._line.insert(text):
            self.bell()
        self._show()

    def bell(self) -> None:
        """There is nothing that this key could do."""
        self._out.append(BELL)

    def leave(self) -> None:
        """Go to a new row, with the whole line left standing."""
        self._show(at_end=True)
        self._out.append("\r\n")
        self._row.reset()

    def withdraw(self) -> None:
        """Take prompt and line away, so that something else can be printed here."""
        self._out.append(self._row.clear())

    def resume(self) -> None:
        """Show prompt and line again, after `leave` or `withdraw`."""
        self._row.reset()
        self._show()

    def text_to_send(self) -> str:
        """Take what the terminal is to print."""
        text = "".join(self._out)
        self._out.clear()
        return text

    # What the person does.

    def receive_key(self, key: str) -> EditorEvent | None:
        """One key; answers what is not the editor's own business."""
        if self._literal:
            self._literal = False
            if len(key) == 1:
                self.insert(key)
                return None
        if self._wanted is not None and self._search(key):
            return None
        if len(key) == 1:
            if key == "?" and self._assisted and not self._is_quoted():
                return HelpWanted(self._line.before)
            self.insert(key)
            return None
        if key in (keys.ENTER, ctrl("c"), ctrl("d")):
            return self._end(key)
        if key == keys.TAB:
            return CompletionWanted(self._line.before) if self._assisted else None
        if key in CHANGES:
            CHANGES[key](self._line)
        elif key in self._OWN:
            self._OWN[key](self)
        else:
            return None
        self._show()
        return None

    def _end(self, key: str) -> EditorEvent | None:
        if key == keys.ENTER:
            return self._finish()
        if key == ctrl("c"):
            self._show(at_end=True)
            self._out.append("^C\r\n")
            self._row.reset()
            return LineAbandoned()
        if self._line.text:
            self._line.delete()
            self._show()
            return None
        self._out.append("\r\n")
        self._row.reset()
        return InputEnded()

    def _finish(self) -> LineEntered:
        text = self._line.text
        self.leave()
        if self._assisted:
            self.history.add(text)
        return LineEntered(text)

    def _is_quoted(self) -> bool:
        """Whether the cursor stands inside quotes, where a question mark is just one."""
        return self._line.before.count('"') % 2 == 1

    # Lines typed before.

    def _recall(self, by: int) -> None:
        line = self.history.step(by, self._line.text) if self._assisted else None
        if line is None:
            self.bell()
        else:
            self._line.put(line)

    def _recall_older(self) -> None:
        self._recall(-1)

    def _recall_newer(self) -> None:
        self._recall(1)

    def _redraw(self) -> None:
        self._out.append("\r\n")
        self._row.reset()

    def _take_literally(self) -> None:
        self._literal = True

    # Searching backwards.

    def _begin_search(self) -> None:
        if self._assisted:
            self._wanted, self._found, self._before = "", None, self._line.text

    def _search(self, key: str) -> bool:
        """A key while a line is searched for; False when the search is over and the key is to be taken as usual."""
        wanted = self._wanted or ""
        if key == ctrl("r"):
            self._look(wanted, self._found)
        elif len(key) == 1:
            self._look(wanted + key, None if self._found is None else self._found + 1)
        elif key == keys.BACKSPACE:
            self._look(wanted[:-1], None)
        else:
            self._wanted = None
            if key in (ctrl("g"), ctrl("c")):
                self._line.put(self._before)
                self._show()
                return True
            self._show()
            return False
        self._show()
        return True

    def _look(self, wanted: str, before: int | None) -> None:
        place = self.history.find(wanted, before) if wanted else None
        self._wanted = wanted
        if place is None:
            if wanted:
                self.bell()
            return
        self._found = place
        self._line.put(self.history.go_to(place, self._line.text))
        self._line.cursor = self._line.text.find(wanted)

    # The row.

    def _show(self, at_end: bool = False) -> None:
        prompt = self._prompt if self._wanted is None else f"(search)'{self._wanted}': "
        row = self._fitting(cells(prompt))
        if self._hidden:
            self._out.append(self._row.show(row, len(row)))
            return
        before = cells(self._line.before)
        line, cursor = self._window(before + cells(self._line.text[self._line.cursor :]), len(before), width(row))
        self._out.append(self._row.show(row + line, len(row) + (len(line) if at_end else cursor)))

    def _fitting(self, prompt: list[Cell]) -> list[Cell]:
        """The end of the prompt where the whole of it leaves no room."""
        while prompt and width(prompt) > max(0, self.columns - 1 - NARROWEST_WINDOW):
            prompt = prompt[1:]
        return prompt

    def _window(self, line: Sequence[Cell], cursor: int, taken: int) -> tuple[list[Cell], int]:
        """The part of the line that fits beside the prompt, and where the cursor is in it.

        The last column stays free: terminals do not agree on what printing there does.
        """
        room = max(2, self.columns - 1 - taken)
        if width(line) < room:
            self._first = 0
            return list(line), cursor
        if cursor <= self._first:
            self._first = max(0, cursor - room // 2)
        while width(line[self._first : cursor]) > room - 3:
            self._first += max(1, room // 3)
        self._first = min(self._first, cursor)
        shown, used = list[Cell](), 0
        for cell in line[self._first :]:
            if used + width([cell]) > room - 1:
                shown.append(LEFT_OUT_RIGHT)
                break
            shown.append(cell)
            used += width([cell])
        if self._first:
            shown = [LEFT_OUT_LEFT, *shown[1:]] if cursor > self._first else shown
        return shown, cursor - self._first

    _OWN: ClassVar[dict[str, Callable[["LineEditor"], None]]] = {
        keys.UP: _recall_older,
        ctrl("p"): _recall_older,
        keys.DOWN: _recall_newer,
        ctrl("n"): _recall_newer,
        ctrl("r"): _begin_search,
        ctrl("l"): _redraw,
        ctrl("v"): _take_literally,
    }
