"""Messages per second of our parser and encoder beside libosip2's, in one thread of this process."""

import time
from collections.abc import Callable

from device.sip.message import Message
from device.sip.parser import parse_message, validate
from tests.bench import budgets
from tests.bench.bench import Bench
from tests.bench.figures import NO_GATE, Figure, Gate
from tests.bench.osip import Osip
from tests.bench.sample_messages import INVITE, OK

REPEATS = 5
PEER_NAME = "libosip2"
TOPIC = "messages"


def use(data: bytes) -> tuple[object, ...]:
    """Parse, and read what a transaction layer needs."""
    return read(parse_message(data))


def checked_use(data: bytes) -> tuple[object, ...]:
    """The same with the check that every message from the wire goes through."""
    message = parse_message(data)
    validate(message)
    return read(message)


def read(message: Message) -> tuple[object, ...]:
    """Branch, From tag, To URI, CSeq number, Call-ID, Contact and body."""
    return (
        message.top_via.branch,
        message.from_.tag,
        message.to.uri,
        message.cseq.number,
        message.call_id,
        message.contacts[0].uri,
        message.body,
    )


def per_second(work: Callable[[], object], seconds: float) -> float:
    """How often `work` can be done in a second: the best of some stretches, since others only disturb."""
    best = 0.0
    batch = 50
    for _ in range(REPEATS):
        count = 0
        began = time.perf_counter()
        while (spent := time.perf_counter() - began) < seconds:
            for _ in range(batch):
                work()
            count += batch
        best = max(best, count / spent)
    return best


def measure(bench: Bench) -> list[Figure]:
    """Each kind of work on the INVITE and on its 200."""
    try:
        osip: Osip | None = Osip()
    except OSError:
        osip = None
    figures = []
    for name, data in (("INVITE", INVITE), ("200", OK)):
        figures += _figures(name, data, osip, bench.extent.message_s)
    if osip is None:
        figures.append(Figure(TOPIC, "libosip2", "", None, note="not installed: apt-get install libosip2-dev"))
    return figures


def _figures(name: str, data: bytes, osip: Osip | None, seconds: float) -> list[Figure]:
    message = parse_message(data)
    parsed = used = encoded = None
    if osip is not None:
        parsed = per_second(lambda: osip.parse(data), seconds)
        used = per_second(lambda: osip.use(data), seconds)
        theirs = osip.open(data)
        encoded = per_second(lambda: osip.encode(theirs), seconds)
        osip.close(theirs)

    def figure(what: str, work: Callable[[], object], peer: float | None, gate: Gate = NO_GATE) -> Figure:
        return Figure(TOPIC, f"{name}: {what}", "/s", per_second(work, seconds), peer, peer_name=PEER_NAME, gate=gate)

    return [
        figure("parse", lambda: parse_message(data), parsed),
        figure("parse and use, beside parse in C", lambda: use(data), parsed, budgets.USE_MESSAGE),
        figure("parse, check and use, values fetched from C", lambda: checked_use(data), used),
        figure("encode", message.encode, encoded),
    ]
