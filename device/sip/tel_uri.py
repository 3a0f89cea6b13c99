"""tel URIs (RFC 3966): telephone numbers as such, and as user parts of SIP URIs (RFC 3261 section 19.1.6)."""

import re

from device.annotations import Final
from device.records import dataclass
from device.sip.errors import SipParseError
from device.sip.uri import Params, Uri, escape_param, unescape

MAX_NUMBER: Final = 128
"""Digits of the longest number that is read; E.164 allows 15, local ones and prefixes of providers take some more."""

_SEPARATORS: Final = re.compile(r"[-.()]")
"""What stands in a number for the eye alone (section 5.1.1)."""
_GLOBAL: Final = re.compile(r"\+[0-9]+")
_LOCAL: Final = re.compile(r"[0-9A-Fa-f*#]+")
_PARAM_NAME: Final = re.compile(r"[A-Za-z0-9-]+")
_DOMAIN: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_.])?")
_FIRST: Final = ("isub", "ext", "phone-context")
"""The parameters that stand before all others, in this order (section 3)."""


@dataclass(frozen=True, slots=True)
class TelUri:
    """A telephone number with its parameters; `str` gives it in the order that section 3 asks."""

    number: str
    """Without separators, letters in upper case: "+442079460000" or, local, "7042", "*21#"."""
    params: Params = ()
    """Names in lower case, values unescaped; None for a parameter without a value."""

    @property
    def is_global(self) -> bool:
        """Whether the number says all of itself (section 5.1.4); another one counts only in its context."""
        return self.number.startswith("+")

    @property
    def context(self) -> str:
        """Within what a local number counts: a domain, or the leading digits of a global number; "" for none."""
        return self.param("phone-context") or ""

    @property
    def extension(self) -> str:
        """Digits of the extension behind the number (section 5.3), "" for none."""
        return self.param("ext") or ""

    @property
    def subaddress(self) -> str:
        """The ISDN subaddress (section 5.2), "" for none."""
        return self.param("isub") or ""

    def param(self, name: str) -> str | None:
        """The value of a parameter; "" when it has none, None when it is absent."""
        for key, value in self.params:
            if key == name:
                return value or ""
        return None

    def matches(self, other: "TelUri") -> bool:
        """Equivalence of section 4: the order of parameters, case and separators in digits do not count."""
        return self.number == other.number and _comparable(self.params) == _comparable(other.params)

    def subscriber(self) -> str:
        """All after "tel:", not escaped, as it becomes the user part of a SIP URI with user=phone."""
        return self.number + "".join(
            f";{name}" if value is None else f";{name}={value}" for name, value in self._sorted()
        )

    def _sorted(self) -> list[tuple[str, str | None]]:
        ranks = {name: rank for rank, name in enumerate(_FIRST)}
        return sorted(self.params, key=lambda param: (ranks.get(param[0], len(_FIRST)), param[0]))

    def __str__(self) -> str:
        text = "tel:" + escape_param(self.number)
        for name, value in self._sorted():
            text += f";{name}" if value is None else f";{name}={escape_param(value)}"
        return text


def parse_tel(uri: Uri) -> TelUri:
    """Read a tel URI. Raises SipParseError (400) for one that is no number.

    A local number without the phone-context that section 5.1.5 asks for is taken: nobody's gateway sends it.
    """
    if uri.scheme != "tel":
        raise SipParseError(f"not a tel URI but {uri.scheme}")
    return parse_subscriber(uri.opaque)


def parse_subscriber(text: str) -> TelUri:
    """Read what follows "tel:", escaped as it came. Raises SipParseError (400)."""
    digits, semicolon, rest = text.partition(";")
    params = _parse_params(rest) if semicolon else ()
    return TelUri(_number(unescape(digits)), params)


def called_number(uri: Uri) -> str | None:
    """The number that a tel URI, or a SIP URI with user=phone, calls; None for other URIs and for what is no number."""
    try:
        if uri.scheme == "tel":
            return parse_tel(uri).number
        if uri.is_sip and (uri.param("user") or "").lower() == "phone":
            return _number(uri.user.partition(";")[0])
    except SipParseError:
        pass
    return None


def is_same_number(number: str, user: str) -> bool:
    """Whether `number`, as `called_number` gives it, is that of an account whose user part is `user`.

    Providers write the number of an account with the plus sign or without it.
    """
    plain = _SEPARATORS.sub("", user).upper()
    return number in (plain, "+" + plain)


def _number(text: str) -> str:
    number = _SEPARATORS.sub("", text)
    if len(number) > MAX_NUMBER or not (_GLOBAL.fullmatch(number) or _LOCAL.fullmatch(number)):
        raise SipParseError(f"not a telephone number: {text[:60]!a}")
    return number.upper()


def _parse_params(text: str) -> Params:
    params: dict[str, str | None] = {}
    for piece in text.split(";"):
        name, equals, value = piece.partition("=")
        name = name.lower()
        if _PARAM_NAME.fullmatch(name) is None or name in params or (equals and not value):
            raise SipParseError(f"a parameter of a tel URI that is none: {piece[:60]!a}")
        params[name] = unescape(value) if equals else None
    context, extension = params.get("phone-context"), params.get("ext")
    if "phone-context" in params and not (context and _is_context(context)):
        raise SipParseError(f"not a phone-context: {(context or '')[:60]!a}")
    if "ext" in params and not (extension and _LOCAL.fullmatch(_SEPARATORS.sub("", extension))):
        raise SipParseError(f"not an extension: {(extension or '')[:60]!a}")
    return tuple(params.items())


def _is_context(text: str) -> bool:
    """A domain name, or leading digits of a global number (section 5.1.5)."""
    if text.startswith("+"):
        return _GLOBAL.fullmatch(_SEPARATORS.sub("", text)) is not None
    return len(text) <= 255 and _DOMAIN.fullmatch(text) is not None


def _comparable(params: Params) -> dict[str, str | None]:
    result: dict[str, str | None] = {}
    for name, value in params:
        if value is not None:
            is_digits = name == "ext" or (name == "phone-context" and value.startswith("+"))
            result[name] = (_SEPARATORS.sub("", value) if is_digits else value).lower()
        else:
            result[name] = None
    return result
