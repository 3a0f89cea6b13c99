"""The upgrade file as a stream: manifest, signature, then the parts; a plain tar that is read once, forwards.

Of tar it knows what `build-upgrade` writes, plain files with a name of their own (ustar, POSIX.1-1990). All else, such
as headers that name a length of gigabytes for a file's name, is refused unread: who made it is not known yet then.
"""

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
BLOCK_BYTES = 512
"""Of tar: each header is one block, each file ends at the end of one."""
CHECKSUM = slice(148, 156)
PLAIN_FILES = (b"0", b"\0")


class UpgradeFile:
    """Reads an upgrade from `stream` in its one order; nothing of it is trusted before the caller has verified it."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._name = name
        self._stream = stream
        self._left = 0
        """Bytes of the file in the archive that were not read yet."""
        self._padding = 0

    def read_manifest(self) -> tuple[bytes, bytes]:
        """The manifest and its signature, still unverified. Raises UpgradeError."""
        return self._small(MANIFEST_NAME), self._small(SIGNATURE_NAME)

    def read_part(self, part: Part) -> Iterator[bytes]:
        """The unpacked contents of the next part, in pieces, never more than its size. Raises UpgradeError."""
        left = part.size
        self._begin(part.name)
        for piece in self._unpacked(part) if part.packing == GZIP else self._pieces():
            left -= len(piece)
            if left < 0:
                raise UpgradeError(f"{self._name}: the part {part.name} is longer than its manifest says")
            yield piece
        if left:
            raise UpgradeError(f"{self._name} ends before the part {part.name} is whole: copy it again")

    def _pieces(self) -> Iterator[bytes]:
        while data := self._read():
            yield data

    def _unpacked(self, part: Part) -> Iterator[bytes]:
        """The unpacked bytes in pieces of at most CHUNK_BYTES, whatever the packed ones swell to."""
        unpacker = zlib.decompressobj(GZIP_WINDOW)
        try:
            while not unpacker.eof:
                packed = unpacker.unconsumed_tail or self._read()
                piece = unpacker.decompress(packed, CHUNK_BYTES)
                if piece:
                    yield piece
                elif not packed:
                    return
        except zlib.error:
            raise UpgradeError(f"{self._name}: the part {part.name} is damaged; copy the file again") from None

    def _small(self, name: str) -> bytes:
        self._begin(name)
        if self._left > MAX_MANIFEST_BYTES:
            raise UpgradeError(f"{self._name}: {name} is too long")
        return b"".join(self._pieces())

    def _begin(self, name: str) -> None:
        """Go to the next file of the archive, which has to be this one."""
        while self._read():
            pass
        self._take(self._padding)
        header = self._take(BLOCK_BYTES)
        if not any(header):
            raise UpgradeError(f"{self._name} is no upgrade file, or ends before {name}: copy it again")
        if _number(header[CHECKSUM]) != sum(header) - sum(header[CHECKSUM]) + 8 * ord(" "):
            raise UpgradeError(f"{self._name} is no upgrade file; `firmware_scripts/build-upgrade` makes them")
        found = header[:100].rstrip(b"\0").decode("ascii", "replace")
        size = _number(header[124:136])
        if found != name or header[156:157] not in PLAIN_FILES or size is None:
            raise UpgradeError(f"{self._name} is no upgrade file: {name} should come next, {found!r} does")
        self._left, self._padding = size, -size % BLOCK_BYTES

    def _read(self) -> bytes:
        """The next bytes of the file in the archive, at most CHUNK_BYTES; none at its end."""
        data = self._take(min(CHUNK_BYTES, self._left))
        self._left -= len(data)
        return data

    def _take(self, count: int) -> bytes:
        """So many bytes of the stream; a pipe gives what it has, piece by piece."""
        pieces = []
        while count:
            try:
                data = self._stream.read(count)
            except OSError as error:
                raise UpgradeError(f"{self._name} cannot be read any further: {error.strerror or error}") from None
            except Exception as error:  # http has errors of its own, which are not imported for this
                raise UpgradeError(f"{self._name} is damaged or ends too soon ({error}): copy it again") from None
            if not data:
                raise UpgradeError(f"{self._name} is damaged or ends too soon: copy it again")
            pieces.append(data)
            count -= len(data)
        return b"".join(pieces)


def _number(field: bytes) -> int | None:
    """A number of a header: octal digits, ended by NUL or a space; None where it is none."""
    digits = field.rstrip(b"\0 ").lstrip(b" ")
    return int(digits, 8) if digits and all(digit in b"01234567" for digit in digits) else None
