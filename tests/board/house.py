"""The house of a virtual board: a registrar, a second telephone, and a capture of the wire between them."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

from tests.board.agent_client import AgentError
from tests.board.board_phone import OUTPUTS, BoardPhone, UnsteadyHandError
from tests.board.figures import Figures
from tests.board.network import HOST_ADDRESS, BoardNetwork
from tests.board.pcap import decode, is_sip, read_pcap
from tests.board.rig import Rig
from tests.support.canary import CANARY
from tests.support.daemons import CALLEE_WAV, PhoneDaemon
from tests.support.kamailio import DOMAIN, Kamailio
from tests.support.processes import PATIENCE_S, wait_until

HERE, FAR = "1001", "1002"
PASSWORDS = {HERE: f"first {CANARY}", FAR: f"second {CANARY}"}

BOARD_SETTINGS = {
    "phone.inter_digit_timeout_s": "3",
    "daemon.stop_timeout_s": "0.5",
}


STEADY_PATIENCE_S = 300.0
"""How long it is tried again where the machine is too busy for steady hands; another test beside it ends sooner."""


Done = TypeVar("Done")


class SipSeen(NamedTuple):
    """A SIP message on the wire, and when it passed on the host's monotonic clock."""

    at: float
    source: str
    text: str


class House:
    """A board, Kamailio on the host's side of its cable, and an offhook phone there as the far end of calls."""

    def __init__(self, folder: Path, network: BoardNetwork, rig: Rig, figures: Figures) -> None:
        self.folder = folder
        self.network = network
        self.rig = rig
        self.figures = figures
        self.kamailio = Kamailio(folder, PASSWORDS, 60, host=HOST_ADDRESS, prefix=network.prefix)
        self.far = PhoneDaemon(
            FAR,
            folder,
            # The bell of the far end takes no time to be heard, and it answers when it is told to.
            {"sip.bind_address": HOST_ADDRESS, "phone.ring_timeout_s": "0"},
            microphone=CALLEE_WAV,
        )
        self.far.prefix = network.prefix
        self.phone = BoardPhone(HERE, rig)
        self._driver = ""
        self._capture = network.capture()
        self._clock_s = time.time() - time.monotonic()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Everything on; the board's phone is registered."""
        with ExitStack() as stack:
            stack.callback(self._capture.stop)
            stack.callback(self.kamailio.stop)
            self.kamailio.start()
            stack.callback(self.far.stop)
            self.far.start()
            self.far.add_account(self.kamailio.address, FAR, PASSWORDS[FAR], domain=DOMAIN)
            self.far.expect_registration("registered")
            stack.callback(self.rig.stop)
            self.rig.start()
            stack.callback(self.phone.stop)
            self.phone.start()
            yield

    def use(self, driver: str) -> None:
        """See to it that the board's phone runs with this driver, is registered and at rest."""
        if self._driver != driver:
            self.rewire(driver)
        try:
            self.rest()
        except AgentError:
            # A test that failed has left the board on its way up; that is no fault of the next one.
            self.wait_for_phone()
            self.rest()

    def wait_for_phone(self) -> None:
        """Wait until the phone of a board that has just been started answers and is registered."""
        long = 6 * PATIENCE_S * self.rig.patience
        self.phone.client.close()
        wait_until("the phone to answer", self.answers, long)
        self.phone.begin_to_listen()
        wait_until("the board to be registered", self.registered, long)

    def answers(self) -> bool:
        """Whether the phone that the board has started can be asked."""
        return self.rig.agent.run([*self.rig.offhook, "status"], check=False).status == 0

    def rewire(self, driver: str = "", settings: dict[str, str] | None = None, **how: object) -> None:
        """Start the board's phone with another wiring or other settings, and wait until it is registered."""
        first = not self._driver
        self._driver = driver or self._driver
        self.phone.install(self._driver, {**BOARD_SETTINGS, **(settings or {})}, **how)  # type: ignore[arg-type]
        if first:
            self.phone.add_account(self.kamailio.address, HERE, PASSWORDS[HERE], domain=DOMAIN)
        wait_until("the board to be registered", self.registered, PATIENCE_S * self.rig.patience)

    def registered(self) -> bool:
        """Whether the registrar knows where the board is, and the board knows that."""
        there = any(f"@{self.rig.address}" in contact for contact in self.kamailio.contacts())
        return there and self.phone.account()["state"] == "registered"

    def rest(self) -> None:
        """Both telephones on the hook, all lines at rest, nothing told that is not taken."""
        self.phone.chance = None
        self.phone.rest_lines()
        self.phone.rest()
        self.far.rest()
        wait_until("the outputs to rest", lambda: not any(self.busy_outputs()), PATIENCE_S * self.rig.patience)

    def busy_outputs(self) -> list[int]:
        """Outputs that are on, but for the lamp that tells of the registration."""
        levels = self.phone.levels()
        return [line for line in OUTPUTS if levels[line] and line not in {22, 12}]

    # The wire.

    def seen(self, since: float) -> list[SipSeen]:
        """The SIP messages that have passed since a host's instant."""
        found = []
        for packet in read_pcap(self._capture.path):
            at = packet.at_ns / 1e9 - self._clock_s
            if at >= since and (datagram := decode(packet)) is not None and is_sip(datagram):
                text = datagram.payload.decode(errors="replace")
                found.append(SipSeen(at, datagram.source[0], text))
        return found

    def wait_sip(self, pattern: str, since: float, *, to_board: bool = False, within_s: float = PATIENCE_S) -> SipSeen:
        """Wait for a message from the board, or to it, whose text matches a regular expression at its start."""
        board = self.rig.address

        def find() -> SipSeen | None:
            for message in self.seen(since):
                if (message.source != board) is to_board and re.match(pattern, message.text):
                    return message
            return None

        way = "to" if to_board else "from"
        found = wait_until(f"{pattern} {way} the board on the wire", find, within_s * self.rig.patience)
        assert found is not None
        return found

    # Calls.

    def lift_and_dial(self, dial: Callable[[], object], number: str) -> SipSeen:
        """Lift the handset, dial, and wait for the INVITE; once more where the test's own hand was not steady."""
        return self.steadily(lambda: self._lift_and_dial(dial, number))

    def steadily(self, act: Callable[[], Done]) -> Done:
        """Do something with the hands; at rest and once more where they were not steady, until they were."""
        chance = self.phone.chance
        last = time.monotonic() + STEADY_PATIENCE_S
        while True:
            try:
                return act()
            except UnsteadyHandError:
                if time.monotonic() >= last:
                    raise
                self.rest()
                self.phone.chance = chance

    def _lift_and_dial(self, dial: Callable[[], object], number: str) -> SipSeen:
        self.phone.lift()
        self.phone.expect_state("dial-tone")
        since = time.monotonic()
        dial()
        invite = self.wait_sip("INVITE ", since)
        assert invite.text.startswith(f"INVITE sip:{number}@"), invite.text.partition("\r\n")[0]
        return invite

    def ring(self) -> float:
        """The far end calls; comes back when the board rings, with the host's instant just before the call."""
        since = time.monotonic()
        self.far.place(HERE)
        self.phone.expect_state("alerting")
        return since

    def connect(self) -> float:
        """A call from the far end that is answered by lifting the handset; the host's instant of the answer."""
        self.ring()
        self.phone.lift()
        self.phone.expect_state("connected")
        self.far.expect_state("connected")
        return time.monotonic()
