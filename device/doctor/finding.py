"""What an examination comes to: one sentence, how bad it is, and what to type."""

from device.annotations import Literal
from device.records import dataclass

Severity = Literal["ok", "note", "warning", "error"]

SEVERITIES: tuple[Severity, ...] = ("ok", "note", "warning", "error")
"""From "as it should be" to "the phone does not work like this"; a note may be meant to be so."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `remedy` is a line to type, or what to do, and empty where nothing is wrong."""

    area: str
    severity: Severity
    text: str
    remedy: str = ""


def ok(area: str, text: str) -> Finding:
    """As it should be."""
    return Finding(area, "ok", text)


def note(area: str, text: str, remedy: str = "") -> Finding:
    """Worth knowing, and perhaps meant to be so."""
    return Finding(area, "note", text, remedy)


def warning(area: str, text: str, remedy: str) -> Finding:
    """The phone works, but not as well or as safely as it could."""
    return Finding(area, "warning", text, remedy)


def error(area: str, text: str, remedy: str) -> Finding:
    """The phone, or a part of it, does not work like this."""
    return Finding(area, "error", text, remedy)
