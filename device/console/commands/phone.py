"""Telephoning from the console, and the registrations."""

from device.console.choices import account_names
from device.console.command_table import Argument, Choice, Command, Given
from device.console.layout import shown
from device.console.shell import Shell

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
        "register",
        "register now instead of at the next deadline",
        _register,
        (Argument("account", "one account", optional=True, choices=account_names, only=True),),
    ),
)
