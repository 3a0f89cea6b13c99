"""`offhook exchange user`: who may register."""

import getpass
import os
import sys

from device.annotations import Final
from device.daemon.exchange_commands import Action, Desk, take_words
from device.daemon.exchange_options import ExchangeOptions
from device.daemon.exchange_tables import Table, told
from device.daemon.options import UsageError
from device.sip.digest import ALGORITHMS, ha1
from device.store.subscribers import Subscribers

STORED_ALGORITHMS = tuple(name for name in ALGORITHMS if name != "SHA-512-256")
"""What the exchange challenges with; decision 0003 tells why the third is left out."""

FORBIDDEN_IN_NAMES = ' <>"@:;,?%/\\'
"""What would have to be escaped in a URI, and never looks the same again."""


def is_meant(running: dict[str, object], options: ExchangeOptions) -> bool:
    """Whether the exchange that runs is the one whose users are meant: a store that is named must be its own."""
    return not options.store_named or os.path.realpath(options.store) == os.path.realpath(str(running["store"]))


def _add_user(desk: Desk, words: tuple[str, ...]) -> str:
    (name,) = take_words("user add", words, "a user name")
    check_name(name)
    if not desk.secret:
        raise UsageError("the password is empty; nothing was changed")
    values = {algorithm: ha1(algorithm, name, desk.domain, desk.secret) for algorithm in STORED_ALGORITHMS}
    Subscribers(desk.database).put(name, desk.domain, values)
    return f"{name}@{desk.domain} may register now\n"


def check_name(name: str) -> None:
    """Raises UsageError for a name that no URI carries as it is."""
    if not name or not name.isprintable() or any(character in FORBIDDEN_IN_NAMES for character in name):
        raise UsageError(f"{name!r} cannot be a user name: letters, digits and . _ - + * # are fine")


def ask_password(name: str) -> str:
    """The password of a user, typed twice at a terminal. Raises UsageError."""
    check_name(name)
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask for the password: pipe it in with --password-stdin")
    password = getpass.getpass(f"Password for {name}: ")
    if getpass.getpass("Again: ") != password:
        raise UsageError("the two passwords differ; nothing was changed")
    return password


def _remove_user(desk: Desk, words: tuple[str, ...]) -> str:
    (name,) = take_words("user remove", words, "a user name")
    remove_user(desk, name)
    return f"{name}@{desk.domain} is removed\n"


def remove_user(desk: Desk, name: str) -> None:
    """Forget a user of the desk's domain with all that was said to them. Raises StoreError."""
    from device.daemon.services.commands import boxes_at  # noqa: PLC0415  # most exchanges have no voicemail

    Subscribers(desk.database).remove(name, desk.domain)
    boxes_at(desk).forget_box(name)


def _list_users(desk: Desk, words: tuple[str, ...]) -> str:
    take_words("user list", words)
    users = Subscribers(desk.database).list()
    if desk.form == "text":
        return "".join(f"{aor.user}@{aor.domain}\n" for aor in users)
    return told(Table("users", [{"user": aor.user, "domain": aor.domain} for aor in users], ""), desk.form)


ACTIONS: Final[dict[str, Action]] = {
    "user add": _add_user,
    "user remove": _remove_user,
    "user list": _list_users,
}


def give_to_owner_of_folder(store: str) -> None:
    """What root has written must stay readable for the service, which is another user."""
    if os.geteuid() != 0:
        return
    folder, name = os.path.split(os.path.abspath(store))
    owner = os.stat(folder)
    for entry in os.listdir(folder):
        if entry.startswith(name):
            os.chown(os.path.join(folder, entry), owner.st_uid, owner.st_gid, follow_symlinks=False)
