"""The timing picture shows what the lines did."""

import re
from xml.etree import ElementTree

from tests.board.lines_picture import LABEL_PIXELS, PLOT_PIXELS, Edge, Mark, Wave, draw_lines

HOOK = Wave("hook", [Edge(1.0, True), Edge(3.0, False)])
SVG = "{http://www.w3.org/2000/svg}"


def texts(picture: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(picture).iter(f"{SVG}text")]


def path_of(picture: str, index: int = 0) -> str:
    return [element.get("d", "") for element in ElementTree.fromstring(picture).iter(f"{SVG}path")][index]


def test_each_edge_is_where_its_time_is() -> None:
    path = path_of(draw_lines("A call", [HOOK], span=(0.0, 4.0)))
    corners = [float(x) for x in re.findall(r"H([\d.]+)V", path)]
    assert corners == [LABEL_PIXELS + PLOT_PIXELS / 4, LABEL_PIXELS + PLOT_PIXELS * 3 / 4]
    low, high, again = re.match(r"M[\d.]+,(\d+)", path)[1], *re.findall(r"V(\d+)", path)
    assert int(high) < int(low) == int(again), "high is drawn above low"


def test_an_edge_before_the_picture_gives_the_level_at_its_beginning() -> None:
    path = path_of(draw_lines("A call", [HOOK], span=(2.0, 4.0)))
    assert path.count("V") == 1
    start, fall = re.match(r"M[\d.]+,(\d+)", path)[1], re.findall(r"V(\d+)", path)[0]
    assert int(start) < int(fall)


def test_an_edge_to_the_level_that_is_there_draws_nothing() -> None:
    wave = Wave("ringer", [Edge(1.0, False), Edge(2.0, True), Edge(2.5, True)])
    assert path_of(draw_lines("Ringing", [wave], span=(0.0, 4.0))).count("V") == 1


def test_marks_carry_their_names_and_never_leave_the_paper() -> None:
    picture = draw_lines("<A & B>", [HOOK], [Mark(1.1, "INVITE"), Mark(1.1001, "100 Trying"), Mark(3.0, "200 OK")])
    assert {"<A & B>", "INVITE", "100 Trying", "200 OK", "hook"} <= set(texts(picture))
    width = float(ElementTree.fromstring(picture).get("width", "0"))
    for element in ElementTree.fromstring(picture).iter(f"{SVG}text"):
        assert 0 <= float(element.get("x", "0")) <= width


def test_names_of_marks_at_one_time_stand_below_each_other() -> None:
    picture = draw_lines("A call", [HOOK], [Mark(2.0, "INVITE"), Mark(2.0, "ringer on")])
    rows = {e.text: e.get("y") for e in ElementTree.fromstring(picture).iter(f"{SVG}text")}
    assert rows["INVITE"] != rows["ringer on"]


def test_the_axis_counts_from_the_beginning_of_the_picture() -> None:
    assert {"0 ms", "50 ms"} <= set(texts(draw_lines("Dial", [HOOK], span=(100.0, 100.5))))
    assert {"0 s", "60 s"} <= set(texts(draw_lines("Dial", [HOOK], span=(100.0, 400.0))))


def test_a_picture_without_events_is_one() -> None:
    assert path_of(draw_lines("Nothing", [Wave("relay", [])])).count("V") == 0
