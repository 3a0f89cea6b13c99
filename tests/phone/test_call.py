"""Who is who, and why a call ended."""

import pytest

from device.phone.call import cause_of, is_among, is_busy, user_of


@pytest.mark.parametrize(
    ("remote", "user"),
    [
        ("sip:1001@example.org", "1001"),
        ("sips:alice;x=y@example.org", "alice"),
        ("tel:+4930;phone-context=a", "+4930"),
        ("TEL:+49-(30).123", "+4930123"),
        ("1001", "1001"),
        ("10.0.0.5:5060", "10.0.0.5:5060"),
    ],
)
def test_user_part(remote: str, user: str) -> None:
    assert user_of(remote) == user


def test_list_of_callers_takes_numbers_and_addresses() -> None:
    assert is_among("sip:Alice@example.org", ("alice",))
    assert is_among("sip:alice@example.org", ("SIP:alice@example.org",))
    assert not is_among("sip:malice@example.org", ("alice", "sip:alice@example.org"))


@pytest.mark.parametrize(
    ("status", "words"), [(486, "busy"), (600, "busy"), (408, "no answer"), (403, "rejected 403"), (503, "failed 503")]
)
def test_cause_in_words(status: int, words: str) -> None:
    assert cause_of(status) == words
    assert is_busy(status) is (words == "busy")
