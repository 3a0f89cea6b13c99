"""How a call sounded: two whole phones on loopback, with and without a bad network between them."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from device.control.errors import ControlError
from tests.support.daemons import CALLEE_WAV, PhoneDaemon, own_command, running
from tests.support.lossy_media import LossyMedia
from tests.support.processes import HOST, ROOT, wait_until

DIRECT = {"phone.direct_calls": "on"}


@pytest.fixture(scope="module")
def phones(tmp_path_factory) -> Iterator[tuple[PhoneDaemon, PhoneDaemon]]:
    folder = tmp_path_factory.mktemp("quality")
    first = PhoneDaemon("1001", folder, DIRECT)
    second = PhoneDaemon("1002", folder, DIRECT, microphone=CALLEE_WAV)
    with running(first, second):
        yield first, second


def talk(first: PhoneDaemon, second: PhoneDaemon, target: str, seconds: float) -> None:
    """A call of so many seconds, ended by the one who called."""
    first.place(target)
    second.expect_state("alerting")
    second.lift()
    second.expect_state("connected")
    first.expect_state("connected")
    first.listen(seconds)
    first.call("call.hangup")


def finished(phone: PhoneDaemon) -> dict[str, dict[str, float]]:
    """The report of the last call; its figures are there a moment after the call."""

    def known() -> dict[str, dict[str, float]] | None:
        report = phone.call("call.report", number=1)
        return report if report["quality"] else None  # type: ignore[return-value]

    return wait_until("the figures of the call", known)


def test_a_call_on_a_good_network(phones, tmp_path: Path) -> None:
    first, second = phones
    talk(first, second, second.target, 8.0)
    for phone in phones:
        report = finished(phone)
        quality, line = report["quality"], report["time_line"]
        assert quality["codec_sent"] == quality["codec_received"] == "PCMA"
        assert quality["packets_received"] > 300
        assert quality["loss_percent"] < 2
        assert quality["mos_listening"] > 4.2
        assert quality["mos_conversational"] > 4.1
        assert quality["buffer_mean_ms"] < 100
        assert len(line["jitter_ms"]) >= 7  # type: ignore[arg-type]
        assert -60 < max(line["heard_db"]) < 0  # type: ignore[call-overload]
        assert phone.call_log()[0]["mos"] == quality["mos_listening"]
    phone.rest()
    picture = tmp_path / "call.svg"
    words = own_command("call-report", "1", "--svg", str(picture), "--socket", str(first.socket_path))
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "MOS listening" in done.stdout
    assert ElementTree.parse(picture).getroot().tag.endswith("svg")


@pytest.mark.slow
def test_loss_and_delay_of_the_network_are_what_is_told(phones) -> None:
    first, second = phones
    second.rest()
    with LossyMedia(second.port, loss=0.08, delay_s=0.06) as network:
        talk(first, second, f"sip:offhook@{HOST}:{network.port}", 20.0)
        first.expect_state("idle")
        quality = finished(first)["quality"]
        share = 100 * network.lost / network.sent
    assert 4 < share < 13
    assert quality["loss_percent"] == pytest.approx(share, abs=1.5)
    assert quality["lost"] == pytest.approx(network.lost, abs=8)
    assert 118 < quality["round_trip_ms"] < 150, "twice 60 ms"
    assert 3.0 < quality["mos_listening"] < 4.1
    assert quality["mos_conversational"] < quality["mos_listening"]
    assert 2.5 < quality["remote_mos_listening"] < 4.2, "what the other phone told by RTCP XR"


def test_the_call_of_now(phones) -> None:
    first, second = phones
    first.rest()
    second.rest()
    with pytest.raises(ControlError, match="no call now"):
        first.call("call.report", number=0)
    first.place(second.target)
    second.expect_state("alerting")
    second.lift()
    first.expect_state("connected")
    first.listen(3.0)
    report = first.call("call.report")
    assert report["number"] == 0
    assert report["call"]["direction"] == "out"  # type: ignore[index]
    assert report["quality"]["packets_received"] > 50  # type: ignore[index]
    first.rest()
