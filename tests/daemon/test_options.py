"""The command line of `offhook run` and the places it stands for."""

import os

import pytest

from device.daemon.options import (
    SYSTEM_STATE,
    USAGE,
    UsageError,
    default_socket,
    default_store,
    parse_options,
)

ENVIRONMENT = {"STATE_DIRECTORY": "/state", "RUNTIME_DIRECTORY": "/runtime"}


@pytest.fixture(params=[0, 1000], ids=["root", "user"])
def uid(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(os, "geteuid", lambda: request.param)
    return int(request.param)


def test_without_arguments_the_environment_decides() -> None:
    options = parse_options([], ENVIRONMENT)
    assert options.store == "/state/offhook.db"
    assert options.socket == "/runtime/control.sock"
    assert (options.settings, options.help) == ({}, False)


def test_all_can_be_given() -> None:
    words = ["--store", "/x.db", "--socket=/x.sock", "--set", "phone.hotline=sip:a@b;x=y", "--log-level", "debug"]
    options = parse_options([*words, "--set=phone.dial_plan="], ENVIRONMENT)
    assert (options.store, options.socket) == ("/x.db", "/x.sock")
    assert options.settings == {
        "phone.hotline": "sip:a@b;x=y",
        "daemon.log_level": "debug",
        "phone.dial_plan": "",
    }


@pytest.mark.parametrize("word", ["--help", "-h"])
def test_help_is_help_whatever_stands_beside_it(word: str) -> None:
    assert parse_options(["--set", "a.b=c", word], ENVIRONMENT).help


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--colour"], "'--colour' is not an option"),
        (["start"], "'start' is not an option"),
        (["--store"], "--store needs a value"),
        (["--socket="], "--socket needs a value"),
        (["--set"], "--set needs a value"),
        (["--set", "phone.hotline"], "SECTION.FIELD=VALUE"),
    ],
)
def test_a_wrong_word_is_named(words: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_options(words, ENVIRONMENT)


def test_every_option_is_explained() -> None:
    for option in ("--store", "--socket", "--set", "--log-level"):
        assert option in USAGE


def test_the_store_is_where_the_system_keeps_state(uid: int) -> None:
    assert default_store({"STATE_DIRECTORY": "/a:/b"}) == "/a/offhook.db"
    home = {"HOME": "/home/x"}
    assert default_store(home) == (
        f"{SYSTEM_STATE}/offhook.db" if uid == 0 else "/home/x/.local/state/offhook/offhook.db"
    )
    if uid:
        assert default_store({**home, "XDG_STATE_HOME": "/state"}) == "/state/offhook/offhook.db"
        assert default_store({}) == "/.local/state/offhook/offhook.db"


def test_the_socket_is_where_the_clients_look(uid: int) -> None:
    assert default_socket({"OFFHOOK_SOCKET": "/given", "RUNTIME_DIRECTORY": "/run/x"}) == "/given"
    assert default_socket({"RUNTIME_DIRECTORY": "/run/x:/run/y"}) == "/run/x/control.sock"
    assert default_socket({}) == "/run/offhook/control.sock"
    own = default_socket({"XDG_RUNTIME_DIR": "/run/user/1000"})
    assert own == ("/run/offhook/control.sock" if uid == 0 else "/run/user/1000/offhook/control.sock")
