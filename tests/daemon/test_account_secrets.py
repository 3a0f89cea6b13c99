"""How the passwords of accounts become digest values in the store, challenge by challenge, and last over a restart."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from device.daemon.accounts import AccountTable, seal
from device.model import Credential
from device.records import replace
from device.sip.events import RealmLearnt, RegistrationChanged, RegistrationState
from device.sip.message import Request
from device.store.accounts import Accounts
from device.store.database import Database, open_database
from tests.support.sip_bench import ANSWER, OFFICE, Bench, office

SECRET = "c4n4ry-in-clear-text"
PENDING = Credential("1001", password=SECRET)


class Desk:
    """The accounts of a phone between its store and a bench on which the test plays the servers."""

    def __init__(self, database: Database) -> None:
        self.store = Accounts(database)
        self.bench = Bench()
        self.table = AccountTable(self.store, self.bench.agent, lambda _usable, _by_account: None)

    def start(self) -> Request:
        self.table.start(self.bench.now)
        return self.bench.sent_request("REGISTER")

    def put(self, credential: Credential | None, **changes: object) -> Request:
        self.table.put(office(**changes), credential, self.bench.now)
        return self.bench.sent_request("REGISTER")

    def listen(self) -> None:
        """Let the table hear what the user agent tells."""
        for event in self.bench.events():
            assert isinstance(event, RealmLearnt | RegistrationChanged)
            self.table.receive(event, self.bench.now)

    def challenge(self, request: Request, realm: str, proxy: bool = False, more: str = "") -> Request:
        """Challenge a request; gives the one that answers."""
        self.refuse(request, realm, proxy, more)
        return self.bench.sent_request(request.method)

    def refuse(self, request: Request, realm: str, proxy: bool = False, more: str = "") -> None:
        value = f'Digest realm="{realm}", nonce="{realm}{request.cseq.number}", qop="auth"{more}'
        name = "Proxy-Authenticate" if proxy else "WWW-Authenticate"
        response = request.response(407 if proxy else 401, to_tag="server")
        response.headers.add(name, value)
        self.bench.receive(response)
        self.listen()

    def accept(self, request: Request) -> None:
        self.bench.reply(request, 200, Contact=request.headers.get("Contact") or "")
        self.listen()

    @property
    def state(self) -> str:
        (status,) = self.table.statuses()
        return status.state

    @property
    def text(self) -> str:
        (status,) = self.table.statuses()
        return status.text

    @property
    def realms(self) -> tuple[str, ...]:
        """The realms in the store, which then has no clear text."""
        kept = self.store.credential(OFFICE)
        assert kept is not None
        assert not kept.password
        return kept.realms


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "offhook.db"


@pytest.fixture
def desk(path: Path) -> Iterator[Desk]:
    with open_database(str(path)) as database:
        yield Desk(database)


def test_a_password_is_sealed_at_the_first_challenge(desk: Desk, path: Path) -> None:
    register = desk.put(PENDING)
    assert desk.table.secret(OFFICE) == ("pending", "")
    again = desk.challenge(register, "pbx")
    assert desk.table.secret(OFFICE) == ("sealed", "pbx")
    assert desk.store.credential(OFFICE) == seal("1001", "pbx", SECRET)
    assert not [file for file in path.parent.iterdir() if SECRET.encode() in file.read_bytes()]
    desk.accept(again)
    assert desk.state == RegistrationState.REGISTERED.value


def test_a_nonce_that_is_stale_at_once(desk: Desk) -> None:
    again = desk.challenge(desk.put(PENDING), "pbx")
    desk.accept(desk.challenge(again, "pbx", more=", stale=true"))
    assert desk.state == "registered"


def test_a_proxy_and_a_registrar_with_realms_of_their_own(path: Path) -> None:
    with open_database(str(path)) as database:
        desk = Desk(database)
        register = desk.put(PENDING)
        for _ in range(2):
            desk.accept(desk.challenge(desk.challenge(register, "proxy", proxy=True), "pbx"))
            assert (desk.state, desk.realms) == ("registered", ("proxy", "pbx"))
            desk.table.refresh(None, desk.bench.now)
            register = desk.bench.sent_request("REGISTER")
    with open_database(str(path)) as database:
        desk = Desk(database)
        desk.accept(desk.challenge(desk.challenge(desk.start(), "proxy", proxy=True), "pbx"))
        assert (desk.state, desk.table.secret(OFFICE)) == ("registered", ("sealed", "proxy, pbx"))


def test_a_restart_before_all_realms_are_known_asks_for_the_password_again(path: Path) -> None:
    with open_database(str(path)) as database:
        Desk(database).put(PENDING)
    with open_database(str(path)) as database:
        desk = Desk(database)
        desk.challenge(desk.start(), "proxy", proxy=True)
    with open_database(str(path)) as database:
        desk = Desk(database)
        desk.refuse(desk.challenge(desk.start(), "proxy", proxy=True), "pbx")
        assert desk.text == (
            "no password for realm 'pbx', only for 'proxy': enter it again with `offhook account set office --password`"
        )
        desk.accept(desk.challenge(desk.put(PENDING), "pbx"))
        assert (desk.state, set(desk.realms)) == ("registered", {"proxy", "pbx"})


def test_a_call_that_meets_another_realm_works_once_the_password_was_entered_again(desk: Desk) -> None:
    desk.accept(desk.challenge(desk.put(PENDING), "pbx"))
    invite = desk.bench.call("1002", account=OFFICE)
    response = invite.response(407, to_tag="proxy")
    response.headers.add("Proxy-Authenticate", 'Digest realm="proxy", nonce="p1", qop="auth"')
    desk.bench.receive(response)
    assert "no password for realm 'proxy', only for 'pbx'" in desk.bench.end().text
    desk.bench.sent()
    desk.accept(desk.put(PENDING))
    assert set(desk.realms) == {"pbx", "proxy"}
    again = Bench()
    kept = desk.store.credential(OFFICE)
    again.agent.add_account(office(), kept)
    again.reply(again.call("1002", account=OFFICE), 407, Proxy_Authenticate='Digest realm="proxy", nonce="p2"')
    again.reply(again.sent_request("INVITE"), 200, body=ANSWER)
    assert again.methods() == ["ACK"]


def test_a_change_of_the_account_on_the_way_does_not_lose_the_password(desk: Desk) -> None:
    register = desk.challenge(desk.put(PENDING), "proxy", proxy=True)
    desk.table.put(office(display_name="Other"), None, desk.bench.now)
    desk.accept(desk.challenge(register, "pbx"))
    assert (desk.state, desk.realms) == ("registered", ("proxy", "pbx"))


def test_a_realm_given_by_hand(desk: Desk) -> None:
    again = desk.challenge(desk.put(seal("1001", "pbx", SECRET)), "pbx")
    desk.accept(again)
    assert (desk.state, desk.realms) == ("registered", ("pbx",))
    assert desk.table.secret(OFFICE) == ("sealed", "pbx")


def test_a_newer_password_is_not_overwritten_by_what_was_told_of_an_older_one(desk: Desk) -> None:
    desk.put(PENDING)
    late = RealmLearnt(OFFICE, seal("1001", "pbx", "older"))
    desk.table.receive(late, desk.bench.now)
    assert desk.store.credential(OFFICE) == seal("1001", "pbx", SECRET)
    desk.table.receive(replace(late, sealed=seal("somebody", "x", "y")), desk.bench.now)
    desk.table.remove(OFFICE, desk.bench.now)
    desk.table.receive(late, desk.bench.now)
    assert desk.store.list() == ()


def test_a_store_that_cannot_be_written_keeps_the_phone_going(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    register = desk.put(PENDING)
    desk.store._database.query("PRAGMA query_only=ON")
    desk.accept(desk.challenge(register, "pbx"))
    assert desk.state == "registered"
    assert "the password could not be sealed" in caplog.text
