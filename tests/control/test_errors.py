import pytest

from device.control.errors import INVALID_PARAMS, ControlError, refusal_lines


@pytest.mark.parametrize(
    ("message", "data", "lines"),
    [
        ("no", None, ["no"]),
        ("nothing was changed: a", {"faults": ["a"]}, ["nothing was changed: a"]),
        ("nothing was changed: a; b", {"faults": ["a", "b"]}, ["nothing was changed:", "  a", "  b"]),
        ("in other words", {"faults": ["a", "b"]}, ["in other words", "  a", "  b"]),
        ("no", {"newest": 7}, ["no"]),
    ],
)
def test_of_several_faults_each_has_its_line(message: str, data: object, lines: list[str]) -> None:
    assert refusal_lines(ControlError(INVALID_PARAMS, message, data)) == lines


def test_any_other_error_is_its_text() -> None:
    assert refusal_lines(ValueError("odd")) == ["odd"]
