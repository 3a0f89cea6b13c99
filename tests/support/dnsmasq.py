"""dnsmasq of Debian as a name server on loopback, its zone written by a test."""

from pathlib import Path

from device.demo.system import free_port
from tests.support.processes import HOST, Program, find_program, wait_until
from tests.support.sipp import is_bound

ZONE = "test"
"""Every name under it that is not written does not exist."""


class Dnsmasq:
    """A name server that can die, come back and change its mind."""

    def __init__(self, folder: Path, ttl_s: int = 300) -> None:
        self._ttl_s = ttl_s
        self._folder = folder
        self._program: Program | None = None
        self.port = free_port()
        self.address = f"{HOST}:{self.port}"
        self.zone: list[str] = []
        """Options of dnsmasq(8) that make records."""

    def host(self, name: str, *addresses: str, ttl: int = 300) -> None:
        self.zone.append(f"--host-record={name},{','.join(addresses)},{ttl}")

    def srv(self, service: str, target: str, port: int, priority: int = 0, weight: int = 0) -> None:
        self.zone.append(f"--srv-host={service},{target},{port},{priority},{weight}")

    def naptr(self, name: str, order: int, preference: int, service: str, replacement: str) -> None:
        self.zone.append(f'--naptr-record={name},{order},{preference},s,{service},"",{replacement}')

    def enum(self, name: str, regexp: str) -> None:
        """A telephone number that is to be called by SIP (RFC 6116)."""
        self.zone.append(f"--naptr-record={name},10,10,u,E2U+sip,{regexp}")

    def start(self) -> None:
        """Serve the zone."""
        options = ["--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--no-resolv", "--no-hosts"]
        options += [f"--local=/{ZONE}/", f"--port={self.port}", f"--listen-address={HOST}", "--bind-interfaces"]
        options += ["--user=", "--group=", "--log-facility=-", "--log-queries", f"--local-ttl={self._ttl_s}"]
        self._program = Program("dnsmasq", [find_program("dnsmasq"), *options, *self.zone], self._folder)
        wait_until("dnsmasq to listen", self._listens)

    def _listens(self) -> bool:
        assert self._program is not None
        self._program.check()
        return is_bound(self.port, "udp") and is_bound(self.port, "tcp")

    def stop(self) -> None:
        if self._program is not None:
            self._program.stop()

    def questions(self) -> list[str]:
        """Type and name of every query so far, such as "SRV _sip._udp.office.test"."""
        assert self._program is not None
        lines = [line.partition("query[")[2] for line in self._program.log().splitlines() if "query[" in line]
        return [" ".join((line.partition("]")[0], line.split()[1])) for line in lines]
