"""The scripted call, its figures and its picture, in a world that only pretends."""

from pathlib import Path

import pytest

from device.demo import story as module
from device.demo.measure import Likeness
from device.demo.story import CallResult, Story, draw, introduce, ladder_rows, show_result
from device.demo.system import DemoError
from tests.demo.small_system import DELAY_S, SmallSystem


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallSystem:
    system = SmallSystem(tmp_path)
    monkeypatch.setattr(module, "time", system.clock)
    return system


@pytest.fixture
def said() -> list[str]:
    return []


def _play(system: SmallSystem, said: list[str]) -> tuple[Story, CallResult]:
    story = Story(system, said.append)  # type: ignore[arg-type]
    return story, story.play()


def test_the_call_is_played_and_measured(system: SmallSystem, said: list[str]) -> None:
    _, result = _play(system, said)
    assert result.faults() == []
    for like in result.likeness.values():
        assert like.correlation > 0.95
        assert like.delay_s == pytest.approx(DELAY_S, abs=0.002)
    assert result.post_dial_ms == pytest.approx(20.0)
    assert result.setup_ms > module.RING_S * 1000
    assert result.reports["1001"]["packets_sent"] == 400
    text = "\n".join(said)
    for words in ("1001 lifts the handset", "1002 rings", "ringer.0", "both speak", "1002 hangs up"):
        assert words in text


def test_silence_where_dial_tone_should_be_ends_the_story(system: SmallSystem, said: list[str]) -> None:
    heard = system.phones["1001"].heard
    heard.write_bytes(heard.read_bytes()[:44])
    with pytest.raises(DemoError, match="no dial tone"):
        _play(system, said)


def test_what_was_not_as_it_should_be_is_told() -> None:
    bad = CallResult(1.0, 1.0, {"1001": Likeness(0.2, 0.1, 1.0), "1002": Likeness(0.99, 0.1, 1.0)}, {"1001": {}})
    assert bad.faults() == ["1001 did not hear the other side well: correlation 0.200", "1002 gave no RTP figures"]


def test_the_figures_are_shown(said: list[str]) -> None:
    reports: dict[str, dict[str, object]] = {
        "1001": {"packets_sent": 400, "packets_received": 399, "packets_lost": 1, "jitter_ms": 0.4, "round_trip_ms": 2}
    }
    like = Likeness(0.987, 0.123, 1.0)
    show_result(CallResult(3000.0, 12.5, {"1001": like, "1002": like}, reports), said.append)
    text = "\n".join(said)
    for words in ("12.5 ms", "3000 ms", "correlation 0.987", "123 ms later", "399", "2.0 ms"):
        assert words in text
    assert said[-1].rstrip().endswith("-")


def test_the_picture_shows_both_phones(system: SmallSystem, said: list[str], tmp_path: Path) -> None:
    story, _ = _play(system, said)
    said.clear()
    path = draw(story, tmp_path, said.append)  # type: ignore[arg-type]
    text = "\n".join(said)
    for words in ("INVITE (SDP)", "180 Ringing", "(alerting)", "(connected)", "(busy-tone)"):
        assert words in text
    assert path.read_text().startswith("<svg")
    times = [row.at for row in ladder_rows(system, story.began)]  # type: ignore[arg-type]
    assert times == sorted(times)
    assert times[0] >= 0


def test_what_happened_before_the_story_is_not_in_the_picture(system: SmallSystem) -> None:
    system.phones["1001"].say("out", "REGISTER sip:x SIP/2.0\r\n\r\n")
    system.phones["1001"].tell("registration", {"state": "registered"})
    system.clock.now += 5
    began = system.clock.now
    system.phones["1001"].tell("phone", {"state": "idle", "previous": "", "at": began})
    assert ladder_rows(system, began) == []  # type: ignore[arg-type]


def test_without_ringing_there_is_no_delay_to_tell(system: SmallSystem, said: list[str]) -> None:
    story = Story(system, said.append)  # type: ignore[arg-type]
    assert story._post_dial_ms() == 0.0
    assert module._last_report(system.phones["1001"]) == {}  # type: ignore[arg-type]


def test_the_reader_is_told_what_runs_where(system: SmallSystem, said: list[str]) -> None:
    introduce(system, said.append)  # type: ignore[arg-type]
    assert "exchange listens at 127.0.0.1:5070" in said[0]
    assert "process 4711" in said[1]
