"""The table of what was measured."""

from tests.board.figures import Figures


def test_each_figure_is_a_line_with_its_median_and_range(tmp_path, capsys) -> None:
    figures = Figures("uml")
    for value in (12.0, 10.0, 30.5):
        figures.note("edge to INVITE on the wire", value, "ms")
    figures.note("correlation", 0.9954, "")
    figures.write(tmp_path / "figures.txt")
    lines = (tmp_path / "figures.txt").read_text().splitlines()
    assert "uml" in lines[0]
    assert lines[1].split() == ["edge", "to", "INVITE", "on", "the", "wire", "12.0", "ms", "(10.0", "to", "30.5,", "3)"]
    assert lines[2].split() == ["correlation", "0.995", "(0.995", "to", "0.995,", "1)"]
