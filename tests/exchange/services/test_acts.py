"""Echo, music, speaking clock, conference and page as their caller goes through them."""

import pytest

from device.exchange.services.acts import EchoTest, Music, SpeakingClock
from device.exchange.services.conference import ConferenceVisit, Rooms
from device.exchange.services.orders import Chime, Echo, HangUp, Join, Page, PagingGroup, Pause, PlayMusic, Say
from device.exchange.services.paging import PagingSpeech
from device.exchange.services.spoken import clock_words, digit_words, number_words
from device.model import CallId
from tests.exchange.services.visit import Clock, Visit, Words, spoken


def test_the_echo_test_is_announced_and_ends_with_a_key() -> None:
    visit = Visit(EchoTest())
    assert visit.words == ("echo-test", "beep")
    assert visit.hear() == Echo()
    assert visit.press("5*") == Echo()
    assert visit.press("#") == HangUp()


def test_music_goes_on() -> None:
    visit = Visit(Music("/music.wav"))
    assert visit.press("1#") == PlayMusic("/music.wav")
    assert visit.act.next_timeout() is None


class TestNumbers:
    @pytest.mark.parametrize(
        ("number", "words"),
        [
            (0, "0"),
            (7, "7"),
            (20, "20"),
            (21, "20 1"),
            (40, "40"),
            (59, "50 9"),
            (99, "90 9"),
            (100, "90 9"),
            (-1, "0"),
        ],
    )
    def test_english_numbers(self, number, words) -> None:
        assert " ".join(number_words(number, Words())) == words

    def test_a_language_with_words_of_its_own(self) -> None:
        assert number_words(21, Words(("21",))) == ("21",)

    def test_a_telephone_number_is_read_by_digits(self) -> None:
        assert digit_words("+49 1a\u0662") == ("4", "9", "1")

    def test_one_is_not_many(self) -> None:
        assert clock_words(spoken(3600 + 60), Words()) == ("1", "hour", "1", "minute")


class TestTime:
    @pytest.mark.parametrize("second", [0.0, 0.4, 3.9999, 4.0, 9.9999, 55.0, 59.99])
    def test_the_tone_comes_when_it_is_said_to(self, second) -> None:
        visit = Visit(SpeakingClock(Clock(13 * 3600 + 59 * 60 + second), Words()))
        assert isinstance(visit.order, Say)
        parts = visit.order.parts
        assert parts[-1] == "beep"
        at = 13 * 3600 + 59 * 60 + second + Words().seconds(parts[:-1])
        told = [part for part in parts if isinstance(part, str)]
        hours, minutes, seconds = told[1 : told.index("hours")], told[told.index("hours") + 1 : -4], told[-3:-2]
        wanted = 3600 * sum(map(int, hours)) + 60 * sum(int(word) for word in minutes if word.isdigit())
        wanted += sum(map(int, seconds))
        assert at == pytest.approx(wanted, abs=0.002)
        assert all(part.seconds >= 0 for part in parts if isinstance(part, Pause))

    def test_it_hangs_up_after_a_minute(self) -> None:
        visit = Visit(SpeakingClock(Clock(), Words()))
        for _ in range(5):
            assert isinstance(visit.order, Say)
            visit.now += Words().seconds(visit.order.parts)
            assert visit.hear() != HangUp()
        assert visit.hear() == HangUp()


class TestConference:
    def test_the_first_is_told_and_the_others_come_in_at_once(self) -> None:
        rooms = Rooms(3)
        first = Visit(ConferenceVisit(rooms, "8000", CallId("a")))
        assert first.words == ("first-in-conference",)
        assert first.hear() == Join("8000")
        assert Visit(ConferenceVisit(rooms, "8000", CallId("b"))).order == Join("8000")
        assert Visit(ConferenceVisit(rooms, "8001", CallId("c"))).words == ("first-in-conference",)
        assert rooms.everything() == {"8000": ("a", "b"), "8001": ("c",)}

    def test_a_full_room(self) -> None:
        rooms = Rooms(2)
        for name in "ab":
            Visit(ConferenceVisit(rooms, "8000", CallId(name)))
        late = Visit(ConferenceVisit(rooms, "8000", CallId("c")))
        assert late.words == ("conference-full", "goodbye")
        assert late.hear() == HangUp()
        rooms.leave("8000", CallId("a"))
        rooms.leave("8000", CallId("a"))
        assert Visit(ConferenceVisit(rooms, "8000", CallId("d"))).order == Join("8000")

    def test_a_key_switches_the_microphone(self) -> None:
        visit = Visit(ConferenceVisit(Rooms(2), "8000", CallId("a")))
        visit.hear()
        assert visit.press("*") == Join("8000", muted=True)
        assert visit.press("*") == Join("8000", muted=False)
        assert visit.press("#") == HangUp()

    def test_a_pin_at_the_door(self) -> None:
        rooms = Rooms(2)
        visit = Visit(ConferenceVisit(rooms, "8000", CallId("a"), "1234"))
        assert visit.words == ("enter-pin",)
        visit.press("12")
        visit.hear()
        visit.press("34")
        assert not rooms.count("8000")
        assert visit.press("#") == Say(("first-in-conference",))
        assert visit.act.next_timeout() is None

    def test_three_wrong_pins(self) -> None:
        rooms = Rooms(2)
        visit = Visit(ConferenceVisit(rooms, "8000", CallId("a"), "1234"))
        visit.press("123#")
        assert visit.words == ("wrong", "enter-pin")
        visit.hear()
        visit.wait()
        assert visit.words == ("wrong", "enter-pin")
        visit.press("#")
        assert visit.words == ("wrong", "goodbye")
        assert visit.hear() == HangUp()
        assert not rooms.count("8000")


def test_a_page_has_a_tone_once_the_phones_have_answered_and_an_end() -> None:
    group = PagingGroup("7001", ("1001",))
    visit = Visit(PagingSpeech(group, 30.0, lambda: True))
    assert visit.order == Page(group)
    assert visit.wait() == Chime()
    spoken_from = visit.now
    assert visit.wait() == HangUp()
    assert visit.now == spoken_from + 30.0
    assert Visit(PagingSpeech(group, 30.0, lambda: True)).press("1#") == HangUp()


def test_a_page_that_nobody_hears_says_so() -> None:
    visit = Visit(PagingSpeech(PagingGroup("7001", ("1001",)), 30.0, lambda: False))
    visit.wait()
    assert visit.words == ("nobody-hears", "goodbye")
    assert visit.act.next_timeout() is None
    assert visit.hear() == HangUp()
