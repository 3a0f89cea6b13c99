import pytest

from device.exchange.numbers import NumberPlan, NumberSettings, dialled_number, pattern_faults
from device.exchange_model import NumberPattern
from device.records import replace

GERMANY = NumberSettings(country_code="49", area_code="30")
AMERICA = NumberSettings(country_code="1", area_code="212", national_prefix="1", international_prefix="011")
NOWHERE = NumberSettings()


class TestClasses:
    @pytest.mark.parametrize(
        ("number", "kind"),
        [
            ("7770", "local"),
            ("0897770", "national"),
            ("+49897770", "national"),
            ("0049897770", "national"),
            ("0307770", "local"),
            ("+49307770", "local"),
            ("0043123", "international"),
            ("+43123", "international"),
            ("0900123", "premium"),
            ("+49900123", "premium"),
            ("0049900123", "premium"),
            ("+49(0)900123", "premium"),
            ("*8", "local"),
        ],
    )
    def test_however_a_number_is_written(self, number: str, kind: str) -> None:
        assert NumberPlan(GERMANY).class_of(dialled_number(number)) == kind

    @pytest.mark.parametrize(
        ("number", "kind"),
        [
            ("5551234", "local"),
            ("12125551234", "local"),
            ("13105551234", "national"),
            ("+13105551234", "national"),
            ("19005551234", "premium"),
            ("+19005551234", "premium"),
            ("01149307770", "international"),
        ],
    )
    def test_north_america(self, number: str, kind: str) -> None:
        assert NumberPlan(AMERICA).class_of(number) == kind

    def test_the_longest_pattern_counts_and_a_house_has_its_own(self) -> None:
        patterns = [
            NumberPattern("015x", "mobile"),
            NumberPattern("01590$", "free"),
            NumberPattern("+49900", "national"),
        ]
        plan = NumberPlan(GERMANY, patterns)
        numbers = ("0151123", "01590", "015901", "0171", "0900123")
        assert [plan.class_of(number) for number in numbers] == ["mobile", "free", "mobile", "national", "national"]

    def test_without_a_country_a_plus_is_always_international(self) -> None:
        assert NumberPlan(NOWHERE).class_of("+49301") == "international"
        assert NumberPlan(NOWHERE).class_of("0900") == "national"


class TestEmergency:
    @pytest.mark.parametrize("number", ["112", "911", "999", "1-1-2", "0112"])
    def test_numbers_that_help(self, number: str) -> None:
        plan = NumberPlan(NOWHERE, outside=["0"])
        assert plan.emergency_number(number) in ("112", "911", "999")

    @pytest.mark.parametrize("number", ["1120", "11", "0112", "police", "", "+112"])
    def test_and_others(self, number: str) -> None:
        assert NumberPlan(NOWHERE).emergency_number(number) is None

    def test_the_first_one_stands_for_any_help(self) -> None:
        assert NumberPlan(replace(NOWHERE, emergency="110, 112")).first_emergency_number == "110"
        assert NumberPlan(replace(NOWHERE, emergency="")).first_emergency_number is None


class TestWriting:
    @pytest.mark.parametrize(
        ("number", "style", "written"),
        [
            ("0897770", "e164", "+49897770"),
            ("7770", "e164", "+49307770"),
            ("0043123", "e164", "+43123"),
            ("0043123", "plain", "43123"),
            ("+49897770", "national", "0897770"),
            ("+43123", "national", "0043123"),
            ("0897770", "dialled", "0897770"),
            ("*21", "e164", "*21"),
        ],
    )
    def test_as_the_trunk_wants_it(self, number: str, style: str, written: str) -> None:
        assert NumberPlan(GERMANY).written(number, style) == written

    def test_what_cannot_be_told_stays(self) -> None:
        assert NumberPlan(NOWHERE).written("0897770", "e164") == "0897770"


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"emergency": "112, 1"}, "numbers.emergency: '1'"),
        ({"country_code": "+49"}, "numbers.country_code: '+49'"),
        ({"international_prefix": ""}, "numbers.international_prefix"),
        ({"permissions": "Local"}, "numbers.permissions: 'Local'"),
    ],
)
def test_faults(changes: dict[str, str], part: str) -> None:
    (fault,) = replace(NOWHERE, **changes).faults()
    assert fault.startswith(part)
    assert NOWHERE.faults() == []


@pytest.mark.parametrize("pattern", ["", "12-3", "1$2", "abc", "x" * 50])
def test_patterns_that_are_none(pattern: str) -> None:
    assert pattern_faults(pattern)
    assert not pattern_faults("+4930x*#$")
