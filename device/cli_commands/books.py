"""The phone book and the call log."""

from argparse import ArgumentParser, Namespace

from device.cli_commands.command import EXIT_OK, Command, Session
from device.console.overview import past_call_lines


def _list(session: Session, _given: Namespace) -> int:
    result = session.ask("phonebook.list")
    if session.output.as_json:
        return session.answer(result)
    rows = [(entry["name"], entry["target"], entry["short_code"]) for entry in result["entries"]]
    session.output.table(
        ("name", "target", "code"), rows, "the phone book is empty: fill it with `offhook phonebook add`"
    )
    return EXIT_OK


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="whom; quote names with spaces")
    parser.add_argument("target", metavar="TARGET", help="number or SIP address")
    parser.add_argument("--code", metavar="DIGITS", help="short code to dial instead")


def _add(session: Session, given: Namespace) -> int:
    result = session.ask("phonebook.add", name=given.name, target=given.target, short_code=given.code)
    return session.answer(result, f"{given.name} is in the phone book")


def _remove(session: Session, given: Namespace) -> int:
    return session.answer(
        session.ask("phonebook.remove", name=given.name), f"{given.name} is no longer in the phone book"
    )


def _calls(session: Session, given: Namespace) -> int:
    result = session.ask("calllog.list", limit=given.limit)
    if session.output.as_json:
        return session.answer(result)
    session.use_phone_time()
    session.output.lines(past_call_lines(result["calls"]))
    return EXIT_OK


COMMANDS = (
    Command("phonebook list", "show the phone book", "phonebook list", _list),
    Command(
        "phonebook add",
        "put somebody into the phone book",
        'phonebook add "Front door" sip:door@192.0.2.7 --code 11',
        _add,
        _add_arguments,
    ),
    Command(
        "phonebook remove",
        "take somebody out of the phone book",
        'phonebook remove "Front door"',
        _remove,
        lambda parser: parser.add_argument("name", metavar="NAME", help="whom, in any case"),
    ),
    Command(
        "calls",
        "show the finished calls, newest first",
        "calls --limit 10",
        _calls,
        lambda parser: parser.add_argument("--limit", metavar="N", type=int, default=20, help="at most so many (20)"),
    ),
)
