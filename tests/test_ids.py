"""Identifiers: unguessable in use, predictable in tests."""

import string
from collections.abc import Callable

import pytest

from device.ids import BRANCH_MAGIC_COOKIE, CountingIds, IdSource, SystemIds

KINDS: dict[str, Callable[[IdSource], str]] = {
    "branch": lambda ids: ids.branch(),
    "tag": lambda ids: ids.tag(),
    "call_id": lambda ids: ids.call_id(),
    "nonce": lambda ids: ids.nonce(),
}
TOKEN = set(string.ascii_letters + string.digits + "-.!%*_+`'~")


@pytest.mark.parametrize("ids", [SystemIds(), CountingIds("p-")], ids=lambda ids: type(ids).__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_identifiers_are_tokens_and_never_the_same(ids: IdSource, kind: str) -> None:
    made = [KINDS[kind](ids) for _ in range(200)]
    assert len(set(made)) == 200
    assert set("".join(made)) <= TOKEN


def test_a_branch_begins_with_the_magic_cookie() -> None:
    assert SystemIds().branch().startswith(BRANCH_MAGIC_COOKIE)
    assert CountingIds().branch() == "z9hG4bK-b1"


@pytest.mark.parametrize(("kind", "bits"), [("branch", 64), ("tag", 32), ("call_id", 64), ("nonce", 64)])
def test_identifiers_hold_as_much_chance_as_they_must(kind: str, bits: int) -> None:
    text = KINDS[kind](SystemIds()).removeprefix(BRANCH_MAGIC_COOKIE)
    assert len(text) * 4 >= bits


@pytest.mark.parametrize("bits", [1, 7, 8, 9, 16, 31, 32, 64])
def test_a_number_has_its_bits(bits: int) -> None:
    numbers = [SystemIds().number(bits) for _ in range(300)]
    assert 0 <= min(numbers) <= max(numbers) < 1 << bits
    assert max(numbers) >= 1 << (bits - 1), "the highest bit is used"
    assert 0 <= CountingIds().number(bits) < 1 << bits


def test_counted_identifiers_say_which_they_are() -> None:
    ids = CountingIds("left-")
    assert [ids.tag(), ids.tag(), ids.call_id(), ids.nonce()] == ["left-t1", "left-t2", "left-c1", "left-n1"]
    assert ids.number(16) != ids.number(16)
