"""Network namespaces on one switch, each with an avahi-daemon of its own: what boards of a house have."""

import os
import subprocess
from itertools import count
from pathlib import Path

from tests.support.namespaces import PREFIX_LENGTH, Room, ip
from tests.support.processes import Program, find_program, wait_until

_NUMBERS = count(1)
NETWORK = "10.77.0"

BUS = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/><allow own="*"/><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
  </policy>
</busconfig>
"""
"""Not of the type "system", which wants more descriptors than a container may give."""

START = """\
mount -t tmpfs tmpfs /run && mkdir -p /run/dbus /run/avahi-daemon
dbus-daemon --config-file={folder}/bus.conf --nofork --nopidfile &
while [ ! -S /run/dbus/system_bus_socket ]; do sleep 0.05; done
exec avahi-daemon --no-drop-root --no-chroot --no-rlimits --file={folder}/{name}.conf
"""


class AvahiRoom(Room):
    """One room on the switch, with a bus and an mDNS daemon in a /run of its own."""

    def __init__(self, name: str, address: str, folder: Path) -> None:
        super().__init__(name)
        self.address = address
        self._folder = folder
        self._daemon: Program | None = None

    def start(self) -> None:
        """Start the daemons and wait until avahi takes part in mDNS."""
        name = self.name.rpartition("-")[2]
        (self._folder / "bus.conf").write_text(BUS)
        settings = f"[server]\nhost-name=board-{name}\nuse-ipv6=no\nallow-interfaces=cable\n"
        (self._folder / f"{name}.conf").write_text(settings)
        find_program("avahi-daemon")
        script = START.format(folder=self._folder, name=name)
        command = ["ip", "netns", "exec", self.name, "unshare", "--mount", "sh", "-c", script]
        self._daemon = Program(f"avahi-{name}", command, self._folder, own_group=True)
        wait_until("avahi to be up", lambda: self._daemon is not None and "startup complete" in self._daemon.log())
        self.prefix = ("nsenter", "-t", str(self._daemon.pid), "-m", "-n")  # type: ignore[assignment]

    def stop(self) -> None:
        """End all that was started in here with the room."""
        if self._daemon is not None:
            self._daemon.kill()


class Switch:
    """Two bridges in a namespace of their own, and rooms on the first of them. A context manager."""

    BRIDGES = ("switch", "other")

    def __init__(self, folder: Path, names: str) -> None:
        number = f"{os.getpid()}-{next(_NUMBERS)}"
        self._bridge = f"offhook-{number}-switch"
        self.rooms = {
            name: AvahiRoom(f"offhook-{number}-{name}", f"{NETWORK}.{place}", folder)
            for place, name in enumerate(names, start=1)
        }

    def __enter__(self) -> "Switch":
        ip("netns", "add", self._bridge)
        # Without spanning tree a port forwards at once.
        for name in self.BRIDGES:
            ip("-n", self._bridge, "link", "add", name, "type", "bridge", "stp_state", "0", "forward_delay", "0")
            ip("-n", self._bridge, "link", "set", name, "up")
        for name, room in self.rooms.items():
            ip("netns", "add", room.name)
            room.ip("link", "set", "lo", "up")
            peer = ("peer", "name", f"port-{name}", "netns", self._bridge)
            ip("-n", room.name, "link", "add", "cable", "type", "veth", *peer)
            room.ip("address", "add", f"{room.address}/{PREFIX_LENGTH}", "dev", "cable")
            room.plug_cable()
            self.plug(name)
            room.start()
        return self

    def plug(self, *names: str, bridge: str = BRIDGES[0]) -> None:
        """Plug rooms into a bridge, out of the other one."""
        for name in names:
            ip("-n", self._bridge, "link", "set", f"port-{name}", "master", bridge, "up")

    def __exit__(self, *_: object) -> None:
        for room in self.rooms.values():
            room.stop()
        for name in (*(room.name for room in self.rooms.values()), self._bridge):
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)
