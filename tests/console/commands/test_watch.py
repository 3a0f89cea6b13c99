from pathlib import Path

import pytest

from device.console.commands.watch import USUAL_TOPICS
from device.control.errors import ControlError
from tests.console.commands.test_show import BOARD
from tests.console.desk import Desk, FakePhone

INVITE = (
    "INVITE sip:1002@x SIP/2.0\r\nFrom: <sip:1001@x>;tag=1\r\nTo: <sip:1002@x>\r\nCall-ID: abc123@h\r\n"
    "CSeq: 7 INVITE\r\n\r\nv=0"
)
OK = INVITE.replace("INVITE sip:1002@x SIP/2.0", "SIP/2.0 200 OK", 1)


def sip(desk: Desk, text: str, direction: str = "out") -> list[str]:
    first_line = text.partition("\r\n")[0]
    return desk.happen(
        "sip", at=0.5, direction=direction, peer="udp:192.0.2.1:5060", bytes=9, first_line=first_line, text=text
    )


def test_the_monitor_tells_what_happens_in_words() -> None:
    desk = Desk()
    assert desk.type("monitor\r")[-1] == "(Ctrl-C ends this)"
    assert desk.phone.topics == USUAL_TOPICS
    desk.happen("phone", state="alerting", previous="idle")
    assert desk.screen.last.endswith("phone: alerting (was idle)")
    desk.happen("registration", account="office", state="failed", status=403, text="Forbidden", next_attempt_s=60)
    assert desk.screen.last.endswith("account office: failed (403 Forbidden) next attempt in 1 min 00 s")
    assert desk.type("q")[-1] == "offhook#"


def test_one_topic_alone() -> None:
    desk = Desk()
    desk.type("monitor log\r")
    assert desk.phone.topics == ["log"]
    assert desk.happen("log", level="INFO", line="a line")[-1] == "a line"
    desk.type("\x03")
    assert "unknown; did you mean 'phone'" in desk.run("monitor phones")[-1]


def test_sip_as_a_ladder() -> None:
    desk = Desk(columns=100)
    desk.type("trace sip\r")
    assert sip(desk, INVITE)[-1].endswith("phone ------> udp:192.0.2.1:5060     INVITE sip:1002@x")
    assert sip(desk, OK, "in")[-1].endswith("phone <------ udp:192.0.2.1:5060     200 OK (7 INVITE)")


def test_a_rung_fits_the_terminal() -> None:
    desk = Desk(columns=60)
    desk.type("trace sip\r")
    assert len(sip(desk, INVITE.replace("1002@x", "1002@a-very-long-name.example.com"))[-1]) <= 59
    assert desk.screen.last.endswith("...")


def test_filters() -> None:
    for wanted, seen in (("invite", True), ("REGISTER", False), ("abc1", True), ("1002", True), ("1003", False)):
        desk = Desk()
        desk.type(f"trace sip {wanted}\r")
        before = len(desk.screen.lines())
        assert (len(sip(desk, INVITE)) > before) is seen


def test_whole_messages_without_pages() -> None:
    desk = Desk(length=8)
    desk.type("trace full\r")
    assert sip(desk, INVITE + "\r\n" + "a=x\r\n" * 20)[-1] == "    a=x"


def test_edges_are_drawn() -> None:
    desk = Desk(FakePhone(board__show=BOARD))
    desk.type("trace gpio hook\r")
    desk.happen("board", line="hook", active=True, at=10.0)
    assert desk.screen.last.endswith("hook         _~  on")
    desk.happen("board", line="other", active=True, at=10.0)
    desk.happen("board", line="hook", active=False, at=10.005)
    assert desk.screen.last.endswith("hook         ~_  off after 5.0 ms")
    desk.happen("board", line="hook", active=True, at=10.065)
    assert desk.screen.last.endswith("hook         ~___~  on after 60.0 ms")


def test_a_phone_that_refuses_ends_it() -> None:
    def refuse(topics: object) -> None:
        if topics:
            raise ControlError(-1, "no")

    desk = Desk()
    desk.phone.follow = lambda topics: refuse(list(topics))  # type: ignore[method-assign]
    assert desk.run("monitor")[-1] == "no"


def test_the_sound_of_a_call_every_second() -> None:
    desk = Desk(FakePhone(call__list={"calls": []}), columns=160)
    lines = desk.type("meter\r")
    assert any("there is no call now" in line for line in lines)
    assert desk.phone.topics == ["audio"]
    report = {
        "codec": "OPUS",
        "packets_received": 99,
        "packets_lost": 1,
        "packets_late": 0,
        "frames_concealed": 1,
        "jitter_ms": 1.5,
        "buffer_ms": 40,
        "packets_sent": 100,
        "remote_lost": None,
        "round_trip_ms": 3.2,
        "packets_expected": 99,
        "packets_missing": 1,
        "burst_ratio": 1.0,
        "ptime_ms": 20,
    }
    desk.happen("audio", call="a", ended=False, report=report)
    assert desk.screen.last.endswith(
        "OPUS in 99 lost 1 (1.0 %) late 0 concealed 1 jitter 1.5 ms buffer 40 ms"
        " | out 100 lost ? round trip 3.2 ms | MOS 4.46/4.46"
    )
    desk.happen("audio", call="a", ended=False, report={**report, "packets_expected": 0})
    assert desk.screen.last.endswith("| MOS -")
    desk.happen("audio", device="lost", text="gone")
    assert desk.type("q")[-1] == "offhook#"


def test_a_server_is_asked_four_times_and_the_answers_are_told() -> None:
    queries = iter(range(10))
    desk = Desk(FakePhone(options__send=lambda _: {"query": f"o-{next(queries)}"}), columns=120)
    desk.type("options sip:pbx\r")
    answer = {"status": 200, "text": "OK", "seconds": 0.012, "software": "pbx", "abilities": {"Allow": "INVITE"}}
    for number in range(4):
        desk.happen("options", name="other", status=500, text="", seconds=1.0, software="", abilities={})
        lines = desk.happen("options", name=f"o-{number}", **answer)
        desk.wait(1.1)
    lines = desk.screen.lines()
    assert lines.count("200 OK from pbx in 12.0 ms") == 4
    assert lines.count("  Allow: INVITE") == 1
    assert "4 of 4 answered, 12 to 12 ms" in lines
    desk.type("options sip:nobody\r")
    for number in range(4, 8):
        desk.happen("options", name=f"o-{number}", status=0, text="no answer in time", seconds=32.0, abilities={})
        desk.wait(1.1)
    assert any(line.startswith("nobody answered") for line in desk.screen.lines())


def written(desk: Desk, path: Path) -> bytes:
    """What a capture holds after an INVITE and an OPTIONS, and Ctrl-C."""
    options = INVITE.replace("INVITE", "OPTIONS")
    for text in (INVITE, options):
        sip(desk, text)
    return path.read_bytes()


def test_messages_go_to_a_file_that_says_how_much_it_is(tmp_path: Path) -> None:
    desk, path = Desk(columns=200), tmp_path / "night.pcap"
    assert desk.type(f"trace sip file {path}\r")[-1] == f"writing to {path} (Ctrl-C ends this)"
    assert desk.phone.topics == ["sip"]
    data = written(desk, path)
    assert data.count(b"Call-ID: abc123@h") == 2
    size = f"2 messages, {len(data)} bytes"
    assert desk.type("\x03")[-2:] == [f"{path}: {size}; digests of passwords are left out", "offhook#"]
    assert desk.phone.topics == []


def test_the_file_takes_what_is_asked_for_alone(tmp_path: Path) -> None:
    desk, path = Desk(columns=200), tmp_path / "night.pcap"
    desk.type(f"trace sip file {path} OPTIONS\r")
    data = written(desk, path)
    assert (data.count(b"OPTIONS sip:"), data.count(b"INVITE sip:")) == (1, 0)


def test_progress_is_told_now_and_then(tmp_path: Path) -> None:
    desk = Desk(columns=200)
    now = [1000.0]
    desk.shell.wall_clock = lambda: now[0]
    desk.type(f"trace sip file {tmp_path / 'x.pcap'}\r")
    before = sip(desk, INVITE)
    now[0] += 5.0
    assert sip(desk, INVITE)[-1].endswith(f" 2 messages, {(tmp_path / 'x.pcap').stat().st_size} bytes")
    assert len(sip(desk, INVITE)) == len(before) + 1


def test_a_file_without_a_folder_is_kept_with_the_store_of_a_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    Desk(columns=200).type("trace sip file x.pcap\r\x03")
    assert (tmp_path / "x.pcap").stat().st_size == 24


def test_a_place_that_cannot_be_written_is_told_before_anything_begins(tmp_path: Path) -> None:
    desk = Desk(columns=200)
    said = desk.run(f"trace sip file {tmp_path / 'gone' / 'x.pcap'}")
    assert said[-1].endswith("x.pcap: No such file or directory; name another file")
    assert desk.phone.topics == []
    assert "file is missing" in desk.run("trace sip file")[-1]
