"""A whole phone inside the test's own process: real sockets on loopback, simulated board, null sound, its own store."""

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from device.control.errors import ControlError
from device.control.protocol import CallReceived, ErrorReceived, JsonRpcConnection, ResultReceived
from device.daemon.config import Configuration, parse_configuration
from device.daemon.logs import RecentLines
from device.daemon.wiring import PhoneParts, build_phone, usable_profile
from device.ids import SystemIds
from device.model import Account, AccountId, CallId, Credential
from device.net.sip_sockets import SipSockets
from device.phone.states import PhoneState
from device.records import replace
from device.sip.endpoint import SipEndpoint
from device.sip.events import CallEnded, CallEstablished, IncomingCall, OfferAnswered, OfferReceived, OfferRefused
from device.sip.settings import UserAgentSettings
from device.sip.timers import SipTimers
from device.sip.user_agent import UserAgent
from device.store.accounts import Accounts
from device.store.database import Database, open_database
from device.timing import earliest
from tests.support.turning import HandLoop

HOST = "127.0.0.1"
CALL = CallId("call")
OFFICE = AccountId("office")

QUIET = {
    "sip.bind_address": HOST,
    "hardware.board": "simulated",
    "hardware.flash": "off",
    "audio.kind": "null",
    "daemon.rtp_first_port": "20000",
    "daemon.rtp_last_port": "29999",
}
"""Settings of a phone that disturbs nobody."""


def sdp(port: int = 40_000, host: str = HOST, formats: str = "8 0 101", more: str = "", version: int = 1) -> bytes:
    """A session description as a peer might send it."""
    lines = [
        "v=0",
        f"o=- 7 {version} IN IP4 {HOST}",
        "s=-",
        f"c=IN IP4 {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {formats}",
        "a=rtpmap:101 telephone-event/8000",
    ]
    return ("\r\n".join(lines) + "\r\n" + more).encode()


class ControlPeer:
    """A client of a control socket that turns the loop of the daemon while it waits."""

    def __init__(self, loop: HandLoop, path: str) -> None:
        self._loop = loop
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(path)
        self._socket.setblocking(False)
        self._connection = JsonRpcConnection(1 << 20)
        self._answers: dict[object, ResultReceived | ErrorReceived] = {}
        self.events: list[tuple[str, dict[str, Any]]] = []

    def call(self, method: str, /, **params: object) -> Any:
        """Call and wait; raises ControlError as the daemon does."""
        number = self._connection.send_call(method, params)
        self._socket.sendall(self._connection.data_to_send())
        self._loop.turn_until(lambda: self._take(number), f"an answer to {method}")
        answer = self._answers.pop(number)
        if isinstance(answer, ErrorReceived):
            raise answer.error
        return answer.result

    def refusal(self, method: str, /, **params: object) -> ControlError:
        """The error that a call is answered with."""
        try:
            answer = self.call(method, **params)
        except ControlError as error:
            return error
        raise AssertionError(f"{method} was not refused but answered {answer}")

    def collect(self) -> None:
        """Take in what has come."""
        self._take(None)

    def topic(self, name: str) -> list[dict[str, Any]]:
        """The events of a topic so far."""
        self.collect()
        return [params for topic, params in self.events if topic == name]

    def _take(self, number: object) -> bool:
        with suppress(BlockingIOError):
            self._connection.receive_data(self._socket.recv(1 << 20))
        while (event := self._connection.next_event()) is not None:
            if isinstance(event, CallReceived):
                self.events.append((event.method.removeprefix("event."), event.params))
            elif isinstance(event, ResultReceived | ErrorReceived):
                self._answers[event.id] = event
        return number in self._answers

    def close(self) -> None:
        self._socket.close()


class WholePhone:
    """A phone as `offhook run` builds it, on a loop that it may share with others."""

    def __init__(
        self, loop: HandLoop, folder: Path, settings: Mapping[str, str] | None = None, name: str = "phone"
    ) -> None:
        self.loop = loop
        self.notices: list[str] = []
        self.log = RecentLines()
        self.configuration: Configuration = parse_configuration({**QUIET, **(settings or {})})
        self.database: Database = open_database(str(folder / f"{name}.db"))
        profile = usable_profile(self.configuration.hardware, True, self.notices)
        self.parts: PhoneParts = build_phone(
            self.configuration,
            profile,
            self.database,
            loop,
            str(folder / f"{name}.sock"),
            self.log,
            self.notices,
        )
        self._control: ControlPeer | None = None

    def keep_account(self, account: Account, password: str = "") -> None:
        """Put an account into the store before the start."""
        credential = Credential(account.auth_user or account.user, password=password) if password else None
        Accounts(self.database).add(account, credential)

    def start(self) -> "WholePhone":
        """As the daemon starts, but at any free port."""
        parts = self.parts
        parts.server.open()
        parts.sockets.open(0, self.configuration.sip.tcp)
        parts.desk.start(self.loop.now())
        parts.accounts.start(self.loop.now())
        self.loop.add_participant(parts.runtime)
        self.loop.settle()
        return self

    @property
    def control(self) -> ControlPeer:
        """A client of its control socket."""
        if self._control is None:
            self._control = ControlPeer(self.loop, self.parts.server.path)
        return self._control

    @property
    def port(self) -> int:
        return self.parts.sockets.local_port

    @property
    def target(self) -> str:
        """What others call to reach it straight by IP."""
        return f"sip:offhook@{HOST}:{self.port}"

    @property
    def state(self) -> str:
        return self.parts.runtime._phone.state.value

    def wait(self, state: PhoneState) -> None:
        """Turn until the phone is in that state."""
        self.loop.turn_until(lambda: self.parts.runtime._phone.state is state, f"{state} ({self.state})")

    def lift(self) -> None:
        self.control.call("board.lift")

    def replace(self) -> None:
        self.control.call("board.replace")

    def place(self, target: str) -> str:
        """Call somebody hands-free; the name of the call."""
        return str(self.control.call("call.place", target=target)["call"])

    def close(self) -> None:
        parts = self.parts
        if self._control is not None:
            self._control.close()
        parts.line.hang_up_all(self.loop.now())
        self.loop.settle()
        parts.desk.close()
        parts.engine.close()
        parts.sockets.close()
        parts.runtime.close()
        parts.server.close()
        self.database.close()


@contextmanager
def whole_phone(
    loop: HandLoop, folder: Path, settings: Mapping[str, str] | None = None, name: str = "phone"
) -> Iterator[WholePhone]:
    phone = WholePhone(loop, folder, settings, name).start()
    try:
        yield phone
    finally:
        phone.close()


class FarEnd:
    """The other side of a call: a user agent in the same loop whose session descriptions are any bytes."""

    def __init__(self, loop: HandLoop) -> None:
        self.loop = loop
        ids, timers = SystemIds(), SipTimers()
        self.agent = UserAgent(UserAgentSettings(), timers, ids, lambda _transport, _host: (HOST, self.port))
        self.endpoint = SipEndpoint(self.agent, timers, ids, lambda _hop: (HOST, self.port))
        self.sockets = SipSockets(loop, self.endpoint, HOST)
        self.sockets.open(0)
        self.events: list[Any] = []
        self.answer_to_offers: bytes | int = sdp()
        """SDP for offers within a call, or the status that refuses them."""
        loop.add_participant(self)

    @property
    def port(self) -> int:
        return self.sockets.local_port

    @property
    def target(self) -> str:
        return f"sip:offhook@{HOST}:{self.port}"

    def be(self, user: str) -> None:
        """Take calls for that user, too."""
        account = Account(AccountId(user), user, HOST, register=False)
        self.agent.add_account(account, None)

    def pump(self, now: float) -> float | None:
        self.endpoint.handle_timeout(now)
        self.sockets.handle_timeout(now)
        while (event := self.endpoint.next_event()) is not None:
            self.events.append(event)
            if isinstance(event, OfferReceived):
                self._answer_offer(event, now)
        for transmission in self.endpoint.transmissions_to_send():
            self.sockets.send(transmission)
        return earliest(self.endpoint.next_timeout(), self.sockets.next_timeout())

    def _answer_offer(self, event: OfferReceived, now: float) -> None:
        if isinstance(self.answer_to_offers, int):
            self.agent.refuse_offer(event.call_id, self.answer_to_offers, now)
        else:
            self.agent.accept_offer(event.call_id, self.answer_to_offers, now)

    def told(self, kind: type) -> list[Any]:
        """Events of a kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    def call(self, target: str, offer: bytes | None = None, call_id: CallId = CALL) -> None:
        self.agent.invite(call_id, target, sdp() if offer is None else offer, None, self.loop.now())

    def incoming(self) -> IncomingCall:
        """Wait for a call to us."""
        self.loop.turn_until(lambda: self.told(IncomingCall), "a call to the far end")
        call: IncomingCall = self.told(IncomingCall)[-1]
        return call

    def answer(self, body: bytes | None = None) -> CallId:
        """Wait for a call and take it."""
        call = self.incoming()
        self.agent.answer(call.call_id, sdp() if body is None else body, self.loop.now())
        return call.call_id

    def established(self) -> CallEstablished:
        self.loop.turn_until(lambda: self.told(CallEstablished), "the call to stand at the far end")
        event: CallEstablished = self.told(CallEstablished)[-1]
        return event

    def ended(self) -> CallEnded:
        self.loop.turn_until(lambda: self.told(CallEnded), "the end of the call at the far end")
        event: CallEnded = self.told(CallEnded)[-1]
        return event

    def reoffer(self, body: bytes, call_id: CallId = CALL) -> OfferAnswered | OfferRefused:
        """Change the session; what came of it."""
        before = len(self.told(OfferAnswered) + self.told(OfferRefused))
        self.agent.reoffer(call_id, body, self.loop.now())
        outcome: Callable[[], list[Any]] = lambda: self.told(OfferAnswered) + self.told(OfferRefused)  # noqa: E731
        self.loop.turn_until(lambda: len(outcome()) > before, "an answer to the far end's offer")
        kinds = (OfferAnswered, OfferRefused)
        result: OfferAnswered | OfferRefused = [event for event in self.events if isinstance(event, kinds)][-1]
        return result

    def close(self) -> None:
        self.sockets.close()


def office(port: int, **changes: object) -> Account:
    """An account at a server on this machine."""
    account = Account(OFFICE, "1001", HOST, registrar=f"{HOST}:{port}", outbound_proxy=f"{HOST}:{port}")
    return replace(account, **changes)  # type: ignore[arg-type]
