"""`offhook upgrade`: takes a new version of the image into the other slot, and sees that it proves itself."""

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from device.annotations import Any, BinaryIO, TextIO
from device.errors import DeviceError
from device.records import dataclass, replace
from device.upgrade.daemon_state import calls_up, daemon_status, registered_accounts
from device.upgrade.errors import UpgradeError
from device.upgrade.image_system import ImageSystem, find_image
from device.upgrade.installation import Installation, Progress
from device.upgrade.records_file import UpgradeRecords
from device.upgrade.report import upgrade_facts, upgrade_lines
from device.upgrade.settling import Settling
from device.upgrade.slot_state import EMPTY, GOOD, SlotState, SlotStateFile

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130
LOCK_FILE = "run/offhook-upgrade.lock"
CALL_POLL_S = 2.0

USAGE = """\
usage: offhook upgrade FILE [--yes] [--force] [--allow-downgrade] [--no-restart]
       offhook upgrade status [--json]
       offhook upgrade back [--yes]
       offhook upgrade repair

Takes a signed upgrade of the image (made by firmware_scripts/build-upgrade) into the slot that does not run, verifies
it there, and restarts into it. The new version is kept when the phone becomes ready and registers as it did before;
otherwise the old one comes back by itself. A power cut at any moment leaves a version that works.

  FILE               a file, such as one on a USB stick; an http or https address; or - for standard input
  --yes              do not ask before writing
  --force            also while a call is up
  --allow-downgrade  also an older version than the one that runs
  --no-restart       write only; the next restart starts the new version

  status             which slot runs, and how the last upgrade came out
  back               restart into the version before, where it is still there
  repair             write the state of the slots anew, when both its copies are damaged

example: sudo offhook upgrade /media/usb/offhook-rpi3-0.2.0.upgrade
"""


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asks for."""

    source: str
    yes: bool = False
    force: bool = False
    allow_downgrade: bool = False
    restart: bool = True
    as_json: bool = False


OPTIONS: dict[str, dict[str, Any]] = {
    "--yes": {"yes": True},
    "--force": {"force": True},
    "--allow-downgrade": {"allow_downgrade": True},
    "--no-restart": {"restart": False},
    "--json": {"as_json": True},
}


def parse_request(arguments: Sequence[str]) -> Request:
    """Read the words after `offhook upgrade`. Raises UpgradeError for what is not understood."""
    request = Request("")
    for word in arguments:
        if word in OPTIONS:
            request = replace(request, **OPTIONS[word])
        elif word.startswith("-") and word != "-":
            raise UpgradeError(f"{word} is no option of `offhook upgrade`; `offhook upgrade --help` lists them")
        elif request.source:
            raise UpgradeError(f"one file at a time, not {request.source} and {word}")
        else:
            request = replace(request, source=word)
    if not request.source:
        raise UpgradeError("name the file of the upgrade, or `status`; `offhook upgrade --help` shows an example")
    return request


def main(arguments: Sequence[str], root: str = "/") -> int:
    """Run the command; answers the exit status. `root` is where the system's files lie."""
    if not arguments or set(arguments) & {"--help", "-h"}:
        sys.stdout.write(USAGE)
        return EXIT_OK if arguments else EXIT_USAGE
    try:
        request = parse_request(arguments)
    except UpgradeError as error:
        sys.stderr.write(f"offhook upgrade: {error}\n")
        return EXIT_USAGE
    try:
        system = find_image(root)
        if request.source in VERBS:
            return VERBS[request.source](system, request)
        return _upgrade(system, request)
    except DeviceError as error:
        sys.stderr.write(f"offhook upgrade: {error}\n")
        return EXIT_FAILED
    except PermissionError as error:
        sys.stderr.write(f"offhook upgrade: {error.filename}: only root may do that; type: sudo offhook upgrade ...\n")
        return EXIT_FAILED
    except KeyboardInterrupt:
        sys.stderr.write("\noffhook upgrade: interrupted; the running version stays\n")
        return EXIT_INTERRUPTED


def _upgrade(system: ImageSystem, request: Request) -> int:
    with _alone(system), _opened(request.source) as stream:
        installation = Installation(system, stream, request.source)
        installation.check(request.allow_downgrade)
        status = daemon_status()
        if calls_up(status) and not request.force:
            raise UpgradeError("a call is up: try again when it has ended, or say --force")
        if status is None:
            _say("note: the phone does not answer, so that nothing is known of calls and registrations")
        manifest = installation.manifest
        _say(
            f"version {manifest.version} for {manifest.board}, signed by {installation.signed_by}; running is "
            f"{system.version}; {manifest.size >> 20} MiB go to slot {system.target_slot}"
        )
        if not request.yes and not _agreed("Write it, and restart into it?" if request.restart else "Write it?"):
            _say("nothing was changed")
            return EXIT_FAILED
        installation.write(registered_accounts(status), Meter(sys.stderr).show)
        _say(f"version {manifest.version} is written and verified")
    if not request.restart:
        _say("the next restart starts it: sudo systemctl reboot")
        return EXIT_OK
    if not request.force:
        _wait_for_calls()
    return _restart()


def _status(system: ImageSystem, request: Request) -> int:
    facts = upgrade_facts(system, SlotStateFile(system.state_path).read(), UpgradeRecords(system))
    sys.stdout.write(json.dumps(facts) + "\n" if request.as_json else "\n".join(upgrade_lines(facts)) + "\n")
    return EXIT_OK


def _back(system: ImageSystem, request: Request) -> int:
    state_file = SlotStateFile(system.state_path)
    with _alone(system):
        state = state_file.read()
        if state.kind(system.target_slot) != GOOD:
            raise UpgradeError(f"slot {system.target_slot} holds no version that has proven itself")
        if not request.yes and not _agreed(f"Restart into slot {system.target_slot}?"):
            _say("nothing was changed")
            return EXIT_FAILED
        state_file.write(replace(state, slot=system.target_slot, tries=0))
    return _restart() if request.restart else EXIT_OK


def _repair(system: ImageSystem, _request: Request) -> int:
    state_file = SlotStateFile(system.state_path)
    try:
        state_file.read()
    except UpgradeError:
        state_file.write(SlotState(slot=system.slot).with_kind(system.slot, GOOD).with_kind(system.target_slot, EMPTY))
        _say(f"the state of the slots is written anew: slot {system.slot}, which runs, is the proven one")
        return EXIT_OK
    _say("the state of the slots is in order; nothing was changed")
    return EXIT_OK


def _prepare_store(system: ImageSystem, _request: Request) -> int:
    Settling(system, _say).prepare_store()
    return EXIT_OK


def _settle(system: ImageSystem, _request: Request) -> int:
    return EXIT_OK if Settling(system, _say).settle(daemon_status) else _restart()


VERBS: dict[str, Callable[[ImageSystem, Request], int]] = {
    "status": _status,
    "back": _back,
    "repair": _repair,
    "prepare-store": _prepare_store,
    "settle": _settle,
}
"""What is not the name of a file; a file of such a name is given as ./status. The last two are for the units."""


class Meter:
    """Shows progress: on a terminal one line that grows, elsewhere a line for each tenth."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._terminal = stream.isatty()
        self._shown = -1

    def show(self, progress: Progress) -> None:
        """Tell how far it is, when that has changed enough."""
        percent = 100 * progress.done // progress.whole
        step = percent if self._terminal else percent // 10 * 10
        if step == self._shown:
            return
        self._shown = step
        text = f"{percent:3d} %  {progress.done >> 20} of {progress.whole >> 20} MiB ({progress.part})"
        self._stream.write(f"\r{text:<60}" if self._terminal else f"{text}\n")
        if self._terminal and progress.done >= progress.whole:
            self._stream.write("\n")
        self._stream.flush()


@contextmanager
def _alone(system: ImageSystem) -> Iterator[None]:
    with open(system.path(LOCK_FILE), "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UpgradeError("another upgrade is being written: wait until it is done") from None
        yield


@contextmanager
def _opened(source: str) -> Iterator[BinaryIO]:
    if source == "-":
        yield sys.stdin.buffer
        return
    try:
        if source.startswith(("http://", "https://")):
            from urllib.request import urlopen  # noqa: PLC0415  # heavy, and seldom wanted

            with urlopen(source, timeout=60) as answer:  # noqa: S310  # only these two schemes come here
                yield answer
            return
        with open(source, "rb") as file:
            yield file
    except OSError as error:
        raise UpgradeError(
            f"{source} cannot be read: {getattr(error, 'reason', None) or error.strerror or error}"
        ) from None


def _wait_for_calls() -> None:
    if calls_up(daemon_status()):
        _say("a call is up; the restart waits until it has ended (Ctrl-C leaves it to the next restart)")
    while calls_up(daemon_status()):
        time.sleep(CALL_POLL_S)


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise UpgradeError("there is no terminal to ask at: say --yes")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _restart() -> int:
    _say("restarting")
    os.sync()
    try:
        return subprocess.run(["systemctl", "reboot"], check=False).returncode  # noqa: S607  # where PATH says
    except FileNotFoundError:
        raise UpgradeError("systemctl is missing: restart the board by hand") from None


def _say(text: str) -> None:
    sys.stderr.write(f"offhook upgrade: {text}\n")
    sys.stderr.flush()
