"""A million strange requests to one exchange, without sockets: nothing that comes may crash it or make it grow.

usage: python -m tests.exchange.soak [REQUESTS] [SEED]      (a million by default; prints objects and memory as it goes)
"""

import sys
from random import Random

from device import plain_logging as logging
from device.exchange.accounting import MAX_CALL_S
from device.exchange.call_watch import SILENT_CALL_S
from device.sip.hop import Hop
from device.sip.message import Request
from tests.exchange.switchboard import UNIX_OFFSET_S, Switchboard
from tests.exchange.test_exchange_fuzz import Crowd, mutate
from tests.sip.soak import GARBAGE, count_objects

CROWD_STEPS = 20
"""So many messages of people who know each other come between two of strangers."""
KEPT = 12
"""Messages of the crowd that may be answered yet; older ones are forgotten."""
DRAINED_S = max(SILENT_CALL_S, MAX_CALL_S) + 1.0
"""By then everything is over: bindings last an hour, and calls that nobody ended are forgotten."""


class ExchangeSoak:
    """Users, guests and a world of strangers that send whatever they like to one exchange."""

    def __init__(self, seed: int, strangers: int = 50_000) -> None:
        self._strangers = strangers
        """The addresses that they have."""
        self.crowd = Crowd(seed)
        self.dice = Random(seed + 1)
        self.requests = 0
        self.kinds: set[str | int] = set()
        """Methods and statuses that the exchange has sent."""
        self.most_bindings = 0

    @property
    def board(self) -> Switchboard:
        """The exchange on its bench."""
        return self.crowd.board

    def run(self, requests: int) -> None:
        """Let so many messages come."""
        until = self.requests + requests
        while self.requests < until:
            self.crowd.play(CROWD_STEPS)
            self._let_strangers_speak()
            self.requests += CROWD_STEPS + 1
            self._forget()

    def _let_strangers_speak(self) -> None:
        dice, board = self.dice, self.board
        high, low = divmod(dice.randrange(self._strangers), 256)
        source = Hop("UDP", f"203.0.{high}.{low}", dice.randrange(1024, 65536))
        if dice.random() < 0.3:
            data = dice.choice(GARBAGE)
        else:
            stranger = board.phone(
                dice.choice(("1001", "admin", str(dice.randrange(10_000)))), source.host, source.port
            )
            method = dice.choice(("REGISTER", "INVITE", "OPTIONS", "SUBSCRIBE", "PUBLISH", "MESSAGE", "NONSENSE"))
            called = dice.choice(("1001", "1002", "9001", "*98", "00441234"))
            request = stranger.build(method, f"sip:{called}@pbx.lan", Call_ID=f"s{dice.randrange(1 << 30)}")
            data = mutate(request, dice)
        board.receive(data, source)
        board.advance(0.02)

    def _forget(self) -> None:
        """The bench writes everything down; nobody reads it here."""
        board = self.board
        self.kinds |= {one.method if isinstance(one, Request) else one.status for _, one in board.sent}
        self.most_bindings = max(self.most_bindings, len(board.exchange.location.everything()))
        board.sent.clear()
        board.events.clear()
        for hop in {phone.hop for phone in self.crowd.phones}:
            board.take(hop)
        board.empty_inboxes()
        del self.crowd.heard[:-KEPT]

    def drain(self) -> None:
        """Let the world fall silent, until nothing is under way any more and no call is thought to go on."""
        self.board.advance(DRAINED_S)
        self._forget()
        self.crowd.heard.clear()

    def bindings_left(self) -> int:
        """Contacts that are bound though their time is over."""
        unix_now = self.board.now + UNIX_OFFSET_S
        return sum(binding.expires_at <= unix_now for binding in self.board.exchange.location.everything())


def main() -> None:
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    soak = ExchangeSoak(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    # Each stranger is told of in the log, which is bounded where the exchange is run.
    logging.root.level = logging.ERROR
    step = max(1, requests // 20)
    sys.stdout.write("requests  objects under way  objects at rest  resident KiB\n")
    while soak.requests < requests:
        soak.run(step)
        under_way = count_objects(soak.board.endpoint).total()
        soak.drain()
        with open("/proc/self/status") as status:
            resident = next(line.split()[1] for line in status if line.startswith("VmRSS"))
        at_rest = count_objects(soak.board.endpoint).total()
        sys.stdout.write(f"{soak.requests:8}  {under_way:17}  {at_rest:15}  {resident:>12}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
