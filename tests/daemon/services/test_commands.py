"""`offhook exchange service`, `page` and `voicemail` on a store."""

import json
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from device.daemon.exchange_commands import Desk, run_command
from device.daemon.options import UsageError
from device.daemon.services.load import load_groups, load_settings
from device.daemon.services.mailboxes import MailboxFiles
from device.exchange.services.orders import PagingGroup
from device.exchange.services.settings import USUAL_NUMBERS
from device.ids import SystemIds
from device.store.database import Database, open_database
from device.store.errors import UnknownEntryError
from device.store.subscribers import Subscribers

Type = Callable[..., str]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with open_database(str(tmp_path / "exchange.db")) as database:
        for user in ("1001", "1002"):
            Subscribers(database).put(user, "pbx.lan", {"MD5": "11" * 16})
        yield database


@pytest.fixture
def type_in(database: Database) -> Type:
    def typed(words: str, secret: str = "", form: str = "text", **running: object) -> str:
        return run_command(Desk(database, "pbx.lan", 0.0, secret, running, form=form), tuple(words.split()))

    return typed


def boxes_of(database: Database) -> MailboxFiles:
    return MailboxFiles(database, load_settings(database), SystemIds(), lambda user: user in ("1001", "1002"))


def leave(database: Database, box: str = "1001") -> str:
    draft = boxes_of(database).begin(box, "1002", "Bob")
    assert draft is not None
    with wave.open(draft.path, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(64_000))
    boxes_of(database).finish(draft, 4.0)
    return draft.name


class TestSettings:
    def test_the_usual_numbers_at_once(self, database: Database, type_in: Type) -> None:
        type_in("service set echo=*99")
        said = type_in("service on")
        settings = load_settings(database)
        assert {name: getattr(settings, name) for name in USUAL_NUMBERS} == {**USUAL_NUMBERS, "echo": "*99"}
        assert "*98" in said
        assert type_in("service on") == type_in("service list")

    def test_set_and_set_back(self, database: Database, type_in: Type) -> None:
        assert type_in("service set messages=7 strangers=on") == "messages is 7 now\nstrangers is on now\n"
        assert (load_settings(database).messages, load_settings(database).strangers) == (7, True)
        type_in("service set messages= strangers=off")
        assert (load_settings(database).messages, load_settings(database).strangers) == (50, False)

    @pytest.mark.parametrize(
        ("words", "fault"),
        [
            ("service set", "give NAME=VALUE"),
            ("service set ecco=*43", "ecco=\\*43"),
            ("service set messages=many", "whole number"),
            ("service set messages=0", "not between 1 and 1000"),
            ("service set echo=*98 voicemail=*98", "is the number of"),
            ("service set conference=XXXX", "every number"),
            ("service set echo=#43", "alone"),
            ("service set echo=4", "too short"),
            ("service set music=*68", "name a WAV file"),
            ("service set prompts=here", "whole path"),
            ("service set conference_pin=12a", "digits alone"),
            ("service set codecs=G999", "names more than"),
            ("service set rtp_first_port=80", "no range of ports"),
            ("service on now", "too much"),
        ],
    )
    def test_mistakes_change_nothing(self, database: Database, type_in: Type, words: str, fault: str) -> None:
        with pytest.raises(UsageError, match=fault):
            type_in(words)
        assert load_settings(database) == load_settings(database).__class__()

    def test_the_pin_of_the_rooms_is_not_shown(self, type_in: Type) -> None:
        type_in("service set conference_pin=987123")
        assert "987123" not in type_in("service list")
        assert "(set)" in type_in("service list")

    def test_who_is_with_a_service(self, type_in: Type) -> None:
        assert type_in("service calls") == "nobody is with a service now\n"
        call = {"call": "in-1", "caller": "1001", "service": "conference 8000", "room": "conference 8000"}
        assert type_in("service calls", service_calls=[call]) == "in-1  1001  conference 8000  conference 8000\n"


class TestPaging:
    def test_add_list_remove(self, database: Database, type_in: Type) -> None:
        type_in("page add 7001 members=1001,1002 multicast=239.255.0.1:5004 codec=g722")
        type_in("page add 7002 members=1002")
        type_in("page add 7003 multicast=[ff15::1]:5004")
        assert load_groups(database) == (
            PagingGroup("7001", ("1001", "1002"), ("239.255.0.1", 5004), "G722"),
            PagingGroup("7002", ("1002",)),
            PagingGroup("7003", (), ("ff15::1", 5004)),
        )
        assert type_in("page list").splitlines() == [
            "7001 pages 1001, 1002, and sends G722 to 239.255.0.1 port 5004",
            "7002 pages 1002",
            "7003 pages nobody by calls, and sends PCMU to ff15::1 port 5004",
        ]
        type_in("page remove 7001")
        type_in("page remove 7002")
        type_in("page remove 7003")
        assert "there is no paging group" in type_in("page list")
        with pytest.raises(UnknownEntryError):
            type_in("page remove 7001")

    @pytest.mark.parametrize(
        ("words", "fault"),
        [
            ("page add 7001", "members=, multicast="),
            ("page add 7001 members=1009", "no user 1009"),
            ("page add 7001 multicast=192.0.2.1:5004", "239.255.0.1:5004"),
            ("page add 7001 multicast=239.1.1.1", "239.255.0.1:5004"),
            ("page add 7001 multicast=239.1.1.1:70000", "239.255.0.1:5004"),
            ("page add 7001 members=1001 codec=OPUS", "PCMU, PCMA or G722"),
            ("page add # members=1001", "alone"),
        ],
    )
    def test_mistakes(self, database: Database, type_in: Type, words: str, fault: str) -> None:
        with pytest.raises(UsageError, match=fault):
            type_in(words)
        assert load_groups(database) == ()


class TestVoicemail:
    def test_messages_are_listed_by_box_and_all(self, database: Database, type_in: Type) -> None:
        assert type_in("voicemail list") == "there is no message\n"
        first, second = leave(database), leave(database, "1002")
        lines = type_in("voicemail list").splitlines()
        assert [line.split()[0] for line in lines] == ["1001", "1002"]
        assert first in lines[0]
        assert "new" in lines[0]
        assert "Bob <1002>" in lines[0]
        assert [second in line for line in type_in("voicemail list 1002").splitlines()] == [True]

    def test_marked_and_deleted(self, database: Database, type_in: Type) -> None:
        name = leave(database)
        told: list[str] = []
        type_in(f"voicemail mark {name} old", voicemail_changed=told.append)
        assert " old " in type_in("voicemail list")
        type_in(f"voicemail mark {name} new")
        assert " new " in type_in("voicemail list")
        path = type_in("voicemail list").split()[-1]
        type_in(f"voicemail delete {path}", voicemail_changed=told.append)
        assert type_in("voicemail list") == "there is no message\n"
        assert told == ["1001", "1001"]
        with pytest.raises(UnknownEntryError, match="voicemail list"):
            type_in(f"voicemail delete {name}")

    def test_pins(self, database: Database, type_in: Type) -> None:
        said = type_in("voicemail pin 1001", "4711")
        assert "4711" not in said
        assert boxes_of(database).opens("1001", "4711", 0.0)
        type_in("voicemail pin 1001 none")
        assert not boxes_of(database).has_pin("1001")
        for secret in ("", "123", "12a4", "1234567890123"):
            with pytest.raises(UsageError, match="digits"):
                type_in("voicemail pin 1001", secret)
        with pytest.raises(UnknownEntryError, match="no user"):
            type_in("voicemail pin 1009", "4711")
        with pytest.raises(UsageError):
            type_in("voicemail pin 1001 4711")


def test_lists_for_programs(database: Database, type_in: Type) -> None:
    leave(database)
    (message,) = json.loads(type_in("voicemail list", form="json"))["messages"]
    assert (message["box"], message["caller"], message["seconds"], message["heard"]) == ("1001", "1002", 4.0, False)
    assert (
        type_in("voicemail list", form="csv").splitlines()[0]
        == "name,box,caller,caller_name,received_at,seconds,heard,path"
    )
    type_in("page add 7001 members=1001 multicast=239.255.0.1:5004")
    (group,) = json.loads(type_in("page list", form="json"))["groups"]
    assert group == {"number": "7001", "members": "1001", "multicast": "239.255.0.1:5004", "codec": "PCMU"}
    assert json.loads(type_in("service calls", form="json")) == {"service_calls": []}


def test_a_removed_user_has_no_box_any_more(database: Database, type_in: Type) -> None:
    leave(database)
    leave(database, "1002")
    type_in("user remove 1001")
    assert [line.split()[0] for line in type_in("voicemail list").splitlines()] == ["1002"]
