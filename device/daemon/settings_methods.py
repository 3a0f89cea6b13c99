"""What clients ask about settings: of the running daemon, or of the store alone while it is down."""

from collections.abc import Callable, Mapping

from device.control.errors import INVALID_PARAMS, NOT_FOUND, ControlError
from device.daemon.account_fields import Params, all_faults
from device.daemon.config import (
    ConfigurationError,
    describe,
    names_in,
    parse_configuration,
    setting_exists,
    unknown_setting,
)
from device.daemon.desk import load_profile
from device.hardware.errors import ProfileError
from device.phone.settings import PhoneSettings
from device.records import asdict
from device.store.settings import Settings

MASKED = "***"
SECRETS = frozenset(f"{PhoneSettings.SECTION}.{name}" for name in PhoneSettings.SECRETS)
"""Settings whose values are not shown."""


class SettingsMethods:
    """The methods settings.*; `apply` makes what was stored count and answers the keys that wait for a restart."""

    def __init__(self, settings: Settings, apply: Callable[[Mapping[str, str | None]], list[str]]) -> None:
        self._settings = settings
        self._apply = apply

    def table(self) -> dict[str, Callable[[Params], object]]:
        """Every method by its name."""
        return {"settings.list": self.list_all, "settings.get": self.get, "settings.set": self.set}

    def list_all(self, _params: Params) -> object:
        """Every setting."""
        stored = self._settings.get_all()
        return {"settings": [{**asdict(item), "value": masked(item.key, item.value)} for item in describe(stored)]}

    def get(self, params: Params) -> object:
        """One setting."""
        key = str(params.get("key") or "")
        for item in describe(self._settings.get_all()):
            if item.key == key:
                return {**asdict(item), "value": masked(key, item.value)}
        raise ControlError(NOT_FOUND, unknown_setting(key))

    def set(self, params: Params) -> object:
        """Change settings, all of them or none."""
        values = params.get("values")
        if not isinstance(values, dict) or not values:
            raise ControlError(INVALID_PARAMS, 'give "values" as an object of setting and new value')
        changes = {str(key): None if value is None else str(value) for key, value in values.items()}
        faults = self.faults(changes)
        if faults:
            raise all_faults(faults)
        self._settings.set_many(changes)
        return {"changed": sorted(changes), "restart": sorted(self._apply(changes))}

    def faults(self, changes: Mapping[str, str | None]) -> list[str]:
        """Every fault that the changes would bring.

        A stored setting that was no good before does not stand in the way of the others.
        """
        stored = self._settings.get_all()
        merged = {key: value for key, value in {**stored, **changes}.items() if value is not None}
        # A setting that is to go back to its default must exist, too.
        unknown = {key: "" for key in changes if key not in stored and not setting_exists(key)}
        before = _faults_of(stored)
        faults = [
            fault
            for fault in _faults_of({**unknown, **merged})
            if fault not in before or not names_in(fault).isdisjoint(changes)
        ]
        faults += self.faults_of_masks(changes)
        if not faults and any(key.startswith("hardware.") for key in changes):
            faults = _board_faults(merged)
        return faults

    @staticmethod
    def faults_of_masks(changes: Mapping[str, str | None]) -> list[str]:
        """Secrets that were given as they are shown."""
        return [
            f"{key}: {MASKED} only stands for it; give the new value" for key in SECRETS if changes.get(key) == MASKED
        ]


def _faults_of(values: Mapping[str, str]) -> list[str]:
    try:
        parse_configuration(values)
    except ConfigurationError as error:
        return error.faults
    return []


def _board_faults(values: Mapping[str, str]) -> list[str]:
    """What keeps the board profile of these settings from being used."""
    hardware = {key: value for key, value in values.items() if key.startswith("hardware.") and setting_exists(key)}
    try:
        load_profile(parse_configuration(hardware).hardware)
    except (ConfigurationError, ProfileError) as error:
        return [f"hardware.board: {error}"]
    return []


def masked(key: str, value: str) -> str:
    """A value as it may be shown."""
    return MASKED if value and key in SECRETS else value
