"""Settings of the daemon."""

from argparse import ArgumentParser, Namespace

from device.annotations import Any
from device.cli_commands.command import EXIT_OK, Command, Session, UsageError
from device.console.export import export_lines
from device.console.layout import shown


def _list_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("section", metavar="SECTION", nargs="?", default="", help="only those of one section")


def _list(session: Session, given: Namespace) -> int:
    settings = session.ask("settings.list")["settings"]
    wanted = given.section.rstrip(".") + "." if given.section else ""
    settings = [setting for setting in settings if setting["key"].startswith(wanted)]
    if not settings:
        raise UsageError(f"there is no section {given.section!r}: `offhook settings list` shows all settings")
    if session.output.as_json:
        return session.answer({"settings": settings})
    rows = [
        (
            setting["key"],
            shown(setting["value"]),
            "" if setting["value"] == setting["default"] else "*",
            setting["help"],
        )
        for setting in settings
    ]
    session.output.table(("setting", "value", "", "meaning"), rows, "")
    session.output.line()
    session.output.line("* changed from its default; `offhook settings reset KEY` brings it back")
    return EXIT_OK


def _mark(setting: dict[str, Any]) -> str:
    return "" if setting["value"] == setting["default"] else "*"


def _get(session: Session, given: Namespace) -> int:
    setting = session.ask("settings.get", key=given.key)
    if session.output.as_json:
        return session.answer(setting)
    session.output.line(setting["value"])
    return EXIT_OK


def _set(session: Session, given: Namespace) -> int:
    values: dict[str, str | None] = {}
    for word in given.settings:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise UsageError(f"{word!r}: write it as KEY=VALUE, such as phone.hotline=1002")
        values[key] = value
    return _change(session, values)


def _reset(session: Session, given: Namespace) -> int:
    return _change(session, dict.fromkeys(given.keys))


def _change(session: Session, values: dict[str, str | None]) -> int:
    result = session.ask("settings.set", values=values)
    sentence = f"changed: {', '.join(result['changed']) or 'nothing'}"
    if result.get("restart"):
        sentence += f"; after a restart of the daemon: {', '.join(result['restart'])}"
    return session.answer(result, sentence)


def _export_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--passphrase-file", metavar="FILE", help="put the secrets in as well, sealed under the first line of this file"
    )


def _sealed(session: Session, path: str | None) -> str:
    if path is None:
        return ""
    try:
        with open(path, encoding="utf-8") as file:
            passphrase = file.readline().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--passphrase-file {path}: {error}") from error
    if not passphrase:
        raise UsageError(f"--passphrase-file {path}: its first line is empty")
    return str(session.ask("store.seal", passphrase=passphrase)["sealed"])


def _export(session: Session, given: Namespace) -> int:
    sealed = _sealed(session, given.passphrase_file)
    settings, accounts = session.ask("settings.list")["settings"], session.ask("account.list")["accounts"]
    if session.output.as_json:
        return session.answer({"settings": settings, "accounts": accounts, **({"sealed": sealed} if sealed else {})})
    session.output.lines(export_lines(settings, accounts, sealed))
    return EXIT_OK


COMMANDS = (
    Command(
        "export",
        "show the configuration as a file for `offhook provision`, without secrets or with them sealed",
        "export",
        _export,
        _export_arguments,
    ),
    Command("settings list", "show all settings, or those of a section", "settings list phone", _list, _list_arguments),
    Command(
        "settings get",
        "show the value of one setting",
        "settings get phone.hotline",
        _get,
        lambda parser: parser.add_argument("key", metavar="KEY", help="section.field"),
    ),
    Command(
        "settings set",
        "change settings, all of them or, when one is wrong, none",
        "settings set phone.hotline=1002 audio.mic_gain_db=3",
        _set,
        lambda parser: parser.add_argument("settings", metavar="KEY=VALUE", nargs="+", help="section.field=value"),
    ),
    Command(
        "settings reset",
        "bring defaults back",
        "settings reset phone.hotline",
        _reset,
        lambda parser: parser.add_argument("keys", metavar="KEY", nargs="+", help="section.field"),
    ),
)
