import json

import pytest

from device.control.schema import METHODS, TOPICS, faults

KINDS = {"text", "number", "flag", "texts", "map", "tables"}


def test_every_method_is_described_with_a_valid_example() -> None:
    for method in METHODS.values():
        assert method.help.endswith((".", "default back.")), method.name
        example = json.loads(method.example)
        assert faults(method, example) == [], method.name
        assert {param.kind for param in method.params} <= KINDS
        assert all(param.help for param in method.params)


def test_no_secret_is_ever_an_answer() -> None:
    for method in METHODS.values():
        for word in ("ha1", "secret:", "password_text"):
            assert word not in method.result


def test_the_topics_of_the_plan_are_there() -> None:
    assert set(TOPICS) == {
        "phone",
        "call",
        "registration",
        "message",
        "notify",
        "sip",
        "log",
        "board",
        "desk",
        "config",
        "options",
        "dns",
        "pins",
        "meter",
        "audio",
    }


@pytest.mark.parametrize(
    ("method", "params", "expected"),
    [
        ("call.place", {"target": "1002"}, []),
        ("call.place", {"target": 1002}, ["target: must be text"]),
        ("log.tail", {"lines": 5}, []),
        ("log.tail", {"lines": True}, ["lines: must be a whole number"]),
        ("log.tail", {"lines": 5.0}, ["lines: must be a whole number"]),
        ("board.drive", {"line": "button", "active": 1}, ["active: must be true or false"]),
        ("board.drive", {"line": "button", "active": False}, []),
        ("subscribe", {"topics": ["phone"]}, []),
        ("subscribe", {"topics": "phone"}, ["topics: must be a list of texts"]),
        ("subscribe", {"topics": [1]}, ["topics: must be a list of texts"]),
        ("settings.set", {"values": {"a": "1", "b": None}}, []),
        ("settings.set", {"values": {"a": 1}}, ["values: must be an object with text or null for each name"]),
        ("settings.set", {"values": ["a"]}, ["values: must be an object with text or null for each name"]),
        ("status", {"x": 1}, ["x: unknown, status takes none"]),
    ],
)
def test_params_are_checked_by_kind(method: str, params: dict[str, object], expected: list[str]) -> None:
    assert faults(METHODS[method], params) == expected


def test_every_fault_is_told_at_once() -> None:
    found = faults(METHODS["account.add"], {"id": 5, "colour": "red", "register": "yes"})
    assert [fault.partition(":")[0] for fault in found] == ["colour", "id", "user", "domain", "register"]
