"""The `offhook` command. Thin: it starts a program, or hands over to cli_commands, which talk to the control socket.

What starts the daemon must not import argparse or anything else that the daemon would then carry in its memory.
"""

import sys
from collections.abc import Sequence
from importlib import import_module

PROGRAMS = {
    "run": "device.daemon.main",
    "exchange": "device.daemon.exchange_main",
    "provision": "device.daemon.provision",
    "recover": "device.daemon.recovery",
    "console": "device.console.main",
    "store-service": "device.daemon.store_service",
    "doctor": "device.doctor.main",
    "upgrade": "device.upgrade.main",
    "discovery": "device.discovery.main",
    "demo": "device.demo",
}
"""Verbs that are programs of their own: the module whose `main(arguments)` answers the exit status."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments`, those of the process when left out; answer its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words and words[0] in PROGRAMS:
        return int(import_module(PROGRAMS[words[0]]).main(words[1:]))
    return int(import_module("device.cli_commands.shell").main(words))


if __name__ == "__main__":
    sys.exit(main())
