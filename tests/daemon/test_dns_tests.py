"""The method test.dns of a whole phone: its targets, their order, and what is refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from device.control.errors import INVALID_PARAMS, REFUSED
from device.daemon.dns_tests import MAX_WAITING
from tests.support.name_server import NameServer, name_server
from tests.support.turning import HandLoop
from tests.support.whole_phone import WholePhone, whole_phone


@pytest.fixture
def server(loop: HandLoop) -> Iterator[NameServer]:
    with name_server(loop) as server:
        server.host("pbx.example", "127.0.0.1")
        yield server


@pytest.fixture
def asking(loop: HandLoop, tmp_path: Path, server: NameServer) -> Iterator[WholePhone]:
    """A phone that asks the name server of the test, with two accounts that register and one that does not."""
    with whole_phone(loop, tmp_path, {"sip.dns_servers": f"127.0.0.1:{server.address[1]}"}) as phone:
        phone.control.call("account.add", id="a", user="1", domain="pbx.example:5999", enabled=False)
        phone.control.call("account.add", id="b", user="1", domain="gone.example:5999", register=False)
        phone.control.call("subscribe", topics=["dns"])
        yield phone


def ends(phone: WholePhone, count: int) -> list[list[str]]:
    """Where each target was found, when so many are done."""

    def done() -> list[list[str]]:
        return [event["hops"] for event in phone.control.topic("dns") if "hops" in event]

    phone.loop.turn_until(lambda: len(done()) == count)
    return done()


def test_accounts_by_name_and_addresses_are_looked_up_one_after_the_other(asking: WholePhone) -> None:
    answer = asking.control.call("test.dns", name="b")
    assert answer["told_by"] == "settings"
    (target,) = answer["targets"]
    assert (target["name"], target["account"], target["host"], target["port"]) == ("b", True, "gone.example", 5999)
    second = asking.control.call("test.dns", name="sip:1002@pbx.example:5060;transport=tcp")
    assert second["test"] == answer["test"] + 1
    assert ends(asking, 2) == [[], ["tcp:127.0.0.1:5060"]]
    order = [(event["test"], event.get("fault")) for event in asking.control.topic("dns")]
    assert order == [(1, "no-name"), (1, None), (2, ""), (2, None)]


def test_without_a_name_every_account_that_registers_is_looked_up(asking: WholePhone) -> None:
    assert "no account registers" in asking.control.refusal("test.dns").message
    asking.control.call("account.update", id="b", register=True)
    asking.control.call("account.add", id="c", user="1", domain="127.0.0.1:5999")
    targets = asking.control.call("test.dns")["targets"]
    assert [(target["name"], target["address"]) for target in targets] == [("b", False), ("c", True)]
    assert ends(asking, 1) == [[]]


def test_what_cannot_be_looked_up_is_refused(asking: WholePhone) -> None:
    refusal = asking.control.refusal("test.dns", name="two words")
    assert (refusal.code, "give an account, a host or a SIP address" in refusal.message) == (INVALID_PARAMS, True)
    # An account that is switched off has no way to its server.
    assert asking.control.refusal("test.dns", name="a").code == INVALID_PARAMS


def test_look_ups_that_wait_are_bounded(asking: WholePhone, server: NameServer) -> None:
    server.is_silent = True
    for _ in range(MAX_WAITING + 1):
        asking.control.call("test.dns", name="pbx.example")
    refusal = asking.control.refusal("test.dns", name="pbx.example")
    assert (refusal.code, "look-ups wait already" in refusal.message) == (REFUSED, True)
