"""What the voice is treated with, by profile and settings; and a hands-free call in a room."""

from collections.abc import Callable

import pytest

from device import plain_logging as logging
from device.audio.bridge import Bridge
from device.audio.commands import AttachStream, DetachStream
from device.audio.manual import ManualPort
from device.audio.settings import AudioSettings
from device.audio.voice_control import InTurn, make_control, wants_control
from device.media import speex_dsp
from device.media.codecs import native
from device.media.hands_free import HalfDuplex
from device.media.speex_dsp import SpeexVoice
from device.model import CallId
from tests.support.libraries import needs_speexdsp
from tests.support.rooms import Room, decibels, speech
from tests.support.streams import FAR_RTP, PlainStream, stream_parameters

RATE_HZ = 8000


def settings(**values: str) -> AudioSettings:
    return AudioSettings(kind="null", **values)  # type: ignore[arg-type]


@pytest.fixture
def no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(native.LIBRARIES, "speexdsp", (("libnot-there.so.1",), "libspeexdsp1"))
    monkeypatch.delitem(native._loaded, "speexdsp", raising=False)


def test_a_handset_needs_nothing() -> None:
    assert not wants_control(settings())
    assert not wants_control(settings(profile="hands-free", echo="off", noise_suppression="off", auto_gain="off"))


@needs_speexdsp
@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"profile": "hands-free"}, (True, True, True)),
        ({"profile": "headset"}, (False, True, False)),
        ({"echo": "cancel"}, (True, False, False)),
        ({"auto_gain": "on"}, (False, False, True)),
        ({"noise_suppression": "on"}, (False, True, False)),
        ({"profile": "hands-free", "echo": "off", "noise_suppression": "off"}, (False, False, True)),
        ({"profile": "hands-free", "auto_gain": "off"}, (True, True, False)),
    ],
)
def test_the_library_gets_what_profile_and_settings_say(
    values: dict[str, str], wanted: tuple[bool, bool, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[object, ...]] = []

    class Voice(SpeexVoice):
        def __init__(self, *given: object) -> None:
            asked.append(given)

        def __del__(self) -> None:
            """There is nothing to release."""

    monkeypatch.setattr(speex_dsp, "SpeexVoice", Voice)
    told: list[str] = []
    assert wants_control(settings(**values))
    make_control(settings(**values), RATE_HZ, told.append)
    assert asked == [(RATE_HZ, *wanted)]
    assert told == []


def test_half_duplex_needs_no_library(no_library: None) -> None:
    told: list[str] = []
    assert isinstance(make_control(settings(echo="half-duplex"), RATE_HZ, told.append), HalfDuplex)
    assert told == []


@needs_speexdsp
def test_half_duplex_and_an_even_voice_go_together() -> None:
    told: list[str] = []
    control = make_control(settings(profile="hands-free", echo="half-duplex"), RATE_HZ, told.append)
    assert isinstance(control, InTurn)
    assert len(control.from_mouth(control.to_ear(bytes(320)))) == 320


def test_without_the_library_one_speaks_at_a_time_and_is_told_why(no_library: None) -> None:
    told: list[str] = []
    assert isinstance(make_control(settings(profile="hands-free"), RATE_HZ, told.append), HalfDuplex)
    assert told == [
        "one speaks at a time (half-duplex): the library libnot-there.so.1 is missing: "
        'run "apt install libspeexdsp1", or set audio.echo to half-duplex'
    ]


def test_without_the_library_a_headset_is_sent_as_it_is(no_library: None) -> None:
    told: list[str] = []
    assert make_control(settings(profile="headset"), RATE_HZ, told.append) is None
    assert told[0].startswith("the voice is sent as it is: the library libnot-there.so.1 is missing")


@pytest.mark.parametrize("name", ["profile", "echo", "noise_suppression", "auto_gain"])
def test_a_word_that_is_none_is_refused(name: str) -> None:
    faults = settings(**{name: "loud"}).faults()
    assert len(faults) == 1
    assert faults[0].startswith(f"audio.{name}: 'loud' is not one of ")


class Set:
    """A hands-free set in a room, in a call with somebody who speaks."""

    def __init__(self, **values: str) -> None:
        self.reports: list[object] = []
        self.faults: list[str] = []
        self.room = Room(RATE_HZ, 60)
        self.bridge = Bridge(settings(**values), RATE_HZ, self.reports.append, self.faults.append, PlainStream)
        self.rtp = ManualPort()
        self.bridge.obey(AttachStream(CallId("a"), stream_parameters(), self.rtp, None), 0.0)

    def talk(self, far: bytes, near: bytes = b"") -> tuple[bytes, bytes]:
        """What the microphone heard meanwhile, and what was sent."""
        heard, before = [], len(self.rtp.sent)
        for number, frame in enumerate(self.room.frames(far)):
            captured = self.room.microphone(near[320 * number : 320 * number + 320] or bytes(320))
            heard.append(captured)
            self.rtp.arrived.append((frame, FAR_RTP))
            self.room.loudspeaker(self.bridge.next_frame(number / 50, captured))
            self.bridge.send_frame(captured, number / 50)
        return b"".join(heard), b"".join(data for data, _ in self.rtp.sent[before:])


def last_seconds(sound: bytes, seconds: int) -> bytes:
    return sound[-2 * RATE_HZ * seconds :]


@needs_speexdsp
@pytest.mark.parametrize(("values", "least_db"), [({"profile": "hands-free"}, 25), ({"echo": "half-duplex"}, 25)])
def test_a_hands_free_call_sends_no_echo(values: dict[str, str], least_db: float) -> None:
    heard, sent = Set(**values).talk(speech("far", RATE_HZ, 10))
    assert decibels(last_seconds(heard, 4)) - decibels(last_seconds(sent, 4)) > least_db


def test_a_handset_sends_what_it_hears() -> None:
    heard, sent = Set().talk(speech("far", RATE_HZ, 2))
    assert heard == sent


def test_a_missing_library_is_logged_and_the_call_goes_on(no_library: None) -> None:
    one = Set(profile="hands-free")
    lines = [report for report in one.reports if isinstance(report, tuple)]
    assert [(level, text.partition(":")[0]) for level, text in lines] == [
        (logging.WARNING, "one speaks at a time (half-duplex)")
    ]
    _, sent = one.talk(bytes(RATE_HZ), speech("near", RATE_HZ, 1))
    assert decibels(sent) > -60


@pytest.mark.parametrize("way", ["to_ear", "from_mouth"])
def test_a_fault_in_it_costs_nobody_the_call(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_self: object, _frame: bytes) -> bytes:
        raise RuntimeError("broken")

    monkeypatch.setattr(HalfDuplex, way, fail)
    one = Set(echo="half-duplex")
    heard, sent = one.talk(speech("far", RATE_HZ, 1))
    assert heard == sent
    assert one.faults == ["treating the voice failed, it is sent as it is"]


@needs_speexdsp
def test_a_wide_band_call_gets_one_of_its_own() -> None:
    one = Set(profile="hands-free")
    first = one.bridge._voice
    one.bridge.change_rate(16000)
    assert one.bridge._voice is not first
    assert len(one.bridge.next_frame(0.0, bytes(640))) == 640


def test_between_calls_nothing_is_treated(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Set(echo="half-duplex")
    one.bridge.obey(DetachStream(CallId("a")), 1.0)
    treated: list[bytes] = []
    remember: Callable[[object, bytes], bytes] = lambda _self, frame: treated.append(frame) or frame  # type: ignore[func-returns-value]  # noqa: E731
    monkeypatch.setattr(HalfDuplex, "to_ear", remember)
    one.bridge.next_frame(1.0, bytes(320))
    assert treated == []
