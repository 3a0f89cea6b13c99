"""What the store says of the services, as their cores take it."""

from collections.abc import Mapping

from device.daemon.config import parse_section
from device.exchange.services.orders import PagingGroup
from device.exchange.services.settings import ServiceSettings
from device.sip.hop import bracketed
from device.store.database import Database
from device.store.paging import PagingGroups, StoredGroup
from device.store.settings import Settings


def service_values(stored: Mapping[str, str]) -> dict[str, str]:
    """The settings of services out of all that are stored."""
    prefix = ServiceSettings.SECTION + "."
    return {key: value for key, value in stored.items() if key.startswith(prefix)}


def load_settings(database: Database) -> ServiceSettings:
    """The settings of the services; what cannot be read has its default. Raises StoreError."""
    return parse_section(ServiceSettings, service_values(Settings(database).get_all()), [])


def load_groups(database: Database) -> tuple[PagingGroup, ...]:
    """Every paging group. Raises StoreError."""
    return tuple(map(_group, PagingGroups(database).list()))


def _group(stored: StoredGroup) -> PagingGroup:
    host, _, port = stored.multicast.rpartition(":")
    multicast = (host.strip("[]"), int(port)) if port else None
    return PagingGroup(stored.number, tuple(stored.members.split()), multicast, stored.codec)


def stored_group(group: PagingGroup) -> StoredGroup:
    """A group as the store keeps it."""
    multicast = f"{bracketed(group.multicast[0])}:{group.multicast[1]}" if group.multicast is not None else ""
    return StoredGroup(group.number, " ".join(group.members), multicast, group.codec)
