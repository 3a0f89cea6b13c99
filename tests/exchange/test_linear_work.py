"""No request makes the exchange work more than its length deserves."""

from collections.abc import Callable

from device.exchange.route_set import OwnNames, take_own_routes
from device.exchange.seal import Seal
from tests.exchange.switchboard import DOMAIN, OWN, Switchboard
from tests.support.work import growth

SIZE = 100
MOST = 4.6
"""The allowed growth of work when an input is four times as long; a square would be sixteen."""


def test_a_request_with_many_routes_of_ours() -> None:
    def take(size: int) -> Callable[[], None]:
        phone = Switchboard().phone("1001", "192.0.2.1")
        routes = "\n".join([f"<sip:{OWN};lr>"] * size)
        request = phone.build("OPTIONS", "sip:1002@pbx.lan", Route=routes)
        own = OwnNames(DOMAIN, lambda: (5060,))
        own.add_host(OWN)

        def action() -> None:
            take_own_routes(request, own, Seal("s"))
            assert request.routes == []

        return action

    assert growth(take, SIZE) < MOST


def test_a_registration_of_many_contacts() -> None:
    def register(size: int) -> Callable[[], None]:
        board = Switchboard()
        phone = board.phone("1001", "192.0.2.1")
        contacts = ", ".join(f"<sip:1001@192.0.2.1:{5000 + number}>" for number in range(size))

        def action() -> None:
            phone.register(Contact=contacts)

        return action

    # More than are remembered of addresses read before, at either size.
    assert growth(register, 3 * SIZE) < MOST


def test_more_contacts_than_a_user_may_have_change_nothing() -> None:
    board = Switchboard()
    phone = board.phone("1001", "192.0.2.1")
    assert phone.register().status == 200
    contacts = ", ".join(f"<sip:1001@192.0.2.1:{5000 + number}>" for number in range(400))
    assert phone.register(Contact=contacts).status == 403
    assert len(board.exchange.location.bindings("sip:1001@pbx.lan", 1_000_000.0)) == 1
