"""What an upgrade file says of itself: a manifest in JSON that is signed as a whole. Pure."""

import json

from device.annotations import Any
from device.records import dataclass
from device.upgrade.errors import UpgradeError
from device.upgrade.image_system import PARTS

FORMAT = 1
PRODUCT = "offhook"
PLAIN, GZIP = "none", "gzip"
MAX_MANIFEST_BYTES = 65_536
MAX_PART_BYTES = 4 << 30


@dataclass(frozen=True, slots=True)
class Part:
    """One partition of the new version: its contents' size in bytes and SHA-256, and how they are packed."""

    name: str
    size: int
    sha256: str
    packing: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The new version: for which board, which version, and its parts in the order of the file."""

    board: str
    version: str
    parts: tuple[Part, ...]

    @property
    def size(self) -> int:
        """How much is written, in bytes."""
        return sum(part.size for part in self.parts)


def parse_manifest(text: bytes) -> Manifest:
    """Read a manifest whose signature has been verified. Raises UpgradeError."""
    try:
        fields: dict[str, Any] = json.loads(text)
        if fields["product"] != PRODUCT:
            raise UpgradeError(f"this is an upgrade of {fields['product']!r}, not of {PRODUCT}")
        if fields["format"] != FORMAT:
            raise UpgradeError(f"the upgrade has format {fields['format']}, this version knows {FORMAT}")
        parts = tuple(
            Part(str(part["name"]), int(part["size"]), str(part["sha256"]), str(part["packing"]))
            for part in fields["parts"]
        )
        manifest = Manifest(str(fields["board"]), str(fields["version"]), parts)
    except (ValueError, KeyError, TypeError) as error:
        raise UpgradeError(f"the manifest of the upgrade cannot be read ({type(error).__name__}: {error})") from None
    if sorted(part.name for part in parts) != sorted(PARTS):
        raise UpgradeError(f"an upgrade has the parts {', '.join(PARTS)}; this one has {[part.name for part in parts]}")
    for part in parts:
        if part.packing not in (PLAIN, GZIP) or not 0 < part.size <= MAX_PART_BYTES or len(part.sha256) != 64:
            raise UpgradeError(f"the part {part.name} of the upgrade is described in a way that has no sense")
    return manifest


def version_key(version: str) -> tuple[tuple[int, ...], bool, tuple[str, ...]]:
    """A version for comparing: numbers as numbers, a pre-release ("1.2rc1", "1.2-beta") before the release it leads to.

    What stands behind a "+" does not count.
    """
    numbers: list[int] = []
    before: list[str] = []
    for word in _words(version.partition("+")[0]):
        if before or not word.isdecimal():
            # Numbers of a pre-release are compared as text of one length.
            before.append(word.zfill(9) if word.isdecimal() else word)
        else:
            numbers.append(int(word))
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers), not before, tuple(before)


def _words(text: str) -> list[str]:
    """The runs of digits and of letters in a text: "1.2rc1" has 1, 2, rc and 1."""
    found = [""]
    for character in text:
        last = found[-1][-1:]
        if not character.isalnum():
            found.append("")
        elif last and last.isdecimal() != character.isdecimal():
            found.append(character)
        else:
            found[-1] += character
    return [word for word in found if word]
