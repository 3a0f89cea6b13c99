from device.console.candidate import Candidate


def test_what_is_typed_becomes_the_parameters_of_a_commit() -> None:
    candidate = Candidate()
    assert not candidate
    candidate.set_setting("phone.hotline", "1")
    candidate.set_setting("media.tones", None)
    candidate.set_account("office", "user", "1001")
    candidate.set_account("office", "expires_s", 300)
    candidate.delete_account("door", exists=True)
    assert candidate
    assert candidate.params() == {
        "settings": {"phone.hotline": "1", "media.tones": None},
        "accounts": {"office": {"user": "1001", "expires_s": 300}, "door": None},
    }


def test_an_account_that_was_only_typed_is_forgotten() -> None:
    candidate = Candidate()
    candidate.set_account("new", "user", "1")
    candidate.delete_account("new", exists=False)
    assert not candidate


def test_an_account_that_is_deleted_and_typed_anew_keeps_nothing() -> None:
    candidate = Candidate()
    candidate.delete_account("office", exists=True)
    candidate.set_account("office", "user", "7")
    assert candidate.accounts == {"office": {"replace": True, "user": "7"}}


def test_going_back_drops_what_was_typed_and_keeps_what_was_known() -> None:
    candidate = Candidate()
    candidate.since = 5
    candidate.set_setting("phone.hotline", "1")
    candidate.roll_back(3)
    assert candidate.params() == {"settings": {}, "accounts": {}, "from": 3}
    assert candidate.since == 5
    candidate.clear()
    assert (bool(candidate), candidate.since) == (False, 0)
