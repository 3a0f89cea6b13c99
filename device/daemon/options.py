"""Where the daemon finds its files, and what its command line changes for one run. No argparse: it costs memory."""

import os
from collections.abc import Mapping, Sequence

from device.control.paths import SYSTEM_SOCKET, SYSTEM_STORE
from device.errors import DeviceError
from device.records import dataclass, field

SYSTEM_STATE, STORE_NAME = os.path.split(SYSTEM_STORE)

USAGE = """\
usage: offhook run [--store FILE] [--socket PATH] [--set SECTION.FIELD=VALUE] ... [--log-level LEVEL]

Runs the phone in the foreground until SIGTERM or Ctrl-C.

  --store FILE        the SQLite file with accounts, settings, call log and phone book
  --socket PATH       the control socket for `offhook status` and its kin
  --set KEY=VALUE     a setting for this run only; it is not stored (may be given again)
  --log-level LEVEL   debug, info, warning or error

example: offhook run --set hardware.board=raspberry-pi --set audio.capture_device=plughw:CARD=Device
"""


class UsageError(DeviceError):
    """The command line cannot be understood."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the command line and the environment say."""

    store: str
    socket: str
    settings: dict[str, str] = field(default_factory=dict)
    help: bool = False


def parse_options(arguments: Sequence[str], environment: Mapping[str, str]) -> RunOptions:
    """Read the arguments after `offhook run`; raises UsageError with the argument that is wrong."""
    store, socket = default_store(environment), default_socket(environment)
    settings: dict[str, str] = {}
    words = iter(arguments)
    for word in words:
        name, separator, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if name in ("--help", "-h"):
            return RunOptions(store, socket, settings, help=True)
        if name not in ("--store", "--socket", "--set", "--log-level"):
            raise UsageError(f"{word!r} is not an option of `offhook run`; `offhook run --help` lists them")
        value = value if separator else next(words, "")
        if not value:
            raise UsageError(f"{name} needs a value; `offhook run --help` shows an example")
        if name == "--store":
            store = value
        elif name == "--socket":
            socket = value
        elif name == "--log-level":
            settings["daemon.log_level"] = value
        else:
            key, equals, text = value.partition("=")
            if not equals:
                raise UsageError(f"--set {value}: write it as SECTION.FIELD=VALUE, such as phone.hotline=1002")
            settings[key] = text
    return RunOptions(store, socket, settings)


def default_store(environment: Mapping[str, str]) -> str:
    """The store's place: systemd's state directory, the system's when root, the user's otherwise."""
    state = environment.get("STATE_DIRECTORY", "").partition(":")[0]
    if not state and os.geteuid() == 0:
        state = SYSTEM_STATE
    if not state:
        home = environment.get("HOME", "/")
        state = os.path.join(environment.get("XDG_STATE_HOME") or os.path.join(home, ".local/state"), "offhook")
    return os.path.join(state, STORE_NAME)


def default_socket(environment: Mapping[str, str]) -> str:
    """The control socket's place, where `offhook status` looks for it, too."""
    given = environment.get("OFFHOOK_SOCKET")
    if given:
        return given
    runtime = environment.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    if runtime:
        return os.path.join(runtime, "control.sock")
    if os.geteuid() == 0 or not environment.get("XDG_RUNTIME_DIR"):
        return SYSTEM_SOCKET
    return os.path.join(environment["XDG_RUNTIME_DIR"], "offhook", "control.sock")
