"""SIPp as the other side: plays the scenarios of tests/interop/sipp on the loopback interface."""

import re
from pathlib import Path

from device.demo.system import free_port
from tests.support.processes import HOST, PATIENCE_S, Program, find_program, wait_until

SCENARIOS = Path(__file__).parents[1] / "interop" / "sipp"

DEFAULTS = {
    "branch": "invite[pid]",
    "codecs": "0 101",
    "domain": HOST,
    "expires": "60",
    "hops": "70",
    "content-type": "application/sdp",
    "extra": "",
    "from": "sip:{user}@[local_ip]:[local_port]",
    "to": "{target}",
    "sdp": "{plain-sdp}",
    "user": "sipp",
    "version": "SIP/2.0",
    "cseq": "1",
}
"""What stands for `{name}` where a test says nothing else. `[name]` is SIPp's own."""

_NAME = re.compile(r"\{([a-z-]+)\}")
_MESSAGE = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)


def render(scenario: str, values: dict[str, object]) -> str:
    """A scenario as SIPp takes it: each `{name}` is replaced by a value or by the text of parts/name.txt."""
    known = {**DEFAULTS, **{name.replace("_", "-"): str(value) for name, value in values.items()}}

    def value_of(name: str) -> str:
        return known[name] if name in known else (SCENARIOS / "parts" / f"{name}.txt").read_text().rstrip("\n")

    def filled(text: str) -> str:
        lines = []
        for line in text.split("\n"):
            new = _NAME.sub(lambda match: filled(value_of(match[1])), line)
            # A line whose value is empty goes: it would end the header.
            if new or not line:
                lines.append(new)
        return "\n".join(lines)

    return _MESSAGE.sub(_ended, filled((SCENARIOS / f"{scenario}.xml").read_text()))


def _ended(message: re.Match[str]) -> str:
    """A message with the empty line that a header ends with."""
    text = message[1].strip("\n")
    return f"<![CDATA[\n{text}\n]]>" if "\n\n" in text else f"<![CDATA[\n{text}\n\n]]>"


def is_bound(port: int, transport: str, process: int | str = "self") -> bool:
    """Whether some program listens at a port of this machine, or of the network namespace that a process is in."""
    lines = Path(f"/proc/{process}/net/{transport}").read_text().splitlines()[1:]
    return any(line.split()[1].endswith(f":{port:04X}") for line in lines)


class Sipp(Program):
    """One run of a scenario, one call long; one without `remote` waits at `port` for the call.

    `values` fill in `{name}` in the scenario. It ends by itself when the call is over; `succeed` waits for that.
    """

    def __init__(
        self,
        scenario: str,
        folder: Path,
        remote: str = "",
        *,
        port: int = 0,
        transport: str = "udp",
        pause_ms: int = 0,
        options: tuple[str, ...] = (),
        **values: object,
    ) -> None:
        self.port = port or free_port()
        self.address = f"{HOST}:{self.port}"
        name = f"sipp-{scenario}-{self.port}"
        path = folder / f"{name}.xml"
        path.write_text(render(scenario, values))
        self._messages_path = folder / f"{name}.messages"
        self._errors_path = folder / f"{name}.errors"
        command = [find_program("sipp"), "-sf", str(path), "-nostdin", "-m", "1", "-l", "1", "-d", str(pause_ms)]
        command += ["-i", HOST, "-p", str(self.port), "-mi", HOST, "-mp", str(free_port())]
        command += ["-t", "t1" if transport == "tcp" else "u1", "-timeout", f"{PATIENCE_S:.0f}", "-timeout_error"]
        command += ["-trace_msg", "-message_file", str(self._messages_path)]
        command += ["-trace_err", "-error_file", str(self._errors_path), *options]
        if "target" in values:
            # Otherwise SIPp's digest names the server instead of the Request-URI.
            command += ["-auth_uri", str(values["target"]).removeprefix("sip:")]
        super().__init__(name, [*command, remote] if remote else command, folder)
        if not remote:
            wait_until(f"{name} to listen", lambda: self.check() or is_bound(self.port, transport))

    def messages(self) -> str:
        """All messages so far, as far as SIPp has written them."""
        path = self._messages_path
        return path.read_text(errors="replace") if path.exists() else ""

    def succeed(self, timeout_s: float = PATIENCE_S + 5) -> str:
        """Wait for the end and fail unless everything went by the scenario; answers all messages."""
        status = self.wait(timeout_s)
        if status != 0:
            errors = self._errors_path.read_text(errors="replace") if self._errors_path.exists() else self.log()
            raise AssertionError(f"{self.name} ended with status {status}:\n{errors[-3000:]}")
        return self._messages_path.read_text(errors="replace")
