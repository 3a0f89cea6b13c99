"""The SIP parsers from PyPI that ours is measured beside, in a virtual environment of their own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
ENVIRONMENT = ROOT / ".cache" / "bench-peers"
VERSIONS = {"sipmessage": "0.7.1", "sippy": "2.5.0", "aiosipua": "0.7.1"}
"""Fixed, so that figures of different days compare."""

_SCRIPT = Path(__file__).parent / "message_peers.py"


def install() -> Path:
    """The interpreter that has the packages; the first time they are fetched. Raises OSError when that fails."""
    python = ENVIRONMENT / "bin" / "python"
    stamp = ENVIRONMENT / "installed"
    wanted = " ".join(f"{name}=={version}" for name, version in VERSIONS.items())
    if not stamp.exists() or stamp.read_text() != wanted:
        _run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)])
        _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted.split()])
        stamp.write_text(wanted)
    return python


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(command[1:4])} ... failed: {done.stderr.strip()[-300:]}")


class PeerParsers:
    """A process that has them all loaded and works when it is asked to."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def rate(self, name: str, kind: str, sample: str, seconds: float) -> float:
        """How often in a second `name` does "parse", "use" or "encode" with that message. Raises OSError."""
        return float(self._ask(f"{name} {kind} {sample} {seconds}"))

    def _ask(self, line: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self.read()

    def read(self) -> str:
        """The next line that it says."""
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        if not said:
            raise OSError("the process of the other parsers has ended")
        return said.strip()


@contextmanager
def peer_parsers() -> Iterator[PeerParsers]:
    """Installed where they are not, started and ended. Raises OSError."""
    python = install()
    with subprocess.Popen(
        [str(python), str(_SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        peers = PeerParsers(process)
        try:
            if peers.read() != "ready":
                raise OSError("the other parsers do not read the sample messages as they are")
            yield peers
        finally:
            process.kill()
