"""Messages per second of our parser and encoder beside libosip2's, in one thread of this process."""

import time
from collections.abc import Callable, Mapping

from device.sip.message import Message
from device.sip.parser import parse_message, validate
from tests.bench import budgets
from tests.bench.bench import Bench
from tests.bench.figures import NO_GATE, Figure, Gate
from tests.bench.osip import Osip
from tests.bench.sample_messages import INVITE, OK

STRETCHES = 8
BATCH = 50
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


def rates(works: Mapping[str, Callable[[], object]], seconds: float) -> dict[str, float]:
    """How often each work can be done in a second.

    They take turns in short stretches, and the best stretch counts: whatever else the machine does only disturbs.
    """
    best = dict.fromkeys(works, 0.0)
    for _ in range(STRETCHES):
        for name, work in works.items():
            best[name] = max(best[name], _rate(work, seconds))
    return best


def _rate(work: Callable[[], object], seconds: float) -> float:
    count = 0
    began = time.perf_counter()
    while (spent := time.perf_counter() - began) < seconds:
        for _ in range(BATCH):
            work()
        count += BATCH
    return count / spent


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
        figures.append(Figure(TOPIC, "libosip2: not measured", "", None, note="apt-get install libosip2-dev"))
    return figures


def _figures(name: str, data: bytes, osip: Osip | None, seconds: float) -> list[Figure]:
    message = parse_message(data)
    works: dict[str, Callable[[], object]] = {
        "parse": lambda: parse_message(data),
        "use": lambda: use(data),
        "checked use": lambda: checked_use(data),
        "encode": message.encode,
    }
    if osip is None:
        found = rates(works, seconds)
    else:
        with osip.opened(data) as theirs:
            works["C parse"] = lambda: osip.parse(data)
            works["C use"] = lambda: osip.use(data)
            works["C encode"] = lambda: osip.encode(theirs)
            found = rates(works, seconds)

    def figure(what: str, ours: str, theirs: str, gate: Gate = NO_GATE) -> Figure:
        return Figure(TOPIC, f"{name}: {what}", "/s", found[ours], found.get(theirs), PEER_NAME, gate)

    return [
        figure("parse", "parse", "C parse"),
        figure("parse and use, beside parse in C", "use", "C parse", budgets.USE_MESSAGE),
        figure("parse, check and use, values fetched from C", "checked use", "C use"),
        figure("encode", "encode", "C encode"),
    ]
