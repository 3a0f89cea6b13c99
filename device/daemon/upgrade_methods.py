"""The control methods upgrade.*: what the phone, which is no root, asks of the image that it runs from."""

import os
from collections.abc import Callable, Mapping

from device.annotations import Any
from device.errors import DeviceError
from device.upgrade.image_system import LAYOUT_FILE, NO_IMAGE, NO_IMAGE_RESTART
from device.upgrade.spool import read_answer, write_request

TAKEN_WITHIN_S = 30.0
"""A slow board needs some seconds to start the program that answers."""


class UpgradeMethods:
    """One request at a time, as one person makes them; `new_id` and `clock` are given by the daemon."""

    def __init__(self, new_id: Callable[[], str], clock: Callable[[], float], root: str = "/") -> None:
        self._new_id = new_id
        self._clock = clock
        self._root = root
        self._id = ""
        self._asked_at = 0.0

    def start(self, params: Mapping[str, Any]) -> dict[str, object]:
        """Ask for what would stand after `offhook upgrade`. Raises UpgradeError, DeviceError where this is no image."""
        words = params.get("words")
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise DeviceError('words must be a list, such as ["/media/usb/offhook.upgrade"]')
        if not os.path.exists(os.path.join(self._root, LAYOUT_FILE)):
            raise DeviceError(NO_IMAGE_RESTART if "restart" in words else NO_IMAGE)
        if self._id and self.progress({})["running"]:
            raise DeviceError("an upgrade is on its way already: `upgrade.progress` tells how far it is")
        self._id = self._new_id()
        write_request(self._root, self._id, words)
        self._asked_at = self._clock()
        return {"id": self._id}

    def progress(self, _params: Mapping[str, Any]) -> dict[str, object]:
        """What has been said to the last request: lines, how much is written in percent (-1 for nothing), the end."""
        if not self._id:
            return {"running": False, "status": 0, "percent": -1, "lines": []}
        answer = read_answer(self._root, self._id)
        if answer is not None:
            return {name: answer[name] for name in ("running", "status", "percent", "lines")}
        if self._clock() - self._asked_at < TAKEN_WITHIN_S:
            return {"running": True, "status": 0, "percent": -1, "lines": []}
        said = "nobody takes the request: systemctl status offhook-upgrade.path offhook-upgrade.service"
        return {"running": False, "status": 1, "percent": -1, "lines": [said]}
