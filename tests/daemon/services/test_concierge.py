"""Which act a call begins with, and whose box it is about."""

from pathlib import Path

import pytest

from device.daemon.services.concierge import Concierge, Visitor
from device.daemon.services.local_clock import WallClock, local_time
from device.daemon.services.mailboxes import MailboxFiles
from device.exchange.services.acts import EchoTest, Music, SpeakingClock
from device.exchange.services.conference import ConferenceVisit
from device.exchange.services.numbers import Service, ServiceNumbers
from device.exchange.services.orders import PagingGroup, PlayMusic, Record, Say
from device.exchange.services.paging import PagingSpeech
from device.exchange.services.settings import USUAL_NUMBERS, ServiceSettings
from device.exchange.services.voicemail import MessageTaking
from device.exchange.services.voicemail_menu import VoicemailMenu
from device.ids import SystemIds
from device.model import CallId
from device.sip.call_facts import CallFacts
from device.sip.events import IncomingCall
from device.store.database import open_database

SETTINGS = ServiceSettings(music="*68", music_file="/music.wav", reserve_mb=1, **USUAL_NUMBERS)
USERS = ("1001", "1002", "1003")
VOICEMAIL = Service("voicemail")


@pytest.fixture
def concierge(tmp_path: Path) -> Concierge:
    database = open_database(str(tmp_path / "exchange.db"))
    boxes = MailboxFiles(database, SETTINGS, SystemIds(), lambda user: user in USERS)
    return Concierge("pbx.lan", SETTINGS, ServiceNumbers(SETTINGS, [PagingGroup("7001", ("1001",))]), boxes)


def call(to: str, caller: str = "sip:1002@pbx.lan", diverted: tuple[str, ...] = ()) -> IncomingCall:
    facts = CallFacts(caller, "Bob", diverted_by=diverted) if diverted else None
    return IncomingCall(CallId("in-1"), None, caller, "Bob", to, b"", "udp:127.0.0.1:5060", facts=facts)


@pytest.mark.parametrize(
    ("service", "kind"),
    [
        (Service("echo"), EchoTest),
        (Service("time"), SpeakingClock),
        (Service("music"), Music),
        (Service("conference", "8000"), ConferenceVisit),
        (Service("paging", "7001"), PagingSpeech),
        (Service("deposit", "1001"), MessageTaking),
        (VOICEMAIL, VoicemailMenu),
    ],
)
def test_each_service_has_its_act(concierge: Concierge, service: Service, kind: type) -> None:
    assert type(concierge.act(service, call("sip:x@pbx.lan"))) is kind


def test_no_box_no_deposit(concierge: Concierge) -> None:
    assert concierge.act(Service("deposit", "1009"), call("sip:*981009@pbx.lan")) is None


@pytest.mark.parametrize(
    ("to", "diverted", "box"),
    [
        ("sip:1001@pbx.lan", (), "1001"),
        ("sip:1001@PBX.lan;user=phone", (), "1001"),
        ("sip:1001@pbx.lan", ("sip:1003@pbx.lan (no-answer)", "sip:1001@pbx.lan (unconditional)"), "1003"),
        ("sip:office@pbx.lan", ("sip:1001@pbx.lan (user-busy)",), "1001"),
        ("sip:1001@elsewhere.example", (), ""),
        ("sip:*98@pbx.lan", (), ""),
        ("nonsense", ("neither",), ""),
    ],
)
def test_whose_box_a_call_is_for(concierge: Concierge, to: str, diverted: tuple[str, ...], box: str) -> None:
    act = concierge.act(VOICEMAIL, call(to, diverted=diverted))
    assert isinstance(act, MessageTaking if box else VoicemailMenu)
    if isinstance(act, MessageTaking):
        act.begin(0.0)
        order = act._record(None)  # type: ignore[arg-type]
        assert isinstance(order, Record)
        assert order.draft.box == box


def test_the_owner_is_the_one_who_calls(concierge: Concierge) -> None:
    own = concierge.act(VOICEMAIL, call("sip:*98@pbx.lan"))
    assert own is not None
    assert own.begin(0.0) == Say(("you-have", "no", "new-messages"))
    other = concierge.act(VOICEMAIL, call("sip:*98@pbx.lan", caller="sip:1002@elsewhere.example"))
    assert other is not None
    assert other.begin(0.0) == Say(("enter-mailbox",))


def test_who_calls(concierge: Concierge) -> None:
    assert concierge.visitor(call("sip:x@y")) == Visitor("1002", "1002", "Bob")
    stranger = "sip:1002@elsewhere.example"
    assert concierge.visitor(call("sip:x@y", caller=stranger)) == Visitor("", stranger, "Bob")


def test_other_settings_hold_for_the_next_call(concierge: Concierge) -> None:
    changed = ServiceSettings(music="*68", music_file="/other.wav", conference_members=2)
    concierge.configure(changed, ServiceNumbers(changed))
    act = concierge.act(Service("music"), call("sip:*68@pbx.lan"))
    assert act is not None
    assert act.begin(0.0) == PlayMusic("/other.wav")
    assert concierge.rooms.most_members == 2
    assert concierge.mailboxes.settings is changed


def test_the_local_clock() -> None:
    first, later = local_time(1_700_000_000.25), local_time(1_700_086_400.25)
    assert (later.hour, later.minute, later.second, later.day) == (
        first.hour,
        first.minute,
        first.second,
        first.day + 1,
    )
    assert first.second % 1 == 0.25
    assert WallClock().at(0.0).day < WallClock().at(86_400.0 * 2).day
