"""Ringing cadences: by country, and distinctive ones by name. Data, no behaviour.

Source: ITU-T E.180 supplement 2, "Various tones used in national networks" (ringing current), and Telcordia GR-506
for the distinctive ones. All times in milliseconds.
"""

from device.records import dataclass


@dataclass(frozen=True, slots=True)
class RingPattern:
    """A ringing cadence: (on, off) in milliseconds, repeated from the start until the call is answered."""

    name: str
    steps: tuple[tuple[int, int], ...]


def _pattern(name: str, *steps: tuple[int, int]) -> RingPattern:
    return RingPattern(name, steps)


COUNTRY_CADENCES: dict[str, RingPattern] = {
    pattern.name: pattern
    for pattern in (
        _pattern("at", (1000, 5000)),
        _pattern("au", (400, 200), (400, 2000)),
        _pattern("be", (1000, 3000)),
        _pattern("br", (1000, 4000)),
        _pattern("ca", (2000, 4000)),
        _pattern("ch", (1000, 4000)),
        _pattern("cn", (1000, 4000)),
        _pattern("cz", (1000, 4000)),
        _pattern("de", (1000, 4000)),
        _pattern("dk", (750, 7500)),
        _pattern("es", (1500, 3000)),
        _pattern("eu", (1000, 4000)),
        _pattern("fi", (1000, 4000)),
        _pattern("fr", (1500, 3500)),
        _pattern("gr", (1000, 4000)),
        _pattern("hu", (1250, 3750)),
        _pattern("ie", (400, 200), (400, 2000)),
        _pattern("in", (400, 200), (400, 2000)),
        _pattern("it", (1000, 4000)),
        _pattern("jp", (1000, 2000)),
        _pattern("nl", (1000, 4000)),
        _pattern("no", (1000, 4000)),
        _pattern("nz", (400, 200), (400, 2000)),
        _pattern("pl", (1000, 4000)),
        _pattern("pt", (1000, 5000)),
        _pattern("ru", (1000, 4000)),
        _pattern("se", (1000, 5000)),
        _pattern("sg", (400, 200), (400, 2000)),
        _pattern("uk", (400, 200), (400, 2000)),
        _pattern("us", (2000, 4000)),
        _pattern("za", (400, 200), (400, 2000)),
    )
}
"""By lower-case country code, "uk" for the United Kingdom, "eu" for the commonest European one."""

DISTINCTIVE_CADENCES: dict[str, RingPattern] = {
    pattern.name: pattern
    for pattern in (
        _pattern("bellcore-dr1", (2000, 4000)),
        _pattern("bellcore-dr2", (800, 400), (800, 4000)),
        _pattern("bellcore-dr3", (400, 200), (400, 200), (800, 4000)),
        _pattern("bellcore-dr4", (300, 200), (1000, 200), (300, 4000)),
        _pattern("bellcore-dr5", (500, 5500)),
        _pattern("door", (300, 200), (300, 1200)),
        _pattern("internal", (1000, 4000)),
        _pattern("external", (400, 200), (400, 2000)),
    )
}
"""By name, as an Alert-Info header or a feature asks for them."""
