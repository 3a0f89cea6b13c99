"""What the exchange's store says of the world outside, as the exchange's cores take it."""

from collections.abc import Mapping

from device.exchange.numbers import NumberSettings
from device.exchange.trunks import OutsideConfiguration
from device.records import fields
from device.store.database import Database
from device.store.settings import Settings
from device.store.trunks import NumberPatterns, TrunkRoutes, Trunks


def load_outside(database: Database) -> OutsideConfiguration:
    """All that is configured of trunks and numbers. Raises StoreError."""
    return OutsideConfiguration(
        number_settings(Settings(database).get_all()),
        NumberPatterns(database).list(),
        Trunks(database).list(),
        TrunkRoutes(database).list(),
    )


def number_settings(stored: Mapping[str, str]) -> NumberSettings:
    """The settings of numbers out of all that are stored."""
    names = [item.name for item in fields(NumberSettings)]
    prefix = NumberSettings.SECTION + "."
    return NumberSettings(**{name: stored[prefix + name] for name in names if prefix + name in stored})
