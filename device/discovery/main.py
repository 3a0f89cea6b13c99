"""`offhook discovery`: two fresh boards and a switch become a telephone system by themselves."""

import os
import signal
import sys
from collections.abc import Mapping, Sequence

from device import plain_logging as logging
from device.control.paths import SYSTEM_SOCKET
from device.discovery.announcement import HIGHEST_RANK, ID
from device.discovery.avahi import Avahi
from device.discovery.errors import DiscoveryError
from device.discovery.exchange_child import DEFAULT_PORT
from device.discovery.notebook import Notebook
from device.discovery.phone_link import PhoneLink
from device.discovery.program import Discovery
from device.discovery.rule import MODES
from device.errors import DeviceError
from device.records import dataclass

EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2
SYSTEM_STATE = "/var/lib/offhook-discovery"

USAGE = """\
usage: offhook discovery run    [--socket PATH] [--state FOLDER] [--exchange-port PORT] [--rank 0-9]
       offhook discovery status [--state FOLDER]
       offhook discovery mode   auto|on|off [--state FOLDER]
       offhook discovery forget ID [--state FOLDER]

Boards of one network find each other by mDNS (avahi-daemon and avahi-utils), agree on one exchange, and register there.
Buttons without a target then call all the others, as number 10 does.

  run       look for others until SIGTERM or Ctrl-C
  status    who is there, and which board is the exchange
  mode      auto: only phones without an account of their own, in a network of a home (see docs/discovery.md);
            on: wherever the board is; off: never, and leave the house
  forget    let the board with that id enrol anew, when it has lost what it knew

  --socket PATH         the control socket of the phone
  --state FOLDER        where numbers, passwords and the exchange's store are kept
  --exchange-port PORT  where the exchange listens, if it comes to be here (5070)
  --rank N              who becomes the exchange first, 0 before 9 (5)

example: offhook discovery mode off
"""


@dataclass(frozen=True, slots=True)
class DiscoveryOptions:
    """What the command line says."""

    words: tuple[str, ...]
    socket: str
    state: str
    exchange_port: int
    rank: int


class _UsageError(DiscoveryError):
    """The command line cannot be understood."""


def main(arguments: Sequence[str]) -> int:
    """Run `offhook discovery` with the arguments after these words; answers the process's exit status."""
    if not arguments or arguments[0] in ("help", "--help", "-h"):
        sys.stdout.write(USAGE)
        return EXIT_OK if arguments else EXIT_USAGE
    try:
        options = parse_options(arguments, os.environ)
        _act(options)
    except _UsageError as error:
        sys.stderr.write(f"offhook discovery: {error}\n")
        return EXIT_USAGE
    except DeviceError as error:
        sys.stderr.write(f"offhook discovery: {error}\n")
        return EXIT_FAILED
    return EXIT_OK


def parse_options(arguments: Sequence[str], environment: Mapping[str, str]) -> DiscoveryOptions:
    """Read the arguments; raises an error with the word that is wrong."""
    values = {
        "--socket": environment.get("OFFHOOK_SOCKET", SYSTEM_SOCKET),
        "--state": SYSTEM_STATE if os.geteuid() == 0 else os.path.expanduser("~/.local/state/offhook-discovery"),
        "--exchange-port": str(DEFAULT_PORT),
        "--rank": "5",
    }
    words: list[str] = []
    rest = iter(arguments)
    for word in rest:
        name, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if not word.startswith("--"):
            words.append(word)
        elif name not in values:
            raise _UsageError(f"{word!r} is not an option; `offhook discovery --help` lists them")
        else:
            values[name] = value if equals else next(rest, "")
            if not values[name]:
                raise _UsageError(f"{name} needs a value; `offhook discovery --help` shows which")
    port, rank = values["--exchange-port"], values["--rank"]
    if not (port.isdigit() and 0 < int(port) <= 65_535):
        raise _UsageError(f"--exchange-port {port}: is no port between 1 and 65535")
    if not (rank.isdigit() and int(rank) <= HIGHEST_RANK):
        raise _UsageError(f"--rank {rank}: is no digit")
    return DiscoveryOptions(tuple(words), values["--socket"], values["--state"], int(port), int(rank))


def _act(options: DiscoveryOptions) -> None:
    notebook = Notebook(options.state)
    notebook.load()
    match options.words:
        case ("run",):
            _run(options, notebook)
        case ("status",):
            sys.stdout.write(_status_text(notebook.read_status()))
        case ("mode", mode) if mode in MODES:
            notebook.mode = mode
            notebook.save()
            sys.stdout.write(f"mode {mode}: counts within ten seconds\n")
        case ("forget", board_id) if ID.fullmatch(board_id):
            if notebook.members.pop(board_id, None) is None:
                raise DiscoveryError(f"no board {board_id} is known; `offhook discovery status` shows them")
            notebook.save()
            sys.stdout.write(f"{board_id} may enrol anew\n")
        case _:
            raise _UsageError(
                f"{' '.join(options.words)!r} is not understood; `offhook discovery --help` shows what is"
            )


def _run(options: DiscoveryOptions, notebook: Notebook) -> None:
    logging.root.level = logging.INFO
    discovery = Discovery(notebook, PhoneLink(options.socket), Avahi(os.environ), options.rank, options.exchange_port)

    def stop(*_: object) -> None:
        discovery.running = False

    # A wait comes back for a signal where the interpreter writes a byte to this pipe, and only there.
    wake_fd, woken_fd = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(woken_fd)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    try:
        discovery.run(wake_fd)
    finally:
        discovery.close()


def _status_text(status: dict[str, object]) -> str:
    if not status:
        return "discovery has not run yet: `systemctl start offhook-discovery`\n"
    if status.get("reason"):
        return f"keeping to itself: {status['reason']}\n"
    lines = [f"this board {status.get('id')}: {status.get('role')}"]
    if status.get("number"):
        lines[0] += f", number {status['number']}"
    if status.get("host"):
        lines.append(f"the exchange is at {status['host']}")
    boards = status.get("boards")
    for board in boards if isinstance(boards, list) else []:
        role = "exchange" if board.get("exchange") else "board"
        lines.append(f"{role} {board.get('id')} at {board.get('host')}")
    return "\n".join(lines) + "\n"
