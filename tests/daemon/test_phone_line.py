"""Calls with sound, between a whole phone and a far end that says whatever a test wants."""

import logging
import socket
from pathlib import Path

import pytest

from device import plain_sockets
from device.audio.reports import DigitHeard, StreamEnded, StreamSilent
from device.daemon.phone_line import ACCOUNTS_KEPT, PhoneLine, _source_host
from device.ids import IdSource, SystemIds
from device.model import Account, AccountId, CallId
from device.net.addresses import SOMEWHERE
from device.phone.events import CallFinished, CallOffered, HoldRequested, ResumeRequested
from device.phone.states import PhoneState
from device.sip.events import (
    CallEnded,
    CallEstablished,
    CallRinging,
    CallTrying,
    EndCause,
    IncomingCall,
    OfferAnswered,
    OfferReceived,
    OfferRefused,
)
from tests.support.turning import HandLoop
from tests.support.whole_phone import CALL, HOST, OFFICE, FarEnd, WholePhone, office, sdp, whole_phone

S = PhoneState
NONSENSE = b"this is no session description"
NO_CODEC = sdp(formats="3")
"""GSM alone."""


def _called(phone: WholePhone, far_end: FarEnd, offer: bytes | None = None) -> CallId:
    """The far end calls and is answered; the name of the call at the phone."""
    far_end.call(phone.target, offer)
    phone.wait(S.ALERTING)
    call_id = CallId(phone.control.call("call.answer")["call"])
    far_end.established()
    phone.loop.turn_until(lambda: phone.state == "connected")
    return call_id


def _calls(phone: WholePhone, far_end: FarEnd, answer: bytes | None = None) -> CallId:
    """The phone calls the far end, which answers; the name of the call at the phone."""
    call_id = CallId(phone.place(far_end.target))
    far_end.answer(answer)
    phone.wait(S.CONNECTED)
    return call_id


def _is_over(phone: WholePhone) -> None:
    """Nothing is left of any call."""
    phone.loop.turn_until(lambda: phone.parts.line.calls == 0, "the end of the call at the phone")


class _Descriptors:
    def __init__(self) -> None:
        self.before = set(self._now())

    @staticmethod
    def _now() -> list[str]:
        return [path.name for path in Path("/proc/self/fd").iterdir() if path.exists()]

    def kept(self) -> set[str]:
        return set(self._now()) - self.before


# Calls that come.


def test_a_call_comes_rings_is_answered_and_hung_up(phone: WholePhone, far_end: FarEnd) -> None:
    far_end.call(phone.target)
    phone.wait(S.ALERTING)
    phone.loop.turn_until(lambda: far_end.told(CallRinging))
    assert phone.control.call("status")["board"]["ringing"]
    phone.control.call("call.answer")
    answer = far_end.established().sdp.decode()
    assert f"c=IN IP4 {HOST}" in answer
    phone.wait(S.CONNECTED)
    phone.control.call("call.hangup")
    assert far_end.ended().cause.local is False
    phone.wait(S.IDLE)
    _is_over(phone)


def test_the_far_end_hangs_up(phone: WholePhone, far_end: FarEnd) -> None:
    _called(phone, far_end)
    far_end.agent.hang_up(CALL, phone.loop.now())
    phone.wait(S.IDLE)
    _is_over(phone)
    assert phone.control.call("calllog.list")["calls"][0]["cause"] == "answered"


@pytest.mark.parametrize(("offer", "status"), [(NO_CODEC, 488), (NONSENSE, 400)])
def test_an_offer_that_cannot_be_used_is_refused(phone: WholePhone, far_end: FarEnd, offer: bytes, status: int) -> None:
    far_end.call(phone.target, offer)
    assert far_end.ended().cause.status == status
    _is_over(phone)
    assert phone.state == "idle"


def test_a_caller_without_an_offer_answers_ours(phone: WholePhone, far_end: FarEnd) -> None:
    _called(phone, far_end, b"")
    ours = far_end.told(OfferReceived)[0].offer
    assert b"m=audio" in ours
    assert phone.control.call("call.list")["calls"][0]["state"] == "connected"


@pytest.mark.parametrize("answer", [NONSENSE, NO_CODEC, sdp(port=0)])
def test_a_bad_answer_in_the_ack_ends_the_call(phone: WholePhone, far_end: FarEnd, answer: bytes) -> None:
    far_end.answer_to_offers = answer
    far_end.call(phone.target, b"")
    phone.wait(S.ALERTING)
    phone.control.call("call.answer")
    assert not far_end.ended().cause.local
    _is_over(phone)


def test_without_ports_a_caller_hears_503(
    loop: HandLoop, tmp_path: Path, far_end: FarEnd, caplog: pytest.LogCaptureFixture
) -> None:
    with _all_taken() as ports, whole_phone(loop, tmp_path, ports) as phone:
        far_end.call(phone.target)
        assert far_end.ended().cause.status == 503
        _is_over(phone)
    assert "no free pair of RTP ports" in caplog.text


def test_a_refused_call_leaves_no_socket_open(phone: WholePhone, far_end: FarEnd) -> None:
    open_files = _Descriptors()
    far_end.call(phone.target, NO_CODEC)
    far_end.ended()
    _is_over(phone)
    assert len(open_files.kept()) <= 1  # the directory that is being read
    assert phone.parts.line._answers == {}


def test_a_second_caller_hears_busy_and_the_first_talks_on(phone: WholePhone, far_end: FarEnd, loop: HandLoop) -> None:
    _called(phone, far_end)
    other = FarEnd(loop)
    other.call(phone.target)
    assert other.ended().cause.status == 486
    assert phone.state == "connected"
    other.close()


# Calls that go.


def test_a_call_goes_out_and_is_answered(phone: WholePhone, far_end: FarEnd) -> None:
    call_id = CallId(phone.place(far_end.target))
    incoming = far_end.incoming()
    assert f"c=IN IP4 {HOST}".encode() in incoming.offer
    far_end.agent.ring(incoming.call_id, phone.loop.now())
    phone.wait(S.RINGBACK)
    far_end.answer()
    phone.wait(S.CONNECTED)
    assert phone.parts.line.account_of(call_id) == ""
    phone.control.call("call.hangup")
    far_end.ended()
    _is_over(phone)


@pytest.mark.parametrize("answer", [NONSENSE, NO_CODEC, sdp(port=0)])
def test_a_bad_answer_ends_the_call_with_bye(phone: WholePhone, far_end: FarEnd, answer: bytes) -> None:
    phone.place(far_end.target)
    far_end.answer(answer)
    assert far_end.ended().cause.status == 0
    _is_over(phone)
    assert phone.state != "connected"


def test_a_refused_call_lets_a_tone_tell(phone: WholePhone, far_end: FarEnd) -> None:
    phone.place(far_end.target)
    far_end.agent.reject(far_end.incoming().call_id, 486, phone.loop.now())
    phone.wait(S.BUSY_TONE)
    _is_over(phone)


def test_nobody_there_is_told(phone: WholePhone) -> None:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port = listener.getsockname()[1]
    phone.place(f"sip:x@{HOST}:{port};transport=tcp")
    phone.wait(S.REORDER)
    _is_over(phone)


def test_without_ports_the_phone_says_so_instead_of_waiting(loop: HandLoop, tmp_path: Path, far_end: FarEnd) -> None:
    with _all_taken() as ports, whole_phone(loop, tmp_path, ports) as phone:
        refusal = phone.control.refusal("call.place", target=far_end.target)
        assert "no free pair of RTP ports" in refusal.message
        phone.wait(S.REORDER)
        assert phone.control.call("calllog.list")["calls"][0]["cause"] == "failed 503"
        assert far_end.told(IncomingCall) == []


def test_what_cannot_be_called_ends_at_once(phone: WholePhone) -> None:
    assert "mailto" in phone.control.refusal("call.place", target="<mailto:x@y>").message
    phone.wait(S.REORDER)
    _is_over(phone)


# Changes within a call.


@pytest.mark.parametrize(("offer", "status"), [(NONSENSE, 400), (NO_CODEC, 488)])
def test_a_bad_new_offer_is_refused_and_the_call_goes_on(
    phone: WholePhone, far_end: FarEnd, offer: bytes, status: int
) -> None:
    call_id = _called(phone, far_end)
    before = phone.parts.line._calls[call_id].session.parameters
    outcome = far_end.reoffer(offer)
    assert isinstance(outcome, OfferRefused)
    assert outcome.status == status
    assert phone.state == "connected"
    assert phone.parts.line._calls[call_id].session.parameters == before
    phone.control.call("call.hangup")
    far_end.ended()


def test_the_far_end_holds_moves_and_resumes(phone: WholePhone, far_end: FarEnd) -> None:
    call_id = _called(phone, far_end)
    held = far_end.reoffer(sdp(more="a=sendonly\r\n", version=2))
    assert isinstance(held, OfferAnswered)
    assert b"a=recvonly" in held.sdp
    assert phone.parts.line._calls[call_id].session.held_by_peer
    moved = far_end.reoffer(sdp(port=40_010, version=3))
    assert isinstance(moved, OfferAnswered)
    told = phone.parts.line._calls[call_id]._told
    assert told is not None
    assert told.remote == (HOST, 40_010)


def test_a_new_offer_may_be_asked_of_us(phone: WholePhone, far_end: FarEnd) -> None:
    _called(phone, far_end)
    far_end.agent.reoffer(CALL, b"", phone.loop.now())
    phone.loop.turn_until(lambda: far_end.told(OfferReceived))
    assert b"m=audio" in far_end.told(OfferReceived)[0].offer
    phone.loop.settle()
    assert phone.state == "connected"


def test_we_hold_and_resume(phone: WholePhone, far_end: FarEnd) -> None:
    call_id = _called(phone, far_end)
    far_end.answer_to_offers = sdp(more="a=recvonly\r\n", version=2)
    assert phone.parts.runtime.request(HoldRequested(), phone.loop.now()) is None
    phone.loop.turn_until(lambda: far_end.told(OfferReceived))
    assert b"a=sendonly" in far_end.told(OfferReceived)[0].offer
    phone.wait(S.HELD)
    told = phone.parts.line._calls[call_id]._told
    assert told is not None
    assert told.on_hold
    far_end.answer_to_offers = sdp(version=3)
    phone.parts.runtime.request(ResumeRequested(), phone.loop.now())
    phone.loop.turn_until(lambda: len(far_end.told(OfferReceived)) == 2)
    assert b"a=sendonly" not in far_end.told(OfferReceived)[1].offer
    phone.wait(S.CONNECTED)
    phone.loop.turn_until(lambda: not phone.parts.line._reoffered)


def test_a_hold_that_is_refused_changes_nothing(phone: WholePhone, far_end: FarEnd) -> None:
    call_id = _called(phone, far_end)
    far_end.answer_to_offers = 488
    phone.parts.runtime.request(HoldRequested(), phone.loop.now())
    phone.loop.turn_until(lambda: not phone.parts.line._reoffered)
    assert not phone.parts.line._calls[call_id].session.on_hold
    assert far_end.told(CallEnded) == []


def test_a_hold_that_is_answered_badly_ends_the_call(phone: WholePhone, far_end: FarEnd) -> None:
    _called(phone, far_end)
    far_end.answer_to_offers = NONSENSE
    phone.parts.runtime.request(HoldRequested(), phone.loop.now())
    far_end.ended()
    _is_over(phone)


class _PatientIds(SystemIds):
    """Rolls nothing but zeros, so that the callee's back-off after a 491 lasts no time."""

    __slots__ = ()

    def number(self, bits: int) -> int:
        return 0


def test_when_both_hold_at_once_the_call_survives(
    loop: HandLoop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far_end = FarEnd(loop)
    ids: IdSource = _PatientIds()
    far_end.agent._core.ids = ids
    with whole_phone(loop, tmp_path) as phone:
        call_id = _calls(phone, far_end)
        theirs = far_end.established().call_id
        far_end.agent.reoffer(theirs, sdp(more="a=sendonly\r\n", version=2), loop.now())
        far_end.answer_to_offers = sdp(more="a=inactive\r\n", version=3)
        phone.parts.runtime.request(HoldRequested(), loop.now())
        # Theirs comes first, since the callee backs off for less time; ours follows, made anew.
        loop.turn_until(lambda: far_end.told(OfferAnswered) and far_end.told(OfferReceived))
        loop.turn_until(lambda: not phone.parts.line._reoffered)
        ours = far_end.told(OfferReceived)[-1].offer
        assert b"a=sendonly" in ours or b"a=inactive" in ours
        assert phone.state == "held"
        assert phone.parts.line._calls[call_id].session.on_hold
        assert far_end.told(CallEnded) == []
    far_end.close()


# Sound.


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Host names that the C library knows while a test lasts."""
    known: dict[str, str] = {}

    def getaddrinfo(host: str, port: int, *_: object) -> list[tuple[object, ...]]:
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_DGRAM, 17, "", (known[host], port))]

    monkeypatch.setattr(plain_sockets, "getaddrinfo", getaddrinfo)
    return known


def test_a_host_name_in_the_description_is_looked_up(phone: WholePhone, far_end: FarEnd, names: dict[str, str]) -> None:
    names["media.example"] = "127.0.0.3"
    call_id = _called(phone, far_end, sdp(host="media.example"))
    sound = phone.parts.line._calls[call_id]
    phone.loop.turn_until(lambda: sound._told is not None)
    assert sound._told is not None
    assert sound._told.remote == ("127.0.0.3", 40_000)


def test_a_host_name_that_nobody_knows_leaves_a_call_in_silence(
    phone: WholePhone, far_end: FarEnd, names: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "device")
    call_id = _called(phone, far_end, sdp(host="nowhere.example"))
    phone.loop.turn_until(lambda: "cannot find nowhere.example" in caplog.text)
    assert phone.parts.line._calls[call_id]._told is None
    phone.control.call("call.hangup")
    far_end.ended()
    _is_over(phone)


def test_a_stream_that_fails_ends_its_call(phone: WholePhone, far_end: FarEnd) -> None:
    call_id = _called(phone, far_end)
    phone.parts.engine._report(StreamEnded(call_id, None, "a bug in the mixer"))
    far_end.ended()
    _is_over(phone)


def test_a_call_that_fell_silent_for_good_is_ended(phone: WholePhone, far_end: FarEnd) -> None:
    call_id = _called(phone, far_end)
    phone.parts.engine._report(StreamSilent(call_id, 30.0))
    far_end.ended()
    _is_over(phone)


def test_a_digit_of_the_far_end_opens_the_door(loop: HandLoop, tmp_path: Path, far_end: FarEnd) -> None:
    with whole_phone(loop, tmp_path, {"phone.door_code": "42"}) as phone:
        call_id = _called(phone, far_end)
        phone.control.call("subscribe", topics=["board"])
        for digit in "42":
            phone.parts.engine._report(DigitHeard(call_id, digit))
        loop.turn_until(lambda: phone.control.call("board.show")["relays"]["door"])


# The line alone, told what user agents tell.


def test_what_is_told_once_is_passed_on_once(phone: WholePhone) -> None:
    line = phone.parts.line
    line.receive(CallEnded(CallId("c"), EndCause(486, "busy", local=False)), 0.0)
    assert line.take_events() == [CallFinished(CallId("c"), 486, "busy")]
    assert line.take_events() == []


def test_an_end_elsewhere_is_no_missed_call(phone: WholePhone) -> None:
    phone.parts.line.receive(CallEnded(CallId("c"), EndCause(200, "answered elsewhere", local=False)), 0.0)
    assert phone.parts.line.take_events() == [CallFinished(CallId("c"), 200, "answered elsewhere", elsewhere=True)]


def test_events_of_calls_that_are_over_harm_nobody(phone: WholePhone) -> None:
    line, gone, now = phone.parts.line, CallId("gone"), phone.loop.now()
    for event in (
        CallTrying(gone),
        CallRinging(gone, 183, "", sdp()),
        CallEstablished(gone, sdp(), "sip:x@y", ""),
        OfferReceived(gone, sdp()),
        OfferAnswered(gone, sdp()),
        OfferRefused(gone, 488),
        CallEnded(gone, EndCause(0, "", local=True)),
    ):
        line.receive(event, now)
    line.answer(gone, now)
    line.hold(gone, now)
    line.resume(gone, now)
    line.connect_audio(gone)
    line.disconnect_audio(gone)
    line.give_up(gone, now)
    assert line.calls == 0


def test_audio_can_be_parted_and_joined_again(phone: WholePhone, far_end: FarEnd) -> None:
    call_id = _called(phone, far_end)
    sound = phone.parts.line._calls[call_id]
    phone.parts.line.disconnect_audio(call_id)
    assert sound._told is not None
    assert sound._told.on_hold
    phone.parts.line.connect_audio(call_id)
    assert not sound._told.on_hold


def test_calls_through_an_account_are_remembered_for_the_log(loop: HandLoop, tmp_path: Path, far_end: FarEnd) -> None:
    with whole_phone(loop, tmp_path) as phone:
        phone.control.call("account.add", id="office", user="1001", domain=f"{HOST}:{far_end.port}", register=False)
        far_end.be("1002")
        call_id = CallId(phone.place("1002"))
        assert far_end.incoming().caller == f"sip:1001@{HOST}:{far_end.port}"
        assert phone.parts.line.account_of(call_id) == OFFICE
        for number in range(ACCOUNTS_KEPT):
            phone.parts.line._keep_account(CallId(f"c{number}"), AccountId("other"))
        assert phone.parts.line.account_of(call_id) == ""
        assert len(phone.parts.line._account_ids) == ACCOUNTS_KEPT


def test_an_incoming_call_is_logged_with_the_account_it_was_for(
    loop: HandLoop, tmp_path: Path, far_end: FarEnd
) -> None:
    with whole_phone(loop, tmp_path) as phone:
        phone.control.call("account.add", id="office", user="1001", domain=HOST, register=False)
        far_end.call(f"sip:1001@{HOST}:{phone.port}")
        phone.wait(S.ALERTING)
        assert phone.control.call("call.list")["calls"][0]["account"] == "office"


def test_an_emergency_call_goes_through_an_account_that_is_not_registered(
    loop: HandLoop, tmp_path: Path, far_end: FarEnd
) -> None:
    with whole_phone(loop, tmp_path) as phone:
        server = office(far_end.port)
        phone.control.call(
            "account.add", id="office", user="1001", domain=HOST, registrar=server.registrar,
            outbound_proxy=server.outbound_proxy,
        )  # fmt: skip
        far_end.be("112")
        call_id = CallId(phone.place("112"))
        assert phone.parts.line.account_of(call_id) == OFFICE
        assert far_end.incoming().called.startswith("sip:112@")


# Which address we show.


@pytest.mark.parametrize(
    ("source", "host"),
    [
        ("udp:192.0.2.7:5060", "192.0.2.7"),
        ("tcp:[2001:db8::7]:40000", "2001:db8::7"),
        ("", SOMEWHERE),
    ],
)
def test_the_source_of_a_call_is_read(source: str, host: str) -> None:
    assert _source_host(source) == host


@pytest.mark.parametrize(
    ("account", "target", "host"),
    [
        (None, "sip:bob@192.0.2.9", "192.0.2.9"),
        (None, "sip:bob@192.0.2.9:5080;transport=tcp", "192.0.2.9"),
        (None, "192.0.2.9", "192.0.2.9"),
        (None, "sip:bob@[2001:db8::9]:5080", "2001:db8::9"),
        (None, "sip:bob@pbx.example", SOMEWHERE),
        (None, "", SOMEWHERE),
        (Account(OFFICE, "1001", "pbx.example", registrar="192.0.2.1:5070"), "1002", "192.0.2.1"),
        (Account(OFFICE, "1001", "192.0.2.2", outbound_proxy="192.0.2.3"), "1002", "192.0.2.3"),
        (Account(OFFICE, "1001", "2001:db8::1"), "1002", "2001:db8::1"),
    ],
)
def test_the_way_to_the_far_end_is_guessed_before_dns_is_asked(
    phone: WholePhone, account: Account | None, target: str, host: str
) -> None:
    line: PhoneLine = phone.parts.line
    assert line._far_host(account, target) == host


# Help.


class _all_taken:  # noqa: N801 - reads as a word of the test
    """A range of one pair of ports that somebody else has."""

    def __enter__(self) -> dict[str, str]:
        for first in range(30_000, 31_000, 2):
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                self._socket.bind((HOST, first))
            except OSError:
                self._socket.close()
                continue
            return {"daemon.rtp_first_port": str(first), "daemon.rtp_last_port": str(first + 1)}
        raise AssertionError("no port is free")

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def test_an_offer_is_passed_on_with_all_that_the_phone_wants_to_know(phone: WholePhone) -> None:
    line = phone.parts.line
    event = IncomingCall(CallId("in-9"), None, "sip:bob@192.0.2.9", "Bob", "sip:me@x", sdp(), "udp:127.0.0.1:5060", 2.0)
    line.receive(event, phone.loop.now())
    assert line.take_events() == [CallOffered(CallId("in-9"), "sip:bob@192.0.2.9", "Bob", 2.0)]
    line._forget(CallId("in-9"))


# A new address.


def move(phone: WholePhone, address: str) -> None:
    """The network changes, and with it the phone's address."""
    phone.parts.sockets._advertised = address
    phone.parts.line.network_changed(phone.loop.now())


def test_a_new_address_is_told_to_a_call(phone: WholePhone, far_end: FarEnd) -> None:
    _calls(phone, far_end)
    move(phone, "127.0.0.9")
    phone.loop.turn_until(lambda: far_end.told(OfferReceived), "the new offer")
    assert "c=IN IP4 127.0.0.9" in far_end.told(OfferReceived)[0].offer.decode()
    phone.loop.settle()
    move(phone, "127.0.0.9")
    phone.loop.settle()
    assert len(far_end.told(OfferReceived)) == 1


def test_a_call_that_rings_here_is_answered_with_the_new_address(phone: WholePhone, far_end: FarEnd) -> None:
    far_end.call(phone.target)
    phone.wait(S.ALERTING)
    move(phone, "127.0.0.9")
    phone.control.call("call.answer")
    assert b"c=IN IP4 127.0.0.9" in far_end.established().sdp


def test_no_address_at_all_is_not_told(phone: WholePhone, far_end: FarEnd) -> None:
    phone.parts.sockets._advertised = "127.0.0.9"
    _calls(phone, far_end)
    move(phone, HOST)
    phone.loop.settle()
    assert far_end.told(OfferReceived) == []


class TestFamilies:
    """Offers of the other family (RFC 6157): answered with an address of that, or refused where there is none."""

    OFFER = sdp().replace(b"c=IN IP4 127.0.0.1", b"c=IN IP6 ::1")

    def test_an_offer_of_ipv6_that_came_by_ipv4_is_answered_with_ipv6(
        self, loop: HandLoop, tmp_path: Path, far_end: FarEnd
    ) -> None:
        with whole_phone(loop, tmp_path, {"sip.bind_address": "", "phone.auto_answer": "always"}, "both") as phone:
            far_end.call(phone.target, self.OFFER)
            answer = far_end.established().sdp
            assert b"c=IN IP6 ::1\r\n" in answer
            (sound,) = phone.parts.line._calls.values()
            assert sound.far_host == "::1"
            # Moved to the other family within the call, and refused without harm where it offers nothing of use.
            assert isinstance(far_end.reoffer(sdp(version=2)), OfferAnswered)
            assert sound.session.local_address == HOST
            assert isinstance(far_end.reoffer(self.OFFER.replace(b" 8 0 101", b" 120")), OfferRefused)
            assert sound.session.local_address == HOST

    def test_one_that_cannot_be_reached_is_refused(self, phone: WholePhone, far_end: FarEnd) -> None:
        far_end.call(phone.target, self.OFFER)
        assert far_end.ended().cause.status == 488
