"""From the bytes of a line to keys, whatever terminal sends them and whatever noise is among them. Pure."""

from device.annotations import Final

# A key is one printable character, or one of these names; they are longer than one character.
ENTER: Final = "enter"
TAB: Final = "tab"
BACKSPACE: Final = "backspace"
DELETE: Final = "delete"
UP: Final = "up"
DOWN: Final = "down"
LEFT: Final = "left"
RIGHT: Final = "right"
WORD_LEFT: Final = "word left"
WORD_RIGHT: Final = "word right"
HOME: Final = "home"
END: Final = "end"
PAGE_UP: Final = "page up"
PAGE_DOWN: Final = "page down"
DELETE_WORD: Final = "delete word"
REPORT: Final = "report"
"""Followed by the row and the column of the cursor, when the terminal was asked for them."""

ESCAPE_PATIENCE_S = 1.0
"""Longest time between the bytes of one escape sequence; at 300 baud three of them take a tenth of a second."""
MAX_SEQUENCE = 16
"""Bytes of an escape sequence; longer ones are noise."""

_NUL, _TAB, _LF, _CR, _ESC, _BACKSPACE, _DEL = 0x00, 0x09, 0x0A, 0x0D, 0x1B, 0x08, 0x7F

_FINALS: Final = {"A": UP, "B": DOWN, "C": RIGHT, "D": LEFT, "H": HOME, "F": END}
"""Last characters of CSI and SS3 sequences (ECMA-48, and what VT100 and xterm send)."""
_NUMBERS: Final = {
    "1": HOME,
    "3": DELETE,
    "4": END,
    "5": PAGE_UP,
    "6": PAGE_DOWN,
    "7": HOME,
    "8": END,
}
"""Numbers of CSI sequences that end in a tilde: xterm, rxvt and the console of Linux."""
_ALT: Final = {"b": WORD_LEFT, "f": WORD_RIGHT, "d": DELETE_WORD, "\x7f": "ctrl-w", "\x08": "ctrl-w"}


def ctrl(letter: str) -> str:
    """The key of Ctrl and a letter."""
    return f"ctrl-{letter}"


class KeyDecoder:
    """Takes bytes in pieces of any size, answers keys. CR, LF, CRLF and CR NUL are one ENTER each.

    Passed over are NUL (a break), XON and XOFF, bytes that are no UTF-8, and sequences that nobody knows.
    """

    __slots__ = ("_after_cr", "_at", "_sequence", "_utf8", "_wanted")

    def __init__(self) -> None:
        self._after_cr = False
        self._sequence: str | None = None
        self._utf8 = bytearray()
        self._wanted = 0
        self._at = 0.0

    def receive(self, data: bytes, now: float) -> list[str]:
        """The keys that `data`, arrived at `now` in seconds, completes."""
        if self._sequence is not None and now - self._at > ESCAPE_PATIENCE_S:
            self._sequence = None
        self._at = now
        keys = [key for byte in data for key in self._take(byte)]
        return [key for key in keys if key]

    def _take(self, byte: int) -> list[str]:
        after_cr, self._after_cr = self._after_cr, byte == _CR
        if byte >= 0x80:
            self._sequence = None
            return [self._take_utf8(byte)]
        self._utf8.clear()
        if self._sequence is not None and (byte >= 0x20 or self._sequence == ""):
            return [self._take_sequence(chr(byte))]
        self._sequence = None
        if byte == _ESC:
            self._sequence = ""
        if byte < 0x20 or byte == _DEL:
            return [self._control(byte, after_cr)]
        return [chr(byte)]

    @staticmethod
    def _control(byte: int, after_cr: bool) -> str:
        if byte == _CR or (byte == _LF and not after_cr):
            return ENTER
        if byte in (_BACKSPACE, _DEL):
            return BACKSPACE
        if byte == _TAB:
            return TAB
        if byte in (_NUL, _LF, 0x11, 0x13) or byte >= _ESC:
            return ""
        return ctrl(chr(byte + 0x60))

    def _take_sequence(self, character: str) -> str:
        """One more character after ESC; answers a key when the sequence is whole, else nothing."""
        sequence = (self._sequence or "") + character
        self._sequence = None
        if len(sequence) == 1:
            if character in "[O":
                self._sequence = sequence
                return ""
            if character < " " and character not in _ALT:
                # An ESC alone, then a key that must not be lost with it.
                self._after_cr = character == "\r"
                self._sequence = "" if character == "\x1b" else None
                return self._control(ord(character), after_cr=False)
            return _ALT.get(character, "")
        if sequence[0] == "O" or "@" <= character <= "~":
            return _named(sequence[1:-1], character)
        if len(sequence) < MAX_SEQUENCE:
            self._sequence = sequence
        return ""

    def _take_utf8(self, byte: int) -> str:
        """One more byte of a character beyond ASCII (RFC 3629); what is none is dropped."""
        if byte >= 0xC0:
            self._utf8.clear()
            self._wanted = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
        elif not self._utf8:
            return ""
        self._utf8.append(byte)
        if len(self._utf8) < self._wanted:
            return ""
        text = self._utf8.decode("utf-8", "ignore")
        self._utf8.clear()
        return text if text.isprintable() else ""


def _named(parameters: str, final: str) -> str:
    number, _, modifier = parameters.partition(";")
    if final == "R" and parameters.replace(";", "", 1).isdecimal():
        # The answer to the question where the cursor is.
        return f"{REPORT} {number} {modifier}"
    if final == "~":
        return _NUMBERS.get(number, "")
    key = _FINALS.get(final, "")
    if modifier in ("3", "5"):
        return {LEFT: WORD_LEFT, RIGHT: WORD_RIGHT}.get(key, key)
    return key
