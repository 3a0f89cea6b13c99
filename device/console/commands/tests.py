"""Trying things out: bell, tones, lamps, relays, keys, registrations, DNS and a call. Each ends by itself."""

from collections.abc import Generator

from device.annotations import Any
from device.console.choices import account_names
from device.console.command_table import Argument, Choice, Command, Given
from device.console.errors import BrokenOffError, ConsoleError
from device.console.happenings import clock, desk_words
from device.console.shell import Shell
from device.console.steps import AwaitEvent, Dialogue, Pause, Step

KEYPAD_PATIENCE_S = 60.0
DNS_PATIENCE_S = 15.0
"""A little longer than the longest look-up of one name (device/net/dns_lookups.py)."""
TONES = (
    *("dial", "second-dial", "message-waiting", "ringback", "busy", "reorder", "special-information", "howler"),
    *("call-waiting", "confirmation", "hold-reminder"),
)
LAMP_MODES = ("on", "off", "slow-blink", "fast-blink", "wink", "double-wink", "flutter")


def _seconds(given: Given) -> int | None:
    text = given.get("seconds")
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal():
        raise ConsoleError(f"seconds: {text!r} is no whole number")
    return int(text)


def _run(shell: Shell, what: str, method: str, given: Given, **params: object) -> Dialogue:
    """Begin a test and wait for its end; a key ends it before."""
    seconds = shell.ask(method, seconds=_seconds(given), **params)["seconds"]
    shell.say(f"{what} for {seconds} s (Ctrl-C ends it)")
    try:
        yield Pause(float(seconds), keeps_keys=True)
    except BrokenOffError:
        shell.ask("test.stop")
        raise


def _ring(shell: Shell, given: Given) -> Dialogue:
    return _run(shell, "the bell rings", "test.ring", given, name=given.get("pattern"))


def _tone(shell: Shell, given: Given) -> Dialogue:
    return _run(shell, "the tone is in the handset", "test.tone", given, name=given.get("tone"))


def _lamp(shell: Shell, given: Given) -> Dialogue:
    mode = given.get("mode", "fast-blink")
    return _run(shell, f"lamp {given['lamp']}: {mode}", "test.lamp", given, name=given["lamp"], mode=mode)


def _relay(shell: Shell, given: Given) -> Dialogue:
    return _run(shell, f"relay {given['relay']} is pulled", "test.relay", given, name=given["relay"])


def _keypad(shell: Shell, _given: Given) -> Dialogue:
    shell.say(
        "Press each key, turn the dial, lift and replace the handset: what the phone notices is shown.",
        "The keys do what they always do. Ctrl-C, or a minute without anything, ends this.",
    )
    seen: list[str] = []
    try:
        with shell.following("desk"):
            while (event := (yield AwaitEvent(KEYPAD_PATIENCE_S))) is not None:
                shell.say(f"{clock(shell.wall_clock())} {desk_words(event.params)}")
                if event.params.get("event") == "DigitDialled":
                    seen.append(str(event.params.get("name")))
    finally:
        shell.say(f"keys seen: {' '.join(dict.fromkeys(seen)) or 'none'}")


def _mic(shell: Shell, given: Given) -> Dialogue:
    from device.console.setup.machine import METER_S, measure  # noqa: PLC0415  # the wizard's way of measuring

    yield from measure(shell, loop_back=given.get("how") == "loop-back", seconds=_seconds(given) or METER_S)


def _register(shell: Shell, given: Given) -> Generator[Step, Any, bool]:
    from device.console.setup.account import test_account, try_account  # noqa: PLC0415  # the wizard's way of trying

    if "account" in given:
        return (yield from test_account(shell, given["account"]))
    accounts = [
        item
        for item in shell.ask("account.list")["accounts"]
        if item.get("enabled", True) and item.get("register", True)
    ]
    if not accounts:
        raise ConsoleError("no account registers: `setup account` makes one")
    good = 0
    for account in accounts:
        shell.say(f"{account['id']}:")
        good += yield from try_account(shell, account["id"])
    shell.say(f"{good} of {len(accounts)} registered")
    return good == len(accounts)


def _echo(shell: Shell, given: Given) -> Generator[Step, Any, bool]:
    from device.console.setup.trial_call import call_and_tell  # noqa: PLC0415  # the wizard's last step

    shell.say("Speak, and hear yourself: what comes back has been to the server and back again.")
    return (yield from call_and_tell(shell, given["number"]))


def _dns(shell: Shell, given: Given) -> Dialogue:
    from device.console.dns_words import DnsReport  # noqa: PLC0415  # with the words for all that can be wrong

    with shell.following("dns"):
        report = DnsReport(shell.ask("test.dns", name=given.get("name")))
        shell.say(*report.head())
        while not report.is_done:
            event = yield AwaitEvent(DNS_PATIENCE_S, is_brief=True)
            if event is None:
                raise ConsoleError("the phone tells nothing more of its look-up: `show log` may say why")
            shell.say(*report.receive(event.params))


def _echo_numbers(_shell: Shell, _given: Given) -> list[Choice]:
    from device.console.setup.presets import PRESETS  # noqa: PLC0415  # the wizard's knowledge

    return [(preset.echo, preset.title) for preset in PRESETS.values() if preset.echo]


def _lamps(shell: Shell, _given: Given) -> list[Choice]:
    return [(name, f"now {mode}") for name, mode in shell.ask("board.show")["lamps"].items()]


def _relays(shell: Shell, _given: Given) -> list[Choice]:
    return [(name, "pulled" if pulled else "at rest") for name, pulled in shell.ask("board.show")["relays"].items()]


_SECONDS = Argument("seconds", "for so long", optional=True)

COMMANDS = (
    Command(
        "test ring",
        "let the bell ring",
        _ring,
        (Argument("pattern", "a ring pattern such as uk or bellcore-dr2 (default)", optional=True), _SECONDS),
        example="test ring default 3",
    ),
    Command(
        "test tone",
        "play a tone in the handset",
        _tone,
        (
            Argument("tone", "which", optional=True, choices=lambda *_: [(tone, "") for tone in TONES], only=True),
            _SECONDS,
        ),
        example="test tone busy",
    ),
    Command(
        "test lamp",
        "light a lamp",
        _lamp,
        (
            Argument("lamp", "which", choices=_lamps, only=True),
            Argument("mode", "how", optional=True, choices=lambda *_: [(mode, "") for mode in LAMP_MODES], only=True),
            _SECONDS,
        ),
        example="test lamp registered on",
    ),
    Command(
        "test relay",
        "pull a relay for a moment; a door may open",
        _relay,
        (Argument("relay", "which", choices=_relays, only=True), _SECONDS),
        example="test relay door",
    ),
    Command(
        "test mic",
        "a bar for the loudness of the microphone; with loop-back it is heard a second later",
        _mic,
        (
            Argument(
                "how",
                "level or loop-back",
                optional=True,
                choices=lambda *_: [("level", "show it"), ("loop-back", "hear it, too")],
                only=True,
            ),
            _SECONDS,
        ),
        example="test mic loop-back 10",
    ),
    Command(
        "test register",
        "register now, one account or all, and explain what the server answers",
        _register,
        (Argument("account", "one account", optional=True, choices=account_names, only=True),),
        example="test register office",
    ),
    Command(
        "test echo",
        "call a number that sends back what it hears; ends ten seconds after the answer",
        _echo,
        (Argument("number", "the server's echo test, or any phone", choices=_echo_numbers),),
        example="test echo *43",
    ),
    Command(
        "test dns",
        "look up the servers of the accounts, or of an address, and say what DNS answers and what is wrong with it",
        _dns,
        (Argument("name", "an account, a host or a SIP address", optional=True, choices=account_names),),
        monitor=True,
        example="test dns office",
    ),
    Command("test keypad", "show keys, dial and handset as the phone notices them", _keypad),
)
