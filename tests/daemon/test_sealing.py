"""Secrets under a passphrase."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.daemon import sealing
from device.daemon.sealing import MARK, NONCE_OCTETS, SALT_OCTETS, SealError, seal, unseal

PASSPHRASE = "wire and solder"
SALT, NONCE = bytes(SALT_OCTETS), bytes(range(NONCE_OCTETS))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that costs nothing; one test takes the real one."""
    monkeypatch.setitem(sealing.SCRYPT, "n", 2)


@given(secrets=st.dictionaries(st.text(max_size=10), st.text(max_size=40), max_size=4))
@settings(max_examples=20, deadline=None)
def test_what_was_sealed_is_opened_by_the_same_passphrase(secrets: dict[str, str]) -> None:
    text = seal(PASSPHRASE, secrets, SALT, NONCE)
    assert text.startswith(f"{MARK}:")
    assert text.isascii()
    assert unseal(PASSPHRASE, text) == secrets


def test_nothing_can_be_read_and_another_passphrase_opens_nothing() -> None:
    text = seal(PASSPHRASE, {"password": "canary-3"}, SALT, NONCE)
    assert "canary" not in text
    with pytest.raises(SealError, match="does not fit"):
        unseal(PASSPHRASE + "!", text)


def test_a_text_that_was_changed_on_its_way_is_refused() -> None:
    text = seal(PASSPHRASE, {"password": "canary-3"}, SALT, NONCE)
    place = len(MARK) + 30
    changed = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
    with pytest.raises(SealError, match="does not fit"):
        unseal(PASSPHRASE, changed)


@pytest.mark.parametrize("text", ["", "other:AAAA", f"{MARK}:", f"{MARK}:AAAA", f"{MARK}:!!!"])
def test_what_is_none_of_ours_is_refused(text: str) -> None:
    with pytest.raises(SealError, match="this is no sealed text"):
        unseal(PASSPHRASE, text)


def test_a_short_passphrase_is_refused() -> None:
    with pytest.raises(SealError, match="too short"):
        seal("seven77", {}, SALT, NONCE)


def test_the_real_key_and_a_library_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sealing.SCRYPT, "n", 2**15)
    assert unseal(PASSPHRASE, seal(PASSPHRASE, {"a": 1}, SALT, NONCE)) == {"a": 1}
    monkeypatch.setattr(sealing, "_LIBRARIES", ("libnowhere.so.3",))
    with pytest.raises(SealError, match="needs OpenSSL"):
        seal(PASSPHRASE, {}, SALT, NONCE)
