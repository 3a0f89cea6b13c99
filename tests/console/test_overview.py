from device.console.overview import account_lines, call_lines, past_call_lines, status_lines
from tests.console.commands.test_show import ACCOUNT, CALL, STATUS

TALK = {
    "call": "c1",
    "direction": "in",
    "remote": "sip:1002@x",
    "remote_name": "",
    "state": "connected",
    "seconds": 65,
    "priority": "urgent",
    "subject": "fire",
    "diverted_by": ["sip:1003@x"],
}


def test_the_status_with_all_that_there_can_be() -> None:
    waiting = {"office": {"waiting": True, "new": 2, "old": 1}, "home": {"waiting": False, "new": 0, "old": 0}}
    lines = status_lines({**STATUS, "waiting_messages": waiting, "calls": [TALK]}, "add it")
    assert "messages: 2 new, 1 old at account office" in lines
    assert lines[-3] == "c1    in  sip:1002@x  connected  1 min 05 s  urgent, fire, by way of sip:1003@x"
    assert lines[-1] == "note: the store was recovered"


def test_accounts_and_what_their_servers_said() -> None:
    failed = {**ACCOUNT, "state": "failed", "status": 403, "text": "Forbidden"}
    waiting = {**ACCOUNT, "state": "registering", "status": 0, "text": ""}
    lines = account_lines([failed, waiting], "add it")
    assert lines[1].endswith("failed       403 Forbidden")
    assert lines[2].endswith("registering")
    assert account_lines([], "add it") == ["no account yet: add one with `add it`"]


def test_calls_of_now_and_of_before() -> None:
    assert call_lines([]) == ["no call"]
    missed = {**CALL, "answered_at": 0, "remote_name": ""}
    assert past_call_lines([missed])[1].endswith("in  sip:1002@x  -       -    -     bye")
    heard = past_call_lines([missed, {**CALL, "mos": 4.26, "loss_percent": 0.04}])[2]
    assert heard.startswith("2 ")
    assert heard.endswith("1 min 05 s  4.3  0.0 %  bye")
