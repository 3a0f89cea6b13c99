"""Telephone numbers as the exchange sees them: how they are written, of which class they are, which are emergencies."""

import re
from collections.abc import Iterable

from device.annotations import ClassVar, Final
from device.exchange_model import NumberPattern
from device.records import dataclass
from device.sip.header_syntax import is_digits
from device.sip.settings import parse_dns_servers

LOCAL: Final = "local"
NATIONAL: Final = "national"
INTERNATIONAL: Final = "international"
PREMIUM: Final = "premium"

_SEPARATORS: Final = re.compile(r"[-.()]")
"""What may stand in a number for the eye alone (RFC 3966 section 5.1.1)."""
_NUMBER: Final = re.compile(r"\+?[0-9*#]{1,40}")
_PATTERN: Final = re.compile(r"\+?[0-9*#x]{1,40}\$?")
_DOMAIN: Final = re.compile(r"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,10}\.?")
_CLASS: Final = re.compile(r"[a-z][a-z0-9-]{0,30}")

PREMIUM_PREFIXES: Final = {
    # National significant numbers, from the numbering plans that each country filed with the ITU (E.129).
    "1": ("900", "976"),
    "31": ("900", "906", "909"),
    "33": ("89",),
    "39": ("892", "894", "895", "899"),
    "41": ("900", "901", "906"),
    "43": ("900", "901", "930", "931", "939"),
    "44": ("9", "70", "871", "872", "873"),
    "49": ("900", "137", "12"),
}
"""Numbers that cost extra by country code, so that a house without any pattern of its own is safe from them."""


@dataclass(frozen=True, slots=True)
class NumberSettings:
    """What the exchange knows of the public telephone network around it."""

    SECTION: ClassVar[str] = "numbers"
    HELP: ClassVar[dict[str, str]] = {
        "emergency": "numbers that every telephone may always call, by commas; whatever permissions and limits say",
        "country_code": "country code of this place without + or 00, such as 49; empty where it is not known",
        "area_code": "area code of this place without the national prefix, such as 30; empty for none",
        "national_prefix": "what is dialled before an area code, such as 0; empty for nothing",
        "international_prefix": "what is dialled before a country code, such as 00",
        "enum": "domain in which numbers are looked up before they go out, such as e164.arpa (ENUM); empty for none",
        "enum_servers": "name servers to ask for that, ADDRESS or ADDRESS:PORT by commas; empty for the system's own",
        "permissions": "classes of numbers that users without permissions of their own may call, by commas",
    }

    emergency: str = "112, 911, 999"
    country_code: str = ""
    area_code: str = ""
    national_prefix: str = "0"
    international_prefix: str = "00"
    enum: str = ""
    enum_servers: str = ""
    permissions: str = "local, national"

    def faults(self) -> list[str]:
        """Everything wrong with these settings, in words."""
        found = []
        for number in split_list(self.emergency):
            if not (is_digits(number) and 2 <= len(number) <= 8):
                found.append(f"numbers.emergency: {number!r} is no emergency number: write 2 to 8 digits")
        for name in ("country_code", "area_code", "national_prefix", "international_prefix"):
            value = getattr(self, name)
            if value and not (is_digits(value) and len(value) <= 6):
                found.append(f"numbers.{name}: {value!r} is not up to 6 digits")
        if not self.international_prefix:
            found.append("numbers.international_prefix: is empty; write what is dialled before a country code")
        if self.enum and not _DOMAIN.fullmatch(self.enum):
            found.append(f"numbers.enum: {self.enum!r} is no domain name")
        try:
            parse_dns_servers(self.enum_servers)
        except ValueError as error:
            found.append(f"numbers.enum_servers: {error.args[0]!r} is no address of a name server")
        return found + [f"numbers.permissions: {fault}" for fault in class_faults(split_list(self.permissions))]


def split_list(text: str) -> tuple[str, ...]:
    """The words of a list written with commas or spaces."""
    return tuple(dict.fromkeys(text.replace(",", " ").split()))


def class_faults(kinds: Iterable[str]) -> list[str]:
    """What is wrong with names of classes of numbers, in words."""
    return [
        f"{kind!r} is no class of numbers: write small letters, such as national"
        for kind in kinds
        if not _CLASS.fullmatch(kind)
    ]


def pattern_faults(pattern: str) -> list[str]:
    """What is wrong with a pattern of numbers, in words."""
    if _PATTERN.fullmatch(pattern):
        return []
    return [f"{pattern!r} is no pattern: write the first digits, x for any digit, and $ where the number has to end"]


class NumberPlan:
    """Reads dialled numbers by the settings and patterns of this house.

    A pattern is the beginning of a number, with x for any digit; one that ends in $ is the whole number. The longest
    that matches counts. Patterns are compared with numbers as they are dialled in this country, so that nobody gets
    round one by writing +49 or 0049 before it.
    """

    def __init__(
        self, settings: NumberSettings, patterns: Iterable[NumberPattern] = (), outside: Iterable[str] = ()
    ) -> None:
        self._settings = settings
        self._emergency = split_list(settings.emergency)
        self._outside = tuple(prefix for prefix in outside if prefix)
        known = [
            (f"{settings.national_prefix}{start}", PREMIUM) for start in PREMIUM_PREFIXES.get(settings.country_code, ())
        ]
        if settings.national_prefix:
            known.insert(0, (settings.national_prefix, NATIONAL))
        if settings.national_prefix and settings.area_code:
            known.append((settings.national_prefix + settings.area_code, LOCAL))
        known.append((settings.international_prefix, INTERNATIONAL))
        # What a person has said of a pattern replaces what we know of it.
        known += [
            (self.canonical(one.pattern.rstrip("$")) + one.pattern[len(one.pattern.rstrip("$")) :], one.kind)
            for one in patterns
        ]
        self._patterns = [(_expression(pattern), len(pattern), kind) for pattern, kind in dict(known).items()]

    @property
    def enum_root(self) -> str:
        """The domain in which numbers are looked up; "" for none."""
        return self._settings.enum

    @property
    def default_permissions(self) -> frozenset[str]:
        """The classes that users without permissions of their own may call."""
        return frozenset(split_list(self._settings.permissions))

    def emergency_number(self, user: str) -> str | None:
        """The emergency number that is meant by the user part of a URI, or None; an outside prefix may precede it."""
        number = dialled_number(user)
        for known in self._emergency:
            if number == known or number in [prefix + known for prefix in self._outside]:
                return known
        return None

    @property
    def first_emergency_number(self) -> str | None:
        """What `urn:service:sos` (RFC 5031) stands for; None without any."""
        return self._emergency[0] if self._emergency else None

    def canonical(self, number: str) -> str:
        """A number as it is dialled in this country: 030123 for +4930123 and 004930123, 001... for +1..."""
        settings = self._settings
        if number.startswith("+"):
            number = settings.international_prefix + number[1:]
        home = settings.international_prefix + settings.country_code
        if settings.country_code and number.startswith(home):
            return settings.national_prefix + number[len(home) :].removeprefix(
                settings.national_prefix if settings.national_prefix == "0" else ""
            )
        return number

    def class_of(self, number: str) -> str:
        """The class of a dialled number."""
        text = self.canonical(number)
        matching = [(length, kind) for expression, length, kind in self._patterns if expression.match(text)]
        return max(matching, key=lambda found: found[0])[1] if matching else LOCAL

    def e164(self, number: str) -> str | None:
        """The number with + and country code, None where the settings or the number do not tell it."""
        settings = self._settings
        text = self.canonical(number)
        if text.startswith(settings.international_prefix):
            return "+" + text[len(settings.international_prefix) :]
        if not settings.country_code or not text.isdigit():
            return None
        if settings.national_prefix and text.startswith(settings.national_prefix):
            return f"+{settings.country_code}{text[len(settings.national_prefix) :]}"
        return f"+{settings.country_code}{settings.area_code}{text}" if settings.area_code else None

    def written(self, number: str, style: str) -> str:
        """The number as a trunk wants it, one of FORMAT_CHOICES; unchanged where that cannot be told."""
        full = self.e164(number)
        if full is None or style == "dialled":
            return number
        if style == "national":
            return self.canonical(full)
        return full if style == "e164" else full[1:]


def dialled_number(user: str) -> str:
    """The number in the user part of a URI, without what is there for the eye; "" where it is a name."""
    text = _SEPARATORS.sub("", user.partition(";")[0])
    return text if _NUMBER.fullmatch(text) else ""


def _expression(pattern: str) -> re.Pattern[str]:
    whole = pattern.endswith("$")
    digits = "".join("[0-9]" if sign == "x" else re.escape(sign) for sign in pattern.removesuffix("$"))
    return re.compile(digits + ("$" if whole else ""))
