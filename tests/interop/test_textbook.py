"""The flows of docs/flows by whole programs: our telephone, SIPp and baresip at the exchange, which is watched."""

import socket
from collections.abc import Callable, Iterator

import pytest

from device.demo.system import free_port
from tests.scenarios.textbook.catalogue import EXAMPLES
from tests.support.baresip import Baresip
from tests.support.canary import CANARY
from tests.support.daemons import CALLEE_WAV, ExchangeDaemon, PhoneDaemon, running
from tests.support.exchange_watch import ExchangeWatch, Rung, legs_of, without_challenges
from tests.support.processes import HOST, wait_until
from tests.support.sipp import Sipp
from tests.support.sound import write_repeated

pytestmark = pytest.mark.interop

PASSWORDS = {"1001": f"first-{CANARY}", "1002": f"second-{CANARY}", "1003": f"third-{CANARY}"}
FLOWS = {example.name: example for example in EXAMPLES}
TIMER_B_S = 32
RINGS_FOR_S = "2"
"""How long 1003 rings before it gives up."""


def expected(flow: str, registrar: str = "p1") -> list[Rung]:
    """The ladder of a flow; the pictures call the registrar of registrations P2."""
    rungs = [line.split(" ", 2) for line in FLOWS[flow].expected()]
    return [
        tuple(word.replace("p2", registrar) if len(FLOWS[flow].lifelines) == 2 else word for word in rung)  # type: ignore[misc]
        for rung in rungs
    ]


class Room:
    """An exchange that is watched. Who takes part is called as in the pictures."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.exchange = ExchangeDaemon(folder, PASSWORDS)
        self._watch: ExchangeWatch | None = None

    def watch(self, **ports: int) -> None:
        """From now on look who sends what; `ports` are those of who takes part."""
        self.unwatch()
        names = {f"{HOST}:{port}": name for name, port in ports.items()}
        self._watch = ExchangeWatch(str(self.exchange.socket_path), "p1", names)

    def unwatch(self) -> None:
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def expect(self, *rungs: str) -> None:
        """Wait until messages have gone by, such as "p1 bob CANCEL"."""
        assert self._watch is not None
        for rung in rungs:
            self._watch.expect(tuple(rung.split(" ", 2)))  # type: ignore[arg-type]

    def check(self, *flows: str) -> None:
        """What went by is what the pictures show, all of them after one another.

        A telephone that was challenged in an earlier call may know what to answer.
        """
        wanted = legs_of(without_challenges([rung for flow in flows for rung in expected(flow)]))
        try:
            wait_until(f"the flow {' and '.join(flows)}", lambda: legs_of(without_challenges(self.rungs())) == wanted)
        except AssertionError:
            assert legs_of(without_challenges(self.rungs())) == wanted

    def check_but_for_ringing(self, flow: str) -> None:
        """As `check`, whether it rang before or not."""
        came, wanted = (
            legs_of(without_challenges([rung for rung in rungs if "180" not in rung[2]]))
            for rungs in (self.rungs(), expected(flow))
        )
        assert came == wanted

    def rungs(self) -> list[Rung]:
        """What went by since `watch`, 100 aside."""
        assert self._watch is not None
        return self._watch.rungs()


@pytest.fixture(scope="module")
def room(tmp_path_factory) -> Iterator[Room]:
    room = Room(tmp_path_factory.mktemp("room"))
    with running(room.exchange):
        yield room
        room.unwatch()


@pytest.fixture(scope="module")
def phones(room) -> Iterator[tuple[PhoneDaemon, ...]]:
    settings: list[dict[str, str]] = [{}, {"phone.decline_status": "603"}, {"phone.ring_timeout_s": RINGS_FOR_S}]
    phones = tuple(PhoneDaemon(f"100{n + 1}", room.folder, more) for n, more in enumerate(settings))
    with running(*phones):
        for phone in phones:
            phone.add_account(room.exchange.address, phone.name, PASSWORDS[phone.name])
        for phone in phones:
            phone.expect_registration("registered")
        yield phones


class TestOurTelephone:
    @pytest.fixture
    def pair(self, room, phones) -> Iterator[tuple[PhoneDaemon, PhoneDaemon]]:
        caller, callee, _ = phones
        room.watch(alice=caller.port, bob=callee.port)
        yield caller, callee
        room.unwatch()
        for phone in phones:
            phone.rest()

    def test_registration_and_deregistration(self, room, pair) -> None:
        caller, _ = pair
        room.watch(bob=caller.port)
        caller.call("account.update", id="office", enabled=False)
        caller.expect_registration("unregistered")
        room.check("deregistration")
        room.watch(bob=caller.port)
        caller.call("account.update", id="office", enabled=True)
        caller.expect_registration("registered")
        room.check("registration")

    def test_set_up_and_release(self, room, pair) -> None:
        caller, callee = pair
        caller.place("1002")
        callee.expect_state("alerting")
        callee.lift()
        caller.expect_state("connected")
        room.check("setup")
        caller.call("call.hangup")
        room.check("setup", "release")
        for phone, direction in ((caller, "out"), (callee, "in")):
            # The record at both ends of the call: set-up, answer, end, cause.
            entry = phone.call_log()[0]
            assert (entry["direction"], entry["cause"]) == (direction, "answered")
            assert entry["started_at"] <= entry["answered_at"] <= entry["ended_at"]

    def test_the_caller_gives_up(self, room, pair) -> None:
        caller, callee = pair
        caller.place("1002")
        callee.expect_state("alerting")
        caller.expect_state("ringback")
        caller.call("call.hangup")
        room.check("cancelled")

    def test_the_callee_does_not_answer(self, room, phones, pair) -> None:
        caller, silent = phones[0], phones[2]
        room.watch(alice=caller.port, bob=silent.port)
        caller.place("1003")
        silent.expect_state("alerting")
        room.check("timeout-480")

    def test_busy(self, room, pair) -> None:
        caller, callee = pair
        callee.lift()
        callee.expect_state("dial-tone")
        caller.place("1002")
        caller.expect_state("busy-tone")
        room.check("busy")

    def test_rejected(self, room, pair) -> None:
        caller, callee = pair
        caller.place("1002")
        callee.expect_state("alerting")
        caller.expect_state("ringback")
        callee.call("call.hangup")
        room.expect("alice p1 ACK")
        room.check_but_for_ringing("rejected")


@pytest.fixture(scope="module")
def sipp_room(tmp_path_factory) -> Iterator[Room]:
    """An exchange without telephones."""
    room = Room(tmp_path_factory.mktemp("sipp-room"))
    with running(room.exchange):
        yield room
        room.unwatch()


class TestSipp:
    @pytest.fixture
    def room(self, sipp_room) -> Room:
        return sipp_room

    @pytest.fixture
    def register(self, room, play) -> Callable[..., None]:
        def registered(user: str, port: int, expires: int = 60) -> None:
            contact = f"Contact: <sip:{user}@{HOST}:{port}>"
            values = {"contact": contact, "status": 200, "port": port, "expires": expires}
            values |= {"user": user, "password": PASSWORDS[user], "from": f"sip:{user}@{HOST}"}
            play("register", room.exchange.address, **values).succeed()

        return registered

    @pytest.fixture
    def call(self, room, play, register) -> Iterator[Callable[..., tuple[Sipp, Sipp]]]:
        """Registers one SIPp as 1002 and lets another call it as 1001, each by its scenario."""
        port = free_port()

        def start(caller: str, callee: str, told: dict[str, object] | None = None, **more: object) -> tuple[Sipp, Sipp]:
            register("1002", port)
            waiting = play(callee, port=port, user="1002", **more)
            place = free_port()
            room.watch(alice=place, bob=port)
            values = {"user": "1001", "password": PASSWORDS["1001"], "from": f"sip:1001@{HOST}", **(told or {})}
            return play(caller, room.exchange.address, port=place, target=f"sip:1002@{HOST}", **values), waiting

        yield start
        room.unwatch()
        register("1002", port, 0)

    def test_registration_and_deregistration(self, room, register) -> None:
        port = free_port()
        room.watch(bob=port)
        register("1001", port)
        room.check("registration")
        assert room.exchange.contacts("1001") == [f"sip:1001@{HOST}:{port}"]
        room.watch(bob=port)
        register("1001", port, 0)
        # SIPp remembers no nonce, so that it is asked again.
        room.check("registration")
        assert room.exchange.contacts("1001") == []

    def test_set_up_and_release(self, room, call) -> None:
        for sipp in call("call-authenticated", "answer", told={"pause_ms": 100}):
            sipp.succeed()
        room.check("setup", "release")

    def test_the_caller_gives_up(self, room, call) -> None:
        for sipp in call("call-authenticated-and-cancel", "ring-until-cancelled", cseq=2):
            sipp.succeed()
        room.check("cancelled")

    @pytest.mark.parametrize(("status", "flow"), [(486, "busy"), (603, "rejected"), (480, "timeout-480")])
    def test_refusals(self, room, call, status, flow) -> None:
        for sipp in call("call-authenticated-refused", "refuse", told={"status": status}, status=status):
            sipp.succeed()
        room.check_but_for_ringing(flow)

    def test_the_callee_is_away(self, room, play, register) -> None:
        """Somebody pulled the plug: nothing comes back, not even that the port is closed. Timer B takes 32 s."""
        port, place = free_port(), free_port()
        register("1003", port)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind((HOST, port))
            room.watch(alice=place, nobody=port)
            values = {"user": "1001", "password": PASSWORDS["1001"], "from": f"sip:1001@{HOST}", "status": 408}
            values |= {"port": place, "target": f"sip:1003@{HOST}", "options": ("-timeout", f"{TIMER_B_S + 10}")}
            play("call-authenticated-refused", room.exchange.address, **values).succeed(TIMER_B_S + 15)
            room.check("timeout-408")
        room.unwatch()
        register("1003", port, 0)


@pytest.fixture(scope="module")
def baresip_room(tmp_path_factory) -> Iterator[tuple[Room, PhoneDaemon, Baresip]]:
    """An exchange, our telephone as 1001 and baresip as 1002."""
    room = Room(tmp_path_factory.mktemp("baresip-room"))
    phone = PhoneDaemon("1001", room.folder)
    speech = write_repeated(CALLEE_WAV, room.folder / "long.wav", 12)
    baresip = Baresip("1002", PASSWORDS["1002"], room.exchange.address, room.folder, speech)
    with running(room.exchange, phone):
        phone.add_account(room.exchange.address, "1001", PASSWORDS["1001"])
        phone.expect_registration("registered")
        room.watch(bob=baresip.port)
        try:
            baresip.start()
            room.check("registration")
            yield room, phone, baresip
        finally:
            room.unwatch()
            baresip.stop()


class TestBaresip:
    @pytest.fixture
    def people(self, baresip_room) -> Iterator[tuple[Room, PhoneDaemon, Baresip]]:
        yield baresip_room
        baresip_room[0].unwatch()
        for phone in baresip_room[1:]:
            phone.rest()

    def test_it_is_called_and_hangs_up_as_the_caller(self, people) -> None:
        room, phone, baresip = people
        room.watch(alice=phone.port, bob=baresip.port)
        phone.place("1002")
        baresip.expect("CALL_INCOMING")
        baresip.command("accept")
        phone.expect_state("connected")
        baresip.expect("CALL_ESTABLISHED")
        phone.call("call.hangup")
        room.check("setup", "release")

    def test_it_calls_and_releases(self, people) -> None:
        room, phone, baresip = people
        room.watch(alice=baresip.port, bob=phone.port)
        baresip.command("dial", f"sip:1001@{HOST}")
        phone.expect_state("alerting")
        phone.lift()
        phone.expect_state("connected")
        baresip.expect("CALL_ESTABLISHED")
        baresip.command("hangup")
        room.check("setup", "release")

    def test_the_caller_gives_up(self, people) -> None:
        room, phone, baresip = people
        room.watch(alice=baresip.port, bob=phone.port)
        baresip.command("dial", f"sip:1001@{HOST}")
        phone.expect_state("alerting")
        baresip.expect("CALL_RINGING")
        baresip.command("hangup")
        room.check("cancelled")

    def test_it_is_called_and_the_caller_gives_up(self, people) -> None:
        room, phone, baresip = people
        room.watch(alice=phone.port, bob=baresip.port)
        phone.place("1002")
        baresip.expect("CALL_INCOMING")
        phone.expect_state("ringback")
        phone.call("call.hangup")
        room.check("cancelled")
