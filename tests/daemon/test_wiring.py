"""How the phone is put together, and what it does with settings that do not fit."""

import time
from pathlib import Path

import pytest

from device import plain_logging as logging
from device.daemon.config import ConfigurationError
from device.daemon.instance import device_instance
from device.daemon.wiring import (
    _call_namer,
    _wall_clock,
    open_board,
    usable_configuration,
    usable_profile,
)
from device.hardware.errors import HardwareError
from device.hardware.settings import HardwareSettings
from device.model import CallId
from device.phone.events import CallOffered
from device.phone.states import PhoneState
from device.records import replace
from device.store.database import open_database
from tests.support.turning import HandLoop
from tests.support.whole_phone import HOST, FarEnd, WholePhone, whole_phone

# Settings that no longer fit.


def test_good_settings_are_taken_and_the_command_line_goes_first() -> None:
    configuration, notices = usable_configuration({"sip.port": "5070", "phone.hotline": "1"}, {"phone.hotline": "2"})
    assert (configuration.sip.port, configuration.phone.hotline) == (5070, "2")
    assert notices == []


def test_only_what_is_at_fault_is_left_out() -> None:
    stored = {"sip.port": "5070", "sip.prot": "1", "sip.max_calls": "1000", "phone.hotline": "1002"}
    configuration, notices = usable_configuration(stored, {})
    assert (configuration.sip.port, configuration.sip.max_calls) == (5070, 16)
    assert configuration.phone.hotline == "1002"
    assert len(notices) == 2
    assert any(
        "stored setting ignored: sip.prot: there is no such setting; did you mean sip.port?" in n for n in notices
    )
    assert any("sip.max_calls: 1000" in notice for notice in notices)


def test_settings_at_fault_together_go_together() -> None:
    stored = {"daemon.rtp_first_port": "30000", "daemon.rtp_last_port": "20000", "daemon.stop_timeout_s": "1"}
    configuration, notices = usable_configuration(stored, {})
    assert configuration.daemon.rtp_first_port < configuration.daemon.rtp_last_port
    assert configuration.daemon.stop_timeout_s == 1
    assert len(notices) == 1


def test_a_stored_setting_gives_way_to_the_command_line() -> None:
    configuration, notices = usable_configuration({"daemon.rtp_last_port": "2000"}, {"daemon.rtp_first_port": "3000"})
    assert configuration.daemon.rtp_first_port == 3000
    assert configuration.daemon.rtp_last_port == 16_583
    assert len(notices) == 1


def test_a_section_goes_as_a_whole_where_nothing_else_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = {"media.jitter_min_ms": "500", "media.tones": "uk", "phone.hotline": "1"}
    # A fault that names a setting which is not the one to blame.
    monkeypatch.setattr("device.daemon.wiring.names_in", lambda fault: {"media.nothing"})
    configuration, notices = usable_configuration(stored, {})
    assert configuration.media.tones == "itu"
    assert configuration.phone.hotline == "1"
    assert len(notices) == 2


def test_what_the_command_line_says_must_be_right() -> None:
    with pytest.raises(ConfigurationError, match=r"sip\.port"):
        usable_configuration({}, {"sip.port": "none"})


# The board.


def test_a_stored_board_that_is_gone_leaves_a_phone_that_can_be_reached(caplog: pytest.LogCaptureFixture) -> None:
    notices: list[str] = []
    profile = usable_profile(HardwareSettings(board="/gone.toml"), False, notices)
    assert profile.driver == "mock"
    assert "a simulated board stands in" in notices[0]
    assert notices[0] in caplog.text


def test_a_board_of_the_command_line_must_be_there() -> None:
    with pytest.raises(ConfigurationError, match=r"hardware\.board: typewriter: no such board profile"):
        usable_profile(HardwareSettings(board="typewriter"), True, [])


def test_a_good_board_is_taken() -> None:
    notices: list[str] = []
    assert usable_profile(HardwareSettings(board="rotary"), True, notices).dial is not None
    assert notices == []


def test_a_board_without_its_driver_says_what_to_install(tmp_path: Path) -> None:
    profile = replace(usable_profile(HardwareSettings(), True, []), driver="no-such-driver")
    with pytest.raises(HardwareError):
        open_board(profile, str(tmp_path / "offhook.db"))


# Small parts.


def test_log_level_and_phone_settings_count_at_once_and_all_else_from_the_next_start(
    loop: HandLoop, tmp_path: Path
) -> None:
    with whole_phone(loop, tmp_path) as phone:
        values = {"daemon.log_level": "debug", "phone.hotline": "1002", "sip.port": "5070"}
        assert phone.control.call("settings.set", values=values)["restart"] == ["sip.port"]
        assert logging.root.level == logging.DEBUG
        phone.control.call("board.lift")
        phone.wait(PhoneState.REORDER)  # The hotline was dialled, and there is nobody to call it through.
        phone.control.call("board.replace")
        phone.wait(PhoneState.IDLE)
        phone.control.call("settings.set", values={"daemon.log_level": None, "phone.hotline": None})
        assert logging.root.level == logging.INFO
        phone.control.call("board.lift")
        phone.wait(PhoneState.DIAL_TONE)


def test_calls_have_names_that_differ() -> None:
    name = _call_namer()
    names = [name(), name()]
    assert len(set(names)) == 2
    assert all(name.startswith("out-") for name in names)


def test_the_wall_clock_is_that_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    monkeypatch.setattr(time, "time", lambda: 100.0)
    assert _wall_clock(990.0) == 90.0
    # The network has told the time meanwhile.
    monkeypatch.setattr(time, "time", lambda: 1_700_000_000.0)
    assert _wall_clock(990.0) == 1_699_999_990.0


# The whole.


def test_a_phone_at_rest_waits_for_nothing(phone: WholePhone) -> None:
    phone.control.call("status")
    phone.loop.settle()
    assert phone.parts.runtime.pump(phone.loop.now()) is None
    assert phone.state == "idle"


def test_a_board_event_comes_to_the_topic(phone: WholePhone) -> None:
    phone.control.call("subscribe", topics=["board", "phone"])
    phone.lift()
    phone.wait(PhoneState.DIAL_TONE)
    changes = phone.control.topic("board")
    assert changes[-1]["line"] == "hook"
    assert changes[-1]["active"] is True
    assert phone.control.topic("phone")[-1]["state"] == "dial-tone"


def test_the_trace_is_for_those_who_follow_it(phone: WholePhone, far_end: FarEnd) -> None:
    far_end.call(phone.target)
    phone.wait(PhoneState.ALERTING)
    assert phone.control.topic("sip") == []
    phone.control.call("subscribe", topics=["sip"])
    far_end.agent.hang_up(far_end.agent._calls._sessions.copy().popitem()[0], phone.loop.now())
    phone.wait(PhoneState.IDLE)
    lines = [(message["direction"], message["first_line"]) for message in phone.control.topic("sip")]
    assert ("in", f"CANCEL {phone.target} SIP/2.0") in lines
    assert ("out", "SIP/2.0 487 Request Terminated") in lines


def test_log_lines_come_to_the_topic(phone: WholePhone) -> None:
    phone.control.call("subscribe", topics=["log"])
    logging.root.handlers.append(phone.log.take)
    logging.getLogger("device.daemon.sample").warning("something to know")
    phone.loop.settle()
    (line,) = phone.control.topic("log")
    assert line["level"] == "warning"
    assert line["line"].endswith("something to know")
    assert phone.control.call("log.tail", lines=1)["lines"] == [line["line"]]


def test_after_a_power_failure_the_first_registration_is_held_back(
    loop: HandLoop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device.daemon.instance.JUST_STARTED_S", float("inf"))
    with whole_phone(loop, tmp_path, name="orderly") as phone:
        assert phone.parts.power_up_delay_s == 0.0
    # The database as a cut leaves it: its log not yet taken into it.
    with open_database(str(tmp_path / "other.db")) as database, database.transaction():
        database.execute("INSERT INTO setting VALUES ('media.tones', 'uk')")
        image = (tmp_path / "other.db").read_bytes(), (tmp_path / "other.db-wal").read_bytes()
    for name, data in zip(("cut.db", "cut.db-wal"), image, strict=True):
        (tmp_path / name).write_bytes(data)
    with whole_phone(loop, tmp_path, name="cut") as phone:
        delay = phone.parts.power_up_delay_s
        assert 0.0 < delay < 5.0
        assert device_instance(phone.database.path).spread * 5 == pytest.approx(delay)


def test_a_phone_bound_to_ipv6_speaks_ipv6(loop: HandLoop, tmp_path: Path) -> None:
    try:
        phone = WholePhone(loop, tmp_path, {"sip.bind_address": "::"}).start()
    except Exception as error:
        pytest.skip(f"this machine has no IPv6: {error}")
    ports = phone.parts.line._open_ports()
    ports.rtp.send(b"x", ("::1", ports.rtcp.local_port))
    ports.rtp.send(b"x", (HOST, ports.rtcp.local_port))
    assert ports.rtp.refused == 0
    ports.close()
    phone.close()


def test_an_event_that_was_posted_is_handled_in_the_next_turn(loop: HandLoop, tmp_path: Path) -> None:
    with whole_phone(loop, tmp_path) as phone:
        phone.parts.runtime.post(CallOffered(CallId("ghost"), "sip:ghost@x"))
        loop.turn(0.0)
        assert phone.state == "alerting"
