"""Messages per second of our parser and encoder beside libosip2 and parsers from PyPI, one thread each."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from itertools import cycle

from device.sip.message import Message
from device.sip.parser import parse_message, validate
from tests.bench import budgets, idling
from tests.bench.bench import Bench
from tests.bench.figures import NO_GATE, Figure, Gate
from tests.bench.osip import Osip
from tests.bench.peer_parsers import VERSIONS, PeerParsers, peer_parsers
from tests.bench.sample_messages import INVITE, OK, strangers

STRETCHES = 24
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


Measure = Callable[[float], float]
"""Works for so many seconds, and tells how often in a second."""


def rates(works: Mapping[str, Measure], seconds: float) -> dict[str, float]:
    """How often each work can be done in a second.

    They take turns in short stretches, and the best stretch counts: whatever else the machine does only disturbs.
    """
    best = dict.fromkeys(works, 0.0)
    for _ in range(STRETCHES):
        for name, work in works.items():
            best[name] = max(best[name], work(seconds))
    return best


def here(work: Callable[[], object]) -> Measure:
    """Work in this process."""

    def measure(seconds: float) -> float:
        count = 0
        began = time.perf_counter()
        while (spent := time.perf_counter() - began) < seconds:
            for _ in range(BATCH):
                work()
            count += BATCH
        return count / spent

    return measure


def there(peers: PeerParsers, name: str, kind: str, sample: str) -> Measure:
    """Work in the process of the other parsers."""
    return lambda seconds: peers.rate(name, kind, sample, seconds)


def measure(bench: Bench) -> list[Figure]:
    """Each kind of work on the INVITE and on its 200, and what transactions and dialogs at rest cost."""
    figures: list[Figure] = []
    try:
        osip: Osip | None = Osip()
    except OSError:
        osip = None
        figures.append(Figure(TOPIC, "libosip2: not measured", "", None, note="apt-get install libosip2-dev"))
    with ExitStack() as stack:
        try:
            peers: PeerParsers | None = stack.enter_context(peer_parsers())
        except OSError as error:
            peers = None
            figures.append(Figure(TOPIC, "parsers from PyPI: not measured", "", None, note=str(error)))
        for name, data in (("INVITE", INVITE), ("200", OK)):
            figures += _figures(name, data, osip, peers, bench.extent.message_s)
    return [*figures, *idling.measure(bench)]


def _figures(name: str, data: bytes, osip: Osip | None, peers: PeerParsers | None, seconds: float) -> list[Figure]:
    others = cycle(strangers(data))
    works: dict[str, Measure] = {
        "parse": here(lambda: parse_message(data)),
        "use": here(lambda: use(data)),
        "checked use": here(lambda: checked_use(data)),
        "encode": here(parse_message(data).encode),
        "use of strangers": here(lambda: use(next(others))),
    }
    with ExitStack() as stack:
        if osip is not None:
            theirs = stack.enter_context(osip.opened(data))
            works["C parse"] = here(lambda: osip.parse(data))
            works["C parse of strangers"] = here(lambda: osip.parse(next(others)))
            works["C use"] = here(lambda: osip.use(data))
            works["C encode"] = here(lambda: osip.encode(theirs))
        if peers is not None:
            works |= {
                f"{peer} {kind}": there(peers, peer, kind, name) for peer in VERSIONS for kind in ("use", "encode")
            }
        found = rates(works, seconds)

    def figure(what: str, ours: str, theirs: str, gate: Gate = NO_GATE, peer: str = PEER_NAME) -> Figure:
        return Figure(TOPIC, f"{name}: {what}", "/s", found[ours], found.get(theirs), peer, gate)

    figures = [
        figure("parse", "parse", "C parse"),
        figure("parse and use, beside parse in C", "use", "C parse", budgets.USE_MESSAGE),
        figure("the same, never the same addresses", "use of strangers", "C parse of strangers"),
        figure("parse, check and use, values fetched from C", "checked use", "C use"),
        figure("encode", "encode", "C encode", budgets.ENCODE_MESSAGE),
    ]
    if peers is not None:
        for peer in VERSIONS:
            figures.append(
                figure(f"parse and use, beside {peer}", "use", f"{peer} use", budgets.FASTER_THAN_PEER, peer)
            )
            figures.append(figure(f"encode, beside {peer}", "encode", f"{peer} encode", budgets.FASTER_THAN_PEER, peer))
    return figures
