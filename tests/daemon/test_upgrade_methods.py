"""The phone asks for an upgrade, and tells how far it is."""

import itertools
from pathlib import Path

import pytest

from device.daemon.upgrade_methods import TAKEN_WITHIN_S, UpgradeMethods
from device.errors import DeviceError
from device.upgrade.installation import Progress
from device.upgrade.spool import ANSWER_FILE, take_request
from device.upgrade.voice import AnswerVoice
from tests.upgrade.board import make_system

WORDS = ["/media/usb/new.upgrade", "--force"]


class Desk:
    """A phone on an image whose clock we move."""

    def __init__(self, root: Path) -> None:
        make_system(root)
        for name in ("run/offhook", "run/offhook-upgrade"):
            (root / name).mkdir()
        self.root, self.now = root, 0.0
        ids = map(str, itertools.count(1))
        self.methods = UpgradeMethods(lambda: next(ids), lambda: self.now, str(root))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_request_is_written_and_its_answer_told(desk: Desk) -> None:
    assert desk.methods.progress({}) == {"running": False, "status": 0, "percent": -1, "lines": []}
    assert desk.methods.start({"words": WORDS}) == {"id": "1"}
    assert desk.methods.progress({})["running"]
    taken = take_request(str(desk.root))
    assert taken == ("1", WORDS)
    voice = AnswerVoice(str(desk.root / ANSWER_FILE), "1")
    voice.say("version 2.0 for virt")
    voice.show(Progress("root", 30, 100))
    assert desk.methods.progress({}) == {
        "running": True,
        "status": 0,
        "percent": 30,
        "lines": ["version 2.0 for virt"],
    }
    with pytest.raises(DeviceError, match="on its way already"):
        desk.methods.start({"words": WORDS})
    voice.end(1)
    assert (desk.methods.progress({})["running"], desk.methods.progress({})["status"]) == (False, 1)
    assert desk.methods.start({"words": ["status"]}) == {"id": "2"}
    assert desk.methods.progress({})["lines"] == []


def test_a_request_that_nobody_takes_is_told(desk: Desk) -> None:
    desk.methods.start({"words": WORDS})
    desk.now = TAKEN_WITHIN_S
    answer = desk.methods.progress({})
    assert (answer["running"], answer["status"]) == (False, 1)
    assert "systemctl status offhook-upgrade.path" in str(answer["lines"])


@pytest.mark.parametrize("words", [None, "status", [1], ["/etc/shadow"]])
def test_what_has_no_sense_is_refused(desk: Desk, words: object) -> None:
    with pytest.raises(DeviceError):
        desk.methods.start({"words": words})
    assert take_request(str(desk.root)) is None


def test_on_another_system_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="not started from an offhook image"):
        UpgradeMethods(lambda: "1", lambda: 0.0, str(tmp_path)).start({"words": ["status"]})


def test_on_another_system_it_says_how_that_is_restarted(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="sudo systemctl reboot"):
        UpgradeMethods(lambda: "1", lambda: 0.0, str(tmp_path)).start({"words": ["restart"]})
