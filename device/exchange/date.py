"""The Date header field (RFC 3261 section 20.17): a point in time as text, reckoned without any clock."""

from device.annotations import Final

_WEEKDAYS: Final = ("Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed")
"""Unix time began on a Thursday."""
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS_OF_MONTHS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DAY_S: Final = 86_400


def sip_date(unix_s: float) -> str:
    """`Sat, 13 Nov 2010 23:29:00 GMT` for a time of 1970 or later in Unix seconds."""
    days, seconds = divmod(int(unix_s), _DAY_S)
    weekday = _WEEKDAYS[days % 7]
    year = 1970
    while days >= 365 + _is_leap(year):
        days -= 365 + _is_leap(year)
        year += 1
    month = 0
    while days >= (length := _DAYS_OF_MONTHS[month] + (month == 1 and _is_leap(year))):
        days -= length
        month += 1
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{weekday}, {days + 1:02} {_MONTHS[month]} {year:04} {clock} GMT"


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
