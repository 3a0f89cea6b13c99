"""Board profiles: what a file says, and every fault in it at once."""

import pytest

from device.hardware.board_data import board_names
from device.hardware.cadences import COUNTRY_CADENCES
from device.hardware.errors import ProfileError
from device.hardware.interfaces import LineSpec, PwmSpec
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


@pytest.mark.parametrize("board", board_names())
@pytest.mark.parametrize("name", builtin_profiles())
def test_profiles_that_come_with_offhook_are_right_on_every_board(name, board):
    profile = BoardProfile.load(f"{name}@{board}")
    assert profile.name
    assert profile.driver in ("gpiod", "mock")


def test_seven_profiles_come_with_offhook():
    assert builtin_profiles() == [
        "dial-phone",
        "door-intercom",
        "door-station",
        "handset",
        "raspberry-pi",
        "rotary",
        "simulated",
    ]


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
        "there are bias, chip, line, pin, active_low, debounce_ms, flash, flash_min_ms, flash_max_ms",
        "ringer.lines: has 3 lines; a ringer has one or two",
        f"ringer.cadence: 'gb' is not known; there are {', '.join(COUNTRY_CADENCES)}",
        "relays.Door!: a name has lower-case letters, digits, - and _ only",
        "relays.Door!.line: line 18 is taken by ringer.lines[0] already",
        "relays.Door!.max_pulse_s: 0 is not a number of seconds above 0 and up to 3600",
        "drivr: unknown key, did you mean 'driver'?; "
        "there are name, driver, chip, board, pins, hook, keypad, dial, ringer, lamps, relays, buttons",
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
        (
            {"keypad": {"rows": [5], "columns": [16], "keys": ["1"], "settle_us": 20_001}},
            "keypad.settle_us: 20001 is not between 0 and 20000",
        ),
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
    with pytest.raises(
        ProfileError, match=r"did you mean 'raspberry-pi'\?; there are dial-phone, door-intercom, door-station"
    ):
        BoardProfile.load("rasberry-pi")


class TestPins:
    """Lines by the pins of a header."""

    def hook(self, pin, board="raspberry-pi-4", **top):
        profile = BoardProfile.from_mapping({"hook": {"pin": pin}, **top}, board=board)
        return profile.hook.line.chip, profile.hook.line.line

    def faults(self, pin, board="raspberry-pi-4", **top):
        with pytest.raises(ProfileError) as raised:
            self.hook(pin, board, **top)
        return raised.value.faults

    def test_a_number_a_name_and_a_line_mean_the_same(self):
        assert {self.hook(pin) for pin in (11, "11", "GPIO17", "gpio17")} == {("pinctrl-bcm2711", 17)}

    @pytest.mark.parametrize(
        ("board", "pin", "line"),
        [
            ("raspberry-pi-1-rev1", 13, ("pinctrl-bcm2835", 21)),
            ("raspberry-pi-1", 13, ("pinctrl-bcm2835", 27)),
            ("raspberry-pi-5", 11, ("pinctrl-rp1", 17)),
            ("beaglebone-black", "P9_12", ("any", "P9_12")),
            ("beaglebone-black", "p8.07", ("any", "P8_7")),
            ("orange-pi-pc", 11, ("1c20800.pinctrl", 1)),
            ("orange-pi-zero-2w", 11, ("300b000.pinctrl", 226)),
            ("orange-pi-3-lts", 8, ("7022000.pinctrl", 2)),
            ("orange-pi-5", 11, ("gpio4", 10)),
            ("nanopi-neo", 7, ("1c20800.pinctrl", 203)),
        ],
    )
    def test_the_same_pin_is_another_line_on_another_board(self, board, pin, line):
        assert self.hook(pin, board) == line

    def test_the_board_of_the_profile_and_the_one_behind_its_name(self, tmp_path):
        file = tmp_path / "mine.toml"
        file.write_text('board = "orange-pi-zero"\n[hook]\npin = 12\n')
        assert BoardProfile.load(str(file)).hook.line.line == 7
        assert BoardProfile.load(f"{file}@raspberry-pi-3").hook.line.line == 18

    def test_the_simulated_board_has_the_header_of_a_raspberry_pi(self):
        assert self.hook(11, "", driver="mock") == ("mock", 17)

    def test_a_table_of_names_for_each_header_or_layout(self):
        pins = {"40-pin": {"hook": 11}, "bone-p9": {"hook": "P9_14"}}
        assert self.hook("hook", "raspberry-pi-zero", pins=pins) == ("pinctrl-bcm2835", 17)
        assert self.hook("hook", "beaglebone-black", pins=pins) == ("any", "P9_14")
        (fault,) = self.faults("hook", "nanopi-neo", pins=pins)
        assert "no pins for the header of nanopi-neo: it has pins for 40-pin, bone-p9; add a table [pins." in fault
        assert "[pins.nanopi-neo-24]" in fault

    def test_a_pin_without_a_line_names_the_nearest(self):
        (fault,) = self.faults(9)
        assert fault == (
            "hook.pin: pin 9 of raspberry-pi-4 is GND; the nearest with a line: 7 (GPIO4), 8 (GPIO14), 10 (GPIO15)"
        )

    @pytest.mark.parametrize(
        ("pin", "said"),
        [
            (41, "no pin 41; its pins are 1 to 40"),
            ("hok", "no pin hok, did you mean hook"),
            ("xyzzy", "its pins are 1 to 40, or names such as GPIO2"),
            (1.5, "1.5 is no pin"),
            (True, "True is no pin"),
        ],
    )
    def test_a_pin_that_is_not_there_names_the_nearest(self, pin, said):
        (fault,) = self.faults(pin, pins={"40-pin": {"hook": 11}})
        assert said in fault

    def test_a_board_that_nobody_knows_is_one_fault_however_many_pins_there_are(self):
        (fault,) = self.faults(11, "rasberry-pi-4", relays={"door": {"pin": 22}})
        assert "did you mean raspberry-pi-4" in fault

    def test_a_pin_and_its_line_are_taken_once(self):
        (fault,) = self.faults(11, lamps={"a": {"pin": "GPIO17"}})
        assert fault == "lamps.a.pin: line 17 is taken by hook.pin already"

    def test_line_and_pin_exclude_each_other(self):
        assert faults_of(hook={"line": 1, "pin": 11}, board="raspberry-pi-3") == [
            "hook.pin: is there beside line; give one of them: line is a number of the chip, pin of the header"
        ]
        assert faults_of(ringer={"lines": [1], "pins": [11]}, board="raspberry-pi-3") == [
            "ringer.pins: is there beside lines; give one of them"
        ]

    def test_rows_and_columns_by_pins(self):
        keypad = {"row_pins": [29, 31], "column_pins": [36, 38], "keys": ["12", "34"]}
        profile = BoardProfile.from_mapping({"keypad": keypad}, board="raspberry-pi-3").keypad
        assert [spec.line for spec in (*profile.rows, *profile.columns)] == [5, 6, 16, 20]


class TestRingerKinds:
    def ringer(self, **keys):
        return BoardProfile.from_mapping({"ringer": keys}).ringer

    def test_a_bell_has_two_lines_and_perhaps_an_enable(self):
        bell = self.ringer(kind="bell", lines=[18, 25], enable={"line": 24}, frequency_hz=20, dead_time_ms=3)
        assert bell.enable == LineSpec("raspberry-pi", 24)
        assert (bell.frequency_hz, bell.dead_time_ms, bell.max_burst_s) == (20, 3, 5.0)
        assert faults_of(ringer={"kind": "bell", "lines": [18]}) == [
            "ringer.lines: has 1 lines; a bell has two, one for each phase"
        ]

    def test_pwm_by_controller_and_channel(self):
        assert self.ringer(kind="pwm", pwm_chip="fe20c000.pwm", pwm_channel=1, tones_hz=[1300, 1600]) == RingerProfile(
            kind="pwm", pwm=PwmSpec("fe20c000.pwm", 1), tones_hz=(1300, 1600)
        )

    def test_pulses_by_the_driver_itself_with_rpi_gpio_only(self):
        profile = BoardProfile.from_mapping({"driver": "rpi-gpio", "ringer": {"kind": "pwm", "line": 18}})
        assert profile.ringer.pwm == PwmSpec("", 0, LineSpec("raspberry-pi", 18))
        (fault,) = faults_of(ringer={"kind": "pwm", "line": 18})
        assert "goes with driver rpi-gpio" in fault

    def test_a_sounder_needs_its_card(self):
        assert self.ringer(kind="sounder", device="hw:1").device == "hw:1"
        (fault,) = faults_of(ringer={"kind": "sounder"})
        assert "ringer.device: is missing" in fault

    @pytest.mark.parametrize(
        ("keys", "fault"),
        [
            ({"lines": [18], "frequency_hz": 20}, "is nothing that a ringer of kind 'buzzer' has; it goes with bell"),
            ({"kind": "bell", "lines": [1, 2], "frequency_hz": 5}, "5 is not between 10 and 60, nor 0"),
            ({"kind": "pwm", "tones_hz": [50]}, "must be one tone or two, whole numbers from 100 to 10000"),
            ({"kind": "pwm", "tones_hz": [500, 600, 700]}, "must be one tone or two"),
            ({"kind": "gong", "lines": [1]}, "'gong' is not known"),
            ({"lines": [1], "unheld": "hi"}, "'hi' is not known; there are high, low, floating"),
        ],
    )
    def test_what_does_not_fit(self, keys, fault):
        assert any(fault in text for text in faults_of(ringer=keys))


def test_relay_without_a_bound_of_its_own_is_bounded_all_the_same():
    profile = BoardProfile.from_mapping({"relays": {"door": {"line": 25}}})
    assert profile.relays["door"].max_pulse_s == 10.0
