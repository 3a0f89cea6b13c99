"""Changing the configuration: typed into a candidate, looked at, committed as a whole, taken back."""

import time
from difflib import get_close_matches

from device.annotations import Any
from device.console.account_form import ADDRESS, DEFAULTS, FIELD_HELP, PASSWORD, field_text, parse_field, value_choices
from device.console.command_table import Argument, Choice, Command, Given
from device.console.errors import ConsoleError
from device.console.export import export_lines
from device.console.layout import duration, shown, table
from device.console.shell import Shell
from device.console.steps import AskLine, Dialogue
from device.console.words import quoted, split_words
from device.control.errors import ControlError, DaemonUnreachableError

SECRET_KEYS = ("phone.door_code",)
LONGEST_MINUTES = 24 * 60
PASSPHRASES = 3
"""How often a passphrase is asked for before the command ends; nothing is lost by that."""
STILL_SEALED = (
    "nothing was committed, and nothing is lost: `commit` asks for the passphrase again; "
    "`discard` and an import without the table [sealed] do without the secrets"
)


def _settings(shell: Shell) -> dict[str, dict[str, Any]]:
    return {item["key"]: item for item in shell.ask("settings.list")["settings"]}


def _begin(shell: Shell) -> None:
    """Remember what the person knows when the first change is typed."""
    if not shell.candidate:
        commits = shell.ask("config.history")["commits"]
        shell.candidate.since = commits[0]["number"] if commits else 0


def _noted(shell: Shell, name: str) -> None:
    """Say what a commit would refuse about what was just typed; it may still be made good by the next line."""
    faults = shell.ask("config.changes", **shell.candidate.params())["faults"]
    for fault in faults:
        if name in fault:
            shell.say(f"noted, but not yet fit to be committed: {fault}")


# Settings.


def _full_key(shell: Shell, key: str, rest: str | None) -> tuple[str, str | None]:
    """The setting that was meant, and the value: `phone hotline 1002` will do for `phone.hotline 1002`."""
    known = _settings(shell)
    if key in known:
        return key, rest
    name, _, value = (rest or "").partition(" ")
    if f"{key}.{name}" in known:
        return f"{key}.{name}", _one_word(value.strip()) if value.strip() else None
    near = get_close_matches(key, known, 1) or get_close_matches(f"{key}.{name}", known, 1)
    hint = f"did you mean {near[0]}?" if near else "`show settings` lists all"
    raise ConsoleError(f"{key}: there is no such setting; {hint}")


def _set(shell: Shell, given: Given) -> Dialogue:
    key, value = _full_key(shell, given["key"], given.get("value"))
    if value is None:
        present = "" if key in SECRET_KEYS else _settings(shell)[key]["value"]
        value = yield AskLine(f"{key}: ", hidden=key in SECRET_KEYS, text=present)
    elif key in SECRET_KEYS:
        shell.editor.history.forget_last()
    _begin(shell)
    shell.candidate.set_setting(key, value)
    _noted(shell, key)


def _one_word(text: str) -> str:
    """A text without the quotes around it, where there are any."""
    words = split_words(text)
    return words[0].text if len(words) == 1 else text


def _delete(shell: Shell, given: Given) -> None:
    if given["key"] in _unknown_keys(shell):
        shell.candidate.forget_setting(given["key"])
        return
    key, _ = _full_key(shell, given["key"], given.get("more"))
    _begin(shell)
    shell.candidate.set_setting(key, None)
    _noted(shell, key)


def _unknown_keys(shell: Shell) -> list[str]:
    """What an imported file has brought and no phone knows."""
    known = _settings(shell)
    return [key for key in shell.candidate.settings if key not in known]


def _keys(shell: Shell, _given: Given) -> list[Choice]:
    return [(key, item["help"]) for key, item in _settings(shell).items()]


def _changed_keys(shell: Shell, _given: Given) -> list[Choice]:
    changed = [
        (key, f"now {item['value']}") for key, item in _settings(shell).items() if item["value"] != item["default"]
    ]
    return [*changed, *((key, "not known, from an import") for key in _unknown_keys(shell))]


def _values(shell: Shell, given: Given) -> list[Choice]:
    item = _settings(shell).get(given.get("key", ""))
    if item is None:
        return []
    if item["kind"] == "bool":
        return [("on", item["help"]), ("off", "")]
    found = {quoted(item["value"]): "now", quoted(item["default"]): "the default"}
    return [*found.items(), ("<value>", item["help"])]


# Accounts.


def _accounts(shell: Shell) -> dict[str, dict[str, Any]]:
    return {account["id"]: account for account in shell.ask("account.list")["accounts"]}


def _set_account(shell: Shell, given: Given) -> Dialogue:
    name, field = given["name"], given["field"]
    value = given.get("value")
    if field == PASSWORD:
        if value:
            shell.editor.history.forget_last()
            raise ConsoleError("a password on the line is seen by others: leave it out, and it is asked for")
        value = yield AskLine(f"Password of {name}: ", hidden=True)
        if not value:
            raise ConsoleError("no password was typed; nothing is changed")
        parsed: dict[str, Any] = {PASSWORD: value}
    elif value is None:
        raise ConsoleError(f"{field} of {name} is missing ({FIELD_HELP[field]})")
    else:
        parsed = parse_field(field, value)
    _begin(shell)
    for key, item in parsed.items():
        shell.candidate.set_account(name, key, item)
    _noted(shell, f"account.{name}.{next(iter(parsed))}")


def _delete_account(shell: Shell, given: Given) -> None:
    name, field = given["name"], given.get("field")
    existing = _accounts(shell)
    if name not in existing and name not in shell.candidate.accounts:
        near = get_close_matches(name, existing, 1)
        hint = f"did you mean {near[0]}?" if near else "`show accounts` lists those there are"
        raise ConsoleError(f"there is no account {name!r}; {hint}")
    _begin(shell)
    if field is None:
        shell.candidate.delete_account(name, name in existing)
    elif field in DEFAULTS:
        shell.candidate.set_account(name, field, DEFAULTS[field])
    else:
        raise ConsoleError(f"{field} has no default to go back to: set another one")


def _account_names(shell: Shell, _given: Given) -> list[Choice]:
    names = {name: account["aor"] for name, account in _accounts(shell).items()}
    names.update({name: "not yet committed" for name in shell.candidate.accounts if name not in names})
    return list(names.items())


def _fields(_shell: Shell, _given: Given) -> list[Choice]:
    return list(FIELD_HELP.items())


def _field_values(_shell: Shell, given: Given) -> list[Choice]:
    return value_choices(given.get("field", ""))


# Looking.


def _changes(shell: Shell, _given: Given) -> None:
    if not shell.candidate:
        shell.say("no changes")
        return
    answer = shell.ask("config.changes", **shell.candidate.params())
    rows = [
        (change["key"], _value(change["before"], ""), "->", _value(change["after"], change["key"]))
        for change in answer["changes"]
    ]
    shell.say(*table(("what", "now", "", "after the commit"), rows, "no changes: all of it holds already"))
    if answer["faults"]:
        shell.say("", "A commit would be refused:", *(f"  {fault}" for fault in answer["faults"]))


def _value(value: str | None, key: str) -> str:
    if value is None:
        return "(removed)" if key.startswith("account.") else "(default)"
    return quoted(value)


def _configuration(shell: Shell, given: Given) -> None:
    lines = _lines_now(shell)
    for change in shell.ask("config.changes", **shell.candidate.params())["changes"]:
        key, after = change["key"], change["after"]
        for gone in [line for line in lines if line == key or line.startswith(f"{key}.")]:
            del lines[gone]
        if after is not None:
            lines[key] = after
    wanted = given.get("section", "")
    said = [_as_command(key, value) for key, value in sorted(lines.items()) if key.startswith(wanted)]
    shell.say_as_it_is(said or ["everything is at its default"])
    if shell.candidate:
        shell.say("(with changes that are not committed: `show changes`)")


def _lines_now(shell: Shell) -> dict[str, str]:
    """What is not at its default now, by key."""
    lines = {key: item["value"] for key, item in _settings(shell).items() if item["value"] != item["default"]}
    for name, account in _accounts(shell).items():
        for field, default in DEFAULTS.items():
            if account.get(field) != default:
                lines[f"account.{name}.{field}"] = field_text(account.get(field))
        if account["password"] != "none":  # noqa: S105  # a word for "there is none"
            lines[f"account.{name}.{PASSWORD}"] = f"({account['password']})"
    return lines


def _as_command(key: str, value: str) -> str:
    """A line that could be typed."""
    if key.startswith("account."):
        name, _, field = key.removeprefix("account.").rpartition(".")
        return f"set account {name} {field}{f' {quoted(value)}' if field != PASSWORD else ''}"
    return f"set {key} {quoted(value)}"


def _show_settings(shell: Shell, given: Given) -> None:
    wanted = given.get("section", "").rstrip(".")
    rows = [
        (key, shown(item["value"]), "" if item["value"] == item["default"] else "*", item["help"])
        for key, item in _settings(shell).items()
        if not wanted or key.startswith(f"{wanted}.")
    ]
    shell.say(*table(("setting", "value", "", "meaning"), rows, f"there is no section {wanted!r}"))


def _export(shell: Shell, _given: Given) -> None:
    shell.say_as_it_is(export_lines(shell.ask("settings.list")["settings"], shell.ask("account.list")["accounts"]))


def _export_sealed(shell: Shell, _given: Given) -> Dialogue:
    first = yield AskLine("Passphrase for the secrets: ", hidden=True)
    again = yield AskLine("The same again: ", hidden=True)
    if first != again:
        raise ConsoleError("the two are not the same; nothing was exported")
    sealed = shell.ask("store.seal", passphrase=first)["sealed"]
    settings, accounts = shell.ask("settings.list")["settings"], shell.ask("account.list")["accounts"]
    shell.say_as_it_is(export_lines(settings, accounts, sealed))


def _import(shell: Shell, _given: Given) -> Dialogue:
    from device.console.import_file import END, MAX_LINES, take_file  # noqa: PLC0415  # with its parser of TOML

    shell.say(f"Paste the file that `export` made; a line with {END} alone ends it, Ctrl-C drops it.")
    lines: list[str] = []
    while (line := str((yield AskLine("")))).strip() != END:
        lines.append(line)
        if len(lines) > MAX_LINES:
            raise ConsoleError(f"more than {MAX_LINES} lines are no file of `export`; nothing was taken")
    _begin(shell)
    settings, accounts = take_file("\n".join(lines), shell.candidate)
    if shell.candidate.sealed and not shell.candidate.passphrase:
        yield from _ask_passphrase(shell)
        if not shell.candidate.passphrase:
            shell.say("its secrets stay sealed; `commit` asks for the passphrase again")
    what = " and ".join(
        f"{count} {word}{'' if count == 1 else 's'}" for count, word in ((settings, "setting"), (accounts, "account"))
    )
    shell.say(f"in the candidate now: {what}; `show changes`, then `commit`")
    faults = shell.ask("config.changes", **shell.candidate.params())["faults"]
    shell.say(*(f"not yet fit to be committed: {fault}" for fault in faults))


def _ask_passphrase(shell: Shell) -> Dialogue:
    """Have the passphrase that opens the secrets of an import, and keep none that was not tried; Enter goes without."""
    candidate = shell.candidate
    for _ in range(PASSPHRASES):
        typed = str((yield AskLine("Passphrase of its secrets: ", hidden=True)))
        if not typed:
            return
        try:
            shell.ask("store.unseal", passphrase=typed, sealed=candidate.sealed, check=True)
        except DaemonUnreachableError:
            shell.say("the phone cannot try the passphrase now")
            return
        except ControlError as error:
            shell.say(str(error))
        else:
            candidate.passphrase = typed
            return


def _sections(shell: Shell, _given: Given) -> list[Choice]:
    return [(section, "") for section in dict.fromkeys(key.partition(".")[0] for key in _settings(shell))]


def _history(shell: Shell, _given: Given) -> None:
    answer = shell.ask("config.history")
    rows = []
    for back, commit in enumerate(answer["commits"]):
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(commit["at"]))
        waits = "  (waits to be confirmed)" if commit["number"] == answer["unconfirmed"] else ""
        rows.append((str(back), when, commit["author"], f"{commit['comment']}{waits}"))
    shell.say(*table(("rollback", "when", "by", "comment"), rows, "nothing was committed yet"))


# Deciding.


def _commit(shell: Shell, given: Given) -> Dialogue:
    return _do_commit(shell, given.get("comment", ""), None)


def _commit_confirm(shell: Shell, given: Given) -> Dialogue:
    minutes = given.get("minutes", "")
    if not minutes.isascii() or not minutes.isdecimal() or not 1 <= int(minutes) <= LONGEST_MINUTES:
        raise ConsoleError(f"minutes: {minutes!r} is no number from 1 to {LONGEST_MINUTES}")
    return _do_commit(shell, given.get("comment", ""), int(minutes) * 60)


def _do_commit(shell: Shell, comment: str, confirm_s: int | None) -> Dialogue:
    candidate = shell.candidate
    if not candidate:
        shell.say("no changes to commit")
        return
    if candidate.sealed and confirm_s is not None:
        raise ConsoleError(
            "secrets of an import cannot be taken back by themselves: `commit` makes them count for good"
        )
    if candidate.sealed and not candidate.passphrase:
        yield from _ask_passphrase(shell)
        if not candidate.passphrase:
            raise ConsoleError(STILL_SEALED)
    given = {**candidate.params(), "author": shell.author, "comment": comment, "since": candidate.since}
    try:
        answer = shell.ask("config.commit", confirm_s=confirm_s, **given)
    except ControlError as error:
        if isinstance(error.data, dict) and "newest" in error.data:
            # The person has been told now; the next commit goes on knowingly.
            candidate.since = error.data["newest"]
        raise
    candidate.clear_plain()
    _take_secrets(shell)
    candidate.clear()
    _tell_commit(shell, answer, confirm_s)


def _take_secrets(shell: Shell) -> None:
    """Open what an import has brought sealed; where that fails it stays in the candidate for the next commit."""
    candidate = shell.candidate
    if candidate.sealed:
        taken = shell.ask("store.unseal", passphrase=candidate.passphrase, sealed=candidate.sealed)["taken"]
        shell.say(f"secrets taken: {', '.join(taken) or 'none, for no account of that name is there'}")


def _tell_commit(shell: Shell, answer: dict[str, Any], confirm_s: int | None) -> None:
    if not answer["number"]:
        shell.say("no changes: all of it held already")
        return
    shell.say(f"commit {answer['number']}: {', '.join(answer['changed'])}")
    if answer["registering"]:
        shell.say(f"registering anew where that is needed: {', '.join(answer['registering'])}")
    if answer["restart"]:
        shell.say(f"counts from the next start of the phone on: {', '.join(answer['restart'])}")
    if confirm_s is not None:
        shell.say(f"This is taken back in {duration(confirm_s)}, or by a restart, unless you type `confirm`.")


def _check(shell: Shell, _given: Given) -> None:
    faults = shell.ask("config.changes", **shell.candidate.params())["faults"]
    shell.say(*(faults or ["a commit would be accepted" if shell.candidate else "no changes to commit"]))


def _confirm(shell: Shell, _given: Given) -> None:
    number = shell.ask("config.confirm", author=shell.author)["number"]
    shell.say(f"commit {number} is confirmed" if number else "no commit waits to be confirmed")


def _discard(shell: Shell, _given: Given) -> None:
    shell.say("the changes are dropped" if shell.candidate else "no changes")
    shell.candidate.clear()


def _roll_back(shell: Shell, given: Given) -> None:
    commits = shell.ask("config.history")["commits"]
    back = given["back"]
    if not back.isascii() or not back.isdecimal() or int(back) >= len(commits):
        there_are = f"0 to {len(commits) - 1}: `show history` lists them" if commits else "none yet"
        raise ConsoleError(f"back: {back!r} is none of the commits that are kept ({there_are})")
    _begin(shell)
    shell.candidate.roll_back(commits[int(back)]["number"])
    shell.say("`show changes` shows what that means, `commit` makes it so")


def _commits(shell: Shell, _given: Given) -> list[Choice]:
    commits = shell.ask("config.history")["commits"]
    return [(str(back), f"{commit['author']}: {commit['comment']}") for back, commit in enumerate(commits)]


_COMMENT = Argument("comment", "why, for the history", optional=True, rest=True)
_NAME = Argument("name", "name of the account, such as office", choices=_account_names)

COMMANDS = (
    Command(
        "set",
        "change a setting in the candidate; `commit` makes it count",
        _set,
        (
            Argument("key", "section.field", choices=_keys),
            Argument(
                "value", "the new value; it is asked for when left out", optional=True, choices=_values, rest=True
            ),
        ),
        example="set phone.hotline 1002",
    ),
    Command(
        "set account",
        "change an account in the candidate, or begin one; a password is asked for",
        _set_account,
        (
            _NAME,
            Argument("field", "what of it", choices=_fields, only=True),
            Argument("value", "the new value", optional=True, choices=_field_values, rest=True),
        ),
        example=f"set account office {ADDRESS} 1001@pbx.example.com",
    ),
    Command(
        "delete",
        "bring a setting back to its default, in the candidate",
        _delete,
        (Argument("key", "section.field", choices=_changed_keys), Argument("more", "the field", optional=True)),
        example="delete phone.hotline",
    ),
    Command(
        "delete account",
        "remove an account, or bring one of its fields back to the default, in the candidate",
        _delete_account,
        (_NAME, Argument("field", "what of it", optional=True, choices=_fields, only=True)),
        example="delete account office",
    ),
    Command("show changes", "what a commit would change", _changes),
    Command(
        "show configuration",
        "all that is not at its default, as lines to type",
        _configuration,
        (Argument("section", "one section", optional=True, choices=_sections),),
        monitor=True,
    ),
    Command(
        "show settings",
        "every setting with its value and meaning",
        _show_settings,
        (Argument("section", "one section", optional=True, choices=_sections, only=True),),
        monitor=True,
        example="show settings phone",
    ),
    Command("export", "the configuration as a file for `offhook provision`, without secrets", _export, monitor=True),
    Command("export sealed", "the same with the secrets under a passphrase that is asked for", _export_sealed),
    Command("import", "a file that `export` made, pasted here, into the candidate", _import),
    Command("show history", "the last 20 commits", _history, monitor=True),
    Command(
        "commit", "make the changes count, all of them or none", _commit, (_COMMENT,), example="commit new hotline"
    ),
    Command(
        "commit confirm",
        "commit, and take it back after so many minutes unless `confirm` is typed",
        _commit_confirm,
        (Argument("minutes", f"1 to {LONGEST_MINUTES}"), _COMMENT),
        example="commit confirm 5",
    ),
    Command("commit check", "say whether a commit would be accepted, and make none", _check),
    Command("confirm", "keep the commit that waits to be confirmed", _confirm),
    Command("discard", "drop the changes that are not committed", _discard),
    Command(
        "rollback",
        "make what held so many commits ago the candidate",
        _roll_back,
        (Argument("back", "0 is the last commit, 1 the one before", choices=_commits),),
        example="rollback 1",
    ),
)
