"""The accounts of a running phone: added, changed and removed while a registrar listens."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from device.control.errors import ControlError
from device.model import Account, AccountId
from device.phone.states import PhoneState
from device.records import replace
from device.sip.events import CallEnded
from device.store.accounts import Accounts
from tests.support.small_registrar import SmallRegistrar
from tests.support.turning import HandLoop
from tests.support.whole_phone import HOST, OFFICE, FarEnd, WholePhone, office, whole_phone

PASSWORD = "s3cret"


@pytest.fixture
def registrar(loop: HandLoop) -> Iterator[SmallRegistrar]:
    registrar = SmallRegistrar(loop, {"1001": PASSWORD})
    yield registrar
    registrar.close()


def _add(phone: WholePhone, server: SmallRegistrar, /, **changes: object) -> dict[str, object]:
    fields: dict[str, object] = {
        "id": "office",
        "user": "1001",
        "domain": HOST,
        "registrar": f"{HOST}:{server.port}",
        "password": PASSWORD,
    }
    answer: dict[str, object] = phone.control.call("account.add", **{**fields, **changes})
    return answer


def _show(phone: WholePhone, name: str = "office") -> dict[str, object]:
    answer: dict[str, object] = phone.control.call("account.show", id=name)
    return answer


def _until(phone: WholePhone, state: str, name: str = "office") -> dict[str, object]:
    phone.loop.turn_until(lambda: _show(phone, name)["state"] == state, f"account {state}")
    return _show(phone, name)


def test_an_account_is_added_registered_and_sealed(phone: WholePhone, registrar: SmallRegistrar) -> None:
    phone.control.call("subscribe", topics=["registration"])
    added = _add(phone, registrar)
    assert (added["password"], added["realm"]) == ("pending", "")
    shown = _until(phone, "registered")
    assert (shown["password"], shown["realm"]) == ("sealed", "pbx")
    assert shown["registered_for_s"] == 600
    assert added["server"] == ""
    assert str(shown["server"]).startswith("udp:127.0.0.1:")
    assert "1001" in registrar.contacts
    states = [event["state"] for event in phone.control.topic("registration")]
    assert states == ["registering", "registered"]
    assert phone.control.topic("registration")[-1]["account"] == "office"
    credential = Accounts(phone.database).credential(OFFICE)
    assert credential is not None
    assert (credential.password, credential.realm) == ("", "pbx")


def test_a_wrong_password_is_told(phone: WholePhone, registrar: SmallRegistrar) -> None:
    _add(phone, registrar, password="wrong")
    shown = _until(phone, "failed")
    assert "password" in str(shown["text"])
    assert phone.control.call("status")["phone"]["registered"] is False


def test_a_name_that_is_taken_is_refused(phone: WholePhone, registrar: SmallRegistrar) -> None:
    _add(phone, registrar)
    assert "account 'office' exists" in phone.control.refusal("account.add", id="office", user="1", domain="x").message


def test_a_small_change_leaves_call_and_registration_standing(
    phone: WholePhone, registrar: SmallRegistrar, far_end: FarEnd
) -> None:
    _add(phone, registrar)
    _until(phone, "registered")
    phone.place(far_end.target)
    far_end.answer()
    phone.wait(PhoneState.CONNECTED)
    changed = phone.control.call("account.update", id="office", display_name="Reception", expires_s=300)
    assert changed["display_name"] == "Reception"
    phone.loop.turn_until(lambda: registrar.requests[-1].expires == 300)
    _until(phone, "registered")
    assert far_end.told(CallEnded) == []
    assert phone.state == "connected"
    assert all(request.expires != 0 for request in registrar.requests)


def test_another_user_is_another_registration(phone: WholePhone, registrar: SmallRegistrar) -> None:
    registrar.passwords["1002"] = PASSWORD
    _add(phone, registrar)
    _until(phone, "registered")
    # The sealed password belongs to the old user.
    refusal = phone.control.refusal("account.update", id="office", user="1002")
    assert "sealed" in refusal.message
    assert _show(phone)["user"] == "1001"
    phone.control.call("account.update", id="office", user="1002", password=PASSWORD)
    phone.loop.turn_until(lambda: "1002" in registrar.contacts)
    _until(phone, "registered")


def test_a_disabled_account_is_unregistered_and_kept(phone: WholePhone, registrar: SmallRegistrar) -> None:
    _add(phone, registrar)
    _until(phone, "registered")
    assert phone.control.call("account.update", id="office", enabled=False)["state"] == "disabled"
    phone.loop.turn_until(lambda: not registrar.contacts)
    phone.loop.settle()
    assert _show(phone)["state"] == "disabled"
    assert phone.control.call("registration.refresh")["accounts"] == []
    phone.control.call("account.update", id="office", enabled=True)
    _until(phone, "registered")


def test_an_account_that_needs_no_registration_is_always_usable(phone: WholePhone, registrar: SmallRegistrar) -> None:
    _add(phone, registrar)
    _until(phone, "registered")
    phone.control.call("account.update", id="office", register=False)
    phone.loop.turn_until(lambda: not registrar.contacts)
    phone.loop.settle()
    assert _show(phone)["state"] == "no registration needed"
    assert phone.parts.accounts.choose() is not None


def test_a_removed_account_is_unregistered_and_forgotten(phone: WholePhone, registrar: SmallRegistrar) -> None:
    _add(phone, registrar)
    _until(phone, "registered")
    assert phone.control.call("account.remove", id="office") == {"removed": "office"}
    phone.loop.turn_until(lambda: not registrar.contacts)
    phone.loop.settle()
    assert phone.control.call("account.list") == {"accounts": []}
    assert phone.parts.accounts._registrations == {}
    assert phone.parts.accounts.stopped()
    assert "no account 'office'" in phone.control.refusal("account.remove", id="office").message


def test_registration_can_be_refreshed_by_hand(phone: WholePhone, registrar: SmallRegistrar) -> None:
    _add(phone, registrar)
    _until(phone, "registered")
    before = len(registrar.requests)
    assert phone.control.call("registration.refresh", account="office") == {"accounts": ["office"]}
    phone.loop.turn_until(lambda: len(registrar.requests) > before)
    assert phone.control.call("registration.refresh") == {"accounts": ["office"]}
    assert "no account 'home'" in phone.control.refusal("registration.refresh", account="home").message


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"user": ""}, "user: is empty; a registration needs"),
        ({"domain": ""}, '"domain" is missing'),
        ({"id": ""}, '"id" is missing'),
        ({"transport": "sctp"}, "transport: 'sctp' is not one of udp, tcp, tls, auto"),
        ({"expires_s": 5}, "expires_s: 5 is not between"),
        ({"expires_s": "600"}, "expires_s: must be a whole number"),
        ({"registrar": "a b"}, "registrar: 'a b' contains a character"),
        ({"registrar": "pbx:99999"}, "registrar"),
        ({"outbound_proxy": "pbx:port"}, "outbound_proxy"),
        ({"display_name": "a\nb"}, "display_name: contains a line break"),
        ({"colour": "red"}, "colour: unknown"),
        ({"keepalive": "no", "expires_s": 5}, "'no' is not one of auto, crlf, options, stun, off; expires_s: 5"),
    ],
)
def test_what_cannot_be_an_account_is_refused_and_nothing_is_kept(
    phone: WholePhone, registrar: SmallRegistrar, changes: dict[str, object], words: str
) -> None:
    with pytest.raises(ControlError) as caught:
        _add(phone, registrar, **changes)
    assert words in caught.value.message
    assert phone.control.call("account.list") == {"accounts": []}
    assert Accounts(phone.database).list() == ()


def test_a_change_that_is_no_good_changes_nothing(phone: WholePhone, registrar: SmallRegistrar) -> None:
    _add(phone, registrar)
    _until(phone, "registered")
    assert "registrar" in phone.control.refusal("account.update", id="office", registrar="pbx:99999").message
    assert _show(phone)["registrar"] == f"{HOST}:{registrar.port}"
    assert "must be true or false" in phone.control.refusal("account.update", id="office", enabled="yes").message


def test_a_known_realm_seals_the_password_before_it_is_stored(phone: WholePhone, registrar: SmallRegistrar) -> None:
    added = _add(phone, registrar, realm="pbx")
    assert (added["password"], added["realm"]) == ("sealed", "pbx")
    _until(phone, "registered")


# From the store.


def test_the_accounts_of_the_store_are_registered_at_the_start(
    loop: HandLoop, tmp_path: Path, registrar: SmallRegistrar
) -> None:
    phone = WholePhone(loop, tmp_path)
    phone.keep_account(office(registrar.port), PASSWORD)
    phone.keep_account(replace(office(registrar.port), id=AccountId("off"), enabled=False), PASSWORD)
    phone.start()
    loop.turn_until(lambda: "1001" in registrar.contacts)
    assert _until(phone, "registered")["password"] == "sealed"
    assert _show(phone, "off")["state"] == "disabled"
    phone.close()


def test_one_unusable_account_does_not_keep_the_phone_from_the_others(
    loop: HandLoop, tmp_path: Path, registrar: SmallRegistrar, caplog: pytest.LogCaptureFixture
) -> None:
    phone = WholePhone(loop, tmp_path)
    phone.keep_account(Account(AccountId("broken"), "1", "pbx:99999"))
    phone.keep_account(office(registrar.port), PASSWORD)
    phone.start()
    _until(phone, "registered")
    broken = _show(phone, "broken")
    assert broken["state"] == "unusable"
    assert "domain" in str(broken["text"])
    assert "account broken cannot be used" in caplog.text
    assert phone.control.call("registration.refresh")["accounts"] == ["office"]
    table = phone.parts.accounts
    chosen, emergency = table.choose(), table.any_enabled()
    assert chosen is not None
    assert emergency is not None
    assert chosen.id == emergency.id == "office"
    # It can be put right, or go.
    phone.control.call("account.update", id="broken", domain=HOST, register=False)
    assert _show(phone, "broken")["state"] == "no registration needed"
    phone.control.call("account.remove", id="broken")
    phone.close()


def test_a_registrar_that_is_away_is_told_and_asked_again(phone: WholePhone, registrar: SmallRegistrar) -> None:
    registrar.status = 503
    _add(phone, registrar)
    shown = _until(phone, "failed")
    assert shown["status"] == 503
    assert shown["next_attempt_s"] is not None
    assert phone.control.call("status")["phone"]["registered"] is False
    registrar.status = None
    phone.control.call("registration.refresh")
    _until(phone, "registered")


def test_a_refused_tcp_connection_is_told_at_once(phone: WholePhone, registrar: SmallRegistrar) -> None:
    registrar.sockets.tcp.close()
    _add(phone, registrar, transport="tcp")
    shown = _until(phone, "failed")
    assert "Connection refused" in str(shown["text"])


def test_an_account_can_register_by_tcp(phone: WholePhone, registrar: SmallRegistrar) -> None:
    _add(phone, registrar, transport="tcp")
    _until(phone, "registered")
    assert ";transport=tcp" in registrar.contacts["1001"]
    # The server dies: the phone learns it from the connection and registers over a new one.
    before = len(registrar.requests)
    for connection in list(registrar.sockets.tcp._by_id.values()):
        registrar.sockets.tcp.close_connection(connection.number)
    phone.loop.turn_until(lambda: len(registrar.requests) > before)
    _until(phone, "registered")


def test_the_lamp_tells_of_accounts_alone(loop: HandLoop, tmp_path: Path, registrar: SmallRegistrar) -> None:
    with whole_phone(loop, tmp_path) as phone:

        def shown() -> tuple[object, object]:
            status = phone.control.call("status")
            return status["phone"]["state"], status["board"]["lamps"]["registered"]

        assert shown() == ("idle", "off")
        _add(phone, registrar)
        _until(phone, "registered")
        assert shown() == ("idle", "on")
        phone.control.call("account.update", id="office", enabled=False)
        assert shown() == ("out-of-service", "off")
        phone.control.call("account.remove", id="office")
        assert shown() == ("idle", "off")


def test_the_first_registered_account_is_used_for_calls(
    loop: HandLoop, tmp_path: Path, registrar: SmallRegistrar
) -> None:
    with whole_phone(loop, tmp_path) as phone:
        table = phone.parts.accounts
        assert table.choose() is None
        assert table.usable(), "calls straight by IP need no account"
        _add(phone, registrar, id="first", user="1009", password="x")
        assert not table.usable()
        _add(phone, registrar, id="second")
        _until(phone, "registered", "second")
        chosen = table.choose()
        assert chosen is not None
        assert chosen.id in ("first", "second")
        phone.control.call("account.remove", id="second")
        phone.control.call("account.add", id="direct", user="x", domain=HOST, register=False)
        registrar.status = 403
        phone.control.call("registration.refresh", account="first")
        _until(phone, "failed", "first")
        chosen = table.choose()
        assert chosen is not None
        assert chosen.id == "direct"


def test_a_change_of_network_registers_anew(phone: WholePhone, registrar: SmallRegistrar) -> None:
    _add(phone, registrar, transport="tcp")
    _until(phone, "registered")
    before = len(registrar.requests)
    phone.parts.link_monitor._changed()
    phone.loop.turn_until(lambda: len(registrar.requests) > before)
    _until(phone, "registered")


def test_what_is_not_registered_is_tried_at_once_when_the_clock_was_set(
    phone: WholePhone, registrar: SmallRegistrar
) -> None:
    accounts = phone.parts.accounts
    assert accounts.summary() == "no account"
    unkind = SmallRegistrar(phone.loop)
    unkind.status = 403
    _add(phone, registrar)
    _until(phone, "registered")
    _add(phone, unkind, id="home", user="1002")
    _until(phone, "failed", "home")
    assert accounts.summary() == f"registered as sip:1001@{HOST}, not registered as sip:1002@{HOST} (" + (
        "the server refused to register user 1002 (403 Forbidden); check the account or ask its provider)"
    )
    asked = len(registrar.requests)
    unkind.status = None
    accounts.retry(phone.loop.now())
    _until(phone, "registered", "home")
    assert len(registrar.requests) == asked
    assert accounts.summary() == f"registered as sip:1001@{HOST} and sip:1002@{HOST}"
    phone.control.call("account.update", id="home", register=False)
    phone.control.call("account.remove", id="office")
    assert accounts.summary() == "no account to register"
    unkind.close()
