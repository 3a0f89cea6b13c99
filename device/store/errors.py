"""Errors of the store; each text says what was wrong, with which file, and what to do next."""

from device.errors import DeviceError


class StoreError(DeviceError):
    """The store could not do what was asked; nothing of it has been written."""


class StoreBusyError(StoreError):
    """Another process has the database open."""


class StoreDamagedError(StoreError):
    """The database file is not what SQLite wrote."""


class StoreUnwritableError(StoreError):
    """The place of the store cannot be written: a read-only file system, a full card, missing rights."""


class SchemaTooNewError(StoreError):
    """The file was written by a newer offhook than this one."""


class DuplicateError(StoreError):
    """An entry of that name exists already."""


class UnknownEntryError(StoreError):
    """There is no entry of that name."""
