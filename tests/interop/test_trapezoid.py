"""U1, P1, P2, U2 by whole programs: two exchanges of ours, and ours beside Kamailio on either side, by UDP and TLS."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from device.demo.system import free_port
from tests.scenarios.textbook.catalogue import EXAMPLES
from tests.support import kamailio
from tests.support.baresip import Baresip
from tests.support.canary import CANARY
from tests.support.certificates import Authority
from tests.support.daemons import CALLEE_WAV, ExchangeDaemon, PhoneDaemon, running
from tests.support.exchange_watch import ExchangeWatch, Rung, legs_of, without_challenges
from tests.support.kamailio import Kamailio
from tests.support.processes import HOST, wait_until
from tests.support.sound import write_repeated

pytestmark = pytest.mark.interop

ALICE, BOB, SIPP, BARESIP = "1001", "1002", "1003", "1004"
PASSWORDS = {user: f"{user}-{CANARY}" for user in (ALICE, BOB, SIPP, BARESIP)}
P1_HOST, P2_HOST = "127.0.0.11", "127.0.0.12"
"""Each exchange has an address of its own, so that what goes between them is told from what goes to phones."""
A, B = "a.test", "b.test"
TRANSPORTS = ("udp", "tls")


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "ca")


def exchange(folder, name: str, host: str, domain: str, user: str, authority: Authority) -> tuple[ExchangeDaemon, int]:
    """An exchange with Alice, or with all others, and its port for TLS."""
    port = free_port()
    certificate = authority.issue(f"IP:{host}", f"DNS:{domain}")
    options = ["--tls-certificate", str(certificate.path), "--tls-key", str(certificate.key)]
    options += ["--tls-port", str(port), "--tls-ca", str(authority.path)]
    users = (user,) if user == ALICE else (BOB, SIPP, BARESIP)
    return ExchangeDaemon(folder, {name: PASSWORDS[name] for name in users}, name, domain, host, options), port


class Trapezoid:
    """Two exchanges of ours and a phone at each."""

    def __init__(self, folder, authority: Authority) -> None:
        self.p1, self.tls1 = exchange(folder, "p1", P1_HOST, A, ALICE, authority)
        self.p2, self.tls2 = exchange(folder, "p2", P2_HOST, B, BOB, authority)
        self.alice, self.bob = PhoneDaemon(ALICE, folder), PhoneDaemon(BOB, folder)
        self.watches: list[ExchangeWatch] = []

    def join(self, transport: str) -> None:
        """Tell each exchange how it reaches the other."""
        for one, other, host, tls in ((self.p1, B, P2_HOST, self.tls2), (self.p2, A, P1_HOST, self.tls1)):
            port = (self.p2 if one is self.p1 else self.p1).port if transport == "udp" else tls
            one.manage("domain", "set", other, f"sip:{host}:{port}" + (";transport=tls" if transport == "tls" else ""))

    def register(self) -> None:
        for phone, proxy, domain in ((self.alice, self.p1, A), (self.bob, self.p2, B)):
            phone.add_account(proxy.address, phone.name, PASSWORDS[phone.name], domain=domain)
            phone.expect_registration("registered")

    def watch(self, alice: int = 0, bob: int = 0) -> None:
        """From now on look who sends what; `alice` and `bob` are the ports of others in the place of our phones."""
        self.unwatch()
        at_p1 = {f"{HOST}:{alice or self.alice.port}": "alice", P2_HOST: "p2"}
        at_p2 = {f"{HOST}:{bob or self.bob.port}": "bob", P1_HOST: "p1"}
        self.watches = [
            ExchangeWatch(str(self.p1.socket_path), "p1", at_p1),
            ExchangeWatch(str(self.p2.socket_path), "p2", at_p2),
        ]

    def unwatch(self) -> None:
        for watch in self.watches:
            watch.close()
        self.watches = []

    def check(self, flow: str) -> None:
        """What both have seen is what the picture shows."""
        (example,) = [one for one in EXAMPLES if one.name == flow]
        rungs = [tuple(line.split(" ", 2)) for line in example.expected()]
        for watch, name in zip(self.watches, ("p1", "p2"), strict=True):
            wanted = legs_of(without_challenges([rung for rung in rungs if name in rung[:2]]))  # type: ignore[misc]
            came: list[dict[object, list[Rung]]] = []

            def is_there(watch: ExchangeWatch = watch, wanted=wanted, came=came) -> bool:
                came[:] = [legs_of(without_challenges(watch.rungs()))]
                return came[0] == wanted

            try:
                wait_until(f"{flow} at {name}", is_there)
            except AssertionError:
                assert came[0] == wanted

    def talk(self) -> None:
        self.alice.place(f"sip:{BOB}@{B}")
        self.bob.expect_state("alerting")
        self.bob.lift()
        self.alice.expect_state("connected")
        self.bob.expect_state("connected")


def last_call(proxy: ExchangeDaemon) -> dict[str, Any]:
    """The newest call on record of an exchange that is stopped, since the store belongs to one that runs."""
    with closing(sqlite3.connect(proxy.store_path)) as connection:
        connection.row_factory = sqlite3.Row
        return dict(connection.execute("SELECT * FROM cdr ORDER BY id DESC LIMIT 1").fetchone())


@pytest.fixture(scope="module")
def built(tmp_path_factory, authority) -> Iterator[Trapezoid]:
    trapezoid = Trapezoid(tmp_path_factory.mktemp("trapezoid"), authority)
    with running(trapezoid.p1, trapezoid.p2, trapezoid.alice, trapezoid.bob):
        trapezoid.register()
        yield trapezoid
        trapezoid.unwatch()


@pytest.fixture(params=TRANSPORTS)
def trapezoid(built, request) -> Iterator[Trapezoid]:
    built.join(request.param)
    built.watch()
    yield built
    for phone in (built.alice, built.bob):
        phone.rest()


class TestTwoOfOurs:
    def test_both_stay_in_the_path(self, trapezoid) -> None:
        """The called one hangs up, and the BYE goes back through both."""
        trapezoid.talk()
        trapezoid.bob.call("call.hangup")
        trapezoid.check("trapezoid")

    def test_the_call_is_on_record_at_both_ends(self, trapezoid) -> None:
        """Set-up, answer, end and cause."""
        trapezoid.talk()
        trapezoid.bob.call("call.hangup")
        trapezoid.bob.expect_message("in", "SIP/2.0 200", "BYE")
        trapezoid.unwatch()
        for proxy in (trapezoid.p1, trapezoid.p2):
            proxy.stop()
            call = last_call(proxy)
            proxy.start()
            assert call["set_up_at"] < call["answered_at"] < call["ended_at"]
            assert (call["caller"], call["called"]) == (f"sip:{ALICE}@{A}", f"sip:{BOB}@{B}")
            assert call["cause"].startswith("ended normally")
            assert (call["ended_by"], call["sip_code"]) == ("callee", 200)

    def test_the_caller_gives_up(self, trapezoid) -> None:
        trapezoid.alice.place(f"sip:{BOB}@{B}")
        trapezoid.bob.expect_state("alerting")
        trapezoid.alice.expect_state("ringback")
        trapezoid.alice.call("call.hangup")
        trapezoid.check("trapezoid-cancelled")

    def test_busy(self, trapezoid) -> None:
        trapezoid.bob.lift()
        trapezoid.bob.expect_state("dial-tone")
        trapezoid.alice.place(f"sip:{BOB}@{B}")
        trapezoid.alice.expect_state("busy-tone")
        trapezoid.check("trapezoid-busy")

    def test_the_caller_hangs_up(self, trapezoid) -> None:
        trapezoid.talk()
        trapezoid.alice.call("call.hangup")
        trapezoid.bob.expect_state("busy-tone")

    def test_what_each_side_is_told_of_the_way(self, trapezoid) -> None:
        """Two values where UDP becomes TLS, each with the address that serves that side."""
        trapezoid.talk()
        invite = trapezoid.bob.messages("in", "INVITE")[-1]
        routes = [line.partition(" ")[2] for line in invite.split("\r\n") if line.startswith("Record-Route:")]
        by_tls = "transport=tls" in "".join(routes)
        assert len(routes) == (4 if by_tls else 2)
        hosts = [P2_HOST, P2_HOST, P1_HOST, P1_HOST] if by_tls else [P2_HOST, P1_HOST]
        assert [route.partition("sip:")[2].partition(":")[0] for route in routes] == hosts
        if by_tls:
            assert ["transport=tls" in route for route in routes] == [False, True, True, False]

    def test_forwarding_to_and_fro_ends(self, trapezoid) -> None:
        trapezoid.p2.manage("forward", "set", BOB, "always", f"{ALICE}@{A}")
        trapezoid.p1.manage("forward", "set", ALICE, "always", f"{BOB}@{B}")
        trapezoid.alice.place(f"sip:{BOB}@{B}")
        trapezoid.alice.expect_message("in", "SIP/2.0 482")
        trapezoid.p2.manage("forward", "remove", BOB)
        trapezoid.p1.manage("forward", "remove", ALICE)


class TestOthersAtOurs:
    """SIPp and baresip as U1 and U2, at two exchanges of ours."""

    @pytest.fixture
    def ours(self, built) -> Trapezoid:
        built.join("udp")
        return built

    @pytest.mark.parametrize(
        ("caller", "callee", "flow"),
        [
            ("call-authenticated-until-bye", "answer-and-bye", "trapezoid"),
            ("call-authenticated-and-cancel", "ring-until-cancelled", "trapezoid-cancelled"),
            ("call-authenticated-refused", "refuse", "trapezoid-busy"),
        ],
    )
    def test_sipp(self, ours, play, tmp_path, caller, callee, flow) -> None:
        here, there = free_port(), free_port()
        contact = f"Contact: <sip:{SIPP}@{HOST}:{there}>"
        values = {"user": SIPP, "password": PASSWORDS[SIPP], "domain": B, "target": f"sip:{B}"}
        register = {"contact": contact, "status": 200, "port": there, **values}
        play("register", ours.p2.address, **register).succeed()
        waiting = play(callee, port=there, user=SIPP, cseq=2, status=486, pause_ms=100)
        ours.watch(here, there)
        told = {"user": ALICE, "password": PASSWORDS[ALICE], "from": f"sip:{ALICE}@{A}", "status": 486}
        calling = play(caller, ours.p1.address, port=here, target=f"sip:{SIPP}@{B}", **told)
        calling.succeed()
        waiting.succeed()
        ours.check(flow)
        ours.unwatch()
        play("register", ours.p2.address, **{**register, "expires": 0}).succeed()

    def test_baresip_is_called_and_releases(self, ours, tmp_path) -> None:
        speech = write_repeated(CALLEE_WAV, tmp_path / "long.wav", 12)
        baresip = Baresip(BARESIP, PASSWORDS[BARESIP], ours.p2.address, tmp_path, speech, domain=B)
        try:
            baresip.start()
            ours.watch(bob=baresip.port)
            ours.alice.place(f"sip:{BARESIP}@{B}")
            baresip.expect("CALL_INCOMING")
            baresip.command("accept")
            ours.alice.expect_state("connected")
            baresip.expect("CALL_ESTABLISHED")
            baresip.command("hangup")
            ours.check("trapezoid")
        finally:
            ours.unwatch()
            baresip.stop()
            ours.alice.rest()


class BesideKamailio:
    """Our exchange with Alice, Kamailio with Bob."""

    def __init__(self, folder, authority: Authority, transport: str) -> None:
        self.ours, self.tls = exchange(folder, "ours", P1_HOST, A, ALICE, authority)
        self.transport = transport
        way = f"sip:{self.ours.address}" if transport == "udp" else f"sip:{P1_HOST}:{self.tls};transport=tls"
        certificate = authority.issue(f"IP:{P2_HOST}", f"DNS:{kamailio.DOMAIN}")
        self.theirs = Kamailio(
            folder, {BOB: PASSWORDS[BOB]}, 60, host=P2_HOST, certificate=certificate, routes={A: way}
        )
        self.alice, self.bob = PhoneDaemon(ALICE, folder), PhoneDaemon(BOB, folder)

    def join(self) -> None:
        where = self.theirs.address if self.transport == "udp" else f"{self.theirs.tls_address};transport=tls"
        self.ours.manage("domain", "set", kamailio.DOMAIN, f"sip:{where}")

    def register(self) -> None:
        self.alice.add_account(self.ours.address, ALICE, PASSWORDS[ALICE], domain=A)
        self.bob.add_account(self.theirs.address, BOB, PASSWORDS[BOB], domain=kamailio.DOMAIN)
        for phone in (self.alice, self.bob):
            phone.expect_registration("registered")


@pytest.fixture(scope="module", params=TRANSPORTS)
def standing(tmp_path_factory, authority, request) -> Iterator[BesideKamailio]:
    made = BesideKamailio(tmp_path_factory.mktemp("kamailio"), authority, request.param)
    with running(made.ours, made.theirs, made.alice, made.bob):
        made.join()
        made.register()
        yield made


@pytest.fixture
def beside(standing) -> Iterator[tuple[BesideKamailio, str]]:
    yield standing, standing.transport
    for phone in (standing.alice, standing.bob):
        phone.rest()


class TestOursAndKamailio:
    @pytest.mark.parametrize("who_hangs_up", ["caller", "callee"])
    def test_a_call_from_ours_to_theirs(self, beside, who_hangs_up) -> None:
        house, transport = beside
        house.alice.place(f"sip:{BOB}@{kamailio.DOMAIN}")
        house.bob.expect_state("alerting")
        house.bob.lift()
        house.alice.expect_state("connected")
        invite = house.bob.messages("in", "INVITE")[-1]
        assert (f"SIP/2.0/TLS {P1_HOST}" in invite) == (transport == "tls")
        ends, hears = (house.alice, house.bob) if who_hangs_up == "caller" else (house.bob, house.alice)
        ends.call("call.hangup")
        assert hears.expect_message("in", "BYE").count("\r\nVia:") == 3, "the BYE came through both proxies"

    @pytest.mark.parametrize("who_hangs_up", ["caller", "callee"])
    def test_a_call_from_theirs_to_ours(self, beside, who_hangs_up) -> None:
        house, transport = beside
        house.bob.place(f"sip:{ALICE}@{A}")
        house.alice.expect_state("alerting")
        house.alice.lift()
        house.bob.expect_state("connected")
        invite = house.alice.messages("in", "INVITE")[-1]
        assert (f"SIP/2.0/TLS {P2_HOST}" in invite) == (transport == "tls")
        ends, hears = (house.bob, house.alice) if who_hangs_up == "caller" else (house.alice, house.bob)
        ends.call("call.hangup")
        assert hears.expect_message("in", "BYE").count("\r\nVia:") == 3, "the BYE came through both proxies"

    def test_a_caller_who_gives_up(self, beside) -> None:
        house, _ = beside
        house.alice.place(f"sip:{BOB}@{kamailio.DOMAIN}")
        house.bob.expect_state("alerting")
        house.alice.expect_state("ringback")
        house.alice.call("call.hangup")
        house.bob.expect_state("idle")
        house.alice.expect_message("in", "SIP/2.0 487")

    def test_busy(self, beside) -> None:
        house, _ = beside
        house.bob.lift()
        house.bob.expect_state("dial-tone")
        house.alice.place(f"sip:{BOB}@{kamailio.DOMAIN}")
        house.alice.expect_state("busy-tone")
