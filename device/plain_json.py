"""JSON by the interpreter's own scanner and encoder, without the package `json` around them; see decision 0013."""

import _json

from device.annotations import Any, NoReturn

_WHITE_SPACE = " \t\n\r"


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


class _Context:
    """What the scanner wants to know."""

    strict = True
    object_hook = object_pairs_hook = array_hook = None
    parse_float = float
    parse_int = int
    parse_constant = staticmethod(_refuse_constant)
    memo: dict[str, str] = {}  # noqa: RUF012  # the scanner keeps the names of one document in it


_scan = _json.make_scanner(_Context())  # type: ignore[arg-type]  # it only looks at these attributes


def loads(text: str) -> Any:
    """The value of a JSON document. Raises ValueError, also for NaN and its kin, and RecursionError."""
    start = _after_space(text, 0)
    try:
        value, end = _scan(text, start)
    except StopIteration as stop:
        raise ValueError(f"a value is missing at character {stop.value}") from None
    end = _after_space(text, end)
    if end != len(text):
        raise ValueError(f"something follows the value at character {end}")
    return value


def dumps(value: object) -> str:
    """A value as one line without needless spaces. Raises TypeError or ValueError for what JSON cannot say."""
    encode = _json.make_encoder({}, _refuse, _json.encode_basestring, None, ":", ",", False, False, False)
    return "".join(encode(value, 0))


def _after_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in _WHITE_SPACE:
        at += 1
    return at


def _refuse(value: object) -> NoReturn:
    raise TypeError(f"{type(value).__name__} is nothing that JSON can say")
