from typing import Any

from tests.console.commands.test_show import BOARD
from tests.console.desk import Desk, FakePhone


def phone() -> FakePhone:
    answers = {f"test__{name}": {"seconds": 5} for name in ("ring", "tone", "lamp", "relay")}
    return FakePhone(board__show=BOARD, test__stop={"stopped": []}, **answers)


def test_a_test_waits_for_its_end() -> None:
    desk = Desk(phone())
    assert desk.type("test ring\r")[-1] == "the bell rings for 5 s (Ctrl-C ends it)"
    desk.type("show clock\r")
    assert desk.wait(4.9)[-1] == "the bell rings for 5 s (Ctrl-C ends it)"
    # What was typed meanwhile is done afterwards.
    assert desk.wait(0.2)[-2].startswith("2023-11-1")
    assert desk.phone.calls_of("test.stop") == []


def test_ctrl_c_ends_it_at_once() -> None:
    desk = Desk(phone())
    assert desk.type("test tone busy 30\r\x03")[-1] == "offhook#"
    assert desk.phone.calls_of("test.tone") == [{"name": "busy", "seconds": 30}]
    assert len(desk.phone.calls_of("test.stop")) == 1


def test_lamps_and_relays_of_this_board() -> None:
    desk = Desk(phone())
    assert desk.type("test lamp reg wink 2\r")[-1].startswith("lamp registered: wink for")
    desk.wait(6)
    assert desk.phone.calls_of("test.lamp") == [{"name": "registered", "mode": "wink", "seconds": 2}]
    desk.type("test relay door\r")
    desk.wait(6)
    assert desk.phone.calls_of("test.relay") == [{"name": "door"}]
    assert "there is registered" in desk.run("test lamp zzz")[-1]
    assert desk.run("test ring default soon")[-1] == "seconds: 'soon' is no whole number"


def test_keys_are_shown_as_the_phone_notices_them() -> None:
    desk = Desk(phone())
    desk.type("test keypad\r")
    assert desk.phone.topics == ["desk"]
    desk.happen("desk", event="HookLifted", name="", at=1.0)
    assert desk.screen.last.endswith("handset lifted")
    for digit in "115":
        desk.happen("desk", event="DigitDialled", name=digit, at=1.0)
    desk.happen("desk", event="ButtonPressed", name="door", at=1.0)
    assert desk.screen.last.endswith("button door")
    assert desk.type("\x03")[-2:] == ["keys seen: 1 5", "offhook#"]


def test_a_minute_without_a_key_ends_that() -> None:
    desk = Desk(phone())
    desk.type("test keypad\r")
    assert desk.wait(61)[-2:] == ["keys seen: none", "offhook#"]


def test_the_microphone_is_measured_or_heard() -> None:
    desk = Desk(FakePhone(test__mic={"seconds": 8}, test__stop={}))
    desk.type("test mic\r")
    assert desk.phone.calls_of("test.mic") == [{"loop_back": False, "seconds": 8}]
    desk.happen("meter", rms_db=-20.0, peak_db=-10.0)
    assert any("Loudest: -10.0 dB" in line for line in desk.type("\x03"))
    desk.type("test mic loop-back 3\r")
    assert desk.phone.calls_of("test.mic")[-1] == {"loop_back": True, "seconds": 3}


def account(name: str, **fields: Any) -> dict[str, Any]:
    given = {"id": name, "aor": f"sip:{name}@pbx", "user": name, "domain": "pbx", "register": True, "enabled": True}
    return {**given, "state": "registered", "status": 200, "text": "OK", **fields}


def trying(*accounts: dict[str, Any]) -> FakePhone:
    known = {item["id"]: item for item in accounts}
    return FakePhone(
        account__list={"accounts": accounts},
        account__show=lambda given: known[given["id"]],
        registration__refresh=lambda given: {"accounts": [given["account"]]},
    )


def test_every_account_registers_and_the_answers_are_explained() -> None:
    refused = account("b", state="failed", status=403, text="No")
    off, direct = account("off", enabled=False), account("direct", register=False)
    desk = Desk(trying(account("a"), refused, off, direct), columns=120)
    desk.type("test register\r")
    # Neither what happens to others nor what is known from before is the answer.
    desk.happen("registration", account="other", state="registered")
    assert desk.happen("registration", account="a", state="registering")[-2:] == ["a:", "  Registering ..."]
    desk.happen("registration", account="a", state="registered")
    lines = desk.happen("registration", account="b", state="failed")
    assert "  Registered as a@pbx." in lines
    assert any("the server refuses this user (403 No)" in line for line in lines)
    assert lines[-2:] == ["1 of 2 registered", "offhook#"]
    assert desk.phone.calls_of("registration.refresh") == [{"account": "a"}, {"account": "b"}]
    assert desk.phone.topics == []


def test_an_old_registration_is_no_answer() -> None:
    desk = Desk(trying(account("a")), columns=120)
    desk.type("test register a\r")
    lines = desk.wait(21)
    assert any("has not answered for 20 s" in line for line in lines)
    assert not any("Registered as" in line for line in lines)


def test_no_account_to_register_is_said_with_what_to_do() -> None:
    desk = Desk(FakePhone(account__list={"accounts": [account("direct", register=False)]}))
    assert "`setup account`" in desk.run("test register")[-1]
    assert desk.phone.calls_of("registration.refresh") == []


def test_an_echo_is_called_and_hung_up() -> None:
    calls = [{"call": "c1"}]
    desk = Desk(FakePhone(call__place={"call": "c1"}, call__list={"calls": calls}, call__hangup={}))
    desk.type("test echo *43\r")
    assert desk.phone.calls_of("call.place") == [{"target": "*43"}]
    desk.happen("call", event="established", call="c1", remote="*43")
    assert desk.wait(9)[-1] != "offhook#"
    assert desk.wait(2)[-2:] == ["  The call was answered.", "offhook#"]
    assert desk.phone.calls_of("call.hangup") == [{"call": "c1"}]


DNS = {
    "test": 1,
    "servers": ["192.0.2.53"],
    "told_by": "system",
    "targets": [
        {"name": "office", "account": True, "host": "pbx.test", "port": 0, "transport": "UDP", "address": False}
    ],
}
NO_NAME = {"type": "A", "name": "pbx.test", "server": "192.0.2.53", "seconds": 0.1, "ttl_s": 0, "records": []}


def test_a_look_up_is_told_step_by_step_with_its_end() -> None:
    desk = Desk(FakePhone(test__dns=DNS, account__list={"accounts": [account("office")]}), columns=120)
    assert desk.type("test dns off\t\r")[-1] == "name servers: 192.0.2.53 (from /etc/resolv.conf)"
    assert desk.phone.calls_of("test.dns") == [{"name": "office"}]
    assert desk.phone.topics == ["dns"]
    lines = desk.happen("dns", test=1, target=0, **NO_NAME, fault="no-name")
    assert lines[-1].endswith("192.0.2.53, 100 ms: there is no such name (NXDOMAIN)")
    lines = desk.happen("dns", test=1, target=0, hops=[])
    assert lines[-4] == "  FAULT: the server is not found"
    assert lines[-1] == "offhook#"
    assert desk.phone.topics == []


def test_a_phone_that_tells_nothing_more_ends_the_look_up() -> None:
    desk = Desk(FakePhone(test__dns=DNS), columns=120)
    desk.type("test dns\r")
    assert "tells nothing more of its look-up" in desk.wait(16)[-2]
