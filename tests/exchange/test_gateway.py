from tests.exchange.test_trunks import PROVIDER_HOST, connected, outside, trunk


def test_a_call_for_help_is_known_before_it_is_read() -> None:
    board, _, _, _ = connected(outside(trunk()))
    gateway = board.exchange.gateway
    for text in (b"sip:112@pbx.lan", b"tel:112", b"urn:service:sos"):
        assert gateway.is_call_for_help(b"INVITE " + text + b" SIP/2.0\r\n", "10.0.0.1")
        assert not gateway.is_call_for_help(b"INVITE " + text + b" SIP/2.0\r\n", "203.0.113.1")
    for data in (
        b"INVITE",
        b"INVITE ",
        b"INVITE \xff\xff",
        b"INVITE sip:112@elsewhere.example S",
        b"BYE sip:112@pbx.lan S",
    ):
        assert not gateway.is_call_for_help(data, "10.0.0.1")


def test_without_a_trunk_there_is_none() -> None:
    board, _, _, _ = connected(outside())
    assert not board.exchange.gateway.is_call_for_help(b"INVITE sip:112@pbx.lan SIP/2.0\r\n", "10.0.0.1")


def test_a_server_of_a_trunk_is_never_a_flood() -> None:
    board, _, bob, provider = connected(outside(trunk(ring="1002")))
    for number in range(300):
        provider.ask("OPTIONS", "sip:4711@192.0.2.10", Call_ID=f"ping-{number}")
    assert board.exchange.strangers.admission.admits(b"OPTIONS sip:x SIP/2.0\r\n", PROVIDER_HOST, board.now)
    provider.ask("INVITE", "sip:4711@192.0.2.10", Call_ID="call")
    assert bob.request("INVITE").uri.user == "1002"
