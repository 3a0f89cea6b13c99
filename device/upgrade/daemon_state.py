"""What the running phone says of itself, for upgrades: whether a call is up, which accounts are registered."""

import os

from device.annotations import Any, cast
from device.control.client import ControlClient
from device.control.errors import ControlError
from device.control.paths import socket_path
from device.errors import DeviceError

ANSWER_WITHIN_S = 10.0


def daemon_status() -> dict[str, Any] | None:
    """The phone's answer to `status`; None when it gives none."""
    try:
        with ControlClient(socket_path(os.environ), ANSWER_WITHIN_S) as client:
            return cast("dict[str, Any]", client.call("status"))
    except (ControlError, DeviceError, OSError):
        return None


def registered_accounts(status: dict[str, Any] | None) -> list[str]:
    """The accounts that are registered now, by their names."""
    accounts = [] if status is None else status.get("accounts", [])
    return [str(account["id"]) for account in accounts if account["state"] == "registered"]


def calls_up(status: dict[str, Any] | None) -> int:
    """How many calls there are."""
    return 0 if status is None else len(status.get("calls", []))
