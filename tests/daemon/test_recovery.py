"""After the phone has failed for good: outputs held off, a lamp that winks, an end, and a stop that is no end."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from device.daemon.notify import ServiceNotifier
from device.daemon.recovery import RETRY_S, Recovery, main, parse_options
from device.hardware.errors import LineError, LineTakenError
from device.hardware.interfaces import LineSpec, PwmOutput, PwmSpec
from device.hardware.mock_chip import MockChip
from device.hardware.safe_outputs import SafeOutputs, outputs_path, record_outputs
from tests.support.processes import ROOT

PWM = PwmSpec("pwmchip0", 0)
LINES = {
    "relay.door": LineSpec("raspberry-pi", 23),
    "ringer.0": LineSpec("raspberry-pi", 18, active_low=True),
    "lamp.registered": LineSpec("raspberry-pi", 22),
    "lamp.fault": LineSpec("raspberry-pi", 27),
}


class Bench:
    def __init__(self) -> None:
        self.now = 1000.0
        self.chip = MockChip(lambda: self.now)
        self.opened: list[str] = []
        self.stopped = 0

    def start(self, lines: dict[str, LineSpec] | None = LINES, pause_s: float = 600.0) -> Recovery:
        outputs = None if lines is None else SafeOutputs("gpiod", lines)
        return Recovery(outputs, self.open, ServiceNotifier({}), self.stop, self.now, pause_s)

    def open(self, driver: str) -> MockChip:
        self.opened.append(driver)
        return self.chip

    def stop(self) -> None:
        self.stopped += 1

    def run(self, recovery: Recovery, seconds: float) -> None:
        """Let time pass as the loop does."""
        end = self.now + seconds
        while not self.stopped and (deadline := recovery.pump(self.now)) is not None and deadline <= end:
            self.now = deadline
        self.now = end


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_every_output_is_held_off_and_the_fault_lamp_winks(bench: Bench) -> None:
    recovery = bench.start()
    bench.run(recovery, 10.0)
    assert bench.opened == ["gpiod"]
    assert {change.name for change in bench.chip.history() if change.active} == {"lamp.fault"}
    assert len([change for change in bench.chip.history("lamp.fault") if change.active]) >= 8
    assert bench.chip.level("ringer.0")
    assert not bench.chip.level("relay.door")
    assert bench.stopped == 0
    recovery.close()
    assert bench.chip.outputs() == {}
    assert not bench.chip.history("lamp.fault")[-1].active


def test_a_tone_that_a_controller_makes_by_itself_is_silenced_as_soon_as_it_can_be_had(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    channel = bench.chip.request_pwm("ringer", PWM)
    channel.sound(425)

    def refuse(name: str, spec: PwmSpec) -> PwmOutput:
        raise LineError(f"{name}: no permission to write {spec.chip}")

    monkeypatch.setattr(bench.chip, "request_pwm", refuse)
    outputs = SafeOutputs("gpiod", LINES, {"ringer": PWM})
    recovery = Recovery(outputs, bench.open, ServiceNotifier({}), bench.stop, bench.now, 600.0)
    bench.run(recovery, RETRY_S)
    assert "no permission to write pwmchip0" in caplog.text
    monkeypatch.undo()

    # As a controller goes on by itself until it is asked to be silent.
    def silence(name: str, spec: PwmSpec) -> PwmOutput:
        channel.silence()
        return channel

    monkeypatch.setattr(bench.chip, "request_pwm", silence)
    bench.run(recovery, RETRY_S)
    assert bench.chip.tone("ringer") == 0
    channel.sound(425)
    recovery.close()
    assert bench.chip.tone("ringer") == 0


def test_without_a_fault_lamp_the_first_one_winks(bench: Bench) -> None:
    bench.run(bench.start({name: spec for name, spec in LINES.items() if name != "lamp.fault"}), 3.0)
    assert any(change.active for change in bench.chip.history("lamp.registered"))


@pytest.mark.parametrize("lines", [None, {}, {"relay.door": LINES["relay.door"]}])
def test_it_ends_when_the_time_is_over_whatever_there_is_to_hold(
    bench: Bench, lines: dict[str, LineSpec] | None
) -> None:
    recovery = bench.start(lines, pause_s=60.0)
    bench.run(recovery, 59.0)
    assert (bench.stopped, recovery.is_over) == (0, False)
    bench.run(recovery, 1.0)
    assert (bench.stopped, recovery.is_over) == (1, True)


def test_an_output_that_is_taken_does_not_keep_the_others_and_is_asked_for_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    request = bench.chip.request_output

    def refuse(name: str, spec: LineSpec, initially: bool = False) -> object:
        if name == "relay.door":
            raise LineTakenError("line 23 is in use by 'other'", "other")
        return request(name, spec, initially)

    monkeypatch.setattr(bench.chip, "request_output", refuse)
    recovery = bench.start()
    bench.run(recovery, 3 * RETRY_S)
    assert set(bench.chip.outputs()) == set(LINES) - {"relay.door"}
    assert caplog.text.count("line 23 is in use by 'other'") == 1
    monkeypatch.undo()
    bench.run(recovery, RETRY_S)
    assert set(bench.chip.outputs()) == set(LINES)


def test_a_chip_that_appears_late_is_taken_then(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(_driver: str) -> MockChip:
        raise LineError("there is no GPIO chip")

    monkeypatch.setattr(bench, "open", absent)
    recovery = bench.start()
    bench.run(recovery, 1.0)
    assert bench.chip.outputs() == {}
    recovery._open_driver = lambda _driver: bench.chip
    bench.run(recovery, RETRY_S)
    assert set(bench.chip.outputs()) == set(LINES)


def test_a_lamp_that_fails_does_not_end_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    recovery = bench.start()
    bench.run(recovery, 0.05)

    def broken(_active: bool) -> None:
        raise LineError("lamp.fault: the line cannot be set")

    monkeypatch.setattr(recovery._held["lamp.fault"], "set", broken)
    bench.run(recovery, 1.0)
    assert "lamp.fault: the line cannot be set" in caplog.text
    recovery.close()


# The command.


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--for", "soon"], "--for soon: give whole seconds"),
        (["--for=0"], "at most 86400"),
        (["now"], "'now' is not an option of `offhook recover`"),
    ],
)
def test_words_that_cannot_be_understood(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert said in capsys.readouterr().err


def test_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "example: offhook recover --for 600" in capsys.readouterr().out


def test_the_store_is_where_the_unit_says() -> None:
    assert parse_options([], {"STATE_DIRECTORY": "/var/lib/offhook"}).store == "/var/lib/offhook/offhook.db"
    assert parse_options(["--store=/x/y.db"], {}).store == "/x/y.db"


def _process(store: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "device", "recover", "--store", str(store), *words]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def test_a_stop_is_told_from_the_end_of_the_time(tmp_path: Path) -> None:
    record_outputs(outputs_path(str(tmp_path / "offhook.db")), SafeOutputs("mock", LINES))
    over = _process(tmp_path / "offhook.db", "--for", "1")
    assert over.wait(30) == 0
    stopped = _process(tmp_path / "offhook.db", "--for", "600")
    assert stopped.stderr is not None
    assert "the phone has failed for good" in stopped.stderr.readline()
    stopped.terminate()
    assert stopped.wait(30) == -signal.SIGTERM
    for process in (over, stopped):
        assert process.stderr is not None
        process.stderr.close()


def test_a_list_that_is_damaged_is_told_and_no_reason_to_stop(tmp_path: Path) -> None:
    (tmp_path / "outputs.json").write_text("{")
    process = _process(tmp_path / "offhook.db", "--for", "1")
    assert process.wait(30) == 0
    assert process.stderr is not None
    assert "is damaged and names no outputs" in process.stderr.read()
    process.stderr.close()
