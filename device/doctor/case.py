"""What the examinations know of the phone that is to run here: settings, board, user, and whether it runs."""

from __future__ import annotations

import os
from collections.abc import Iterator

from device.annotations import Any
from device.doctor.store_look import StoreLook, look_at_store
from device.doctor.system_view import SystemView
from device.errors import DeviceError
from device.hardware.interfaces import LineSpec
from device.hardware.profile import BoardProfile
from device.records import dataclass

SERVICE_USER = "offhook"


@dataclass(frozen=True, slots=True)
class Case:
    """One phone on one board."""

    view: SystemView
    store: str
    """The path of the store as the board calls it."""
    user: str
    """As whom the phone runs."""
    status: dict[str, Any] | None
    """What the running phone says of itself; None where none answers."""
    settings: dict[str, str]
    """What was changed from its default; empty where neither phone nor store could be asked."""
    settings_known: bool
    look: StoreLook
    profile: BoardProfile | None
    profile_fault: str = ""

    @property
    def drives_gpio(self) -> bool:
        """Whether the phone needs real lines."""
        return self.profile is not None and self.profile.driver != "mock"

    def setting(self, key: str, default: str) -> str:
        """A setting, or its default."""
        return self.settings.get(key, default)


def open_case(view: SystemView, store: str, user: str = "", board: str = "") -> Case:
    """Find out what phone this is: from the one that runs, else from its store. `board` names another profile."""
    status = view.ask("status")
    look = look_at_store(view, store, running=status is not None)
    settings, known = look.settings, look.is_readable
    if status is not None:
        listed = view.ask("settings.list") or {}
        settings = {item["key"]: str(item["value"]) for item in listed.get("settings", [])}
        known = True
    chosen = board or settings.get("hardware.board", "simulated")
    profile, fault = None, ""
    try:
        profile = BoardProfile.load(view.path(chosen) if chosen.startswith("/") else chosen)
    except DeviceError as error:
        fault = str(error)
    if not user:
        user = SERVICE_USER if view.groups_of(SERVICE_USER) is not None else _current_user(view)
    return Case(view, store, user, status, settings, known, look, profile, fault)


def _current_user(view: SystemView) -> str:
    uid = str(os.geteuid())
    for line in (view.read("/etc/passwd") or "").splitlines():
        parts = line.split(":")
        if len(parts) > 2 and parts[2] == uid:
            return parts[0]
    return "root" if uid == "0" else uid


def lines_of(profile: BoardProfile) -> list[tuple[str, LineSpec]]:
    """Every line that a profile names, with what it is for: "hook.line", "relays.door.line", "keypad.rows.0" ..."""
    return list(_walk(profile, ""))


def _walk(value: object, name: str) -> Iterator[tuple[str, LineSpec]]:
    if isinstance(value, LineSpec):
        yield name, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _walk(inner, f"{name}.{key}".lstrip("."))
    elif isinstance(value, tuple):
        for number, inner in enumerate(value):
            yield from _walk(inner, f"{name}.{number}".lstrip("."))
    else:
        # A record names its fields there, plain values have none.
        for field_name in getattr(type(value), "__match_args__", ()):
            yield from _walk(getattr(value, field_name), f"{name}.{field_name}".lstrip("."))
