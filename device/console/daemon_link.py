"""The way to the phone: its control socket while it answers, its store alone while it does not, and back again."""

from collections.abc import Callable, Iterable

from device.annotations import Any, Protocol, cast
from device.control.client import ControlClient, DaemonEvent
from device.control.errors import ControlError, DaemonUnreachableError

RETRY_S = 1.0
"""Between two attempts to reach a phone that is down."""
ANSWER_PATIENCE_S = 5.0
PROBE_PATIENCE_S = 1.0
WITHOUT_DAEMON = frozenset(("settings", "account", "console", "config", "phonebook", "calllog"))
"""First words of the methods that need nothing but the store."""

ALWAYS = ("config",)
"""Topics that every console follows: what others change."""

WENT = "The phone does not answer any more; settings can still be shown and changed."
CAME = "The phone answers again."
STILL_DOWN = (
    "the phone does not answer: start it with `systemctl start offhook`, see its log with `journalctl -u offhook`"
)


class Store(Protocol):
    """What answers for the store while the phone is down."""

    def ask(self, method: str, /, **params: object) -> dict[str, Any]:
        """Call a method. Raises ControlError."""

    def close(self) -> None:
        """Let go of the store."""


class DaemonLink:
    """One connection to the daemon at `path`, made again by itself; `tell` is given sentences for the person."""

    def __init__(self, path: str, store: Store, now: float) -> None:
        self.tell: Callable[[str], None] = lambda _: None
        self._client = ControlClient(path, ANSWER_PATIENCE_S)
        self._store = store
        self._topics: list[str] = [*ALWAYS]
        self._up = False
        self._retry_at = now

    @property
    def is_up(self) -> bool:
        return self._up

    def open(self) -> bool:
        """Reach the daemon, if it is there; answers whether it is."""
        try:
            self._client.open()
        except DaemonUnreachableError:
            self._up = False
        else:
            self._up = True
        return self._up

    def close(self) -> None:
        """Close everything; closing twice is harmless."""
        self._client.close()
        self._store.close()

    def fileno(self) -> int:
        """The descriptor on which the daemon tells things; -1 while it is down."""
        return self._client.fileno() if self._up else -1

    def ask(self, method: str, /, **params: object) -> dict[str, Any]:
        """Ask the daemon, or its store where that will do and the daemon is down. Raises ControlError."""
        if self._up or self._returned():
            try:
                return cast("dict[str, Any]", self._client.call(method, **params))
            except DaemonUnreachableError:
                self._lose()
        if method.partition(".")[0] not in WITHOUT_DAEMON:
            raise DaemonUnreachableError(STILL_DOWN)
        return self._store.ask(method, **params)

    def follow(self, topics: Iterable[str]) -> None:
        """Have events of these topics and no others. Raises ControlError; without a daemon they wait for it."""
        wanted = [*ALWAYS, *(topic for topic in topics if topic not in ALWAYS)]
        gone = [topic for topic in self._topics if topic not in wanted]
        self._topics = wanted
        if not self._up:
            return
        try:
            if gone:
                self._client.call("unsubscribe", topics=gone)
            self._client.call("subscribe", topics=wanted)
        except DaemonUnreachableError:
            self._lose()

    def events(self) -> list[DaemonEvent]:
        """What has come by now."""
        found: list[DaemonEvent] = []
        try:
            while self._up and (event := self._client.next_event(0.0)) is not None:
                found.append(event)
        except DaemonUnreachableError:
            self._lose()
        except ControlError as error:
            self.tell(str(error))
            self._client.close()
            self._lose()
        return found

    def handle_timeout(self, now: float) -> None:
        """Look whether the daemon is back."""
        if not self._up and now >= self._retry_at:
            self._retry_at = now + RETRY_S
            self._returned()

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next needed."""
        return None if self._up else self._retry_at

    def _returned(self) -> bool:
        """Look whether the daemon is back: one that is about to end takes connections and answers nothing."""
        try:
            with ControlClient(self._client.path, PROBE_PATIENCE_S) as probe:
                probe.call("daemon.version")
        except ControlError:
            return False
        if not self.open():
            return False
        self._store.close()
        self.follow(self._topics)
        if self._up:
            self.tell(CAME)
        return self._up

    def _lose(self) -> None:
        self._client.close()
        if self._up:
            self._up = False
            self.tell(WENT)
