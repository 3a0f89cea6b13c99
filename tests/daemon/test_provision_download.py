"""Fifty phones take one file from a web server."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from device.daemon.provision import first_mac, main
from device.daemon.provision_download import DownloadError, download, fill_in, is_address, shown_address
from device.model import AccountId
from device.store.accounts import Accounts
from device.store.database import open_database
from device.store.settings import Settings

FILE = b"""
[settings.phone]
hotline = "1002"
[accounts.office]
address = "1001@pbx.example.com"
password = "secret"
"""


class Pages(BaseHTTPRequestHandler):
    seen: list[tuple[str, str]] = []  # noqa: RUF012  # emptied by the fixture
    contents = FILE

    def do_GET(self) -> None:
        self.seen.append((self.path, self.headers.get("Authorization", "")))
        if self.path == "/gone.toml":
            self.send_error(404)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.contents)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Pages.seen, Pages.contents = [], FILE
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_phone_takes_it_once_until_it_changes(
    server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = str(tmp_path / "s.db")
    assert main(["--store", store, f"{server}/a.toml"]) == 0
    assert "1 settings and 1 accounts are in the store" in capsys.readouterr().out
    with open_database(store) as database:
        assert Settings(database).get_all() == {"phone.hotline": "1002"}
        assert Accounts(database).get(AccountId("office")) is not None
        Settings(database).set_many({"phone.hotline": "7"})
    assert main(["--store", store, f"{server}/a.toml"]) == 0
    assert "was taken before and has not changed" in capsys.readouterr().out
    with open_database(store) as database:
        assert Settings(database).get_all() == {"phone.hotline": "7"}
    Pages.contents = FILE + b"# newer"
    assert main(["--store", store, f"{server}/a.toml"]) == 0
    with open_database(store) as database:
        assert Settings(database).get_all() == {"phone.hotline": "1002"}


def test_user_and_password_of_the_address_are_given_and_never_shown(
    server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address = server.replace("http://", "http://installer:canary-9@") + "/a.toml"
    store = str(tmp_path / "s.db")
    assert main(["--store", store, address]) == 0
    assert Pages.seen[0][1].startswith("Basic ")
    said = capsys.readouterr()
    everything = said.out + said.err + "".join(path.read_text(errors="replace") for path in tmp_path.iterdir())
    assert "canary-9" not in everything
    assert main(["--store", store, address.replace("a.toml", "gone.toml")]) == 1
    said = capsys.readouterr()
    assert "/gone.toml: the server answers 404" in said.err
    assert "canary-9" not in said.err


def test_each_phone_may_have_a_file_of_its_own() -> None:
    assert fill_in("https://c/{mac}.toml", "b8:27:eb:00:00:01") == "https://c/b827eb000001.toml"
    with pytest.raises(DownloadError, match=r"there is \{mac\}"):
        fill_in("https://c/{serial}.toml", "b8:27:eb:00:00:01")
    with pytest.raises(DownloadError, match="cannot be filled in"):
        fill_in("https://c/{mac}.toml", "")


def test_the_first_card_with_an_address_of_its_own(tmp_path: Path) -> None:
    for name, address in (("lo", "00:00:00:00:00:00"), ("eth0", "b8:27:eb:00:00:01"), ("wlan0", "b8:27:eb:00:00:02")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "address").write_text(f"{address}\n")
    assert first_mac(str(tmp_path)) == "b8:27:eb:00:00:01"
    assert first_mac(str(tmp_path / "gone")) == ""


def test_a_server_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--store", str(tmp_path / "s.db"), "http://127.0.0.1:9/a.toml"]) == 1
    assert "http://127.0.0.1:9/a.toml: cannot be fetched" in capsys.readouterr().err
    assert main(["--store", str(tmp_path / "s.db"), "ftp://127.0.0.1/a.toml"]) == 1
    assert "ftp: files come by https and http" in capsys.readouterr().err
    with pytest.raises(DownloadError):
        download("http://127.0.0.1:9/a", 10)


def test_what_is_an_address() -> None:
    assert is_address("HTTPS://x/y")
    assert not is_address("/boot/offhook.toml")
    assert shown_address("https://a:b@x:8/y?z=1#f") == "https://x:8/y?z=1"
