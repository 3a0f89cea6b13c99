"""The tones of the national plans, as text of `tone_notation`. Data, no behaviour; loaded with the first tone.

Sources: ITU-T E.180 supplement 2 (2003, "Various tones used in national networks"); for Australia AS/ACIF S002, for
the United Kingdom BT SIN 350, for New Zealand PTC 200 and TNA 102, for Singapore IDA TS PSTN 1, for North America
GR-506. What a plan leaves out comes from the plan "itu".
"""

STUTTERS, STUTTER_MS = 10, 100
"""Dial tone that begins with so many short bursts tells of waiting messages (E.182, special dial tone)."""

_SIT = "950/330,1400/330,1800/330,0/1000"
"""The special information tone of E.180 section 7: three rising tones of 330 ms each."""

PLANS: dict[str, dict[str, str]] = {
    "itu": {
        "DIAL": "425",
        "SECOND_DIAL": "425/400,0/40",
        "RINGBACK": "425/1000,0/4000",
        "BUSY": "425/500,0/500",
        "REORDER": "425/250,0/250",
        "CALL_WAITING": "425/200,0/600,425/200,0/10000",
        "SPECIAL_INFORMATION": _SIT,
        "CONFIRMATION": "!425/100,!0/100,!425/100,!0/100,!425/100,!0/100",
        "HOLD_REMINDER": "!425/100,!0/200,!425/100,!0/200",
        # The receiver off-hook signal of North America (GR-506, E.180 supplement 2), understood everywhere.
        "HOWLER": "1400+2060+2450+2600/100,0/100",
    },
    "at": {
        "DIAL": "420",
        "RINGBACK": "420/1000,0/5000",
        "BUSY": "420/400,0/400",
        "REORDER": "420/200,0/200",
        "CALL_WAITING": "420/40,0/1960",
        "SPECIAL_INFORMATION": "950/330,1450/330,1850/330,0/1000",
    },
    "au": {
        "DIAL": "413+438",
        "RINGBACK": "413+438/400,0/200,413+438/400,0/2000",
        "BUSY": "425/375,0/375",
        "REORDER": "425/375,0/375",
        "CALL_WAITING": "425/200,0/200,425/200,0/4400",
        "SPECIAL_INFORMATION": "425/2500,0/500",
    },
    "be": {
        "RINGBACK": "425/1000,0/3000",
        "REORDER": "425/167,0/167",
        "CALL_WAITING": "1400/175,0/175,1400/175,0/3500",
        "SPECIAL_INFORMATION": "900/330,1400/330,1800/330,0/1000",
    },
    "br": {
        "BUSY": "425/250,0/250",
        "REORDER": "425/250,0/250,425/750,0/250",
        "CALL_WAITING": "425/50,0/1000",
    },
    "ca": {},
    "ch": {"REORDER": "425/200,0/200", "CALL_WAITING": "425/200,0/200,425/200,0/4000"},
    "cn": {
        "DIAL": "450",
        "RINGBACK": "450/1000,0/4000",
        "BUSY": "450/350,0/350",
        "REORDER": "450/700,0/700",
        "CALL_WAITING": "450/400,0/4000",
        "SPECIAL_INFORMATION": "450/100,0/100,450/100,0/100,450/100,0/100,450/400,0/400",
        "CONFIRMATION": "!450/100,!0/100,!450/100,!0/100,!450/100,!0/100",
    },
    "cz": {
        "DIAL": "425/330,0/330,425/660,0/660",
        "BUSY": "425/330,0/330",
        "REORDER": "425/165,0/165",
        "CALL_WAITING": "425/330,0/9000",
        "SPECIAL_INFORMATION": "950/330,0/30,1400/330,0/30,1800/330,0/1000",
    },
    "de": {
        "BUSY": "425/480,0/480",
        "REORDER": "425/240,0/240",
        "CALL_WAITING": "425/200,0/200,425/200,0/5000",
    },
    "dk": {"REORDER": "425/200,0/200", "CALL_WAITING": "425/200,0/600,425/200,0/3000"},
    "es": {
        "RINGBACK": "425/1500,0/3000",
        "BUSY": "425/200,0/200",
        "REORDER": "425/200,0/200,425/200,0/200,425/200,0/600",
        "CALL_WAITING": "425/175,0/175,425/175,0/3500",
    },
    "fi": {"BUSY": "425/300,0/300", "REORDER": "425/200,0/200", "CALL_WAITING": "425/150,0/150,425/150,0/8000"},
    "fr": {
        "DIAL": "440",
        "RINGBACK": "440/1500,0/3500",
        "BUSY": "440/500,0/500",
        "REORDER": "440/250,0/250",
        "CALL_WAITING": "440/300,0/10000",
        "CONFIRMATION": "!440/100,!0/100,!440/100,!0/100,!440/100,!0/100",
    },
    "gr": {
        "DIAL": "425/200,0/300,425/700,0/800",
        "BUSY": "425/300,0/300",
        "REORDER": "425/200,0/200",
        "CALL_WAITING": "425/150,0/150,425/150,0/8000",
    },
    "hu": {
        "RINGBACK": "425/1250,0/3750",
        "BUSY": "425/300,0/300",
        "REORDER": "425/300,0/300",
        "CALL_WAITING": "425/40,0/1960",
    },
    "il": {
        "DIAL": "414",
        "RINGBACK": "414/1000,0/3000",
        "BUSY": "414/500,0/500",
        "REORDER": "414/250,0/250",
        "CALL_WAITING": "414/100,0/100,414/100,0/100,414/600,0/3000",
        "SPECIAL_INFORMATION": "1000/330,1400/330,1800/330,0/1000",
    },
    "in": {
        "DIAL": "400*25",
        "RINGBACK": "400*25/400,0/200,400*25/400,0/2000",
        "BUSY": "400/750,0/750",
        "REORDER": "400/250,0/250",
        "CALL_WAITING": "400/200,0/100,400/200,0/7500",
    },
    "it": {
        "DIAL": "425/200,0/200,425/600,0/1000",
        "REORDER": "425/200,0/200",
        "CALL_WAITING": "425/400,0/100,425/250,0/100,425/150,0/14000",
    },
    "jp": {
        "DIAL": "400",
        "RINGBACK": "400*16/1000,0/2000",
        "BUSY": "400/500,0/500",
        "REORDER": "400/500,0/500",
        "CALL_WAITING": "400*16/500,0/8000",
        "CONFIRMATION": "!400/100,!0/100,!400/100,!0/100,!400/100,!0/100",
    },
    "mx": {"BUSY": "425/250,0/250", "CALL_WAITING": "425/200,0/600,425/200,0/10000"},
    "nl": {"CALL_WAITING": "425/500,0/9500"},
    "no": {"REORDER": "425/200,0/200"},
    "nz": {
        "DIAL": "400",
        "RINGBACK": "400+450/400,0/200,400+450/400,0/2000",
        "BUSY": "400/500,0/500",
        "REORDER": "400/250,0/250",
        "CALL_WAITING": "400/200,0/3000",
        "SPECIAL_INFORMATION": "400/750,0/100,400/750,0/100,400/750,0/100,400/750,0/400",
    },
    "pl": {"REORDER": "425/500,0/500", "CALL_WAITING": "425/150,0/150,425/150,0/4000"},
    "pt": {"RINGBACK": "425/1000,0/5000", "REORDER": "425/200,0/200", "CALL_WAITING": "440/300,0/10000"},
    "ru": {"BUSY": "425/350,0/350", "REORDER": "425/175,0/175", "CALL_WAITING": "425/200,0/5000"},
    "se": {
        "RINGBACK": "425/1000,0/5000",
        "BUSY": "425/250,0/250",
        "REORDER": "425/250,0/750",
        "CALL_WAITING": "425/200,0/500,425/200,0/9100",
        "SPECIAL_INFORMATION": "950/332,0/24,1400/332,0/24,1800/332,0/2024",
    },
    "sg": {
        "RINGBACK": "425*24/400,0/200,425*24/400,0/2000",
        "BUSY": "425/750,0/750",
        "CALL_WAITING": "425*24/300,0/200,425*24/300,0/3200",
    },
    "tw": {
        "DIAL": "350+440",
        "RINGBACK": "440+480/1000,0/2000",
        "BUSY": "480+620/500,0/500",
        "REORDER": "480+620/250,0/250",
        "CALL_WAITING": "350+440/250,0/250,350+440/250,0/3250",
    },
    "uk": {
        "DIAL": "350+440",
        "RINGBACK": "400+450/400,0/200,400+450/400,0/2000",
        "BUSY": "400/375,0/375",
        "REORDER": "400/400,0/350,400/225,0/525",
        "CALL_WAITING": "400/100,0/4000",
        "SPECIAL_INFORMATION": "950/330,0/15,1400/330,0/15,1800/330,0/1000",
        "CONFIRMATION": "!1400/100,!0/100,!1400/100,!0/100,!1400/100,!0/100",
    },
    "us": {
        "DIAL": "350+440",
        "SECOND_DIAL": "!350+440/100,!0/100,!350+440/100,!0/100,!350+440/100,!0/100,350+440",
        "RINGBACK": "440+480/2000,0/4000",
        "BUSY": "480+620/500,0/500",
        "REORDER": "480+620/250,0/250",
        "CALL_WAITING": "440/300,0/9700",
        "SPECIAL_INFORMATION": "!950/330,!1400/330,!1800/330,!0/1000",
        "CONFIRMATION": "!350+440/100,!0/100,!350+440/100,!0/100,!350+440/100,!0/100",
    },
    "za": {
        "DIAL": "400*33",
        "RINGBACK": "400*33/400,0/200,400*33/400,0/2000",
        "BUSY": "400/500,0/500",
        "REORDER": "400/250,0/250",
        "CALL_WAITING": "400*33/250,0/250,400*33/250,0/250,400*33/250,0/250,400*33/250,0/250",
    },
}
SAME_AS = {"ca": "us"}
"""Countries that share another's plan."""
