import pytest

from device.exchange.algorithm_choice import MAX_SENDERS, SILENCE_S, AlgorithmChoice

STRONGEST_FIRST, CAUTIOUS, WEAK = ("SHA-256", "MD5"), ("MD5", "SHA-256"), ("MD5",)
HOST = "192.0.2.1"


class TestWhatIsOffered:
    @pytest.mark.parametrize("user_agent", ["offhook/0.1.0", "Linphone/5.1.65"])
    def test_the_strongest_first_to_those_who_choose(self, user_agent: str) -> None:
        assert AlgorithmChoice("auto").offered(HOST, user_agent, 0.0) == STRONGEST_FIRST

    @pytest.mark.parametrize("user_agent", ["", "SIPp", "baresip v3.16.0 (x86_64/Linux)"])
    def test_both_to_everybody_else(self, user_agent: str) -> None:
        assert AlgorithmChoice("auto").offered(HOST, user_agent, 0.0) == CAUTIOUS

    @pytest.mark.parametrize("user_agent", ["baresip v0.6.5", "baresip v1.0.0 (x86_64/linux)"])
    def test_a_phone_that_is_known_to_give_up_gets_what_it_knows(self, user_agent: str) -> None:
        assert AlgorithmChoice("auto").offered(HOST, user_agent, 0.0) == WEAK

    @pytest.mark.parametrize(
        ("digest", "offered"), [("both", STRONGEST_FIRST), ("sha-256", ("SHA-256",)), ("md5", WEAK)]
    )
    def test_a_setting_holds_for_everybody(self, digest: str, offered: tuple[str, ...]) -> None:
        choice = AlgorithmChoice(digest)
        for at in (0.0, 60.0, 120.0):
            assert choice.offered(HOST, "baresip v1.0.0", at) == offered


class TestLearning:
    def test_a_phone_that_comes_again_as_if_never_challenged_gets_the_weak_one(self) -> None:
        choice = AlgorithmChoice("auto")
        assert choice.offered(HOST, "Old/1", 0.0) == CAUTIOUS
        assert choice.offered(HOST, "Old/1", 30.0) == WEAK
        choice.answered(HOST, "Old/1", "MD5")
        assert choice.offered(HOST, "Old/1", 90.0) == WEAK

    def test_two_requests_at_once_are_no_giving_up(self) -> None:
        choice = AlgorithmChoice("auto")
        assert choice.offered(HOST, "New/1", 0.0) == CAUTIOUS
        assert choice.offered(HOST, "New/1", SILENCE_S - 0.1) == CAUTIOUS

    def test_whoever_answered_the_strong_one_is_never_offered_less(self) -> None:
        choice = AlgorithmChoice("auto")
        choice.offered(HOST, "New/1", 0.0)
        choice.answered(HOST, "New/1", "SHA-256-sess")
        for at in (60.0, 120.0, 180.0):
            assert choice.offered(HOST, "New/1", at) == STRONGEST_FIRST

    def test_whoever_finds_the_weak_one_among_both_goes_on_so(self) -> None:
        choice = AlgorithmChoice("auto")
        for at in (0.0, 60.0, 120.0):
            assert choice.offered(HOST, "Plain/1", at) == CAUTIOUS
            choice.answered(HOST, "Plain/1", "MD5")

    def test_one_phone_says_nothing_about_another(self) -> None:
        choice = AlgorithmChoice("auto")
        choice.offered(HOST, "Old/1", 0.0)
        assert choice.offered(HOST, "Old/1", 30.0) == WEAK
        assert choice.offered("192.0.2.2", "Old/1", 30.0) == CAUTIOUS
        assert choice.offered(HOST, "New/1", 30.0) == CAUTIOUS

    def test_the_memory_is_bounded(self) -> None:
        choice = AlgorithmChoice("auto")
        choice.offered(HOST, "Old/1", 0.0)
        for number in range(MAX_SENDERS):
            choice.offered(f"host{number}", "", 0.0)
        assert len(choice._habits) == MAX_SENDERS
        assert choice.offered(HOST, "Old/1", 30.0) == CAUTIOUS
