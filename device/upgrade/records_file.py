"""What is remembered of an upgrade across the restart: the pending one, and how the last one came out."""

import json
import os

from device.annotations import TypeVar
from device.records import asdict, dataclass, field
from device.upgrade.image_system import RECORDS_FOLDER, ImageSystem

PENDING_NAME = "pending.json"
BACK_NAME = "back.json"
LAST_NAME = "last.json"
COPY_NAME = "store.json"
RESTORING_NAME = "restoring"
NOTICE_NAME = "notice"
"""One line for `offhook status`, there as long as the last change of the version was none that a person wanted."""
GIVEN_UP = "given-up-"
"""With the letter of a slot: that it is marked bad was told (firmware_scripts/imaging/init looks for it)."""

KEPT, ROLLED_BACK, WENT_BACK, FELL_BACK = "good", "rolled-back", "back", "fell-back"
"""How a change of the version came out."""

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
    old_schema: int = 0
    """The newest form of the store that the old version reads; 0 where nobody has noted it."""


@dataclass(frozen=True, slots=True)
class WayBack:
    """`offhook upgrade back` was typed: `slot` is started next, and what ran until then reads up to `old_schema`."""

    slot: str
    old_version: str
    old_schema: int = 0


@dataclass(frozen=True, slots=True)
class StoreCopy:
    """The copy of the store is as `version` in `slot` left it, which reads up to `schema`; `at` is in Unix time."""

    slot: str
    version: str = ""
    schema: int = 0
    at: int = 0


@dataclass(frozen=True, slots=True)
class FinishedUpgrade:
    """How a change of the version came out: `outcome` is one of the words above, `reason` says why in words."""

    outcome: str
    old_version: str
    new_version: str
    reason: str

    @property
    def notice(self) -> str:
        """What whoever looks after the phone should know of it; empty where all is as it was wanted."""
        if self.outcome == ROLLED_BACK:
            return f"the upgrade to {self.new_version} was rolled back to {self.old_version}: {self.reason}"
        if self.outcome == FELL_BACK:
            return f"version {self.new_version} cannot be started any more, {self.old_version} runs: {self.reason}"
        return f"version {self.old_version} runs again: {self.reason}" if self.reason else ""


class UpgradeRecords:
    """The files of these records on the data partition; each is whole or absent after a power cut."""

    def __init__(self, system: ImageSystem) -> None:
        self._folder = system.path(RECORDS_FOLDER)

    @property
    def store_copy(self) -> str:
        """The folder with the store as it was before the version that runs first started."""
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

    def way_back(self) -> WayBack | None:
        """The way back that was asked for and has not been gone to its end; None when there is none."""
        return self._read(BACK_NAME, WayBack)

    def begin_back(self, way: WayBack) -> None:
        """Remember that the version before is started next."""
        self._write(BACK_NAME, json.dumps(asdict(way)))

    def kept_store(self) -> StoreCopy | None:
        """What the copy of the store is; None where nobody has noted it."""
        return self._read(COPY_NAME, StoreCopy)

    def note_kept_store(self, about: StoreCopy) -> None:
        """Remember what the copy of the store is."""
        self._write(COPY_NAME, json.dumps(asdict(about)))

    def forget_kept_store(self) -> None:
        """There is no copy of the store any more."""
        self._remove(COPY_NAME)

    def restoring(self) -> str:
        """How far putting the store back had come when it was cut off; empty where it was not."""
        try:
            with open(os.path.join(self._folder, RESTORING_NAME), encoding="utf-8") as file:
                return file.read()
        except OSError:
            return ""

    def note_restoring(self, step: str) -> None:
        """Remember how far putting the store back has come; an empty step ends it."""
        if step:
            self._write(RESTORING_NAME, step)
        else:
            self._remove(RESTORING_NAME)

    def finish(self, finished: FinishedUpgrade) -> None:
        """Remember how the change of the version came out, tell what has to be told, and forget that it was pending."""
        self._write(LAST_NAME, json.dumps(asdict(finished)))
        if finished.notice and finished.outcome != KEPT:
            self._write(NOTICE_NAME, f"{finished.notice}\n")
        else:
            self._remove(NOTICE_NAME)
        self._remove(PENDING_NAME)
        self._remove(BACK_NAME)

    def tell_given_up(self, slot: str) -> None:
        """Remember that it was told that a slot is marked bad; the starts after this one say nothing of it."""
        self._write(f"{GIVEN_UP}{slot}", "")

    def forget_given_up(self, slot: str) -> None:
        """A slot is written anew: what was told of it no longer counts."""
        self._remove(f"{GIVEN_UP}{slot}")

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
