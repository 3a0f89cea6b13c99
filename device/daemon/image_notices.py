"""What the image that the phone runs from tells its owner: an upgrade rolled back, a data partition that is lost."""

import os

UPGRADE_NOTICE = "data/upgrade/notice"
"""Written by `offhook upgrade settle` (device/upgrade/records_file.py)."""
DATA_LOST = "run/offhook-image/data-lost"
"""Made by the initial RAM disk where the data partition cannot be mounted (firmware_scripts/imaging/init)."""
NOTICE_BYTES = 1000

LOST = (
    "the data partition of the card cannot be used: nothing that is changed now is kept. Take a new card, or make the "
    "file system anew (everything on it is lost): docs/image.md"
)


def image_notices(root: str = "/") -> list[str]:
    """Sentences for `status`; none where all is well, or where the phone does not run from an image."""
    found = []
    if os.path.exists(os.path.join(root, DATA_LOST)):
        found.append(LOST)
    try:
        with open(os.path.join(root, UPGRADE_NOTICE), encoding="utf-8", errors="replace") as file:
            found.append(file.read(NOTICE_BYTES).strip())
    except OSError:
        pass
    return [text for text in found if text]
