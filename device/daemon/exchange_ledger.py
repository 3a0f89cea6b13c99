"""What the exchange accounts on its way to the card: written together, after the answers, never before them."""

from device import plain_logging as logging
from device.annotations import Final
from device.errors import DeviceError
from device.exchange.accounting import Accounted
from device.store.accounting import Accounting, CallDetails
from device.store.database import Database

logger = logging.getLogger(__name__)

PAUSE_S: Final = 2.0
"""Records wait so long for others: a card takes tens of milliseconds for each write, however little is written. A power
cut loses no more than that."""

MOST_WAITING: Final = 200
"""Records after which the card is written to at once."""


class Ledger:
    """Keeps what is accounted until it is written."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[Accounted] = []
        self._write_at: float | None = None

    def add(self, accounted: Accounted, now: float) -> None:
        """Take something down."""
        self._waiting.append(accounted)
        if len(self._waiting) >= MOST_WAITING:
            self._write_at = now
        elif self._write_at is None:
            self._write_at = now + PAUSE_S

    def next_timeout(self) -> float | None:
        """When `handle_timeout` has something to write."""
        return self._write_at

    def handle_timeout(self, now: float) -> None:
        """Write what has waited long enough."""
        if self._write_at is not None and now >= self._write_at:
            self.write()

    def write(self) -> None:
        """Write all of it now, in the transaction that is open where there is one; a failure is logged, not raised."""
        waiting, self._waiting, self._write_at = self._waiting, [], None
        if not waiting:
            return
        records, details = Accounting(self._database), CallDetails(self._database)
        try:
            with self._database.transaction(precious=False):
                for one in waiting:
                    if one.record is not None:
                        records.add(one.record)
                    if one.call is not None:
                        details.put(one.call)
        except DeviceError as error:
            logger.error("%d registration(s) and ends of calls are not accounted: %s", len(waiting), error)
