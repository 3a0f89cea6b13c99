"""Several accounts of one phone: each with a registration, a transport and timers of its own."""

from collections.abc import Iterator

import pytest

from device.phone.states import PhoneState
from device.sip.message import Request
from tests.support.canary import CANARY
from tests.support.small_registrar import SmallRegistrar
from tests.support.turning import HandLoop
from tests.support.whole_phone import HOST, FarEnd, WholePhone

PASSWORDS = {"1001": f"first {CANARY}", "1002": f"second {CANARY}"}


@pytest.fixture
def registrars(loop: HandLoop) -> Iterator[list[SmallRegistrar]]:
    registrars = [SmallRegistrar(loop, PASSWORDS, "one"), SmallRegistrar(loop, PASSWORDS, "two")]
    yield registrars
    for registrar in registrars:
        registrar.close()


def add(phone: WholePhone, name: str, user: str, server: SmallRegistrar, **changes: object) -> None:
    fields: dict[str, object] = {"id": name, "user": user, "domain": HOST, "registrar": f"{HOST}:{server.port}"}
    phone.control.call("account.add", **{**fields, "password": PASSWORDS[user], **changes})


def states(phone: WholePhone) -> dict[str, str]:
    return {one["id"]: one["state"] for one in phone.control.call("account.list")["accounts"]}


def until(phone: WholePhone, **wanted: str) -> None:
    phone.loop.turn_until(lambda: states(phone) == wanted, f"accounts {wanted}")


def of_user(registrar: SmallRegistrar, user: str) -> list[Request]:
    return [request for request in registrar.requests if request.to.uri.user == user]


def test_two_at_one_server_by_different_transports_and_one_at_another(
    phone: WholePhone, registrars: list[SmallRegistrar]
) -> None:
    one, two = registrars
    add(phone, "office", "1001", one, expires_s=300)
    add(phone, "home", "1002", one, transport="tcp", expires_s=900)
    add(phone, "door", "1001", two, transport="tcp")
    until(phone, office="registered", home="registered", door="registered")
    for user, transport, expires in (("1001", "UDP", 300), ("1002", "TCP", 900)):
        asked = of_user(one, user)
        assert {request.top_via.transport for request in asked} == {transport}
        assert {request.expires for request in asked} == {expires}
        assert len({request.call_id for request in asked}) == 1
    assert len({request.call_id for server in registrars for request in server.requests}) == 3
    assert {one["id"]: one["realm"] for one in phone.control.call("account.list")["accounts"]} == {
        "office": "one",
        "home": "one",
        "door": "two",
    }


def test_each_has_codecs_of_its_own(phone: WholePhone, far_end: FarEnd, registrars: list[SmallRegistrar]) -> None:
    add(phone, "office", "1001", registrars[0], codecs="g722, pcmu")
    add(phone, "home", "1002", registrars[1])
    until(phone, office="registered", home="registered")
    for account, formats in (("office", b"9 0"), ("home", b"8 0")):
        phone.control.call("call.place", target=far_end.target, account=account)
        offer = far_end.incoming().offer
        assert offer.partition(b"RTP/AVP ")[2].startswith(formats + b" "), account
        phone.control.call("call.hangup")
        phone.wait(PhoneState.IDLE)
        far_end.events.clear()
    refused = phone.control.refusal("account.update", id="office", codecs="MP3")
    assert "codecs: 'MP3' names more than" in str(refused)
    phone.control.call("account.update", id="office", codecs="")
    assert phone.control.call("account.show", id="office")["codecs"] == ""


def test_what_happens_to_one_is_nothing_to_the_others(phone: WholePhone, registrars: list[SmallRegistrar]) -> None:
    one, two = registrars
    add(phone, "office", "1001", one)
    add(phone, "home", "1002", one, password="wrong")
    add(phone, "door", "1001", two)
    until(phone, office="registered", home="failed", door="registered")
    two.status = 503
    phone.control.call("registration.refresh", account="door")
    until(phone, office="registered", home="failed", door="failed")
    assert len(of_user(one, "1001")) == 2, "the others were not asked to register again"
    assert phone.control.call("status")["phone"]["registered"] is True
    phone.control.call("account.remove", id="office")
    phone.loop.turn_until(lambda: "1001" not in one.contacts)
    until(phone, home="failed", door="failed")


def test_a_connection_that_breaks_is_replaced_for_each_account_on_it(
    phone: WholePhone, registrars: list[SmallRegistrar]
) -> None:
    one, two = registrars
    add(phone, "office", "1001", one, transport="tcp")
    add(phone, "home", "1002", one, transport="tcp")
    add(phone, "door", "1001", two, transport="tcp")
    until(phone, office="registered", home="registered", door="registered")
    before = {server: len(server.requests) for server in registrars}
    for connection in list(one.sockets.tcp._by_id.values()):
        one.sockets.tcp._end(connection)
    phone.loop.turn_until(lambda: len(one.requests) >= before[one] + 2)
    until(phone, office="registered", home="registered", door="registered")
    assert {request.to.uri.user for request in one.requests[before[one] :]} == {"1001", "1002"}
    assert len(two.requests) == before[two]
