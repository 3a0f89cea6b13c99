"""The wizard on a fake phone with a real store: choices, defaults, leaving and going on, tests of card and pins."""

from pathlib import Path
from typing import Any

import pytest

from device.control.errors import REFUSED, ControlError
from device.daemon.store_service import StoreMethods
from tests.console.desk import Desk, FakePhone

CHOICES = {
    "model": "Raspberry Pi 4 Model B Rev 1.4",
    "board": "raspberry-pi-4",
    "boards": [
        {"name": "raspberry-pi-4", "title": "Raspberry Pi 4 B"},
        {"name": "orange-pi-pc", "title": "Orange Pi PC"},
    ],
    "profiles": [
        {"name": "handset", "title": "Handset with keypad", "by_pins": True},
        {"name": "simulated", "title": "Simulated desk phone", "by_pins": False},
    ],
}
CARDS = {
    "cards": [
        {"name": "Device", "title": "USB Audio", "device": "plughw:CARD=Device", "playback": True, "capture": True},
        {"name": "vc4", "title": "HDMI", "device": "plughw:CARD=vc4", "playback": True, "capture": False},
    ]
}
NETWORK = {
    "interfaces": [{"name": "eth0", "state": "up", "mac": "", "addresses": ["192.0.2.7/24"]}],
    "gateways": ["192.0.2.1 by eth0"],
    "name_servers": ["192.0.2.1"],
}


class Empty:
    """A phone as it comes: a store with nothing in it, and what the daemon adds."""

    def __init__(self, folder: Path) -> None:
        methods = StoreMethods(str(folder / "s.db"), lambda: 0.0).table()
        kept = {name.replace(".", "__"): method for name, method in methods.items() if not name.startswith("console.")}
        self.waiting: list[str] = []
        self.phone = FakePhone(
            **kept,
            setup__choices=CHOICES,
            setup__cards=CARDS,
            setup__find_pins={"seconds": 60, "pins": ["11 (GPIO17)"], "held": {}},
            setup__stop_pins={},
            network__show=NETWORK,
            status=lambda _: {"waits_for_restart": self.waiting},
            daemon__stop=lambda _: self.waiting.clear() or {},
            daemon__version={"version": "1"},
            test__tone={"seconds": 3},
            test__ring={"seconds": 3},
            test__mic={"seconds": 8},
            test__stop={},
            registration__refresh={"accounts": []},
        )
        # The phone that is set up here might run on any board, whichever machine the test runs on.
        commit = self.phone.answers["config.commit"]
        self.commits: list[dict[str, Any]] = []

        def noted(params: dict[str, Any]) -> Any:
            self.commits.append(params)
            if "hardware.board" in params["settings"]:
                return {"number": 9, "changed": ["hardware.board"], "restart": ["hardware.board"], "registering": []}
            return commit(params)  # type: ignore[operator]

        self.phone.answers["config.commit"] = noted
        self.desk = Desk(self.phone, columns=100, length=0)

    def value(self, key: str) -> str:
        return str(self.phone.ask("settings.get", key=key)["value"])


@pytest.fixture
def empty(tmp_path: Path) -> Empty:
    return Empty(tmp_path)


def test_the_board_is_recognised_and_its_profile_is_the_default(empty: Empty) -> None:
    desk = empty.desk
    lines = desk.type("setup board\r")
    assert any("This is a Raspberry Pi 4 B." in line for line in lines)
    assert lines[-1] == "  what is it to be [handset]:"
    empty.waiting[:] = ["hardware.board"]
    assert desk.type("\r")[-1] == "  start the phone anew now [yes]:"
    assert empty.commits[-1]["settings"] == {"hardware.board": "handset"}
    desk.type("\r")
    desk.wait(4)
    assert desk.phone.calls_of("daemon.stop") == [{}]
    assert desk.screen.last.startswith("  see which pin moves")


def test_a_board_that_nobody_knows_is_likened_to_one(empty: Empty) -> None:
    empty.phone.answers["setup.choices"] = {**CHOICES, "board": "", "model": "Banana"}
    desk = empty.desk
    assert "Banana" in "".join(desk.type("setup board\r"))
    assert desk.type("handset\r")[-1] == "  a board like which [raspberry-pi-4]:"
    desk.type("2\r")
    assert empty.commits[-1]["settings"] == {"hardware.board": "handset@orange-pi-pc"}


def test_pins_are_named_as_they_move(empty: Empty) -> None:
    desk = empty.desk
    desk.type("setup board\r")
    desk.type("\r")
    desk.type("yes\r")
    assert desk.phone.topics == ["pins", "desk"]
    desk.happen("pins", pin="11 (GPIO17)", level="low", at=1.0)
    assert desk.screen.last == "    pin 11 (GPIO17) went low (1)"
    desk.happen("desk", event="HookLifted", name="", at=1.0)
    lines = desk.type("q")
    assert "  moved: 11 (GPIO17) (1)" in lines
    assert desk.phone.calls_of("setup.stop_pins") == [{}]


def test_pins_that_cannot_be_watched_are_told(empty: Empty) -> None:
    def refuse(_: dict[str, Any]) -> Any:
        raise ControlError(REFUSED, "no pin can be watched: GPIO17 is held by ir-receiver")

    empty.phone.answers["setup.find_pins"] = refuse
    desk = empty.desk
    desk.type("setup board\r")
    desk.type("\r")
    lines = desk.type("yes\r")
    assert any("held by ir-receiver" in line for line in lines)


def test_cards_are_chosen_by_name_and_tried(empty: Empty) -> None:
    desk = empty.desk
    lines = desk.type("setup sound\r")
    assert lines[-1] == "  card for the microphone [plughw:CARD=Device]:"
    assert not any("vc4" in line for line in lines)
    assert desk.type("\r")[-1] == "  card for the ear piece [plughw:CARD=Device]:"
    assert desk.type("2\r")[-1] == "  play a tone in the ear piece [yes]:"
    assert empty.value("audio.playback_device") == "plughw:CARD=vc4"
    desk.type("\r")
    desk.wait(4)
    desk.type("\r")
    assert desk.phone.topics == ["meter"]
    desk.happen("config", event="committed", number=3, author="somebody else", comment="", changed=["phone.hotline"])
    desk.happen("meter", rms_db=-30.0, peak_db=-15.0)
    assert desk.screen.last == "     -15.0 dB |" + "#" * 30 + "." * 10 + "|"
    lines = desk.type("\x03")
    assert any("Loudest: -15.0 dB" in line for line in lines)
    desk.type("\r")
    assert desk.phone.calls_of("test.mic")[-1] == {"loop_back": True, "seconds": 12}
    desk.happen("meter", rms_db=-96.0, peak_db=-96.0)
    assert any("Nothing was heard" in line for line in desk.type("\x03"))


def test_no_card_leaves_the_step_open(empty: Empty) -> None:
    empty.phone.answers["setup.cards"] = {"cards": []}
    desk = empty.desk
    desk.type("setup sound\r")
    lines = desk.type("no\r")
    assert any("`setup sound` does it again" in line for line in lines)
    assert empty.value("console.setup_done") == ""


def test_it_can_be_left_and_gone_on_with(empty: Empty) -> None:
    desk = empty.desk
    desk.type("setup network\r")
    desk.type("no\r")
    assert empty.value("console.setup_done") == "network"
    lines = desk.type("setup\r")
    assert "Done already: network." in lines
    assert lines[-1] == "  go on with board [yes]:"
    desk.type("\r")
    lines = desk.type("\x03")
    assert any(line.startswith("Left at 'board'") for line in lines)
    assert desk.screen.last == "offhook#"


def test_a_question_explains_itself_and_refuses_nonsense(empty: Empty) -> None:
    desk = empty.desk
    desk.type("setup volume\r")
    desk.type("no\r")
    assert any("0 leaves it" in line for line in desk.type("?\r"))
    assert any("'loud' is no number" in line for line in desk.type("loud\r"))
    assert any("between -30 and 30" in line for line in desk.type("99\r"))
    desk.type("6\r")
    desk.type("\r")
    assert empty.value("audio.ear_gain_db") == "6"


def test_a_choice_may_be_cut_short_and_a_wrong_one_is_refused(empty: Empty) -> None:
    desk = empty.desk
    desk.type("setup off-hook\r")
    assert any("did you mean hotline?" in line for line in desk.type("hotlne\r"))
    assert desk.type("hot\r")[-1] == "  number to call:"
    assert any("a hotline needs its number" in line for line in desk.type("\r"))
    desk.type("1002\r")
    assert empty.value("phone.hotline") == "1002"


def test_the_country_sets_tones_and_ringing(empty: Empty) -> None:
    desk = empty.desk
    desk.type("setup country\r")
    assert desk.type("de\r")[-1] == "  time zone [Europe/Berlin]:"
    lines = desk.type("\r")
    # 2023-11-14 22:13 UTC
    assert lines[-2:] == ["  it is 2023-11-14 23:13 CET", "  hear the dial tone [no]:"]
    desk.type("no\r")
    assert (empty.value("media.tones"), empty.value("hardware.cadence")) == ("de", "de")


def test_the_time_zone_follows_the_country_until_another_is_chosen(empty: Empty) -> None:
    desk = empty.desk
    desk.type("setup country\r")
    assert desk.type("us\r")[-1] == "  time zone [America/New_York]:"
    assert any("America/Chicago, America/Denver" in line for line in desk.type("?\r"))
    assert any("there is no time zone 'America/Chicgo'" in line for line in desk.type("America/Chicgo\r"))
    assert "  it is 2023-11-14 16:13 CST" in desk.type("America/Chicago\r")
    desk.type("no\r")
    assert empty.value("daemon.time_zone") == "America/Chicago"
    desk.type("setup country\r")
    assert desk.type("us\r")[-1] == "  time zone [America/Chicago]:"
    desk.type("\x03")
    desk.type("setup country\r")
    assert desk.type("uk\r")[-1] == "  time zone [Europe/London]:"
    desk.type("system\r")
    assert empty.value("daemon.time_zone") == ""


def test_a_system_without_zone_files_gets_the_rule(empty: Empty, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device.local_time.zone_fault.__defaults__", ("/none",))
    desk = empty.desk
    desk.type("setup country\r")
    desk.type("de\r")
    assert "  it is 2023-11-14 23:13 CET" in desk.type("\r")
    assert empty.value("daemon.time_zone") == "CET-1CEST,M3.5.0,M10.5.0/3"


def test_a_country_without_a_ringing_of_its_own_rings_as_europe(empty: Empty) -> None:
    desk = empty.desk
    desk.type("setup country\r")
    desk.type("il\r")
    assert (empty.value("media.tones"), empty.value("hardware.cadence")) == ("il", "eu")


def test_the_account_is_kept_tried_and_explained(empty: Empty) -> None:
    shown = {"state": "failed", "status": 403, "text": "Forbidden", "realm": "asterisk", "register": True}
    empty.phone.answers["account.show"] = lambda given: {**shown, "id": given["id"], "user": "1001", "domain": "pbx"}
    desk = empty.desk
    desk.type("setup account\r")
    assert desk.type("asterisk\r")[-1] == "  server:"
    desk.type("pbx.example.com\r")
    desk.type("1001\r")
    lines = desk.type("secret-one\r")
    assert not any("secret-one" in line for line in lines)
    assert any("asks for passwords as 'asterisk'" in line for line in lines)
    assert any("Not registered: the server refuses this user (403 Forbidden)" in line for line in lines)
    fields = empty.commits[-1]["accounts"]["main"]
    assert (fields["user"], fields["domain"], fields["mwi"], fields["password"]) == (
        "1001",
        "pbx.example.com",
        True,
        "secret-one",
    )
    assert desk.screen.last == "  change something and try again [yes]:"
    assert "    'maybe' is no answer: it is yes or no" in desk.type("maybe\r")
    # The kind of server that was chosen is the default of the second attempt.
    assert desk.type("yes\r")[-1] == "  what kind of server is it [asterisk]:"
    desk.type("\r\r\r\r")
    assert empty.commits[-1]["accounts"]["main"]["mwi"] is True
    lines = desk.type("no\r")
    assert any("goes on trying" in line for line in lines)


def test_a_phone_without_a_server_calls_by_address(empty: Empty) -> None:
    desk = empty.desk
    desk.type("setup account\r")
    desk.type("none\r")
    assert empty.value("phone.direct_calls") == "yes"


def test_the_phone_alone_is_started_anew(empty: Empty) -> None:
    empty.phone.answers |= {"call.list": {"calls": [{"call": "c1"}]}, "daemon.stop": {}, "daemon.version": {}}
    desk = empty.desk
    assert desk.type("restart\r")[-1] == "A call is up, and would end. Go on? (yes or no)"
    desk.type("no\r")
    assert desk.phone.calls_of("daemon.stop") == []
    empty.phone.answers["call.list"] = {"calls": []}
    desk.type("restart\r")
    assert desk.wait(3)[-2:] == ["  The phone is back.", "offhook#"]
    assert len(desk.phone.calls_of("daemon.stop")) == 1
