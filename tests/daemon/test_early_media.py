"""What a caller hears before the answer: the far end's sound, or our own ringback (RFC 3960)."""

import socket

from device.daemon.phone_line import PhoneLine
from device.model import CallId
from device.phone.events import CallRang
from device.phone.states import PhoneState
from device.rtp.packet import encode_rtp
from device.sip.events import CallEnded, CallEstablished, CallRinging
from tests.support.whole_phone import HOST, FarEnd, WholePhone, sdp

S = PhoneState
NONSENSE = b"this is no session description"


def ringbacks(line: PhoneLine) -> list[bool | None]:
    """Whether our own tone is wanted, after each event for the phone."""
    return [event.ringback for event in line.take_events() if isinstance(event, CallRang)]


def test_early_media_is_taken_and_bad_early_media_is_mere_ringing(phone: WholePhone, far_end: FarEnd) -> None:
    line = phone.parts.line
    call_id = CallId(phone.place(far_end.target))
    line.take_events()
    line.receive(CallRinging(call_id, 183, "Session Progress", NONSENSE), 0.0)
    assert line.take_events() == [CallRang(call_id, early_media=False, ringback=False)]
    line.receive(CallRinging(call_id, 183, "Session Progress", sdp()), 0.0)
    assert line.take_events() == [CallRang(call_id, early_media=True, ringback=False)]
    assert line._calls[call_id].session.parameters is not None
    # The same description in the 200 is no news.
    line.receive(CallEstablished(call_id, sdp(), far_end.target, ""), 0.0)
    assert len(line.take_events()) == 1
    assert far_end.told(CallEnded) == []


def test_our_own_tone_is_heard_until_the_far_end_sends_sound(phone: WholePhone, far_end: FarEnd) -> None:
    """RFC 3960 section 3.2: never without a 180, and never against sound that really comes."""
    line = phone.parts.line
    call_id = CallId(phone.place(far_end.target))
    line.take_events()
    line.receive(CallRinging(call_id, 183, "", b""), 0.0)
    line.receive(CallRinging(call_id, 180, "", b""), 0.0)
    line.receive(CallRinging(call_id, 183, "", sdp()), 0.0)
    assert ringbacks(line) == [False, True, True]
    line.sound_heard(call_id, True)
    line.receive(CallRinging(call_id, 180, "", b""), 0.0)
    line.sound_heard(call_id, False)
    assert ringbacks(line) == [False, False, True]
    line.receive(CallEstablished(call_id, sdp(), far_end.target, ""), 0.0)
    line.take_events()
    line.sound_heard(call_id, True)
    assert line.take_events() == []


def test_sound_before_the_answer_stops_our_tone_and_its_end_brings_it_back(phone: WholePhone, far_end: FarEnd) -> None:
    """With real packets, through the audio thread."""
    far_end_sound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    far_end_sound.bind((HOST, 0))
    phone.place(far_end.target)
    call = far_end.incoming()
    port = int(call.offer.partition(b"m=audio ")[2].split()[0])
    far_end.agent.ring(call.call_id, phone.loop.now())
    phone.wait(S.RINGBACK)
    tone = lambda: phone.control.call("status")["phone"]["tone"]  # noqa: E731
    assert tone() == "RINGBACK"
    far_end.agent.progress(call.call_id, sdp(far_end_sound.getsockname()[1]), phone.loop.now())
    sequence = 0

    def send_sound() -> bool:
        nonlocal sequence
        sequence += 1
        packet = encode_rtp(8, sequence, 160 * sequence, 7, False, b"\xd5" * 160)
        far_end_sound.sendto(packet, (HOST, port))
        return tone() == ""

    phone.loop.turn_until(send_sound, "the end of the tone")
    phone.loop.turn_until(lambda: tone() == "RINGBACK", "the tone after two seconds of silence")
    far_end_sound.close()


def test_a_branch_that_failed_is_heard_no_more(phone: WholePhone, far_end: FarEnd) -> None:
    line = phone.parts.line
    call_id = CallId(phone.place(far_end.target))
    line.receive(CallRinging(call_id, 180, "", b""), 0.0)
    line.receive(CallRinging(call_id, 183, "", sdp()), 0.0)
    line.sound_heard(call_id, True)
    session = line._calls[call_id].session
    line.receive(CallRinging(call_id, 199, "", sdp(port=7000)), 0.0)
    assert session.parameters is not None
    assert session.parameters.remote[1] == 7000
    line.take_events()
    line.receive(CallRinging(call_id, 199, "", b""), 0.0)
    line.receive(CallRinging(call_id, 199, "", b""), 0.0)
    assert ringbacks(line) == [True, True]
    assert not session.parameters.receiving
