from collections.abc import Iterator
from pathlib import Path

import pytest

from device.daemon.exchange_commands import Desk, run_command
from device.daemon.options import UsageError
from device.exchange_model import DomainRoute, Forwarding, RingGroup
from device.store.call_routing import load_routing
from device.store.database import open_database
from device.store.errors import UnknownEntryError
from device.store.subscribers import Subscribers

DOMAIN = "pbx.lan"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_database(str(tmp_path / "x.db")) as database:
        for user in ("1001", "1002"):
            Subscribers(database).put(user, DOMAIN, {"MD5": "11" * 16})
        yield Desk(database, DOMAIN, 1.0)


def typed(desk: Desk, line: str) -> str:
    return run_command(desk, tuple(line.split()))


def refused(desk: Desk, line: str) -> str:
    with pytest.raises(UsageError) as caught:
        typed(desk, line)
    return str(caught.value)


class TestAliases:
    def test_one_is_made_shown_and_taken_away(self, desk: Desk) -> None:
        assert "alias add 1 1001" in typed(desk, "alias list")
        assert typed(desk, "alias add 1 1001") == "1 means 1001\n"
        assert typed(desk, "alias add 2 bob@far.example") == "2 means bob@far.example\n"
        assert typed(desk, "alias list") == "1  1001\n2  bob@far.example\n"
        assert load_routing(desk.database, DOMAIN).aliases == (("1", "1001"), ("2", "bob@far.example"))
        typed(desk, "alias remove 1")
        with pytest.raises(UnknownEntryError):
            typed(desk, "alias remove 1")

    def test_somebody_who_is_not_there_yet_is_told(self, desk: Desk) -> None:
        assert typed(desk, "alias add 9 1009") == "9 means 1009\n(no user, group or alias is called 1009 now)\n"

    def test_a_number_that_goes_out_by_a_trunk_is_somebody(self, desk: Desk) -> None:
        typed(desk, "trunk add provider 4711@provider.example")
        typed(desk, "route add 0 provider")
        assert typed(desk, "alias add 9 0301234") == "9 means 0301234\n"

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ("alias add 1001 1002", "1001 is a user"),
            ("alias add a@b 1002", "cannot be an alias"),
            ("alias add 600 1001", "600 is a group"),
            ("alias add 1 sip:1001@x;transport=tcp", "is no user"),
            ("alias add 1 sips:1001@x", "no SIP address"),
            ("alias add 1 <x>", "no SIP address"),
            ("alias add 1", "give whom it means"),
            ("alias", "say what to do: add, list, remove"),
        ],
    )
    def test_what_makes_no_sense(self, desk: Desk, line: str, said: str) -> None:
        typed(desk, "group set 600 all 1001")
        assert said in refused(desk, line)


class TestGroups:
    def test_one_is_made_shown_as_typed_and_taken_away(self, desk: Desk) -> None:
        line = "door all 1001 1002 ring=30 bell=door otherwise=sip:x@far.example"
        assert typed(desk, f"group set {line}") == f"{line}\n"
        assert typed(desk, "group set 600 order 1002 1001") == "600 order 1002 1001\n"
        assert typed(desk, "group list") == f"600 order 1002 1001\n{line}\n"
        assert load_routing(desk.database, DOMAIN).groups == (
            RingGroup("600", ("1002", "1001"), in_order=True),
            RingGroup("door", ("1001", "1002"), ring_s=30, bell="door", otherwise="sip:x@far.example"),
        )
        typed(desk, "group remove door")
        typed(desk, "group remove 600")
        assert "there are no groups" in typed(desk, "group list")

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ("group set 600", "give a name"),
            ("group set 600 some 1001", "say `all`"),
            ("group set 600 all ring=20", "1 to 50 members"),
            (f"group set 600 all {' '.join(str(number) for number in range(51))}", "1 to 50 members"),
            ("group set 1001 all 1002", "1001 is a user"),
            ("group set 1 all 1002", "1 is an alias"),
            ("group set 600 all 1001 ring=1", "seconds from 5 to 600"),
            ("group set 600 all 1001 bell=loud", "choose one of door"),
            ("group set 600 all 1001 color=red", "NAME=VALUE"),
            ("group set 600 all <1001>", "no SIP address"),
        ],
    )
    def test_what_makes_no_sense(self, desk: Desk, line: str, said: str) -> None:
        typed(desk, "alias add 1 1001")
        assert said in refused(desk, line)
        assert load_routing(desk.database, DOMAIN).groups == ()


class TestForwarding:
    def test_it_is_set_shown_and_taken_back(self, desk: Desk) -> None:
        assert typed(desk, "forward set 1001 busy 1002") == "1001 busy 1002\n"
        assert typed(desk, "forward set 1001 no-answer 0301234@far.example after=15").splitlines() == [
            "1001 busy 1002",
            "1001 no-answer 0301234@far.example after=15",
        ]
        assert load_routing(desk.database, DOMAIN).forwardings == (
            Forwarding("1001", busy="1002", no_answer="0301234@far.example", no_answer_s=15),
        )
        typed(desk, "forward remove 1001 busy")
        assert typed(desk, "forward list") == "1001 no-answer 0301234@far.example after=15\n"
        typed(desk, "forward remove 1001")
        assert "no calls are sent on" in typed(desk, "forward list")

    def test_redirection_of_a_user(self, desk: Desk) -> None:
        assert "302" in typed(desk, "redirect 1001 on")
        assert load_routing(desk.database, DOMAIN).forwardings == (Forwarding("1001", redirect=True),)
        assert typed(desk, "forward list") == "1001 redirect on\n"
        typed(desk, "redirect 1001 off")
        assert load_routing(desk.database, DOMAIN).forwardings == ()

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ("forward set 1009 busy 1002", "no user 1009@pbx.lan"),
            ("forward set 1001 busy 1001", "cannot send calls on to 1001"),
            ("forward set 1001 sometimes 1002", "choose one of always"),
            ("forward set 1001 busy 1002 after=10", "no-answer alone"),
            ("forward set 1001 no-answer 1002 after=1", "seconds from 5"),
            ("forward set 1001 busy", "give a user"),
            ("forward remove", "give a user"),
            ("forward remove 1001 never", "give a user"),
            ("redirect 1001 perhaps", "say `on`"),
            ("redirect 1009 on", "no user"),
        ],
    )
    def test_what_makes_no_sense(self, desk: Desk, line: str, said: str) -> None:
        assert said in refused(desk, line)
        assert load_routing(desk.database, DOMAIN).forwardings == ()


class TestDomains:
    def test_ways_to_other_domains(self, desk: Desk) -> None:
        assert typed(desk, "domain set B.example 192.0.2.9:5080") == "b.example: by sip:192.0.2.9:5080\n"
        assert "callers are sent there themselves" in typed(desk, "domain set * redirect")
        assert "to sip:r.example" in typed(desk, "domain set c.example sip:r.example redirect")
        typed(desk, "domain set d.example sip:sbc.example;transport=tls")
        assert load_routing(desk.database, DOMAIN).routes == (
            DomainRoute("*", redirect=True),
            DomainRoute("b.example", "sip:192.0.2.9:5080"),
            DomainRoute("c.example", "sip:r.example", redirect=True),
            DomainRoute("d.example", "sip:sbc.example;transport=tls"),
        )
        assert len(typed(desk, "domain list").splitlines()) == 4
        for domain in ("*", "b.example", "c.example", "d.example"):
            typed(desk, f"domain remove {domain}")
        assert "go where DNS says" in typed(desk, "domain list")

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ("domain set pbx.lan 192.0.2.9", "our own domain"),
            ("domain set b.example user@192.0.2.9", "is no proxy"),
            ("domain set b.example <x>", "no SIP address"),
            ("domain set b! 192.0.2.9", "no SIP address"),
            ("domain set b.example", "give a domain"),
            ("domain set b.example 192.0.2.9 please", "give a domain"),
        ],
    )
    def test_what_makes_no_sense(self, desk: Desk, line: str, said: str) -> None:
        assert said in refused(desk, line)
