"""The command: what it prints, its JSON, its exit status; and a healthy board of which it has nothing to say."""

import json
from pathlib import Path

import pytest

from device.doctor import main as doctor
from device.doctor.case import Case
from device.doctor.finding import SEVERITIES
from device.doctor.main import examine, main
from tests.support.doctored_board import DoctoredBoard


def test_a_healthy_board_has_nothing_missing(board: DoctoredBoard) -> None:
    board.keep(audio__playback_device="plughw:CARD=Device")
    assert [fault for fault in board.complaints() if fault.area != "python"] == []


def test_every_complaint_has_a_remedy(board: DoctoredBoard) -> None:
    board.keep()
    for name in ("dev/gpiochip0", "etc/resolv.conf", "usr/lib/systemd/system/offhook.service"):
        board.change(name, None)
    board.change("proc/asound/cards", "")
    board.change("etc/group", "")
    board.clock = 0.0
    complaints = board.complaints()
    assert len(complaints) >= 6
    assert all(fault.remedy and fault.severity in SEVERITIES for fault in complaints)


def test_an_examination_that_trips_does_not_hide_the_others(
    board: DoctoredBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def examine_stars(_case: Case) -> list[object]:
        raise RuntimeError("clouds")

    monkeypatch.setattr(doctor, "EXAMINATIONS", (examine_stars, *doctor.EXAMINATIONS))
    findings = examine(board.case())
    assert findings[0].text == "the examination of stars failed: RuntimeError('clouds')"
    assert len(findings) > 5


def test_an_image_on_a_bench(board: DoctoredBoard, capsys: pytest.CaptureFixture[str]) -> None:
    board.keep()
    board.change("etc/group", "audio:x:29:offhook\ndialout:x:20:offhook\n")
    assert main(["--root", board.root]) == 1
    said = capsys.readouterr().out
    assert "error    gpio" in said
    assert "there is no group gpio" in said
    assert "sudo firmware_scripts/install-system /" in said
    assert "error(s)" in said


def test_json_for_programs(board: DoctoredBoard, capsys: pytest.CaptureFixture[str]) -> None:
    board.keep(hardware__board="simulated", audio__kind="null")
    board.change("proc/mounts", "")
    assert main(["--root", board.root, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["counts"]["error"] == 0
    assert {"area", "severity", "text", "remedy"} == set(answer["findings"][0])


def test_quiet_leaves_out_what_is_right(board: DoctoredBoard, capsys: pytest.CaptureFixture[str]) -> None:
    board.keep(hardware__board="simulated", audio__kind="null")
    main(["--root", board.root, "--quiet"])
    assert not [line for line in capsys.readouterr().out.splitlines() if line.startswith("ok ")]


def test_another_profile_can_be_examined(board: DoctoredBoard, capsys: pytest.CaptureFixture[str]) -> None:
    board.keep(hardware__board="simulated")
    main(["--root", board.root, "--board", "typewriter"])
    assert "typewriter" in capsys.readouterr().out


def test_words_that_cannot_be_understood(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--colour"]) == 2
    assert main(["--help"]) == 0
    assert "example: sudo offhook doctor" in capsys.readouterr().out


def test_a_root_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", str(tmp_path / "x")]) == 2
    assert "there is no such folder" in capsys.readouterr().err


def test_this_machine_is_examined_without_a_phone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--store", str(tmp_path / "offhook.db"), "--socket", str(tmp_path / "none.sock"), "--json"]
    assert main(arguments) in (0, 1)
    areas = {finding["area"] for finding in json.loads(capsys.readouterr().out)["findings"]}
    assert {"board", "store", "user"} <= areas
    assert "doctor" not in areas
