"""The exchange as a user agent: a connection that ends lets what lived on it begin anew, and nothing else."""

from device.exchange.house_agent import HouseAgent
from device.ids import CountingIds
from device.model import Account, AccountId
from device.sip.endpoint import SipEndpoint
from device.sip.hop import Hop
from device.sip.parser import parse_message
from device.sip.registration import Phase
from device.sip.timers import SipTimers

SERVER = Hop("TCP", "192.0.2.50", 5060, 7)


def test_a_lost_connection_is_made_good_and_others_end_in_peace() -> None:
    ids = CountingIds()
    agent = HouseAgent("offhook", ids, lambda _transport, _host: ("192.0.2.10", 5060))

    class User:
        bind = staticmethod(agent.bind)
        connection_closed = staticmethod(agent.connection_closed)
        receive_transaction_event = staticmethod(agent.receive_transaction_event)
        handle_timeout = staticmethod(agent.handle_timeout)
        next_timeout = staticmethod(agent.next_timeout)
        next_event = staticmethod(agent.next_event)

    endpoint = SipEndpoint(User(), SipTimers(), ids, lambda _hop: ("192.0.2.10", 5060))
    account = Account(AccountId("t"), "4711", "192.0.2.50", transport="tcp")
    registration = agent.registration(agent.identity(account, None))
    registration.start(0.0)
    (sent,) = endpoint.transmissions_to_send()
    request = parse_message(sent.data)
    response = request.response(200, to_tag="x")  # type: ignore[union-attr]
    response.headers.add("Contact", f"{request.headers.get('Contact')};expires=600")
    endpoint.receive_stream(response.encode(), SERVER, 1.0)
    assert registration.state is Phase.REGISTERED
    endpoint.connection_closed(Hop("TCP", "192.0.2.50", 5060, 8), 2.0)
    endpoint.handle_timeout(5.0)
    assert endpoint.transmissions_to_send() == []
    endpoint.connection_closed(SERVER, 6.0)
    endpoint.handle_timeout(9.0)
    (again,) = endpoint.transmissions_to_send()
    assert again.data.startswith(b"REGISTER ")
