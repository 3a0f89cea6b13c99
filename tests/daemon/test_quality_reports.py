"""Which calls a collector is told of (RFC 6035), and what happens when it cannot be."""

from dataclasses import dataclass, field

import pytest

from device.daemon.quality_reports import CALLS_KEPT, QualityReports
from device.media.call_quality import Sampled, summarize
from device.model import CallId
from device.sip.dialog import Dialog
from device.sip.errors import SipStateError
from device.sip.headers import NameAddr
from device.sip.uri import parse_uri
from tests.media.test_session_report import REPORT

COLLECTOR = "sip:quality@192.0.2.8"
QUALITY = summarize(REPORT, Sampled(), Sampled(), Sampled(), (0, 0))


@dataclass
class Agent:
    """A user agent whose calls all have a dialog."""

    published: list[tuple[str, str | None, bytes]] = field(default_factory=list)
    refusal: str = ""
    has_dialog: bool = True

    def dialog_of(self, call_id: CallId) -> Dialog | None:
        local = NameAddr("", parse_uri("sip:1001@pbx")).with_tag("mine")
        remote = NameAddr("Anna", parse_uri("sip:1002@pbx")).with_tag("theirs")
        return Dialog(f"{call_id}@host", local, remote, remote.uri) if self.has_dialog else None

    def publish(
        self, target: str, account_id: str | None, package: str, content: tuple[str, bytes], now: float
    ) -> None:
        if self.refusal:
            raise SipStateError(self.refusal)
        assert (package, content[0]) == ("vq-rtcpxr", "application/vq-rtcpxr")
        self.published.append((target, account_id, content[1]))


class Line:
    def media_address(self, call_id: CallId) -> tuple[str, int]:
        return "192.0.2.1", 16384

    def account_of(self, call_id: CallId) -> str:
        return "office"


def reports(agent: Agent) -> QualityReports:
    return QualityReports(COLLECTOR, 300, agent, Line(), lambda: 1_700_000_000.0)  # type: ignore[arg-type]


def test_a_call_is_told_once_by_its_account() -> None:
    agent = Agent()
    told = reports(agent)
    told.established(CallId("out-1"))
    for _ in range(2):
        told.ended(CallId("out-1"), REPORT, QUALITY, 0.0)
    ((target, account_id, body),) = agent.published
    assert (target, account_id) == (COLLECTOR, "office")
    assert b"CallID: out-1@host\r\nLocalID: <sip:1001@pbx>\r\n" in body
    assert b"Timestamps:START=2023-11-14T22:13:20Z STOP=2023-11-14T22:13:20Z" in body
    assert body.endswith(b"DialogID: out-1@host;to-tag=theirs;from-tag=mine\r\n")


def test_a_call_that_was_never_established_is_not_told() -> None:
    agent = Agent(has_dialog=False)
    told = reports(agent)
    told.established(CallId("in-1"))
    told.ended(CallId("in-1"), REPORT, QUALITY, 0.0)
    told.ended(CallId("in-2"), REPORT, QUALITY, 0.0)
    assert agent.published == []


def test_a_collector_that_cannot_be_told_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    told = reports(Agent(refusal="no way there"))
    told.established(CallId("in-1"))
    told.ended(CallId("in-1"), REPORT, QUALITY, 0.0)
    assert f"its quality could not be told to {COLLECTOR}: no way there" in caplog.text


def test_calls_that_are_remembered_are_bounded() -> None:
    agent = Agent()
    told = reports(agent)
    for number in range(3 * CALLS_KEPT):
        told.established(CallId(f"in-{number}"))
    for number in range(3 * CALLS_KEPT):
        told.ended(CallId(f"in-{number}"), REPORT, QUALITY, 0.0)
    assert len(agent.published) == CALLS_KEPT
