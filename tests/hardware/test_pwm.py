"""Tones on PWM outputs, against a folder that looks as the kernel's."""

import os

import pytest

from device.hardware.board import Board
from device.hardware.errors import LineError, LineTakenError
from device.hardware.interfaces import PwmSpec
from device.hardware.mock_chip import MockChip
from device.hardware.pwm import SysfsPwm, ToneDrive
from tests.support.desk_bench import make_profile


@pytest.fixture
def folder(tmp_path):
    """/sys/class/pwm with one controller of which channel 0 has been exported."""
    device = tmp_path / "devices" / "fe20c000.pwm"
    chip = tmp_path / "class" / "pwmchip0"
    device.mkdir(parents=True)
    (chip / "pwm0").mkdir(parents=True)
    os.symlink(device, chip / "device")
    for name in ("enable", "period", "duty_cycle"):
        (chip / "pwm0" / name).write_text("0\n")
    return tmp_path / "class"


def read(folder, name):
    return int((folder / "pwmchip0" / "pwm0" / name).read_text())


@pytest.mark.parametrize("chip", ["pwmchip0", "fe20c000.pwm"])
def test_a_tone_has_its_period_and_half_of_it_high(folder, chip):
    pwm = SysfsPwm("ringer", PwmSpec(chip, 0), str(folder))
    pwm.sound(2000)
    assert (read(folder, "period"), read(folder, "duty_cycle"), read(folder, "enable")) == (500_000, 250_000, 1)
    pwm.silence()
    assert (read(folder, "duty_cycle"), read(folder, "enable")) == (0, 0)
    pwm.sound(1000)
    pwm.close()
    assert read(folder, "enable") == 0


def test_what_the_last_program_left_sounding_is_silenced_at_once(folder):
    (folder / "pwmchip0" / "pwm0" / "enable").write_text("1\n")
    SysfsPwm("ringer", PwmSpec("pwmchip0", 0), str(folder))
    assert read(folder, "enable") == 0


def test_duty_is_never_longer_than_the_period_on_the_way_to_a_higher_tone(folder, monkeypatch):
    pwm = SysfsPwm("ringer", PwmSpec("pwmchip0", 0), str(folder))
    pwm.sound(500)
    states = []
    put = pwm._set

    def watch(name, value):
        put(name, value)
        states.append((read(folder, "duty_cycle"), read(folder, "period")))

    monkeypatch.setattr(pwm, "_set", watch)
    pwm.sound(5000)
    assert all(duty <= period for duty, period in states)
    assert states[-1] == (100_000, 200_000)


def test_a_controller_that_is_not_there_lists_those_that_are(folder):
    with pytest.raises(LineError, match=r"no PWM controller 'pwmchip7' here; there are: pwmchip0 \(fe20c000\.pwm\)"):
        SysfsPwm("ringer", PwmSpec("pwmchip7", 0), str(folder))
    with pytest.raises(LineError, match="there are: none"):
        SysfsPwm("ringer", PwmSpec("pwmchip0", 0), str(folder / "nothing"))


class TestExport:
    """What the kernel says to a channel that is not exported yet."""

    def open(self, folder, monkeypatch, error):
        def refuse(path, value):
            assert path.endswith("pwmchip0/export")
            assert value == 1
            raise error

        monkeypatch.setattr("device.hardware.pwm._write", refuse)
        return SysfsPwm("ringer", PwmSpec("pwmchip0", 1), str(folder))

    def test_taken_by_a_driver(self, folder, monkeypatch):
        with pytest.raises(LineTakenError, match=r"channel 1 of pwmchip0 is in use .*/sys/kernel/debug/pwm"):
            self.open(folder, monkeypatch, OSError(16, "Device or resource busy"))

    def test_no_such_channel(self, folder, monkeypatch):
        with pytest.raises(LineError, match=r"is not there; `cat .*npwm`"):
            self.open(folder, monkeypatch, OSError(22, "Invalid argument"))

    def test_no_permission(self, folder, monkeypatch):
        with pytest.raises(LineError, match=r"no permission to write .*udev rules"):
            self.open(folder, monkeypatch, PermissionError(13, "Permission denied", "export"))


def test_two_tones_take_turns_while_a_burst_lasts():
    chip = MockChip()
    output = chip.request_pwm("ringer", PwmSpec("pwmchip0", 0))
    drive = ToneDrive(output, (1300, 1600), 50)
    heard = []
    drive.start(0.0)
    while len(heard) < 4:
        heard.append(chip.tone("ringer"))
        drive.handle_timeout(drive.next_timeout())
    assert heard == [1300, 1600, 1300, 1600]
    drive.stop()
    assert chip.tone("ringer") == 0
    assert drive.next_timeout() is None


def test_one_tone_needs_no_timer_and_a_board_ends_it():
    chip = MockChip()
    board = Board(make_profile(ringer={"kind": "pwm", "tones_hz": [2700]}), chip)
    board.ringer.start("eu", 0.0)
    assert chip.tone("ringer") == 2700
    board.handle_timeout(1.0)
    assert chip.tone("ringer") == 0
    board.handle_timeout(5.0)
    assert chip.tone("ringer") == 2700
    board.close()
    assert chip.tone("ringer") == 0


def test_a_simulated_output_is_taken_once():
    chip = MockChip()
    chip.request_pwm("ringer", PwmSpec("pwmchip0", 0))
    with pytest.raises(LineError, match="in use already"):
        chip.request_pwm("ringer", PwmSpec("pwmchip0", 0))
    with pytest.raises(LineError, match="no PWM output of that name"):
        chip.tone("other")
