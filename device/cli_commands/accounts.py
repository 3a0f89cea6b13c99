"""Accounts: who this phone is at which server."""

from argparse import ArgumentParser, BooleanOptionalAction, Namespace

from device.cli_commands.command import EXIT_OK, Command, Session, UsageError
from device.console.account_form import EMPTY_WORDS

OPTIONS = (
    ("display_name", "NAME", "name shown to those who are called"),
    ("registrar", "HOST[:PORT]", "the registrar where it is not the domain"),
    ("outbound_proxy", "HOST[:PORT]", "where every request goes first"),
    ("proxy_mode", "route|always", "always: requests within calls go to the outbound proxy, too"),
    ("transport", "udp|tcp|tls|auto", "how to reach the server; auto asks the domain's DNS"),
    ("auth_user", "NAME", "user name for the password where it is not the user"),
    ("keepalive", "auto|crlf|options|stun|off", "what keeps the way to the server open"),
    ("privacy", "none|id|full", "id: withhold the number from those called; full: call as anonymous, too"),
    ("dtmf", "default|auto|rtp|info-relay|info|inband", "how digits are sent; default: as the setting media.dtmf says"),
    ("codecs", "default|LIST", "codecs, best first, by commas; default: as the setting media.codecs says"),
    ("realm", "TEXT", "the server's digest realm, if you know it: the password is then never stored, only its hash"),
)
FLAGS = (
    ("register", "register at the server; off for calls straight by IP address"),
    ("enabled", "use the account; off keeps it for later"),
    ("outbound", "have calls sent over the connection that is kept open, where the server can (RFC 5626)"),
    ("mwi", "be told of waiting messages"),
)


def split_address(address: str) -> tuple[str, str]:
    """User and domain of `user@domain`, `sip:user@domain` or, for calls by IP, a mere domain."""
    rest = address.removeprefix("sip:")
    user, at, domain = rest.rpartition("@")
    if not (domain if at else rest):
        raise UsageError(f"{address!r} is no address: write it as user@domain, such as 1001@pbx.example.com")
    return (user, domain) if at else ("", rest)


def _field_arguments(parser: ArgumentParser) -> None:
    for name, metavar, help_text in OPTIONS:
        parser.add_argument(f"--{name.replace('_', '-')}", metavar=metavar, help=help_text)
    parser.add_argument("--expires", metavar="SECONDS", type=int, help="registration lifetime to ask for")
    parser.add_argument(
        "--keepalive-interval", metavar="SECONDS", type=int, help="between keep-alives; 0 for what suits the transport"
    )
    for name, help_text in FLAGS:
        parser.add_argument(f"--{name}", action=BooleanOptionalAction, default=None, help=help_text)


def _given_fields(given: Namespace) -> dict[str, object]:
    names = [name for name, *_ in (*OPTIONS, *FLAGS)]
    values = {name: getattr(given, name) for name in names}
    for name, word in EMPTY_WORDS.items():
        if values[name] == word:
            values[name] = ""
    return {**values, "expires_s": given.expires, "keepalive_s": given.keepalive_interval}


def _id_argument(parser: ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="name of the account, such as office")


def _add_arguments(parser: ArgumentParser) -> None:
    _id_argument(parser)
    parser.add_argument("address", metavar="ADDRESS", help="user@domain, such as 1001@pbx.example.com")
    parser.add_argument("--password-stdin", action="store_true", help="take the password from standard input")
    parser.add_argument("--no-password", action="store_true", help="the server asks for none")
    _field_arguments(parser)


def _set_arguments(parser: ArgumentParser) -> None:
    _id_argument(parser)
    parser.add_argument("--address", metavar="ADDRESS", help="user@domain, such as 1001@pbx.example.com")
    parser.add_argument("--password", action="store_true", help="ask for a new password")
    parser.add_argument("--password-stdin", action="store_true", help="take a new password from standard input")
    _field_arguments(parser)


def _add(session: Session, given: Namespace) -> int:
    user, domain = split_address(given.address)
    password = None
    if not given.no_password and given.register is not False:
        password = session.read_password(given.address, given.password_stdin) or None
    elif given.password_stdin:
        password = session.read_password(given.address, from_stdin=True)
    result = session.ask(
        "account.add", id=given.id, user=user, domain=domain, password=password, **_given_fields(given)
    )
    return session.answer(result, f"account {given.id} is added; `offhook status` shows whether it is registered")


def _set(session: Session, given: Namespace) -> int:
    fields = _given_fields(given)
    if given.address is not None:
        fields["user"], fields["domain"] = split_address(given.address)
    if given.password or given.password_stdin:
        fields["password"] = session.read_password(given.id, given.password_stdin)
    if all(value is None for value in fields.values()):
        raise UsageError("nothing to change was given: `offhook help account set` shows what there is")
    result = session.ask("account.update", id=given.id, **fields)
    return session.answer(result, f"account {given.id} is changed; `offhook status` shows whether it is registered")


def _list(session: Session, _given: Namespace) -> int:
    result = session.ask("account.list")
    if session.output.as_json:
        return session.answer(result)
    rows = [
        (account["id"], account.get("aor", ""), account["transport"], account.get("password", ""), account["state"])
        for account in result["accounts"]
    ]
    head = ("account", "address", "by", "password", "state")
    session.output.table(head, rows, "no account yet: add one with `offhook account add`")
    return EXIT_OK


def _show(session: Session, given: Namespace) -> int:
    result = session.ask("account.show", id=given.id)
    if session.output.as_json:
        return session.answer(result)
    session.output.fields(result)
    return EXIT_OK


def _remove(session: Session, given: Namespace) -> int:
    return session.answer(session.ask("account.remove", id=given.id), f"account {given.id} is removed")


COMMANDS = (
    Command("account list", "show all accounts", "account list", _list),
    Command(
        "account add",
        "add an account and register it; the password is asked for",
        "account add office 1001@pbx.example.com",
        _add,
        _add_arguments,
    ),
    Command("account show", "show one account", "account show office", _show, _id_argument),
    Command("account set", "change an account", "account set office --expires 300", _set, _set_arguments),
    Command("account remove", "unregister an account and forget it", "account remove office", _remove, _id_argument),
)
