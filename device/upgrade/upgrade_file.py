"""The upgrade file as a stream: manifest, signature, then the parts; a plain tar that is read once, forwards."""

import tarfile
import zlib
from collections.abc import Iterator

from device.annotations import BinaryIO
from device.upgrade.errors import UpgradeError
from device.upgrade.manifest import GZIP, MAX_MANIFEST_BYTES, Part

MANIFEST_NAME = "offhook-upgrade.json"
SIGNATURE_NAME = "offhook-upgrade.json.minisig"
CHUNK_BYTES = 1 << 18
GZIP_WINDOW = 31
"""zlib's name for a gzip header and the largest window."""


class UpgradeFile:
    """Reads an upgrade from `stream` in its one order; nothing of it is trusted before the caller has verified it."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._name = name
        try:
            self._archive = tarfile.open(fileobj=stream, mode="r|")  # noqa: SIM115  # closed with the stream
        except tarfile.TarError:
            raise UpgradeError(f"{name} is no upgrade file; `firmware_scripts/build-upgrade` makes them") from None

    def read_manifest(self) -> tuple[bytes, bytes]:
        """The manifest and its signature, still unverified. Raises UpgradeError."""
        return self._small(MANIFEST_NAME), self._small(SIGNATURE_NAME)

    def read_part(self, part: Part) -> Iterator[bytes]:
        """The unpacked contents of the next part, in pieces, never more than its size. Raises UpgradeError."""
        left = part.size
        with self._member(part.name) as member:
            for piece in self._unpacked(member, part) if part.packing == GZIP else self._pieces(member):
                left -= len(piece)
                if left < 0:
                    raise UpgradeError(f"{self._name}: the part {part.name} is longer than its manifest says")
                yield piece
        if left:
            raise UpgradeError(f"{self._name} ends before the part {part.name} is whole: copy it again")

    def _pieces(self, member: BinaryIO) -> Iterator[bytes]:
        while data := self._read(member, CHUNK_BYTES):
            yield data

    def _unpacked(self, member: BinaryIO, part: Part) -> Iterator[bytes]:
        """The unpacked bytes in pieces of at most CHUNK_BYTES, whatever the packed ones swell to."""
        unpacker = zlib.decompressobj(GZIP_WINDOW)
        try:
            while not unpacker.eof:
                packed = unpacker.unconsumed_tail or self._read(member, CHUNK_BYTES)
                piece = unpacker.decompress(packed, CHUNK_BYTES)
                if piece:
                    yield piece
                elif not packed:
                    return
        except zlib.error:
            raise UpgradeError(f"{self._name}: the part {part.name} is damaged; copy the file again") from None

    def _small(self, name: str) -> bytes:
        with self._member(name) as member:
            data = self._read(member, MAX_MANIFEST_BYTES + 1)
        if len(data) > MAX_MANIFEST_BYTES:
            raise UpgradeError(f"{self._name}: {name} is too long")
        return data

    def _member(self, name: str) -> BinaryIO:
        try:
            entry = self._archive.next()
        except (tarfile.TarError, EOFError, OSError):
            raise UpgradeError(f"{self._name} is damaged or ends too soon: copy it again") from None
        if entry is None or entry.name != name or not entry.isreg():
            found = "nothing" if entry is None else repr(entry.name)
            raise UpgradeError(f"{self._name} is no upgrade file: {name} should come next, {found} does")
        member = self._archive.extractfile(entry)
        assert member is not None
        return member  # type: ignore[return-value]  # a reader of bytes in all but name

    def _read(self, member: BinaryIO, size: int) -> bytes:
        try:
            return member.read(size)
        except (tarfile.TarError, EOFError, OSError):
            raise UpgradeError(f"{self._name} is damaged or ends too soon: copy it again") from None
