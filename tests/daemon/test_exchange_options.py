"""The command line of `offhook exchange` and what holds where it says nothing."""

import os

import pytest

from device.daemon.exchange_options import (
    SYSTEM_RUNTIME,
    SYSTEM_STATE,
    USAGE,
    chosen_domain,
    parse_options,
)
from device.daemon.options import UsageError
from device.model import Aor

ENVIRONMENT = {"STATE_DIRECTORY": "/state", "RUNTIME_DIRECTORY": "/runtime"}


def test_without_options_the_environment_decides() -> None:
    options = parse_options(["run"], ENVIRONMENT)
    assert options.words == ("run",)
    assert (options.store, options.socket) == ("/state/exchange.db", "/runtime/exchange.sock")
    assert not options.store_named
    assert (options.host, options.port, options.domain) == ("", 5060, "")
    assert (options.log_level, options.password_stdin, options.help) == ("info", False, False)


def test_root_means_the_systems_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    options = parse_options(["run"], {})
    assert options.store == f"{SYSTEM_STATE}/exchange.db"
    assert options.socket == f"{SYSTEM_RUNTIME}/exchange.sock"
    assert parse_options(["run"], {"OFFHOOK_SOCKET": "/x/phone.sock"}).socket == "/x/exchange.sock"


def test_a_user_means_his_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    options = parse_options(["run"], {"HOME": "/home/ann", "XDG_RUNTIME_DIR": "/run/user/1000"})
    assert options.store == "/home/ann/.local/state/offhook/exchange.db"
    assert options.socket == "/run/user/1000/offhook/exchange.sock"


def test_everything_can_be_said_in_either_form_and_any_order() -> None:
    words = ["--domain=PBX.lan", "user", "--store", "/x.db", "add", "--socket=/x.sock", "1001", "--password-stdin"]
    options = parse_options([*words, "--log-level", "debug"], {})
    assert options.words == ("user", "add", "1001")
    assert (options.domain, options.store, options.socket) == ("pbx.lan", "/x.db", "/x.sock")
    assert options.store_named
    assert (options.log_level, options.password_stdin) == ("debug", True)


@pytest.mark.parametrize("word", ["--help", "-h"])
def test_help_is_wanted_wherever_it_stands(word: str) -> None:
    assert parse_options(["user", "add", word], {}).help


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("192.0.2.10:5070", "192.0.2.10", 5070),
        ("192.0.2.10", "192.0.2.10", 5060),
        ("0.0.0.0:0", "0.0.0.0", 0),
        ("[2001:db8::1]:5070", "2001:db8::1", 5070),
        ("[2001:db8::1]", "2001:db8::1", 5060),
        ("2001:db8::1", "2001:db8::1", 5060),
        ("::1", "::1", 5060),
    ],
)
def test_where_to_listen(text: str, host: str, port: int) -> None:
    options = parse_options(["run", "--listen", text], ENVIRONMENT)
    assert (options.host, options.port) == (host, port)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["run", "--listen", "pbx.lan:5060"], "--listen pbx.lan:5060"),
        (["run", "--listen", "192.0.2.10:x"], "ADDRESS:PORT"),
        (["run", "--listen", "192.0.2.10:70000"], "ADDRESS:PORT"),
        (["run", "--listen", ":5060"], "ADDRESS:PORT"),
        (["run", "--domain"], "--domain needs a value"),
        (["run", "--store="], "--store needs a value"),
        (["run", "--colour=red"], "--colour=red is no option"),
        (["run", "-x"], "-x is no option"),
        (["run", "--log-level", "loud"], "debug, info, warning, error"),
        (["run", "--password-stdin=yes"], "--password-stdin=yes is no option"),
    ],
)
def test_a_wrong_word_is_named(words: list[str], named: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_options(words, ENVIRONMENT)
    assert named in str(raised.value)


def test_every_option_is_explained() -> None:
    for option in ("--listen", "--domain", "--store", "--socket", "--log-level", "--password-stdin"):
        assert f"\n  {option} " in USAGE


class TestDomain:
    USERS = (Aor("1001", "pbx.lan"), Aor("1002", "pbx.lan"))

    def test_what_is_said_counts_first(self) -> None:
        options = parse_options(["run", "--domain", "other.lan"], ENVIRONMENT)
        assert chosen_domain(options, self.USERS) == "other.lan"

    def test_then_what_all_users_share(self) -> None:
        options = parse_options(["run", "--listen", "192.0.2.10"], ENVIRONMENT)
        assert chosen_domain(options, self.USERS) == "pbx.lan"

    @pytest.mark.parametrize("users", [(), (Aor("1", "a.lan"), Aor("2", "b.lan"))])
    def test_else_our_address(self, users: tuple[Aor, ...]) -> None:
        assert chosen_domain(parse_options(["run", "--listen", "192.0.2.10"], ENVIRONMENT), users) == "192.0.2.10"
        assert chosen_domain(parse_options(["run", "--listen", "::1"], ENVIRONMENT), users) == "[::1]"
        assert chosen_domain(parse_options(["run"], ENVIRONMENT), users)


def test_tls_is_spoken_with_a_certificate() -> None:
    options = parse_options(["run", "--tls-certificate", "/c.pem", "--tls-key=/k.pem", "--tls-port", "0"], ENVIRONMENT)
    assert (options.tls_certificate, options.tls_key, options.tls_port) == ("/c.pem", "/k.pem", 0)
    options = parse_options(["run"], ENVIRONMENT)
    assert (options.tls_certificate, options.tls_key, options.tls_port) == ("", "", 5061)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["run", "--tls-key", "/k.pem"], "without --tls-certificate"),
        (["run", "--tls-certificate", "/c.pem", "--tls-port", "x"], "--tls-port x"),
        (["run", "--tls-certificate", "/c.pem", "--tls-port", "65536"], "--tls-port 65536"),
    ],
)
def test_what_tls_cannot_be_is_told(words: list[str], named: str) -> None:
    with pytest.raises(UsageError, match=named):
        parse_options(words, ENVIRONMENT)
