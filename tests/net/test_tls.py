"""TLS from socket to socket, and every way in which it can fail; the certificates are made by the tests."""

import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from device.net.addresses import NetError
from device.net.stream_sockets import CONNECT_TIMEOUT_S, FIRST_WORD_TIMEOUT_S
from device.net.tls import HANDSHAKE_TIMEOUT_S, MAX_PROVEN, TlsConnection, TlsSockets
from device.net.tls_options import TlsOptions
from device.records import replace
from device.sip.hop import Hop
from tests.support.certificates import DAY_S, Authority, Certificate, openssl, self_signed
from tests.support.turning import HandLoop, Recorder

HOST = "127.0.0.1"
NAME = "pbx.example"


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "ca")


@pytest.fixture(scope="module")
def good(authority) -> Certificate:
    return authority.issue(f"DNS:{NAME}")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "stranger", "A Stranger")


def options_of(certificate: Certificate, **more: object) -> TlsOptions:
    return TlsOptions(certificate=str(certificate.path), key=str(certificate.key), **more)


class Pair:
    """A client and a server in one loop."""

    def __init__(self, loop: HandLoop, client: TlsOptions, server: TlsOptions) -> None:
        self.loop = loop
        self.client_heard, self.server_heard = Recorder(), Recorder()
        self.client = TlsSockets(loop, self.client_heard, client)
        self.server = TlsSockets(loop, self.server_heard, server)
        self.server.listen(HOST, 0)
        self.hop = Hop("TLS", HOST, self.server.local_port, names=(NAME,))

    def register(self) -> Hop:
        """Send something that arrives; answers the server's end of the connection."""
        self.client.send(b"REGISTER", self.hop)
        self.loop.turn_until(lambda: self.server_heard.streamed or self.client_heard.errors)
        assert self.client_heard.errors == []
        assert self.server_heard.stream == b"REGISTER"
        return self.server_heard.streamed[-1][1]

    def fail(self) -> str:
        """Send something that does not arrive; answers why."""
        self.client.send(b"REGISTER", self.hop)
        self.loop.turn_until(lambda: self.client_heard.errors)
        assert [hop.is_same_path(self.hop) for hop, _ in self.client_heard.errors] == [True]
        assert self.server_heard.stream == b""
        assert not self.client._by_id
        return self.client_heard.errors[0][1]

    def greet(self, accepted: socket.socket) -> None:
        """Let the client begin its handshake with a server that is only a socket."""
        self.loop.turn_until(lambda: any(one.secured for one in self.client._by_id.values()))
        assert accepted.recv(3)

    def close(self) -> None:
        self.client.close()
        self.server.close()


@pytest.fixture
def make_pair(loop, authority, good) -> Iterator[Callable[..., Pair]]:
    made: list[Pair] = []

    def make(server: TlsOptions | Certificate | None = None, **client: object) -> Pair:
        served = server if isinstance(server, TlsOptions) else options_of(server or good)
        made.append(Pair(loop, TlsOptions(**{"ca_file": str(authority.path), **client}), served))
        return made[-1]

    yield make
    for pair in made:
        pair.close()


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_messages_pass_both_ways(make_pair, version: str) -> None:
    pair = make_pair()
    pair.server._context(server=True).maximum_version = ssl.TLSVersion[version.replace(".", "_")]
    source = pair.register()
    pair.server.send(b"SIP/2.0 200 OK", source)
    pair.loop.turn_until(lambda: pair.client_heard.streamed)
    assert pair.client_heard.stream == b"SIP/2.0 200 OK"
    assert pair.client_heard.streamed[0][1].names == (NAME,)
    (connection,) = pair.client._by_id.values()
    assert connection.secured.version() == version
    assert (source.transport, source.host) == ("TLS", HOST)


def test_what_is_large_passes_in_pieces(make_pair) -> None:
    pair = make_pair()
    source = pair.register()
    large = bytes(range(256)) * 900
    pair.client.send(large, pair.hop)
    pair.server.send(large, source)
    pair.loop.turn_until(lambda: len(pair.server_heard.stream) == 8 + len(large))
    pair.loop.turn_until(lambda: len(pair.client_heard.stream) == len(large))
    assert pair.server_heard.stream.endswith(large)
    assert pair.client_heard.stream == large


def test_the_server_is_asked_for_by_name(make_pair) -> None:
    pair = make_pair()
    asked = []
    pair.server._context(server=True).sni_callback = lambda _socket, name, _context: asked.append(name)
    pair.register()
    assert asked == [NAME]


def test_a_connection_is_used_again_by_whoever_may(make_pair) -> None:
    pair = make_pair()
    pair.register()
    # A route by address alone leads to the same server: it has proved who it is.
    for names in ((NAME,), (HOST,), (), (NAME, "other.example")):
        pair.client.send(b".", replace(pair.hop, names=names))
        assert len(pair.client._by_id) == 1
    pair.client.send(b".", replace(pair.hop, names=("other.example",)))
    assert len(pair.client._by_id) == 2
    pair.loop.turn_until(lambda: pair.client_heard.errors)
    assert "not for other.example" in pair.client_heard.errors[0][1]
    assert len(pair.client._by_id) == 1


def test_a_server_is_believed_what_it_has_proved_and_no_more(make_pair) -> None:
    """Else a stranger's server, once called, could be passed off as that of our own domain by a forged DNS answer."""
    pair = make_pair()
    pair.hop = replace(pair.hop, names=(NAME, "home.example"))
    pair.register()
    assert [one.hop.names for one in pair.client._by_id.values()] == [(NAME,)]
    pair.client.send(b"REGISTER", replace(pair.hop, names=("home.example",)))
    pair.loop.turn_until(lambda: pair.client_heard.errors)
    assert "not for home.example" in pair.client_heard.errors[0][1]
    assert pair.server_heard.stream == b"REGISTER"


def test_a_server_certified_for_its_address_is_found_again_by_that(make_pair, authority) -> None:
    pair = make_pair(authority.issue(f"IP:{HOST}"))
    pair.hop = replace(pair.hop, names=(HOST, NAME))
    pair.register()
    pair.client.send(b".", pair.hop)
    assert len(pair.client._by_id) == 1


@pytest.mark.parametrize("calls_back", [False, True])
def test_who_connected_to_us_is_called_back_only_by_a_registrar(make_pair, good, calls_back: bool) -> None:
    """Somebody on the way could connect to us from any address and be taken for the phone that lives there."""
    pair = make_pair(options_of(good, calls_back=calls_back))
    source = pair.register()
    pair.server.send(b"INVITE", Hop("TLS", HOST, source.port, names=(HOST,)))
    assert len(pair.server._by_id) == (1 if calls_back else 2)
    pair.server.send(b"INVITE", Hop("TLS", HOST, source.port, names=("a.example",)))
    assert len(pair.server._by_id) == (2 if calls_back else 3)
    # By its own name a connection is used in any case: answers, and what belongs to a call that began on it.
    pair.server.send(b"BYE", replace(source, port=9))
    pair.loop.turn_until(lambda: pair.client_heard.stream.endswith(b"BYE"))


def test_a_server_known_by_name_is_found_again_by_address(make_pair) -> None:
    pair = make_pair()
    source = pair.register()
    pair.server.close_connection(source.connection)
    pair.loop.turn_until(lambda: pair.client_heard.closed)
    pair.server_heard.streamed.clear()
    pair.client.send(b"BYE", replace(pair.hop, names=(HOST,)))
    pair.loop.turn_until(lambda: pair.server_heard.streamed or pair.client_heard.errors)
    assert pair.server_heard.stream == b"BYE"
    assert pair.client_heard.errors == []


def test_servers_that_are_remembered_are_bounded(make_pair) -> None:
    pair = make_pair()
    for port in range(MAX_PROVEN + 1):
        pair.client._remember(Hop("TLS", HOST, port, names=(NAME,)))
    assert len(pair.client._proven) == MAX_PROVEN
    assert (HOST, 0) not in pair.client._proven


def test_the_end_of_a_connection_is_told_on_both_sides(make_pair) -> None:
    pair = make_pair()
    pair.register()
    (number,) = pair.client._by_id
    pair.client.close_connection(number)
    pair.loop.turn_until(lambda: pair.server_heard.closed)
    assert len(pair.client_heard.closed) == len(pair.server_heard.closed) == 1
    assert pair.server_heard.errors == pair.client_heard.errors == []


def test_a_connection_that_breaks_is_told(make_pair) -> None:
    pair = make_pair()
    pair.register()
    (connection,) = pair.server._by_id.values()
    connection.sock.shutdown(socket.SHUT_RDWR)
    pair.loop.turn_until(lambda: pair.client_heard.closed)
    assert not pair.client._by_id


def test_a_certificate_renewed_on_disk_is_used_from_the_next_connection_on(make_pair, authority, tmp_path) -> None:
    first, second = authority.issue("DNS:other.example"), authority.issue(f"DNS:{NAME}")
    served = tmp_path / "served.pem"
    served.write_bytes(first.path.read_bytes() + first.key.read_bytes())
    pair = make_pair(TlsOptions(certificate=str(served)))
    assert "is for other.example, not for pbx.example" in pair.fail()
    served.write_bytes(second.path.read_bytes() + second.key.read_bytes())
    pair.client_heard.errors.clear()
    pair.register()


class TestCertificatesOfServers:
    """Each that is refused, and the words for it."""

    @pytest.mark.parametrize(
        "names", ["URI:sip:pbx.example", "DNS:pbx.example,DNS:b.example", "URI:sip:pbx.example,DNS:b"]
    )
    def test_the_name_may_stand_in_either_place(self, make_pair, authority, names: str) -> None:
        make_pair(authority.issue(*names.split(","))).register()

    def test_the_common_name_counts_alone(self, make_pair, authority) -> None:
        make_pair(authority.issue(common_name=NAME)).register()
        text = make_pair(authority.issue("DNS:b.example", common_name=NAME)).fail()
        assert "is for b.example, not for pbx.example" in text

    def test_wildcards_only_by_setting(self, make_pair, authority) -> None:
        wild = authority.issue("DNS:*.pbx.example")
        pair = make_pair(wild)
        pair.hop = replace(pair.hop, names=("sip.pbx.example",))
        assert "sip.tls_wildcards=on" in pair.fail()
        pair = make_pair(wild, wildcards=True)
        pair.hop = replace(pair.hop, names=("sip.pbx.example",))
        pair.register()

    def test_an_address_may_be_certified(self, make_pair, authority) -> None:
        pair = make_pair(authority.issue(f"IP:{HOST}"))
        pair.hop = replace(pair.hop, names=())
        pair.register()

    def test_expired(self, make_pair, authority) -> None:
        text = make_pair(authority.issue(f"DNS:{NAME}", since=-9 * DAY_S, until=-2 * DAY_S)).fail()
        assert text.startswith("the server's certificate expired on 20")
        assert "clock says 20" in text

    def test_not_valid_yet(self, make_pair, authority) -> None:
        text = make_pair(authority.issue(f"DNS:{NAME}", since=2 * DAY_S, until=9 * DAY_S)).fail()
        assert text.startswith("the server's certificate is not valid yet, only from 20")
        assert "is the clock right?" in text

    def test_a_clock_before_2000(self, make_pair, authority, monkeypatch) -> None:
        monkeypatch.setattr("device.net.tls_faults.time.time", lambda: 3600.0)
        text = make_pair(authority.issue(f"DNS:{NAME}", since=2 * DAY_S, until=9 * DAY_S)).fail()
        assert text.startswith("this board's clock is wrong (1970-01-01)")
        assert "NTP" in text

    def test_an_expired_authority(self, make_pair, tmp_path) -> None:
        old = Authority(tmp_path / "old", "Old Authority", since=-9 * DAY_S, until=-DAY_S)
        issued = old.issue(f"DNS:{NAME}")
        chain = tmp_path / "chain.pem"
        chain.write_bytes(issued.path.read_bytes() + old.path.read_bytes())
        server = TlsOptions(certificate=str(chain), key=str(issued.key))
        text = make_pair(server, ca_file=str(old.path)).fail()
        assert text.startswith("the certificate of Old Authority of Testers, which vouches for the server, expired on")

    def test_an_unknown_authority(self, make_pair, stranger) -> None:
        text = make_pair(stranger.issue(f"DNS:{NAME}")).fail()
        assert "signed by A Stranger of Testers, which is not trusted here" in text
        assert text.endswith("with sip.tls_ca_file, or have the server send it where it stands between")

    def test_a_server_may_be_trusted_by_its_own_certificate(self, make_pair, stranger) -> None:
        issued = stranger.issue(f"DNS:{NAME}")
        make_pair(issued, ca_file=str(issued.path)).register()
        assert "not trusted here" in make_pair(stranger.issue(f"DNS:{NAME}"), ca_file=str(issued.path)).fail()

    def test_an_unknown_authority_that_is_shown(self, make_pair, stranger, tmp_path) -> None:
        issued = stranger.issue(f"DNS:{NAME}")
        chain = tmp_path / "chain.pem"
        chain.write_bytes(issued.path.read_bytes() + stranger.path.read_bytes())
        text = make_pair(TlsOptions(certificate=str(chain), key=str(issued.key))).fail()
        assert "signed by A Stranger of Testers, which is not trusted here" in text
        assert text.endswith("with sip.tls_ca_file")

    def test_one_that_vouches_for_itself(self, make_pair, tmp_path) -> None:
        own = self_signed(tmp_path, f"DNS:{NAME}")
        text = make_pair(own).fail()
        assert "vouches for itself (a box)" in text
        assert "sip.tls_ca_file" in text
        # Given as an authority it is trusted; the name must still be right.
        make_pair(own, ca_file=str(own.path)).register()
        pair = make_pair(own, ca_file=str(own.path))
        pair.hop = replace(pair.hop, names=("b.example",))
        assert "is for pbx.example, not for b.example" in pair.fail()

    @pytest.mark.parametrize("kept", ["bundle", "folder", "both", "bundle beside a folder without links"])
    def test_the_authorities_of_the_system_count_unless_switched_off(
        self, make_pair, stranger, monkeypatch, tmp_path, kept: str
    ) -> None:
        """The system keeps them as one file, or as a folder with a link for each, or as both."""
        folder = tmp_path / "certs"
        folder.mkdir()
        bundle = tmp_path / "none.pem"
        if kept != "folder":
            bundle = (folder if kept == "both" else tmp_path) / "bundle.crt"
            bundle.write_bytes(stranger.path.read_bytes())
        if kept in ("folder", "both"):
            (folder / "stranger.pem").write_bytes(stranger.path.read_bytes())
            openssl("rehash", folder)
        monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
        monkeypatch.setenv("SSL_CERT_DIR", str(folder if kept != "bundle" else tmp_path / "nowhere"))
        foreign = stranger.issue(f"DNS:{NAME}")
        make_pair(foreign).register()
        make_pair(foreign, ca_file="").register()
        assert "not trusted here" in make_pair(foreign, system_cas=False).fail()

    def test_a_system_without_authorities_trusts_nobody(self, make_pair, monkeypatch, tmp_path) -> None:
        for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
            monkeypatch.setenv(name, str(tmp_path / "nowhere"))
        assert "not trusted here" in make_pair(ca_file="").fail()

    def test_nothing_is_checked_where_that_is_wanted(self, make_pair, stranger) -> None:
        make_pair(stranger.issue("DNS:b.example", since=-9 * DAY_S, until=-DAY_S), verify=False).register()


class TestCertificatesOfClients:
    """Ours, where the server wants one."""

    @pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    def demanding(self, request, make_pair, authority, good) -> Callable[..., Pair]:
        def make(**client: object) -> Pair:
            pair = make_pair(good, **client)
            context = pair.server._context(server=True)
            context.maximum_version = request.param
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(authority.path)
            return pair

        return make

    def test_it_is_shown(self, demanding, authority) -> None:
        ours = authority.issue("URI:sip:phone@pbx.example")
        demanding(certificate=str(ours.path), key=str(ours.key)).register()

    def test_without_one_the_setting_is_named(self, demanding) -> None:
        assert "sip.tls_certificate" in demanding().fail()

    def test_one_that_is_not_trusted(self, demanding, stranger) -> None:
        ours = stranger.issue("URI:sip:phone@pbx.example")
        text = demanding(certificate=str(ours.path), key=str(ours.key)).fail()
        assert "refuses our certificate (unknown authority)" in text


def _is_over(peer: socket.socket) -> bool:
    """Whether the other side has closed the connection, after whatever it said."""
    peer.setblocking(False)
    try:
        return peer.recv(1000) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


class TestHandshakes:
    """What else can go wrong before the first message."""

    def test_no_version_in_common(self, make_pair) -> None:
        pair = make_pair(minimum="1.3")
        pair.server._context(server=True).maximum_version = ssl.TLSVersion.TLSv1_2
        assert "no version of TLS in common" in pair.fail()

    def test_no_cipher_in_common(self, make_pair) -> None:
        pair = make_pair()
        for sockets, cipher in (
            (pair.server, "ECDHE-ECDSA-AES128-GCM-SHA256"),
            (pair.client, "ECDHE-ECDSA-AES256-GCM-SHA384"),
        ):
            context = sockets._context(server=sockets is pair.server)
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers(cipher)
        assert "no cipher in common" in pair.fail()

    def test_a_peer_that_speaks_no_tls(self, make_pair) -> None:
        pair = make_pair()
        with socket.socket() as listener:
            listener.bind((HOST, 0))
            listener.listen()
            pair.client.send(b"REGISTER", replace(pair.hop, port=listener.getsockname()[1]))
            accepted, _ = listener.accept()
            with accepted:
                accepted.sendall(b"SIP/2.0 400 Bad Request\r\n\r\n")
                pair.loop.turn_until(lambda: pair.client_heard.errors)
        assert "does not speak TLS at this port" in pair.client_heard.errors[0][1]

    @pytest.mark.parametrize("reset", [False, True])
    def test_a_peer_that_closes(self, make_pair, reset: bool) -> None:
        pair = make_pair()
        with socket.socket() as listener:
            listener.bind((HOST, 0))
            listener.listen()
            pair.client.send(b"REGISTER", replace(pair.hop, port=listener.getsockname()[1]))
            accepted, _ = listener.accept()
            with accepted:
                pair.greet(accepted)
                if not reset:
                    accepted.shutdown(socket.SHUT_WR)
            pair.loop.turn_until(lambda: pair.client_heard.errors)
        assert "closed the connection during the TLS handshake" in pair.client_heard.errors[0][1]

    def test_a_peer_that_is_silent(self, make_pair) -> None:
        pair = make_pair()
        with socket.socket() as listener:
            listener.bind((HOST, 0))
            listener.listen()
            pair.client.send(b"REGISTER", replace(pair.hop, port=listener.getsockname()[1]))
            accepted, _ = listener.accept()
            with accepted:
                pair.greet(accepted)
                due = pair.client.next_timeout()
                assert due is not None
                assert CONNECT_TIMEOUT_S < due - pair.loop.now() <= HANDSHAKE_TIMEOUT_S
                pair.client.handle_timeout(due)
        assert pair.client_heard.errors[0][1] == "no answer to the TLS handshake within 10 s"
        assert pair.client.next_timeout() is None

    def test_a_refused_connection(self, make_pair, caplog: pytest.LogCaptureFixture) -> None:
        pair = make_pair()
        pair.server.close()
        pair.client.send(b"REGISTER", pair.hop)
        pair.loop.turn_until(lambda: pair.client_heard.errors)
        assert pair.client_heard.errors[0][1] == "Connection refused"
        assert "fault" not in caplog.text

    def test_strangers_who_cannot_introduce_themselves_are_told_of_once_a_minute(self, make_pair, caplog) -> None:
        pair = make_pair()
        for _ in range(3):
            with socket.create_connection((HOST, pair.server.local_port), 2) as scanner:
                scanner.sendall(b"GET / HTTP/1.0\r\n\r\n")
                pair.loop.turn_until(lambda one=scanner: _is_over(one))
        assert pair.server_heard.errors == pair.server_heard.closed == []
        assert [record.message for record in caplog.records if "127.0.0.1" in record.message] == [
            "TLS from 127.0.0.1: the other side does not speak TLS at this port: is it that of plain TCP? TLS usually "
            "has port 5061"
        ]

    def test_a_stranger_who_says_nothing_is_shut_out(self, make_pair) -> None:
        pair = make_pair()
        with socket.create_connection((HOST, pair.server.local_port), 2):
            pair.loop.turn_until(lambda: pair.server._by_id)
            due = pair.server.next_timeout()
            assert due is not None
            assert due - pair.loop.now() <= FIRST_WORD_TIMEOUT_S
            pair.server.handle_timeout(due)
        assert not pair.server._by_id

    def test_one_who_shakes_hands_and_says_nothing_too(self, make_pair) -> None:
        pair = make_pair()
        pair.client.send(b"", pair.hop)
        pair.loop.turn_until(lambda: any(not one.connecting for one in pair.server._by_id.values()))
        due = pair.server.next_timeout()
        assert due is not None
        assert due - pair.loop.now() <= FIRST_WORD_TIMEOUT_S


class TestFiles:
    """Settings that name what is not there or not what it should be."""

    def test_an_authority_that_is_not_there(self, make_pair, tmp_path) -> None:
        pair = make_pair(ca_file=str(tmp_path / "none.pem"))
        assert pair.fail() == f"sip.tls_ca_file: {tmp_path}/none.pem: No such file or directory"

    def test_an_authority_that_is_none(self, make_pair, tmp_path) -> None:
        (tmp_path / "odd.pem").write_text("not a certificate\n")
        pair = make_pair(ca_file=str(tmp_path / "odd.pem"))
        assert pair.fail() == f"sip.tls_ca_file: {tmp_path}/odd.pem holds no certificate in PEM form"

    def test_a_key_that_is_not_there(self, loop, heard, good, tmp_path) -> None:
        sockets = TlsSockets(loop, heard, TlsOptions(certificate=str(good.path), key=str(tmp_path / "none.key")))
        with pytest.raises(NetError, match=f"sip.tls_key: {tmp_path}/none.key: No such file or directory"):
            sockets.listen(HOST, 0)

    def test_a_client_does_without_its_certificate_until_it_is_there(
        self, make_pair, authority, tmp_path, caplog
    ) -> None:
        ours = authority.issue("DNS:phone.example")
        place = tmp_path / "phone.pem"
        pair = make_pair(certificate=str(place))
        context = pair.server._context(server=True)
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(authority.path)
        pair.register()
        warning = f"TLS: going on without our certificate: sip.tls_certificate: {place}: No such file or directory"
        assert warning in caplog.messages
        place.write_bytes(ours.path.read_bytes() + ours.key.read_bytes())
        pair.client.drop_ours()
        pair.server_heard.streamed.clear()
        pair.register()
        connection = list(pair.server._by_id.values())[-1]
        assert ("DNS", "phone.example") in connection.secured.getpeercert()["subjectAltName"]

    def test_a_key_of_another_certificate(self, loop, heard, good, authority) -> None:
        other = authority.issue("DNS:b.example")
        sockets = TlsSockets(loop, heard, TlsOptions(certificate=str(good.path), key=str(other.key)))
        with pytest.raises(NetError, match="is not the key of"):
            sockets.listen(HOST, 0)

    def test_a_key_with_a_passphrase(self, loop, heard, good, tmp_path: Path) -> None:
        locked = tmp_path / "locked.key"
        openssl("ec", "-in", good.key, "-aes128", "-passout", "pass:secret", "-out", locked)
        sockets = TlsSockets(loop, heard, TlsOptions(certificate=str(good.path), key=str(locked)))
        with pytest.raises(NetError, match="has a passphrase"):
            sockets.listen(HOST, 0)

    def test_a_certificate_without_its_key(self, loop, heard, good) -> None:
        sockets = TlsSockets(loop, heard, TlsOptions(certificate=str(good.path)))
        with pytest.raises(NetError, match=r"sip\.tls_certificate"):
            sockets.listen(HOST, 0)

    def test_files_that_vanish_while_we_run(self, make_pair, authority, tmp_path) -> None:
        ours = authority.issue(f"DNS:{NAME}")
        pair = make_pair(ours)
        ours.path.unlink()
        pair.client.send(b"REGISTER", pair.hop)
        pair.loop.turn_until(lambda: pair.client_heard.errors)
        assert not pair.server._by_id
        assert pair.server_heard.errors == []


class _Unready:
    """Stands for a secured socket that cannot go on yet."""

    def __init__(self, *errors: OSError) -> None:
        self._errors = list(errors)

    def _refuse(self, *_: object) -> bytes:
        if self._errors:
            raise self._errors.pop(0)
        return b"x"

    do_handshake = recv = _refuse

    def send(self, data: bytearray) -> int:
        self._refuse()
        return len(data)


class TestWaiting:
    """TLS may have to write in order to read, and to read in order to write."""

    def connection(self, *errors: OSError) -> TlsConnection:
        connection = TlsConnection(None, Hop("TLS", HOST, 1), is_ours=True)  # type: ignore[arg-type]
        connection.sock = connection.secured = _Unready(*errors)  # type: ignore[assignment]
        return connection

    def test_a_handshake_waits_for_what_it_needs(self) -> None:
        connection = self.connection(ssl.SSLWantWriteError(), ssl.SSLWantReadError())
        assert not connection.advance()
        assert connection.wants_write
        assert not connection.advance()
        assert not connection.wants_write
        assert connection.advance()

    def test_sending_waits_for_what_it_needs(self) -> None:
        connection = self.connection(ssl.SSLWantWriteError(), ssl.SSLWantReadError())
        connection.unsent += b"INVITE"
        for wants_write in (True, False):
            connection.send()
            assert (connection.wants_write, bytes(connection.unsent)) == (wants_write, b"INVITE")
        connection.send()
        assert not connection.unsent

    def test_receiving_waits_for_what_it_needs(self) -> None:
        connection = self.connection(ssl.SSLWantReadError(), ssl.SSLWantWriteError(), ssl.SSLZeroReturnError())
        assert connection.receive() is None
        assert not connection.wants_write
        assert connection.receive() is None
        assert connection.wants_write
        assert connection.receive() == b""
        assert connection.receive() == b"x"

    def test_what_could_not_be_sent_before_something_was_read_leaves_after_it(self, make_pair) -> None:
        pair = make_pair()
        source = pair.register()
        (connection,) = pair.client._by_id.values()
        connection.unsent += b"BYE"
        pair.server.send(b"SIP/2.0 200 OK", source)
        pair.loop.turn_until(lambda: pair.server_heard.stream.endswith(b"BYE"))
        assert pair.client_heard.stream == b"SIP/2.0 200 OK"

    def test_a_handshake_that_has_to_wait_for_the_kernel_goes_on(self, make_pair, monkeypatch) -> None:
        pair = make_pair()
        advance, waits = TlsConnection.advance, [True, True]

        def reluctant(connection: TlsConnection) -> bool:
            connection.wants_write = bool(waits)
            return not waits.pop() if waits else advance(connection)

        monkeypatch.setattr(TlsConnection, "advance", reluctant)
        pair.register()

    def test_a_connection_that_breaks_while_something_is_sent_is_told(self, make_pair) -> None:
        pair = make_pair()
        pair.register()
        (connection,) = pair.client._by_id.values()
        connection.sock.shutdown(socket.SHUT_WR)
        pair.client.send(b"BYE", pair.hop)
        assert [text for _, text in pair.client_heard.errors] == ["the other side broke the connection off"]

    def test_a_timer_of_a_connection_that_is_gone_does_no_harm(self, make_pair) -> None:
        pair = make_pair()
        pair.client._timers.set(1 << 40, 0.0)
        pair.client.handle_timeout(1.0)
        assert pair.client.next_timeout() is None
