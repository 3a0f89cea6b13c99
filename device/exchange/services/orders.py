"""What an act wants to be done for its caller: imperatives. All but `Chime` take the place of the one before."""

from __future__ import annotations

from device.annotations import TYPE_CHECKING
from device.records import dataclass

if TYPE_CHECKING:
    from device.exchange.services.acts import Act


@dataclass(frozen=True, slots=True)
class Pause:
    """So many seconds of silence between spoken parts."""

    seconds: float


@dataclass(frozen=True, slots=True)
class SoundFile:
    """A WAV file among spoken parts."""

    path: str


Part = str | Pause | SoundFile
"""A word is the name of a prompt such as "goodbye", or "beep"."""


@dataclass(frozen=True, slots=True)
class Say:
    """Let these be heard one after the other; `Said` follows."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class PlayMusic:
    """Let a file be heard over and over."""

    path: str


@dataclass(frozen=True, slots=True)
class Echo:
    """Let the caller hear itself."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A file that is being recorded, and what it will be once it is whole."""

    name: str
    """Of the file without folder and ending; also the key of the message."""
    path: str
    box: str
    is_greeting: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """Write what the caller says into a file. It is kept when the caller hangs up or another order comes."""

    draft: Draft
    longest_s: float
    quiet_s: float
    """A silence this long ends it; it is cut off."""


@dataclass(frozen=True, slots=True)
class Join:
    """Put the caller into a room: it hears the others and, unless `muted`, they hear it."""

    room: str
    muted: bool = False


@dataclass(frozen=True, slots=True)
class PagingGroup:
    """Who is paged by a number."""

    number: str
    members: tuple[str, ...] = ()
    """Users that are called and asked to answer by themselves."""
    multicast: tuple[str, int] | None = None
    """Group address and port that the sound is sent to besides, for phones that listen there."""
    codec: str = "PCMU"
    """Of the multicast."""


@dataclass(frozen=True, slots=True)
class Page:
    """Call all members of a group, and let them and the multicast hear the caller."""

    group: PagingGroup


@dataclass(frozen=True, slots=True)
class Chime:
    """Let all in the caller's room hear a tone; everything else stays as it is."""


@dataclass(frozen=True, slots=True)
class Become:
    """Let another act go on with this call."""

    act: Act


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call."""


Order = Say | PlayMusic | Echo | Record | Join | Page | Chime | Become | HangUp
