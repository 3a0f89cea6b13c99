"""What an upgrade says of itself, and which of two versions is the newer one."""

import json

import pytest

from device.upgrade.errors import UpgradeError
from device.upgrade.manifest import parse_manifest, version_key

PARTS = [
    {"name": "kernel", "size": 10, "sha256": "0" * 64, "packing": "gzip"},
    {"name": "root", "size": 20, "sha256": "1" * 64, "packing": "none"},
]
FIELDS = {"product": "offhook", "format": 1, "board": "virt", "version": "2.0", "parts": PARTS}


def test_a_manifest_is_read() -> None:
    manifest = parse_manifest(json.dumps(FIELDS).encode())
    assert (manifest.board, manifest.version, manifest.size) == ("virt", "2.0", 30)
    assert [part.name for part in manifest.parts] == ["kernel", "root"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"product": "toaster"}, "upgrade of 'toaster'"),
        ({"format": 2}, "format 2"),
        ({"parts": PARTS[:1]}, "has the parts kernel, root"),
        ({"parts": [PARTS[0], {**PARTS[1], "packing": "lzma"}]}, "no sense"),
        ({"parts": [PARTS[0], {**PARTS[1], "size": -1}]}, "no sense"),
        ({"parts": [PARTS[0], {**PARTS[1], "size": "many"}]}, "cannot be read"),
        ({"parts": None}, "cannot be read"),
    ],
)
def test_a_manifest_without_sense_is_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(UpgradeError, match=said):
        parse_manifest(json.dumps({**FIELDS, **change}).encode())


@pytest.mark.parametrize("text", [b"", b"[]", b"\xff", b"{}"])
def test_what_is_no_manifest_is_refused(text: bytes) -> None:
    with pytest.raises(UpgradeError, match="cannot be read"):
        parse_manifest(text)


def test_versions_in_their_order() -> None:
    versions = ["0.9", "1.0-beta", "1.0rc1", "1.0rc2", "1.0", "1.0.1", "1.2", "1.10", "2"]
    assert sorted(versions, key=version_key) == versions


@pytest.mark.parametrize(("one", "other"), [("1.0", "1"), ("1.0.0", "1.0"), ("0.1.0+local", "0.1.0")])
def test_versions_that_are_the_same(one: str, other: str) -> None:
    assert version_key(one) == version_key(other)
