"""Tells a collector how each call sounded (RFC 6035); loaded where `sip.quality_collector` names one."""

from __future__ import annotations

import time
from collections.abc import Callable

from device import plain_logging as logging
from device.annotations import Final
from device.daemon.phone_line import PhoneLine
from device.errors import DeviceError
from device.media.call_quality import CallQuality
from device.media.session_report import CONTENT_TYPE, PACKAGE, Session, session_report
from device.media.stream_parameters import StreamReport
from device.model import AccountId, CallId
from device.records import replace
from device.sip.user_agent import UserAgent

logger = logging.getLogger(__name__)

CALLS_KEPT: Final = 16
"""Of so many established calls it is known what SIP calls them; as many as `sip.max_calls` allows by default."""


class QualityReports:
    """Remembers the dialog of a call that is established, and reports it when its sound has ended."""

    def __init__(
        self,
        collector: str,
        buffer_max_ms: int,
        user_agent: UserAgent,
        line: PhoneLine,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._collector = collector
        self._buffer_max_ms = buffer_max_ms
        self._user_agent = user_agent
        self._line = line
        self._wall_clock = wall_clock
        self._sessions: dict[CallId, Session] = {}

    def established(self, call_id: CallId) -> None:
        """A call stands: its dialog is there to be looked at, which it is no more when all has ended."""
        dialog = self._user_agent.dialog_of(call_id)
        media = self._line.media_address(call_id)
        if dialog is None or media is None:
            return
        self._sessions[call_id] = Session(
            call_id=dialog.call_id,
            local=str(dialog.local.uri),
            remote=str(dialog.remote.uri),
            local_tag=dialog.local.tag or "",
            remote_tag=dialog.remote.tag or "",
            is_caller=call_id.startswith("out"),
            local_media=media,
            group=self._line.account_of(call_id) or "offhook",
            start=self._now(),
            stop="",
        )
        if len(self._sessions) > CALLS_KEPT:
            del self._sessions[next(iter(self._sessions))]

    def ended(self, call_id: CallId, report: StreamReport, quality: CallQuality, now: float) -> None:
        """The sound of a call is over; one that was never established is nothing to report."""
        session = self._sessions.pop(call_id, None)
        if session is None:
            return
        body = session_report(replace(session, stop=self._now()), report, quality, self._buffer_max_ms)
        account_id = self._line.account_of(call_id)
        try:
            content = (CONTENT_TYPE, body)
            self._user_agent.publish(
                self._collector, AccountId(account_id) if account_id else None, PACKAGE, content, now
            )
        except DeviceError as error:
            logger.warning("%s: its quality could not be told to %s: %s", call_id, self._collector, error)

    def _now(self) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._wall_clock()))
