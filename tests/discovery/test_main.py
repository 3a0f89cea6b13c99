from pathlib import Path

import pytest

from device.discovery.house import Member
from device.discovery.main import main, parse_options
from device.discovery.notebook import Notebook

ID = "0123456789abcdef"


def run(folder: Path, *words: str) -> int:
    return main([*words, "--state", str(folder)])


def test_the_mode_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "mode", "off") == 0
    assert "mode off" in capsys.readouterr().out
    notebook = Notebook(str(tmp_path))
    notebook.load()
    assert notebook.mode == "off"


@pytest.mark.parametrize("words", [["mode", "loud"], ["dance"], ["forget", "me"], ["run", "--rank", "x"], ["--state"]])
def test_what_is_not_understood_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    arguments = words if words[-1] == "--state" else [*words, "--state", str(tmp_path)]
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("offhook discovery: ")


@pytest.mark.parametrize("option", ["--exchange-port=0", "--exchange-port=x", "--rank=10", "--colour=red"])
def test_options_are_checked(option: str) -> None:
    assert main(["run", option]) == 2


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "offhook discovery mode" in capsys.readouterr().out
    assert main([]) == 2


def test_options() -> None:
    options = parse_options(["run", "--socket", "/s", "--exchange-port", "5080", "--rank=0"], {})
    assert (options.words, options.socket, options.exchange_port, options.rank) == (("run",), "/s", 5080, 0)


def test_a_board_can_be_forgotten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "forget", ID) == 1
    assert "no board" in capsys.readouterr().err
    notebook = Notebook(str(tmp_path))
    notebook.members[ID] = Member("11", "secret")
    notebook.save()
    assert run(tmp_path, "forget", ID) == 0
    notebook.load()
    assert notebook.members == {}


def test_the_status_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notebook = Notebook(str(tmp_path))
    assert run(tmp_path, "status") == 0
    assert "has not run" in capsys.readouterr().out
    notebook.write_status({"reason": "switched off"})
    run(tmp_path, "status")
    assert capsys.readouterr().out == "keeping to itself: switched off\n"
    boards = [{"id": ID, "host": "192.0.2.7", "exchange": True}]
    notebook.write_status({"id": "aa", "role": "member", "host": "192.0.2.7", "number": "12", "boards": boards})
    run(tmp_path, "status")
    assert capsys.readouterr().out.splitlines() == [
        "this board aa: member, number 12",
        "the exchange is at 192.0.2.7",
        f"exchange {ID} at 192.0.2.7",
    ]
