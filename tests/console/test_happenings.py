import pytest

from device.console.happenings import EdgePicture, event_line, is_about, ladder_line, message_words, sentence
from device.control.client import DaemonEvent


@pytest.mark.parametrize(
    ("topic", "params", "said"),
    [
        ("phone", {"state": "idle", "previous": ""}, "phone: idle (was starting)"),
        (
            "registration",
            {"account": "office", "state": "registered", "status": 200, "text": "OK", "expires_s": 600},
            "account office: registered (200 OK) for 10 min 00 s",
        ),
        (
            "registration",
            {"account": "office", "state": "failed", "text": "no route"},
            "account office: failed (no route)",
        ),
        (
            "call",
            {"call": "c1", "event": "ended", "status": 486, "text": "Busy Here"},
            "call c1: ended (486 Busy Here)",
        ),
        (
            "call",
            {"call": "c1", "event": "trying", "direction": "out", "remote": "sip:2@x"},
            "call c1: trying to sip:2@x",
        ),
        ("board", {"line": "hook", "active": True}, "line hook: active"),
        ("desk", {"event": "HookFlashed", "name": ""}, "desk: hook flash"),
        ("desk", {"event": "DialStarted", "name": ""}, "desk: the dial left its rest"),
        ("log", {"line": "a line"}, "a line"),
        ("sip", {"first_line": "OPTIONS sip:x SIP/2.0", "text": ""}, "sip: OPTIONS sip:x SIP/2.0"),
        ("config", {"event": "confirmed", "author": "eve", "number": 3}, "eve has confirmed commit 3"),
        ("audio", {"device": "lost", "text": "gone"}, "audio device=lost text=gone"),
    ],
)
def test_sentences(topic: str, params: dict[str, object], said: str) -> None:
    assert sentence(DaemonEvent(topic, params)) == said


def test_the_text_of_messages_is_left_out_of_event_lines() -> None:
    assert event_line(DaemonEvent("sip", {"peer": "x", "text": "INVITE"})) == "sip peer=x"


def test_messages() -> None:
    text = "SIP/2.0 200 OK\r\nCSeq: 7 REGISTER\r\n\r\n"
    assert message_words({"first_line": "SIP/2.0 200 OK", "text": text}) == "200 OK (7 REGISTER)"
    assert message_words({"first_line": "SIP/2.0 200 OK", "text": ""}) == "SIP/2.0 200 OK"
    assert ladder_line({"direction": "in", "peer": "p", "first_line": "x" * 99}, 0.0, 60).endswith("...")


def test_filters_look_at_the_head_alone() -> None:
    message = {"text": "MESSAGE sip:1@x SIP/2.0\r\nf: <sip:2@x>\r\ni: abc\r\nCSeq: 1 MESSAGE\r\n\r\ncall 555"}
    assert [is_about(message, wanted) for wanted in ("", "message", "abc", "sip:2", "555")] == [
        True,
        True,
        True,
        True,
        False,
    ]


def test_the_longer_a_level_has_stood_the_wider_it_is_drawn() -> None:
    picture = EdgePicture()
    picture.edge("dial", True, 0.0)
    for at, active in ((0.002, False), (0.02, True), (0.06, False), (0.2, True), (1.0, False)):
        drawn = picture.edge("dial", active, at)
    assert drawn == "dial         ~__~~~____~~~~~_  off after 800.0 ms"
    assert picture.edge("dial", True, 4.0).endswith("on after 3.00 s")


def test_only_the_last_edges_are_drawn() -> None:
    picture = EdgePicture()
    for number in range(100):
        drawn = picture.edge("dial", number % 2 == 0, number * 0.001)
    assert len(drawn.split()[1]) == EdgePicture.KEPT
