"""Ringing: cadence in time, and silence whenever it is asked for."""

import pytest

from device.hardware.cadences import COUNTRY_CADENCES, DISTINCTIVE_CADENCES, RingPattern
from device.hardware.errors import LineError
from device.hardware.ringer import Ringer, SteadyDrive
from tests.hardware.recording_line import RecordingLine


def make_ringer(lines=1, **options):
    taken = [RecordingLine() for _ in range(lines)]
    return Ringer(SteadyDrive(taken), **options), taken


def play(ringer, until):
    """Move the cadence on deadline by deadline; returns (time, sounding) at each."""
    course = []
    while (deadline := ringer.next_timeout()) is not None and deadline <= until:
        ringer.handle_timeout(deadline)
        course.append((round(deadline, 3), ringer.sounding))
    return course


def test_british_cadence():
    ringer, (line,) = make_ringer()
    ringer.start("uk", 10.0)
    assert line.active()
    assert play(ringer, 16.4) == [
        (10.4, False),
        (10.6, True),
        (11.0, False),
        (13.0, True),
        (13.4, False),
        (13.6, True),
        (14.0, False),
        (16.0, True),
        (16.4, False),
    ]


@pytest.mark.parametrize(("country", "on_s", "off_s"), [("us", 2, 4), ("de", 1, 4), ("fr", 1.5, 3.5), ("se", 1, 5)])
def test_cadence_of_one_burst(country, on_s, off_s):
    ringer, _ = make_ringer()
    ringer.start(country, 0.0)
    assert play(ringer, on_s + off_s) == [(on_s, False), (on_s + off_s, True)]


def test_stop_is_silence_at_once_and_nothing_follows():
    ringer, (line,) = make_ringer()
    ringer.start("us", 0.0)
    ringer.stop()
    assert not line.active()
    assert ringer.next_timeout() is None
    ringer.handle_timeout(100.0)
    assert not line.active()
    ringer.stop()
    assert ringer.pattern is None


def test_close_is_silence_too():
    ringer, (line,) = make_ringer()
    ringer.start("us", 0.0)
    ringer.close()
    assert not line.active()
    assert ringer.next_timeout() is None


def test_same_pattern_again_does_not_disturb_the_cadence():
    ringer, _ = make_ringer()
    ringer.start("us", 0.0)
    ringer.start("us", 1.5)
    assert ringer.next_timeout() == 2.0


def test_other_pattern_begins_with_its_first_burst():
    ringer, (line,) = make_ringer()
    ringer.start("us", 0.0)
    ringer.handle_timeout(2.0)
    ringer.start("bellcore-dr2", 3.0)
    assert line.active()
    assert ringer.next_timeout() == pytest.approx(3.8)


@pytest.mark.parametrize("name", ["default", "", "https://example.org/ring.wav"])
def test_unknown_pattern_rings_with_the_cadence_of_the_board(name):
    ringer, _ = make_ringer(cadence="us")
    ringer.start(name, 0.0)
    assert ringer.pattern == COUNTRY_CADENCES["us"]


def test_unknown_cadence_of_the_board_still_rings():
    ringer, _ = make_ringer(cadence="atlantis")
    ringer.start("default", 0.0)
    assert ringer.pattern == COUNTRY_CADENCES["eu"]


def test_name_is_understood_in_any_case():
    ringer, _ = make_ringer()
    ringer.start("Bellcore-dr3", 0.0)
    assert ringer.pattern == DISTINCTIVE_CADENCES["bellcore-dr3"]


def test_own_pattern():
    ringer, _ = make_ringer()
    ringer.start(RingPattern("own", ((100, 100),)), 0.0)
    assert play(ringer, 0.31) == [(0.1, False), (0.2, True), (0.3, False)]


def test_late_loop_rings_one_burst_and_not_several_to_catch_up():
    ringer, (line,) = make_ringer()
    ringer.start("uk", 0.0)
    ringer.handle_timeout(60.0)
    assert not ringer.sounding
    ringer.handle_timeout(60.2)
    assert ringer.sounding
    assert ringer.next_timeout() == pytest.approx(60.6)
    assert line.states == [False, True, False, True]


def test_two_lines_go_together():
    ringer, lines = make_ringer(2)
    ringer.start("us", 0.0)
    assert [line.active() for line in lines] == [True, True]
    ringer.handle_timeout(2.0)
    assert [line.active() for line in lines] == [False, False]


def test_failing_line_does_not_keep_the_other_one_sounding():
    ringer, (first, second) = make_ringer(2)
    ringer.start("us", 0.0)
    first.fails = True
    with pytest.raises(LineError):
        ringer.stop()
    assert not second.active()
    assert ringer.pattern is None


def test_board_without_ringer_keeps_the_cadence_in_silence():
    ringer, _ = make_ringer(0)
    ringer.start("us", 0.0)
    assert play(ringer, 2.0) == [(2.0, False)]


class AlternatingDrive:
    """What a bell with two coils will need: the seam is there."""

    def __init__(self):
        self.phases = []
        self.deadline = None

    def start(self, now):
        self.phases.append("a")
        self.deadline = now + 0.02

    def stop(self):
        self.phases.append("-")
        self.deadline = None

    def handle_timeout(self, now):
        if self.deadline is not None and now >= self.deadline:
            self.phases.append("b" if self.phases[-1] == "a" else "a")
            self.deadline += 0.02

    def next_timeout(self):
        return self.deadline


def test_drive_that_alternates_fits():
    drive = AlternatingDrive()
    ringer = Ringer(drive)
    ringer.start(RingPattern("short", ((90, 1000),)), 0.0)
    play(ringer, 0.5)
    assert "".join(drive.phases) == "-ababa-"
    assert ringer.next_timeout() == pytest.approx(1.09)


@pytest.mark.parametrize("pattern", [*COUNTRY_CADENCES.values(), *DISTINCTIVE_CADENCES.values()], ids=lambda p: p.name)
def test_every_cadence_sounds_and_pauses(pattern):
    assert pattern.steps
    assert all(on_ms >= 200 and off_ms >= 200 for on_ms, off_ms in pattern.steps)
    assert pattern.steps[-1][1] >= 1000
    assert pattern.name == pattern.name.lower()
