"""A network of its own for virtual boards: a namespace with a switch and no way out.

The namespace has a bridge with the machine's end of it on 10.77.0.1, a TAP for each board, a DHCP server, and a
capture of everything that passes. Nothing in it can reach the real network, since no interface of that is in it.
"""

import os
import subprocess
import sys
from itertools import count
from pathlib import Path

from tests.support.namespaces import ip
from tests.support.processes import Program, find_program, wait_until

_NUMBERS = count(1)

BRIDGE = "bridge"
HOST_ADDRESS = "10.77.0.1"
"""Where the host's side of the switch is: the registrar, the far ends of calls."""

ADDRESS_PREFIX = 24
LEASE_S = 120
"""The shortest that dnsmasq gives, so that a new address is asked for soon."""


class BoardNetwork:
    """One namespace. A context manager; `folder` gets logs and captures."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = f"offhook-board-{os.getpid()}-{next(_NUMBERS)}"
        self.prefix = ("ip", "netns", "exec", self.name)
        """What a command is put behind to run in here; `ip` becomes the command and keeps the process id."""
        self._programs: list[Program] = []
        self._dhcp: Program | None = None
        self._taps = 0

    def __enter__(self) -> "BoardNetwork":
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Make the namespace and the switch. Needs root."""
        ip("netns", "add", self.name)
        self.ip("link", "set", "lo", "up")
        # A switch that asks no spanning tree forwards at once.
        self.ip("link", "add", BRIDGE, "type", "bridge", "forward_delay", "0", "mcast_snooping", "0")
        self.ip("address", "add", f"{HOST_ADDRESS}/{ADDRESS_PREFIX}", "dev", BRIDGE)
        self.ip("link", "set", BRIDGE, "up")

    def close(self) -> None:
        """End what runs in here and take the namespace away."""
        for program in reversed(self._programs):
            program.stop()
        self.stop_dhcp()
        subprocess.run(["ip", "netns", "delete", self.name], capture_output=True, check=False)

    def ip(self, *words: str) -> None:
        """Run iproute2's `ip` in here."""
        ip("-n", self.name, *words)

    def add_tap(self) -> str:
        """A socket of the switch for one more board; answers its name."""
        name = f"tap{self._taps}"
        self._taps += 1
        self.ip("tuntap", "add", name, "mode", "tap")
        self.plug(name)
        return name

    def plug(self, tap: str) -> None:
        """Put the cable of a board in, if it is out."""
        self.ip("link", "set", tap, "master", BRIDGE, "up")

    def unplug(self, tap: str) -> None:
        """Pull the cable: nothing passes, and the board is not told (a switch between it and the house has failed)."""
        self.ip("link", "set", tap, "nomaster")

    def start_dhcp(self, hosts: dict[str, str], *, first: str = "10.77.0.100", last: str = "10.77.0.199") -> None:
        """Give out addresses: `hosts` maps hardware addresses to the address that each gets."""
        self.stop_dhcp()
        options = ["--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--port=0", "--no-hosts"]
        options += [f"--interface={BRIDGE}", "--bind-interfaces", "--dhcp-authoritative", "--user=", "--group="]
        options += [f"--dhcp-leasefile={self.folder / 'leases'}", "--log-facility=-", "--log-dhcp", "--no-ping"]
        options += [f"--dhcp-range={first},{last},{LEASE_S}", f"--dhcp-option=option:dns-server,{HOST_ADDRESS}"]
        # A house without a way out has no router; named here all the same, since many phones insist on one.
        options += [f"--dhcp-option=option:router,{HOST_ADDRESS}"]
        options += [f"--dhcp-host={hardware},{address}" for hardware, address in hosts.items()]
        self._dhcp = Program("dhcp", [*self.prefix, find_program("dnsmasq"), *options], self.folder)
        wait_until("the DHCP server", lambda: self._dhcp is not None and "DHCP" in self._dhcp.log())

    def stop_dhcp(self) -> None:
        if self._dhcp is not None:
            self._dhcp.stop()
            self._dhcp = None

    def run(self, name: str, command: list[str]) -> Program:
        """Run a program in here until the network is closed."""
        program = Program(name, [*self.prefix, *command], self.folder)
        self._programs.append(program)
        return program

    def capture(self, name: str = "sip", *, only_sip: bool = True, interface: str = BRIDGE) -> "Capture":
        """Write what passes the switch to a pcap file from now on."""
        path = self.folder / f"{name}.pcap"
        what = ["--sip"] if only_sip else []
        program = self.run(
            f"capture-{name}", [sys.executable, "-m", "tests.board.capture", interface, str(path), *what]
        )
        wait_until("the capture", lambda: program.check() or path.exists())
        return Capture(path, program)


class Capture:
    """A pcap file that grows."""

    def __init__(self, path: Path, program: Program) -> None:
        self.path = path
        self._program = program

    def stop(self) -> None:
        self._program.stop()
