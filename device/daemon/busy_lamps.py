"""Lamps that show whether other extensions are busy: subscriptions to their dialogs (RFC 4235), told by the server."""

import re
from collections.abc import Callable

from device import plain_logging as logging
from device.annotations import Final
from device.daemon.accounts import AccountTable
from device.errors import DeviceError
from device.model import AccountId
from device.sip.feature_events import NotifyReceived, SubscriptionChanged
from device.sip.user_agent import UserAgent

logger = logging.getLogger(__name__)

PACKAGE: Final = "dialog"
BODY: Final = "application/dialog-info+xml"
EXPIRES_S: Final = 600
PREFIX: Final = "lamp-"
"""Begins the names of these subscriptions; the lamp follows."""
LONGEST_BODY: Final = 65_536
MAX_DIALOGS: Final = 32
"""Dialogs of one extension that are kept apart; more than that are busy in any case."""

_ROOT = re.compile(rb"<(?:[\w.-]+:)?dialog-info\b([^>]*)>")
_DIALOG = re.compile(rb"<(?:[\w.-]+:)?dialog\s([^>]*)>(.*?)</(?:[\w.-]+:)?dialog\s*>", re.DOTALL)
_STATE = re.compile(rb"<(?:[\w.-]+:)?state\b[^>]*>\s*([a-z]+)\s*</")
_ATTRIBUTE = re.compile(rb"""([\w-]+)\s*=\s*["']([^"']*)["']""")


class WatchedExtension:
    """What is known of the dialogs of one extension; the documents come whole or in parts (section 4.3)."""

    __slots__ = ("_dialogs", "_version")

    def __init__(self) -> None:
        self._version = -1
        self._dialogs: dict[bytes, str] = {}

    def receive(self, body: bytes) -> None:
        """Take a document; one that is older than the last, or none at all, changes nothing."""
        body = body[:LONGEST_BODY]
        root = _ROOT.search(body)
        if root is None:
            return
        attributes = dict(_ATTRIBUTE.findall(root[1]))
        version = attributes.get(b"version", b"")
        if version.isdigit() and len(version) < 11:
            if int(version) < self._version:
                return
            self._version = int(version)
        if attributes.get(b"state") != b"partial":
            self._dialogs.clear()
        for text, content in _DIALOG.findall(body):
            dialog, state = dict(_ATTRIBUTE.findall(text)), _STATE.search(content)
            name = dialog.get(b"id", b"")
            if state is None or state[1] == b"terminated":
                self._dialogs.pop(name, None)
            elif len(self._dialogs) < MAX_DIALOGS or name in self._dialogs:
                rings = dialog.get(b"direction") == b"recipient" and state[1] != b"confirmed"
                self._dialogs[name] = "blink" if rings else "on"

    @property
    def mode(self) -> str:
        """What the lamp shows: on where somebody talks or calls, blinking where it merely rings."""
        modes = set(self._dialogs.values())
        return "on" if "on" in modes else "blink" if modes else "off"

    def forget(self) -> None:
        """Nobody tells any more."""
        self._version = -1
        self._dialogs.clear()


class BusyLamps:
    """Subscribes for each lamp of `phone.busy_lamps`, and shows what comes."""

    __slots__ = ("_account", "_accounts", "_extensions", "_show", "_targets", "_user_agent")

    def __init__(self, user_agent: UserAgent, accounts: AccountTable, show: Callable[[str, str, float], None]) -> None:
        self._user_agent = user_agent
        self._accounts = accounts
        self._show = show
        self._targets: dict[str, str] = {}
        self._extensions: dict[str, WatchedExtension] = {}
        self._account: AccountId | None = None
        """The account by which they are subscribed; None for none yet."""

    def configure(self, targets: dict[str, str], now: float) -> None:
        """Watch these targets by lamp, and no others."""
        for lamp in [lamp for lamp, target in self._targets.items() if targets.get(lamp) != target]:
            self._user_agent.unsubscribe(PREFIX + lamp, now)
            self._extensions.pop(lamp, None)
            self._show(lamp, "off", now)
        added = {lamp: target for lamp, target in targets.items() if self._targets.get(lamp) != target}
        self._targets = targets
        self._extensions.update((lamp, WatchedExtension()) for lamp in added)
        account = self._accounts.choose()
        if account is not None and self._account is None:
            self._account = account.id
        if self._account is not None:
            self._subscribe(added, now)

    def follow(self, account_id: AccountId, now: float) -> None:
        """An account is registered, changed or gone."""
        account = self._accounts.choose()
        if account is None or (account.id != account_id and self._account is not None):
            return
        if self._account == account.id:
            for lamp in self._targets:
                # Registered once more: from another address, or at a server that has forgotten everything.
                self._user_agent.renew_subscription(PREFIX + lamp, now)
        else:
            self._account = account.id
            self._subscribe(self._targets, now)

    def _subscribe(self, targets: dict[str, str], now: float) -> None:
        for lamp, target in targets.items():
            try:
                self._user_agent.subscribe(PREFIX + lamp, target, PACKAGE, BODY, self._account, now, EXPIRES_S)
            except DeviceError as error:
                logger.warning("lamp %s: cannot watch %s: %s", lamp, target, error)

    def receive(self, event: NotifyReceived, now: float) -> None:
        """Take what a server tells."""
        lamp = event.name.removeprefix(PREFIX)
        extension = self._extensions.get(lamp)
        if extension is not None:
            extension.receive(event.body)
            self._show(lamp, extension.mode, now)

    def follow_subscription(self, event: SubscriptionChanged, now: float) -> None:
        """A subscription that is over tells nothing any more: its lamp is off rather than wrong."""
        lamp = event.name.removeprefix(PREFIX)
        extension = self._extensions.get(lamp)
        if extension is not None and event.state in ("waiting", "terminated"):
            extension.forget()
            self._show(lamp, "off", now)
