"""The step of the account: kind of server, user, password; then the phone registers, and the answer is explained."""

from collections.abc import Generator

from device.annotations import Any
from device.console.errors import ConsoleError
from device.console.setup.explain import explain_registration
from device.console.setup.kept import keep
from device.console.setup.presets import PRESETS, ServerPreset
from device.console.setup.questions import ask, choose, confirm
from device.console.shell import Shell
from device.console.steps import AwaitEvent, Dialogue, Step
from device.control.client import DaemonEvent

ANSWER_PATIENCE_S = 20
ANSWERS = ("registered", "failed")
"""States of a registration that a server's answer leads to, or the lack of one."""
NAME = "main"
"""The account that the wizard makes."""
DIRECT = "none"


def account_step(shell: Shell) -> Dialogue:
    """Ask for the account, try it at once, and ask again until it works or the person has enough."""
    choices = [(name, preset.title) for name, preset in PRESETS.items()]
    choices.append((DIRECT, "no server: calls straight to the address of another phone"))
    accounts = {account["id"]: account for account in shell.ask("account.list")["accounts"]}
    name = NAME if NAME in accounts or not accounts else next(iter(accounts))
    kind = "any"
    while True:
        kind = yield from choose(shell, "what kind of server is it", choices, kind)
        if kind == DIRECT:
            keep(shell, "calls straight by IP", {"phone.direct_calls": "yes"})
            return
        yield from _ask_account(shell, name, PRESETS[kind], accounts.get(name, {}))
        if (yield from try_account(shell, name)):
            return
        if not (yield from confirm(shell, "change something and try again", True)):
            shell.say("  The phone goes on trying by itself.")
            return
        accounts = {account["id"]: account for account in shell.ask("account.list")["accounts"]}


def _ask_account(shell: Shell, name: str, preset: ServerPreset, present: dict[str, Any]) -> Dialogue:
    if preset.hint:
        shell.say(f"  Mind: {preset.hint}.")
    domain = yield from ask(
        shell,
        "server",
        str(present.get("domain") or preset.domain),
        help_text="name or address of the SIP server, with :port behind it where that is not 5060",
        check=lambda text: "" if text and " " not in text else "the server is needed, such as pbx.example.com",
    )
    user = yield from ask(
        shell,
        "user",
        str(present.get("user") or ""),
        help_text=preset.user_help,
        check=lambda text: "" if text and " " not in text and "@" not in text else preset.user_help,
    )
    auth_user = ""
    if preset.auth_user_help:
        auth_user = yield from ask(
            shell, "authentication name", str(present.get("auth_user") or user), help_text=preset.auth_user_help
        )
    has_one = present.get("password") not in (None, "none")
    password = yield from ask(shell, f"password{' (Enter keeps the present one)' if has_one else ''}", hidden=True)
    fields: dict[str, Any] = {**preset.fields, "domain": domain, "user": user, "register": True, "enabled": True}
    fields["auth_user"] = "" if auth_user == user else auth_user
    if password:
        fields["password"] = password
    elif not has_one:
        shell.say("  No password: the server must take this phone without one.")
    keep(shell, "account", accounts={name: fields})


def try_account(shell: Shell, name: str) -> Generator[Step, Any, bool]:
    """Wait for the server's answer and explain it; answers whether the account is registered."""
    answered = yield from _register(shell, name)
    account = shell.ask("account.show", id=name)
    realm = str(account.get("realm") or "")
    if realm:
        shell.say(f"  The server asks for passwords as {realm!r}.")
    if account["state"] == "registered" and answered:
        where = f" at {account['server']}" if account.get("server") else ""
        shell.say(f"  Registered as {account['user']}@{account['domain']}{where}.")
        return True
    if account["state"] == "registered":
        shell.say(
            f"  The server has not answered for {ANSWER_PATIENCE_S} s; what it granted before has not run out yet."
        )
        shell.say("    `why` looks at the network, `trace sip` at what passes")
        return False
    first, *rest = explain_registration(account)
    shell.say(f"  Not registered: {first}.", *(f"    {line}" for line in rest))
    return False


def _register(shell: Shell, name: str) -> Generator[Step, Any, bool]:
    """Register now; answers whether the server has said yes or no to this very request."""

    def is_answer(event: DaemonEvent) -> bool:
        said = event.params
        return event.topic == "registration" and said.get("account") == name and said.get("state") in ANSWERS

    with shell.following("registration"):
        asked = shell.ask("registration.refresh", account=name)["accounts"]
        shell.say("  Registering ...")
        return name in asked and (yield AwaitEvent(ANSWER_PATIENCE_S, is_answer, is_brief=True)) is not None


def test_account(shell: Shell, name: str) -> Generator[Step, Any, bool]:
    """`account test`: register now and explain the answer. Raises ConsoleError for an account that there is not."""
    known = [account["id"] for account in shell.ask("account.list")["accounts"]]
    if name not in known:
        raise ConsoleError(f"there is no account {name!r}; there is {', '.join(known) or 'none yet: `setup account`'}")
    return (yield from try_account(shell, name))
