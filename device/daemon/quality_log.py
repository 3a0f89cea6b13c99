"""How the calls of now and the last ones sound: sampled once a second, written to the call log when a call has ended.

The figures of a call and its row in the call log come at about the same time, either first.
"""

from __future__ import annotations

from collections.abc import Callable

from device import plain_logging as logging
from device.annotations import TYPE_CHECKING, Any
from device.audio.reports import AudioCounters
from device.media.stream_parameters import StreamReport
from device.media.time_line import TimeLine
from device.model import CallId
from device.store.call_log import CallLog
from device.store.errors import StoreError

if TYPE_CHECKING:
    from device.media.call_quality import CallQuality

logger = logging.getLogger(__name__)

LINES_KEPT = 8
"""Time lines of so many finished calls stay in memory, at most 12 kB each."""


class _Sampled:
    """What is known of one call so far: its last counters, means and maxima in sums, and its time line."""

    __slots__ = ("buffer", "jitter", "line", "report", "trip", "xruns_before")

    def __init__(self, counters: AudioCounters) -> None:
        self.line = TimeLine()
        self.report: StreamReport | None = None
        self.xruns_before = counters.capture_xruns, counters.playback_xruns
        self.jitter = self.buffer = self.trip = (0, 0.0, 0.0)
        """Count, sum and maximum."""

    def note(self, report: StreamReport) -> None:
        self.report = report
        self.line.note(report)
        if report.packets_received:
            self.jitter = _more(self.jitter, report.jitter_ms)
            self.buffer = _more(self.buffer, report.buffer_ms)
        if report.round_trip_ms is not None:
            self.trip = _more(self.trip, report.round_trip_ms)


def _more(sums: tuple[int, float, float], value: float) -> tuple[int, float, float]:
    count, total, most = sums
    return count + 1, total + value, max(most, value)


class QualityLog:
    """Fed by the runtime with what the audio thread tells; `counters` are those of the audio thread."""

    def __init__(self, call_log: CallLog, counters: Callable[[], AudioCounters]) -> None:
        self._call_log = call_log
        self._counters = counters
        self._calls: dict[CallId, _Sampled] = {}
        self._ended: dict[CallId, tuple[CallQuality, TimeLine]] = {}
        """Calls whose row in the call log is not known yet."""
        self._rows: dict[CallId, int] = {}
        """Rows of calls whose sound has not ended yet."""
        self._lines: dict[int, TimeLine] = {}
        """Time lines by row."""

    def progressed(self, call_id: CallId, report: StreamReport) -> None:
        """A second more of a call."""
        sampled = self._calls.get(call_id)
        if sampled is None:
            sampled = self._calls[call_id] = _Sampled(self._counters())
        sampled.note(report)

    def ended(self, call_id: CallId, report: StreamReport | None) -> CallQuality | None:
        """The sound of a call is over; answers its quality, None where nobody can tell."""
        sampled = self._calls.pop(call_id, None) or _Sampled(self._counters())
        sampled.report = report or sampled.report
        row = self._rows.pop(call_id, None)
        quality = self._summary(sampled)
        if quality is None:
            return None
        if row is None:
            self._ended[call_id] = quality, sampled.line
            _forget_oldest(self._ended)
        else:
            self._keep(row, quality, sampled.line)
        return quality

    def logged(self, call_id: CallId, row: int) -> None:
        """A finished call has this row in the call log."""
        ended = self._ended.pop(call_id, None)
        if ended is not None:
            self._keep(row, *ended)
        else:
            self._rows[call_id] = row
            _forget_oldest(self._rows)

    def _keep(self, row: int, quality: CallQuality, line: TimeLine) -> None:
        self._lines[row] = line
        _forget_oldest(self._lines)
        try:
            self._call_log.keep_quality(row, quality)
        except StoreError as error:
            logger.error("how a call sounded could not be put in the call log: %s", error)

    def _summary(self, sampled: _Sampled) -> CallQuality | None:
        report = sampled.report
        if report is None:
            return None
        from device.media.call_quality import Sampled, summarize  # noqa: PLC0415  # when a call ends, or somebody asks

        counters, (capture, playback) = self._counters(), sampled.xruns_before
        return summarize(
            report,
            Sampled(*sampled.jitter),
            Sampled(*sampled.buffer),
            Sampled(*sampled.trip),
            (counters.capture_xruns - capture, counters.playback_xruns - playback),
        )

    def now(self, call_id: CallId) -> tuple[CallQuality | None, TimeLine | None]:
        """Quality and time line of a call that stands; None before its first second is over."""
        sampled = self._calls.get(call_id)
        return (self._summary(sampled), sampled.line) if sampled is not None else (None, None)

    def line_of(self, row: int) -> TimeLine | None:
        """The time line of a finished call, while it is remembered."""
        return self._lines.get(row)


def _forget_oldest(kept: dict[Any, Any]) -> None:
    if len(kept) > LINES_KEPT:
        del kept[next(iter(kept))]
