"""What the image that the phone runs from tells its owner: an upgrade rolled back, a data partition that is lost."""

import os

UPGRADE_NOTICE = "data/upgrade/notice"
"""Written by `offhook upgrade settle` (device/upgrade/records_file.py)."""
DATA_LOST = "run/offhook-image/data-lost"
"""Made by the initial RAM disk where the data partition cannot be mounted (firmware_scripts/imaging/init)."""
NOTICE_BYTES = 1000

READABLE = "readable"
"""What stands in that file where the partition could be read, and was copied into memory."""

READ_ONLY = (
    "the data partition of the card can only be read: what was stored is there, but nothing that is changed now is "
    "kept. Take a new card; docs/image.md tells how to take the data along"
)
LOST = (
    "the data partition of the card cannot be used: nothing that is changed now is kept. Take a new card, or make the "
    "file system anew (everything on it is lost): docs/image.md"
)


def image_notices(root: str = "/") -> list[str]:
    """Sentences for `status`; none where all is well, or where the phone does not run from an image."""
    found = []
    lost = _read(root, DATA_LOST)
    if lost is not None:
        found.append(READ_ONLY if lost == READABLE else LOST)
    found.append(_read(root, UPGRADE_NOTICE) or "")
    return [text for text in found if text]


def _read(root: str, name: str) -> str | None:
    try:
        with open(os.path.join(root, name), encoding="utf-8", errors="replace") as file:
            return file.read(NOTICE_BYTES).strip()
    except OSError:
        return None
