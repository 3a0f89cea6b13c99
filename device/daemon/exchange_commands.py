"""The commands that configure an exchange: the same words do the same in its store and in the exchange that runs."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module

from device.annotations import Any, Final, Protocol
from device.daemon.options import UsageError
from device.exchange_model import CallDetail
from device.model import Binding
from device.records import dataclass, field
from device.store.database import Database

COMMANDS: Final = {
    "trunk": "device.daemon.exchange_trunk_commands",
    "route": "device.daemon.exchange_trunk_commands",
    "number": "device.daemon.exchange_number_commands",
    "permission": "device.daemon.exchange_number_commands",
    "numbering": "device.daemon.exchange_number_commands",
    "text": "device.daemon.exchange_text_commands",
    "alias": "device.daemon.exchange_routing_commands",
    "group": "device.daemon.exchange_routing_commands",
    "forward": "device.daemon.exchange_routing_commands",
    "redirect": "device.daemon.exchange_routing_commands",
    "setting": "device.daemon.exchange_setting_commands",
    "domain": "device.daemon.exchange_routing_commands",
    "registrations": "device.daemon.exchange_view_commands",
    "calls": "device.daemon.exchange_view_commands",
    "records": "device.daemon.exchange_view_commands",
    "accounting": "device.daemon.exchange_view_commands",
    "overview": "device.daemon.exchange_view_commands",
    "ban": "device.daemon.exchange_view_commands",
    "user": "device.daemon.exchange_users",
    "export": "device.daemon.exchange_export",
    "service": "device.daemon.services.commands",
    "page": "device.daemon.services.commands",
    "voicemail": "device.daemon.services.commands",
}
"""The first words, and the module whose ACTIONS has a function for each "first second"."""

HELP: Final = {
    "run": ("run the exchange in the foreground", "run --domain pbx.lan"),
    "user": ("who may register", "user add 1001 --domain pbx.lan"),
    "registrations": ("which phones are registered, and from where", "registrations --json"),
    "calls": ("the calls that stand or ring", "calls"),
    "watch": ("registrations and calls as they are, anew each second", "watch"),
    "records": ("the calls that are over: set-up, answer, end and cause", "records 1000 --csv"),
    "accounting": ("each registration and each end of a call", "accounting registrations 20"),
    "overview": ("registrations and calls together", "overview"),
    "ban": ("who is banned for guessing and scanning", "ban list"),
    "export": ("take the users to Kamailio, OpenSIPS or Asterisk", "export --to kamailio --output way-out"),
    "service": ("voicemail, echo test, time, music, conferences: their numbers and settings", "service on"),
    "voicemail": ("the messages in the boxes, and PINs", "voicemail list 1001"),
    "page": ("groups of phones that one speaks to at once", "page add 7001 members=1001,1002"),
    "trunk": ("ways to providers and other exchanges", "trunk add provider 4711@sip.example.com transport=tls"),
    "route": ("which numbers go out by which trunk", "route add 0 provider"),
    "permission": ("who may call which class of numbers", "permission set 1001 local,national"),
    "number": ("classes of numbers", "number add 015 mobile"),
    "numbering": ("country, area and emergency numbers", "numbering country_code=49 area_code=30"),
    "alias": ("other names of users", "alias add 9 1001"),
    "group": ("groups of phones that ring together or in order", "group set door all 1001 1002"),
    "forward": ("calls that are sent on", "forward set 1001 no-answer 1002 after=20"),
    "redirect": ("users whose callers are told where to call instead", "redirect 1001 on"),
    "domain": ("ways to foreign domains", "domain set example.com 192.0.2.20"),
    "text": ("texts that wait for users who are away", "text list"),
    "setting": ("how the exchange treats users and strangers", "setting strangers=house"),
}
"""What each first word is about, and an example, for completion and manual."""


HAVE_FORMS: Final = (
    "registrations", "calls", "records", "accounting", "ban list", "user list", "alias list", "trunk list",
    "route list", "group list", "forward list", "domain list", "number list", "permission list", "text list", "setting",
    "numbering", "voicemail list", "page list", "service calls",
)  # fmt: skip
"""Commands that answer in JSON and CSV, too."""


class Live(Protocol):
    """What a running exchange can tell and do."""

    def registrations(self) -> Sequence[Binding]:
        """Every contact that is registered now."""

    def calls(self) -> Sequence[CallDetail]:
        """Every call that stands or is being set up."""

    def bans(self) -> Sequence[tuple[str, float, str]]:
        """Who is banned, for how many seconds more, and why."""

    def lift_ban(self, sender: str) -> bool:
        """Hear somebody again; answers whether they were banned."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What a command works on: the store, the domain that is meant, a secret that was typed, and the state that is.

    `running` tells what only a running exchange knows, by kind and name, and `live` more of it; empty and None where
    none runs. `form` is "text", "json" or "csv".
    """

    database: Database
    domain: str
    unix_now: float
    secret: str = ""
    running: Mapping[str, Any] = field(default_factory=dict)
    live: Live | None = None
    form: str = "text"


Action = Callable[[Desk, tuple[str, ...]], str]
"""Carries a command out with the words after its name, and gives what is to be said. Raises UsageError, DeviceError."""


def check_command(words: tuple[str, ...]) -> None:
    """Raises UsageError for a first word that is none of ours, with the one that may have been meant."""
    if words and words[0] in COMMANDS:
        return
    from difflib import get_close_matches  # noqa: PLC0415  # only who mistypes needs it

    meant = get_close_matches(words[0], HELP, 1) if words else []
    hint = f"did you mean {meant[0]!r}? " if meant else ""
    raise UsageError(f"{' '.join(words)!r} is not understood; {hint}`offhook exchange --help` shows what is")


def run_command(desk: Desk, words: tuple[str, ...]) -> str:
    """Carry out what the words say. Raises UsageError where they are not understood."""
    check_command(words)
    actions: dict[str, Action] = import_module(COMMANDS[words[0]]).ACTIONS
    key = " ".join(words[:2])
    if desk.form != "text" and words[0] not in HAVE_FORMS and key not in HAVE_FORMS:
        raise UsageError(f"{key}: has no answer in {desk.form.upper()}; these have: {', '.join(HAVE_FORMS)}")
    if key in actions:
        return actions[key](desk, words[2:])
    if words[0] in actions:
        return actions[words[0]](desk, words[1:])
    known = ", ".join(sorted(name.partition(" ")[2] for name in actions if name.startswith(words[0] + " ")))
    raise UsageError(f"{words[0]}: say what to do: {known}")


def take_words(command: str, words: tuple[str, ...], *names: str) -> tuple[str, ...]:
    """The words of a command that wants as many as `names`. Raises UsageError with what is missing or too much."""
    if len(words) < len(names):
        raise UsageError(f"{command}: give {' and '.join(names[len(words) :])}")
    if len(words) > len(names):
        raise UsageError(f"{command}: {' '.join(words[len(names) :])!r} is too much")
    return words


def take_values(command: str, words: tuple[str, ...], known: Mapping[str, str]) -> dict[str, str]:
    """The values of words NAME=VALUE. Raises UsageError for names that are not in `known`, which explains each."""
    values = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or name not in known:
            raise UsageError(f"{command}: {word!r} is not understood: write NAME=VALUE with one of {', '.join(known)}")
        values[name] = value
    return values
