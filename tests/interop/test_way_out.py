"""The way out: the users of the exchange move to two Kamailios with one PostgreSQL behind DNS SRV; either may die."""

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing

import pytest

from device.demo.measure import read_wav
from device.demo.system import free_port
from tests.support.asterisk import Asterisk
from tests.support.baresip import Baresip
from tests.support.canary import CANARY
from tests.support.daemons import CALLEE_WAV, ExchangeDaemon, PhoneDaemon, running
from tests.support.dnsmasq import Dnsmasq
from tests.support.postgresql import PostgreSql
from tests.support.processes import HOST, Program, find_program, wait_until
from tests.support.sipp import is_bound
from tests.support.sound import GOOD_CORRELATION, SETTLE_BYTES, TALK_S, search, write_repeated

pytestmark = pytest.mark.interop

DOMAIN = "pbx.test"
PASSWORDS = {user: f"{user}-{CANARY}" for user in ("1001", "1002", "1003")}
MOVED_S = 110.0
"""Patience until phones have come by themselves: registrations last 30 s here, and over UDP baresip waits for a dead
server as long as Timer F says, 32 s, before it tries the next."""


class ExportedKamailio:
    """A Kamailio with the configuration that the exchange wrote, on a port of its own."""

    def __init__(self, folder, configuration, name: str) -> None:
        self.port = free_port()
        self.folder = folder / name
        self.folder.mkdir()
        self._name = name
        self._configuration = configuration
        self.program: Program | None = None

    def start(self) -> None:
        command = [find_program("kamailio"), "-f", str(self._configuration), "-DD", "-E", "-m", "32", "-M", "4"]
        command += ["-Y", str(self.folder), "-w", str(self.folder), "-n", "2", "-N", "2"]
        for transport in ("udp", "tcp"):
            command += ["-l", f"{transport}:{HOST}:{self.port}"]
        program = self.program = Program(self._name, command, self.folder, own_group=True)
        for transport in ("udp", "tcp"):
            wait_until(f"{self._name} to listen", lambda t=transport: program.check() or is_bound(self.port, t))

    def kill(self) -> None:
        """End it with all its workers at once, as a power cut would."""
        if self.program is not None:
            self.program.kill()

    stop = kill


class House:
    """An exchange that is outgrown, its phones, and the cluster that takes over."""

    def __init__(self, folder, transport: str) -> None:
        self.folder = folder
        self.transport = transport
        self.exchange = ExchangeDaemon(folder, PASSWORDS, domain=DOMAIN)
        self.exchange.manage("alias", "add", "9", "1003")
        self.dnsmasq = Dnsmasq(folder, ttl_s=1)
        self._name(("old", self.exchange.port))
        self.phones = [
            PhoneDaemon("1001", folder, {"sip.dns_servers": self.dnsmasq.address}),
            PhoneDaemon("1003", folder, {"sip.dns_servers": self.dnsmasq.address}, microphone=CALLEE_WAV),
        ]
        speech = write_repeated(CALLEE_WAV, folder / "long.wav", 12)
        # By TCP it would name the port of its connection as its contact, and so be lost with the server in a call.
        where = {"domain": f"{DOMAIN};transport=udp", "dns_server": self.dnsmasq.address}
        self.baresip = Baresip("1002", PASSWORDS["1002"], "", folder, speech, **where)
        self.database = PostgreSql(folder)
        self.nodes: list[ExportedKamailio] = []

    def _name(self, *servers: tuple[str, int]) -> None:
        """Let DNS name these servers, the first preferred."""
        self.dnsmasq.zone.clear()
        for priority, (name, port) in enumerate(servers):
            for transport in ("udp", "tcp"):
                self.dnsmasq.srv(f"_sip._{transport}.{DOMAIN}", f"{name}.test", port, priority)
            self.dnsmasq.host(f"{name}.test", HOST, ttl=1)

    def register(self) -> None:
        for phone in self.phones:
            fields = {"id": "office", "user": phone.name, "domain": DOMAIN, "transport": self.transport}
            phone.call("account.add", **fields, password=PASSWORDS[phone.name], expires_s=30)
            phone.expect_registration("registered")
        self.baresip.start()
        for user in PASSWORDS:
            assert self.exchange.contacts(user)

    def move_out(self) -> None:
        """Export while the exchange runs, load the database, switch the servers and the name."""
        out = self.folder / "way-out"
        words = ("--to", "kamailio", "--database", "postgresql", "--database-url", self.database.url)
        said = self.exchange.manage("export", *words, "--output", str(out))
        assert "3 users and 1 other names of pbx.test move to Kamailio" in said
        self.database.execute((out / "schema.sql").read_text() + (out / "data.sql").read_text())
        self.nodes += [ExportedKamailio(self.folder, out / "kamailio.cfg", f"node-{n}") for n in (1, 2)]
        self.exchange.stop()
        for node in self.nodes:
            node.start()
        self.dnsmasq.stop()
        self._name(*((f"node-{n}", node.port) for n, node in enumerate(self.nodes, 1)))
        self.dnsmasq.start()

    def registered(self) -> set[str]:
        """Who has registered with the cluster, rather than having been brought along."""
        rows = "SELECT username FROM location WHERE last_modified > '2001-01-01' AND expires > localtimestamp"
        return set(self.database.execute(rows))

    def forget_contacts(self) -> None:
        """So that it is seen who registers anew."""
        self.database.execute("DELETE FROM location")

    def expect_registered(self, *users: str) -> None:
        wait_until(f"{', '.join(users)} to have come by themselves", lambda: self.registered() >= set(users), MOVED_S)

    def accounted(self, method: str) -> list[str]:
        return self.database.execute(
            f"SELECT sip_code || ' ' || src_user || ' ' || dst_user FROM acc WHERE method = '{method}' ORDER BY id"
        )


@pytest.fixture(params=["udp", "tcp"])
def house(request, tmp_path) -> Iterator[House]:
    house = House(tmp_path, request.param)
    house.dnsmasq.start()
    house.database.start()
    try:
        with running(house.exchange, *house.phones):
            house.register()
            yield house
    finally:
        house.baresip.stop()
        for node in house.nodes:
            node.stop()
        house.database.stop()
        house.dnsmasq.stop()


def call(caller: PhoneDaemon, number: str, callee: PhoneDaemon) -> None:
    """A whole call between two of our phones."""
    caller.place(number)
    callee.expect_state("alerting")
    callee.lift()
    callee.expect_state("connected")
    caller.expect_state("connected")
    callee.rest()
    caller.rest()


def test_the_users_move_to_a_cluster_and_either_server_may_die(house) -> None:
    first, second = house.phones
    call(first, "1003", second)
    house.move_out()
    # What was known of the phones came along, and what they did.
    assert house.accounted("BYE")
    house.expect_registered(*PASSWORDS)
    call(first, "9", second)
    before = len(house.accounted("INVITE"))

    # One server dies in the middle of a call: it goes on, and ends in order by way of the other.
    first.place("1002")
    house.baresip.expect("CALL_INCOMING")
    house.baresip.command("accept")
    first.expect_state("connected")
    house.baresip.expect("CALL_ESTABLISHED")
    house.nodes[0].kill()
    heard = first.listen(TALK_S)[SETTLE_BYTES:]
    assert search(read_wav(CALLEE_WAV, 0.0).pcm, heard) > GOOD_CORRELATION
    first.call("call.hangup")
    house.baresip.expect("CALL_CLOSED", 40.0)
    first.rest()
    assert house.accounted("INVITE")[before:] == ["200 1001 1002"]
    assert house.accounted("BYE")[-1].startswith("200 1001")

    # The registrations go on with the one that is left, and calls with them.
    house.forget_contacts()
    house.expect_registered(*(PASSWORDS if house.transport == "udp" else ("1001", "1003")))
    call(second, "1001", first)

    # And the other way round.
    house.nodes[0].start()
    house.nodes[1].kill()
    house.forget_contacts()
    house.expect_registered("1001", "1003")
    call(first, "1003", second)


def test_the_users_move_to_asterisk(tmp_path) -> None:
    """The same phones, passwords and numbers."""
    exchange = ExchangeDaemon(tmp_path, PASSWORDS, domain=DOMAIN)
    exchange.manage("alias", "add", "9", "1003")
    out = tmp_path / "way-out"
    exchange.manage("export", "--to", "asterisk", "--output", str(out))
    asterisk = Asterisk({})
    asterisk.take(out)
    phones = [PhoneDaemon("1001", tmp_path), PhoneDaemon("1003", tmp_path, microphone=CALLEE_WAV)]
    try:
        asterisk.start()
        with running(*phones):
            for phone in phones:
                fields = {"id": "office", "user": phone.name, "domain": DOMAIN, "registrar": asterisk.address}
                phone.call("account.add", **fields, outbound_proxy=asterisk.address, password=PASSWORDS[phone.name])
                phone.expect_registration("registered")
            call(phones[0], "9", phones[1])
    finally:
        asterisk.remove()


def test_one_kamailio_with_sqlite_is_enough_for_a_start(tmp_path) -> None:
    exchange = ExchangeDaemon(tmp_path, PASSWORDS, domain=DOMAIN)
    exchange.manage("alias", "add", "9", "1003")
    out = tmp_path / "way-out"
    words = ("--to", "kamailio", "--database", "sqlite", "--database-url", f"sqlite:///{tmp_path}/sip.db")
    exchange.manage("export", *words, "--output", str(out))
    with closing(sqlite3.connect(tmp_path / "sip.db")) as database:
        database.executescript((out / "schema.sql").read_text() + (out / "data.sql").read_text())
    node = ExportedKamailio(tmp_path, out / "kamailio.cfg", "node")
    dnsmasq = Dnsmasq(tmp_path)
    dnsmasq.srv(f"_sip._udp.{DOMAIN}", "node.test", node.port)
    dnsmasq.host("node.test", HOST)
    settings = {"sip.dns_servers": dnsmasq.address}
    phones = [PhoneDaemon("1001", tmp_path, settings), PhoneDaemon("1003", tmp_path, settings, microphone=CALLEE_WAV)]
    dnsmasq.start()
    try:
        node.start()
        with running(*phones):
            for phone in phones:
                fields = {"id": "office", "user": phone.name, "domain": DOMAIN, "password": PASSWORDS[phone.name]}
                phone.call("account.add", **fields)
                phone.expect_registration("registered")
            call(phones[0], "9", phones[1])
    finally:
        node.stop()
        dnsmasq.stop()


@pytest.mark.parametrize("server", ["kamailio", "opensips", "asterisk"])
def test_mysql_takes_the_files(server, tmp_path) -> None:
    """MariaDB reads them in the mode in which it makes its own first tables; a statement that fails ends it."""
    exchange = ExchangeDaemon(tmp_path, {**PASSWORDS, "o'neill": "secret"}, domain=DOMAIN)
    exchange.manage("alias", "add", "9", "1003")
    out, data = tmp_path / "way-out", tmp_path / "data"
    exchange.manage("export", "--to", server, "--database", "mysql", "--output", str(out))
    data.mkdir()
    table, key = ("ps_auths", "username") if server == "asterisk" else ("subscriber", "username")
    sure = f"INSERT INTO sure SELECT IF((SELECT count(*) FROM {table} WHERE {key} = 'o''neill') = 1, 1, NULL);\n"
    sql = "CREATE DATABASE sip;\nUSE sip;\n" + (out / "schema.sql").read_text() + (out / "data.sql").read_text()
    words = ["--no-defaults", "--bootstrap", f"--datadir={data}", "--user=root", "--sql-mode=STRICT_ALL_TABLES"]
    for last, is_right in ((sure, True), (sure.replace("o''neill", "nobody"), False)):
        text = f"{sql}CREATE TABLE sure (x INT NOT NULL);\n{last}DROP DATABASE sip;\n"
        done = subprocess.run(
            [find_program("mariadbd"), *words], input=text, capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode == 0) == is_right, done.stderr[-800:]
