"""Voicemail on the disk: what is kept, where, for how long, and what a power cut leaves of it."""

import os
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.daemon.services import mailboxes as module
from device.daemon.services.mailboxes import LOCKED_S, WRONG_PINS, MailboxFiles
from device.exchange.services.orders import Draft
from device.exchange.services.settings import ServiceSettings
from device.ids import SystemIds
from device.records import replace
from device.store.database import Database, open_database

USERS = ("1001", "1002")


class Office:
    """A store with boxes, that can be opened again as after a start."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.changed: list[str] = []
        self.database: Database
        self.boxes: MailboxFiles
        self.start()

    def start(self, **settings: int) -> None:
        self.database = open_database(str(self.folder / "exchange.db"))
        wanted = ServiceSettings(**{"reserve_mb": 1, **settings})  # type: ignore[arg-type]
        self.boxes = MailboxFiles(self.database, wanted, SystemIds(), lambda user: user in USERS)
        self.boxes.on_change = self.changed.append
        self.boxes.put_in_order()

    def restart(self, **settings: int) -> None:
        """Without a word of goodbye, as when the power fails."""
        self.database._connection.close()
        self.start(**settings)

    def record(self, seconds: float, box: str = "1001", caller: str = "1002", told_s: float | None = None) -> Draft:
        """A recording on the disk, whose header tells of `told_s` seconds."""
        draft = self.boxes.begin(box, caller, "Bob")
        assert draft is not None
        write(draft.path, seconds, told_s)
        return draft

    def leave(self, seconds: float = 4.0, box: str = "1001", caller: str = "1002") -> Draft:
        draft = self.record(seconds, box, caller)
        self.boxes.finish(draft, seconds)
        return draft

    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("voicemail/*/*"))


def write(path: str, seconds: float, told_s: float | None = None) -> None:
    with wave.open(path, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"\x01\x02" * int(8000 * seconds))
    if told_s is not None:
        with open(path, "r+b") as raw:
            raw.seek(40)
            raw.write(int(16_000 * told_s).to_bytes(4, "little"))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path)
    yield office
    office.database.close()


def test_a_message_is_a_private_file_that_is_there_once_it_is_whole(office: Office) -> None:
    draft = office.record(4.0)
    assert office.boxes.messages("1001") == ()
    assert office.files() == [f"{draft.name}.wav.part"]
    office.boxes.finish(draft, 4.0)
    (message,) = office.boxes.messages("1001")
    assert (message.caller, message.caller_name, message.seconds, message.heard) == ("1002", "Bob", 4.0, False)
    assert office.files() == [f"{draft.name}.wav"]
    assert os.stat(os.path.dirname(message.path)).st_mode & 0o777 == 0o700
    assert office.boxes.counts("1001") == (1, 0)
    assert office.changed == ["1001"]


def test_who_hung_up_at_the_tone_leaves_nothing(office: Office) -> None:
    office.leave(0.9)
    assert office.files() == []
    assert office.boxes.everything() == ()
    assert office.changed == []


def test_heard_deleted_and_told(office: Office) -> None:
    office.leave()
    (message,) = office.boxes.messages("1001")
    office.boxes.mark_heard(message, True)
    assert office.boxes.counts("1001") == (0, 1)
    office.boxes.delete(message)
    office.boxes.delete(message)
    assert office.files() == []
    assert office.changed == ["1001", "1001", "1001"]


def test_a_box_is_full_and_others_are_not(office: Office) -> None:
    office.restart(messages=2)
    office.leave()
    office.leave()
    assert not office.boxes.has_room("1001")
    assert office.boxes.begin("1001", "1002", "") is None
    assert office.boxes.has_room("1002")


def test_a_full_disk_takes_nothing(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.statvfs(office.folder)

    class Full:
        f_bavail, f_frsize = 10, real.f_frsize

    monkeypatch.setattr(module.os, "statvfs", lambda path: Full)
    assert not office.boxes.has_room("1001")
    assert office.boxes.begin_greeting("1001") is None


def test_names_of_callers_are_no_paths(office: Office) -> None:
    office.leave(caller="sip:../../etc/passwd@evil.example")
    office.leave(caller="\u2603/..")
    assert len(office.files()) == 2
    assert {message.caller for message in office.boxes.everything()} == {
        "sip:../../etc/passwd@evil.example",
        "\u2603/..",
    }
    assert all(
        Path(one.path).resolve().parent == office.folder / "voicemail/box-1001" for one in office.boxes.everything()
    )


class TestGreeting:
    def test_it_takes_the_place_of_the_one_before(self, office: Office) -> None:
        assert office.boxes.greeting("1001") == ""
        for seconds in (2.0, 3.0):
            draft = office.boxes.begin_greeting("1001")
            assert draft is not None
            write(draft.path, seconds)
            office.boxes.finish(draft, seconds)
        assert os.path.getsize(office.boxes.greeting("1001")) == 44 + 48_000
        assert office.files() == ["greeting.wav"]

    def test_one_that_is_too_short_leaves_the_one_before(self, office: Office) -> None:
        for seconds in (2.0, 0.3):
            draft = office.boxes.begin_greeting("1001")
            assert draft is not None
            write(draft.path, seconds)
            office.boxes.finish(draft, seconds)
        assert os.path.getsize(office.boxes.greeting("1001")) == 44 + 32_000

    def test_it_is_no_message(self, office: Office) -> None:
        draft = office.boxes.begin_greeting("1001")
        assert draft is not None
        write(draft.path, 2.0)
        office.boxes.finish(draft, 2.0)
        office.restart()
        assert office.boxes.everything() == ()


class TestPins:
    def test_the_right_one_and_wrong_ones(self, office: Office) -> None:
        boxes = office.boxes
        assert not boxes.has_pin("1001")
        assert not boxes.opens("1001", "", 0.0)
        boxes.set_pin("1001", "4711")
        assert boxes.has_pin("1001")
        assert boxes.opens("1001", "4711", 0.0)
        assert not boxes.opens("1001", "4712", 0.0)
        boxes.set_pin("1001", "")
        assert not boxes.has_pin("1001")

    def test_no_pin_stands_in_the_store(self, office: Office) -> None:
        office.boxes.set_pin("1001", "47114711")
        office.boxes.set_pin("1002", "47114711")
        rows = office.database.query("SELECT salt, hash FROM voicemail_pins")
        assert "47114711" not in str(rows)
        assert rows[0][1] != rows[1][1]

    def test_guessing_locks_the_box_for_a_while(self, office: Office) -> None:
        office.boxes.set_pin("1001", "4711")
        for guess in range(WRONG_PINS):
            assert not office.boxes.opens("1001", str(guess), 100.0)
        assert not office.boxes.opens("1001", "4711", 100.0 + LOCKED_S - 1)
        assert office.boxes.opens("1001", "4711", 100.0 + LOCKED_S)


class TestPowerCuts:
    def test_what_was_being_recorded_is_kept(self, office: Office) -> None:
        """The header tells of less than has reached the disk."""
        draft = office.record(5.0, told_s=2.0)
        with open(draft.path, "ab") as file:
            file.write(b"\x01")
        office.restart()
        (message,) = office.boxes.messages("1001")
        assert (message.name, message.caller, message.seconds) == (draft.name, "1002", 5.0)
        with wave.open(message.path) as reader:
            assert reader.getnframes() == 40_000
        assert office.changed == ["1001"]

    def test_what_had_hardly_begun_is_not(self, office: Office) -> None:
        office.record(0.5)
        draft = office.boxes.begin("1001", "1002", "")
        assert draft is not None
        office.restart()
        assert office.boxes.everything() == ()
        assert office.files() == []

    def test_between_renaming_and_the_store(self, office: Office) -> None:
        draft = office.record(3.0)
        os.rename(draft.path, draft.path.removesuffix(".part"))
        office.restart()
        (message,) = office.boxes.messages("1001")
        assert message.seconds == 3.0

    def test_a_store_from_an_older_copy_takes_in_the_files(self, office: Office) -> None:
        draft = office.leave(3.0)
        with office.database.transaction():
            office.database.execute("DELETE FROM voicemail_messages")
        office.restart()
        (message,) = office.boxes.messages("1001")
        assert (message.name, message.caller, message.seconds, message.heard) == (draft.name, "1002", 3.0, False)

    def test_a_message_whose_file_is_gone_is_forgotten(self, office: Office) -> None:
        office.leave()
        (message,) = office.boxes.messages("1001")
        os.unlink(message.path)
        office.restart()
        assert office.boxes.everything() == ()

    def test_nothing_else_in_the_folder_is_touched(self, office: Office) -> None:
        office.leave()
        (folder,) = (office.folder / "voicemail").iterdir()
        (folder / "notes.txt").write_text("x")
        (folder / "empty.wav").write_bytes(b"")
        (office.folder / "voicemail" / "other").mkdir()
        office.restart()
        assert len(office.boxes.everything()) == 1
        assert {"notes.txt", "empty.wav"} <= set(office.files())


def test_old_messages_go_after_their_days(office: Office) -> None:
    office.leave()
    office.leave()
    first, second = office.boxes.messages("1001")
    office.boxes.mark_heard(first, True)
    office.boxes.delete_old(4e9)
    assert len(office.boxes.everything()) == 2
    office.boxes.settings = replace(office.boxes.settings, keep_days=3)
    office.boxes.delete_old(0.0)
    assert len(office.boxes.everything()) == 2
    office.boxes.delete_old(4e9)
    assert [message.name for message in office.boxes.everything()] == [second.name]


def test_a_user_who_is_removed_leaves_nothing_to_the_next_of_that_name(office: Office) -> None:
    office.leave()
    office.leave(box="1002")
    office.record(2.0)
    office.boxes.set_pin("1001", "4711")
    draft = office.boxes.begin_greeting("1001")
    assert draft is not None
    write(draft.path, 2.0)
    office.boxes.finish(draft, 2.0)
    office.boxes.forget_box("1001")
    assert [message.box for message in office.boxes.everything()] == ["1002"]
    assert not office.boxes.has_pin("1001")
    assert not (office.folder / "voicemail" / "box-1001").exists()
    office.restart()
    assert office.boxes.messages("1001") == ()
    office.boxes.forget_box("1001")


def test_a_box_that_is_taken_away_while_somebody_speaks(office: Office) -> None:
    draft = office.record(2.0)
    office.boxes.forget_box("1001")
    office.boxes.finish(draft, 2.0)
    assert office.boxes.everything() == ()
