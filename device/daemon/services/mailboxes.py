"""The voicemail boxes on the disk: WAV files in a folder beside the store, and what is known of them in the store.

A message is recorded under a name that ends in .part, synced while it grows, and renamed when it is whole. Whatever a
power cut leaves is put in order at the next start: what was being recorded is kept up to its last seconds.
"""

import os
import time
from collections.abc import Callable, Collection

from device import plain_logging as logging
from device.annotations import Final
from device.audio.wav_format import HEADER_BYTES, open_wav, wav_header
from device.errors import DeviceError
from device.exchange.services.orders import Draft
from device.exchange.services.settings import ServiceSettings
from device.exchange.services.voicemail import Message
from device.ids import IdSource
from device.media import pcm
from device.sip.digest import ha1
from device.store.database import Database
from device.store.files import sync_directory
from device.store.voicemail import StoredMessage, Voicemail

logger = logging.getLogger(__name__)

FOLDER: Final = "voicemail"
"""Beside the store."""
UNFINISHED: Final = ".part"
GREETING: Final = "greeting"
SHORTEST_S: Final = 1.0
"""What is shorter is no message: somebody hung up at the tone."""
PIN_ALGORITHM: Final = "SHA-256"
WRONG_PINS: Final = 10
"""So many in a row lock a box..."""
LOCKED_S: Final = 900.0
"""...for so long."""
MEGABYTE: Final = 1_000_000
DAY_S: Final = 86_400
_NAME_CHARACTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+*_."

Changed = Callable[[str], None]
"""Told the box whose number of new or old messages is another one."""


class MailboxFiles:
    """`Mailboxes` of the acts; main thread only. Where nothing can be written the caller hears that the box is full."""

    def __init__(
        self, database: Database, settings: ServiceSettings, ids: IdSource, has_user: Callable[[str], bool]
    ) -> None:
        """`has_user` says whether the exchange has a user of a name: each of them has a box."""
        self._voicemail = Voicemail(database)
        self.settings = settings
        self._ids = ids
        self._has_user = has_user
        self._folder = os.path.join(os.path.dirname(os.path.abspath(database.path)), FOLDER)
        self._wrong_pins: dict[str, tuple[int, float]] = {}
        self.on_change: Changed = lambda box: None

    # Boxes.

    def has(self, box: str) -> bool:
        """Whether there is a user of that name."""
        return bool(box) and self._has_user(box)

    def has_pin(self, box: str) -> bool:
        """Whether its owner has set a PIN."""
        return self._voicemail.pin(box) is not None

    def opens(self, box: str, pin: str, now: float) -> bool:
        """Whether `pin` is that of the box; too many wrong ones lock it for a while."""
        stored = self._voicemail.pin(box)
        tries, locked_until = self._wrong_pins.get(box, (0, 0.0))
        if stored is None or now < locked_until:
            return False
        salt, hashed = stored
        if ha1(PIN_ALGORITHM, box, salt, pin) == hashed:
            self._wrong_pins.pop(box, None)
            return True
        self._wrong_pins[box] = (tries + 1, now + LOCKED_S if (tries + 1) % WRONG_PINS == 0 else 0.0)
        logger.warning("wrong PIN for the voicemail of %s, %d in a row", box, tries + 1)
        return False

    def set_pin(self, box: str, pin: str) -> None:
        """Give a box a PIN, or with "" none. Raises StoreError."""
        salt = self._ids.nonce() if pin else ""
        self._voicemail.set_pin(box, salt, ha1(PIN_ALGORITHM, box, salt, pin) if pin else "")
        self._wrong_pins.pop(box, None)

    def counts(self, box: str) -> tuple[int, int]:
        """How many new and old messages a box has."""
        return self._voicemail.counts(box)

    # Messages.

    def messages(self, box: str) -> tuple[Message, ...]:
        """New ones first, each kind from the oldest to the newest."""
        return tuple(self._message(stored) for stored in self._voicemail.of_box(box))

    def everything(self) -> tuple[Message, ...]:
        """Every whole message, by box and time."""
        return tuple(self._message(stored) for stored in self._voicemail.everything() if stored.seconds is not None)

    def mark_heard(self, message: Message, heard: bool) -> None:
        """Say whether a message is new."""
        if message.heard is not heard or heard:
            self._voicemail.mark_heard(message.name, heard, time.time())
        self.on_change(message.box)

    def delete(self, message: Message) -> None:
        """Take a message away, and its file."""
        if self._voicemail.remove(message.name):
            _unlink(message.path)
            self.on_change(message.box)

    def delete_old(self, unix: float) -> None:
        """Take away messages that were heard so long ago that the settings want it."""
        if self.settings.keep_days:
            for stored in self._voicemail.heard_before(unix - DAY_S * self.settings.keep_days):
                self.delete(self._message(stored))

    def forget_box(self, box: str) -> None:
        """The user is removed: nobody who gets the same name later is to hear what was said to another."""
        for stored in self._voicemail.everything():
            if stored.mailbox == box:
                self._voicemail.remove(stored.name)
        self.set_pin(box, "")
        folder = os.path.dirname(self._path(box, GREETING))
        if os.path.isdir(folder):
            for entry in os.scandir(folder):
                _unlink(entry.path)
            os.rmdir(folder)

    # Recording.

    def has_room(self, box: str) -> bool:
        """Whether another message can be taken."""
        return sum(self.counts(box)) < self.settings.messages and self._has_disk()

    def begin(self, box: str, caller: str, caller_name: str) -> Draft | None:
        """Where to record a message; None where the box or the disk is full."""
        if not self.has_room(box):
            return None
        at = time.time()
        name = f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(at))}-{_plain(caller)}-{self._ids.number(32):08x}"
        try:
            draft = Draft(name, self._path(box, name) + UNFINISHED, box)
            os.makedirs(os.path.dirname(draft.path), mode=0o700, exist_ok=True)
            self._voicemail.begin(StoredMessage(name, box, caller, caller_name, at, None, False))
        except (OSError, DeviceError) as error:
            logger.error("no message can be taken for %s: %s; look at the disk", box, error)
            return None
        return draft

    def greeting(self, box: str) -> str:
        """The file that callers hear, "" for the usual words."""
        path = self._path(box, GREETING)
        return path if os.path.exists(path) else ""

    def begin_greeting(self, box: str) -> Draft | None:
        """Where to record another greeting; None where the disk is full."""
        if not self._has_disk():
            return None
        path = self._path(box, GREETING) + UNFINISHED
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        except OSError as error:
            logger.error("no greeting can be taken for %s: %s; look at the disk", box, error)
            return None
        _unlink(path)  # of a recording that a power cut ended
        return Draft(GREETING, path, box, is_greeting=True)

    def finish(self, draft: Draft, seconds: float) -> None:
        """A recording is on the disk; keep it, unless it is too short to be anything."""
        if seconds < SHORTEST_S:
            _unlink(draft.path)
            if not draft.is_greeting:
                self._voicemail.remove(draft.name)
            return
        try:
            _rename(draft.path, draft.path.removesuffix(UNFINISHED))
        except OSError as error:  # the box was taken away meanwhile, or the disk is broken
            logger.error("a message for %s cannot be kept: %s", draft.box, error)
            self._voicemail.remove(draft.name)
            return
        if draft.is_greeting:
            return
        self._voicemail.finish(draft.name, seconds)
        logger.info("a message of %.0f s for %s", seconds, draft.box)
        self.on_change(draft.box)

    # After a power cut.

    def put_in_order(self) -> None:
        """Finish what was being recorded, forget what has no file any more, and take in files that nobody knows of."""
        known = {stored.name: stored for stored in self._voicemail.everything()}
        for stored in known.values():
            draft = Draft(stored.name, self._path(stored.mailbox, stored.name) + UNFINISHED, stored.mailbox)
            if stored.seconds is None or os.path.exists(draft.path):
                self._take_up(draft)
            elif not os.path.exists(draft.path.removesuffix(UNFINISHED)):
                logger.warning("the sound of message %s for %s is gone", stored.name, stored.mailbox)
                self._voicemail.remove(stored.name)
        self._adopt(known.keys())

    def _take_up(self, draft: Draft) -> None:
        """A message that was being recorded, or had just been renamed, when the power failed."""
        whole = draft.path.removesuffix(UNFINISHED)
        if not os.path.exists(draft.path) and os.path.exists(whole):
            self._voicemail.finish(draft.name, _seconds_of(whole))
            return
        seconds = _mend(draft.path)
        if seconds >= SHORTEST_S:
            logger.warning("a message for %s was cut off after %.0f s, and is kept", draft.box, seconds)
        self.finish(draft, seconds)

    def _adopt(self, names: Collection[str]) -> None:
        """Messages that the store has forgotten, as one that was restored from an older copy has."""
        if not os.path.isdir(self._folder):
            return
        for entry in os.scandir(self._folder):
            box = entry.name.removeprefix("box-")
            for file in os.scandir(entry.path) if entry.is_dir() and box != entry.name else ():
                name = file.name.removesuffix(".wav")
                if name in (file.name, GREETING) or name in names or _seconds_of(file.path) < SHORTEST_S:
                    continue
                caller = name.split("-")[2] if name.count("-") == 3 else ""
                at, seconds = file.stat().st_mtime, _seconds_of(file.path)
                self._voicemail.begin(StoredMessage(name, box, caller, "", at, seconds, False))
                logger.warning("message %s for %s is in the store again", name, box)

    # Files.

    def _message(self, stored: StoredMessage) -> Message:
        return Message(
            stored.name,
            stored.mailbox,
            stored.caller,
            stored.caller_name,
            stored.received_at,
            stored.seconds or 0.0,
            stored.heard,
            self._path(stored.mailbox, stored.name),
        )

    def _path(self, box: str, name: str) -> str:
        return os.path.join(self._folder, f"box-{box}", f"{name}.wav")

    @property
    def reserve_bytes(self) -> int:
        """What is left free on the disk."""
        return self.settings.reserve_mb * MEGABYTE

    def _has_disk(self) -> bool:
        disk = os.statvfs(os.path.dirname(self._folder))
        return disk.f_bavail * disk.f_frsize > self.reserve_bytes


def _plain(caller: str) -> str:
    """A caller as part of a file's name."""
    user = caller.removeprefix("sip:").partition("@")[0]
    return "".join(letter for letter in user if letter in _NAME_CHARACTERS)[:40] or "unknown"


def _rename(before: str, after: str) -> None:
    """Rename a file that is on the disk already, and have the new name there, too."""
    os.replace(before, after)
    sync_directory(os.path.dirname(after))


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        logger.error("%s cannot be deleted: %s", path, error)


def _seconds_of(path: str) -> float:
    """How long a WAV file is, 0 for what is none."""
    try:
        file, layout = open_wav(path)
    except (OSError, ValueError):
        return 0.0
    file.close()
    return layout.data_bytes / (pcm.SAMPLE_BYTES * layout.channels * layout.rate_hz)


def _mend(path: str) -> float:
    """Let the header of a mono recording that was cut off tell of all that is there; answers its seconds."""
    try:
        file, layout = open_wav(path)
        file.close()
        sound = os.path.getsize(path) - HEADER_BYTES
        sound -= sound % pcm.SAMPLE_BYTES
        with open(path, "r+b") as mended:
            mended.write(wav_header(layout.rate_hz, layout.channels, sound))
            mended.truncate(HEADER_BYTES + sound)
            mended.flush()
            os.fsync(mended.fileno())
    except (OSError, ValueError):
        return 0.0
    return sound / (pcm.SAMPLE_BYTES * layout.channels * layout.rate_hz)
