"""The nouns of the exchange that its cores and its store share; values without behaviour, not loaded by the phone."""

from device.annotations import Final
from device.model import Account, Credential
from device.records import dataclass

CALLER_CHOICES: Final = ("account", "number", "own")
"""Who calls out through a trunk by its From: the trunk's account, the caller's number at the trunk's domain, or the
caller's own address, unchanged."""

FORMAT_CHOICES: Final = ("dialled", "e164", "plain", "national")
"""How a number is written for a trunk: as it was dialled, +4930123, 4930123, or 030123 (with the national prefix)."""


@dataclass(frozen=True, slots=True)
class Trunk:
    """A way out of the house: an account at a provider, or another exchange.

    `credential` answers its challenges. `ring` is the user of ours that its calls go to where they name nobody here.
    """

    account: Account
    credential: Credential | None = None
    caller: str = "account"
    number_format: str = "dialled"
    ring: str = ""

    @property
    def name(self) -> str:
        """The name by which it is configured."""
        return str(self.account.id)


@dataclass(frozen=True, slots=True)
class TrunkRoute:
    """Numbers that begin with `prefix` go out by `trunk`, without their first `strip` digits, `prepend` before them.

    Of several routes with one prefix the lower `position` comes first; the others stand in for it.
    """

    prefix: str
    trunk: str
    position: int = 0
    strip: int = 0
    prepend: str = ""


@dataclass(frozen=True, slots=True)
class NumberPattern:
    """Numbers that `pattern` matches are of the class `kind`, such as "premium"; see `device.exchange.numbers`."""

    pattern: str
    kind: str
