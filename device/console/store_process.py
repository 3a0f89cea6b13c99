"""Settings while the phone is down: a process of the daemon's kind opens the store for us, a moment at a time.

SQLite stays out of this process, and the store is free for the phone whenever it starts.
"""

import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from device.annotations import Any
from device.control.client import ControlClient
from device.control.errors import FAILED, ControlError, DaemonUnreachableError

START_PATIENCE_S = 20.0
"""A slow board takes some seconds to start an interpreter."""
ANSWER_PATIENCE_S = 10.0
STOP_PATIENCE_S = 5.0
READY = b"ready\n"


class StoreProcess:
    """`offhook store-service` as our child, started by the first question and stopped when the phone answers again."""

    def __init__(self, options: Sequence[str], command: Sequence[str] = (sys.executable, "-m", "device")) -> None:
        self._command = [*command, "store-service", *options]
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._client: ControlClient | None = None

    def ask(self, method: str, /, **params: object) -> dict[str, Any]:
        """Call a method that needs nothing but the store. Raises ControlError."""
        try:
            return self._call(method, params)
        except DaemonUnreachableError:
            # It may have been killed, when memory was short for example: once more with a fresh one.
            self.close()
            return self._call(method, params)

    def _call(self, method: str, params: dict[str, object]) -> dict[str, Any]:
        client = self._client or self._start()
        answer = client.call(method, **params)
        return answer if isinstance(answer, dict) else {}

    def _start(self) -> ControlClient:
        self.close()
        self._folder = tempfile.TemporaryDirectory(prefix="offhook-console-")
        path = os.path.join(self._folder.name, "store.sock")
        self._process = subprocess.Popen(  # noqa: S603  # our own program
            [*self._command, "--socket", path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        said = self._wait_ready(self._process)
        if said:
            self.close()
            raise ControlError(FAILED, f"the settings cannot be reached: {said}")
        self._client = ControlClient(path, ANSWER_PATIENCE_S)
        return self._client

    @staticmethod
    def _wait_ready(process: subprocess.Popen[bytes]) -> str:
        """Wait until it serves; answers what is wrong, or nothing."""
        if process.stdout is None or process.stderr is None:
            return "no pipe to the store service"
        if not select.select([process.stdout], [], [], START_PATIENCE_S)[0]:
            return f"the store service was not ready within {START_PATIENCE_S:g} s"
        if process.stdout.readline() == READY:
            return ""
        words = process.stderr.read().decode("utf-8", "replace").split()
        return " ".join(words).removeprefix("offhook store-service: ") or "the store service ended at once"

    def close(self) -> None:
        """End the process; closing twice is harmless."""
        if self._client is not None:
            self._client.close()
            self._client = None
        process, self._process = self._process, None
        if process is not None:
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
            try:
                # The end of its standard input tells it to go.
                process.wait(STOP_PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
