"""What subscriptions, transfers, texts and digits by INFO mean to this phone; loaded with the first of them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from device import plain_logging as logging
from device.annotations import TYPE_CHECKING, Final
from device.daemon.accounts import AccountTable
from device.daemon.digit_once import DigitOnce
from device.daemon.phone_line import PhoneLine
from device.daemon.waiting_messages import PACKAGE, WaitingMessages
from device.errors import DeviceError
from device.model import AccountId, CallId
from device.phone.events import CallerChanged, DigitHeard, MessagesUpdated, PhoneEvent, TransferEnded, TransferOffered
from device.phone.settings import parse_pairs
from device.records import asdict
from device.sip.feature_events import (
    DigitReceived,
    FeatureEvent,
    InfoFinished,
    MessageFinished,
    MessageReceived,
    NotifyReceived,
    OptionsFinished,
    RemoteIdentityChanged,
    SubscriptionChanged,
    TransferFinished,
    TransferProgressed,
    TransferRequested,
)
from device.sip.user_agent import UserAgent

if TYPE_CHECKING:
    from device.daemon.busy_lamps import BusyLamps

logger = logging.getLogger(__name__)

TEXTS_KEPT: Final = 50
"""The latest texts are kept until the daemon ends, for whoever asks for them."""

TEXTS_LOGGED: Final = 20
LOG_WINDOW_S: Final = 60.0
"""So many texts are told in the log in so many seconds."""

Publish = Callable[[str, dict[str, object]], None]


class Features:
    """Turns what the user agent tells into events for the phone and for clients of the control socket."""

    def __init__(
        self,
        user_agent: UserAgent,
        accounts: AccountTable,
        line: PhoneLine,
        post: Callable[[PhoneEvent], None],
        publish: Publish,
    ) -> None:
        self._user_agent = user_agent
        self._accounts = accounts
        self._line = line
        self._post = post
        self._publish = publish
        self._digits = DigitOnce()
        self.waiting = WaitingMessages(user_agent, accounts, lambda waiting: post(MessagesUpdated(waiting)))
        self.busy_lamps: BusyLamps | None = None
        """Lamps that show other extensions; None where the settings name none."""
        self._logged: deque[float] = deque()
        self.texts: deque[dict[str, object]] = deque(maxlen=TEXTS_KEPT)

    def follow_account(self, account_id: AccountId, now: float) -> None:
        """An account is registered, changed or gone: subscriptions follow."""
        self.waiting.follow(account_id, now)
        if self.busy_lamps is not None:
            self.busy_lamps.follow(account_id, now)

    def watch_extensions(self, lamps: str, show: Callable[[str, str, float], None], now: float) -> None:
        """Let lamps show whether other extensions are busy, "lamp=target" by commas."""
        if self.busy_lamps is None:
            from device.daemon.busy_lamps import BusyLamps  # noqa: PLC0415  # few phones have such lamps

            self.busy_lamps = BusyLamps(self._user_agent, self._accounts, show)
        self.busy_lamps.configure(parse_pairs(lamps), now)

    def hear_digit(self, call_id: CallId, digit: str, way: str, now: float, held_s: float = 0.0) -> None:
        """A digit of the far end, by "rtp", "info" or "inband"; `held_s` where its key was released before now."""
        if self._digits.is_new(call_id, digit, way, now, held_s):
            self._post(DigitHeard(call_id, digit))

    def send_text(self, target: str, text: str, account_id: AccountId | None, now: float) -> str:
        """Send a text; answers its name. Raises DeviceError when it cannot even be tried."""
        account = self._accounts.get(account_id) if account_id else self._accounts.choose()
        message_id = self._user_agent.send_message(target, text, account.id if account else None, now)
        logger.info("message %s to %s: %d characters", message_id, target, len(text))
        return message_id

    def send_options(self, target: str, account_id: AccountId | None, now: float) -> str:
        """Ask whether somebody is there; answers its name. Raises DeviceError when it cannot even be tried."""
        account = self._accounts.get(account_id) if account_id else self._accounts.choose()
        return self._user_agent.send_options(target, account.id if account else None, now)

    def receive(self, event: FeatureEvent, now: float) -> None:
        """Take one event."""
        match event:
            case TransferRequested():
                self._offer_transfer(event)
            case TransferProgressed():
                self._publish_call(event.call_id, "transferring", event.status, event.text)
            case TransferFinished():
                self._end_transfer(event)
            case DigitReceived():
                self.hear_digit(event.call_id, event.digit, "info", now, event.duration_s)
            case InfoFinished():
                self._line.info_answered(event.call_id, event.status, now)
            case RemoteIdentityChanged():
                self._change_caller(event)
            case MessageReceived():
                self._take_text(event, now)
            case MessageFinished():
                self._finish_text(event)
            case NotifyReceived():
                self._take_notification(event, now)
            case _:
                self._receive_answer(event, now)

    def _receive_answer(self, event: FeatureEvent, now: float) -> None:
        """What came of subscriptions and queries."""
        if isinstance(event, SubscriptionChanged):
            if self.busy_lamps is not None:
                self.busy_lamps.follow_subscription(event, now)
            self._follow_subscription(event)
        elif isinstance(event, OptionsFinished):
            self._publish("options", {**asdict(event), "abilities": dict(event.abilities)})

    # Transfers and callers.

    def _offer_transfer(self, event: TransferRequested) -> None:
        logger.info("%s: %s asks that %s be called", event.call_id or "-", event.referred_by, event.target)
        self._line.offer_transfer(event)
        self._post(TransferOffered(event.transfer_id, event.call_id, event.target))

    def _end_transfer(self, event: TransferFinished) -> None:
        outcome = "transferred" if event.succeeded else "not transferred"
        logger.info("%s: %s: %s", event.call_id, outcome, event.text)
        self._publish_call(
            event.call_id, "transferred" if event.succeeded else "transfer-failed", event.status, event.text
        )
        self._post(TransferEnded(event.call_id, event.succeeded, event.text))

    def refuse(self, call_id: CallId, error: DeviceError) -> None:
        """A transfer of ours that could not begin."""
        self._end_transfer(TransferFinished(call_id, 0, str(error), succeeded=False))

    def _change_caller(self, event: RemoteIdentityChanged) -> None:
        logger.info("%s: now with %s <%s>", event.call_id, event.remote_name or "somebody", event.remote)
        self._publish_call(event.call_id, "identity", 0, event.remote_name, event.remote)
        self._post(CallerChanged(event.call_id, event.remote, event.remote_name))

    def _publish_call(self, call_id: CallId, name: str, status: int, text: str, remote: str = "") -> None:
        direction = "out" if call_id.startswith("out") else "in"
        self._publish(
            "call",
            {"event": name, "call": call_id, "direction": direction, "remote": remote, "status": status, "text": text},
        )

    # Texts.

    def _may_log(self, now: float) -> bool:
        """Whether one more text may have its line: a flood of them must not push all else out of the log."""
        while self._logged and self._logged[0] <= now - LOG_WINDOW_S:
            self._logged.popleft()
        if len(self._logged) > TEXTS_LOGGED:
            return False
        self._logged.append(now)
        if len(self._logged) > TEXTS_LOGGED:
            logger.warning("too many messages in a minute: further ones are left out of the log for a while")
            return False
        return True

    def _take_text(self, event: MessageReceived, now: float) -> None:
        # Who wrote and how much is the installer's business; what they wrote is not.
        if self._may_log(now):
            logger.info("message from %s: %d characters", event.sender, len(event.text))
        text: dict[str, object] = {
            "from": event.sender,
            "name": event.sender_name,
            "account": event.account_id or "",
            "call": event.call_id or "",
            "text": event.text,
            "at": time.time(),
        }
        self.texts.append(text)
        self._publish("message", {"event": "received", **text})

    def _finish_text(self, event: MessageFinished) -> None:
        outcome = "sent" if event.is_delivered else "failed"
        logger.info("message %s %s: %s", event.message_id, outcome, event.text)
        self._publish(
            "message", {"event": outcome, "message": event.message_id, "status": event.status, "text": event.text}
        )

    # Subscriptions.

    def _take_notification(self, event: NotifyReceived, now: float) -> None:
        if self.busy_lamps is not None:
            self.busy_lamps.receive(event, now)
        news: dict[str, object] = {
            "event": "notification",
            "name": event.name,
            "account": event.account_id or "",
            "package": event.package,
        }
        if event.package == PACKAGE:
            summary = self.waiting.receive(event)
            if summary is not None:
                news |= {"waiting": summary.waiting, "new": summary.new, "old": summary.old}
        if event.package == "check-sync":
            logger.info("the server of account %s asks for new settings (check-sync)", event.account_id)
        self._publish("notify", {**news, "body": event.body.decode("utf-8", "replace")})

    def _follow_subscription(self, event: SubscriptionChanged) -> None:
        level = logging.INFO if event.state in ("active", "pending") or not event.status else logging.WARNING
        logger.log(level, "subscription %s: %s: %s", event.name, event.state, event.text)
        self._publish(
            "notify",
            {
                "event": "subscription",
                "name": event.name,
                "account": event.account_id or "",
                "package": event.package,
                "state": event.state,
                "status": event.status,
                "text": event.text,
                "next_attempt_s": event.next_attempt_s,
            },
        )
