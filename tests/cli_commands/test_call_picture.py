"""The picture of a call: well-formed, true to the figures, and readable for short and for long calls."""

import re
from xml.etree import ElementTree

import pytest

from device.cli_commands.call_picture import HEAD, LEFT, PANEL, RIGHT, WIDTH, draw_call
from tests.support.answering_daemon import TIME_LINE

SVG = "{http://www.w3.org/2000/svg}"


def drawn(**changes: object) -> ElementTree.Element:
    return ElementTree.fromstring(draw_call({"time_line": {**TIME_LINE, **changes}}, "call with <Anna>", "MOS 4.2"))


def texts(picture: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in picture.iter(f"{SVG}text")]


def curve(picture: ElementTree.Element, colour: str) -> list[tuple[float, float]]:
    (line,) = [line for line in picture.iter(f"{SVG}polyline") if line.get("stroke") == colour]
    return [(float(x), float(y)) for x, y in re.findall(r"([\d.-]+),([\d.-]+)", line.get("points") or "")]


def test_what_is_written_on_it() -> None:
    said = texts(drawn())
    assert said[:2] == ["call with <Anna>", "MOS 4.2"]
    for title in ("level (dB)", "missing in play-out (%)", "jitter (ms)", "jitter buffer (ms)", "heard", "microphone"):
        assert title in said
    assert {"0:00", "-80", "0", "10", "60"} & set(said) >= {"0:00", "-80", "0", "10"}


def test_a_curve_goes_through_its_values() -> None:
    points = curve(drawn(), "#b3261e")
    top = HEAD + PANEL + 34
    assert [x for x, _ in points] == pytest.approx([LEFT + n * (WIDTH - RIGHT - LEFT) / 3 for n in range(4)], abs=0.1)
    assert [y for _, y in points] == pytest.approx([top + PANEL, top + PANEL, top, top + PANEL], abs=0.1)


def test_silence_lies_at_the_bottom_and_not_below_it() -> None:
    points = curve(drawn(), "#c2571a")
    silent = curve(drawn(sent_db=[-96.0] * 4), "#c2571a")
    assert {y for _, y in silent} == {HEAD + PANEL}
    assert min(y for _, y in points) > HEAD


@pytest.mark.parametrize(("points", "step_s"), [(1, 1), (2, 1), (30, 1), (599, 1), (450, 64)])
def test_calls_of_any_length(points: int, step_s: int) -> None:
    line = {name: [float(n % 7) for n in range(points)] for name in TIME_LINE if name != "step_s"}
    picture = drawn(**line, step_s=step_s)
    times = [text for text in texts(picture) if re.fullmatch(r"\d+:\d\d", text)]
    assert 1 <= len(times) <= 11
    for line_ in picture.iter(f"{SVG}polyline"):
        for x, _ in re.findall(r"([\d.-]+),([\d.-]+)", line_.get("points") or ""):
            assert LEFT - 1 <= float(x) <= WIDTH - RIGHT + 1
