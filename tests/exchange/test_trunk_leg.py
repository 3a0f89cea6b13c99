import pytest

from device.exchange.seal import Seal
from device.exchange.trunk_leg import CALLED, LegMark, parse_mark

CALL = ("call-1", "tag-1")
MARK = LegMark("provider", CALLED, 3)


def test_a_mark_comes_back_as_it_was() -> None:
    seal = Seal("secret")
    assert parse_mark(MARK.text(seal, CALL), seal, CALL) == MARK


@pytest.mark.parametrize(
    "text", ["", "provider", "provider.o.x.1", "provider.o.9999999.1", "provider.o.3.0000000000000000"]
)
def test_what_we_did_not_write_is_nothing(text: str) -> None:
    assert parse_mark(text, Seal("secret"), CALL) is None


def test_it_serves_in_no_other_call_and_with_no_other_number() -> None:
    seal = Seal("secret")
    text = MARK.text(seal, CALL)
    assert parse_mark(text, seal, ("call-1", "tag-2")) is None
    assert parse_mark(text.replace(".3.", ".4."), seal, CALL) is None
    assert parse_mark(text, Seal("another"), CALL) is None
