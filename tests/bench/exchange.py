"""The exchange under load by SIPp beside Kamailio's on the same core: registrations, calls, lost messages, memory."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from device.sip.digest import ha1
from device.store.database import open_database
from device.store.subscribers import Subscribers
from tests.bench import budgets
from tests.bench.bench import Bench
from tests.bench.figures import NO_GATE, Figure, Gate
from tests.bench.process_figures import cpu_s, memory_mib
from tests.bench.sipp_load import SLACK_S, Load
from tests.support.daemons import ExchangeDaemon
from tests.support.kamailio import DOMAIN, Kamailio
from tests.support.processes import find_program

TOPIC = "exchange"
PEER = "Kamailio"
USERS = tuple((f"u{number:02d}", f"p{number:02d}") for number in range(50))
CALLEE = USERS[0][0]
LIFETIME_S = 3600
HOUSE_CALLS_PER_S = 20
HOUSE_TALK_MS = 3000
"""Sixty calls at once: more than fifty users can make."""
WARM_UP_CALLS = 1500
"""A thousand transactions of each side are remembered for 32 s: some 13 MiB, once."""
SERVER_CORE, LOAD_CORE = "0", "1"


class Server(Protocol):
    """Either of the two."""

    address: str

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def pids(self) -> list[int]: ...


class Ours(ExchangeDaemon):
    """The embedded exchange as it is run, on one core."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, {}, domain=DOMAIN)
        self.prefix = on_core(SERVER_CORE)
        with open_database(str(self.store_path)) as database:
            subscribers = Subscribers(database)
            for user, password in USERS:
                values = {name: ha1(name, user, DOMAIN, password) for name in ("MD5", "SHA-256")}
                subscribers.put(user, DOMAIN, values)
        # One SIPp at one address plays all fifty phones: for a single sender that would be a flood.
        self.manage("setting", "requests_per_s=0")

    def pids(self) -> list[int]:
        assert self.program is not None
        return [self.program.pid]


class Theirs(Kamailio):
    """Kamailio with its users in SQLite, all its processes on the same core."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, dict(USERS), LIFETIME_S, prefix=on_core(SERVER_CORE))

    def pids(self) -> list[int]:
        assert self.program is not None
        return processes_of_group(self.program.pid)


def on_core(core: str) -> tuple[str, ...]:
    """What a command is put behind, so that it has one core and that alone."""
    return (find_program("taskset"), "-c", core)


def processes_of_group(group: int) -> list[int]:
    """The processes of a process group, as Kamailio's workers are."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group:
            found.append(int(stat.parent.name))
    return found


@dataclass(slots=True)
class Site:
    """One server with its folder; plays load against it."""

    server: Server
    folder: Path

    def register(self, rate: int, seconds: float, contact_address: str = "127.0.0.1:9") -> bool:
        """Registrations at `rate` a second; whether every one went through without a lost message."""
        calls = max(len(USERS), int(rate * seconds))
        load = self.load("load-register", rate, calls, contact_address=contact_address)
        counts = load.finish(calls / rate)
        return counts.is_clean(calls) and counts.seconds <= calls / rate + SLACK_S

    def call(self, answering: Load, rate: int, calls: int, talk_ms: int = 0) -> bool:
        """Calls at `rate` a second, each answered at once; whether neither side had to repeat a message."""
        before = answering.counts().repeated
        planned_s = calls / rate + talk_ms / 1000
        load = self.load("load-call", rate, calls, talk_ms=talk_ms, target=f"sip:{CALLEE}@{DOMAIN}")
        counts = load.finish(planned_s)
        repeated = answering.counts().repeated - before
        return counts.is_clean(calls) and not repeated and counts.seconds <= planned_s + SLACK_S

    @contextmanager
    def answering(self) -> Iterator[Load]:
        """All users registered, their calls answered by one SIPp."""
        answering = Load("load-answer", self.folder, prefix=on_core(LOAD_CORE))
        try:
            # A busy machine may steal a moment: a repeated REGISTER matters where rates are measured, not here.
            registered = any(self.register(25, 2.0, answering.address) for _ in range(3))
            assert registered, "the users could not register"
            yield answering
        finally:
            answering.stop()

    def cpu_s(self) -> float:
        """CPU time of all its processes so far."""
        return sum(cpu_s(pid) for pid in self.server.pids())

    def memory_mib(self) -> float:
        """What all its processes hold for themselves."""
        return sum(memory_mib(pid)[1] for pid in self.server.pids())

    def load(self, scenario: str, rate: int, calls: int, **values: object) -> Load:
        """Start one SIPp against the server, for all users or, calling, for all but the one who is called."""
        users = USERS if scenario == "load-register" else USERS[1:]
        values = {"domain": DOMAIN, "expires": LIFETIME_S, **values}
        return Load(
            scenario,
            self.folder,
            self.server.address,
            users=users,
            rate=rate,
            calls=calls,
            prefix=on_core(LOAD_CORE),
            **values,  # type: ignore[arg-type]
        )


def measure(bench: Bench) -> list[Figure]:
    """Each measure for the exchange and for Kamailio in turn, so that a busy machine troubles both alike."""
    sites = []
    for name, kind in (("ours", Ours), ("peer", Theirs)):
        folder = bench.folder / f"exchange-{name}"
        shutil.rmtree(folder, ignore_errors=True)  # what an earlier run has left behind
        folder.mkdir()
        sites.append(Site(kind(folder), folder))
    try:
        for site in sites:
            site.server.start()
        return [*_registrations(bench, sites), *_calls(bench, sites), *_house(bench, sites), *_memory(bench, sites[0])]
    finally:
        for site in sites:
            site.server.stop()


def _registrations(bench: Bench, sites: list[Site]) -> list[Figure]:
    seconds = bench.extent.load_s
    held = [_highest(lambda rate, one=site: one.register(rate, seconds), bench.extent.register_rates) for site in sites]
    spent = [_cost(site, lambda one=site: one.register(50, seconds), max(50, int(50 * seconds))) for site in sites]
    return [
        _figure("registrations held", "/s", held, budgets.REGISTRATIONS_PER_S, _tried(bench.extent.register_rates)),
        _figure("CPU of a registration", "ms", spent),
    ]


def _calls(bench: Bench, sites: list[Site]) -> list[Figure]:
    seconds = bench.extent.load_s
    held, spent = [], []
    for site in sites:
        with site.answering() as phones:
            held.append(
                _highest(
                    lambda rate, one=site, at=phones: one.call(at, rate, int(rate * seconds)), bench.extent.call_rates
                )
            )
            calls = int(HOUSE_CALLS_PER_S * seconds)
            spent.append(_cost(site, lambda one=site, at=phones, n=calls: one.call(at, HOUSE_CALLS_PER_S, n), calls))
    return [
        _figure("call set-ups held", "/s", held, budgets.CALL_SETUPS_PER_S, _tried(bench.extent.call_rates)),
        _figure("CPU of a call, challenge to BYE", "ms", spent),
    ]


def _house(bench: Bench, sites: list[Site]) -> list[Figure]:
    """What the exchange is for: fifty users and twenty calls a second for a while, and no message lost."""
    calls = int(HOUSE_CALLS_PER_S * bench.extent.house_s)
    lost = []
    for site in sites:
        with site.answering() as phones:
            is_clean = site.call(phones, HOUSE_CALLS_PER_S, calls, HOUSE_TALK_MS)
            lost.append(0.0 if is_clean else 1.0)
    note = f"{calls} calls of {HOUSE_TALK_MS / 1000:g} s among {len(USERS)} users; 0: no message was lost, 1: some were"
    return [_figure(f"{HOUSE_CALLS_PER_S} calls a second, loss", "", lost, budgets.LOST_MESSAGES, note)]


def _memory(bench: Bench, site: Site) -> list[Figure]:
    """Growth over many calls, after so many that the tables of transactions have their size."""
    calls = bench.extent.exchange_calls
    rate = min(bench.extent.memory_rate, calls)
    with site.answering() as phones:
        site.call(phones, rate, WARM_UP_CALLS)
        before = site.memory_mib()
        began = time.monotonic()
        site.call(phones, rate, calls)
        grown = site.memory_mib() - before
    note = f"{calls / (time.monotonic() - began):.0f} calls a second"
    if calls < budgets.MEMORY_GROWTH_CALLS:
        note += f"; the gate is meant for {budgets.MEMORY_GROWTH_CALLS}: --calls {budgets.MEMORY_GROWTH_CALLS}"
    name = f"exchange, memory growth over {calls} calls"
    return [Figure(TOPIC, name, "MiB", grown, gate=budgets.EXCHANGE_GROWTH_MIB, note=note)]


def _highest(holds: Callable[[int], bool], rates: tuple[int, ...]) -> float:
    held = 0
    for rate in rates:
        # A busy machine may steal a moment: what fails is tried once more.
        if not (holds(rate) or holds(rate)):
            break
        held = rate
    return float(held)


def _cost(site: Site, work: Callable[[], bool], times: int) -> float:
    before = site.cpu_s()
    work()
    return (site.cpu_s() - before) / times * 1000


def _tried(rates: tuple[int, ...]) -> str:
    return f"rates tried: {', '.join(map(str, rates))}; one repeated message is a failure"


def _figure(name: str, unit: str, values: list[float], gate: Gate = NO_GATE, note: str = "") -> Figure:
    return Figure(TOPIC, f"exchange, {name}", unit, *values, gate=gate, note=note, peer_name=PEER)
