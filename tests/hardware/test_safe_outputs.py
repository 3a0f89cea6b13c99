import json
import os

import pytest

from device.hardware.errors import HardwareError
from device.hardware.gpiod_chip import GpiodChip
from device.hardware.interfaces import LineSpec, PwmSpec
from device.hardware.mock_chip import MockChip
from device.hardware.profile import BoardProfile
from device.hardware.safe_outputs import (
    SafeOutputs,
    make_safe,
    outputs_of,
    outputs_path,
    record_outputs,
    recorded_outputs,
)
from tests.support.fake_gpio_kernel import FakeGpioKernel

OUTPUTS = SafeOutputs(
    "gpiod", {"relay.door": LineSpec("gpiochip0", 25), "ringer.0": LineSpec("gpiochip0", 18, active_low=True)}
)


def test_every_output_of_a_profile_and_the_relays_first():
    outputs = outputs_of(BoardProfile.load("simulated"))
    assert outputs.driver == "mock"
    names = list(outputs.lines)
    assert names[:2] == ["relay.door", "ringer.0"]
    assert {"lamp.registered", "keypad.row3"} <= set(names)
    assert not any(name.startswith(("hook", "button", "keypad.column", "dial")) for name in names)


def test_the_list_outlives_the_process_and_is_not_written_twice(tmp_path):
    path = outputs_path(str(tmp_path / "offhook.db"))
    assert recorded_outputs(path) is None
    record_outputs(path, OUTPUTS)
    assert recorded_outputs(path) == OUTPUTS
    before = os.stat(path)
    record_outputs(path, OUTPUTS)
    assert os.stat(path).st_ino == before.st_ino
    record_outputs(path, SafeOutputs("gpiod", {}))
    assert recorded_outputs(path) == SafeOutputs("gpiod", {})
    assert os.listdir(tmp_path) == ["outputs.json"]


def test_a_folder_that_cannot_be_written_to_is_told_and_stops_nothing(tmp_path, caplog):
    record_outputs(str(tmp_path / "nowhere" / "outputs.json"), OUTPUTS)
    assert "will not know the outputs" in caplog.text


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"driver": "gpiod"}',
        '{"driver": "steam", "outputs": []}',
        json.dumps({"driver": "gpiod", "outputs": [{"name": "x", "chip": "c", "line": None, "active_low": True}]}),
    ],
)
def test_a_damaged_list_says_what_to_type(tmp_path, text):
    (tmp_path / "outputs.json").write_text(text)
    with pytest.raises(HardwareError, match=r"is damaged .*offhook board safe --profile NAME"):
        recorded_outputs(str(tmp_path / "outputs.json"))


def test_a_list_that_cannot_be_read(tmp_path):
    with pytest.raises(HardwareError, match="cannot be read"):
        recorded_outputs(str(tmp_path))


def test_each_line_takes_its_inactive_level_and_is_given_back(tmp_path):
    kernel = FakeGpioKernel(tmp_path)
    header = kernel.add_chip("gpiochip0", names={})
    header.levels.update({25: True, 18: False})
    assert [result.state for result in make_safe(OUTPUTS, GpiodChip(kernel, kernel.folder))] == ["inactive"] * 2
    assert (header.levels[25], header.levels[18]) == (False, True)
    assert header.requests == {}


def test_a_line_that_somebody_holds_does_not_keep_the_others_from_it(tmp_path):
    kernel = FakeGpioKernel(tmp_path)
    header = kernel.add_chip("gpiochip0", names={})
    header.consumers[25] = "cat"
    door, bell = make_safe(OUTPUTS, GpiodChip(kernel, kernel.folder))
    assert (door.state, "in use by 'cat'" in door.fault) == ("failed", True)
    assert (bell.state, header.levels[18]) == ("inactive", True)


def test_a_running_phone_answers_for_its_lines(tmp_path):
    kernel = FakeGpioKernel(tmp_path)
    kernel.add_chip("gpiochip0", names={}).consumers[25] = "offhook relay.door"
    door, _ = make_safe(OUTPUTS, GpiodChip(kernel, kernel.folder))
    assert (door.state, door.fault) == ("held", "")


def test_a_bell_with_its_enable_and_a_tone_are_outputs_too(tmp_path):
    bell = {"kind": "bell", "lines": [18, 25], "enable": {"line": 24}}
    assert list(outputs_of(BoardProfile.from_mapping({"ringer": bell})).lines) == [
        "ringer.0",
        "ringer.1",
        "ringer.enable",
    ]
    outputs = outputs_of(BoardProfile.from_mapping({"driver": "mock", "ringer": {"kind": "pwm", "pwm_channel": 1}}))
    assert outputs.pwms == {"ringer": PwmSpec("pwmchip0", 1)}
    record_outputs(str(tmp_path / "outputs.json"), outputs)
    assert recorded_outputs(str(tmp_path / "outputs.json")) == outputs
    assert [(result.name, result.state) for result in make_safe(outputs)] == [("ringer", "inactive")]
    (result,) = make_safe(SafeOutputs("gpiod", {}, outputs.pwms), GpiodChip(folder=str(tmp_path)))
    assert "no PWM controller" in result.fault
    pulses = BoardProfile.from_mapping({"driver": "rpi-gpio", "ringer": {"kind": "pwm", "line": 18}})
    assert list(outputs_of(pulses).lines) == ["ringer"]


def test_the_simulated_board_has_nothing_to_break():
    assert {result.fault for result in make_safe(outputs_of(BoardProfile.load("simulated")), MockChip())} == {""}
    assert make_safe(SafeOutputs("mock", {})) == []
