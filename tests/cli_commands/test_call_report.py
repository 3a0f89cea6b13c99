"""`offhook call-report` beyond what every verb is tested for."""

from pathlib import Path
from xml.etree import ElementTree

from tests.support.answering_daemon import AnsweringDaemon
from tests.test_cli import Run, daemon, run

__all__ = ["daemon", "run"]


def test_figures_and_a_picture(daemon: AnsweringDaemon, run: Run, tmp_path: Path) -> None:
    picture = tmp_path / "call.svg"
    status, out, err = run("call-report", "1", "--svg", str(picture))
    assert (status, err) == (0, "")
    assert "MOS conversational" in out
    assert out.endswith(f"the picture is in {picture}\n")
    title = ElementTree.parse(picture).getroot()[0].text
    assert title is not None
    assert title.endswith("from Anna <sip:1002@pbx>, talked 1 min 00 s: answered")


def test_a_call_whose_curves_are_forgotten_has_figures_and_no_picture(
    daemon: AnsweringDaemon, run: Run, tmp_path: Path
) -> None:
    daemon.answers["call.report"] = {**daemon.answers["call.report"], "time_line": None}
    assert run("call-report", "4")[0] == 0
    status, _, err = run("call-report", "4", "--svg", str(tmp_path / "call.svg"))
    assert status == 2
    assert "last eight calls" in err
    assert not (tmp_path / "call.svg").exists()


def test_a_place_that_cannot_be_written_is_named(daemon: AnsweringDaemon, run: Run, tmp_path: Path) -> None:
    status, _, err = run("call-report", "--svg", str(tmp_path / "none" / "call.svg"))
    assert status == 2
    assert "cannot be written" in err


def test_counting_goes_backwards_only(run: Run) -> None:
    status, _, err = run("call-report", "--", "-1")
    assert status == 2
    assert "1 is the last" in err
