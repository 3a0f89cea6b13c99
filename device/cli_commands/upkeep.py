"""Looking after the phone from a script: going back to an earlier configuration, passwords, the factory's state."""

from argparse import ArgumentParser, Namespace

from device.cli_commands.command import Command, Session, UsageError
from device.console.login import ROLES, make_verifier, password_fault

AUTHOR = "the command line"


def _roll_back(session: Session, given: Namespace) -> int:
    commits = session.ask("config.history")["commits"]
    if not 0 <= given.back < len(commits):
        there_are = f"0 to {len(commits) - 1}: `offhook show history` lists them" if commits else "none yet"
        raise UsageError(f"{given.back} is none of the commits that are kept ({there_are})")
    number = commits[given.back]["number"]
    comment = given.comment or f"back to commit {number}"
    wanted = {"settings": {}, "accounts": {}, "from": number}
    result = session.ask("config.commit", **wanted, author=AUTHOR, comment=comment)
    if not result["number"]:
        return session.answer(result, "nothing to change: all of it held already")
    sentence = f"commit {result['number']}: {', '.join(result['changed'])}"
    if result["restart"]:
        sentence += f"; after a restart of the daemon: {', '.join(result['restart'])}"
    return session.answer(result, sentence)


def _rollback_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("back", metavar="BACK", type=int, help="0 is the last commit, 1 the one before")
    parser.add_argument("--comment", metavar="TEXT", default="", help="why, for the history")


def _confirm(session: Session, _given: Namespace) -> int:
    result = session.ask("config.confirm", author=AUTHOR)
    number = result["number"]
    return session.answer(result, f"commit {number} is confirmed" if number else "no commit waits to be confirmed")


def _password_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("role", metavar="ROLE", nargs="?", default="admin", choices=tuple(ROLES), help=", ".join(ROLES))
    parser.add_argument("--password-stdin", action="store_true", help="take the password from standard input")
    parser.add_argument("--none", action="store_true", help="let nobody log in in this role any more (monitor)")


def _password(session: Session, given: Namespace) -> int:
    if given.none:
        if given.role == "admin":
            raise UsageError("admin keeps a password: `offhook settings set console.open=on` opens the console")
        session.ask("console.password", role=given.role, verifier="")
        return session.answer({"role": given.role}, f"nobody can log in as {given.role} any more")
    password = session.read_password(f"{given.role} of the console", given.password_stdin)
    fault = password_fault(password)
    if fault:
        raise UsageError(fault)
    session.ask("console.password", role=given.role, verifier=make_verifier(password))
    return session.answer({"role": given.role}, f"the console's password of {given.role} is changed")


def _reset_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--erase", action="store_true", help="yes, erase everything")
    parser.add_argument("--with-board", action="store_true", help="also what is set of board and sound card")


def _factory_reset(session: Session, given: Namespace) -> int:
    if not given.erase:
        raise UsageError(
            "this erases accounts, settings, passwords, phone book and call log, and nothing brings them back: say "
            "--erase if you mean it"
        )
    result = session.ask("store.reset", keep_board=not given.with_board)
    return session.answer(result, "erased; the phone starts anew")


COMMANDS = (
    Command(
        "rollback",
        "go back to what the configuration was so many commits ago, and commit that",
        "rollback 1 --comment 'the hotline was right'",
        _roll_back,
        _rollback_arguments,
    ),
    Command("confirm", "keep the commit that waits to be confirmed", "confirm", _confirm),
    Command(
        "password",
        "change the console's password of a role; it is asked for",
        "password monitor",
        _password,
        _password_arguments,
    ),
    Command(
        "factory reset",
        "erase everything, as the phone was delivered",
        "factory reset --erase",
        _factory_reset,
        _reset_arguments,
    ),
)
