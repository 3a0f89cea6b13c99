"""baresip as the other phone: driven and watched through its ctrl_tcp module, without a sound card."""

import json
import os
import socket
import time
import wave
from pathlib import Path

from device.demo.system import free_port
from tests.support.processes import HOST, PATIENCE_S, Program, find_program, wait_until

CONFIG = """\
poll_method epoll
sip_listen {host}:{port}
net_interface {host}
call_local_timeout 60
call_max_calls 4
audio_source aufile,{microphone}
audio_player aubridge,ear
audio_alert aubridge,bell
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
audio_level no
rtp_ports {rtp}-{rtp_end}
module_path {modules}
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module_app account.so
module_app menu.so
module ctrl_tcp.so
ctrl_tcp_listen {host}:{control}
snd_path {folder}
"""
"""baresip 1.0 leaves loopback aside unless net_interface names it. sndfile records what is sent and what is heard."""

MODULE_FOLDERS = ("/usr/lib/baresip/modules", "/usr/lib/x86_64-linux-gnu/baresip/modules")


class Baresip:
    """One baresip with one account, registered at `server` (host:port) before `start` is done.

    Without `server` it finds that of `domain` by the name server `dns_server`.
    """

    def __init__(
        self,
        user: str,
        password: str,
        server: str,
        folder: Path,
        microphone: Path,
        domain: str = HOST,
        dns_server: str = "",
        **account: str,
    ) -> None:
        self.user = user
        self.port = free_port()
        self.folder = folder / f"baresip-{user}"
        self.folder.mkdir()
        self._control = free_port()
        self._buffer = b""
        self._socket: socket.socket | None = None
        self.events: list[dict[str, object]] = []
        self._taken = 0
        rtp = free_port()
        modules = next(place for place in MODULE_FOLDERS if os.path.isdir(place))
        (self.folder / "config").write_text(
            CONFIG.format(
                host=HOST,
                port=self.port,
                microphone=microphone,
                control=self._control,
                folder=self.folder,
                modules=modules,
                rtp=rtp,
                rtp_end=min(rtp + 40, 65_534),
            )
            + (f"dns_server {dns_server}\n" if dns_server else "")
        )
        more = "".join(f";{name}={value}" for name, value in account.items())
        secret = f";auth_user={user};auth_pass={password}" if password else ""
        outbound = f';outbound="sip:{server};lr"' if server else ""
        route = f"{outbound};regint={60 if server else 30}" if password else ";regint=0"
        (self.folder / "accounts").write_text(f"<sip:{user}@{domain}>{secret}{route}{more}\n")
        (self.folder / "contacts").write_text("\n")
        self._registers = bool(password)
        self.program: Program | None = None

    def start(self) -> None:
        """Start it, connect to it and wait until it is registered."""
        self.program = Program("baresip", [find_program("baresip"), "-f", str(self.folder)], self.folder)
        self._socket = wait_until("baresip's control port", self._connected)
        if self._registers:
            wait_until("baresip to be registered", self._is_registered)

    def _connected(self) -> socket.socket | None:
        assert self.program is not None
        self.program.check()
        try:
            return socket.create_connection((HOST, self._control), PATIENCE_S)
        except OSError:
            return None

    def _is_registered(self) -> bool:
        # It registers before anybody can be connected to it, so that the event may have been missed.
        return "\x1b[32mOK" in str(self.command("reginfo")["data"])

    def stop(self) -> None:
        if self._socket is not None:
            self._socket.close()
        if self.program is not None:
            # Debian's baresip takes more than four seconds for SIGTERM: see the peers' quirks. It has nothing to save.
            self.program.kill()

    def command(self, name: str, params: str = "") -> dict[str, object]:
        """Give a command; answers its response."""
        text = json.dumps({"command": name, "params": params, "token": name}).encode()
        assert self._socket is not None
        self._socket.sendall(b"%d:%s," % (len(text), text))
        deadline = time.monotonic() + PATIENCE_S
        while (message := self._next(deadline)) is not None:
            if message.get("response"):
                assert message["ok"], message
                return message
            self.events.append(message)
        raise AssertionError(f"baresip did not answer {name}; see {self.folder}")

    def expect(self, kind: str, timeout_s: float = PATIENCE_S) -> dict[str, object]:
        """Wait for an event such as CALL_ESTABLISHED; what comes before it is passed over."""
        deadline = time.monotonic() + timeout_s
        while True:
            while self._taken < len(self.events):
                self._taken += 1
                if self.events[self._taken - 1]["type"] == kind:
                    return self.events[self._taken - 1]
            message = self._next(deadline)
            if message is None:
                seen = " ".join(str(event["type"]) for event in self.events)
                raise AssertionError(f"baresip: waited {timeout_s:g} s in vain for {kind}, had: {seen}")
            self.events.append(message)

    def rest(self) -> None:
        """Back to where every test begins: no call, and nothing told that is not taken."""
        self.command("hangup")
        wait_until("baresip to have no call", lambda: "(0)" in str(self.command("listcalls")["data"]))
        self._taken = len(self.events)

    def _next(self, deadline: float) -> dict[str, object] | None:
        """The next netstring, None when none comes by the deadline."""
        assert self._socket is not None
        while True:
            length, colon, rest = self._buffer.partition(b":")
            if colon and len(rest) > int(length):
                self._buffer = rest[int(length) + 1 :]
                message: dict[str, object] = json.loads(rest[: int(length)])
                return message
            self._socket.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                data = self._socket.recv(65536)
            except TimeoutError:
                return None
            assert data, f"baresip closed its control connection; see {self.folder}"
            self._buffer += data

    def heard(self) -> bytes:
        """PCM at 8 kHz of the last call's decoded stream, as far as it is written."""
        newest = max(self.folder.glob("dump-*dec.wav"), key=lambda path: path.stat().st_mtime)
        with wave.open(str(newest), "rb") as reader:
            assert (reader.getframerate(), reader.getnchannels(), reader.getsampwidth()) == (8000, 1, 2)
            return reader.readframes(reader.getnframes())
