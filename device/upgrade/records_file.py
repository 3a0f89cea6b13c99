"""What is remembered of an upgrade across the restart: the pending one, and how the last one came out."""

import json
import os

from device.annotations import TypeVar
from device.records import asdict, dataclass, field
from device.upgrade.image_system import RECORDS_FOLDER, ImageSystem

PENDING_NAME = "pending.json"
LAST_NAME = "last.json"
NOTICE_NAME = "notice"
"""One line for `offhook status`, there as long as the last upgrade was rolled back."""

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class PendingUpgrade:
    """An upgrade that was written and has not proven itself; `registered` are the accounts that were, before it."""

    slot: str
    old_version: str
    new_version: str
    registered: list[str] = field(default_factory=list)
    verdict: str = ""
    """Why the trial failed, for the version that runs after it; empty where nobody came to say."""


@dataclass(frozen=True, slots=True)
class FinishedUpgrade:
    """How an upgrade came out: `outcome` is good or rolled-back, `reason` says why in words."""

    outcome: str
    old_version: str
    new_version: str
    reason: str


class UpgradeRecords:
    """The files of these records on the data partition; each is whole or absent after a power cut."""

    def __init__(self, system: ImageSystem) -> None:
        self._folder = system.path(RECORDS_FOLDER)

    @property
    def store_copy(self) -> str:
        """Where the store is kept as it was before the new version first started."""
        return os.path.join(self._folder, "store")

    def pending(self) -> PendingUpgrade | None:
        """The upgrade that has not proven itself; None when there is none."""
        return self._read(PENDING_NAME, PendingUpgrade)

    def last(self) -> FinishedUpgrade | None:
        """How the last upgrade came out; None when there was none."""
        return self._read(LAST_NAME, FinishedUpgrade)

    def begin(self, pending: PendingUpgrade) -> None:
        """Remember an upgrade that is about to be tried."""
        self._write(PENDING_NAME, json.dumps(asdict(pending)))

    def finish(self, finished: FinishedUpgrade) -> None:
        """Remember how the pending upgrade came out, tell it in the notice, and forget that it was pending."""
        self._write(LAST_NAME, json.dumps(asdict(finished)))
        if finished.outcome == "good":
            self._remove(NOTICE_NAME)
        else:
            self._write(
                NOTICE_NAME,
                f"the upgrade to {finished.new_version} was rolled back to {finished.old_version}: {finished.reason}\n",
            )
        self._remove(PENDING_NAME)

    def _read(self, name: str, make: type[Record]) -> Record | None:
        """What a newer version adds is left out: after a rollback the old one must be able to read it."""
        try:
            with open(os.path.join(self._folder, name), encoding="utf-8") as file:
                fields = json.load(file)
            known = make.__annotations__
            return make(**{field: value for field, value in fields.items() if field in known})
        except (OSError, ValueError, TypeError, AttributeError):
            return None

    def _write(self, name: str, text: str) -> None:
        os.makedirs(self._folder, exist_ok=True)
        path = os.path.join(self._folder, name)
        with open(f"{path}.new", "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(f"{path}.new", path)
        self._sync()

    def _remove(self, name: str) -> None:
        try:
            os.unlink(os.path.join(self._folder, name))
        except FileNotFoundError:
            return
        self._sync()

    def _sync(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
