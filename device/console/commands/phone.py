"""Telephoning from the console, texts, the phone book, and the registrations."""

from device.console.choices import account_names
from device.console.command_table import Argument, Choice, Command, Given
from device.console.errors import ConsoleError
from device.console.layout import shown
from device.console.outcomes import Outcome, message_outcome, message_words, transfer_outcome, transfer_words
from device.console.shell import Shell
from device.console.steps import Dialogue

STOP = "stop"
_CALL = Argument("call", "id of the call; the only one when left out", optional=True)


def _place(shell: Shell, given: Given) -> None:
    result = shell.ask("call.place", target=given["target"])
    shell.say(f"calling {given['target']} (call {shown(result.get('call'))}); `show calls` tells how it goes")


def _answer(shell: Shell, given: Given) -> None:
    shell.ask("call.answer", call=given.get("call"))
    shell.say("answered")


def _hang_up(shell: Shell, given: Given) -> None:
    shell.ask("call.hangup", call=given.get("call"))
    shell.say("hung up")


def _hold(shell: Shell, given: Given) -> None:
    shell.ask("call.hold", call=given.get("call"))
    shell.say("on hold")


def _resume(shell: Shell, given: Given) -> None:
    shell.ask("call.resume", call=given.get("call"))
    shell.say("off hold")


def _conference(shell: Shell, given: Given) -> None:
    shell.ask("call.conference", call=given.get("call"))
    shell.say("the three of you talk")


def _digits(shell: Shell, given: Given) -> None:
    shell.ask("call.digits", digits=given["digits"])
    shell.say("sent")


def _record(shell: Shell, given: Given) -> None:
    name = given.get("name")
    if name == STOP:
        shell.ask("call.record_stop")
        shell.say("the recording has ended")
        return
    path = shell.ask("call.record", path=name)["path"]
    shell.say(f"recording to {shown(path)}; `record stop` ends it")


def _play(shell: Shell, given: Given) -> None:
    if given["path"] == STOP:
        shell.ask("call.play_stop")
        shell.say("nothing plays any more")
        return
    shell.ask("call.play", path=given["path"])
    shell.say("playing to both sides; `play stop` ends it")


def _transfer(shell: Shell, given: Given) -> Dialogue:
    with shell.following("call"):
        shell.ask("call.transfer", target=given.get("target"))
        shell.say("asked; Ctrl-C stops looking on, not the transfer")
        came = yield transfer_outcome()
    _tell(shell, transfer_words(came, "show calls"))


def _message(shell: Shell, given: Given) -> Dialogue:
    with shell.following("message"):
        name = shell.ask("message.send", target=given["target"], text=given["text"])["message"]
        came = yield message_outcome(name)
    _tell(shell, message_words(came, "show log"))


def _tell(shell: Shell, outcome: Outcome) -> None:
    """Say how it came out. Raises ConsoleError when it did not."""
    is_good, words = outcome
    if not is_good:
        raise ConsoleError(words)
    shell.say(words)


def _phonebook_add(shell: Shell, given: Given) -> None:
    shell.ask("phonebook.add", name=given["name"], target=given["target"], short_code=given.get("code"))
    shell.say(f"{given['name']} is in the phone book")


def _phonebook_remove(shell: Shell, given: Given) -> None:
    shell.ask("phonebook.remove", name=given["name"])
    shell.say(f"{given['name']} is out of the phone book")


def _register(shell: Shell, given: Given) -> None:
    accounts = shell.ask("registration.refresh", account=given.get("account"))["accounts"]
    shell.say(f"registering {', '.join(accounts)}: see `show registrations`" if accounts else "no account registers")


def _targets(shell: Shell, _given: Given) -> list[Choice]:
    return [(entry["name"], entry["target"]) for entry in shell.ask("phonebook.list")["entries"]]


COMMANDS = (
    Command(
        "call",
        "call somebody, hands-free",
        _place,
        (Argument("target", "a number, a name of the phone book, or a SIP address", choices=_targets),),
        example="call 1002",
    ),
    Command("answer", "answer the call that rings", _answer, (_CALL,)),
    Command("hangup", "end a call, or refuse the one that rings", _hang_up, (_CALL,)),
    Command("hold", "put the call on hold", _hold, (_CALL,)),
    Command("resume", "take the call off hold", _resume, (_CALL,)),
    Command("conference", "make one talk of three of the call and the one that waits", _conference, (_CALL,)),
    Command("dtmf", "send digits in the call", _digits, (Argument("digits", "0-9, *, #, A-D"),), example="dtmf 123#"),
    Command(
        "record",
        "record the call, both sides in stereo",
        _record,
        (Argument("name", "name of the file, or stop to end it; named by time when left out", optional=True),),
        example="record",
    ),
    Command(
        "play",
        "let both sides of the call hear a WAV file",
        _play,
        (Argument("path", "the whole path of the file, or stop to end it"),),
        example="play /var/lib/offhook/announcement.wav",
    ),
    Command(
        "transfer",
        "send the far end of the call to somebody else, and wait for the outcome",
        _transfer,
        (Argument("target", "whom; the call that waits when left out", optional=True, choices=_targets),),
        example="transfer 1003",
    ),
    Command(
        "message",
        "send a text, and wait for the outcome",
        _message,
        (
            Argument("target", "a number, a name of the phone book, or a SIP address", choices=_targets),
            Argument("text", "what to say", rest=True),
        ),
        example="message 1002 The parcel is here.",
    ),
    Command(
        "phonebook add",
        "put somebody into the phone book",
        _phonebook_add,
        (
            Argument("name", "whom; in quotes where it has blanks"),
            Argument("target", "number or SIP address"),
            Argument("code", "digits to dial instead", optional=True),
        ),
        example='phonebook add "Front door" sip:door@192.0.2.7 11',
    ),
    Command(
        "phonebook remove",
        "take somebody out of the phone book",
        _phonebook_remove,
        (Argument("name", "whom", choices=_targets),),
    ),
    Command(
        "register",
        "register now instead of at the next deadline",
        _register,
        (Argument("account", "one account", optional=True, choices=account_names, only=True),),
    ),
)
