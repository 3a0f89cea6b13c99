"""Looking: how the phone is, and what it knows."""

import time

from device.console.call_report import report_lines
from device.console.choices import account_names
from device.console.command_table import Argument, Command, Given
from device.console.errors import ConsoleError
from device.console.layout import duration, fields, printable, shown, table
from device.console.overview import account_lines, call_lines, past_call_lines, status_lines
from device.console.shell import Shell
from device.control.errors import DaemonUnreachableError

ADD_ACCOUNT = "set account office address 1001@pbx.example.com"
MOST_LINES = 300
"""What the phone remembers of its log."""


def _status(shell: Shell, _given: Given) -> None:
    try:
        shell.say(*status_lines(shell.ask("status"), ADD_ACCOUNT))
    except DaemonUnreachableError as error:
        # What the store knows is better than nothing.
        shell.say(str(error), "", *account_lines(shell.ask("account.list")["accounts"], ADD_ACCOUNT))


def _accounts(shell: Shell, given: Given) -> None:
    if given.get("name"):
        shell.say(*fields(shell.ask("account.show", id=given["name"])))
        return
    accounts = shell.ask("account.list")["accounts"]
    rows = [
        (account["id"], account["aor"], account["transport"], shown(account["password"]), account["state"])
        for account in accounts
    ]
    empty = f"no account yet: add one with `{ADD_ACCOUNT}`"
    shell.say(*table(("account", "address", "by", "password", "state"), rows, empty))


def _registrations(shell: Shell, _given: Given) -> None:
    rows = []
    for account in shell.ask("status")["accounts"]:
        next_attempt = account.get("next_attempt_s")
        rows.append(
            (
                account["id"],
                account["state"],
                account.get("server") or account.get("registrar") or account["domain"],
                duration(account["registered_for_s"]) if account["registered_for_s"] else "-",
                duration(next_attempt) if next_attempt is not None else "-",
                f"{account['status'] or ''} {account['text']}".strip(),
            )
        )
    head = ("account", "state", "server", "for", "again in", "last answer")
    shell.say(*table(head, rows, f"no account yet: add one with `{ADD_ACCOUNT}`"))


def _calls(shell: Shell, given: Given) -> None:
    count = _count(given, 20, 1000)
    try:
        shell.say(*call_lines(shell.ask("call.list")["calls"]), "")
    except DaemonUnreachableError as error:
        shell.say(str(error), "")
    shell.say(*past_call_lines(shell.ask("calllog.list", limit=count)["calls"]))


def _quality(shell: Shell, given: Given) -> None:
    number = _count(given, 1, 1000) if given.get("count") else None
    shell.say(*report_lines(shell.ask("call.report", **({} if number is None else {"number": number}))))


def _count(given: Given, default: int, most: int) -> int:
    text = given.get("count", str(default))
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= most:
        raise ConsoleError(f"count: {text!r} is no number from 1 to {most}")
    return int(text)


def _audio(shell: Shell, _given: Given) -> None:
    status = shell.ask("status")
    values = {item["key"]: item["value"] for item in shell.ask("settings.list")["settings"]}
    names = ("audio.kind", "audio.capture_device", "audio.playback_device", "audio.mic_gain_db", "audio.ear_gain_db")
    shell.say(*fields({name: values[name] for name in (*names, "media.codecs", "media.tones")}))
    shell.say("", *fields({name.replace("_", " "): value for name, value in status["audio"].items()}))


def _gpio(shell: Shell, _given: Given) -> None:
    board = shell.ask("board.show")
    simple = {name: value for name, value in board.items() if name not in ("lines", "lamps", "relays", "missing")}
    shell.say(*fields(simple), "")
    rows = [
        (
            line["name"],
            line["direction"],
            "on" if line["active"] else "off",
            line["changes"],
            line["chip"],
            line["line"],
        )
        for line in board["lines"]
    ]
    shell.say(*table(("line", "", "level", "changes", "chip", "number"), rows, "this board has no lines"))
    devices = [("lamp", name, mode) for name, mode in board["lamps"].items()]
    devices += [("relay", name, "pulled" if pulled else "at rest") for name, pulled in board["relays"].items()]
    shell.say("", *table(("device", "name", "state"), devices, "no lamps and no relays"))
    for name, why in board.get("missing", {}).items():
        shell.say(f"{name} does not work, and is tried again: {why}")


def _level(active: bool) -> str:
    return "on" if active else "off"


def _network(shell: Shell, _given: Given) -> None:
    network, status = shell.ask("network.show"), shell.ask("status")
    rows = [
        (link["name"], link["state"], link["mac"], address)
        for link in network["interfaces"]
        for address in link["addresses"] or ["-"]
    ]
    shell.say(*table(("interface", "link", "MAC", "address"), rows, "no interface"), "")
    ports = f"{status['port']}" + (f", TLS {status['tls_port']}" if status.get("tls_port") else "")
    shell.say(
        *fields(
            {
                "gateway": ", ".join(network["gateways"]) or "none: nothing beyond this network can be reached",
                "name servers": ", ".join(network["name_servers"]) or "none: servers must be given by address",
                "SIP port": ports,
            }
        )
    )


def _storage(shell: Shell, _given: Given) -> None:
    facts = shell.ask("storage.show")
    age = facts["copy_age_s"]
    room = f"{facts['free_bytes'] / 1e6:.0f} MB free of {facts['total_bytes'] / 1e6:.0f} MB"
    shell.say(
        *fields(
            {
                "store": f"{facts['store']}, {facts['bytes'] / 1e3:.0f} kB",
                "last good copy": "none yet" if age is None else f"{duration(age)} old",
                "card": room + (", READ-ONLY" if facts["read_only"] else ""),
            }
        )
    )
    for notice in shell.ask("status")["notices"]:
        shell.say(f"note: {notice}")


def _log(shell: Shell, given: Given) -> None:
    shell.say(*shell.ask("log.tail", lines=_count(given, 50, MOST_LINES))["lines"])


def _phonebook(shell: Shell, _given: Given) -> None:
    rows = [(entry["name"], entry["target"], entry["short_code"]) for entry in shell.ask("phonebook.list")["entries"]]
    shell.say(*table(("name", "target", "code"), rows, "the phone book is empty"))


def _clock(shell: Shell, _given: Given) -> None:
    shell.say(time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(shell.wall_clock())))


def _texts(shell: Shell, _given: Given) -> None:
    rows = [
        (
            time.strftime("%Y-%m-%d %H:%M", time.localtime(message["at"])),
            printable(message.get("name") or message["from"]),
            printable(message["text"]),
        )
        for message in shell.ask("message.list")["messages"]
    ]
    shell.say(*table(("at", "from", "message"), rows, "no message since the phone was started"))


_COUNT = Argument("count", "at most so many", optional=True)

COMMANDS = (
    Command("show status", "the phone, its accounts and its calls", _status, monitor=True),
    Command(
        "show accounts",
        "the accounts, or everything about one",
        _accounts,
        (Argument("name", "one account", optional=True, choices=account_names, only=True),),
        monitor=True,
        example="show accounts office",
    ),
    Command("show registrations", "how the accounts stand with their servers", _registrations, monitor=True),
    Command("show calls", "the calls of now and the finished ones", _calls, (_COUNT,), monitor=True),
    Command(
        "show quality",
        "how a call sounded: the call of now or else the last, or one of `show calls`",
        _quality,
        (Argument("count", "its number: 1 is the last, 2 the one before", optional=True),),
        monitor=True,
        example="show quality 2",
    ),
    Command("show audio", "the sound card and its counters", _audio, monitor=True),
    Command("show gpio", "the lines of the board and what hangs on them", _gpio, monitor=True),
    Command("show network", "interfaces, addresses, gateway, name servers", _network, monitor=True),
    Command("show storage", "the store, its last good copy, the room on the card", _storage, monitor=True),
    Command("show log", "the last lines of the log", _log, (_COUNT,), monitor=True, example="show log 100"),
    Command("show messages", "the texts that came", _texts, monitor=True),
    Command("show phonebook", "the phone book", _phonebook, monitor=True),
    Command("show clock", "date and time of the board", _clock, monitor=True),
)
