"""The user, the units, packages and real-time priority."""

from importlib.util import cache_from_source
from pathlib import Path

import pytest

from device.doctor import rights
from device.doctor.case import Case
from device.doctor.rights import examine_program, examine_real_time, examine_units, examine_user
from tests.support.doctored_board import DoctoredBoard

BUILDROOT = Path(__file__).parents[2] / "buildroot/package/python-offhook"


def told(examination: object, case: Case) -> list[tuple[str, str, str]]:
    return [(one.severity, one.text, one.remedy) for one in examination(case)]  # type: ignore[operator]


def test_the_user_of_the_unit_is_in_all_groups(board: DoctoredBoard) -> None:
    board.keep()
    assert told(examine_user, board.case()) == [("ok", "offhook is in the groups gpio, audio, dialout", "")]


def test_groups_that_are_missing_are_named_with_the_line_to_type(board: DoctoredBoard) -> None:
    board.keep()
    board.change("etc/group", "gpio:x:991:\naudio:x:29:\ndialout:x:20:offhook\n")
    ((severity, text, remedy),) = told(examine_user, board.case())
    assert (severity, text) == ("error", "user offhook is not in the groups gpio, audio")
    assert "install-system" in remedy
    board.change("etc/passwd", "anna:x:1000:1000::/home/anna:/bin/sh\n")
    ((_, text, remedy),) = told(examine_user, board.case(user="anna"))
    assert text == "user anna is not in the groups gpio, audio"
    assert remedy.startswith("sudo usermod -aG gpio,audio anna")


def test_a_user_that_there_is_not(board: DoctoredBoard) -> None:
    board.keep()
    assert told(examine_user, board.case(user="nobody"))[0][:2] == ("error", "there is no user nobody")


def test_the_primary_group_counts(board: DoctoredBoard) -> None:
    board.keep(audio__kind="null")
    board.change("etc/passwd", "anna:x:1000:991::/home/anna:/bin/sh\n")
    assert told(examine_user, board.case(user="anna")) == [("ok", "anna is in the groups gpio", "")]


def test_a_simulated_phone_without_sound_needs_no_group(board: DoctoredBoard) -> None:
    board.keep(hardware__board="simulated", audio__kind="null")
    board.change("etc/passwd", "anna:x:1000:1000::/home/anna:/bin/sh\n")
    assert told(examine_user, board.case(user="anna")) == [("ok", "anna needs no group", "")]


def test_units_in_place_and_enabled(board: DoctoredBoard) -> None:
    assert told(examine_units, board.case()) == []


@pytest.mark.parametrize(
    ("change", "words", "remedy"),
    [
        ({"usr/lib/systemd/system/offhook.service": None}, "its units are not installed", "install-system"),
        (
            {"etc/systemd/system/multi-user.target.wants/offhook.service": None},
            "does not start at boot",
            "systemctl enable --now offhook",
        ),
        ({"opt/offhook/bin/offhook": None}, "starts /opt/offhook/bin/offhook, which is not there", "docs/install.md"),
        (
            {"etc/systemd/system/offhook.service": "[Service]\nExecStart=/opt/offhook/bin/offhook run\n"},
            "an old copy of the unit",
            "sudo rm /etc/systemd/system/offhook.service",
        ),
        ({"usr/lib/systemd/system/offhook-safe.service": None}, "offhook-safe.service is missing", "install-system"),
        ({"usr/lib/systemd/system/offhook-recovery.service": None}, "nobody starts a phone again", "install-system"),
    ],
)
def test_what_is_wrong_with_the_units(
    board: DoctoredBoard, change: dict[str, str | None], words: str, remedy: str
) -> None:
    for name, text in change.items():
        board.change(name, text)
    ((severity, text, typed),) = told(examine_units, board.case())
    assert severity in ("warning", "error")
    assert words in text
    assert remedy in typed


@pytest.mark.parametrize("script", [*(path.name for path in BUILDROOT.glob("S??offhook")), "offhook"])
def test_another_init_starts_the_phone_too(script: str, board: DoctoredBoard) -> None:
    board.change("usr/lib/systemd/system/offhook.service", None)
    board.change("etc/init.d/S91offhook-exchange", "#!/bin/sh\n")
    assert [severity for severity, _, _ in told(examine_units, board.case())] == ["warning"]
    board.change(f"etc/init.d/{script}", "#!/bin/sh\n")
    assert told(examine_units, board.case()) == [("ok", f"the phone starts at boot, by /etc/init.d/{script}", "")]


SHOW = "systemctl show offhook.service -p ActiveState,Result,NRestarts,StatusText"


@pytest.mark.parametrize(
    ("said", "severities", "words"),
    [
        (
            "ActiveState=active\nNRestarts=0\nStatusText=registered as sip:1001@pbx, idle",
            ["ok"],
            "registered as sip:1001@pbx",
        ),
        ("ActiveState=active\nNRestarts=7\nStatusText=", ["ok", "warning"], "restarted 7 times"),
        ("ActiveState=failed\nResult=watchdog\nNRestarts=10", ["error"], "the phone has failed (watchdog)"),
        ("ActiveState=inactive\nNRestarts=0", ["note"], "does not run now"),
        ("", [], ""),
    ],
)
def test_how_systemd_finds_the_phone(board: DoctoredBoard, said: str, severities: list[str], words: str) -> None:
    board.programs[SHOW] = said
    findings = told(examine_units, board.case())
    assert [severity for severity, _, _ in findings] == severities
    assert words in " ".join(text for _, text, _ in findings)


def test_packages_that_the_settings_need(board: DoctoredBoard, tmp_path: object) -> None:
    board.keep()
    assert [severity for severity, _, _ in told(examine_program, board.case())] == ["ok"] or rights._byte_code()[1]
    board.modules.clear()
    assert "pip install pyalsaaudio" in [remedy for _, _, remedy in told(examine_program, board.case())]


def test_byte_code_is_counted_with_and_without_sources(tmp_path: Path) -> None:
    compiled = Path(cache_from_source(str(tmp_path / "with.py")))
    sources = [tmp_path / name for name in ("with.py", "uncompiled.py", "beside.py")]
    sourceless = [tmp_path / "beside.pyc", tmp_path / "without.pyc", tmp_path / "__pycache__/old.pyc"]
    for path in (*sources, compiled, *sourceless):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert rights._count_byte_code(str(tmp_path)) == (4, 1)


def test_byte_code_that_nobody_compiled(board: DoctoredBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    board.keep()
    monkeypatch.setattr(rights, "_byte_code", lambda: (100, 11))
    assert told(examine_program, board.case())[-1][:2] == (
        "warning",
        "11 of 100 modules have no byte code: the phone starts slowly and is 4 MB larger",
    )
    monkeypatch.setattr(rights, "_byte_code", lambda: (100, 10))
    assert told(examine_program, board.case())[-1][0] == "ok"


@pytest.mark.parametrize(
    ("audio", "severities"),
    [
        ({"periods": 0, "real_time": False}, []),
        ({"periods": 50, "real_time": True}, ["ok"]),
        ({"periods": 50, "real_time": False}, ["warning"]),
    ],
)
def test_the_priority_that_sound_got(board: DoctoredBoard, audio: dict[str, object], severities: list[str]) -> None:
    board.answers = {"status": {"audio": audio, "accounts": []}, "settings.list": {"settings": []}}
    findings = told(examine_real_time, board.case())
    assert [severity for severity, _, _ in findings] == severities
    if severities == ["warning"]:
        assert "offhook - rtprio" in findings[0][2]
