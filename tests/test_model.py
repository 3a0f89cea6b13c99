"""The nouns that all share."""

import pytest

from device.model import Account, AccountId, Aor, Binding, CallRecord, Credential, PhonebookEntry

SECRET = "c4n4ry"
ACCOUNT = Account(AccountId("office"), "1001", "pbx.example")


@pytest.mark.parametrize(
    ("aor", "text"),
    [(Aor("1001", "pbx.example"), "sip:1001@pbx.example"), (Aor("", "[2001:db8::1]"), "sip:[2001:db8::1]")],
)
def test_an_address_of_record_is_a_uri(aor: Aor, text: str) -> None:
    assert str(aor) == text


def test_an_account_is_where_its_domain_is() -> None:
    assert ACCOUNT.aor == Aor("1001", "pbx.example")
    assert (ACCOUNT.transport, ACCOUNT.expires_s, ACCOUNT.register, ACCOUNT.enabled) == ("udp", 600, True, True)
    assert (ACCOUNT.proxy_mode, ACCOUNT.keepalive, ACCOUNT.keepalive_s) == ("route", "auto", 0)
    assert (ACCOUNT.outbound, ACCOUNT.privacy, ACCOUNT.mwi) == (True, "", False)
    assert ACCOUNT.registrar == ACCOUNT.outbound_proxy == ACCOUNT.auth_user == ""


def test_a_credential_shows_no_secret() -> None:
    pending = Credential("1001", password=SECRET)
    sealed = Credential("1001", "pbx", (("MD5", SECRET),), further=(("proxy", (("MD5", SECRET),)),))
    for credential in (pending, sealed):
        assert SECRET not in repr(credential)
        assert SECRET not in f"{credential} {[credential]} {(credential,)}"
        assert "1001" in repr(credential)


def test_a_credential_may_answer_several_realms() -> None:
    nobody = Credential("1001", password="x")
    assert nobody.secrets == nobody.realms == ()
    one = nobody.with_realm("pbx", (("MD5", "1"),))
    two = one.with_realm("proxy", (("MD5", "2"),))
    assert (one.realm, one.ha1, one.further) == ("pbx", (("MD5", "1"),), ())
    assert two.realms == ("pbx", "proxy")
    assert dict(two.secrets) == {"pbx": (("MD5", "1"),), "proxy": (("MD5", "2"),)}
    changed = two.with_realm("pbx", (("MD5", "3"),))
    assert dict(changed.secrets)["pbx"] == (("MD5", "3"),)
    assert changed.realms == two.realms
    assert changed.password == "x"


def test_the_other_nouns_have_sensible_blanks() -> None:
    assert PhonebookEntry("Door", "1002").short_code == ""
    assert CallRecord("in", "sip:x@y", "", "", 1.0, 0.0, 2.0, "missed").id == 0
    binding = Binding("sip:a@b", "sip:a@192.0.2.1", 10.0, "c", 1)
    assert (binding.q, binding.received, binding.user_agent) == (1.0, "", "")
