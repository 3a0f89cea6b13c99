from xml.etree import ElementTree

from device.exchange.call_watch import DialogPhase, WatchedDialog
from device.exchange.event_bodies import dialog_info, message_summary, presence
from device.exchange.seal import Seal
from device.sip.headers import NameAddr
from device.sip.uri import Uri

NASTY = NameAddr('<&"\x01\udcff', Uri("sip", user="<&>", host="pbx.lan"))
INFO = "{urn:ietf:params:xml:ns:dialog-info}"


def test_nothing_that_a_caller_writes_leaves_its_place() -> None:
    dialog = WatchedDialog('c"<', "l&", "", False, DialogPhase.EARLY, NASTY, NASTY)
    root = ElementTree.fromstring(dialog_info("sip:1002@pbx.lan", 3, [dialog], Seal("s")))
    (found,) = root
    assert (root.get("version"), found.get("call-id"), found.get("local-tag")) == ("3", 'c"<', "l&")
    assert found.get("remote-tag") is None
    identity = found.find(f"{INFO}remote/{INFO}identity")
    assert identity is not None
    assert identity.get("display") == '<&"??'


def test_the_same_dialog_has_the_same_id() -> None:
    dialog = WatchedDialog("c", "l", "r", True, DialogPhase.EARLY, NASTY, NASTY)
    later = WatchedDialog("c", "l", "r", True, DialogPhase.CONFIRMED, NASTY, NASTY)
    first, second = (
        ElementTree.fromstring(dialog_info("sip:x@y", 0, [one], Seal("s")))[0].get("id") for one in (dialog, later)
    )
    assert first == second


def test_presence_is_well_formed() -> None:
    for is_open in (True, False):
        for is_busy in (True, False):
            ElementTree.fromstring(presence("sip:<1002>@pbx.lan", is_open, is_busy))


def test_a_summary_without_account() -> None:
    assert message_summary("", 0, 2) == b"Messages-Waiting: no\r\nVoice-Message: 0/2 (0/0)\r\n"
