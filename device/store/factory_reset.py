"""Back to the state of delivery: accounts, settings, secrets, call log and phone book erased, journals and copies too.

It is asked for by a file beside the store and carried out by the next start, before the store is opened. The file goes
last, so that a power cut in between leaves a reset that is finished by the start after it, never half a phone.
"""

import json
import os
from collections.abc import Mapping

from device import plain_logging as logging
from device.store.errors import StoreUnwritableError
from device.store.files import RECORDINGS, RESET_SUFFIX, replace_private, sync_directory

logger = logging.getLogger(__name__)

KEPT = ("hardware.", "audio.", "daemon.reset_")
BLOCK_BYTES = 65536


def kept_settings(settings: Mapping[str, str]) -> dict[str, str]:
    """Those that belong to the hardware: board, sound card, and the button of the reset itself."""
    return {key: value for key, value in settings.items() if key.startswith(KEPT)}


def request_reset(store: str, kept: Mapping[str, str]) -> None:
    """Have everything erased at the next start but the settings `kept`. Durable. Raises StoreUnwritableError."""
    marker = store + RESET_SUFFIX
    try:
        replace_private(marker, json.dumps(dict(kept)))
    except OSError as error:
        raise StoreUnwritableError(f"{marker}: the reset cannot be asked for ({error.strerror})") from None


def erase(store: str) -> dict[str, str] | None:
    """Erase the store if that was asked for; answers the settings to begin with, None where nothing was asked."""
    try:
        with open(store + RESET_SUFFIX, encoding="utf-8") as file:
            kept = json.load(file)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError):
        kept = {}  # the wish stands, whatever became of its text
    try:
        _erase_files(store)
    except OSError as error:
        logger.error("factory reset: %s cannot be erased (%s); the next start tries again", store, error.strerror)
        return None
    logger.warning("factory reset: everything in %s was erased", store)
    return {str(key): str(value) for key, value in kept.items()} if isinstance(kept, dict) else {}


def _erase_files(store: str) -> None:
    directory = os.path.dirname(os.path.abspath(store))
    name = os.path.basename(store)
    for found in sorted(os.listdir(directory)):
        belongs = found == name or found.startswith((f"{name}-", f"{name}."))
        if belongs and found != name + RESET_SUFFIX:
            _wipe(os.path.join(directory, found))
    _erase_recordings(os.path.join(directory, RECORDINGS))
    sync_directory(directory)


def _erase_recordings(folder: str) -> None:
    if os.path.isdir(folder) and not os.path.islink(folder):
        for found in sorted(os.listdir(folder)):
            _wipe(os.path.join(folder, found))
        if not os.listdir(folder):
            os.rmdir(folder)


def finish(store: str) -> None:
    """The settings that were kept are stored again: the reset is over."""
    os.unlink(store + RESET_SUFFIX)
    sync_directory(os.path.dirname(os.path.abspath(store)))


def _wipe(path: str) -> None:
    """Write zeros over a file and remove it. A flash card may keep old blocks all the same; see docs/console.md."""
    if not os.path.isfile(path) or os.path.islink(path):
        return
    zeros = bytes(BLOCK_BYTES)
    with open(path, "r+b") as file:
        left = os.path.getsize(path)
        while left > 0:
            left -= file.write(zeros[: min(left, BLOCK_BYTES)])
        file.flush()
        os.fsync(file.fileno())
    os.unlink(path)
