"""SIPVicious at the exchange: it finds no user and no password, and is banned."""

import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.support.canary import CANARY
from tests.support.daemons import ExchangeDaemon, running
from tests.support.processes import HOST, find_program

pytestmark = pytest.mark.interop

PASSWORDS = {"1001": "1005", "1002": f"second-{CANARY}"}
"""The first is weak on purpose: it is among those that are tried."""

METHODS = ("REGISTER", "OPTIONS", "INVITE")
TOOL_S = 30


def tool(name: str, exchange: ExchangeDaemon, *words: str) -> str:
    """What one of the tools says in the end."""
    command = [find_program(name), *words, "-p", str(exchange.port), HOST]
    # It keeps notes of its scans at home, which another run at the same time would read.
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=TOOL_S,
        check=False,
        cwd=exchange.folder,
        input="",
        env={**os.environ, "HOME": str(exchange.folder)},
    )
    return done.stdout + done.stderr


@pytest.fixture
def exchange(tmp_path) -> Iterator[ExchangeDaemon]:
    exchange = ExchangeDaemon(tmp_path, PASSWORDS)
    with running(exchange):
        yield exchange


@pytest.fixture
def patient(tmp_path) -> Iterator[ExchangeDaemon]:
    """One that bans nobody and counts nothing, so that its answers alone have to keep the secret."""
    exchange = ExchangeDaemon(tmp_path, PASSWORDS)
    exchange.manage("setting", "ban_after=0", "requests_per_s=0")
    with running(exchange):
        yield exchange


@pytest.mark.parametrize("method", METHODS)
def test_a_scanner_finds_no_user_and_is_banned(exchange, method) -> None:
    said = tool("svwar", exchange, "-e1000-1010", "-m", method, "--force")
    assert "1001" not in said
    assert "found nothing" in said
    assert "is banned for 300 s: a scanner by its own name" in exchange.log()


def test_no_password_is_found_though_it_is_among_those_that_are_tried(exchange) -> None:
    assert "1005" not in tool("svcrack", exchange, "-u", "1001", "-r", "1000-1010").replace("1000-1010", "")
    assert "is banned" in exchange.log()


def test_the_exchange_is_not_found(exchange) -> None:
    said = tool("svmap", exchange)
    assert "found nothing" in said, said
    assert "is banned" in exchange.log()


@pytest.mark.parametrize("method", METHODS)
def test_the_answers_tell_no_user_either(patient, method) -> None:
    said = tool("svwar", patient, "-e1000-1010", "-m", method, "--force")
    table = [line for line in said.splitlines() if line.startswith("|")]
    rows = {line.split("|")[1].strip(): line.split("|")[2].strip() for line in table if "10" in line}
    # It finds nothing where nothing answers as well; an answer that it cannot use it shows.
    assert rows or "found nothing" in said, said
    assert rows or "SIP/2.0 40" in said, said
    # It may report every number or none: what it says of the two that exist it says of the others.
    assert set(rows) in (set(), {str(number) for number in range(1000, 1011)}), said
    assert len(set(rows.values())) <= 1, said
