"""Echo cancellation, noise suppression and automatic gain by libspeexdsp; its numbers are those of its header files."""

from device.annotations import Any, Final
from device.media import pcm
from device.media.codecs import native
from device.media.hands_free import EchoHistory
from device.media.stream_parameters import FRAME_MS

LIBRARY: Final = "speexdsp"
TAIL_MS: Final = 160
"""How long a room answers, and how much the delay may be misjudged."""
AGC_TARGET: Final = 8000
"""Level that a voice is brought to, as amplitude: 12 dB below full scale."""
AGC_MOST_DB: Final = 12
NOISE_SUPPRESS_DB: Final = -15
ECHO_SUPPRESS_DB: Final = -45
ECHO_SUPPRESS_ACTIVE_DB: Final = -20
"""What is left of the echo is weakened by so much: while nobody here speaks, and while somebody does."""

_ECHO_SET_RATE: Final = 24
_SET_DENOISE, _SET_AGC, _SET_NOISE_SUPPRESS = 0, 2, 18
_SET_ECHO_SUPPRESS, _SET_ECHO_SUPPRESS_ACTIVE, _SET_ECHO_STATE = 20, 22, 24
_SET_AGC_MOST_DB, _SET_AGC_TARGET = 30, 46


class SpeexVoice:
    """An EchoControl: what is played is taken out of what is captured, and what is left is made even.

    Raises CodecUnavailableError where the library is missing.
    """

    def __init__(self, rate_hz: int, cancels_echo: bool, suppresses_noise: bool, evens_gain: bool) -> None:
        samples = pcm.samples_in(FRAME_MS, rate_hz)
        self._history = EchoHistory(rate_hz) if cancels_echo else None
        self._delay_ms: float | None = None
        self._cleaned = native.buffer(pcm.SAMPLE_BYTES * samples)
        self._echo: Any = None
        owned = []
        if cancels_echo:
            make_echo = native.function(LIBRARY, "speex_echo_state_init", "pointer", "int", "int")
            self._echo = make_echo(samples, pcm.samples_in(TAIL_MS, rate_hz))
            owned.append((self._echo, "speex_echo_state_destroy"))
            self._cancel = native.function(
                LIBRARY, "speex_echo_cancellation", "none", "pointer", "octets", "octets", "pointer"
            )
            self._begin_anew = native.function(LIBRARY, "speex_echo_state_reset", "none", "pointer")
            self._set("speex_echo_ctl", self._echo, _ECHO_SET_RATE, rate_hz)
        make_voice = native.function(LIBRARY, "speex_preprocess_state_init", "pointer", "int", "int")
        self._voice = make_voice(samples, rate_hz)
        owned.append((self._voice, "speex_preprocess_state_destroy"))
        self._even = native.function(LIBRARY, "speex_preprocess_run", "int", "pointer", "pointer")
        self._tune(suppresses_noise, evens_gain)
        self._owned = native.Owned(LIBRARY, *owned)

    def _tune(self, suppresses_noise: bool, evens_gain: bool) -> None:
        for option, value in (
            (_SET_DENOISE, int(suppresses_noise)),
            (_SET_NOISE_SUPPRESS, NOISE_SUPPRESS_DB),
            (_SET_AGC, int(evens_gain)),
            (_SET_AGC_TARGET, AGC_TARGET),
            (_SET_AGC_MOST_DB, AGC_MOST_DB),
            (_SET_ECHO_SUPPRESS, ECHO_SUPPRESS_DB),
            (_SET_ECHO_SUPPRESS_ACTIVE, ECHO_SUPPRESS_ACTIVE_DB),
        ):
            self._set("speex_preprocess_ctl", self._voice, option, value)
        if self._echo is not None:
            control = native.function(LIBRARY, "speex_preprocess_ctl", "int", "pointer", "int", "pointer")
            control(self._voice, _SET_ECHO_STATE, self._echo)

    @staticmethod
    def _set(symbol: str, state: object, option: int, value: int) -> None:
        cell = native.buffer(4)
        cell[:4] = value.to_bytes(4, "little", signed=True)
        native.function(LIBRARY, symbol, "int", "pointer", "int", "pointer")(state, option, cell)

    def to_ear(self, frame: bytes) -> bytes:
        if self._history is not None:
            self._history.note_played(frame)
        return frame

    def from_mouth(self, captured: bytes) -> bytes:
        if self._history is None:
            self._cleaned[:] = captured
        else:
            played = self._history.reference(captured)
            if self._history.delay_ms != self._delay_ms:
                self._delay_ms = self._history.delay_ms
                self._begin_anew(self._echo)
            self._cancel(self._echo, captured, played, self._cleaned)
        self._even(self._voice, self._cleaned)
        return bytes(self._cleaned)
