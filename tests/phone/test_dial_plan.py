"""The grammar of docs/dial-plan.md and what it decides."""

import re
from pathlib import Path

import pytest

from device.phone.dial_plan import DialPlan, Match, MatchStatus
from device.phone.errors import DialPlanError
from device.phone.settings import PhoneSettings

IMPOSSIBLE, PARTIAL = MatchStatus.IMPOSSIBLE, MatchStatus.PARTIAL
COMPLETE, AMBIGUOUS = MatchStatus.COMPLETE, MatchStatus.AMBIGUOUS


@pytest.mark.parametrize(
    ("plan", "digits", "status", "number"),
    [
        ("1xxx", "", PARTIAL, ""),
        ("1xxx", "1", PARTIAL, ""),
        ("1xxx", "1001", COMPLETE, "1001"),
        ("1xxx", "2", IMPOSSIBLE, ""),
        ("1xxx", "10011", IMPOSSIBLE, ""),
        ("x", "*", IMPOSSIBLE, ""),
        ("*xx", "*21", COMPLETE, "*21"),
        ("#xx", "#21", COMPLETE, "#21"),
        ("A", "A", COMPLETE, "A"),
        ("[3-5]x", "45", COMPLETE, "45"),
        ("[3-5]x", "6", IMPOSSIBLE, ""),
        ("[147]", "4", COMPLETE, "4"),
        ("[147]", "5", IMPOSSIBLE, ""),
        ("[13-5*]", "*", COMPLETE, "*"),
        ("[x*]", "7", COMPLETE, "7"),
        ("[^0*#]x", "5", PARTIAL, ""),
        ("[^0*#]x", "0", IMPOSSIBLE, ""),
        ("1x|1xx", "12", AMBIGUOUS, "12"),
        ("1x|1xx", "123", COMPLETE, "123"),
        ("x.", "1", AMBIGUOUS, "1"),
        ("x.", "123456789", AMBIGUOUS, "123456789"),
        ("0x.", "0", AMBIGUOUS, "0"),
        ("0x.#", "01", PARTIAL, ""),
        ("0x.#", "01#", COMPLETE, "01#"),
        ("x.1", "211", AMBIGUOUS, "211"),
        ("xxxT", "123", AMBIGUOUS, "123"),
        ("xxxT", "1234", IMPOSSIBLE, ""),
        ("<0=>xx", "012", COMPLETE, "12"),
        ("<00=+>x.", "0044", AMBIGUOUS, "+44"),
        ("<2=011>x", "25", COMPLETE, "0115"),
        ("<=1617>xxx", "555", COMPLETE, "1617555"),
        ("9<=,>x", "95", COMPLETE, "9,5"),
        ("1xx<=9>", "123", COMPLETE, "1239"),
        ("<12=>3", "1", PARTIAL, ""),
        ("1xx|<1=9>xx", "123", COMPLETE, "123"),
        ("<1=9>xx|1xx", "123", COMPLETE, "923"),
        ("!0900x.|x.", "0900", IMPOSSIBLE, ""),
        ("!0900x.|x.", "09001", IMPOSSIBLE, ""),
        ("!0900x.|x.", "090", AMBIGUOUS, "090"),
        ("!x.|1x", "", PARTIAL, ""),
        ("( 1xx | 2xx )", "201", COMPLETE, "201"),
        ("+x.", "+49", AMBIGUOUS, "+49"),
        ("[7-7]", "7", COMPLETE, "7"),
    ],
)
def test_verdict_on_digits(plan: str, digits: str, status: MatchStatus, number: str) -> None:
    assert DialPlan(plan).match(digits) == Match(status, number)


def test_whole_numbers_are_translated_or_not_allowed() -> None:
    plan = DialPlan("<0=+49>[1-9]x.|1xxx")
    assert plan.translate("030123") == "+4930123"
    assert plan.translate("1001") == "1001"
    assert plan.translate("100") is None
    assert plan.translate("") is None


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ("", "matches no digit"),
        ("1xx|", "matches no digit"),
        ("T", "matches no digit"),
        ("<=9>", "matches no digit"),
        ("1xy", "'y' is not part of the grammar"),
        ("xTx", r"only \| may follow T"),
        (".", r"not part of the grammar"),
        ("<1=2>.", r"repeats the one digit"),
        ("<=2>.", r"repeats the one digit"),
        ("x..", r"not part of the grammar"),
        ("[12", "] is missing"),
        ("[]", "not a class"),
        ("[5-3]", "not a class"),
        ("[1-]", "not a class"),
        ("[-1]", "not a class"),
        ("[1-*]", "not a class"),
        ("[z]", "not a class"),
        ("[^0-9*#]", "leaves no digit"),
        ("<12", "> is missing"),
        ("<12>", "a replacement is written"),
        ("<x=2>1", "a replacement is written"),
        ("<=>1", "replaces nothing by nothing"),
        ("!1x", "every rule bars"),
    ],
)
def test_plan_that_cannot_be_read_says_where_and_why(plan: str, words: str) -> None:
    with pytest.raises(DialPlanError, match=words):
        DialPlan(plan)


def _documented_plans() -> list[str]:
    """Every plan that docs/dial-plan.md shows whole: the first one, and the table at its end."""
    text = (Path(__file__).resolve().parents[2] / "docs" / "dial-plan.md").read_text(encoding="utf-8")
    first = next(line for line in text.splitlines() if line.startswith("    "))
    table = text.partition("## Examples")[2]
    return [first, *(plan.replace("\\|", "|") for plan in re.findall(r"\| `(.+)` \|$", table, re.MULTILINE))]


def test_plan_of_the_settings_is_the_one_documented_as_installed() -> None:
    assert PhoneSettings().dial_plan in _documented_plans()


@pytest.mark.parametrize(
    ("which", "digits", "called"),
    [
        (0, "0044123", "+44123"),
        (0, "030123", "+4930123"),
        (0, "123", "123"),
        (0, "0900123", None),
        (1, "*21", "*21"),
        (2, "1001", "1001"),
        (2, "2001", None),
        (3, "12", "12"),
        (3, "0123", "123"),
        (4, "0044", "+44"),
        (4, "030", "+4930"),
        (4, "555", "+4930555"),
        (5, "5551234", "16175551234"),
        (5, "2125551234", "12125551234"),
        (6, "19005551234", None),
        (6, "12125551234", "12125551234"),
    ],
)
def test_documented_plans_do_what_the_document_says(which: int, digits: str, called: str | None) -> None:
    assert DialPlan(_documented_plans()[which]).translate(digits) == called
