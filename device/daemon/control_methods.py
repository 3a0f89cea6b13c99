"""What clients of the control socket can ask of the daemon; device/control/schema.py documents each method."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping

from device import __version__
from device.annotations import TYPE_CHECKING
from device.audio.engine import AudioEngine
from device.control.errors import FAILED, INVALID_PARAMS, REFUSED, ControlError
from device.daemon.account_fields import Params
from device.daemon.account_methods import AccountMethods
from device.daemon.accounts import AccountTable
from device.daemon.desk import Desk
from device.daemon.image_notices import image_notices
from device.daemon.logs import RecentLines
from device.daemon.phone_line import PhoneLine
from device.daemon.runtime import Runtime
from device.daemon.settings_methods import SettingsMethods
from device.model import AccountId, CallId, PhonebookEntry
from device.net.resolver import Resolver
from device.net.sip_sockets import SipSockets
from device.phone.events import (
    AnswerRequested,
    ConferenceRequested,
    DialRequested,
    DigitsRequested,
    HangupRequested,
    HoldRequested,
    PhoneEvent,
    ResumeRequested,
    TransferRequested,
)
from device.phone.phone import CallSnapshot, Phone
from device.records import asdict, dataclass
from device.sip.hop import TLS
from device.store.call_log import CallLog
from device.store.phonebook import Phonebook
from device.store.settings import Settings

if TYPE_CHECKING:
    from device.console.settings import ConsoleSettings
    from device.daemon.board_setup import BoardSetup
    from device.daemon.call_files import CallFiles
    from device.daemon.config_methods import ConfigMethods
    from device.daemon.console_methods import ConsoleMethods
    from device.daemon.device_tests import DeviceTests
    from device.daemon.dns_tests import DnsTests
    from device.daemon.loop import Participant
    from device.daemon.upgrade_methods import UpgradeMethods
    from device.media.settings import MediaSettings
    from device.model import Account
    from device.store.console_access import ConsoleAccess
    from device.store.database import Database

DEFAULT_LIMIT = 50


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
    resolver: Resolver
    settings: Settings
    phonebook: Phonebook
    call_log: CallLog
    log: RecentLines
    stop: Callable[[], None]
    apply_settings: Callable[[Mapping[str, str | None]], list[str]]
    """Makes stored settings count where that needs no restart; answers the keys that do need one."""
    waiting_settings: Callable[[], list[str]]
    """Settings that were changed and count only from the next start on."""
    notices: Callable[[], list[str]]
    """What an administrator should know: a store that was recovered, a card that is missing."""
    console_access: Callable[[], ConsoleAccess]
    """Makes the table of those who may use a console."""
    console_settings: Callable[[], ConsoleSettings]
    """How consoles are to behave now."""
    take_part: Callable[[Participant], None]
    """Lets something be pumped by the loop from now on."""
    media: MediaSettings
    database: Database
    publish: Callable[[str, dict[str, object]], None]
    """Tells subscribers of a topic."""
    started_at: float
    instance: str
    """The instance id of this device, as registrars see it."""


class _Followers:
    """The running phone, which follows what is committed."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    def check_account(self, account: Account) -> None:
        """Raises DeviceError for an account that cannot be used."""
        self._rooms.accounts.check(account)

    def settings_changed(self, changes: Mapping[str, str | None]) -> list[str]:
        """Let settings count; answers those that wait for a restart."""
        return self._rooms.apply_settings(changes)

    def account_changed(self, before: Account | None, account_id: AccountId) -> None:
        """Register, unregister, or go on."""
        self._rooms.accounts.follow(before, account_id, time.monotonic())
        self._rooms.runtime.follow_account(account_id, time.monotonic())

    def publish(self, topic: str, params: dict[str, object]) -> None:
        """Tell whoever looks on."""
        self._rooms.publish(topic, params)


class ControlMethods:
    """The table of methods for the control server."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._accounts = AccountMethods(rooms.accounts, self._follow_account, time.monotonic)
        self._settings = SettingsMethods(rooms.settings, rooms.apply_settings)
        self._console_methods: ConsoleMethods | None = None
        self._device_tests: DeviceTests | None = None
        self._dns_tests: DnsTests | None = None
        self._board_setup: BoardSetup | None = None
        self._config: ConfigMethods | None = None
        self._upgrades: UpgradeMethods | None = None
        self._call_files: CallFiles | None = None

    def _follow_account(self, account_id: AccountId) -> None:
        self._rooms.runtime.follow_account(account_id, time.monotonic())

    def _console(self) -> ConsoleMethods:
        """What a console asks before it lets somebody in; made with the first one."""
        if self._console_methods is None:
            from device.daemon.console_methods import ConsoleMethods  # noqa: PLC0415  # many phones never meet one

            self._console_methods = ConsoleMethods(
                self._rooms.console_access(), self._rooms.console_settings, time.monotonic
            )
        return self._console_methods

    def table(self) -> dict[str, Callable[[Params], object]]:
        """Every method by its name."""
        return {
            "status": self._status,
            "call.place": self._call_place,
            "call.answer": lambda params: self._request(AnswerRequested(_call_id(params))),
            "call.hangup": lambda params: self._request(HangupRequested(_call_id(params))),
            "call.hold": lambda params: self._request(HoldRequested(_call_id(params))),
            "call.resume": lambda params: self._request(ResumeRequested(_call_id(params))),
            "call.conference": lambda params: self._request(ConferenceRequested(_call_id(params))),
            "call.transfer": lambda params: self._request(
                TransferRequested(str(params.get("target") or ""), _call_id(params))
            ),
            "call.digits": lambda params: self._request(DigitsRequested(_text(params, "digits"), _call_id(params))),
            "call.list": self._call_list,
            "call.record": lambda params: self._files().record(params),
            "call.record_stop": lambda params: self._files().stop_recording(params),
            "call.play": lambda params: self._files().play(params),
            "call.play_stop": lambda params: self._files().stop_playing(params),
            **self._accounts.table(),
            "message.send": self._message_send,
            "message.list": self._message_list,
            "options.send": self._options_send,
            "registration.refresh": self._registration_refresh,
            **self._settings.table(),
            **{f"test.{name}": self._device_test(name) for name in ("ring", "tone", "lamp", "relay", "mic", "stop")},
            "test.dns": self._test_dns,
            "setup.choices": lambda params: self._setup().choices(params),
            "setup.cards": lambda params: self._setup().cards(params),
            "setup.find_pins": lambda params: self._setup().find_pins(params),
            "setup.stop_pins": lambda params: self._setup().stop_pins(params),
            "network.show": self._network_show,
            "storage.show": self._storage_show,
            "store.reset": self._store_reset,
            "store.seal": self._store_seal,
            "store.unseal": self._store_unseal,
            "machine.show": self._machine_show,
            **{f"config.{name}": self._config_method(name) for name in ("changes", "commit", "confirm", "history")},
            "upgrade.start": lambda params: self._upgrade_methods().start(params),
            "upgrade.progress": lambda params: self._upgrade_methods().progress(params),
            "console.access": lambda params: self._console().access(params),
            "console.login": lambda params: self._console().log_in(params),
            "console.password": lambda params: self._console().set_password(params),
            "phonebook.list": lambda params: {"entries": [asdict(entry) for entry in self._rooms.phonebook.list()]},
            "phonebook.add": self._phonebook_add,
            "phonebook.remove": self._phonebook_remove,
            "calllog.list": self._calllog_list,
            "call.report": self._call_report,
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
            "accounts": self._accounts.all(),
            "calls": self._calls(),
            "waiting_messages": rooms.runtime.features.waiting.status() if rooms.runtime.has_features else {},
            "audio": asdict(rooms.engine.counters()),
            "board": rooms.desk.snapshot(),
            "notices": [*rooms.notices(), *image_notices()],
            "waits_for_restart": rooms.waiting_settings(),
        }

    # Calls.

    def _files(self) -> CallFiles:
        """What records calls and plays files into them; made when first asked for."""
        if self._call_files is None:
            from device.daemon.call_files import CallFiles  # noqa: PLC0415  # few phones ever record

            rooms = self._rooms
            self._call_files = CallFiles(rooms.phone, rooms.line, rooms.engine, rooms.media, rooms.database.path)
        return self._call_files

    def _call_place(self, params: Params) -> object:
        target, account_id = _text(params, "target"), params.get("account")
        if account_id is not None:
            self._accounts.status({"id": account_id})
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
            "recording": self._rooms.engine.recorded_to(CallId(call.call_id)),
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
            self._accounts.status({"id": account_id})
        message_id = self._rooms.runtime.features.send_text(target, text, account_id, time.monotonic())
        return {"message": message_id}

    def _options_send(self, params: Params) -> object:
        target, account_id = _text(params, "target"), params.get("account")
        if account_id is not None:
            self._accounts.status({"id": account_id})
        name = self._rooms.runtime.features.send_options(target, account_id, time.monotonic())
        return {"query": name}

    def _message_list(self, _params: Params) -> object:
        runtime = self._rooms.runtime
        return {"messages": list(runtime.features.texts) if runtime.has_features else []}

    # Accounts.

    def _registration_refresh(self, params: Params) -> object:
        wanted = params.get("account")
        if wanted is not None:
            self._accounts.status({"id": wanted})
        return {"accounts": self._rooms.accounts.refresh(AccountId(wanted) if wanted else None, time.monotonic())}

    # The configuration as a whole.

    def _config_method(self, name: str) -> Callable[[Params], object]:
        def answer(params: Params) -> object:
            return getattr(self._config_methods(), name)(params)

        return answer

    def _config_methods(self) -> ConfigMethods:
        """Commits and their history; made, and put into the loop, with the first console that changes something."""
        if self._config is None:
            from device.daemon.config_methods import ConfigMethods  # noqa: PLC0415  # the command line needs it not

            rooms = self._rooms
            self._config = ConfigMethods(rooms.database, self._settings, _Followers(rooms), time.monotonic, time.time)
            rooms.take_part(self._config)
        return self._config

    # The machine.

    def _upgrade_methods(self) -> UpgradeMethods:
        """Made with the first person who asks for an upgrade."""
        if self._upgrades is None:
            from device.daemon.upgrade_methods import UpgradeMethods  # noqa: PLC0415  # hardly anybody asks for it

            self._upgrades = UpgradeMethods(lambda: os.urandom(8).hex(), time.monotonic)
        return self._upgrades

    def _device_test(self, name: str) -> Callable[[Params], object]:
        def answer(params: Params) -> object:
            return getattr(self._tests(), name)(params)

        return answer

    def _tests(self) -> DeviceTests:
        """Bells and lamps under test; made, and put into the loop, with the first one."""
        if self._device_tests is None:
            from device.daemon.device_tests import DeviceTests  # noqa: PLC0415  # most phones are never tested

            rooms = self._rooms
            self._device_tests = DeviceTests(
                rooms.desk,
                rooms.engine,
                rooms.media,
                lambda: rooms.runtime.is_idle,
                lambda: rooms.runtime.activity,
                time.monotonic,
            )
            rooms.take_part(self._device_tests)
        return self._device_tests

    def _test_dns(self, params: Params) -> object:
        if self._dns_tests is None:
            from device.daemon.dns_tests import DnsTests  # noqa: PLC0415  # most phones are never tested

            rooms = self._rooms
            self._dns_tests = DnsTests(rooms.resolver, rooms.accounts, rooms.publish)
            rooms.take_part(self._dns_tests)
        return self._dns_tests.begin(params)

    def _setup(self) -> BoardSetup:
        """For whoever sets up a board; made with the first question."""
        if self._board_setup is None:
            from device.daemon.board_setup import BoardSetup  # noqa: PLC0415  # once in the life of a phone

            self._board_setup = BoardSetup(self._rooms.publish, time.monotonic)
            self._rooms.take_part(self._board_setup.finder)
        return self._board_setup

    @staticmethod
    def _network_show(_params: Params) -> object:
        from device.daemon.device_facts import network_facts  # noqa: PLC0415

        return network_facts()

    @staticmethod
    def _machine_show(_params: Params) -> object:
        from device.daemon.device_facts import machine_facts  # noqa: PLC0415

        return machine_facts()

    def _storage_show(self, _params: Params) -> object:
        from device.daemon.device_facts import storage_facts  # noqa: PLC0415

        return storage_facts(self._rooms.database.path)

    def _store_reset(self, params: Params) -> object:
        """Erase everything at the next start, which is now."""
        from device.store.factory_reset import kept_settings, request_reset  # noqa: PLC0415  # once in a phone's life

        kept = kept_settings(self._rooms.settings.get_all()) if params.get("keep_board") else {}
        request_reset(self._rooms.database.path, kept)
        self._rooms.stop()
        return {"kept": sorted(kept)}

    def _store_seal(self, params: Params) -> object:
        from device.daemon.sealed_secrets import seal_store  # noqa: PLC0415  # for whoever takes a configuration along

        return {"sealed": seal_store(self._rooms.database, _text(params, "passphrase"))}

    def _store_unseal(self, params: Params) -> object:
        from device.daemon.sealed_secrets import open_secrets, unseal_into  # noqa: PLC0415

        if params.get("check"):
            open_secrets(_text(params, "passphrase"), _text(params, "sealed"))
            return {"taken": []}
        taken = unseal_into(self._rooms.database, _text(params, "passphrase"), _text(params, "sealed"))
        for name in (key.split(".")[1] for key in taken if key.startswith("account.")):
            self._rooms.accounts.follow(None, AccountId(name), time.monotonic())
            self._follow_account(AccountId(name))
        self._rooms.apply_settings({key: None for key in taken if not key.startswith("account.")})
        return {"taken": taken}

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

    def _call_report(self, params: Params) -> object:
        from device.daemon.call_reports import call_report  # noqa: PLC0415  # for whoever asks how a call sounded

        return call_report(params, self._calls(), self._rooms.call_log, self._rooms.runtime.quality)

    def _log_tail(self, params: Params) -> object:
        return {"lines": list(self._rooms.log.lines)[-_limit(params, "lines") :]}

    def _board_drive(self, params: Params) -> object:
        return self._rooms.desk.drive(_text(params, "line"), bool(params.get("active")), time.monotonic())

    def _daemon_stop(self, _params: Params) -> object:
        self._rooms.stop()
        return {"stopping": True}


def speed_dials(phonebook: Phonebook) -> dict[str, str]:
    """Short codes and names of the phone book and what they call."""
    entries = phonebook.list()
    names = {entry.name: entry.target for entry in entries}
    return {**names, **{entry.short_code: entry.target for entry in entries if entry.short_code}}


def resident_kib() -> int:
    """Resident memory of this process in KiB, as the kernel accounts it."""
    try:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * (os.sysconf("SC_PAGE_SIZE") // 1024)
    except (OSError, ValueError, IndexError):
        return 0


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
