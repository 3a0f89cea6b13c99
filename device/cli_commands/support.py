"""For somebody far away: everything there is to know of this phone in one file, without secrets."""

import time
from argparse import ArgumentParser, Namespace

from device.cli_commands.command import EXIT_FAILED, Command, Session


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--out", metavar="FILE", default="", help="where to (default: offhook-support-TIME.tar.gz here)"
    )


def _bundle(session: Session, given: Namespace) -> int:
    from device.console.private_file import open_private  # noqa: PLC0415  # for whoever needs it
    from device.console.support import MAGIC, build_bundle, file_name  # noqa: PLC0415

    now = time.time()
    path = given.out or file_name(now)
    data = build_bundle(session.ask, now)
    try:
        with open_private(path, MAGIC) as file:
            file.write(data)
    except OSError as error:
        session.output.complain(f"{path}: {error.strerror}; name another file with --out")
        return EXIT_FAILED
    return session.answer({"file": path, "bytes": len(data)}, f"{path}: {len(data)} bytes, without passwords")


COMMANDS = (
    Command(
        "support",
        "put state, log, calls and configuration into one file, without passwords",
        "support --out bundle.tar.gz",
        _bundle,
        _arguments,
    ),
)
