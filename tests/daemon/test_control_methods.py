"""Every method of the control socket, asked of a whole phone, answers as it is documented."""

import json
import os
import sys
from pathlib import Path

import pytest

from device import __version__
from device.control.errors import FAILED, INVALID_PARAMS, NOT_FOUND, REFUSED
from device.control.schema import METHODS, TOPICS
from device.daemon.control_methods import resident_kib
from device.daemon.settings_methods import MASKED
from device.phone.states import PhoneState
from device.store.settings import Settings
from tests.support.turning import HandLoop
from tests.support.whole_phone import HOST, FarEnd, WholePhone, whole_phone

S = PhoneState


def documented(result: str) -> set[str]:
    """The names on the first level of "{a, b (words), c: [{d, e}]}"."""
    names, depth, word = set(), 0, ""
    for character in result + ",":
        depth += (character in "{[(") - (character in "}])")
        if character == "," and depth <= 1:
            names.add(word.strip(" {}").split(":")[0].split(" ")[0])
            word = ""
        else:
            word += character
    return names - {""}


def test_every_method_there_is_has_its_documentation_and_the_other_way_round(phone: WholePhone) -> None:
    assert set(phone.parts.server._methods) == set(METHODS) - {"subscribe", "unsubscribe"}


ELSEWHERE = ("daemon.stop", "subscribe", "unsubscribe", "upgrade.start", "setup.find_pins", "store.unseal")
"""Tested below, or in test_upgrade_methods.py, test_board_setup.py and test_sealed_secrets.py."""
EXAMPLES = [name for name in METHODS if not name.startswith("call.") and name not in ELSEWHERE]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_of_a_method_works_and_is_answered_as_documented(phone: WholePhone, name: str) -> None:
    method = METHODS[name]
    phone.control.call("account.add", id="office", user="1001", domain=HOST, register=False)
    if name == "phonebook.remove":
        phone.control.call("phonebook.add", **json.loads(METHODS["phonebook.add"].example))
    if name == "account.add":
        phone.control.call("account.remove", id="office")
    if name == "console.login":
        phone.control.call("console.password", role="admin", verifier="scrypt:16384:8:1:00:00")
    answer = phone.control.call(name, **json.loads(method.example))
    assert documented(method.result) <= set(answer)


def test_the_examples_of_calls_work(talking: WholePhone) -> None:
    for name in ("call.list", "call.digits", "call.hangup"):
        answer = talking.control.call(name, **json.loads(METHODS[name].example))
        assert documented(METHODS[name].result) <= set(answer)


def test_an_upgrade_needs_an_image(phone: WholePhone) -> None:
    refusal = phone.control.refusal("upgrade.start", words=["status"])
    assert "not started from an offhook image" in refusal.message


def test_every_topic_can_be_followed(phone: WholePhone) -> None:
    assert phone.control.call("subscribe", topics=list(TOPICS))["topics"] == sorted(TOPICS)
    assert phone.control.call("unsubscribe", topics=["sip"])["topics"] == sorted(set(TOPICS) - {"sip"})


# Status.


def test_the_status_tells_all_at_once(talking: WholePhone) -> None:
    status = talking.control.call("status")
    assert (status["version"], status["pid"], status["port"]) == (__version__, os.getpid(), talking.port)
    assert status["uptime_s"] >= 0
    assert 1000 < status["memory_kib"] < 10_000_000
    assert str(status["instance"]).startswith("urn:uuid:")
    assert status["phone"]["state"] == "connected"
    assert status["board"]["driver"] == "mock"
    assert status["accounts"] == []
    assert status["notices"] == []
    (call,) = status["calls"]
    assert (call["direction"], call["state"], call["account"]) == ("out", "connected", "")
    assert 0 <= call["seconds"] < 60
    json.dumps(status)


def test_the_version_is_told(phone: WholePhone) -> None:
    assert phone.control.call("daemon.version") == {"version": __version__, "python": sys.version.split()[0]}


def test_memory_is_unknown_where_the_kernel_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sysconf", lambda name: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        resident_kib()
    monkeypatch.setattr("builtins.open", lambda *_: (_ for _ in ()).throw(FileNotFoundError()))
    assert resident_kib() == 0


def test_a_stop_is_answered_before_it_happens(phone: WholePhone) -> None:
    phone.loop._running = True
    assert phone.control.call("daemon.stop") == {"stopping": True}
    assert not phone.loop._running


# Calls.


def test_a_call_is_placed_answered_and_ended_by_socket(phone: WholePhone, far_end: FarEnd) -> None:
    assert phone.control.call("call.list") == {"calls": []}
    far_end.call(phone.target)
    phone.wait(S.ALERTING)
    (ringing,) = phone.control.call("call.list")["calls"]
    assert (ringing["direction"], ringing["state"]) == ("in", "alerting")
    assert phone.control.call("call.answer", call=ringing["call"]) == {"call": ringing["call"]}
    far_end.established()
    assert phone.control.call("call.hangup") == {"call": ringing["call"]}
    far_end.ended()


@pytest.mark.parametrize("method", ["call.answer", "call.hangup", "call.digits"])
def test_what_needs_a_call_is_refused_without_one(phone: WholePhone, method: str) -> None:
    params = {"digits": "1"} if method == "call.digits" else {}
    assert phone.control.refusal(method, **params).code == REFUSED
    assert phone.control.refusal(method, **params, call="c99").code == REFUSED


def test_digits_that_are_none_are_refused(talking: WholePhone) -> None:
    assert talking.control.refusal("call.digits", digits="12x").code == REFUSED
    assert talking.control.refusal("call.digits", digits="").code == INVALID_PARAMS


def test_a_second_call_is_refused(talking: WholePhone) -> None:
    assert talking.control.refusal("call.place", target="1003").code == REFUSED


def test_a_call_through_an_account_that_is_not_there_is_refused(phone: WholePhone) -> None:
    assert phone.control.refusal("call.place", target="1002", account="home").code == NOT_FOUND


def test_the_account_of_one_call_is_not_that_of_the_next(phone: WholePhone, far_end: FarEnd) -> None:
    for name in ("first", "second"):
        server = f"{HOST}:{far_end.port}"
        servers = {"registrar": server, "outbound_proxy": server, "register": False}
        phone.control.call("account.add", id=name, user=name, domain=HOST, **servers)
    assert phone.control.refusal("call.place", target="", account="second").code == INVALID_PARAMS
    assert phone.parts.line._preferred is None
    far_end.be("1002")
    call = phone.control.call("call.place", target="1002", account="second")["call"]
    assert phone.parts.line.account_of(call) == "second"
    phone.control.call("call.hangup")
    far_end.ended()
    assert phone.parts.line._preferred is None


def test_a_call_that_cannot_begin_tells_why(phone: WholePhone) -> None:
    refusal = phone.control.refusal("call.place", target="<mailto:a@b>")
    assert refusal.code == FAILED
    assert "mailto is no telephone" in refusal.message


# Settings.


def test_a_setting_is_changed_and_told(phone: WholePhone) -> None:
    changed = phone.control.call("settings.set", values={"sip.port": "5070", "daemon.log_level": "warning"})
    assert changed == {"changed": ["daemon.log_level", "sip.port"], "restart": ["sip.port"]}
    setting = phone.control.call("settings.get", key="sip.port")
    assert (setting["value"], setting["default"], setting["kind"]) == ("5070", "5060", "int")
    assert phone.control.call("settings.set", values={"sip.port": None})["changed"] == ["sip.port"]
    assert phone.control.call("settings.get", key="sip.port")["value"] == "5060"
    keys = [item["key"] for item in phone.control.call("settings.list")["settings"]]
    assert "sip.port" in keys
    assert len(keys) == len(set(keys)) > 50


def test_a_setting_of_the_phone_counts_at_once(phone: WholePhone) -> None:
    assert phone.control.call("settings.set", values={"phone.hotline": "sip:a@b"})["restart"] == []
    assert phone.parts.runtime._phone._line.settings.hotline == "sip:a@b"
    assert phone.control.call("settings.set", values={"phone.hotline": None})["restart"] == []
    assert phone.parts.runtime._phone._line.settings.hotline == ""


def test_a_stored_setting_of_the_phone_that_is_none_can_be_taken_away(phone: WholePhone) -> None:
    settings = Settings(phone.database)
    settings.set_many({"phone.colour": "red"})
    assert phone.control.call("settings.set", values={"phone.colour": None})["changed"] == ["phone.colour"]
    assert settings.get_all() == {}


def test_a_setting_that_does_not_fit_the_command_line_waits(loop: HandLoop, tmp_path: Path) -> None:
    with whole_phone(loop, tmp_path, {"phone.door_code": "4711"}) as phone:
        changed = phone.control.call("settings.set", values={"phone.door_relay": ""})
        assert changed["restart"] == ["phone.door_relay"]
        assert phone.parts.runtime._phone._line.settings.door_relay == "door"


def test_a_bad_setting_is_refused_with_all_faults_and_the_old_one_kept(phone: WholePhone) -> None:
    phone.control.call("settings.set", values={"phone.hotline": "1002"})
    refusal = phone.control.refusal(
        "settings.set",
        values={"phone.hotline": "1003", "sip.port": "-1", "sip.prot": "1", "media.tones": "atlantis", "x.y": None},
    )
    assert refusal.code == INVALID_PARAMS
    for words in ("nothing was changed", "sip.port: -1", "did you mean sip.port?", "media.tones: 'atlantis'", "x.y:"):
        assert words in refusal.message
    assert phone.control.call("settings.get", key="phone.hotline")["value"] == "1002"


def test_settings_that_do_not_fit_together_are_refused(phone: WholePhone) -> None:
    phone.control.call("settings.set", values={"daemon.rtp_first_port": "15000"})
    refusal = phone.control.refusal("settings.set", values={"daemon.rtp_last_port": "14000"})
    assert "15000 to 14000" in refusal.message


def test_a_stored_setting_that_is_no_good_stands_in_nobodys_way(phone: WholePhone) -> None:
    settings = Settings(phone.database)
    settings.set_many({"sip.prot": "1", "media.ptime_ms": "7"})
    phone.control.call("settings.set", values={"phone.hotline": "1002"})
    # But whoever touches it must make it good.
    assert "media.ptime_ms: 7" in phone.control.refusal("settings.set", values={"media.ptime_ms": "7"}).message
    assert "sip.prot" in phone.control.refusal("settings.set", values={"sip.prot": "2"}).message
    phone.control.call("settings.set", values={"media.ptime_ms": "20", "sip.prot": None})
    assert settings.get_all() == {"phone.hotline": "1002", "media.ptime_ms": "20"}


@pytest.mark.parametrize("board", ["typewriter", "/no/such/file.toml"])
def test_a_board_that_cannot_be_used_is_refused_before_the_restart(phone: WholePhone, board: str) -> None:
    assert "hardware.board" in phone.control.refusal("settings.set", values={"hardware.board": board}).message
    assert phone.control.call("settings.get", key="hardware.board")["value"] == "simulated"


def test_a_board_that_can_be_used_is_taken(phone: WholePhone) -> None:
    assert phone.control.call("settings.set", values={"hardware.board": "rotary"})["restart"] == ["hardware.board"]


def test_a_secret_setting_is_not_shown(phone: WholePhone) -> None:
    phone.control.call("settings.set", values={"phone.door_code": "4711"})
    assert phone.control.call("settings.get", key="phone.door_code")["value"] == MASKED
    assert "4711" not in str(phone.control.call("settings.list"))
    assert "12x" not in phone.control.refusal("settings.set", values={"phone.door_code": "12x"}).message
    assert phone.control.refusal("settings.set", values={"phone.door_code": MASKED}).code == INVALID_PARAMS


@pytest.mark.parametrize("values", [{}, {"sip.port": 5070}, "sip.port=5070", None])
def test_settings_are_given_as_text_by_name(phone: WholePhone, values: object) -> None:
    assert phone.control.refusal("settings.set", values=values).code == INVALID_PARAMS


def test_a_setting_that_is_not_there_is_told(phone: WholePhone) -> None:
    unknown = phone.control.refusal("settings.get", key="sip.prot")
    assert (unknown.code, "did you mean sip.port?" in unknown.message) == (NOT_FOUND, True)


# Books and logs.


def test_the_phone_book_is_kept_and_can_be_dialled(phone: WholePhone, far_end: FarEnd) -> None:
    entry = {"name": "Front door", "target": far_end.target, "short_code": "11"}
    assert phone.control.call("phonebook.add", **entry) == entry
    assert phone.control.call("phonebook.list") == {"entries": [entry]}
    phone.place("front door")
    far_end.incoming()
    phone.control.call("call.hangup")
    far_end.ended()
    assert phone.control.call("phonebook.remove", name="Front door") == {"removed": "Front door"}
    assert phone.control.call("phonebook.list") == {"entries": []}
    assert "Front door" in phone.control.refusal("phonebook.remove", name="Front door").message


def test_the_call_log_tells_the_latest_first(phone: WholePhone, far_end: FarEnd) -> None:
    for _ in range(2):
        far_end.call(phone.target)
        phone.wait(S.ALERTING)
        phone.control.call("call.hangup")
        phone.loop.turn_until(lambda: phone.parts.line.calls == 0)
        phone.wait(S.IDLE)
        phone.loop.settle()
        far_end.ended()
        far_end.events.clear()
    calls = phone.control.call("calllog.list", limit=1)["calls"]
    assert len(calls) == 1
    assert calls[0]["direction"] == "in"
    assert calls[0]["answered_at"] == 0.0
    assert calls[0]["ended_at"] >= calls[0]["started_at"] > 1_600_000_000
    assert len(phone.control.call("calllog.list")["calls"]) == 2


@pytest.mark.parametrize(("method", "name"), [("calllog.list", "limit"), ("log.tail", "lines")])
@pytest.mark.parametrize("number", [0, -1, 1001, "5", 1.5, True])
def test_a_count_is_a_whole_number_within_bounds(phone: WholePhone, method: str, name: str, number: object) -> None:
    assert phone.control.refusal(method, **{name: number}).code == INVALID_PARAMS


# The board.


def test_the_simulated_board_is_moved_by_socket(phone: WholePhone) -> None:
    phone.control.call("board.lift")
    phone.wait(S.DIAL_TONE)
    assert phone.control.call("board.show")["hook"] == "off-hook"
    phone.control.call("board.press", digits="1")
    phone.wait(S.COLLECTING)
    phone.control.call("board.replace")
    phone.wait(S.IDLE)
    phone.control.call("board.drive", line="hook", active=True)
    phone.wait(S.DIAL_TONE)
    assert phone.control.refusal("board.drive", line="nonsense", active=True).code == REFUSED
    assert phone.control.refusal("board.press", digits="x").code == REFUSED


# Accounts as such.


def test_a_realm_without_a_password_is_refused(phone: WholePhone) -> None:
    refusal = phone.control.refusal("account.add", id="x", user="1", domain="y", realm="pbx")
    assert "realm: give the password with it" in refusal.message
