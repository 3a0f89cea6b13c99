from device.exchange.seal import LENGTH, Seal


def test_a_seal_is_short_hexadecimal_text_that_fits_into_a_uri() -> None:
    text = Seal("secret").of("dialog", "call-1", "tag")
    assert len(text) == LENGTH
    assert set(text) <= set("0123456789abcdef")


def test_the_same_secret_gives_the_same_seal() -> None:
    assert Seal("secret").of("a", "b") == Seal("secret").of("a", "b")


def test_another_secret_or_another_text_gives_another_seal() -> None:
    seals = {Seal(secret).of(*parts) for secret in ("one", "two") for parts in (("ab", "c"), ("a", "bc"), ("a",), ())}
    assert len(seals) == 8


def test_text_that_was_not_utf_8_can_be_sealed() -> None:
    assert Seal("secret").of("\udcff") != Seal("secret").of("\udcfe")
