"""The verbs of the board that need no daemon, as a person types them."""

import json
from pathlib import Path

import pytest

from device import cli
from device.hardware.interfaces import LineSpec
from device.hardware.safe_outputs import SafeOutputs, record_outputs


@pytest.fixture
def store(tmp_path: Path) -> str:
    return str(tmp_path / "offhook.db")


def record(tmp_path: Path, outputs: SafeOutputs) -> None:
    record_outputs(str(tmp_path / "outputs.json"), outputs)


def test_safe_before_the_first_start_has_nothing_to_do(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["board", "safe", "--store", store]) == 0
    assert "nothing to make safe" in capsys.readouterr().out


def test_safe_takes_the_outputs_of_the_last_start(
    tmp_path: Path, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    record(tmp_path, SafeOutputs("mock", {"relay.door": LineSpec("mock", 25)}))
    assert cli.main(["board", "safe", "--store", store]) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["relay.door", "line", "25", "of", "mock", "inactive"]


def test_safe_survives_a_broken_profile(tmp_path: Path, store: str, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "board.toml"
    broken.write_text("relays = ]")
    assert cli.main(["board", "safe", "--profile", str(broken), "--store", store]) == 1
    record(tmp_path, SafeOutputs("mock", {"ringer.0": LineSpec("mock", 18)}))
    assert cli.main(["board", "safe", "--profile", str(broken), "--store", store]) == 0
    told = capsys.readouterr()
    assert "ringer.0" in told.out
    assert "the outputs of the last start are taken instead" in told.err


def test_safe_tells_what_it_could_not_reach(tmp_path: Path, store: str, capsys: pytest.CaptureFixture[str]) -> None:
    record(tmp_path, SafeOutputs("gpiod", {"relay.door": LineSpec("/nowhere/gpiochip9", 25)}))
    assert cli.main(["board", "safe", "--store", store, "--json"]) == 1
    told = capsys.readouterr()
    (door,) = json.loads(told.out)["outputs"]
    assert "no GPIO chip /nowhere/gpiochip9" in door["fault"]
    assert "no GPIO chip /nowhere/gpiochip9" in told.err
