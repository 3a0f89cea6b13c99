"""Sockets without the library's enumerations do what the library's do."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from device import plain_sockets


def test_names_mean_what_they_mean_in_the_library() -> None:
    for name in ("AF_INET", "AF_INET6", "AF_UNIX", "SOCK_STREAM", "SOCK_DGRAM", "SOCK_NONBLOCK", "TCP_NODELAY"):
        assert getattr(plain_sockets, name) == getattr(socket, name)
    assert plain_sockets.inet_pton is socket.inet_pton
    with pytest.raises(AttributeError):
        _ = plain_sockets.AF_NOTHING  # type: ignore[attr-defined]


def test_a_connection_is_accepted_with_its_source() -> None:
    with plain_sockets.socket(plain_sockets.AF_INET, plain_sockets.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        with plain_sockets.socket(plain_sockets.AF_INET, plain_sockets.SOCK_STREAM) as ours:
            ours.connect(listener.getsockname())
            theirs, source = listener.accept()
            with theirs:
                assert source == ours.getsockname()
                assert (theirs.family, theirs.type) == (socket.AF_INET, socket.SOCK_STREAM)
                ours.sendall(b"hello")
                assert theirs.recv(10) == b"hello"
        assert ours.fileno() == -1
    assert listener.fileno() == -1


def test_nothing_to_accept_is_told_at_once_where_that_was_asked_for() -> None:
    kind = plain_sockets.SOCK_STREAM | plain_sockets.SOCK_NONBLOCK
    with plain_sockets.socket(plain_sockets.AF_INET, kind) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_socket_that_nobody_closed_is_a_fault() -> None:
    left = [plain_sockets.socket(plain_sockets.AF_INET, plain_sockets.SOCK_DGRAM)]
    with pytest.warns(ResourceWarning):
        left.clear()


def test_the_daemon_brings_in_no_enumerations_of_the_system() -> None:
    code = "import sys, device.daemon.main; print({'socket', 'selectors', 'signal', 'queue'} & set(sys.modules))"
    root = Path(__file__).parents[1]
    told = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert told.stdout == "set()\n"
