"""Texts to other phones, and those that came."""

import time
from argparse import ArgumentParser, Namespace

from device.cli_commands.command import EXIT_OK, Command, Session
from device.console.outcomes import message_outcome, message_words
from device.control.errors import FAILED, ControlError


def _send_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("target", metavar="TARGET", help="a number or a SIP address")
    parser.add_argument("text", metavar="TEXT", help="what to say; quoted for the shell")
    parser.add_argument("--account", metavar="ID", help="account to send with (default: the first registered one)")


def _send(session: Session, given: Namespace) -> int:
    session.client.subscribe(["message"])
    result = session.ask("message.send", target=given.target, text=given.text, account=given.account)
    event = session.wait(message_outcome(result["message"]))
    is_good, words = message_words(event, "offhook log")
    if event is None or not is_good:
        raise ControlError(FAILED, words)
    return session.answer({**result, "status": event.params["status"], "text": event.params["text"]}, words)


def _list(session: Session, _given: Namespace) -> int:
    result = session.ask("message.list")
    if session.output.as_json:
        return session.answer(result)
    session.use_phone_time()
    rows = [
        (
            time.strftime("%Y-%m-%d %H:%M", time.localtime(message["at"])),
            message.get("name") or message["from"],
            message["text"],
        )
        for message in result["messages"]
    ]
    session.output.table(("at", "from", "message"), rows, "no message since the daemon was started")
    return EXIT_OK


COMMANDS = (
    Command("message send", "send a text", "message send 1002 'The parcel is here.'", _send, _send_arguments),
    Command("message list", "show the texts that came", "message list", _list),
)
