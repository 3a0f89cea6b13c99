from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from device.daemon.exchange_commands import Desk, run_command
from device.daemon.options import UsageError
from device.exchange_model import TrunkRoute
from device.store.database import open_database
from device.store.errors import UnknownEntryError
from device.store.trunks import TrunkRoutes, Trunks

Type = Callable[..., str]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_database(str(tmp_path / "x.db")) as database:
        yield Desk(database, "pbx.lan", 1.0, "secret", {"trunks": {"provider": "registered for 600 s"}})


def typed(desk: Desk, line: str) -> str:
    return run_command(desk, tuple(line.split()))


def test_from_adding_to_removing(desk: Desk) -> None:
    said = typed(desk, "trunk add provider 4711@SIP.example.com transport=tls auth_user=me ring=1001 expires=300")
    assert said.startswith("trunk provider to SIP.example.com is there")
    trunk = Trunks(desk.database).get("provider")
    assert (trunk.account.domain, trunk.account.transport, trunk.account.expires_s) == ("sip.example.com", "tls", 300)
    assert trunk.credential is not None
    assert (trunk.credential.username, trunk.credential.password) == ("me", "secret")
    assert typed(desk, "trunk list") == "provider  4711@sip.example.com  registered for 600 s\n"
    assert typed(desk, "trunk set provider enabled=no caller=number format=e164") == "trunk provider is changed\n"
    assert "off" in typed(desk, "trunk list")
    shown = typed(desk, "trunk show provider")
    assert "secret" not in shown
    assert "password        not sealed yet" in shown
    typed(desk, "trunk remove provider")
    assert "there is no trunk" in typed(desk, "trunk list")


def test_another_exchange_needs_no_user(desk: Desk) -> None:
    typed(desk, "trunk add other 192.0.2.20:5070 caller=own")
    account = Trunks(desk.database).get("other").account
    assert (account.user, account.domain, account.register) == ("", "192.0.2.20:5070", False)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("trunk add Provider 1@x", "cannot be the name"),
        ("trunk add provider", "give an address"),
        ("trunk add provider 1@x transport=tpc", "transport: 'tpc' is not one of"),
        ("trunk add provider 1@x caller=me", "caller: 'me' is not one of account, number, own"),
        ("trunk add provider 1@x register=perhaps", "write yes or no"),
        ("trunk add provider 1@x expires=long", "write a number"),
        ("trunk add provider 1@x registrar=a:b:c registrr=d", "'registrr=d' is not understood"),
        ("trunk add provider 1@x:nonsense", "domain: "),
    ],
)
def test_faults_are_named_and_nothing_is_kept(desk: Desk, line: str, fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        typed(desk, line)
    assert Trunks(desk.database).list() == ()


def test_a_trunk_that_is_there_is_not_added_again(desk: Desk) -> None:
    typed(desk, "trunk add provider 1@x.example")
    with pytest.raises(UsageError, match="change it with"):
        typed(desk, "trunk add provider 1@x.example")
    with pytest.raises(UnknownEntryError):
        typed(desk, "trunk set other caller=own")


def test_routes(desk: Desk) -> None:
    typed(desk, "trunk add provider 1@x.example")
    said = typed(desk, "route add 9 provider strip=1 prepend=0049 position=3")
    assert said == "9 by provider, without the first 1, 0049 before it, position 3\n"
    typed(desk, "route add any provider")
    assert TrunkRoutes(desk.database).list() == (TrunkRoute("", "provider"), TrunkRoute("9", "provider", 3, 1, "0049"))
    assert typed(desk, "route list") == "any by provider\n" + said
    typed(desk, "route remove any provider")
    typed(desk, "route remove 9 provider")
    assert "there is no route" in typed(desk, "route list")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("route add x provider", "no first digits"),
        ("route add 0 provider strip=2", "more digits"),
        ("route add 0 provider prepend=a", "write digits"),
        ("route add 0", "give a trunk"),
    ],
)
def test_routes_that_cannot_be(desk: Desk, line: str, fault: str) -> None:
    typed(desk, "trunk add provider 1@x.example")
    with pytest.raises(UsageError, match=fault):
        typed(desk, line)
