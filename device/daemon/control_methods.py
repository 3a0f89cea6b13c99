"""What clients of the control socket can ask of the daemon; device/control/schema.py documents each method."""

import os
import sys
import time
from collections.abc import Callable, Mapping

from device import __version__
from device.audio.engine import AudioEngine
from device.control.errors import FAILED, INVALID_PARAMS, NOT_FOUND, REFUSED, ControlError
from device.daemon.account_fields import Params, all_faults, changed_account
from device.daemon.accounts import AccountStatus, AccountTable, seal
from device.daemon.config import ConfigurationError, describe, names_in, parse_configuration, setting_exists
from device.daemon.desk import Desk, load_profile
from device.daemon.logs import RecentLines
from device.daemon.phone_line import PhoneLine
from device.daemon.runtime import Runtime
from device.hardware.errors import ProfileError
from device.model import Account, AccountId, CallId, Credential, PhonebookEntry
from device.net.sip_sockets import SipSockets
from device.phone.events import (
    AnswerRequested,
    DialRequested,
    DigitsRequested,
    HangupRequested,
    HoldRequested,
    PhoneEvent,
    ResumeRequested,
    TransferRequested,
)
from device.phone.phone import CallSnapshot, Phone
from device.phone.settings import PhoneSettings
from device.records import asdict, dataclass
from device.sip.hop import TLS
from device.store.call_log import CallLog
from device.store.phonebook import Phonebook
from device.store.settings import Settings

DEFAULT_LIMIT = 50
MASKED = "***"
SECRETS = frozenset(f"{PhoneSettings.SECTION}.{name}" for name in PhoneSettings.SECRETS)
"""Settings whose values are not shown."""


@dataclass(frozen=True, slots=True)
class Rooms:
    """Everything that the methods reach into."""

    phone: Phone
    runtime: Runtime
    line: PhoneLine
    accounts: AccountTable
    desk: Desk
    engine: AudioEngine
    sockets: SipSockets
    settings: Settings
    phonebook: Phonebook
    call_log: CallLog
    log: RecentLines
    stop: Callable[[], None]
    apply_settings: Callable[[Mapping[str, str | None]], list[str]]
    """Makes stored settings count where that needs no restart; answers the keys that do need one."""
    notices: Callable[[], list[str]]
    """What an administrator should know: a store that was recovered, a card that is missing."""
    started_at: float
    instance: str
    """The instance id of this device, as registrars see it."""


class ControlMethods:
    """The table of methods for the control server."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    def table(self) -> dict[str, Callable[[Params], object]]:
        """Every method by its name."""
        return {
            "status": self._status,
            "call.place": self._call_place,
            "call.answer": lambda params: self._request(AnswerRequested(_call_id(params))),
            "call.hangup": lambda params: self._request(HangupRequested(_call_id(params))),
            "call.hold": lambda params: self._request(HoldRequested(_call_id(params))),
            "call.resume": lambda params: self._request(ResumeRequested(_call_id(params))),
            "call.transfer": lambda params: self._request(
                TransferRequested(str(params.get("target") or ""), _call_id(params))
            ),
            "call.digits": lambda params: self._request(DigitsRequested(_text(params, "digits"), _call_id(params))),
            "call.list": self._call_list,
            "account.list": lambda params: {"accounts": self._accounts()},
            "account.show": lambda params: self._shown(self._account_status(params)),
            "account.add": self._account_add,
            "account.update": self._account_update,
            "account.remove": self._account_remove,
            "message.send": self._message_send,
            "message.list": self._message_list,
            "registration.refresh": self._registration_refresh,
            "settings.list": self._settings_list,
            "settings.get": self._settings_get,
            "settings.set": self._settings_set,
            "phonebook.list": lambda params: {"entries": [asdict(entry) for entry in self._rooms.phonebook.list()]},
            "phonebook.add": self._phonebook_add,
            "phonebook.remove": self._phonebook_remove,
            "calllog.list": self._calllog_list,
            "log.tail": self._log_tail,
            "board.show": lambda params: self._rooms.desk.snapshot(),
            "board.drive": self._board_drive,
            "board.lift": lambda params: self._rooms.desk.lift(time.monotonic()),
            "board.replace": lambda params: self._rooms.desk.replace(time.monotonic()),
            "board.press": lambda params: self._rooms.desk.press(_text(params, "digits"), time.monotonic()),
            "daemon.stop": self._daemon_stop,
            "daemon.version": lambda params: {"version": __version__, "python": sys.version.split()[0]},
        }

    def _status(self, _params: Params) -> dict[str, object]:
        rooms = self._rooms
        return {
            "version": __version__,
            "pid": os.getpid(),
            "uptime_s": round(time.monotonic() - rooms.started_at, 1),
            "memory_kib": resident_kib(),
            "instance": rooms.instance,
            "port": rooms.sockets.local_port,
            "tls_port": rooms.sockets.port_of(TLS),
            "phone": asdict(rooms.phone.snapshot()),
            "accounts": self._accounts(),
            "calls": self._calls(),
            "waiting_messages": rooms.runtime.features.waiting.status() if rooms.runtime.has_features else {},
            "audio": asdict(rooms.engine.counters()),
            "board": rooms.desk.snapshot(),
            "notices": rooms.notices(),
        }

    # Calls.

    def _call_place(self, params: Params) -> object:
        target, account_id = _text(params, "target"), params.get("account")
        if account_id is not None:
            self._account_status({"id": account_id})
            self._rooms.line.prefer_account(AccountId(account_id))
        try:
            result = self._request(DialRequested(target, anonymous=bool(params.get("anonymous"))))
        finally:
            self._rooms.line.prefer_account(None)
        if not result["call"]:
            raise ControlError(FAILED, self._rooms.line.last_end or f"cannot call {target!r}: see `offhook log`")
        return result

    def _call_list(self, _params: Params) -> object:
        return {"calls": self._calls()}

    def _calls(self) -> list[dict[str, object]]:
        snapshot = self._rooms.phone.snapshot()
        states = ((snapshot.call, snapshot.state), (snapshot.parked, "parked"))
        return [self._shown_call(call, state) for call, state in states if call is not None]

    def _shown_call(self, call: CallSnapshot, state: str) -> dict[str, object]:
        since = call.started if call.answered is None else call.answered
        facts = self._rooms.line.facts_of(CallId(call.call_id))
        return {
            "call": call.call_id,
            "direction": call.direction,
            "remote": call.remote,
            "remote_name": call.remote_name,
            "account": self._rooms.line.account_of(CallId(call.call_id)),
            "state": state,
            "seconds": round(time.monotonic() - since, 1),
            "subject": facts.subject if facts is not None else "",
            "priority": facts.priority if facts is not None else "",
            "diverted_by": list(facts.diverted_by) if facts is not None else [],
        }

    def _request(self, event: PhoneEvent) -> dict[str, object]:
        before = self._rooms.phone.call_id
        refusal = self._rooms.runtime.request(event, time.monotonic())
        if refusal is not None:
            raise ControlError(REFUSED, refusal)
        return {"call": self._rooms.phone.call_id or before or ""}

    # Texts.

    def _message_send(self, params: Params) -> object:
        target, text, account_id = _text(params, "target"), _text(params, "text"), params.get("account")
        if account_id is not None:
            self._account_status({"id": account_id})
        message_id = self._rooms.runtime.features.send_text(target, text, account_id, time.monotonic())
        return {"message": message_id}

    def _message_list(self, _params: Params) -> object:
        runtime = self._rooms.runtime
        return {"messages": list(runtime.features.texts) if runtime.has_features else []}

    # Accounts.

    def _account_status(self, params: Params) -> AccountStatus:
        wanted = _text(params, "id")
        for status in self._rooms.accounts.statuses():
            if status.account.id == wanted:
                return status
        raise ControlError(NOT_FOUND, f"there is no account {wanted!r}; `offhook account list` shows all")

    def _accounts(self) -> list[dict[str, object]]:
        return [self._shown(status) for status in self._rooms.accounts.statuses()]

    def _shown(self, status: AccountStatus) -> dict[str, object]:
        password, realm = self._rooms.accounts.secret(status.account.id)
        return {
            **asdict(status.account),
            "aor": str(status.account.aor),
            "password": password,
            "realm": realm,
            "state": status.state,
            "status": status.status,
            "text": status.text,
            "server": status.server,
            "registered_for_s": status.expires_s,
            "next_attempt_s": tenths(status.next_attempt_s),
        }

    def _account_add(self, params: Params) -> object:
        if self._rooms.accounts.get(AccountId(_text(params, "id"))) is not None:
            raise ControlError(
                INVALID_PARAMS, f"account {params['id']!r} exists; change it with `offhook account set {params['id']}`"
            )
        blank = Account(AccountId(_text(params, "id")), _text(params, "user"), _text(params, "domain"))
        return self._put_account(blank, params)

    def _account_update(self, params: Params) -> object:
        return self._put_account(self._account_status(params).account, params)

    def _put_account(self, before: Account, params: Params) -> object:
        account = changed_account(before, params)
        password, realm = str(params.get("password") or ""), str(params.get("realm") or "")
        credential = None
        if password:
            username = account.auth_user or account.user
            credential = seal(username, realm, password) if realm else Credential(username, password=password)
        elif realm:
            raise ControlError(INVALID_PARAMS, "realm: give the password with it, so that it can be sealed for it")
        self._rooms.accounts.put(account, credential, time.monotonic())
        self._rooms.runtime.follow_account(account.id, time.monotonic())
        return self._shown(self._account_status({"id": account.id}))

    def _account_remove(self, params: Params) -> object:
        account = self._account_status(params).account
        self._rooms.accounts.remove(account.id, time.monotonic())
        self._rooms.runtime.follow_account(account.id, time.monotonic())
        return {"removed": account.id}

    def _registration_refresh(self, params: Params) -> object:
        wanted = params.get("account")
        if wanted is not None:
            self._account_status({"id": wanted})
        return {"accounts": self._rooms.accounts.refresh(AccountId(wanted) if wanted else None, time.monotonic())}

    # Settings.

    def _settings_list(self, _params: Params) -> object:
        stored = self._rooms.settings.get_all()
        return {"settings": [{**asdict(item), "value": _masked(item.key, item.value)} for item in describe(stored)]}

    def _settings_get(self, params: Params) -> object:
        key = _text(params, "key")
        for item in describe(self._rooms.settings.get_all()):
            if item.key == key:
                return {**asdict(item), "value": _masked(key, item.value)}
        raise ControlError(NOT_FOUND, f"there is no setting {key!r}; `offhook settings list` shows all")

    def _settings_set(self, params: Params) -> object:
        values = params.get("values")
        if not isinstance(values, dict) or not values:
            raise ControlError(INVALID_PARAMS, 'give "values" as an object of setting and new value')
        changes = {str(key): None if value is None else str(value) for key, value in values.items()}
        self._check_settings(changes)
        self._rooms.settings.set_many(changes)
        return {"changed": sorted(changes), "restart": sorted(self._rooms.apply_settings(changes))}

    def _check_settings(self, changes: Mapping[str, str | None]) -> None:
        """Raise ControlError with every fault that the changes would bring.

        A stored setting that was no good before does not stand in the way of the others.
        """
        stored = self._rooms.settings.get_all()
        merged = {key: value for key, value in {**stored, **changes}.items() if value is not None}
        # A setting that is to go back to its default must exist, too.
        unknown = {key: "" for key in changes if key not in stored and not setting_exists(key)}
        before = _faults_of(stored)
        faults = [
            fault
            for fault in _faults_of({**unknown, **merged})
            if fault not in before or not names_in(fault).isdisjoint(changes)
        ]
        faults += [
            f"{key}: {MASKED} only stands for it; give the new value" for key in SECRETS if changes.get(key) == MASKED
        ]
        if not faults and any(key.startswith("hardware.") for key in changes):
            faults = _board_faults(merged)
        if faults:
            raise all_faults(faults)

    # Books and logs.

    def _phonebook_add(self, params: Params) -> object:
        entry = PhonebookEntry(_text(params, "name"), _text(params, "target"), str(params.get("short_code") or ""))
        self._rooms.phonebook.add(entry)
        self._refresh_speed_dials()
        return asdict(entry)

    def _phonebook_remove(self, params: Params) -> object:
        self._rooms.phonebook.remove(_text(params, "name"))
        self._refresh_speed_dials()
        return {"removed": params["name"]}

    def _refresh_speed_dials(self) -> None:
        self._rooms.phone.set_speed_dials(speed_dials(self._rooms.phonebook))

    def _calllog_list(self, params: Params) -> object:
        return {"calls": [asdict(record) for record in self._rooms.call_log.recent(_limit(params, "limit"))]}

    def _log_tail(self, params: Params) -> object:
        return {"lines": list(self._rooms.log.lines)[-_limit(params, "lines") :]}

    def _board_drive(self, params: Params) -> object:
        return self._rooms.desk.drive(_text(params, "line"), bool(params.get("active")), time.monotonic())

    def _daemon_stop(self, _params: Params) -> object:
        self._rooms.stop()
        return {"stopping": True}


def _faults_of(values: Mapping[str, str]) -> list[str]:
    try:
        parse_configuration(values)
    except ConfigurationError as error:
        return error.faults
    return []


def _board_faults(values: Mapping[str, str]) -> list[str]:
    """What keeps the board profile of these settings from being used."""
    hardware = {key: value for key, value in values.items() if key.startswith("hardware.") and setting_exists(key)}
    try:
        load_profile(parse_configuration(hardware).hardware)
    except (ConfigurationError, ProfileError) as error:
        return [f"hardware.board: {error}"]
    return []


def speed_dials(phonebook: Phonebook) -> dict[str, str]:
    """Short codes and names of the phone book and what they call."""
    entries = phonebook.list()
    names = {entry.name: entry.target for entry in entries}
    return {**names, **{entry.short_code: entry.target for entry in entries if entry.short_code}}


def tenths(seconds: float | None) -> float | None:
    """Seconds as precise as anybody wants them."""
    return None if seconds is None else round(seconds, 1)


def resident_kib() -> int:
    """Resident memory of this process in KiB, as the kernel accounts it."""
    try:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * (os.sysconf("SC_PAGE_SIZE") // 1024)
    except (OSError, ValueError, IndexError):
        return 0


def _masked(key: str, value: str) -> str:
    return MASKED if value and key in SECRETS else value


def _text(params: Params, name: str) -> str:
    value = params.get(name)
    if not isinstance(value, str) or not value:
        raise ControlError(INVALID_PARAMS, f'"{name}" is missing: give it as text')
    return value


def _call_id(params: Params) -> CallId | None:
    value = params.get("call")
    return CallId(value) if isinstance(value, str) and value else None


def _limit(params: Params, name: str) -> int:
    value = params.get(name, DEFAULT_LIMIT)
    if not isinstance(value, int) or not 1 <= value <= 1000:
        raise ControlError(INVALID_PARAMS, f'"{name}" must be a whole number from 1 to 1000')
    return value
