"""Causes in words."""

from device.sip.causes import answered_elsewhere, cause_text, reason_text, with_reason


def test_known_statuses_have_words_of_their_own() -> None:
    assert cause_text(486) == "busy"
    assert cause_text(486, "Busy Here") == "busy"
    assert cause_text(404, "Not Found") == "number not found"


def test_others_have_those_of_their_class() -> None:
    assert cause_text(399) == "redirected"
    assert cause_text(469) == "refused"
    assert cause_text(599) == "the server failed"
    assert cause_text(699) == "refused everywhere"


def test_a_reason_phrase_that_says_more_is_kept() -> None:
    assert cause_text(403, "No credit left") == "forbidden by the server (No credit left)"
    assert cause_text(403, "x" * 500) == f"forbidden by the server ({'x' * 80})"
    assert cause_text(403, "evil\x1b[2J") == "forbidden by the server"


def test_a_cancel_may_say_that_another_phone_answered() -> None:
    assert answered_elsewhere(['SIP;cause=200;text="Call completed elsewhere"'])
    assert answered_elsewhere(["Q.850;cause=26"])
    assert answered_elsewhere(["Q.850;cause=31", "sip ; text=x; cause = 200"])
    assert not answered_elsewhere(["Q.850;cause=200", "SIP;cause=487", "SIP"])


def test_the_text_of_a_reason_is_shown_when_it_can_be() -> None:
    assert reason_text(["Q.850;cause=16", 'Q.850;cause=31;text="Normal, unspecified"']) == "Normal, unspecified"
    assert reason_text(['SIP;text="\x07"', "SIP"]) == ""


def test_a_cause_of_q850_has_words_where_it_has_no_text() -> None:
    assert reason_text(["Q.850;cause=17"]) == "user busy"
    assert reason_text(["Q.850 ;cause=99"]) == "Q.850 cause 99"
    assert reason_text(["Q.850;cause=16"]) == ""
    assert reason_text(['Q.850;cause=16;text="Bye"']) == "Bye"
    assert reason_text(["SIP;cause=486"]) == ""


def test_a_reason_is_added_unless_it_says_the_same() -> None:
    assert with_reason("busy", ["Q.850;cause=17"]) == "busy (user busy)"
    assert with_reason("busy", ['SIP;cause=486;text="Busy"']) == "busy"
    assert with_reason("busy", []) == "busy"
