"""What the tests of the daemon share: one loop, a phone, somebody to talk to."""

import _thread
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from device import plain_sockets
from device.phone.states import PhoneState
from device.sip.hop import ip_literal
from tests.support.processes import wait_until
from tests.support.turning import HandLoop, hand_loop
from tests.support.whole_phone import FarEnd, WholePhone, whole_phone


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """Whatever a test starts must be over with it."""
    before, running = set(threading.enumerate()), _thread._count()
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive(), thread.name
    wait_until("the audio thread to end", lambda: _thread._count() <= running)


@pytest.fixture(autouse=True)
def no_name_is_asked_of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no name server, and the C library finds this machine and nobody else."""
    monkeypatch.setattr("device.net.dns_lookups.RESOLV_CONF", "/nonexistent")
    find = socket.getaddrinfo

    def getaddrinfo(host: str, *arguments: object, **named: object) -> object:
        if host and ip_literal(host) is None and host != "localhost":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        # A bare machine has no host table that would know its own name.
        return find("127.0.0.1" if host == "localhost" else host, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(plain_sockets, "getaddrinfo", getaddrinfo)


@pytest.fixture
def loop() -> Iterator[HandLoop]:
    with hand_loop() as loop:
        yield loop


@pytest.fixture
def phone(loop: HandLoop, tmp_path: Path) -> Iterator[WholePhone]:
    with whole_phone(loop, tmp_path) as phone:
        yield phone


@pytest.fixture
def far_end(loop: HandLoop) -> Iterator[FarEnd]:
    far_end = FarEnd(loop)
    yield far_end
    far_end.close()


@pytest.fixture
def talking(phone: WholePhone, far_end: FarEnd) -> WholePhone:
    """A phone in a call with the far end."""
    phone.place(far_end.target)
    far_end.answer()
    phone.wait(PhoneState.CONNECTED)
    return phone
