"""The root of every error that offhook raises; each subpackage derives its own base from it."""


class DeviceError(Exception):
    """Something a caller may handle: the text says what was wrong, where, and what to do next."""
