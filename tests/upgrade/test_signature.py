"""Only a manifest that one of the image's keys signed is believed."""

import io
from pathlib import Path

import pytest

from device.upgrade.errors import UpgradeError
from device.upgrade.signature import verify_signature
from device.upgrade.upgrade_file import UpgradeFile
from tests.upgrade.board import make_key, make_upgrade


def signed(key: Path) -> tuple[bytes, bytes]:
    return UpgradeFile(io.BytesIO(make_upgrade(key)), "file").read_manifest()


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    folder.mkdir()
    return folder


def test_each_key_of_the_image_counts(tmp_path: Path, keys: Path) -> None:
    first, second = make_key(tmp_path, "first"), make_key(tmp_path, "second")
    for key in (first, second):
        (keys / f"{key.name}.pub").write_bytes(Path(f"{key}.pub").read_bytes())
    assert verify_signature(*signed(second), str(keys)) == "second.key.pub"


def test_a_stranger_is_refused(tmp_path: Path, keys: Path) -> None:
    first, stranger = make_key(tmp_path, "first"), make_key(tmp_path, "stranger")
    (keys / "first.pub").write_bytes(Path(f"{first}.pub").read_bytes())
    with pytest.raises(UpgradeError, match=r"not signed by a key of this image \(first.pub"):
        verify_signature(*signed(stranger), str(keys))


def test_a_changed_manifest_is_refused(tmp_path: Path, keys: Path) -> None:
    key = make_key(tmp_path)
    (keys / "maker.pub").write_bytes(Path(f"{key}.pub").read_bytes())
    manifest, signature = signed(key)
    with pytest.raises(UpgradeError, match="not signed"):
        verify_signature(manifest.replace(b'"2.0"', b'"3.0"'), signature, str(keys))


def test_an_image_without_keys_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UpgradeError, match="make-signing-key"):
        verify_signature(b"", b"", str(tmp_path / "none"))


def test_missing_minisign_is_named(tmp_path: Path, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (keys / "maker.pub").write_text("")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UpgradeError, match="install the package minisign"):
        verify_signature(b"", b"", str(keys))
