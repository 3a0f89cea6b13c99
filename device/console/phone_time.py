"""The times that a person is told are those of the phone's zone, at the console and on the command line."""

from collections.abc import Callable

from device.annotations import Any, Final
from device.control.errors import ControlError
from device.local_time import use_zone

TIME_ZONE: Final = "daemon.time_zone"
"""The setting that says in which zone times are told."""


def follow_phone_time(ask: Callable[..., Any]) -> None:
    """Tell times as the phone does from now on; one of an older version has no such setting. `ask` calls a method."""
    try:
        zone = str(ask("settings.get", key=TIME_ZONE)["value"])
    except ControlError:
        zone = ""
    use_zone(zone)
