"""Leaving a message, and hearing it: every way through both, as caller and as owner."""

import pytest

from device.exchange.services.happenings import KeyPressed, RecordingFinished, Said, TimePassed
from device.exchange.services.orders import HangUp, Record, Say
from device.exchange.services.voicemail import MessageTaking
from device.exchange.services.voicemail_menu import MenuStates, MenuSurroundings, VoicemailMenu
from tests.exchange.services.visit import DAY_S, LIMITS, Boxes, Clock, Visit, Words, spoken


def menu_of(boxes: Boxes, box: str, trusted: bool) -> VoicemailMenu:
    return VoicemailMenu(MenuSurroundings(boxes, Words(), Clock(), spoken, LIMITS), box, trusted)


def leave(boxes: Boxes, box: str = "1001") -> Visit:
    return Visit(MessageTaking(boxes, box, "1002", "Bob", LIMITS, lambda box: menu_of(boxes, box, False)))


def own(boxes: Boxes, box: str = "1001") -> Visit:
    return Visit(menu_of(boxes, box, True))


class TestLeaving:
    def test_greeting_tone_message(self) -> None:
        boxes = Boxes("1001")
        visit = leave(boxes)
        assert visit.words == ("not-available", "leave-a-message", "beep")
        assert visit.hear() == Record(boxes.drafts[0], 60.0, 5.0)
        assert boxes.drafts[0].box == "1001"
        visit.press("12*")
        assert isinstance(visit.order, Record)
        visit.press("#")
        assert visit.words == ("message-saved", "goodbye")
        assert visit.hear() == HangUp()

    def test_a_greeting_of_ones_own_and_an_end_by_silence(self) -> None:
        boxes = Boxes("1001")
        boxes.greetings["1001"] = "/mine.wav"
        visit = leave(boxes)
        assert visit.words == ("/mine.wav", "beep")
        visit.press("#")
        assert visit.words == ("beep",)
        visit.hear()
        visit.stop_recording()
        assert visit.words == ("message-saved", "goodbye")

    def test_a_full_box_takes_nothing(self) -> None:
        visit = leave(Boxes("1001", room=0))
        assert visit.words == ("mailbox-full", "goodbye")
        assert visit.hear() == HangUp()

    def test_a_box_that_fills_up_during_the_greeting(self) -> None:
        boxes = Boxes("1001")
        visit = leave(boxes)
        boxes.room = 0
        visit.hear()
        assert visit.words == ("mailbox-full", "goodbye")

    def test_the_owner_who_calls_from_elsewhere(self) -> None:
        boxes = Boxes("1001")
        boxes.pins["1001"] = "4711"
        boxes.add("1001")
        visit = leave(boxes)
        visit.press("*")
        assert visit.words == ("enter-pin",)
        visit.press("4711#")
        assert visit.words == ("you-have", "1", "new-message")


class TestGettingIn:
    def test_the_owners_phone_needs_no_pin_where_none_is_set(self) -> None:
        assert own(Boxes("1001")).words == ("you-have", "no", "new-messages")

    def test_a_pin_is_asked_for_where_it_is_set(self) -> None:
        boxes = Boxes("1001")
        boxes.pins["1001"] = "4711"
        visit = own(boxes)
        assert visit.words == ("enter-pin",)
        visit.hear()
        visit.press("4711")
        visit.press("#")
        assert visit.words[0] == "you-have"

    def test_a_box_without_a_pin_opens_to_nobody_else(self) -> None:
        visit = Visit(menu_of(Boxes("1001"), "1001", trusted=False))
        for _ in range(2):
            visit.press("#")
            assert visit.words == ("wrong", "enter-pin")
        visit.press("#")
        assert visit.words == ("wrong", "goodbye")
        assert visit.hear() == HangUp()

    def test_a_phone_without_a_box_says_which(self) -> None:
        boxes = Boxes("1001")
        boxes.pins["1001"] = "1"
        visit = Visit(menu_of(boxes, "", trusted=True))
        assert visit.words == ("enter-mailbox",)
        visit.press("#")
        assert visit.words == ("wrong", "enter-mailbox")
        visit.press("1001#")
        assert visit.words == ("enter-pin",)
        visit.press("1#")
        assert visit.words[0] == "you-have"

    def test_nobody_is_told_which_boxes_there_are(self) -> None:
        answers = []
        for box in ("1001", "4242"):
            boxes = Boxes("1001")
            boxes.pins["1001"] = "1"
            visit = Visit(menu_of(boxes, "", trusted=True))
            answers.append((visit.press(box + "#"), visit.press("9#"), visit.press("9#"), visit.press("9#")))
        assert answers[0] == answers[1]

    def test_who_says_nothing_is_asked_again_and_then_left(self) -> None:
        boxes = Boxes("1001")
        boxes.pins["1001"] = "1"
        visit = own(boxes)
        for _ in range(2):
            visit.hear()
            visit.wait()
            assert visit.words == ("enter-pin",)
        visit.hear()
        visit.wait()
        assert visit.words == ("goodbye",)


class TestHearing:
    def box_of_three(self) -> Boxes:
        boxes = Boxes("1001", room=10)
        boxes.add("1001", "sip:1003@pbx.lan", 100 * DAY_S - 3600, heard=True)
        boxes.add("1001", "1002", 100 * DAY_S + 60)
        boxes.add("1001", "guest", 98 * DAY_S)
        return boxes

    def test_how_many_there_are(self) -> None:
        visit = own(self.box_of_three())
        assert visit.words == ("you-have", "2", "new-messages", "and", "1", "old-message")

    def test_each_is_introduced_and_heard_and_then_old(self) -> None:
        boxes = self.box_of_three()
        visit = own(boxes)
        visit.hear()
        assert visit.words == (
            *("new-message", "from", "1", "0", "0", "2", "today", "at"),
            *("0", "hours", "1", "minute", "/m2.wav"),
        )
        visit.hear()
        assert visit.words == ("message-keys", "common-keys")
        assert [one.heard for one in boxes.kept] == [True, True, False]
        visit.press("5")
        assert visit.words[:4] == ("new-message", "from-somebody", "2", "days-ago")
        visit.press("5")
        assert visit.words[:7] == ("old-message", "from", "1", "0", "0", "3", "yesterday")
        visit.press("5")
        assert visit.words == ("no-more-messages", "common-keys")
        assert [one.heard for one in boxes.kept] == [True, True, False]

    def test_again_keep_previous(self) -> None:
        boxes = self.box_of_three()
        visit = own(boxes)
        visit.hear()
        first = visit.words
        assert visit.press("1") is not None
        assert visit.words == first
        visit.press("2")
        assert visit.words[0] == "kept"
        assert visit.words[-1] == "/m3.wav"
        assert boxes.kept[1].heard
        visit.press("4")
        assert visit.words[-1] == "/m2.wav"
        visit.press("4")
        assert visit.words == ("no-more-messages", "common-keys")

    def test_delete_goes_on_with_the_next(self) -> None:
        boxes = self.box_of_three()
        visit = own(boxes)
        visit.hear()
        for name, following in (("m2", "/m3.wav"), ("m3", "/m1.wav")):
            visit.press("3")
            assert boxes.deleted[-1] == name
            assert (visit.words[0], visit.words[-1]) == ("deleted", following)
        visit.press("3")
        assert visit.words == ("deleted", "no-more-messages", "common-keys")
        assert boxes.kept == []
        visit.press("3")
        assert visit.words == ("common-keys",)

    def test_one_deleted_in_the_middle_leaves_its_neighbours(self) -> None:
        boxes = self.box_of_three()
        visit = own(boxes)
        visit.hear()
        visit.press("53")
        assert [one.name for one in boxes.kept] == ["m1", "m2"]
        assert visit.words[-1] == "/m1.wav"
        visit.press("4")
        assert visit.words[-1] == "/m2.wav"

    def test_an_empty_box_offers_the_keys_and_ends(self) -> None:
        visit = own(Boxes("1001"))
        visit.hear()
        for _ in range(2):
            assert visit.words == ("common-keys",)
            visit.hear()
            visit.wait()
        visit.hear()
        visit.wait()
        assert visit.words == ("goodbye",)

    @pytest.mark.parametrize("end", ["#", "silence"])
    def test_a_greeting_is_recorded(self, end) -> None:
        visit = own(Boxes("1001"))
        visit.press("0")
        assert visit.words == ("record-greeting", "beep")
        order = visit.hear()
        assert isinstance(order, Record)
        assert order.draft.is_greeting
        visit.press("123")
        if end == "#":
            visit.press("#")
        else:
            visit.stop_recording()
        assert visit.words == ("greeting-saved", "common-keys")

    def test_no_room_for_a_greeting(self) -> None:
        visit = own(Boxes("1001", room=0))
        visit.press("0")
        visit.hear()
        assert visit.words == ("mailbox-full", "common-keys")

    def test_goodbye_by_key(self) -> None:
        visit = own(Boxes("1001"))
        visit.press("#")
        assert visit.words == ("goodbye",)
        assert visit.press("12") == Say(("goodbye",))
        assert visit.hear() == HangUp()


@pytest.mark.parametrize("state", MenuStates, ids=lambda state: state.value)
def test_no_state_of_the_menu_is_ever_stuck_or_broken(state) -> None:
    """Whatever happens in whatever state, the act answers; and every state leads on by a key, by time or by itself."""
    happenings = [Said(), TimePassed(), RecordingFinished(), *map(KeyPressed, "0123456789*#A")]
    answers = []
    for happened in happenings:
        boxes = Boxes("1001")
        boxes.add("1001")
        act = menu_of(boxes, "1001", True)
        act.begin(0.0)
        act._state = state
        answers.append(act.receive(happened, 1.0))
        answers.append(act.next_timeout())
    assert any(answer is not None for answer in answers)
