"""Both phones in the hands of whoever sits at the keyboard."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from device.control.errors import ControlError
from device.demo.system import DemoPhone, DemoSystem

KEYS = """\
  a        lift or hang up phone 1001          b   the same for phone 1002
  0-9 * #  dial at the phone marked with >     Tab mark the other phone
  s        show both phones                    ?   these keys             q   quit
"""

DIGITS = "0123456789*#"


class Keyboard:
    """Single keys from a terminal, or characters from a pipe."""

    def __init__(self) -> None:
        self.fd = sys.stdin.fileno()

    @contextmanager
    def unbuffered(self) -> Iterator[None]:
        """Give each key at once and do not echo it; the terminal is put right again at the end."""
        if not os.isatty(self.fd):
            yield
            return
        import termios  # noqa: PLC0415  # only where there is a terminal
        import tty  # noqa: PLC0415

        before = termios.tcgetattr(self.fd)
        tty.setcbreak(self.fd)
        try:
            yield
        finally:
            termios.tcsetattr(self.fd, termios.TCSADRAIN, before)

    def read(self) -> str:
        """The keys that were pressed; empty at the end of the input."""
        return os.read(self.fd, 64).decode("ascii", "replace")


class Session:
    """The keys' meaning."""

    def __init__(self, system: DemoSystem, say: Callable[[str], None]) -> None:
        self._system = system
        self._say = say
        self._marked = "1001"
        self._lifted: dict[str, bool] = dict.fromkeys(system.phones, False)

    def run(self, keyboard: Keyboard) -> None:
        """Take keys until q, Ctrl-C or the end of the input."""
        self._say(KEYS)
        self._show()
        states = self._states()
        with keyboard.unbuffered():
            try:
                while True:
                    if self._system.pump(1.0, [keyboard.fd]):
                        keys = keyboard.read()
                        if not keys or not all(self._press(key) for key in keys):
                            return
                    if self._states() != states:
                        states = self._states()
                        self._show()
            except KeyboardInterrupt:
                return

    def _press(self, key: str) -> bool:
        """Do what a key means; answers whether to go on."""
        if key == "q":
            return False
        if key in "ab":
            self._toggle("1001" if key == "a" else "1002")
        elif key in DIGITS:
            self._dial(key)
        elif key == "\t":
            self._marked = "1002" if self._marked == "1001" else "1001"
            self._show()
        elif key == "s":
            self._show()
        elif key == "?":
            self._say(KEYS)
        return True

    def _dial(self, digit: str) -> None:
        if not self._lifted[self._marked]:
            self._say(f"  {self._marked}: its handset is down; {'a' if self._marked == '1001' else 'b'} lifts it")
            return
        self._say(f"  {self._marked} presses {digit}")
        self._call(self._system.phones[self._marked], "board.press", digits=digit)

    def _toggle(self, number: str) -> None:
        lifted = not self._lifted[number]
        if self._call(self._system.phones[number], "board.lift" if lifted else "board.replace"):
            self._lifted[number] = lifted
            self._marked = number if lifted else self._marked

    def _call(self, phone: DemoPhone, method: str, **params: str) -> bool:
        try:
            phone.client.call(method, **params)
        except ControlError as error:
            self._say(f"  {phone.number}: {error}")
            return False
        return True

    def _states(self) -> tuple[str, ...]:
        return tuple(phone.state for phone in self._system.phones.values())

    def _show(self) -> None:
        cells = []
        for number, phone in self._system.phones.items():
            mark = ">" if number == self._marked else " "
            cells.append(f"{mark}{number} {'up  ' if self._lifted[number] else 'down'} {phone.state:15}")
        self._say("  " + "   ".join(cells))
