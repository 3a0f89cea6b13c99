"""`offhook upgrade`: takes a new version of the image into the other slot, and sees that it proves itself."""

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from device.annotations import Any, BinaryIO, cast
from device.errors import DeviceError
from device.records import dataclass, replace
from device.store.database import newest_schema
from device.upgrade.daemon_state import calls_up, daemon_status, registered_accounts
from device.upgrade.errors import UpgradeError
from device.upgrade.image_system import ImageSystem, find_image
from device.upgrade.installation import Installation
from device.upgrade.records_file import StoreCopy, UpgradeRecords, WayBack
from device.upgrade.report import upgrade_facts, upgrade_lines
from device.upgrade.settling import Settling, as_of
from device.upgrade.slot_state import BAD, EMPTY, GOOD, TRIAL, SlotState, SlotStateFile
from device.upgrade.spool import ANSWER_FILE, take_request
from device.upgrade.stored_accounts import stored_accounts
from device.upgrade.voice import AnswerVoice, TerminalVoice, Voice

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130
LOCK_FILE = "data/upgrade/lock"
TAKE_REQUEST = "request"
"""For the unit offhook-upgrade.service."""
CALL_POLL_S = 2.0
REBOOTS = ((), ("--force",), ("--force", "--force"))
"""From a stop of every service in order to the bare call of the kernel (systemctl(1))."""
REBOOT_WITHIN_S = 60.0

USAGE = """\
usage: offhook upgrade FILE [--yes] [--force] [--allow-downgrade] [--no-restart]
       offhook upgrade status [--json]
       offhook upgrade back [--yes] [--force]
       offhook upgrade restart [--yes] [--force]
       offhook upgrade repair

Takes a signed upgrade of the image (made by firmware_scripts/build-upgrade) into the slot that does not run, verifies
it there, and restarts into it. The new version is kept when the phone becomes ready and registers as it did before;
otherwise the old one comes back by itself. A power cut at any moment leaves a version that works.

  FILE               a file, such as one on a USB stick; an http or https address; or - for standard input
  --yes              do not ask before writing
  --force            also while a call is up; back: also without a copy of the store of then
  --allow-downgrade  also an older version than the one that runs
  --no-restart       write only; the next restart starts the new version

  status             which slot runs, and how the last upgrade came out
  back               restart into the version before, where it is still there; says before what becomes of the store
  restart            restart the board; not while an upgrade is being written
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
    if request.source == TAKE_REQUEST:
        return _answer_request(root)
    return _run(request, root, TerminalVoice())


def _run(request: Request, root: str, voice: Voice) -> int:
    try:
        system = find_image(root)
        return VERBS.get(request.source, _upgrade)(system, request, voice)
    except DeviceError as error:
        voice.say(str(error))
    except PermissionError as error:
        voice.say(f"{error.filename}: only root may do that; type: sudo offhook upgrade ...")
    except OSError as error:
        voice.say(f"{error.filename or request.source}: {error.strerror or error}")
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        voice.say("interrupted; the running version stays")
        return EXIT_INTERRUPTED
    return EXIT_FAILED


def _answer_request(root: str) -> int:
    """Do what the phone asks for; whoever asked there has agreed."""
    try:
        request_id, words = take_request(root) or ("", [])
    except UpgradeError as error:
        sys.stderr.write(f"offhook upgrade: {error}\n")
        return EXIT_FAILED
    if not request_id:
        return EXIT_OK
    voice = AnswerVoice(os.path.join(root, ANSWER_FILE), request_id)
    status = EXIT_FAILED
    try:
        status = _run(replace(parse_request(words), yes=True), root, voice)
    finally:
        voice.end(status)
    return status


def _upgrade(system: ImageSystem, request: Request, voice: Voice) -> int:
    with _alone(system), _opened(request.source) as stream:
        installation = Installation(system, stream, request.source)
        installation.check(request.allow_downgrade)
        status = daemon_status()
        _refuse_in_call(status, request)
        registered = registered_accounts(status)
        if status is None:
            registered = stored_accounts(system)
            wanted = f"must register: {', '.join(registered)}" if registered else "need not register"
            voice.say(f"note: the phone does not answer, so that nothing is known of calls; the new version {wanted}")
        manifest = installation.manifest
        voice.say(
            f"version {manifest.version} for {manifest.board}, signed by {installation.signed_by}; running is "
            f"{system.version}; {manifest.size >> 20} MiB go to slot {system.target_slot}"
        )
        if not request.yes and not voice.agree("Write it, and restart into it?" if request.restart else "Write it?"):
            voice.say("nothing was changed")
            return EXIT_FAILED
        installation.write(registered, voice.show)
        voice.say(f"version {manifest.version} is written and verified")
    if not request.restart:
        voice.say("the next restart starts it: sudo systemctl reboot")
        return EXIT_OK
    if not request.force:
        _wait_for_calls(voice)
    return _restart(voice)


def _status(system: ImageSystem, request: Request, voice: Voice) -> int:
    facts = upgrade_facts(system, SlotStateFile(system.state_path).read(), UpgradeRecords(system))
    voice.tell([json.dumps(facts)] if request.as_json else upgrade_lines(facts))
    return EXIT_OK


def _back(system: ImageSystem, request: Request, voice: Voice) -> int:
    state_file = SlotStateFile(system.state_path)
    with _alone(system):
        state, records, target = state_file.read(), UpgradeRecords(system), system.target_slot
        if state.kind(target) != GOOD:
            raise UpgradeError(f"slot {target} holds no version that has proven itself")
        kept = records.kept_store()
        about = kept if kept is not None and kept.slot == target else None
        if about is None and not request.force:
            raise UpgradeError(
                f"there is no copy of the store as the version in slot {target} left it, which may refuse the one of "
                "today: --force goes back all the same"
            )
        _refuse_in_call(daemon_status(), request)
        voice.say(_fate_of_store(about))
        if not request.yes and not voice.agree(f"Restart into {_name_of(about, target)}?"):
            voice.say("nothing was changed")
            return EXIT_FAILED
        if state.kind(system.slot) == TRIAL:
            # Nobody waits for its verdict any more: this is it.
            state = state.with_kind(system.slot, BAD)
            pending = records.pending()
            if pending is not None:
                records.begin(replace(pending, verdict="`offhook upgrade back` was typed"))
        else:
            records.begin_back(WayBack(target, system.version, newest_schema()))
        state_file.write(replace(state, slot=target, tries=0))
    return _restart(voice) if request.restart else EXIT_OK


def _name_of(about: StoreCopy | None, slot: str) -> str:
    return f"version {about.version} in slot {slot}" if about is not None and about.version else f"slot {slot}"


def _fate_of_store(about: StoreCopy | None) -> str:
    """What going back does to the accounts, settings, phone book and calls, in words."""
    if about is None or not about.schema:
        return "if that version cannot read the store of today, the one of before comes back, where there is a copy"
    if about.schema >= newest_schema():
        return "accounts, settings, phone book and calls stay as they are"
    return (
        f"version {about.version} cannot read the store of today: the one{as_of(about)} comes back. Accounts, "
        "settings, phone book and calls of the time after that are not lost, but kept in a file beside it"
    )


def _restart_board(system: ImageSystem, request: Request, voice: Voice) -> int:
    with _alone(system):
        _refuse_in_call(daemon_status(), request)
        if not request.yes and not voice.agree("Restart the board?"):
            voice.say("nothing was changed")
            return EXIT_FAILED
        return _restart(voice)


def _repair(system: ImageSystem, _request: Request, voice: Voice) -> int:
    state_file = SlotStateFile(system.state_path)
    try:
        state_file.read()
    except UpgradeError:
        state_file.write(SlotState(slot=system.slot).with_kind(system.slot, GOOD).with_kind(system.target_slot, EMPTY))
        voice.say(f"the state of the slots is written anew: slot {system.slot}, which runs, is the proven one")
        return EXIT_OK
    voice.say("the state of the slots is in order; nothing was changed")
    return EXIT_OK


def _prepare_store(system: ImageSystem, _request: Request, voice: Voice) -> int:
    Settling(system, voice.say).prepare_store()
    return EXIT_OK


def _settle(system: ImageSystem, _request: Request, voice: Voice) -> int:
    """A failure is for the unit, which runs this again: a version that was given up must not go on."""
    return EXIT_OK if Settling(system, voice.say).settle(daemon_status) else _restart(voice)


VERBS: dict[str, Callable[[ImageSystem, Request, Voice], int]] = {
    "status": _status,
    "back": _back,
    "restart": _restart_board,
    "repair": _repair,
    "prepare-store": _prepare_store,
    "settle": _settle,
}
"""What is not the name of a file; a file of such a name is given as ./status. The last two are for units."""


@contextmanager
def _alone(system: ImageSystem) -> Iterator[None]:
    path = system.path(LOCK_FILE)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as lock:
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
        stream = _open(source)
    except OSError as error:
        if hasattr(error, "close"):
            # An answer of HTTP that is a refusal still holds its connection.
            error.close()
        raise UpgradeError(
            f"{source} cannot be read: {getattr(error, 'reason', None) or error.strerror or error}"
        ) from None
    with stream:
        yield stream


def _open(source: str) -> BinaryIO:
    if source.startswith(("http://", "https://")):
        from urllib.request import urlopen  # noqa: PLC0415  # heavy, and seldom wanted

        return cast("BinaryIO", urlopen(source, timeout=60))  # noqa: S310  # only these two schemes come here
    return open(source, "rb")  # closed by whoever asked


def _refuse_in_call(status: dict[str, Any] | None, request: Request) -> None:
    if calls_up(status) and not request.force:
        raise UpgradeError("a call is up: try again when it has ended, or say --force")


def _wait_for_calls(voice: Voice) -> None:
    if calls_up(daemon_status()):
        voice.say("a call is up; the restart waits until it has ended (Ctrl-C leaves it to the next restart)")
    while calls_up(daemon_status()):
        time.sleep(CALL_POLL_S)


def _restart(voice: Voice) -> int:
    """Restart in order or, where systemd refuses or does not answer, without its help."""
    voice.say("restarting")
    os.sync()
    for ways in REBOOTS:
        try:
            done = subprocess.run(["systemctl", "reboot", *ways], timeout=REBOOT_WITHIN_S, check=False)  # noqa: S603, S607  # where PATH says
            if done.returncode == 0:
                return EXIT_OK
            voice.say(f"systemctl reboot {' '.join(ways)} failed with status {done.returncode}".replace("  ", " "))
        except FileNotFoundError:
            raise UpgradeError("systemctl is missing: restart the board by hand") from None
        except subprocess.TimeoutExpired:
            voice.say("systemctl does not answer")
    raise UpgradeError("the board cannot be restarted: take its power away for a moment")
