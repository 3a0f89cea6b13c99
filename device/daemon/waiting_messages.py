"""Voice messages that wait at the accounts' servers (RFC 3842): who asks for them, and how many there are."""

import re
from collections.abc import Callable

from device import plain_logging as logging
from device.annotations import Final
from device.daemon.accounts import AccountTable
from device.errors import DeviceError
from device.model import Account, AccountId
from device.records import dataclass
from device.sip.feature_events import NotifyReceived
from device.sip.user_agent import UserAgent

logger = logging.getLogger(__name__)

PACKAGE: Final = "message-summary"
BODY: Final = "application/simple-message-summary"
EXPIRES_S: Final = 3600
_LINE = re.compile(r"^([A-Za-z-]+)[ \t]*:([^\r\n]*)", re.MULTILINE)
_COUNTS = re.compile(r"(\d{1,9})\s*/\s*(\d{1,9})")


@dataclass(frozen=True, slots=True)
class Summary:
    """What one account's server says: whether there is anything new, and the voice messages, new and old."""

    waiting: bool
    new: int = 0
    old: int = 0


def read_summary(body: bytes) -> Summary | None:
    """Read a simple message summary (section 5.2); None when it says nothing about waiting messages."""
    fields = {name.lower(): value.strip() for name, value in _LINE.findall(body[:4096].decode("utf-8", "replace"))}
    said = fields.get("messages-waiting", "").lower()
    counts = _COUNTS.match(fields.get("voice-message", ""))
    new, old = (int(counts[1]), int(counts[2])) if counts is not None else (0, 0)
    return Summary(said == "yes", new, old) if said in ("yes", "no") else None


class WaitingMessages:
    """Subscribes for the accounts that want it, and keeps what each server said last."""

    __slots__ = ("_accounts", "_changed", "_summaries", "_user_agent", "_watched")

    def __init__(self, user_agent: UserAgent, accounts: AccountTable, changed: Callable[[bool], None]) -> None:
        self._user_agent = user_agent
        self._accounts = accounts
        self._changed = changed
        self._summaries: dict[AccountId, Summary] = {}
        self._watched: set[AccountId] = set()

    def follow(self, account_id: AccountId, now: float) -> None:
        """An account is registered, changed or gone: ask for its messages if it wants that, and no longer if not."""
        account = self._accounts.get(account_id)
        if account is None or not account.mwi:
            self.leave(account_id, now)
        elif not self._accounts.is_registered(account_id):
            return
        elif account_id in self._watched:
            # Registered once more: from another address, or at a server that has forgotten everything.
            self._user_agent.renew_subscription(f"mwi-{account_id}", now)
        else:
            self._watched.add(account_id)
            self._subscribe(account, now)

    def _subscribe(self, account: Account, now: float) -> None:
        try:
            self._user_agent.subscribe(f"mwi-{account.id}", str(account.aor), PACKAGE, BODY, account.id, now, EXPIRES_S)
        except DeviceError as error:
            logger.warning("account %s: cannot ask for waiting messages: %s", account.id, error)

    def leave(self, account_id: AccountId, now: float) -> None:
        """Ask no longer."""
        if account_id in self._watched:
            self._watched.discard(account_id)
            self._user_agent.unsubscribe(f"mwi-{account_id}", now)
        if self._summaries.pop(account_id, None) is not None:
            self._tell()

    def receive(self, event: NotifyReceived) -> Summary | None:
        """Take what a server says; None when it says nothing that can be understood."""
        summary = read_summary(event.body)
        if summary is None or event.account_id is None:
            return None
        before = self._summaries.get(event.account_id)
        self._summaries[event.account_id] = summary
        if summary != before:
            logger.info("account %s: %d new voice messages, %d old", event.account_id, summary.new, summary.old)
        self._tell()
        return summary

    def _tell(self) -> None:
        self._changed(any(summary.waiting for summary in self._summaries.values()))

    def status(self) -> dict[str, dict[str, object]]:
        """What each account's server said last."""
        return {
            account_id: {"waiting": summary.waiting, "new": summary.new, "old": summary.old}
            for account_id, summary in self._summaries.items()
        }
