"""How a phone without rights asks for an upgrade: a request in its own folder, an answer in one of root's.

The phone writes the request; systemd (offhook-upgrade.path) starts `offhook upgrade request` as root, which takes it
away and answers. What may be asked for is what the signature of an upgrade allows: no more than a signed file can do,
and a restart of the board.
"""

import json
import os
import stat
from collections.abc import Sequence

from device.annotations import Any, cast
from device.upgrade.errors import UpgradeError

REQUEST_FILE = "run/offhook/upgrade-request.json"
ANSWER_FILE = "run/offhook-upgrade/answer.json"
MOST_WORDS = 8
LONGEST_WORD = 1000
REQUEST_BYTES = 16_384
OPTIONS = ("--yes", "--force", "--allow-downgrade", "--no-restart")
VERBS = ("status", "back", "restart", "repair")
PLACES = ("/media/", "/mnt/", "/run/media/")
"""Where a file may lie that root is asked to read: no folder in which others may put links of theirs."""
ADDRESSES = ("http://", "https://")


def check_words(words: Sequence[str]) -> list[str]:
    """The words of a request, as they stand after `offhook upgrade`. Raises UpgradeError for what nobody may ask."""
    if len(words) > MOST_WORDS or any(len(word) > LONGEST_WORD for word in words):
        raise UpgradeError("the request is too long")
    wanted = [word for word in words if word not in OPTIONS]
    if len(wanted) != 1 or wanted[0].startswith("-"):
        raise UpgradeError(f"ask for one file or address, or for one of {', '.join(VERBS)}")
    source = wanted[0]
    if source in VERBS or source.startswith(ADDRESSES):
        return list(words)
    path = os.path.normpath(source)
    if not path.startswith(PLACES):
        raise UpgradeError(
            f"{source}: give an http or https address, or a file below {', '.join(PLACES)}, such as one on a USB stick"
        )
    return [path if word == source else word for word in words]


def write_request(root: str, request_id: str, words: Sequence[str]) -> None:
    """Ask. Raises UpgradeError for what may not be asked, or cannot be written."""
    text = json.dumps({"id": request_id, "words": check_words(words)})
    path = os.path.join(root, REQUEST_FILE)
    try:
        with open(f"{path}.new", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(f"{path}.new", path)
    except OSError as error:
        raise UpgradeError(f"{path} cannot be written: {error.strerror}") from None


def take_request(root: str) -> tuple[str, list[str]] | None:
    """The request, which is gone then; None where there is none. Raises UpgradeError for one that has no sense.

    The folder is the phone's, and this is root: nothing but a plain file of a few kilobytes is read.
    """
    path = os.path.join(root, REQUEST_FILE)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError:
        os.unlink(path)
        raise UpgradeError("the request is no plain file") from None
    with open(descriptor, "rb") as file:
        os.unlink(path)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UpgradeError("the request is no plain file")
        text = file.read(REQUEST_BYTES + 1)
    if len(text) > REQUEST_BYTES:
        raise UpgradeError("the request is too long")
    try:
        request: dict[str, Any] = json.loads(text)
        words = cast("list[str]", request["words"])
        if not all(isinstance(word, str) for word in words):
            raise TypeError
        return str(request["id"])[:100], check_words(words)
    except (ValueError, KeyError, TypeError):
        raise UpgradeError("the request cannot be read") from None


def read_answer(root: str, request_id: str) -> dict[str, Any] | None:
    """What was answered to this request so far; None where nothing was yet."""
    try:
        with open(os.path.join(root, ANSWER_FILE), encoding="utf-8") as file:
            answer: dict[str, Any] = json.load(file)
    except (OSError, ValueError):
        return None
    return answer if answer.get("id") == request_id else None
