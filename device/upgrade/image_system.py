"""The image that this machine was started from: its slots, its partitions, its board and version."""

import json
import os

from device.annotations import Any
from device.records import dataclass
from device.upgrade.errors import UpgradeError
from device.upgrade.slot_state import SLOTS, other_slot

LAYOUT_FILE = "run/offhook-image/layout"
"""Written at each start by the initial RAM disk (firmware_scripts/imaging/init)."""
IMAGE_FILE = "usr/lib/offhook/image.json"
KEYS_FOLDER = "etc/offhook/upgrade-keys"
DATA_FOLDER = "data"
RECORDS_FOLDER = "data/upgrade"
FELL_BACK_FILE = "run/offhook-image/fell-back"
"""Made by the initial RAM disk where this slot was started because the other one does not start any more."""
PARTS = ("kernel", "root")
"""The partitions of a slot, and the parts of an upgrade."""

NO_IMAGE_RESTART = (
    "this system was not started from an offhook image, and the phone may not restart it: type there "
    "sudo systemctl reboot"
)
NO_IMAGE = (
    "this system was not started from an offhook image, so there is no slot to upgrade; update it the way it was "
    "installed, in the folder of its source: sudo git pull && sudo firmware_scripts/prepare run board && "
    "sudo .venv/bin/python firmware_scripts/compile-bytecode && sudo firmware_scripts/install-system / && "
    "sudo systemctl restart offhook"
)


@dataclass(frozen=True, slots=True)
class ImageSystem:
    """Where everything is on the running image; `root` is where its files lie, "/" but in tests."""

    root: str
    slot: str
    layout: dict[str, str]
    board: str
    version: str

    @property
    def target_slot(self) -> str:
        """The slot that an upgrade is written to: the one that does not run."""
        return other_slot(self.slot)

    @property
    def state_path(self) -> str:
        """The partition with the state of the slots."""
        return self.layout["state"]

    def partition(self, part: str, slot: str) -> str:
        """The device of a part (kernel, root) of a slot."""
        return self.layout[f"{part}_{slot}"]

    def path(self, name: str) -> str:
        """A file of the system by its name below the root."""
        return os.path.join(self.root, name)


def find_image(root: str = "/") -> ImageSystem:
    """The running image. Raises UpgradeError, with what to do instead, where there is none."""
    try:
        with open(os.path.join(root, LAYOUT_FILE), encoding="ascii") as file:
            layout = dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)
        with open(os.path.join(root, IMAGE_FILE), encoding="utf-8") as file:
            about: dict[str, Any] = json.load(file)
        slot, board, version = layout["slot"], str(about["board"]), str(about["version"])
    except FileNotFoundError:
        raise UpgradeError(NO_IMAGE) from None
    except (OSError, ValueError, KeyError) as error:
        raise UpgradeError(f"the description of the running image is damaged ({error}): start the board anew") from None
    wanted = {"state", *(f"{part}_{slot}" for part in PARTS for slot in SLOTS)}
    if slot not in SLOTS or not wanted <= set(layout):
        raise UpgradeError(f"{LAYOUT_FILE} does not name every partition: start the board anew")
    return ImageSystem(root, slot, layout, board, version)
