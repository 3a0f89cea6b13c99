"""The secret in the passwords of all accounts of the suites, looked for in everything that a run leaves behind."""

import base64
import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

CANARY = "canary-4f1d9c7e"
"""Nothing else has these letters in a row; they need no quotes in any file of any server."""

ACCOUNT_PASSWORD = f"open {CANARY}"
"""For a test with one account."""

MAY_HOLD = {
    "*.db": "a store: a password stands in it until its server has told the realm, and is a hash from then on",
    "*.db-wal": "the journal of a store",
    "*.db.backup": "the last good copy of a store",
    "*.db.damaged*": "a store that was put aside",
    "*.img": "the disk of a virtual board, with its store in it",
    "*.qcow2": "as before",
    "*.toml": "a file that a test hands to `offhook provision`, or to the exchange",
    "*.conf": "the configuration of a foreign server",
    "*.cfg": "as before",
    "accounts": "baresip's accounts",
    "*.xml": "a scenario of SIPp, which the password is written into",
    "*.csv": "users for SIPp",
    "passphrase": "what a test types",
}
"""Files that a test, or the store, is meant to keep a password in."""
MOST_BYTES = 256 << 20


def forms(secret: str) -> set[bytes]:
    """How a secret may be written: as it is, in hex, in UTF-16, in base64 wherever it begins."""
    data = secret.encode()
    found = {data, data.hex().encode(), data.hex().upper().encode(), secret.encode("utf-16-le"), data[::-1]}
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + data)
        # The letters at both ends depend on what stands beside the secret.
        found.add(encoded[-(-before * 8 // 6) + (1 if before else 0) : len(data) * 8 // 6 + before])
    return {form for form in found if len(form) >= 6}


def tells(data: bytes, secrets: Iterable[str] = (CANARY,)) -> bool:
    """Whether bytes hold one of the secrets, packed or not."""
    wanted = [form for secret in secrets for form in forms(secret)]
    return any(form in layer for layer in _layers(data) for form in wanted)


def _layers(data: bytes) -> Iterator[bytes]:
    """The bytes, and what is packed in them."""
    yield data
    try:
        for inner in _unpacked(data):
            yield from _layers(inner)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, tarfile.TarError):
        # It only looked like one, or only a part of it is there.
        return


def _unpacked(data: bytes) -> Iterator[bytes]:
    if data[:2] == b"\x1f\x8b":
        yield gzip.decompress(data)
    elif data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield archive.read(name)
    elif data[257:262] == b"ustar":
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for member in archive:
                file = archive.extractfile(member)
                if file is not None:
                    yield file.read()


def search(folder: Path, secrets: Iterable[str] = (CANARY,), allowed: Iterable[str] = MAY_HOLD) -> list[Path]:
    """Files below `folder` that hold a secret and may not."""
    secrets, allowed = tuple(secrets), tuple(allowed)
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file() or any(path.match(pattern) for pattern in allowed):
            continue
        try:
            if path.stat().st_size <= MOST_BYTES and tells(path.read_bytes(), secrets):
                found.append(path)
        except (PermissionError, FileNotFoundError):
            continue
    return found
