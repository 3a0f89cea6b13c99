"""Who may use a console: the log-in, the first password, and how passwords become what the store keeps.

The store keeps what scrypt (RFC 7914) makes of a password, never the password; the daemon is spared that work.
"""

import hashlib
import os
from collections.abc import Generator, Mapping

from device.annotations import Any
from device.console.command_table import ADMIN, MONITOR
from device.console.errors import BrokenOffError, LoggedOutError
from device.console.shell import Shell
from device.console.steps import AskLine, Pause, Step
from device.control.errors import ControlError

SCRYPT_N, SCRYPT_R, SCRYPT_P = 16384, 8, 1
"""16 MiB and, on a Raspberry Pi Zero, half a second for each guess."""
SALT_BYTES = 16
KEY_BYTES = 32
SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 200
OPEN_WORD = "open"
ROLES = {ADMIN: "all commands", MONITOR: "looks on and changes nothing"}


def derive_key(password: str, how: str) -> str:
    """The key, in hex, that scrypt derives from a password; `how` is "scrypt:N:r:p:salt in hex"."""
    _, n, r, p, salt = how.split(":")[:5]
    memory = 128 * int(n) * int(r) + (1 << 20)
    return hashlib.scrypt(
        password.encode(), salt=bytes.fromhex(salt), n=int(n), r=int(r), p=int(p), maxmem=memory, dklen=KEY_BYTES
    ).hex()


def make_verifier(password: str, salt: bytes | None = None) -> str:
    """What the store keeps of a password: the way to the key, a colon, the key."""
    how = f"scrypt:{SCRYPT_N}:{SCRYPT_R}:{SCRYPT_P}:{(salt or os.urandom(SALT_BYTES)).hex()}"
    return f"{how}:{derive_key(password, how)}"


def password_fault(password: str) -> str:
    """What speaks against a password; empty for nothing."""
    if len(password) < SHORTEST_PASSWORD:
        return f"a password has at least {SHORTEST_PASSWORD} characters"
    if len(password) > LONGEST_PASSWORD:
        return f"a password has at most {LONGEST_PASSWORD} characters"
    if len(set(password)) < 3:
        return "a password of one or two characters repeated is guessed at once"
    return ""


def greeting(shell: Shell) -> list[str]:
    """The lines that a person sees first."""
    lines = ["", f"offhook {shell.version} on {shell.line}"]
    return lines if shell.link.is_up else [*lines, "The phone does not answer; settings can be shown and changed."]


def log_in(shell: Shell) -> Generator[Step, Any, str]:
    """Ask until somebody may come in; answers the role."""
    shell.say(*greeting(shell))
    while True:
        try:
            access = shell.ask("console.access", line=shell.line)
            shell.idle_log_out_s = float(access["idle_log_out_s"])
            role = yield from _enter(shell, access)
        except ControlError as error:
            shell.explain(error)
            yield from _wait_for_enter(shell)
            continue
        except BrokenOffError as broken:
            if broken.ended and not shell.lasts:
                raise LoggedOutError("the person has left") from None
            shell.say(*greeting(shell))
            continue
        if role:
            return role


def _wait_for_enter(shell: Shell) -> Generator[Step, Any, None]:
    try:
        yield AskLine("Press Enter to try again. ", hidden=True)
    except BrokenOffError as broken:
        if broken.ended and not shell.lasts:
            raise LoggedOutError("the person has left") from None


def _enter(shell: Shell, access: Mapping[str, Any]) -> Generator[Step, Any, str]:
    """One attempt; answers the role, or nothing."""
    if access["open"]:
        shell.say("This console asks for no password (console.open is on).")
        return ADMIN
    verifiers = access["verifiers"]
    if ADMIN not in verifiers:
        return (yield from _choose_first_password(shell))
    if access["wait_s"] > 0:
        yield from _sit_out(shell, access)
    name = str((yield AskLine("login: "))).strip()
    if not name:
        shell.say(*greeting(shell), _who(verifiers))
        return ""
    if name not in verifiers:
        # Nobody is told a secret by this, and noise on the line locks nobody out.
        shell.say(f"There is no log-in of that name. {_who(verifiers)}")
        return ""
    password = str((yield AskLine("Password: ", hidden=True)))
    try:
        shell.ask("console.login", role=name, key=derive_key(password, verifiers[name]), line=shell.line)
    except ControlError as error:
        shell.say(error.message)
        return ""
    return name


def _who(verifiers: Mapping[str, str]) -> str:
    return "Log in as " + " or ".join(f"{role} ({ROLES[role]})" for role in verifiers if role in ROLES) + "."


def _sit_out(shell: Shell, access: Mapping[str, Any]) -> Generator[Step, Any, None]:
    seconds = float(access["wait_s"])
    shell.say(f"After {access['failures']} wrong passwords in a row: wait {seconds:.0f} s")
    yield Pause(seconds)


def _choose_first_password(shell: Shell) -> Generator[Step, Any, str]:
    shell.say(
        "",
        "This console has no password yet, and none by default: choose one now.",
        f"(Or type the word {OPEN_WORD} for a console that never asks for one.)",
    )
    while True:
        password = yield from ask_new_password(f"New password for {ADMIN}: ", shell, allow=OPEN_WORD)
        if password == OPEN_WORD:
            shell.say("Whoever reaches this line will then have full control of the phone.")
            if str((yield AskLine("Type yes to confirm: "))).strip().lower() != "yes":
                continue
            shell.ask("settings.set", values={"console.open": "on"})
            shell.say("This console is open. `set console open off` and a commit close it again.")
            return ADMIN
        shell.ask("console.password", role=ADMIN, verifier=make_verifier(password))
        shell.say("The password is set. `help` explains the console.")
        return ADMIN


def ask_new_password(prompt: str, shell: Shell, allow: str = "") -> Generator[Step, Any, str]:
    """Ask for a new password, twice, until it will do. Nothing is echoed."""
    while True:
        password = str((yield AskLine(prompt, hidden=True)))
        if allow and password == allow:
            return password
        fault = password_fault(password)
        if fault:
            shell.say(f"Not taken: {fault}.")
            continue
        if str((yield AskLine("The same again: ", hidden=True))) == password:
            return password
        shell.say("The two are not the same: once more.")
