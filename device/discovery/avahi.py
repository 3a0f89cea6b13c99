"""DNS-SD by the system's avahi-daemon, through its own commands avahi-browse and avahi-publish (decision 0014)."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from secrets import randbits

from device import plain_logging as logging
from device.discovery.announcement import SERVICE_TYPE, Announcement, read_announcement
from device.discovery.errors import DiscoveryError
from device.records import dataclass

logger = logging.getLogger(__name__)

GRACE_S = 3.0
"""A board that is started anew, or whose cable is plugged elsewhere, is away for a moment: it has not gone by that."""
OVERLAP_S = 5.0
"""The old announcement stands so long beside the new one, which avahi first looks for in the network."""
SERIAL_BITS = 20
STOP_TIMEOUT_S = 2.0
RESTART_S = 10.0
"""How long a command that has ended, as when the daemon is restarted, is left alone."""
READ_AT_ONCE = 65_536

_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(\d{3}|.)")


@dataclass(frozen=True, slots=True)
class Seen:
    """A board is announced."""

    board: Announcement


@dataclass(frozen=True, slots=True)
class Lost:
    """It is no longer."""

    id: str


def unescaped(text: str) -> str:
    """A field of avahi-browse's as it was meant: \\032 is a space, and so on."""
    return _ESCAPE.sub(lambda match: chr(int(match[1])) if match[1].isdigit() else match[1], text)


class Browse:
    """What avahi-browse prints, line by line, as boards that come and go; pure.

    It resolves each name once. So a board that has something new to say says it by a new name, and takes the old one
    back afterwards: what was heard last of a board counts.
    """

    def __init__(self) -> None:
        self._places: dict[str, dict[tuple[str, str], Announcement]] = {}
        """By name of the service each interface and protocol by which it is seen."""
        self._names: dict[str, str] = {}
        """By board the name that was heard last."""
        self._told: dict[str, Announcement] = {}
        self._gone: dict[str, float] = {}
        """Boards that are no longer announced, and when that is told."""
        self._news: list[Seen | Lost] = []

    def receive_line(self, line: str, now: float) -> Iterator[Seen | Lost]:
        """Take one line of its parsable output."""
        fields = line.split(";", 9)
        if len(fields) < 6 or fields[4] != SERVICE_TYPE:
            return
        kind, place, name = fields[0], (fields[1], fields[2]), unescaped(fields[3])
        if kind == "=" and len(fields) == 10:
            board = _board(fields)
            if board is None:
                return
            places = self._places.setdefault(name, {})
            places[place] = board
            self._names[board.id] = name
            self._gone.pop(board.id, None)
            # IPv4 first: a link-local address of IPv6 is of no use without its interface.
            best = places[min(places, key=lambda one: (one[1] != "IPv4", one))]
            if self._told.get(board.id) != best:
                self._told[board.id] = best
                yield Seen(best)
        elif kind == "-":
            self._take_back(name, place, now)

    def _take_back(self, name: str, place: tuple[str, str], now: float) -> None:
        places = self._places.get(name, {})
        board = places.pop(place, None)
        if board is None or places:
            return
        del self._places[name]
        if self._names.get(board.id) == name:
            self._gone[board.id] = now + GRACE_S

    def handle_timeout(self, now: float) -> Iterator[Lost]:
        """Tell who has not come back."""
        for board_id in [board_id for board_id, at in self._gone.items() if at <= now]:
            del self._gone[board_id], self._told[board_id], self._names[board_id]
            yield Lost(board_id)

    def tell_again(self) -> None:
        """Whoever listens now has heard nothing of what was told before."""
        self._news = [Seen(board) for board in self._told.values()]

    def take_news(self) -> list[Seen | Lost]:
        """What `tell_again` wanted told."""
        news, self._news = self._news, []
        return news

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next needed."""
        return min(self._gone.values(), default=None)

    def forget(self, now: float) -> None:
        """The command has ended: whoever it does not name again has gone."""
        self._places.clear()
        for board_id in self._told:
            self._gone.setdefault(board_id, now + GRACE_S + RESTART_S)


def _board(fields: list[str]) -> Announcement | None:
    texts = [unescaped(text) for text in _TEXT.findall(fields[9])]
    host = fields[7]
    if fields[2] == "IPv6" and host.startswith("fe80"):
        host = f"{host}%{fields[1]}"
    return read_announcement(texts, host, int(fields[8]) if fields[8].isdigit() else 0)


class Avahi:
    """The two commands as children: they run for as long as this program does, and end with it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = {**environment, "LC_ALL": "C"}
        self.browse = Browse()
        self._browser: subprocess.Popen[bytes] | None = None
        self._publisher: subprocess.Popen[bytes] | None = None
        self._published: tuple[str, ...] = ()
        self._serial = randbits(SERIAL_BITS)
        """Ends the name, another one each time that there is something new to say; see `Browse`."""
        self._ended: list[tuple[subprocess.Popen[bytes], float]] = []
        """Commands whose announcement is out of date, and when they are to end."""
        self._line = b""
        self._restart_at: float | None = None

    def open(self) -> None:
        """Begin to look for boards. Raises DiscoveryError where avahi is not there."""
        missing = [name for name in ("avahi-browse", "avahi-publish") if shutil.which(name) is None]
        if missing:
            raise DiscoveryError(
                f"{missing[0]} is not installed, so that boards cannot find each other: `apt-get install avahi-daemon "
                "avahi-utils`; systemd-resolved cannot look for services on Debian (docs/decisions/0014-discovery.md)"
            )
        self._start_browser()

    def _start_browser(self) -> None:
        command = ["avahi-browse", "--parsable", "--resolve", "--no-db-lookup", "--no-fail", SERVICE_TYPE]
        self._browser = self._child(command, subprocess.PIPE)
        assert self._browser.stdout is not None
        os.set_blocking(self._browser.stdout.fileno(), False)

    def _child(self, command: list[str], output: int) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603  # the words are ours
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.DEVNULL, env=self._environment
        )

    def publish(self, board: Announcement, port: int, now: float) -> None:
        """Let others know what this board says now; what it said before is taken back a little later."""
        words = (SERVICE_TYPE, str(port), *board.texts())
        if words == self._published and self._publisher is not None:
            return
        before, self._published = self._publisher, words
        self._serial = (self._serial + 1) % (1 << SERIAL_BITS)
        name = f"offhook-{board.id}-{self._serial:x}"
        self._publisher = self._child(["avahi-publish", "--no-fail", "-s", name, *words], subprocess.DEVNULL)
        if before is not None:
            self._ended.append((before, now + OVERLAP_S))

    def withdraw(self) -> None:
        """Say good-bye."""
        for child in (self._publisher, *(child for child, _ in self._ended)):
            self._end(child)
        self._publisher = None
        self._ended.clear()

    def fileno(self) -> int | None:
        """Where there is something to read, if anywhere."""
        return self._browser.stdout.fileno() if self._browser is not None and self._browser.stdout is not None else None

    def receive(self, now: float) -> list[Seen | Lost]:
        """Everything that has been heard."""
        for entry in [entry for entry in self._ended if entry[1] <= now]:
            self._ended.remove(entry)
            self._end(entry[0])
        found = [*self.browse.take_news(), *self.browse.handle_timeout(now)]
        if self._browser is None:
            if self._restart_at is not None and now >= self._restart_at:
                self._restart_at = None
                self._start_browser()
            return found
        assert self._browser.stdout is not None
        data = self._browser.stdout.read(READ_AT_ONCE)
        if data == b"":
            logger.warning("avahi-browse has ended; once more in %g s: is avahi-daemon running?", RESTART_S)
            self._end(self._browser)
            self._browser, self._restart_at, self._line = None, now + RESTART_S, b""
            self.browse.forget(now)
            return found
        *lines, self._line = (self._line + (data or b"")).split(b"\n")
        for line in lines:
            found += self.browse.receive_line(line.decode("utf-8", "replace"), now)
        return found

    def next_timeout(self) -> float | None:
        """When `receive` is next wanted though there is nothing to read."""
        times = [self.browse.next_timeout(), self._restart_at, *(at for _, at in self._ended)]
        return min((at for at in times if at is not None), default=None)

    def close(self) -> None:
        """End both commands: the announcement is taken back by that."""
        self.withdraw()
        self._end(self._browser)
        self._browser = None

    @staticmethod
    def _end(child: "subprocess.Popen[bytes] | None") -> None:
        if child is None:
            return
        child.terminate()
        try:
            child.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if child.stdout is not None:
            child.stdout.close()
