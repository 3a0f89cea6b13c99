"""The time zones of each country whose tones there are, for the wizard; facts of the IANA time zone database.

Each with its rule in the form of POSIX (XBD 8.3), as it ends the database's compiled file: it serves where the system
has no such files. The zone in which most people live comes first.
"""

from device.annotations import Final

ZONES: Final[dict[str, dict[str, str]]] = {
    "at": {"Europe/Vienna": "CET-1CEST,M3.5.0,M10.5.0/3"},
    "au": {
        "Australia/Sydney": "AEST-10AEDT,M10.1.0,M4.1.0/3",
        "Australia/Brisbane": "AEST-10",
        "Australia/Adelaide": "ACST-9:30ACDT,M10.1.0,M4.1.0/3",
        "Australia/Darwin": "ACST-9:30",
        "Australia/Perth": "AWST-8",
        "Australia/Hobart": "AEST-10AEDT,M10.1.0,M4.1.0/3",
    },
    "be": {"Europe/Brussels": "CET-1CEST,M3.5.0,M10.5.0/3"},
    "br": {
        "America/Sao_Paulo": "<-03>3",
        "America/Manaus": "<-04>4",
        "America/Rio_Branco": "<-05>5",
        "America/Noronha": "<-02>2",
    },
    "ca": {
        "America/Toronto": "EST5EDT,M3.2.0,M11.1.0",
        "America/Halifax": "AST4ADT,M3.2.0,M11.1.0",
        "America/St_Johns": "NST3:30NDT,M3.2.0,M11.1.0",
        "America/Winnipeg": "CST6CDT,M3.2.0,M11.1.0",
        "America/Regina": "CST6",
        "America/Edmonton": "MST7MDT,M3.2.0,M11.1.0",
        "America/Vancouver": "PST8PDT,M3.2.0,M11.1.0",
    },
    "ch": {"Europe/Zurich": "CET-1CEST,M3.5.0,M10.5.0/3"},
    "cn": {"Asia/Shanghai": "CST-8"},
    "cz": {"Europe/Prague": "CET-1CEST,M3.5.0,M10.5.0/3"},
    "de": {"Europe/Berlin": "CET-1CEST,M3.5.0,M10.5.0/3"},
    "dk": {"Europe/Copenhagen": "CET-1CEST,M3.5.0,M10.5.0/3"},
    "es": {
        "Europe/Madrid": "CET-1CEST,M3.5.0,M10.5.0/3",
        "Atlantic/Canary": "WET0WEST,M3.5.0/1,M10.5.0",
    },
    "fi": {"Europe/Helsinki": "EET-2EEST,M3.5.0/3,M10.5.0/4"},
    "fr": {"Europe/Paris": "CET-1CEST,M3.5.0,M10.5.0/3"},
    "gr": {"Europe/Athens": "EET-2EEST,M3.5.0/3,M10.5.0/4"},
    "hu": {"Europe/Budapest": "CET-1CEST,M3.5.0,M10.5.0/3"},
    "il": {"Asia/Jerusalem": "IST-2IDT,M3.4.4/26,M10.5.0"},
    "in": {"Asia/Kolkata": "IST-5:30"},
    "it": {"Europe/Rome": "CET-1CEST,M3.5.0,M10.5.0/3"},
    "jp": {"Asia/Tokyo": "JST-9"},
    "mx": {
        "America/Mexico_City": "CST6",
        "America/Cancun": "EST5",
        "America/Chihuahua": "CST6",
        "America/Hermosillo": "MST7",
        "America/Tijuana": "PST8PDT,M3.2.0,M11.1.0",
    },
    "nl": {"Europe/Amsterdam": "CET-1CEST,M3.5.0,M10.5.0/3"},
    "no": {"Europe/Oslo": "CET-1CEST,M3.5.0,M10.5.0/3"},
    "nz": {"Pacific/Auckland": "NZST-12NZDT,M9.5.0,M4.1.0/3"},
    "pl": {"Europe/Warsaw": "CET-1CEST,M3.5.0,M10.5.0/3"},
    "pt": {
        "Europe/Lisbon": "WET0WEST,M3.5.0/1,M10.5.0",
        "Atlantic/Azores": "<-01>1<+00>,M3.5.0/0,M10.5.0/1",
    },
    "ru": {
        "Europe/Moscow": "MSK-3",
        "Europe/Kaliningrad": "EET-2",
        "Europe/Samara": "<+04>-4",
        "Asia/Yekaterinburg": "<+05>-5",
        "Asia/Omsk": "<+06>-6",
        "Asia/Krasnoyarsk": "<+07>-7",
        "Asia/Irkutsk": "<+08>-8",
        "Asia/Yakutsk": "<+09>-9",
        "Asia/Vladivostok": "<+10>-10",
        "Asia/Magadan": "<+11>-11",
        "Asia/Kamchatka": "<+12>-12",
    },
    "se": {"Europe/Stockholm": "CET-1CEST,M3.5.0,M10.5.0/3"},
    "sg": {"Asia/Singapore": "<+08>-8"},
    "tw": {"Asia/Taipei": "CST-8"},
    "uk": {"Europe/London": "GMT0BST,M3.5.0/1,M10.5.0"},
    "us": {
        "America/New_York": "EST5EDT,M3.2.0,M11.1.0",
        "America/Chicago": "CST6CDT,M3.2.0,M11.1.0",
        "America/Denver": "MST7MDT,M3.2.0,M11.1.0",
        "America/Phoenix": "MST7",
        "America/Los_Angeles": "PST8PDT,M3.2.0,M11.1.0",
        "America/Anchorage": "AKST9AKDT,M3.2.0,M11.1.0",
        "Pacific/Honolulu": "HST10",
    },
    "za": {"Africa/Johannesburg": "SAST-2"},
}
