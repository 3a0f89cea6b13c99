"""The E-model (ITU-T G.107): from delay, loss and codec to a rating of 0 to 100 and a mean opinion score.

Its wide-band form (G.107.1) is here as far as a packet telephone knows its inputs: codec, loss and delay.
"""

from math import exp, log2, log10

from device.records import dataclass

SPEECH_WEIGHT = 95.0
"""What Ie-eff grows towards when everything is lost (G.107 clause 3.5)."""
WIDE_BAND_SCALE = 1.29
"""R of G.107.1 reaches 129; divided by this it serves the formula of the opinion score (its Annex A)."""
WIDE_BAND_BEST = 129.0
DELAY_LIMIT_MS = 100.0
"""mT: up to here delay is not noticed (Table 1)."""


@dataclass(frozen=True, slots=True)
class Transmission:
    """The inputs of G.107, with the defaults of its Table 2."""

    slr_db: float = 8.0
    rlr_db: float = 2.0
    stmr_db: float = 15.0
    lstr_db: float = 18.0
    ds: float = 3.0
    dr: float = 3.0
    telr_db: float = 65.0
    wepl_db: float = 110.0
    t_ms: float = 0.0
    """Mean one-way delay of the echo path."""
    tr_ms: float = 0.0
    """Round trip in the four-wire loop."""
    ta_ms: float = 0.0
    """Delay from mouth to ear."""
    qdu: float = 1.0
    ie: float = 0.0
    bpl: float = 4.3
    ppl: float = 0.0
    """Loss in per cent."""
    burst_r: float = 1.0
    nc_dbm0p: float = -70.0
    nfor_dbmp: float = -64.0
    ps_dba: float = 35.0
    pr_dba: float = 35.0
    advantage: float = 0.0


def rating(path: Transmission) -> float:
    """R (clause 3)."""
    noise = _noise(path)
    basic = 15.0 - 1.5 * (path.slr_db + noise)
    sidetone = _sidetone(path)
    together = _loudness(path, noise) + sidetone + _quantising(path, basic)
    late = _talker_echo(path, noise, sidetone) + _listener_echo(path, basic) + delay_impairment(path.ta_ms)
    equipment = effective_equipment(path.ie, path.bpl, path.ppl, path.burst_r)
    return basic - together - late - equipment + path.advantage


def wide_band_rating(ie: float, bpl: float, ppl: float, burst_r: float, ta_ms: float) -> float:
    """R of G.107.1, up to 129, without echo and with its other defaults; `ie` and `bpl` are those of wide-band."""
    return WIDE_BAND_BEST - delay_impairment(ta_ms) - effective_equipment(ie, bpl, ppl, burst_r)


def opinion_score(r: float) -> float:
    """MOS of a narrow-band rating (Annex B)."""
    if r <= 0:
        return 1.0
    if r >= 100:
        return 4.5
    return max(1.0, 1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6)


def effective_equipment(ie: float, bpl: float, ppl: float, burst_r: float) -> float:
    """Ie-eff (clause 3.5): what codec and loss together take away."""
    if ppl <= 0:
        return ie
    return ie + (SPEECH_WEIGHT - ie) * ppl / (ppl / burst_r + bpl)


def delay_impairment(ta_ms: float) -> float:
    """Idd (clause 3.4): what delay alone takes away, even without any echo."""
    if ta_ms <= DELAY_LIMIT_MS:
        return 0.0
    x = log2(ta_ms / DELAY_LIMIT_MS)
    return float(25.0 * ((1.0 + x**6) ** (1 / 6) - 3.0 * (1.0 + (x / 3) ** 6) ** (1 / 6) + 2.0))


def _noise(path: Transmission) -> float:
    """No (clause 3.1): circuit noise, rooms at both ends and the floor, as power."""
    overall = path.slr_db + path.rlr_db
    sent = path.ps_dba - path.slr_db - path.ds - 100.0 + 0.004 * (path.ps_dba - overall - path.ds - 14.0) ** 2
    heard = path.pr_dba + 10.0 * log10(1.0 + 10.0 ** ((10.0 - path.lstr_db) / 10.0))
    received = path.rlr_db - 121.0 + heard + 0.008 * (heard - 35.0) ** 2
    floor = path.nfor_dbmp + path.rlr_db
    return 10.0 * log10(sum(10.0 ** (level / 10.0) for level in (path.nc_dbm0p, sent, received, floor)))


def _loudness(path: Transmission, noise: float) -> float:
    """Iolr (clause 3.3): too loud."""
    x = (path.slr_db + path.rlr_db + 0.2 * (64.0 + noise - path.rlr_db)) / 8.0
    return float(20.0 * ((1.0 + x**8) ** (1 / 8) - x))


def _sidetone(path: Transmission) -> float:
    """Ist: the own voice in the ear."""
    power = 10.0 ** (-path.stmr_db / 10.0) + exp(-path.t_ms / 4.0) * 10.0 ** (-path.telr_db / 10.0)
    masked = -10.0 * log10(power)
    loud = 12.0 * (1.0 + ((masked - 13.0) / 6.0) ** 8) ** (1 / 8)
    soft = 28.0 * (1.0 + abs((masked + 1.0) / 19.4) ** 35) ** (1 / 35)
    return float(loud - soft - 13.0 * (1.0 + abs((masked - 3.0) / 33.0) ** 13) ** (1 / 13) + 29.0)


def _quantising(path: Transmission, basic: float) -> float:
    """Iq: quantising distortion units."""
    q = 37.0 - 15.0 * log10(path.qdu)
    g = 1.07 + 0.258 * q + 0.0602 * q * q
    y = (basic - 100.0) / 15.0 + 46.0 / 8.4 - g / 9.0
    return 15.0 * log10(1.0 + 10.0**y + 10.0 ** (46.0 / 30.0 - g / 40.0))


def _talker_echo(path: Transmission, noise: float, sidetone: float) -> float:
    """Idte (clause 3.4): below 1 ms it is side-tone."""
    if path.t_ms < 1.0:
        return 0.0
    loudness = path.telr_db - 40.0 * log10((1.0 + path.t_ms / 10.0) / (1.0 + path.t_ms / 150.0))
    loudness += 6.0 * exp(-0.3 * path.t_ms**2)
    if path.stmr_db < 9.0:
        loudness += sidetone / 2.0
    difference = -1.5 * (noise - path.rlr_db) - (80.0 + 2.5 * (loudness - 14.0))
    echo = (difference / 2.0 + (difference**2 / 4.0 + 100.0) ** 0.5 - 1.0) * (1.0 - exp(-path.t_ms))
    return float((echo**2 + sidetone**2) ** 0.5) if path.stmr_db > 20.0 else float(echo)


def _listener_echo(path: Transmission, basic: float) -> float:
    """Idle."""
    difference = basic - 10.5 * (path.wepl_db + 7.0) * (path.tr_ms + 1.0) ** -0.25
    return float(difference / 2.0 + (difference**2 / 4.0 + 169.0) ** 0.5)
