"""a=rtcp-xr (RFC 3611 section 5): what extended reports of RTP each side asks for, and what is agreed.

Loaded with the first description that has the attribute.
"""

ROUND_TRIP = "rcvr-rtt"
"""The one parameter that both sides must agree to (section 5.2); the others ask the other side for something."""
ROUND_TRIP_MODES = ("all", "sender")
WHAT_WE_SEND = ("voip-metrics",)


def parse_formats(value: str) -> dict[str, str]:
    """Name and value of each parameter; a maximum size behind a colon is left out."""
    found: dict[str, str] = {}
    for word in value.split():
        name, _, rest = word.partition("=")
        found.setdefault(name.lower(), rest.partition(":")[0].lower())
    return found


def answer_formats(offered: str, wanted: str) -> str:
    """The value of the attribute in our answer, "" for none: what we ask for, and the round trip as it was offered."""
    theirs, ours = parse_formats(offered), parse_formats(wanted)
    words = [word for word in wanted.split() if not word.startswith(ROUND_TRIP)]
    if ROUND_TRIP in ours and theirs.get(ROUND_TRIP) in ROUND_TRIP_MODES:
        words.append(f"{ROUND_TRIP}={theirs[ROUND_TRIP]}")
    return " ".join(words)


def agreed_formats(theirs: str, ours: str, they_send: bool) -> tuple[str, ...]:
    """What we send, by their description and ours of one exchange, as words of section 5.1.

    Only who sends sound can ask how it is heard; from others the attribute says what they could tell (section 5.2).
    """
    asked, said = parse_formats(theirs), parse_formats(ours)
    agreed = [name for name in WHAT_WE_SEND if name in asked and they_send]
    mode = asked.get(ROUND_TRIP, "")
    if mode in ROUND_TRIP_MODES and said.get(ROUND_TRIP) == mode:
        agreed.append(f"{ROUND_TRIP}={mode}")
    return tuple(agreed)
