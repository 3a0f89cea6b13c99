"""How calls sounded: with baresip behind a network that loses and delays, and told to a collector (SIPp, RFC 6035)."""

import re
from collections.abc import Iterator

import pytest

from tests.interop.test_baresip import Pair, pair_of
from tests.support.daemons import CALLEE_WAV, PhoneDaemon, running
from tests.support.lossy_media import LossyMedia
from tests.support.processes import HOST, wait_until
from tests.support.sipp import Sipp

pytestmark = pytest.mark.interop


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_collector_is_told_how_a_call_sounded(tmp_path, transport: str) -> None:
    collector = Sipp("take-quality-report", tmp_path, transport=transport, status=200)
    way = "" if transport == "udp" else ";transport=tcp"
    direct = {"phone.direct_calls": "on"}
    settings = {**direct, "sip.quality_collector": f"sip:quality@{collector.address}{way}"}
    caller = PhoneDaemon("caller", tmp_path, settings)
    callee = PhoneDaemon("callee", tmp_path, direct, microphone=CALLEE_WAV)
    try:
        with running(caller, callee):
            caller.place(callee.target)
            callee.expect_state("alerting")
            callee.lift()
            caller.expect_state("connected")
            caller.listen(3.0)
            caller.call("call.hangup")
            messages = collector.succeed()
            wait_until("the phone to have its answer", lambda: "vq-rtcpxr told to" in caller.log())
            invite = next(message for message in caller.messages("out", "INVITE"))
    finally:
        collector.stop()
    call_id = re.search(r"^Call-ID: *(\S+)", invite, re.MULTILINE)
    assert call_id is not None
    assert f"CallID: {call_id[1]}" in messages
    assert re.search(r"^SessionDesc:PT=8 PD=PCMA SR=8000 FD=20 FO=160 FPP=1 PPS=50 PLC=3 SSUP=off\s*$", messages, re.M)
    score = re.search(r"MOSLQ=(\d\.\d) MOSCQ=(\d\.\d) QoEEstAlg=G\.107", messages)
    assert score is not None
    assert 4.0 <= float(score[2]) <= float(score[1]) <= 4.5
    assert re.search(rf"^DialogID: {re.escape(call_id[1])};to-tag=\S+;from-tag=\S+", messages, re.M)


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> Iterator[Pair]:
    yield from pair_of(tmp_path_factory.mktemp("pair"))


@pytest.mark.parametrize(
    ("loss", "delay_s", "mos"), [(0.0, 0.0, (4.3, 4.42)), (0.1, 0.1, (2.6, 3.8))], ids=["good", "bad"]
)
def test_a_call_with_baresip_is_told_as_its_network_was(
    pair: Pair, loss: float, delay_s: float, mos: tuple[float, float]
) -> None:
    phone, baresip = pair.phone, pair.baresip
    with LossyMedia(baresip.port, loss, delay_s) as network:
        phone.place(f"sip:1002@{HOST}:{network.port}")
        baresip.expect("CALL_INCOMING")
        baresip.command("accept")
        phone.expect_state("connected")
        phone.listen(15.0)
        phone.rest()
        baresip.expect("CALL_CLOSED")
        share = 100 * network.lost / network.sent
    quality = wait_until("the figures of the call", lambda: phone.call("call.report", number=1)["quality"])
    assert quality["codec_received"] == "PCMA", quality
    assert quality["loss_percent"] == pytest.approx(share, abs=2)
    assert quality["expected"] > 500, quality
    assert mos[0] <= quality["mos_listening"] <= mos[1]
    assert 2000 * delay_s - 2 <= quality["round_trip_ms"] <= 2000 * delay_s + 40
    assert quality["remote_lost"] == pytest.approx(loss * quality["packets_sent"], abs=30)
    assert quality["mos_conversational"] <= quality["mos_listening"]
