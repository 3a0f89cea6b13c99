"""The support bundle: everything, but no secret."""

import io
import json
import tarfile
from pathlib import Path

from device.console.support import QUESTIONS, build_bundle, file_name
from device.control.errors import DaemonUnreachableError
from tests.support.consoles import terminal_console
from tests.support.daemons import PhoneDaemon, running

CANARY = "canary-in-the-password"


def test_a_real_phone_tells_everything_but_its_secrets(tmp_path: Path) -> None:
    phone = PhoneDaemon("phone", tmp_path)
    with running(phone), terminal_console(phone.socket_path, phone.store_path, columns=200) as person:
        phone.call("account.add", id="office", user="1001", domain="192.0.2.1", register=False, password=CANARY)
        phone.call("settings.set", values={"phone.door_code": "4711", "phone.hotline": "1002"})
        person.choose_password(CANARY)
        path = tmp_path / "bundle.tar.gz"
        assert "without passwords" in person.run(f"support bundle {path}")
        with tarfile.open(path) as tar:
            texts = {
                member.name.removeprefix("offhook-support/"): tar.extractfile(member).read().decode()  # type: ignore[union-attr]
                for member in tar.getmembers()
            }
    assert set(texts) == {*QUESTIONS, "log.txt", "why.txt", "configuration.toml"}
    whole = "".join(texts.values())
    assert CANARY not in whole
    assert "4711" not in whole
    assert "1002" in texts["configuration.toml"]
    assert json.loads(texts["status.json"])["accounts"][0]["id"] == "office"
    assert "First:" in texts["why.txt"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_asked_says_why() -> None:
    def ask(method: str, /, **_: object) -> dict[str, object]:
        raise DaemonUnreachableError("the phone does not answer")

    with tarfile.open(fileobj=io.BytesIO(build_bundle(ask, 0.0))) as tar:
        names = tar.getnames()
        log = tar.extractfile("offhook-support/log.txt").read()  # type: ignore[union-attr]
    assert "offhook-support/status.json" in names
    assert log == b"the phone does not answer\n"


def test_a_bundle_that_nobody_named_has_its_time_in_its_name() -> None:
    assert file_name(0.0, "/var/lib/offhook").startswith("/var/lib/offhook/offhook-support-19")
