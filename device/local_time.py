"""The time zone in which this process tells times, where it is not the system's own; no root is needed for it."""

import os
import time

from device.annotations import Final

ZONE_FILES: Final = "/usr/share/zoneinfo"
_ZONE_FILE_MARK: Final = b"TZif"
"""How a compiled time zone begins (RFC 8536 section 3.1)."""
_RULE: Final = (
    r"(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)[+-]?\d{1,2}(?::\d{2}){0,2}"
    r"(?:(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)(?:[+-]?\d{1,2}(?::\d{2}){0,2})?(?:,(?:M\d{1,2}\.\d\.\d|J?\d{1,3})"
    r"(?:/[+-]?\d{1,3}(?::\d{2}){0,2})?){2})?"
)
"""A rule such as CET-1CEST,M3.5.0,M10.5.0/3 (POSIX XBD 8.3, with the extension of RFC 8536 section 3.3.1)."""
_NAME: Final = r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*"

_system_zone = os.environ.get("TZ")


def zone_fault(zone: str, files: str = ZONE_FILES) -> str:
    """What is wrong with a time zone, "" for nothing: a name of the IANA database, a rule, or "" for the system's."""
    import re  # noqa: PLC0415  # most phones have the system's zone

    if not zone or re.fullmatch(_RULE, zone):
        return ""
    if not re.fullmatch(_NAME, zone):
        return f"{zone!r} is neither a name such as Europe/Berlin nor a rule such as CET-1CEST,M3.5.0,M10.5.0/3"
    try:
        with open(os.path.join(files, zone), "rb") as file:
            if file.read(len(_ZONE_FILE_MARK)) == _ZONE_FILE_MARK:
                return ""
    except OSError:
        pass
    if os.path.isdir(files):
        return f"there is no time zone {zone!r} in {files}; write one such as Europe/Berlin, or a rule"
    return f"this system has no {files}: install tzdata, or write the rule, such as CET-1CEST,M3.5.0,M10.5.0/3"


def use_zone(zone: str) -> None:
    """Tell times in this zone from now on; "" goes back to the system's."""
    wanted = zone or _system_zone
    if wanted == os.environ.get("TZ"):
        return
    if wanted is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = wanted
    time.tzset()
