"""What settings are refused, and in which words."""

import pytest

from device.phone.settings import PhoneSettings, parse_button_targets, parse_pairs, split_list
from device.records import fields


def test_defaults_have_no_fault() -> None:
    assert PhoneSettings().faults() == []


def test_every_setting_has_help() -> None:
    assert set(PhoneSettings.HELP) == {item.name for item in fields(PhoneSettings)}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"howler_s": 0.0}, "phone.howler_s: 0.0 is not a number of seconds, more than 0"),
        ({"talk_limit_s": -1.0}, "phone.talk_limit_s: -1.0 is not a number of seconds, 0 or more"),
        ({"ring_timeout_s": float("nan")}, "phone.ring_timeout_s: nan"),
        ({"hang_up_tone": "DIAL"}, "phone.hang_up_tone: 'DIAL' is not one of 'BUSY', 'REORDER'"),
        ({"out_of_service_tone": ""}, "phone.out_of_service_tone"),
        ({"decline_status": 200}, "phone.decline_status: 200 is not one of 480, 486, 603"),
        ({"auto_answer": "yes"}, "phone.auto_answer"),
        ({"dial_plan": "1y"}, "phone.dial_plan: dial plan, after '1'"),
        ({"emergency_numbers": "112,help"}, "phone.emergency_numbers: 'help' is not made of"),
        ({"emergency_numbers": "11,112"}, "phone.emergency_numbers: '112' can never be dialled after '11'"),
        ({"speed_dials": "1"}, "phone.speed_dials: '1' is not written name=target"),
        ({"speed_dials": "1=a,1=b"}, "phone.speed_dials: '1' is given twice"),
        ({"speed_dials": "x=a"}, "phone.speed_dials: 'x' is not made of"),
        ({"speed_dials": "1="}, "phone.speed_dials: '1' has no target"),
        ({"button_targets": "=1001"}, "phone.button_targets: '=1001' is not written"),
        ({"door_code_end": "*"}, "phone.door_code_end"),
        ({"door_tries": 0}, "phone.door_tries: 0 is less than 1"),
        ({"door_code": "12", "door_relay": ""}, "phone.door_relay"),
    ],
)
def test_fault_names_setting_value_and_rule(changes: dict[str, object], words: str) -> None:
    faults = PhoneSettings(**changes).faults()  # type: ignore[arg-type]
    assert len(faults) == 1
    assert faults[0].startswith(words)


@pytest.mark.parametrize("code", ["7", "12345678901234567", "12#34", "sesame"])
def test_faults_of_the_door_code_do_not_show_it(code: str) -> None:
    faults = PhoneSettings(door_code=code).faults()
    assert faults
    assert not any(code in fault.replace("2 to 16", "") for fault in faults)


def test_all_faults_come_together() -> None:
    assert len(PhoneSettings(howler_s=0.0, auto_answer="?", dial_plan="?").faults()) == 3


def test_lists_and_pairs() -> None:
    assert split_list(" 112, 911 ,,") == ("112", "911")
    assert parse_pairs("1 = 1001, 2=sip:a@b;transport=tcp") == {"1": "1001", "2": "sip:a@b;transport=tcp"}
    assert parse_button_targets("door=1001 > 1002,ear=") == {"door": ("1001", "1002"), "ear": ()}
