"""What people give as fields of an account."""

import pytest

from device.control.errors import ControlError
from device.daemon.account_fields import account_faults, changed_account
from device.model import ACCOUNT_CHOICES, Account, AccountId
from device.records import replace

OFFICE = Account(AccountId("office"), "1001", "pbx.example.com")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"user": ""}, "user: is empty"),
        ({"domain": ""}, "domain: is empty"),
        ({"domain": "a@b"}, "domain: 'a@b' contains"),
        ({"auth_user": "a\rb"}, "auth_user: contains a line break"),
        ({"expires_s": 100_000}, "expires_s: 100000 is not between 10 and 86400"),
        ({"transport": "sctp"}, "transport: 'sctp' is not one of udp, tcp, tls, auto"),
        ({"proxy_mode": "sometimes"}, "proxy_mode: 'sometimes' is not one of route, always"),
        ({"proxy_mode": "always"}, "proxy_mode: always needs an outbound_proxy"),
        ({"keepalive": "ping"}, "keepalive: 'ping' is not one of auto, crlf, options, stun, off"),
        ({"keepalive": "stun", "transport": "tls"}, "keepalive: stun keeps no tls connection open"),
        ({"keepalive_s": 4}, "keepalive_s: 4 is neither 0, for what suits the transport, nor between 5 and 3600"),
        ({"keepalive_s": -1}, "keepalive_s: -1 is neither"),
        ({"codecs": "PCMA,MP3"}, "codecs: 'PCMA,MP3' names more than "),
        ({"codecs": "PCMA, pcma"}, "codecs: 'PCMA, pcma' names a codec twice"),
        ({"codecs": ","}, "codecs: at least one codec is needed"),
        ({"privacy": "none"}, "privacy: 'none' is not one of nothing, id, full"),
    ],
)
def test_what_is_wrong_with_an_account_is_told(changes: dict[str, object], words: str) -> None:
    account = replace(OFFICE, **changes)  # type: ignore[arg-type]
    assert any(words in fault for fault in account_faults(account))


def test_an_account_for_calls_by_ip_needs_no_user() -> None:
    assert account_faults(Account(AccountId("x"), "", "192.0.2.1", register=False)) == []


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in ACCOUNT_CHOICES.items() for value in values]
)
def test_every_word_that_is_offered_is_taken(field: str, value: str) -> None:
    params = {"outbound_proxy": "proxy.example.com", field: value}
    assert getattr(changed_account(OFFICE, params), field) == value


def test_what_is_not_given_stays() -> None:
    changed = changed_account(OFFICE, {"keepalive_s": 25, "outbound": False, "mwi": True, "id": "other", "realm": "x"})
    assert changed == replace(OFFICE, keepalive_s=25, outbound=False, mwi=True)


def test_a_value_of_another_kind_is_refused() -> None:
    with pytest.raises(ControlError, match="outbound: 'yes' is not of type bool"):
        changed_account(OFFICE, {"outbound": "yes"})


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(ControlError, match=r"nothing was changed: user: is empty.*; privacy: 'all' is not one of"):
        changed_account(OFFICE, {"user": "", "privacy": "all"})
