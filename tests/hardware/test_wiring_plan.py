"""What is to be soldered: every line of a profile, and a supply pin wherever a part needs one."""

import pytest

from device.hardware.board_check import all_lines
from device.hardware.board_data import GROUND, board_names, load_board
from device.hardware.profile import BoardProfile
from device.hardware.wiring_plan import V3, V5, plan_wiring


def plan(board="raspberry-pi-4", **sections):
    return plan_wiring(BoardProfile.from_mapping({"name": "bench", **sections}, board=board), load_board(board))


def wires(part):
    return [(terminal.role, terminal.where()) for terminal in part.terminals]


@pytest.mark.parametrize("board", board_names())
@pytest.mark.parametrize("name", ["handset", "dial-phone", "door-station"])
def test_every_line_of_a_ready_profile_is_wired_and_no_pin_has_two_signals(name, board):
    profile = BoardProfile.load(f"{name}@{board}")
    made = plan_wiring(profile, load_board(board))
    terminals = [terminal for part in made.parts for terminal in part.terminals]
    signals = [terminal.pin for terminal in terminals if not terminal.supply]
    assert None not in signals
    assert len({(header.id, pin.number) for header, pin in signals}) == len(signals) == len(all_lines(profile))
    assert all(terminal.pin is not None for terminal in terminals if terminal.supply)


def test_a_contact_goes_to_ground_or_to_the_supply_if_the_pull_is_down():
    (part,) = plan(hook={"pin": 11}).parts
    assert wires(part) == [("", "pin 11 GPIO17"), ("", "pin 9 GND")]
    assert part.notes == ("closes while the handset is lifted",)
    (part,) = plan(buttons={"a": {"pin": 11, "bias": "pull-down", "active_low": False}}).parts
    assert part.terminals[1].supply == V3
    (part,) = plan(hook={"pin": 11, "bias": "none"}).parts
    assert "needs a resistor of its own" in part.notes[1]


def test_a_relay_goes_through_a_transistor_unless_its_input_is_low_active():
    (part,) = plan(relays={"door": {"pin": 22}}).parts
    assert (part.kind, part.marks) == ("transistor", ("relay",))
    assert [terminal.supply for terminal in part.terminals] == [V5, "", GROUND]
    (part,) = plan(relays={"door": {"pin": 22, "active_low": True}}).parts
    assert part.kind == "module"
    assert wires(part)[1] == ("IN", "pin 22 GPIO25")


def test_a_lamp_between_its_pin_and_ground_or_the_supply():
    (part,) = plan(lamps={"a": {"pin": 13}}).parts
    assert [terminal.supply for terminal in part.terminals] == ["", GROUND]
    (part,) = plan(lamps={"a": {"pin": 13, "active_low": True}}).parts
    assert [terminal.supply for terminal in part.terminals] == [V3, ""]


@pytest.mark.parametrize(
    ("ringer", "kind", "roles"),
    [
        ({"pins": [12]}, "transistor", ["", "", ""]),
        ({"kind": "generator", "pins": [12, 22]}, "module", ["VCC", "ON", "ON 2", "GND"]),
        ({"kind": "bell", "pins": [12, 22]}, "bridge", ["VCC", "IN1", "IN2", "GND"]),
        ({"kind": "bell", "pins": [12, 22], "enable": {"pin": 16}}, "bridge", ["VCC", "IN1", "IN2", "EN", "GND"]),
        ({"kind": "pwm"}, "piezo", ["", ""]),
        ({"kind": "sounder", "device": "hw:1"}, "card", []),
    ],
)
def test_ringers_of_all_kinds(ringer, kind, roles):
    (part,) = plan(ringer=ringer).parts
    assert (part.kind, [terminal.role for terminal in part.terminals]) == (kind, roles)


def test_a_pwm_channel_names_the_pins_that_may_have_it():
    (part,) = plan(ringer={"kind": "pwm", "pwm_channel": 1}).parts
    assert part.terminals[0].where() == "channel 1 of pwmchip0"
    assert "33, 35" in part.notes[0]
    (part,) = plan(driver="rpi-gpio", ringer={"kind": "pwm", "pin": 12}).parts
    assert part.terminals[0].where() == "pin 12 GPIO18"


def test_supply_pins_are_shared_by_few_and_near():
    made = plan(lamps={f"lamp{n}": {"pin": pin} for n, pin in enumerate((29, 31, 32, 33, 35, 36, 37, 38))})
    grounds = [terminal.pin[1].number for part in made.parts for terminal in part.terminals if terminal.supply]
    assert max(grounds.count(number) for number in grounds) <= 2
    assert set(grounds) <= {20, 25, 30, 34, 39}


def test_only_headers_that_are_used_are_shown():
    assert [header.id for header in plan("beaglebone-black", hook={"pin": "P8_7"}).headers] == ["bone-p8"]
    assert [header.id for header in plan("beaglebone-black").headers] == ["bone-p9"]


def test_a_line_on_no_header_has_words_instead_of_a_pin():
    (part,) = plan(hook={"line": 3, "chip": "pcf8574"}).parts
    assert part.terminals[0].pin is None
    assert part.terminals[0].where() == "line 3 of pcf8574"


def test_what_to_mind_is_about_the_pins_that_are_used():
    made = plan("raspberry-pi-3", hook={"pin": 8})
    assert any(remark.startswith("pin 8 (GPIO14): serial console") for remark in made.remarks())
    assert not any("GPIO2)" in remark for remark in made.remarks())
    assert list(made.uses()) == [("raspberry-40", 8), ("raspberry-40", 6)]
