"""When digits become a number."""

import pytest

from device.phone.dial_plan import DialPlan
from device.phone.digit_collector import Dialled, DigitCollector, Verdict

WAIT, INVALID = Dialled(Verdict.WAIT), Dialled(Verdict.INVALID)


def _dial(target: str) -> Dialled:
    return Dialled(Verdict.DIAL, target)


def _collector(plan: str = "1xxx|x.", emergency: str = "112", hash_dials: bool = True) -> DigitCollector:
    return DigitCollector(DialPlan(plan), {emergency}, {"7": "sip:door@example.org", "1001": "boss"}, hash_dials)


def _add_all(collector: DigitCollector, digits: str) -> list[Dialled]:
    return [collector.add(digit) for digit in digits]


def test_complete_number_dials_at_once() -> None:
    assert _add_all(_collector("1xxx"), "1002") == [WAIT, WAIT, WAIT, _dial("1002")]


def test_open_ended_number_waits_for_time_or_hash() -> None:
    assert _add_all(_collector(), "200#")[-2:] == [WAIT, _dial("200")]
    collector = _collector()
    _add_all(collector, "200")
    assert collector.finish() == _dial("200")


def test_number_that_begins_none_is_invalid_at_once() -> None:
    assert _collector("1xxx", emergency="911").add("2") == INVALID


def test_incomplete_number_is_invalid_when_time_is_up() -> None:
    collector = _collector("3xxx")
    _add_all(collector, "300")
    assert collector.finish() == INVALID


def test_emergency_number_dials_at_once_and_unchanged_whatever_the_plan_says() -> None:
    collector = _collector("!112|<1=9>xx.")
    assert _add_all(collector, "112") == [WAIT, WAIT, _dial("112")]


def test_number_waits_where_an_emergency_number_may_still_follow() -> None:
    collector = _collector("11")
    assert _add_all(collector, "11") == [WAIT, WAIT]
    assert collector.finish() == _dial("11")


def test_out_of_service_takes_emergency_numbers_only() -> None:
    collector = _collector()
    collector.in_service = False
    assert _add_all(collector, "112") == [WAIT, WAIT, _dial("112")]
    collector.clear()
    assert collector.add("7") == INVALID
    collector.clear()
    _add_all(collector, "11")
    assert collector.finish() == INVALID


def test_short_code_is_called_when_nothing_longer_follows() -> None:
    collector = _collector("xx")
    assert collector.add("7") == WAIT
    assert collector.finish() == _dial("sip:door@example.org")
    assert _add_all(_collector("3x"), "7") == [_dial("sip:door@example.org")]


def test_short_code_goes_before_the_dial_plan() -> None:
    assert _add_all(_collector("1xxx"), "1001")[-1] == _dial("boss")


@pytest.mark.parametrize(("hash_dials", "plan"), [(False, "x."), (False, "1xxx")])
def test_hash_is_a_digit_like_others_where_it_does_not_dial(hash_dials: bool, plan: str) -> None:
    collector = _collector(plan, hash_dials=hash_dials)
    assert _add_all(collector, "10#")[-1] == INVALID


def test_hash_belongs_to_the_number_where_the_plan_has_it() -> None:
    assert _add_all(_collector("*21*x.#"), "*21*5#")[-1] == _dial("*21*5#")
    assert _collector("#xx").add("#") == WAIT


def test_lookup_of_a_whole_number() -> None:
    collector = _collector("1xxx")
    assert collector.lookup("7") == "sip:door@example.org"
    assert collector.lookup("1002") == "1002"
    assert collector.lookup("112") == "112"
    assert collector.lookup("99") is None


def test_endless_digits_are_stopped() -> None:
    collector = _collector()
    verdicts = _add_all(collector, "2" * 65)
    assert verdicts[63] == WAIT
    assert verdicts[64] == INVALID
