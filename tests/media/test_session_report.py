"""The session report of RFC 6035: its lines and figures, beside the grammar of section 4.6."""

import re

import pytest

from device.media.call_quality import CallQuality, Sampled, summarize
from device.media.session_report import Session, session_report
from device.media.stream_parameters import StreamReport
from device.records import replace
from device.rtp.extended_report import VoipMetrics
from tests.media.test_voip_metrics import HEARD

SESSION = Session(
    call_id="6dg37f1890463",
    local="sip:1001@pbx.example.com",
    remote="sip:1002@pbx.example.com",
    local_tag="9123dh311",
    remote_tag="8472761",
    is_caller=True,
    local_media=("192.0.2.1", 16384),
    group="office",
    start="2026-03-04T10:00:00Z",
    stop="2026-03-04T10:02:19Z",
)
REPORT = replace(
    HEARD,
    ssrc=0x1A3B5C7D,
    remote="192.0.2.9:5002",
    received_type=0,
    received_ms=20.0,
    packets_received=990,
    octets_received=158_400,
)
VOICE = VoipMetrics(0x1A3B5C7D, 13, 5, 51, 3, 120, 9000, 130, 90, signal_db=-21, r_factor=88, mos_listening=42)


def quality(report: StreamReport) -> CallQuality:
    return summarize(report, Sampled(2, 8.0, 5.0), Sampled(2, 80.0, 60.0), Sampled(2, 240.0, 130.0), (0, 0))


def lines(report: StreamReport = REPORT, session: Session = SESSION) -> list[str]:
    body = session_report(session, report, quality(report), 300).decode()
    assert body.endswith("\r\n")
    return body.split("\r\n")[:-1]


def figures(line: str) -> dict[str, str]:
    return dict(word.split("=", 1) for word in line.partition(":")[2].split())


def test_a_call_line_by_line() -> None:
    told = lines()
    assert told[:11] == [
        "VQSessionReport: CallTerm",
        "CallID: 6dg37f1890463",
        "LocalID: <sip:1001@pbx.example.com>",
        "RemoteID: <sip:1002@pbx.example.com>",
        "OrigID: <sip:1001@pbx.example.com>",
        "LocalAddr: IP=192.0.2.1 PORT=16384 SSRC=0x1a3b5c7d",
        "RemoteAddr: IP=192.0.2.9 PORT=5002 SSRC=0x0000004d",
        "LocalGroup: office",
        "RemoteGroup: unknown",
        "LocalMetrics:",
        "Timestamps:START=2026-03-04T10:00:00Z STOP=2026-03-04T10:02:19Z",
    ]
    by_name = {line.partition(":")[0]: figures(line) for line in told[11:-1]}
    assert by_name["SessionDesc"] == {
        "PT": "0", "PD": "PCMU", "SR": "8000", "FD": "20", "FO": "160", "FPP": "1", "PPS": "50", "PLC": "3",
        "SSUP": "off",
    }  # fmt: skip
    assert by_name["JitterBuffer"] == {"JBA": "3", "JBR": "2", "JBN": "40", "JBM": "60", "JBX": "300"}
    assert by_name["PacketLoss"] == {"NLR": "4.0", "JDR": "1.0"}
    assert by_name["BurstGapLoss"] == {"BLD": "50.0", "BD": "84", "GLD": "1.0", "GD": "5000", "GMIN": "16"}
    assert by_name["Delay"] == {"RTD": "120", "ESD": "80", "SOWD": "140", "IAJ": "4"}
    assert by_name["Signal"] == {"SL": "-20"}
    assert by_name["QualityEst"]["QoEEstAlg"] == "G.107"
    assert 3.0 < float(by_name["QualityEst"]["MOSCQ"]) <= float(by_name["QualityEst"]["MOSLQ"]) < 4.41
    assert told[-1] == "DialogID: 6dg37f1890463;to-tag=8472761;from-tag=9123dh311"


def test_who_was_called_has_the_tags_and_the_origin_the_other_way_round() -> None:
    told = lines(session=replace(SESSION, is_caller=False))
    assert "OrigID: <sip:1002@pbx.example.com>" in told
    assert told[-1] == "DialogID: 6dg37f1890463;to-tag=9123dh311;from-tag=8472761"


def test_what_the_far_end_told_of_us() -> None:
    told = lines(replace(REPORT, remote_voice=VOICE))
    remote = told[told.index("RemoteMetrics:") + 1 :]
    assert remote[0].startswith("Timestamps:START=")
    by_name = {line.partition(":")[0]: figures(line) for line in remote[1:-1]}
    assert by_name["PacketLoss"] == {"NLR": "5.1", "JDR": "2.0"}
    assert by_name["BurstGapLoss"] == {"BLD": "19.9", "BD": "120", "GLD": "1.2", "GD": "9000", "GMIN": "16"}
    assert by_name["Delay"] == {"RTD": "130", "ESD": "90"}
    assert by_name["Signal"] == {"SL": "-21"}
    assert by_name["QualityEst"] == {"RCQ": "88", "MOSLQ": "4.2"}
    assert "RemoteMetrics:" not in lines()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"received_ms": 40.0, "octets_received": 316_800}, ("40", "320", "1", "25")),
        (
            {"codec_received": "OPUS", "received_type": 96, "received_ms": 60.0, "octets_received": 99_000},
            ("20", "33", "3", "17"),
        ),
        ({"codec_received": "L16/16000", "octets_received": 633_600}, ("20", "640", "1", "50")),
    ],
)
def test_frames_and_packets(changes: dict[str, object], expected: tuple[str, ...]) -> None:
    (line,) = (line for line in lines(replace(REPORT, **changes)) if line.startswith("SessionDesc:"))
    described = figures(line)
    assert tuple(described[name] for name in ("FD", "FO", "FPP", "PPS")) == expected
    assert "/" not in described["PD"]


def test_a_call_in_which_nothing_was_heard() -> None:
    told = lines(StreamReport("PCMA", "192.0.2.9:5002", packets_sent=100))
    names = [line.partition(":")[0] for line in told]
    assert "SessionDesc" not in names
    assert "QualityEst" not in names
    assert "RemoteAddr: IP=192.0.2.9 PORT=5002 SSRC=0x00000000" in told


def test_an_ipv6_address_has_no_brackets() -> None:
    assert "RemoteAddr: IP=2001:db8::9 PORT=5002 SSRC=0x0000004d" in lines(replace(REPORT, remote="[2001:db8::9]:5002"))


def test_every_metric_is_spelt_as_the_grammar_has_it() -> None:
    """Section 4.6.2: NAME=number, and the ranges of RFC 3611."""
    for line in lines(replace(REPORT, remote_voice=VOICE)):
        if line.partition(":")[0] in ("JitterBuffer", "PacketLoss", "BurstGapLoss", "Delay", "Signal"):
            assert re.fullmatch(r"\w+:[A-Z]+=-?\d+(\.\d)?( [A-Z]+=-?\d+(\.\d)?)*", line)
