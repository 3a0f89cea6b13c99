"""One console: bytes of the person in, bytes for the terminal out, and the dialogue between them. No IO here.

The dialogue is a generator that yields what it waits for (steps.py); keys, time and events become its answers here.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from unicodedata import normalize

from device.annotations import Any, Protocol
from device.console.candidate import Candidate
from device.console.command_table import CommandTable, completion
from device.console.errors import BrokenOffError, ConsoleError, LoggedOutError
from device.console.happenings import sentence
from device.console.keys import ENTER, KeyDecoder, ctrl
from device.console.layout import printable, wrapped
from device.console.line_editor import (
    CompletionWanted,
    EditorEvent,
    HelpWanted,
    InputEnded,
    LineAbandoned,
    LineEditor,
    LineEntered,
)
from device.console.pager import Pager
from device.console.steps import AskLine, AwaitEvent, AwaitKey, Dialogue, Pause, Step
from device.control.client import DaemonEvent
from device.control.errors import ControlError, refusal_lines

DEFAULT_COLUMNS, DEFAULT_LENGTH = 80, 24
"""What is taken for the size of a terminal on a serial line, which cannot tell."""
MIN_COLUMNS = 20
CONFIG_TOPIC = "config"
EVENTS_KEPT = 500
KEYS_KEPT = 2000
"""Keys that were pressed while a command ran; those of a script in a pipe, mostly."""
UNSENT_ENOUGH = 2048
"""With so many bytes still to be sent, the next event waits: a slow line is not filled for minutes ahead."""
LOG_IN_PATIENCE_S = 60.0
"""Half a log-in that nobody goes on with is given up after this, in seconds."""


class Link(Protocol):
    """The way to the phone."""

    @property
    def is_up(self) -> bool:
        """Whether the daemon answers; the store may be reached without it."""

    def ask(self, method: str, /, **params: object) -> dict[str, Any]:
        """Call a method. Raises ControlError."""

    def follow(self, topics: Iterable[str]) -> None:
        """Have events of these topics, and no others, given to the shell. Raises ControlError."""


class Shell:
    """A console at `line`, such as "ttyAMA0". `wall_clock` answers Unix seconds, for whoever shows a time."""

    def __init__(
        self, link: Link, line: str, version: str, now: float, wall_clock: Callable[[], float], lasts: bool = True
    ) -> None:
        self.link = link
        self.line = line
        self.version = version
        self.wall_clock = wall_clock
        self.lasts = lasts
        """Whether the line goes on after a log-out, as a serial line does."""
        self.ended = False
        self.role = ""
        self.idle_log_out_s = 0.0
        self.columns, self.length = DEFAULT_COLUMNS, DEFAULT_LENGTH
        self.is_utf8 = True
        self.table = CommandTable((), "")
        self.candidate = Candidate()
        self.editor = LineEditor()
        self._pager = Pager()
        self._decoder = KeyDecoder()
        self._outgoing = bytearray()
        self._events: deque[DaemonEvent] = deque(maxlen=EVENTS_KEPT)
        self.events_lost = 0
        self._following = False
        self._notices: list[str] = []
        self._dialogue: Dialogue | None = None
        self._step: Step | None = None
        self._begun = False
        self._must_resume = False
        self._typed_ahead: deque[str] = deque(maxlen=KEYS_KEPT)
        self._takes_keys = False
        self._is_over = False
        self._until: float | None = None
        self._now = now
        self._key_at = now
        self._half_done = False
        """Whether somebody has typed something since the last log-out."""

    # The adapters' side.

    def start(self, dialogue: Dialogue, now: float) -> None:
        """Begin the dialogue."""
        self._now = self._key_at = now
        self._dialogue = dialogue
        self._advance(lambda: next(dialogue))

    def receive(self, data: bytes, now: float) -> None:
        """Bytes that the person sent."""
        self._now = now
        for key in self._decoder.receive(data, now):
            self._key_at = now
            self._half_done = True
            if not self.ended:
                self._receive_key(key)

    def receive_event(self, event: DaemonEvent, now: float) -> None:
        """Something that the phone tells; the newest are kept when the line is too slow for all."""
        self._now = now
        if event.topic == CONFIG_TOPIC:
            self._tell_of_configuration(event)
            if not self._following:
                return
        if len(self._events) == EVENTS_KEPT:
            self.events_lost += 1
        self._events.append(event)
        self._pump()

    def _tell_of_configuration(self, event: DaemonEvent) -> None:
        """Two consoles see each other's changes."""
        said = event.params
        if self.role and (said.get("author") != self.author or said.get("event") == "taken-back"):
            self.notify(sentence(event), self._now)

    def notify(self, text: str, now: float) -> None:
        """Tell the person something that was not asked for: above the line being typed, or when there is room."""
        self._now = now
        self._notices.append(text)
        self._show_notices()

    def lose_line(self, now: float) -> None:
        """The line was unplugged: nobody is logged in any more, and what was to be sent is void."""
        self._now = now
        self._decoder = KeyDecoder()
        self._throw(LoggedOutError("the line was unplugged"))
        self._outgoing.clear()

    def greet_again(self, now: float) -> None:
        """The line is back."""
        self._now = now
        if isinstance(self._step, AskLine):
            self._throw(BrokenOffError())

    def end_input(self, now: float) -> None:
        """No more bytes will come, as at the end of a pipe."""
        self._now = now
        self._is_over = True
        self._end_when_over()

    def _end_when_over(self) -> None:
        """End after the last key; what runs for a limited time is waited for."""
        if self._is_over and not self._typed_ahead and not self._is_brief(self._step):
            self._is_over = False
            self._throw(LoggedOutError("the input has ended"))
            self.ended = True

    def resize(self, columns: int, length: int) -> None:
        """The terminal has another size; `length` 0 switches paging off."""
        self.columns, self.length = max(MIN_COLUMNS, columns), length
        self.editor.columns = self.columns
        self._pager.resize(self.columns, self.length)

    def handle_timeout(self, now: float) -> None:
        """Do what is due."""
        self._now = now
        if self._until is not None and now >= self._until and not self._pager.waiting:
            self._until = None
            self._send_in(None)
        deadline = self._idle_deadline()
        if deadline is not None and now >= deadline:
            self._half_done = False
            self._throw(LoggedOutError("logged out after a long silence"))

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next needed."""
        times = [at for at in (self._until, self._idle_deadline()) if at is not None]
        return min(times, default=None)

    def bytes_to_send(self, most: int) -> bytes:
        """The next bytes for the terminal, at most so many; they stay until `sent` is told."""
        return bytes(self._outgoing[:most])

    def sent(self, count: int) -> None:
        """So many bytes have gone."""
        del self._outgoing[:count]
        if len(self._outgoing) < UNSENT_ENOUGH and self._events:
            self._pump()

    # The commands' side.

    def say(self, *lines: object) -> None:
        """Lines for the person, broken between words; longer output stops at every page.

        Without pages nothing is broken either: then it is for a file or a program, mostly.
        """
        columns = self.columns if self.length else 0
        for line in map(printable, lines):
            self._pager.add(wrapped(line, columns) if columns else [line])

    def say_as_it_is(self, lines: Iterable[object]) -> None:
        """Lines that somebody may copy, or that a program reads: none is broken."""
        self._pager.add(map(printable, lines))

    def say_all(self, lines: Iterable[str]) -> None:
        """Many lines for the person."""
        self.say(*lines)

    def ask(self, method: str, /, **params: object) -> dict[str, Any]:
        """Call a method of the phone. Raises ControlError."""
        return self.link.ask(method, **params)

    def run_unpaged(self) -> None:
        """What follows is shown as it comes, until the command ends."""
        self._pager.resize(self.columns, 0)

    def begin_page(self) -> None:
        """A command begins: its output starts a page."""
        self._pager.resize(self.columns, self.length)
        self._pager.begin()

    @property
    def author(self) -> str:
        """Who is at work here, for the history of the configuration."""
        return f"{self.role} at {self.line}"

    @property
    def is_following(self) -> bool:
        """Whether events are asked for."""
        return self._following

    def follow(self, topics: Iterable[str]) -> None:
        """Have events of these topics, and of no others; what they say is shown as it comes. Raises ControlError."""
        wanted = list(topics)
        self._following = bool(wanted)
        self.drop_events()
        self.link.follow(wanted)
        if wanted:
            self.run_unpaged()

    @contextmanager
    def following(self, *topics: str) -> Iterator[None]:
        """The same for as long as a block lasts."""
        self.follow(topics)
        try:
            yield
        finally:
            self.follow(())

    def take_events_lost(self) -> int:
        """How many events found no room since this was asked last."""
        lost, self.events_lost = self.events_lost, 0
        return lost

    def type_raw(self, text: str) -> None:
        """Text for the terminal itself."""
        self._type(text)

    def drop_events(self) -> None:
        """Forget the events that have come so far."""
        self._events.clear()
        self.events_lost = 0

    def explain(self, error: Exception, prompt: str = "") -> None:
        """Say what went wrong, with a mark under the word at fault where there is one."""
        if isinstance(error, ConsoleError) and error.at >= 0 and len(prompt) + error.at < self.columns - 1:
            self.say(" " * (len(prompt) + error.at) + "^")
        self.say(*refusal_lines(error))

    # The dialogue.

    def _receive_key(self, key: str) -> None:
        if key == ctrl("c"):
            # What is still on its way is not worth waiting for either: at 300 baud a page takes a minute.
            self._drop_outgoing()
        if self._pager.waiting:
            self._type(self._pager.receive_key(key))
            self._pump()
            return
        if isinstance(self._step, AskLine):
            event = self.editor.receive_key(key)
            self._type(self.editor.text_to_send())
            if event is not None:
                self._receive_from_editor(event)
        else:
            self._receive_key_while_running(key)

    def _receive_key_while_running(self, key: str) -> None:
        step = self._step
        if isinstance(step, Pause):
            self._keep_key(key, step.keeps_keys)
        elif isinstance(step, AwaitEvent) and step.is_brief:
            self._keep_key(key, True)
        elif isinstance(step, (AwaitEvent, AwaitKey)) and key in (ctrl("c"), ctrl("d")):
            self._type("^C\r\n")
            self._throw(BrokenOffError())
        elif isinstance(step, AwaitKey):
            self._send_in(key)
        elif isinstance(step, AwaitEvent):
            if key == "q":
                self._throw(BrokenOffError())
            elif key == ENTER:
                self._type("\r\n")

    def _keep_key(self, key: str, keeps: bool) -> None:
        if key == ctrl("c") and keeps:
            self._typed_ahead.clear()
            self._type("^C\r\n")
            self._throw(BrokenOffError())
        elif keeps:
            self._typed_ahead.append(key)

    @staticmethod
    def _is_brief(step: Step | None) -> bool:
        """Whether it comes to an end by itself, so that what is typed meanwhile is for what follows."""
        return isinstance(step, Pause) or (isinstance(step, AwaitEvent) and step.is_brief)

    def _drop_outgoing(self) -> None:
        """Send nothing more of what waits; the line of text that is cut off by that ends."""
        if self._outgoing:
            self._outgoing.clear()
            self._type("\r\n")

    def _receive_from_editor(self, event: EditorEvent) -> None:
        if isinstance(event, LineEntered):
            self._send_in(event.text)
        elif isinstance(event, (LineAbandoned, InputEnded)):
            self._throw(BrokenOffError(isinstance(event, InputEnded)))
        else:
            self._assist(event)

    def _assist(self, event: CompletionWanted | HelpWanted) -> None:
        """Complete the word at the cursor, or list what can stand there."""
        prompt = self._step.prompt if isinstance(self._step, AskLine) else ""
        lines: list[str] = []
        try:
            found = self.table.find_choices(event.text, self)
        except ConsoleError as error:
            lines = [" " * (len(prompt) + error.at) + "^"] if 0 <= error.at < self.columns - len(prompt) - 1 else []
            lines.append(str(error))
        except ControlError as error:
            lines = [str(error)]
        else:
            added, choices = completion(found) if isinstance(event, CompletionWanted) else ("", found.choices)
            if added:
                self.editor.insert(added)
                self._type(self.editor.text_to_send())
                return
            longest = max((len(name) for name, _ in choices), default=0)
            lines = [f"  {name.ljust(longest)}  {meaning}".rstrip() for name, meaning in choices]
            if found.usable and isinstance(event, HelpWanted):
                lines.append(f"  {'<Enter>'.ljust(longest)}  run the command")
        if not lines:
            self.editor.bell()
            self._type(self.editor.text_to_send())
            return
        self.editor.leave()
        self._type(self.editor.text_to_send())
        self._must_resume = True
        self.begin_page()
        self.say(*lines)
        self._pump()

    def _send_in(self, value: object) -> None:
        dialogue = self._dialogue
        if dialogue is not None:
            self._advance(lambda: dialogue.send(value))

    def _throw(self, error: Exception) -> None:
        dialogue = self._dialogue
        if dialogue is None or self.ended:
            return
        self._type(self._pager.stop())
        self._pager.begin()
        if isinstance(error, LoggedOutError) and isinstance(self._step, AskLine):
            self.editor.leave()
            self._type(self.editor.text_to_send())
        self._must_resume = False
        self._advance(lambda: dialogue.throw(error))

    def _advance(self, move: Callable[[], Step]) -> None:
        """Let the dialogue go on, to its next step or its end."""
        self._until = None
        self._begun = False
        try:
            self._step = move()
        except StopIteration:
            self._step = None
            self.ended = True
        self._pump()

    def _pump(self) -> None:
        """Show what is to be shown and go on, as far as page, line and what was typed ahead allow."""
        self._flow()
        if self._takes_keys:
            return
        self._takes_keys = True
        try:
            while self._typed_ahead and self._step is not None and not self._is_brief(self._step):
                self._receive_key(self._typed_ahead.popleft())
        finally:
            self._takes_keys = False
        self._end_when_over()

    def _flow(self) -> None:
        """Show what is to be shown, begin the step, and give it the events that came."""
        while True:
            self._type(self._pager.text_to_send())
            if self._pager.waiting or self._step is None:
                return
            if not self._begun:
                self._begin(self._step)
            if self._must_resume:
                self._must_resume = False
                self.editor.resume()
                self._type(self.editor.text_to_send())
            self._show_notices()
            if not isinstance(self._step, AwaitEvent) or not self._events or len(self._outgoing) >= UNSENT_ENOUGH:
                return
            event = self._events.popleft()
            if self._step.wanted is not None and not self._step.wanted(event):
                continue
            self._until, self._begun = None, False
            dialogue = self._dialogue
            if dialogue is None:
                return
            try:
                self._step = dialogue.send(event)
            except StopIteration:
                self._step, self.ended = None, True

    def _begin(self, step: Step) -> None:
        self._begun = True
        # Whoever is asked has seen what came before.
        self._pager.begin()
        if isinstance(step, AskLine):
            self._show_notices_before()
            self.editor.start(step.prompt, step.hidden, step.assisted, step.text)
            self._type(self.editor.text_to_send())
        elif isinstance(step, Pause):
            self._until = self._now + step.seconds
        elif step.timeout_s is not None:
            self._until = self._now + step.timeout_s

    def _show_notices_before(self) -> None:
        for text in self._notices:
            self._type(f"{printable(text)}\r\n")
        self._notices.clear()

    def _show_notices(self) -> None:
        """Show what waits to be told, if a line is being typed and nothing else is on its way to the screen."""
        if not self._notices or self._pager.waiting or not self._begun or self._must_resume:
            return
        if isinstance(self._step, AskLine):
            self.editor.withdraw()
            self._type(self.editor.text_to_send())
            self._show_notices_before()
            self.editor.resume()
            self._type(self.editor.text_to_send())
        elif isinstance(self._step, AwaitEvent):
            self._show_notices_before()

    def _idle_deadline(self) -> float | None:
        """When the person has been silent for too long; what runs until it is stopped by a key is no silence."""
        if isinstance(self._step, (AwaitEvent, Pause)) and not self._pager.waiting:
            return None
        if self.role:
            return self._key_at + self.idle_log_out_s if self.idle_log_out_s else None
        if isinstance(self._step, AskLine) and self._step.hidden and self._half_done:
            return self._key_at + LOG_IN_PATIENCE_S
        return None

    def _type(self, text: str) -> None:
        if not self.is_utf8 and not text.isascii():
            text = normalize("NFKD", text)
            text = "".join(character for character in text if not 0x300 <= ord(character) < 0x370)
        self._outgoing += text.encode("utf-8" if self.is_utf8 else "ascii", "replace")


def run_command(shell: Shell, line: str, prompt: str) -> Generator[Step, Any, None]:
    """Run one line as a command; whatever goes wrong is said."""
    shell.begin_page()
    try:
        parsed = shell.table.parse(line, shell)
        if parsed is not None:
            command, given = parsed
            dialogue = command.run(shell, given)
            if dialogue is not None:
                yield from dialogue
    except BrokenOffError:
        pass
    except (ConsoleError, ControlError) as error:
        shell.explain(error, prompt)
