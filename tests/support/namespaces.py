"""Two network namespaces joined by a cable, so that a phone can change its address without touching the machine's."""

import os
import subprocess
from itertools import count

_NUMBERS = count(1)

PREFIX_LENGTH = 24


def ip(*words: str) -> None:
    """Run iproute2's `ip`; what it complains about is the failure's text."""
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr.strip()} (as root; needs iproute2)"


class Room:
    """One namespace with one interface, "cable"."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.prefix = ("ip", "netns", "exec", name)
        """What a command is put behind to run in here; `ip` becomes the command and keeps the process id."""

    def ip(self, *words: str) -> None:
        """Run `ip` in here."""
        ip("-n", self.name, *words)

    def add_address(self, address: str) -> None:
        self.ip("address", "add", f"{address}/{PREFIX_LENGTH}", "dev", "cable")

    def take_address(self, address: str) -> None:
        self.ip("address", "delete", f"{address}/{PREFIX_LENGTH}", "dev", "cable")

    def pull_cable(self) -> None:
        self.ip("link", "set", "cable", "down")

    def plug_cable(self) -> None:
        self.ip("link", "set", "cable", "up")


class Cable:
    """`near` and `far`, two rooms with a cable between them. A context manager."""

    def __init__(self) -> None:
        number = f"{os.getpid()}-{next(_NUMBERS)}"
        self.near = Room(f"offhook-{number}-near")
        self.far = Room(f"offhook-{number}-far")

    def __enter__(self) -> "Cable":
        for room in (self.near, self.far):
            ip("netns", "add", room.name)
            room.ip("link", "set", "lo", "up")
        ip(
            "-n",
            self.near.name,
            "link",
            "add",
            "cable",
            "type",
            "veth",
            "peer",
            "name",
            "cable",
            "netns",
            self.far.name,
        )
        for room in (self.near, self.far):
            room.plug_cable()
        return self

    def pull_out(self) -> None:
        """Leave the near end without any interface but lo, and that down."""
        self.far.ip("link", "set", "cable", "down")
        self.near.ip("link", "set", "cable", "netns", self.far.name, "name", "loose")
        self.near.ip("link", "set", "lo", "down")

    def put_in(self) -> None:
        """Give the near end its interface back."""
        self.far.ip("link", "set", "loose", "netns", self.near.name, "name", "cable")
        self.near.ip("link", "set", "lo", "up")
        for room in (self.near, self.far):
            room.plug_cable()

    def __exit__(self, *_: object) -> None:
        for room in (self.near, self.far):
            subprocess.run(["ip", "netns", "delete", room.name], capture_output=True, check=False)


class Junction:
    """`left` and `right`, two rooms in networks of their own, and `middle`, which is in both. A context manager.

    Nothing is routed between the two. The interfaces of the middle are "left" and "right".
    """

    def __init__(self) -> None:
        number = f"{os.getpid()}-{next(_NUMBERS)}"
        self.left, self.middle, self.right = (Room(f"offhook-{number}-{name}") for name in ("left", "middle", "right"))

    def __enter__(self) -> "Junction":
        for room in (self.left, self.middle, self.right):
            ip("netns", "add", room.name)
            room.ip("link", "set", "lo", "up")
        for room, name in ((self.left, "left"), (self.right, "right")):
            peer = ("type", "veth", "peer", "name", "cable", "netns", room.name)
            self.middle.ip("link", "add", name, *peer)
            self.middle.ip("link", "set", name, "up")
            room.plug_cable()
        return self

    def address_middle(self, interface: str, address: str) -> None:
        """Give one of the middle's interfaces an address."""
        self.middle.ip("address", "add", f"{address}/{PREFIX_LENGTH}", "dev", interface)

    def __exit__(self, *_: object) -> None:
        for room in (self.left, self.middle, self.right):
            subprocess.run(["ip", "netns", "delete", room.name], capture_output=True, check=False)
