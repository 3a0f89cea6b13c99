"""The code that opens the door."""

from device.phone.door_code import DoorCode
from device.phone.settings import PhoneSettings


def _opened(code: DoorCode, digits: str, now: float = 0.0) -> list[bool]:
    return [code.opens(digit, now) for digit in digits]


def test_code_opens_at_its_last_digit() -> None:
    assert _opened(DoorCode(PhoneSettings(door_code="1234")), "1234") == [False, False, False, True]


def test_code_ended_by_hash() -> None:
    code = DoorCode(PhoneSettings(door_code="12", door_code_end="#"))
    assert _opened(code, "12#") == [False, False, True]
    assert not any(_opened(code, "123#"))
    assert not any(_opened(code, "1#"))
    assert _opened(code, "12#")[-1]


def test_hash_after_a_code_that_needs_none_does_no_harm() -> None:
    code = DoorCode(PhoneSettings(door_code="12", door_tries=1))
    assert _opened(code, "#12#12") == [False, False, True, False, False, True]


def test_nothing_opens_without_a_code() -> None:
    assert not any(_opened(DoorCode(PhoneSettings()), "0123456789*#"))


def test_star_or_a_pause_begins_anew() -> None:
    code = DoorCode(PhoneSettings(door_code="1234", door_tries=1))
    assert _opened(code, "9*1234")[-1]
    assert not code.opens("9", 10.0)
    assert _opened(code, "1234", 15.1)[-1]


def test_star_may_be_part_of_the_code() -> None:
    assert _opened(DoorCode(PhoneSettings(door_code="*1*")), "*1*")[-1]


def test_code_inside_a_longer_row_does_not_open() -> None:
    assert not any(_opened(DoorCode(PhoneSettings(door_code="1234", door_tries=9)), "912349"))


def test_door_is_locked_out_after_wrong_codes_even_in_another_call() -> None:
    code = DoorCode(PhoneSettings(door_code="12", door_tries=3, door_lock_out_s=60.0))
    _opened(code, "131415")
    assert code.locked(59.9)
    code.forget_digits()
    assert not any(_opened(code, "12", 59.9))
    assert not code.locked(60.0)
    assert _opened(code, "12", 60.0)[-1]


def test_right_code_forgives_the_wrong_ones() -> None:
    code = DoorCode(PhoneSettings(door_code="12", door_tries=2))
    assert _opened(code, "13121312")[-1]
    assert not code.locked(0.0)


def test_digits_of_one_call_do_not_count_in_the_next() -> None:
    code = DoorCode(PhoneSettings(door_code="12"))
    code.opens("1", 0.0)
    code.forget_digits()
    assert not code.opens("2", 0.1)


def test_new_settings_keep_the_lock_out() -> None:
    code = DoorCode(PhoneSettings(door_code="12", door_tries=1))
    _opened(code, "99")
    code.configure(PhoneSettings(door_code="34"))
    assert not any(_opened(code, "34", 1.0))
    assert _opened(code, "34", 60.0)[-1]
