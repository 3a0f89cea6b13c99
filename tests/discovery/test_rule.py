import pytest

from device.discovery.rule import why_not

HOME = ["192.168.1.7"]


@pytest.mark.parametrize(
    ("mode", "addresses", "search", "accounts", "reason"),
    [
        ("auto", HOME, [], [], ""),
        ("auto", HOME, ["fritz.box"], ["house"], ""),
        ("auto", ["10.1.2.3", "fe80::1", "2001:db8::1"], ["lan"], [], ""),
        ("auto", ["169.254.7.7"], ["living-room.home.arpa."], [], ""),
        ("auto", [], [], [], "no address"),
        ("auto", ["127.0.0.1"], [], [], "no address"),
        ("auto", HOME, [], ["office", "house"], "account of its own (office)"),
        ("auto", ["8.8.8.8"], [], [], "reached from everywhere"),
        ("auto", HOME, ["corp.example.com"], [], "calls itself corp.example.com"),
        ("auto", HOME, ["lan.example.com"], [], "calls itself lan.example.com"),
        ("on", ["8.8.8.8"], ["corp.example.com"], ["office"], ""),
        ("on", [], [], [], "no address"),
        ("off", HOME, [], [], "switched off"),
    ],
)
def test_where_boards_look_for_each_other(
    mode: str, addresses: list[str], search: list[str], accounts: list[str], reason: str
) -> None:
    said = why_not(mode, addresses, search, accounts)
    assert reason in said
    assert bool(said) == bool(reason)


def test_every_reason_names_the_way_out() -> None:
    for addresses, search, accounts in (
        (HOME, [], ["office"]),
        (["8.8.8.8"], [], []),
        (HOME, ["corp.example.com"], []),
    ):
        assert "offhook discovery mode on" in why_not("auto", addresses, search, accounts)
