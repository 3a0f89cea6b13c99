"""Board profiles: what a file says, and every fault in it at once."""

import pytest

from device.hardware.cadences import COUNTRY_CADENCES
from device.hardware.errors import ProfileError
from device.hardware.interfaces import LineSpec
from device.hardware.profile import BoardProfile, DialProfile, HookProfile, KeypadProfile, RelayProfile, RingerProfile
from device.hardware.profile_reader import builtin_profiles


def faults_of(**data):
    with pytest.raises(ProfileError) as caught:
        BoardProfile.from_mapping(data)
    return caught.value.faults


def test_everything_a_profile_can_say():
    profile = BoardProfile.from_mapping(
        {
            "name": "all",
            "driver": "gpiod",
            "chip": "gpiochip1",
            "hook": {"line": "HOOK", "active_low": False, "bias": "none", "debounce_ms": 5, "flash": False},
            "keypad": {"rows": [1, 2], "columns": [3], "keys": ["1", "2"], "chip": "pcf8574"},
            "dial": {"pulse": {"line": 4}, "off_normal": {"line": 5, "bias": "pull-down"}, "plan": "sweden"},
            "ringer": {"lines": [6, 7], "active_low": True, "cadence": "us"},
            "lamps": {"message": {"line": 8, "drive": "open-drain"}},
            "relays": {"door": {"line": 9, "max_pulse_s": 2.5}},
            "buttons": {"front": {"line": 10, "chip": "gpiochip0"}},
        }
    )
    assert profile == BoardProfile(
        name="all",
        driver="gpiod",
        hook=HookProfile(LineSpec("gpiochip1", "HOOK", False, "none", 5), flash=False),
        keypad=KeypadProfile(
            (LineSpec("pcf8574", 1, True, drive="open-drain"), LineSpec("pcf8574", 2, True, drive="open-drain")),
            (LineSpec("pcf8574", 3, True, "pull-up"),),
            ("1", "2"),
        ),
        dial=DialProfile(
            LineSpec("gpiochip1", 4, False, "pull-up", 6),
            LineSpec("gpiochip1", 5, True, "pull-down", 10),
            plan="sweden",
        ),
        ringer=RingerProfile((LineSpec("gpiochip1", 6, True), LineSpec("gpiochip1", 7, True)), "us"),
        lamps={"message": LineSpec("gpiochip1", 8, drive="open-drain")},
        relays={"door": RelayProfile(LineSpec("gpiochip1", 9), 2.5)},
        buttons={"front": LineSpec("gpiochip0", 10, True, "pull-up", 30)},
    )


def test_empty_profile_is_a_board_without_devices():
    profile = BoardProfile.from_mapping({})
    assert profile == BoardProfile("unnamed board", "gpiod")


@pytest.mark.parametrize("name", builtin_profiles())
def test_profiles_that_come_with_offhook_are_right(name):
    profile = BoardProfile.load(name)
    assert profile.name
    assert profile.driver in ("gpiod", "mock")


def test_four_profiles_come_with_offhook():
    assert builtin_profiles() == ["door-intercom", "raspberry-pi", "rotary", "simulated"]


def test_all_faults_are_listed_together():
    faults = faults_of(
        drivr="gpiod",
        hook={"line": -1, "flash": "yes", "debouce_ms": 3, "flash_min_ms": 900, "bias": "up"},
        ringer={"lines": [18, 19, 20], "cadence": "gb"},
        relays={"Door!": {"line": 18, "max_pulse_s": 0}},
    )
    assert faults == [
        "hook.bias: 'up' is not known; there are none, pull-up, pull-down",
        "hook.line: -1 is no line; numbers begin with 0",
        "hook.flash: 'yes' is not true or false",
        "hook.flash_max_ms: 800 is not more than flash_min_ms (900)",
        "hook.debouce_ms: unknown key, did you mean 'debounce_ms'?; "
        "there are chip, bias, line, active_low, debounce_ms, flash, flash_min_ms, flash_max_ms",
        "ringer.lines: has 3 lines; a ringer has one or two",
        f"ringer.cadence: 'gb' is not known; there are {', '.join(COUNTRY_CADENCES)}",
        "relays.Door!: a name has lower-case letters, digits, - and _ only",
        "relays.Door!.line: line 18 is taken by ringer.lines[0] already",
        "relays.Door!.max_pulse_s: 0 is not a number of seconds above 0 and up to 3600",
        "drivr: unknown key, did you mean 'driver'?; "
        "there are name, driver, chip, hook, keypad, dial, ringer, lamps, relays, buttons",
    ]


def test_text_of_the_error_names_the_file_and_all_faults():
    with pytest.raises(ProfileError, match=r"my\.toml: hook: is 3, not a table of keys; hook\.line: is missing"):
        BoardProfile.from_mapping({"hook": 3}, "my.toml")


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        ({"name": 3}, "name: 3 is not a text in quotes"),
        ({"driver": "gpio"}, "driver: 'gpio' is not known, did you mean 'gpiod'?; there are gpiod, rpi-gpio, mock"),
        (
            {"hook": {}},
            "hook.line: is missing; give the number of a line (BCM on a Raspberry Pi) or its name in quotes",
        ),
        (
            {"hook": {"line": 1.5}},
            "hook.line: 1.5 is no line; give the number of a line (BCM on a Raspberry Pi) or its name in quotes",
        ),
        (
            {"hook": {"line": True}},
            "hook.line: True is no line; give the number of a line (BCM on a Raspberry Pi) or its name in quotes",
        ),
        ({"hook": {"line": 1, "debounce_ms": True}}, "hook.debounce_ms: True is not a whole number"),
        ({"hook": {"line": 1, "debounce_ms": 2.5}}, "hook.debounce_ms: 2.5 is not a whole number"),
        ({"hook": {"line": 1, "debounce_ms": 5000}}, "hook.debounce_ms: 5000 is not between 0 and 500"),
        ({"dial": {}}, "dial.pulse: is missing; give a table with at least line = NUMBER"),
        (
            {"dial": {"pulse": {"line": 1}, "plan": "swedn"}},
            "dial.plan: 'swedn' is not known, did you mean 'sweden'?; there are international, sweden, new-zealand",
        ),
        ({"dial": {"pulse": {"line": 1, "debounce_ms": 40}}}, "dial.pulse.debounce_ms: 40 is not between 0 and 20"),
        (
            {"dial": {"pulse": {"line": 1}, "off_normal": {"line": 1}}},
            "dial.off_normal.line: line 1 is taken by dial.pulse.line already",
        ),
        ({"ringer": {}}, "ringer.lines: is missing; give a list in square brackets"),
        ({"ringer": {"lines": 18}}, "ringer.lines: 18 is not a list in square brackets with something in it"),
        ({"ringer": {"lines": []}}, "ringer.lines: [] is not a list in square brackets with something in it"),
        ({"lamps": [1]}, "lamps: is not a table; write [lamps.NAME] and the keys below it"),
        ({"lamps": {"a": 5}}, "lamps.a: is 5, not a table of keys"),
        (
            {"relays": {"a": {"line": 1, "max_pulse_s": "long"}}},
            "relays.a.max_pulse_s: 'long' is not a number of seconds above 0 and up to 3600",
        ),
    ],
)
def test_single_faults(data, fault):
    assert fault in faults_of(**data)


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        (["12", "34", "56"], 'must be 2 texts of 2 characters, one a row, such as "123"'),
        (["12", "345"], 'must be 2 texts of 2 characters, one a row, such as "123"'),
        (["12", 34], 'must be 2 texts of 2 characters, one a row, such as "123"'),
        (["12", "3x"], "x cannot be dialled; there are 0-9, *, # and A-D"),
        (["12", "32"], "2 is there more than once"),
    ],
)
def test_key_layout_must_fit_the_matrix(keys, fault):
    assert faults_of(keypad={"rows": [1, 2], "columns": [3, 4], "keys": keys}) == [f"keypad.keys: {fault}"]


def test_same_number_on_two_chips_is_no_conflict():
    BoardProfile.from_mapping({"hook": {"line": 1}, "buttons": {"a": {"line": 1, "chip": "gpiochip5"}}})


def test_file_is_read_by_its_path(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('name = "mine"\n[hook]\nline = 3\n')
    assert BoardProfile.load(str(file)).hook.line == LineSpec("raspberry-pi", 3, True, "pull-up", 20)


def test_file_that_is_not_toml(tmp_path):
    file = tmp_path / "broken.toml"
    file.write_text("name = ")
    with pytest.raises(ProfileError, match="is not TOML"):
        BoardProfile.load(str(file))
    file.write_bytes(b"name = '\xff'")
    with pytest.raises(ProfileError, match="is not TOML"):
        BoardProfile.load(str(file))


def test_file_that_is_not_there(tmp_path):
    with pytest.raises(ProfileError, match="cannot be read: No such file"):
        BoardProfile.load(str(tmp_path / "none.toml"))


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(ProfileError, match=r"did you mean 'raspberry-pi'\?; there are door-intercom, raspberry-pi"):
        BoardProfile.load("rasberry-pi")


def test_relay_without_a_bound_of_its_own_is_bounded_all_the_same():
    profile = BoardProfile.from_mapping({"relays": {"door": {"line": 25}}})
    assert profile.relays["door"].max_pulse_s == 10.0
