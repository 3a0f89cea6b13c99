"""A sound card through ALSA. The only place that reads and writes it; opening is in `alsa_pcm`.

Capture has the clock, but is not polled: behind ALSA's rate conversion a wake-up by descriptor may come a whole
period late. Instead the thread sleeps until the next frame should be there, a little less each time, and when it was
too early it waits a millisecond and takes that moment as the new beat. That is one wake-up a frame, never later than
a millisecond, on every kind of card and plug-in.

Playback is never waited for: a frame is written as soon as it is mixed, on top of a small margin of sound that covers
late wake-ups, and the margin grows when it proves too small.
"""

import time

from device.annotations import Any
from device.audio.alsa_pcm import explain, load_alsaaudio, open_pcm
from device.audio.conversion import CaptureConversion, CardFormat, PlaybackConversion
from device.audio.errors import DeviceUnavailable
from device.audio.interfaces import SAMPLE_BYTES

STALL_S = 1.0
"""A card that gives no sample for so long has lost its clock."""
MAX_XRUNS_IN_A_ROW = 20
"""A card that overruns so often without one good read in between is unusable."""
CAPTURE_PERIODS = 5
"""Length of the capture buffer in frames: how late the audio thread may be before sound is lost."""
RETRY_S = 0.001
"""Pause before the card is asked again for a frame that was not complete."""
CREEP_S = 0.00002
"""How much earlier each frame is asked for than the last: 1000 ppm, more than clocks differ, and one retry a second."""
PLAYBACK_PERIOD_MS = 10
"""Shorter than a frame, because ALSA's rate conversion passes on whole periods only. Nobody waits for these."""
PLAYBACK_BUFFER_MS = 160
PLAYBACK_MARGIN_MS = 10
PLAYBACK_MARGIN_STEP_MS = 10
PLAYBACK_MARGIN_MAX_MS = 80
MARGIN_MEMORY_S = 30.0
"""Two underruns within this time are no accident: the margin grows."""
BURST_SHARE = 0.25
"""Frames closer together than this share of their length had piled up while the thread was held up."""
FILL_CHECK_PERIODS = 50
"""How often the fill of the playback buffer is looked at."""

_EPIPE = -32
_STREAMS_PIPE_ERROR = "Streams pipe error"


class AlsaCapture:
    """The microphone: an AudioSource."""

    __slots__ = (
        "_card_rate_hz",
        "_conversion",
        "_due_at",
        "_fifo",
        "_frame_s",
        "_name",
        "_need",
        "_pcm",
        "_period_ms",
        "_waited_s",
        "_xruns_in_a_row",
        "xruns",
    )

    def __init__(self, name: str, card_rate_hz: int = 0, period_ms: int = 0) -> None:
        """`card_rate_hz` 0 asks the card for the rate of the calls; `period_ms` 0 makes a period of each frame."""
        self._name = name
        self._card_rate_hz = card_rate_hz
        self._period_ms = period_ms
        self._pcm: Any = None
        self._conversion: CaptureConversion | None = None
        self._fifo = bytearray()
        self._need = 0
        self._frame_s = 0.02
        self._due_at = 0.0
        self._waited_s = 0.0
        self._xruns_in_a_row = 0
        self.xruns = 0

    def open(self, rate_hz: int, period_samples: int) -> None:
        self.close()
        frame_ms = 1000 * period_samples / rate_hz
        period_ms = self._period_ms or frame_ms
        buffer_ms = CAPTURE_PERIODS * max(frame_ms, period_ms)
        opened = open_pcm("capture", self._name, self._card_rate_hz or rate_hz, period_ms, buffer_ms)
        self._pcm = opened.pcm
        self._conversion = CaptureConversion(opened.card, rate_hz)
        self._need = SAMPLE_BYTES * period_samples
        self._frame_s = frame_ms / 1000
        self._xruns_in_a_row = 0
        self._start()

    def read(self) -> bytes:
        if self._pcm is None or self._conversion is None:
            raise DeviceUnavailable(f"sound card {self._name} is not open")
        early_s = self._due_at - time.monotonic()
        if early_s > 0:
            time.sleep(early_s)
        fifo, need, conversion = self._fifo, self._need, self._conversion
        while len(fifo) < need:
            data = self._read_card()
            if not data:
                self._wait()
            elif conversion.needless:
                if len(data) == need and not fifo:
                    self._due_at += self._frame_s - CREEP_S
                    return data
                fifo += data
            else:
                fifo += conversion.convert(data)
        self._due_at += self._frame_s - CREEP_S
        period = bytes(fifo[:need])
        del fifo[:need]
        return period

    def close(self) -> None:
        if self._pcm is not None:
            self._pcm.close()
        self._pcm = None
        self._fifo.clear()

    def _start(self) -> None:
        """The first read of a prepared stream finds nothing, but starts the card."""
        try:
            self._pcm.read()
        except load_alsaaudio().ALSAAudioError as error:
            raise self._lost(str(error)) from error
        self._fifo.clear()
        self._waited_s = 0.0
        self._due_at = time.monotonic() + self._frame_s

    def _read_card(self) -> bytes:
        """What the card has captured meanwhile, if anything; an overrun is put right."""
        try:
            frames, data = self._pcm.read()
        except load_alsaaudio().ALSAAudioError as error:
            if not str(error).startswith(_STREAMS_PIPE_ERROR):
                raise self._lost(str(error)) from error
            # The machine was suspended: prepare anew as after an overrun.
            self._pcm.drop()
            frames, data = _EPIPE, b""
        if frames > 0:
            self._waited_s = 0.0
            self._xruns_in_a_row = 0
        elif frames < 0:
            self.xruns += 1
            self._xruns_in_a_row += 1
            if self._xruns_in_a_row > MAX_XRUNS_IN_A_ROW:
                raise DeviceUnavailable(f"sound card {self._name} captures nothing but overruns: plug it in anew")
            self._start()
        return data  # type: ignore[no-any-return]

    def _wait(self) -> None:
        """We asked too early: ask again soon, and take that moment as the beat."""
        now = time.monotonic()
        pause_s = max(RETRY_S, self._due_at - now)
        self._waited_s += pause_s
        if self._waited_s > STALL_S:
            raise DeviceUnavailable(f"sound card {self._name} stands still: unplug it and plug it in again")
        self._due_at = now + pause_s
        time.sleep(pause_s)

    def _lost(self, text: str) -> DeviceUnavailable:
        return DeviceUnavailable(explain(load_alsaaudio(), text, "capture", self._name))


class AlsaPlayback:
    """The ear piece or loudspeaker: an AudioSink."""

    __slots__ = (
        "_begun",
        "_buffer_frames",
        "_bursting",
        "_card",
        "_card_rate_hz",
        "_conversion",
        "_frame_bytes",
        "_frame_s",
        "_fullest",
        "_margin_ms",
        "_name",
        "_pcm",
        "_underrun_at",
        "_until_check",
        "_written_at",
        "skipped",
        "xruns",
    )

    def __init__(self, name: str, card_rate_hz: int = 0, margin_ms: int = 0) -> None:
        """`card_rate_hz` 0 asks the card for the rate of the calls; `margin_ms` 0 starts with the usual margin."""
        self._name = name
        self._card_rate_hz = card_rate_hz
        self._margin_ms: float = margin_ms or PLAYBACK_MARGIN_MS
        self._pcm: Any = None
        self._card = CardFormat(8000, 1)
        self._buffer_frames = self._frame_bytes = 0
        self._fullest = 0
        self._frame_s = 0.02
        self._conversion: PlaybackConversion | None = None
        self._until_check = FILL_CHECK_PERIODS
        self._begun = self._bursting = False
        self._written_at = self._underrun_at = 0.0
        self.xruns = 0
        self.skipped = 0
        """Frames that were not played because the card had too much queued already."""

    @property
    def margin_ms(self) -> float:
        """How much sound is kept queued against late wake-ups."""
        return self._margin_ms

    def open(self, rate_hz: int, period_samples: int) -> None:
        self.close()
        opened = open_pcm("playback", self._name, self._card_rate_hz or rate_hz, PLAYBACK_PERIOD_MS, PLAYBACK_BUFFER_MS)
        self._pcm, self._card, self._buffer_frames = opened.pcm, opened.card, opened.buffer_frames
        self._frame_bytes = opened.card.frame_bytes
        self._conversion = PlaybackConversion(opened.card, rate_hz)
        self._frame_s = period_samples / rate_hz
        period_ms = 1000 * opened.period_frames / opened.card.rate_hz
        # A card moves its position by periods at worst: less than one of them queued would be an underrun.
        self._margin_ms = max(self._margin_ms, period_ms)
        self._fullest = self._frames_in(750 * self._frame_s + period_ms)
        self._begun = self._bursting = False
        self._until_check = FILL_CHECK_PERIODS

    def write(self, pcm: bytes) -> None:
        if self._pcm is None or self._conversion is None:
            raise DeviceUnavailable(f"sound card {self._name} is not open")
        self._until_check -= 1
        if (self._bursting and self._comes_too_soon()) or (self._until_check < 0 and self._has_too_much()):
            self.skipped += 1
            return
        data = pcm if self._conversion.needless else self._conversion.convert(pcm)
        if not self._begun:
            self._begin(data)
            return
        written = self._write_card(data)
        if 0 <= written * self._frame_bytes < len(data):
            # A short write; what does not fit at the second attempt either is dropped, as it would only be delay.
            written = self._write_card(data[written * self._frame_bytes :])
        if written == _EPIPE:
            self._recover(data)

    def close(self) -> None:
        if self._pcm is None:
            return
        try:
            self._pcm.drop()  # close() would wait until all is played
        except load_alsaaudio().ALSAAudioError:
            pass  # an unplugged card
        self._pcm.close()
        self._pcm = None

    def _frames_in(self, duration_ms: float) -> int:
        return int(self._card.rate_hz * duration_ms / 1000)

    def _begin(self, data: bytes) -> None:
        """Start the card with the margin and `data` in one write: the first sample written starts the clock."""
        self._begun = self._bursting = True
        self._written_at = time.monotonic()
        margin = bytes(self._frame_bytes * self._frames_in(self._margin_ms))
        if self._write_card(margin + data) < 0:
            raise DeviceUnavailable(f"sound card {self._name} does not start to play: unplug it and plug it in again")

    def _write_card(self, data: bytes) -> int:
        """How many frames the card took, or _EPIPE after an underrun or a suspend, with the card ready to begin."""
        try:
            return int(self._pcm.write(data))
        except load_alsaaudio().ALSAAudioError as error:
            text = str(error)
            if text.startswith(_STREAMS_PIPE_ERROR):
                self._pcm.drop()
                return _EPIPE
            raise DeviceUnavailable(explain(load_alsaaudio(), text, "playback", self._name)) from error

    def _recover(self, data: bytes) -> None:
        """Begin anew after an underrun; a second one soon after shows that the margin is too small."""
        self.xruns += 1
        now = time.monotonic()
        if now - self._underrun_at < MARGIN_MEMORY_S:
            self._margin_ms = max(
                self._margin_ms, min(self._margin_ms + PLAYBACK_MARGIN_STEP_MS, PLAYBACK_MARGIN_MAX_MS)
            )
        self._underrun_at = now
        self._begin(data)

    def _comes_too_soon(self) -> bool:
        """At the start and after a delay frames that had piled up come in a burst: their time is over."""
        now = time.monotonic()
        self._bursting = now - self._written_at < BURST_SHARE * self._frame_s
        self._written_at = now
        return self._bursting

    def _has_too_much(self) -> bool:
        """Whether the microphone's clock runs ahead of this card's, so that delay has piled up; asked every second."""
        self._until_check = FILL_CHECK_PERIODS
        return self._buffer_frames - int(self._pcm.avail()) > self._frames_in(self._margin_ms) + self._fullest
