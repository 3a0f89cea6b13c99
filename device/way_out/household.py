"""What an exchange takes along when it moves out: its users, their other names, contacts and records."""

from device.annotations import Final
from device.exchange_model import AccountingRecord, CallDetail
from device.model import Aor, Binding, Credential
from device.records import dataclass

SERVERS: Final = ("kamailio", "opensips", "asterisk")


@dataclass(frozen=True, slots=True)
class Household:
    """The contents of an exchange's store."""

    domain: str
    users: tuple[Credential, ...] = ()
    """With their digest values; the realm is the domain."""
    aliases: tuple[tuple[Aor, Aor], ...] = ()
    """Another name, and whom it means."""
    bindings: tuple[Binding, ...] = ()
    records: tuple[AccountingRecord, ...] = ()
    calls: tuple[CallDetail, ...] = ()
