"""A registrar on the loopback interface that asks for MD5, which every phone can, and notes when REGISTER comes."""

import re
import socket
import threading
import time

HOST = "127.0.0.1"
POLL_S = 0.2
REALM = "bench"

_HEADER = re.compile(rb"^(Via|From|To|Call-ID|CSeq|Contact|Authorization|Expires)[ \t]*:[ \t]*(.*?)\r$", re.I | re.M)
_USER = re.compile(rb"sip:([^@>;]+)@")
_COPIED = (b"via", b"from", b"call-id", b"cseq")


class Registrar:
    """Takes every REGISTER with credentials, whatever they are worth. A context manager; runs in a thread of its own.

    `first_seen` is the perf_counter() time of the first REGISTER of each user since `forget`; `registered` says who
    has been accepted since then.
    """

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        self._socket.settimeout(POLL_S)
        self.address = f"{HOST}:{self._socket.getsockname()[1]}"
        self.first_seen: dict[str, float] = {}
        self.registered: set[str] = set()
        self._closing = False
        self._thread = threading.Thread(target=self._serve, name="registrar", daemon=True)

    def forget(self, user: str) -> None:
        """Wait for this user anew."""
        self.first_seen.pop(user, None)
        self.registered.discard(user)

    def __enter__(self) -> "Registrar":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while not self._closing:
            try:
                data, source = self._socket.recvfrom(65536)
            except TimeoutError:
                continue
            now = time.perf_counter()
            answer = self._answer(data, now)
            if answer:
                self._socket.sendto(answer, source)

    def _answer(self, data: bytes, now: float) -> bytes:
        if not data.startswith(b"REGISTER "):
            return b""
        lines = [(name.lower(), value) for name, value in _HEADER.findall(data)]
        headers = dict(lines)
        found = _USER.search(headers[b"to"])
        user = found[1].decode() if found else ""
        self.first_seen.setdefault(user, now)
        more = [b"To: " + headers[b"to"] + b";tag=registrar"]
        if b"authorization" in headers:
            status = b"200 OK"
            more += [b"Contact: " + headers[b"contact"].partition(b";expires")[0] + b";expires=3600"]
            self.registered.add(user)
        else:
            status = b"401 Unauthorized"
            more += [f'WWW-Authenticate: Digest realm="{REALM}", nonce="n", algorithm=MD5, qop="auth"'.encode()]
        copied = [name.title() + b": " + value for name, value in lines if name in _COPIED]
        return b"\r\n".join([b"SIP/2.0 " + status, *copied, *more, b"Content-Length: 0", b"", b""])
