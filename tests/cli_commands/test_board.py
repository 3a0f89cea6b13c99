"""The verbs of the board as a person types them."""

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


class TestTools:
    """What needs neither a daemon nor the board itself."""

    @pytest.fixture(autouse=True)
    def machine(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A machine whose model is to be written; nobody answers at the socket."""
        monkeypatch.setattr("device.hardware.board_data.DEVICE_TREE", str(tmp_path))
        monkeypatch.setenv("OFFHOOK_SOCKET", str(tmp_path / "none.sock"))
        return tmp_path

    def be(self, machine: Path, model: str) -> None:
        (machine / "model").write_text(model)

    def test_list_names_every_board(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["board", "list"]) == 0
        told = capsys.readouterr().out
        assert "beaglebone-black" in told
        assert "profiles with pins for them: dial-phone, door-station, handset" in told
        assert cli.main(["board", "list", "--json"]) == 0
        boards = json.loads(capsys.readouterr().out)["boards"]
        assert {board["id"] for board in boards} >= {"raspberry-pi-5", "nanopi-neo"}

    def test_detect_says_what_it_is_and_what_to_type(self, machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["board", "detect"]) == 1
        assert "is none of the boards" in capsys.readouterr().err
        self.be(machine, "Xunlong Orange Pi Zero")
        assert cli.main(["board", "detect"]) == 0
        told = capsys.readouterr().out
        assert "orange-pi-zero" in told
        assert "offhook settings set hardware.board=handset" in told
        assert cli.main(["board", "detect", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["board"] == "orange-pi-zero"

    def test_pins_of_a_board(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["board", "pins", "beaglebone-black"]) == 0
        told = capsys.readouterr().out
        assert "P9_12" in told
        assert "mind: " in told
        assert cli.main(["board", "pins", "beagle"]) == 1
        assert "did you mean beaglebone-black" in capsys.readouterr().err

    def test_a_picture_goes_to_a_file_or_to_the_screen(self, machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.be(machine, "Raspberry Pi 5 Model B Rev 1.0")
        assert cli.main(["board", "picture", "--out", str(machine / "a.svg")]) == 0
        assert "a web browser opens it" in capsys.readouterr().out
        assert "wired to Raspberry Pi 5" in (machine / "a.svg").read_text()
        assert cli.main(["board", "picture", "--profile", "rotary", "--board", "raspberry-pi-2"]) == 0
        assert capsys.readouterr().out.startswith("<svg ")
        assert cli.main(["board", "picture", "--profile", "handset@nanopi-neo", "--text"]) == 0
        assert "wired to NanoPi NEO" in capsys.readouterr().out
        assert cli.main(["board", "picture", "--out", str(machine / "no" / "a.svg")]) == 2
        assert "cannot be written" in capsys.readouterr().err

    def test_without_a_known_board_a_picture_needs_its_name(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["board", "picture", "--profile", "handset"]) == 1
        assert "`offhook board list`" in capsys.readouterr().err
        assert cli.main(["board", "picture", "--profile", "raspberry-pi", "--text"]) == 0

    def test_check_tells_what_is_wrong_and_fails_for_errors_only(
        self, machine: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        profile = machine / "mine.toml"
        profile.write_text("[relays.door]\npin = 7\n")
        assert cli.main(["board", "check", "--profile", f"{profile}@raspberry-pi-4"]) == 0
        told = capsys.readouterr().out
        assert "warning: relay.door: it is switched ON" in told
        assert "advice: " in told
        assert cli.main(["board", "check", "--profile", "door-station", "--board", "raspberry-pi-4"]) == 0
        assert "nothing to complain of" in capsys.readouterr().out

    def test_check_asks_the_kernel_on_such_a_board(self, machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.be(machine, "Raspberry Pi 4 Model B Rev 1.4")
        # There is no chip with that label on the machine that runs the tests.
        assert cli.main(["board", "check", "--profile", "handset", "--json"]) == 1
        findings = json.loads(capsys.readouterr().out)["findings"]
        assert any(finding["level"] == "error" and "pinctrl-bcm2711" in finding["text"] for finding in findings)
        assert cli.main(["board", "check", "--profile", "handset", "--offline"]) == 0

    def test_check_of_a_broken_profile_lists_its_faults(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["board", "check", "--profile", "hanset", "--board", "raspberry-pi-4"]) == 1
        assert "did you mean 'handset'" in capsys.readouterr().err
