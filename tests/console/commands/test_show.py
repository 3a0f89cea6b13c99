from typing import Any

from tests.console.desk import Desk, FakePhone
from tests.support.answering_daemon import QUALITY

ACCOUNT: dict[str, Any] = {
    "id": "office",
    "aor": "sip:1001@pbx.example.com",
    "domain": "pbx.example.com",
    "registrar": "",
    "transport": "udp",
    "password": "sealed",
    "state": "registered",
    "status": 200,
    "text": "OK",
    "server": "udp:192.0.2.10:5060",
    "registered_for_s": 600,
    "next_attempt_s": 540.0,
}
BOARD: dict[str, Any] = {
    "profile": "Raspberry Pi",
    "driver": "gpiod",
    "hook": "on-hook",
    "ringing": "",
    "lamps": {"registered": "on"},
    "relays": {"door": True},
    "lines": [
        {"name": "hook", "direction": "in", "active": False, "changes": 3, "chip": "gpiochip0", "line": "17"},
        {"name": "relay.door", "direction": "out", "active": True, "changes": 0, "chip": "gpiochip0", "line": "25"},
    ],
    "missing": {"keypad": "line 5 is taken"},
}
STATUS: dict[str, Any] = {
    "version": "1.0",
    "pid": 7,
    "uptime_s": 65,
    "port": 5060,
    "tls_port": 5061,
    "phone": {"state": "idle"},
    "board": BOARD,
    "accounts": [ACCOUNT],
    "calls": [],
    "audio": {"periods": 3, "device_open": False},
    "notices": ["the store was recovered"],
}
CALL = {
    "id": 1,
    "direction": "in",
    "remote": "sip:1002@x",
    "remote_name": "Eve",
    "account": "office",
    "started_at": 0,
    "answered_at": 10,
    "ended_at": 75,
    "cause": "bye",
}


def phone(**answers: Any) -> FakePhone:
    return FakePhone(
        status=STATUS,
        account__list={"accounts": [ACCOUNT]},
        account__show=ACCOUNT,
        board__show=BOARD,
        call__list={"calls": []},
        calllog__list={"calls": [CALL]},
        **answers,
    )


def test_the_status() -> None:
    shown = Desk(phone(), columns=120).run("show status")
    assert shown[0] == "daemon   offhook 1.0, process 7, up 1 min 05 s"
    assert "office   sip:1001@pbx.example.com  registered  for 10 min 00 s at udp:192.0.2.10:5060" in shown
    assert shown[-1] == "note: the store was recovered"


def test_the_status_of_a_phone_that_is_down_is_what_the_store_knows() -> None:
    desk = Desk(phone(), columns=120)
    desk.phone.is_up = False
    shown = desk.run("show status")
    assert shown[0] == "the phone does not answer"
    assert shown[-1].startswith("office")


def test_accounts() -> None:
    desk = Desk(phone())
    assert desk.run("show accounts")[1].split() == ["office", "sip:1001@pbx.example.com", "udp", "sealed", "registered"]
    assert "domain            pbx.example.com" in desk.run("show acc off")
    assert desk.phone.calls_of("account.show") == [{"id": "office"}]
    assert "unknown; there is office" in desk.run("show accounts zzz")[-1]


def test_registrations() -> None:
    head, row = Desk(phone()).run("show registrations")
    assert head.split() == ["account", "state", "server", "for", "again", "in", "last", "answer"]
    assert row.split()[:3] == ["office", "registered", "udp:192.0.2.10:5060"]
    assert row.endswith("9 min 00 s  200 OK")


def test_calls() -> None:
    desk = Desk(phone())
    shown = desk.run("show calls 5")
    assert shown[0] == "no call"
    assert shown[-1].startswith("1   1970-01-01")
    assert shown[-1].endswith("in  Eve <sip:1002@x>  1 min 05 s  -    -     bye")
    assert desk.phone.calls_of("calllog.list") == [{"limit": 5}]
    assert desk.run("show calls 0") == ["count: '0' is no number from 1 to 1000"]


def test_quality() -> None:
    report = {"number": 2, "call": CALL, "quality": QUALITY, "time_line": None}
    desk = Desk(phone(call__report=report))
    shown = desk.run("show quality 2")
    assert shown[0].endswith("from Eve <sip:1002@x>, talked 1 min 05 s: bye")
    assert "MOS listening            4.19, good (R 85 of 93)" in shown
    desk.run("show quality")
    assert desk.phone.calls_of("call.report") == [{"number": 2}, {}]
    assert desk.run("show quality 0") == ["count: '0' is no number from 1 to 1000"]


def test_audio() -> None:
    settings = [
        {"key": f"audio.{name}", "value": "x"}
        for name in ("kind", "capture_device", "playback_device", "mic_gain_db", "ear_gain_db")
    ]
    settings += [{"key": "media.codecs", "value": "PCMA"}, {"key": "media.tones", "value": "uk"}]
    shown = Desk(phone(settings__list={"settings": settings})).run("show audio")
    assert "media.tones            uk" in shown
    assert shown[-1] == "device open  no"


def test_gpio() -> None:
    shown = Desk(phone()).run("show gpio")
    assert "hook        in   off    3        gpiochip0  17" in shown
    assert "relay   door        pulled" in shown
    assert shown[-1] == "keypad does not work, and is tried again: line 5 is taken"


def test_network() -> None:
    network = {
        "interfaces": [
            {
                "name": "eth0",
                "state": "up",
                "mac": "02:00:00:00:00:01",
                "addresses": ["192.0.2.7/24", "fd00::7/64"],
            },
            {"name": "wlan0", "state": "down", "mac": "02:00:00:00:00:02", "addresses": []},
        ],
        "gateways": [],
        "name_servers": ["192.0.2.1"],
    }
    shown = Desk(phone(network__show=network)).run("show network")
    assert "eth0       up    02:00:00:00:00:01  fd00::7/64" in shown
    assert "wlan0      down  02:00:00:00:00:02  -" in shown
    assert shown[-3:] == [
        "gateway       none: nothing beyond this network can be reached",
        "name servers  192.0.2.1",
        "SIP port      5060, TLS 5061",
    ]


def test_storage() -> None:
    facts = {"store": "/s", "bytes": 2000, "copy_age_s": None, "free_bytes": 3e6, "total_bytes": 8e6, "read_only": True}
    shown = Desk(phone(storage__show=facts)).run("show storage")
    assert shown == [
        "store           /s, 2 kB",
        "last good copy  none yet",
        "card            3 MB free of 8 MB, READ-ONLY",
        "note: the store was recovered",
    ]


def test_log_books_and_texts() -> None:
    desk = Desk(
        phone(
            log__tail={"lines": ["one"]},
            phonebook__list={"entries": [{"name": "Door", "target": "sip:d@x", "short_code": "11"}]},
            message__list={"messages": [{"at": 0, "name": "", "from": "sip:e@x", "text": "a\x1bb"}]},
        )
    )
    assert desk.run("show log 3") == ["one"]
    assert desk.phone.calls_of("log.tail") == [{"lines": 3}]
    assert desk.run("show log 301") == ["count: '301' is no number from 1 to 300"]
    assert desk.run("show phonebook")[1] == "Door  sip:d@x  11"
    assert desk.run("show messages")[1].endswith("sip:e@x  a\\x1bb")
    assert desk.run("show clock")[0].startswith("2023-11-1")
