"""SIPp as many callers and phones at once, and what it counted: calls, failures, messages that had to be repeated."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from device.demo.system import free_port
from tests.support.processes import HOST, Program, find_program, wait_until
from tests.support.sipp import is_bound, render

SLACK_S = 2.0
"""What may pass beyond the planned time before a rate counts as not held: SIPp's start, and its last calls."""
SETTLING_S = 40.0
"""A run is given so much longer, since SIPp waits for calls whose messages got lost."""
STAT_S = 1
"""How often SIPp writes its counts down, in seconds."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What one SIPp has seen."""

    successful: int = 0
    failed: int = 0
    repeated: int = 0
    """Messages that it sent again, since nothing came back in time."""
    seconds: float = 0.0

    def is_clean(self, calls: int) -> bool:
        """Whether so many calls went by the scenario without a lost message."""
        return self.successful == calls and not self.failed and not self.repeated


def parse_counts(text: str) -> Counts:
    """The last line of a statistics file of SIPp's."""
    rows = list(csv.reader(text.splitlines(), delimiter=";"))
    if len(rows) < 2:
        return Counts()
    last = dict(zip(rows[0], rows[-1], strict=False))
    hours, minutes, seconds = last["ElapsedTime(C)"].split(":")[:3]
    elapsed = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    return Counts(
        int(last["SuccessfulCall(C)"]), int(last["FailedCall(C)"]), int(last["Retransmissions(C)"]), float(elapsed)
    )


class Load(Program):
    """One SIPp with a scenario of load.

    With `remote` it makes `calls` at `rate` a second for `users`, else it waits at its port.
    """

    def __init__(
        self,
        scenario: str,
        folder: Path,
        remote: str = "",
        *,
        users: Sequence[tuple[str, str]] = (),
        rate: int = 1,
        calls: int = 0,
        talk_ms: int = 0,
        prefix: Sequence[str] = (),
        **values: object,
    ) -> None:
        self.port = free_port()
        self.address = f"{HOST}:{self.port}"
        name = f"{scenario}-{self.port}"
        self._statistics = folder / f"{name}.csv"
        path = folder / f"{name}.xml"
        path.write_text(render(scenario, values))
        command = [*prefix, find_program("sipp"), "-sf", str(path), "-i", HOST, "-p", str(self.port), "-nostdin"]
        command += ["-mi", HOST, "-mp", str(free_port()), "-d", str(talk_ms)]
        command += ["-trace_stat", "-stf", str(self._statistics), "-fd", str(STAT_S)]
        if remote:
            injected = folder / f"{name}.users"
            lines = [f"{user};[authentication username={user} password={password}];" for user, password in users]
            injected.write_text("\n".join(["SEQUENTIAL", *lines, ""]))
            # All that are under way at once have room: what waits is to be seen as lost messages, not as fewer calls.
            command += ["-inf", str(injected), "-r", str(rate), "-m", str(calls), "-l", str(rate * 40)]
            # Otherwise SIPp's digest names the server's address instead of the Request-URI.
            command += ["-auth_uri", str(values.get("target", values["domain"])).removeprefix("sip:"), remote]
        super().__init__(name, command, folder)
        if not remote:
            wait_until(f"{name} to listen", lambda: self.check() or is_bound(self.port, "udp"))

    def counts(self) -> Counts:
        """What it has written down so far."""
        return parse_counts(self._statistics.read_text()) if self._statistics.exists() else Counts()

    def finish(self, planned_s: float) -> Counts:
        """Let it come to its end, however it ends."""
        self.wait(planned_s + SETTLING_S)
        return self.counts()
