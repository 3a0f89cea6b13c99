"""Messages of the exchange's voicemail and the PINs of its boxes; the sound itself lies beside the store as files."""

from device.annotations import Final
from device.records import dataclass
from device.store.database import Database, Row

_COLUMNS: Final = "name, mailbox, callerid, callername, origtime, duration, heard"


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A row of `voicemail_messages`; `seconds` is None while the message is being recorded."""

    name: str
    mailbox: str
    caller: str
    caller_name: str
    received_at: float
    seconds: float | None
    heard: bool


class Voicemail:
    """The tables `voicemail_messages` and `voicemail_pins`."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, message: StoredMessage) -> None:
        """Note a message that is being recorded, so that a power cut does not lose whom it is from."""
        with self._database.transaction(precious=False):
            self._database.execute(
                f"INSERT INTO voicemail_messages ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                (
                    message.name,
                    message.mailbox,
                    message.caller,
                    message.caller_name,
                    message.received_at,
                    message.seconds,
                    message.heard,
                ),
            )

    def finish(self, name: str, seconds: float) -> None:
        """The message is whole."""
        with self._database.transaction(precious=False):
            self._database.execute("UPDATE voicemail_messages SET duration = ? WHERE name = ?", (seconds, name))

    def mark_heard(self, name: str, heard: bool, at: float) -> None:
        """Say whether a message is new; `at` is Unix time."""
        with self._database.transaction(precious=False):
            self._database.execute(
                "UPDATE voicemail_messages SET heard = ?, heardtime = ? WHERE name = ?",
                (heard, at if heard else None, name),
            )

    def remove(self, name: str) -> bool:
        """Forget a message; answers whether there was any."""
        with self._database.transaction(precious=False):
            return bool(self._database.execute("DELETE FROM voicemail_messages WHERE name = ?", (name,)))

    def of_box(self, mailbox: str) -> list[StoredMessage]:
        """The whole messages of a box, new ones first, each kind from the oldest to the newest."""
        return self._select("WHERE mailbox = ? AND duration IS NOT NULL ORDER BY heard, origtime, id", mailbox)

    def everything(self) -> list[StoredMessage]:
        """Every message, also those that are being recorded, by box and time."""
        return self._select("ORDER BY mailbox, origtime, id")

    def heard_before(self, unix: float) -> list[StoredMessage]:
        """Messages that were heard for the last time before `unix`."""
        return self._select("WHERE heard AND heardtime < ? ORDER BY id", unix)

    def counts(self, mailbox: str) -> tuple[int, int]:
        """How many new and old messages a box has."""
        rows = self._database.query(
            "SELECT heard, count(*) FROM voicemail_messages WHERE mailbox = ? AND duration IS NOT NULL GROUP BY heard",
            (mailbox,),
        )
        found = {bool(heard): int(count) for heard, count in rows}
        return found.get(False, 0), found.get(True, 0)

    def set_pin(self, mailbox: str, salt: str, hashed: str) -> None:
        """Keep what a PIN is checked by; an empty `hashed` takes the PIN away."""
        with self._database.transaction():
            self._database.execute("DELETE FROM voicemail_pins WHERE mailbox = ?", (mailbox,))
            if hashed:
                self._database.execute(
                    "INSERT INTO voicemail_pins (mailbox, salt, hash) VALUES (?, ?, ?)", (mailbox, salt, hashed)
                )

    def pin(self, mailbox: str) -> tuple[str, str] | None:
        """Salt and hash of a box's PIN, None where there is none."""
        rows = self._database.query("SELECT salt, hash FROM voicemail_pins WHERE mailbox = ?", (mailbox,))
        return (str(rows[0][0]), str(rows[0][1])) if rows else None

    def _select(self, condition: str, *parameters: object) -> list[StoredMessage]:
        sql = f"SELECT {_COLUMNS} FROM voicemail_messages {condition}"  # noqa: S608  # the words are ours
        return [_message(row) for row in self._database.query(sql, parameters)]


def _message(row: Row) -> StoredMessage:
    name, mailbox, caller, caller_name, received_at, seconds, heard = row
    return StoredMessage(name, mailbox, caller, caller_name, received_at, seconds, bool(heard))
