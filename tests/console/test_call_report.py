"""How a call sounded, in words."""

import pytest

from device.console.call_report import live_score, report_lines, verdict
from tests.support.answering_daemon import QUALITY, RECORD


def lines(quality: object = QUALITY, number: int = 1, call: object = RECORD) -> list[str]:
    return report_lines({"number": number, "call": call, "quality": quality, "time_line": None})


def test_every_figure_has_its_unit() -> None:
    told = lines()
    assert told[0].startswith("call 1 back, 2023-11-14 ")
    assert told[0].endswith("from Anna <sip:1002@pbx>, talked 1 min 00 s: answered")
    assert dict(line.split("  ", 1) for line in told[2:]).keys() >= {"MOS listening", "round trip", "sound card"}
    text = "\n".join(told)
    for words in (
        "4.19, good (R 85 of 93)",
        "PCMU heard, PCMA sent",
        "2940 packets, 470 kB",
        "60 on the network, 15 late, 2 discarded, 1 twice",
        "75 of 3000 (2.5 %), burst ratio 1.2, 1.5 s concealed",
        "3.5 ms, at most 9.0 ms",
        "24.5 ms, at most 31.0 ms",
        "7 packets of ours, jitter 2.0 ms",
        "4.3 listening, 4.2 conversational",
        "0 overruns, 1 underruns",
    ):
        assert words in text


def test_what_is_not_known_is_said() -> None:
    nothing = {name: None for name in QUALITY if name.startswith(("remote_", "r_", "mos_", "round_", "speech_"))}
    text = "\n".join(lines({**QUALITY, **nothing, "codec_received": "", "octets_sent": 2_500_000}))
    assert text.count("the other side sends no RTCP") == 2
    assert "- (nothing was heard)" in text
    assert "nothing heard, PCMA sent" in text
    assert "not told (RTCP XR, RFC 3611)" in text
    assert "2.5 MB" in text
    assert len(lines(None)) == 2


def test_the_call_of_now_and_a_missed_one() -> None:
    now = {"call": "c1", "direction": "out", "remote": "sip:1002@x", "remote_name": "", "seconds": 65}
    assert lines(number=0, call=now)[0] == "call of now to sip:1002@x, 1 min 05 s"
    assert lines(None, 3, {**RECORD, "answered_at": 0.0, "cause": "no answer"})[0].endswith(">: no answer")


def test_the_scale_of_a_wide_band_codec_is_told() -> None:
    assert "R 116 of 129, wide-band" in "\n".join(lines({**QUALITY, "wide_band": True, "r_listening": 116.0}))


@pytest.mark.parametrize(
    ("mos", "words"), [(4.41, "very good"), (4.1, "good"), (3.7, "some"), (3.2, "many"), (1.5, "nearly all")]
)
def test_scores_in_words(mos: float, words: str) -> None:
    assert verdict(mos).startswith(words)


def test_a_remote_name_cannot_move_the_cursor() -> None:
    assert "\x1b" not in "".join(lines({**QUALITY, "codec_received": "\x1b[2J"})[2:])


def test_the_score_of_a_call_in_progress() -> None:
    report = {
        "codec": "PCMA",
        "codec_received": "PCMU",
        "packets_expected": 100,
        "packets_missing": 0,
        "burst_ratio": 1.0,
        "round_trip_ms": 20.0,
        "buffer_ms": 40,
        "ptime_ms": 20,
    }
    assert live_score(report).startswith("4.41/4.3")
    assert live_score({"codec": "PCMA"}) == "-"
