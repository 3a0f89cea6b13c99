"""What a client hears of how one call sounded: the call of now, or one of the call log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from device.annotations import TYPE_CHECKING
from device.control.errors import INVALID_PARAMS, REFUSED, ControlError
from device.daemon.account_fields import Params
from device.model import CallId
from device.records import asdict
from device.store.call_log import CallLog

if TYPE_CHECKING:
    from device.daemon.quality_log import QualityLog
    from device.media.call_quality import CallQuality
    from device.media.time_line import TimeLine


def call_report(
    params: Params, calls: Sequence[Mapping[str, object]], call_log: CallLog, quality: QualityLog | None
) -> dict[str, object]:
    """The call of that "number": 1 for the last finished one, 0 for the one of now. Raises ControlError.

    Without a number it is the call of now or, where there is none, the last. `quality` is that of a running phone.
    """
    number = params.get("number")
    if number is None:
        number = 0 if calls else 1
    if not isinstance(number, int) or number < 0:
        raise ControlError(INVALID_PARAMS, '"number" counts back from the last call: 1 is the last, 0 the one of now')
    if not number:
        return _report_of_now(calls, quality)
    record = call_log.nth_last(number)
    if record is None:
        raise ControlError(REFUSED, f"there are not {number} calls in the call log: `offhook calls` lists them")
    line = quality.line_of(record.id) if quality is not None else None
    return _report(number, asdict(record), call_log.quality(record.id), line)


def _report_of_now(calls: Sequence[Mapping[str, object]], quality: QualityLog | None) -> dict[str, object]:
    if not calls or quality is None:
        raise ControlError(REFUSED, "there is no call now: 1 is the last finished one")
    call = dict(calls[0])
    return _report(0, call, *quality.now(CallId(str(call["call"]))))


def _report(
    number: int, call: dict[str, object], quality: CallQuality | None, line: TimeLine | None
) -> dict[str, object]:
    told = None
    if quality is not None:
        told = {**asdict(quality), "loss_percent": round(quality.loss_percent, 2)}
    drawn = {"step_s": line.step_s, **line.curves()} if line is not None and len(line) else None
    return {"number": number, "call": call, "quality": told, "time_line": drawn}
