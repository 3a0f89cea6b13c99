"""Which slot is booted: the record that U-Boot's script and the phone share, and its two copies on a small partition.

The script is firmware_scripts/imaging/boot.cmd; the record is an environment as U-Boot's `env export -c` writes it.
"""

import os
import zlib

from device.records import dataclass, replace
from device.upgrade.errors import SlotStateError

RECORD_BYTES = 512
"""One sector, which a disk writes whole."""
COPY_DISTANCE_BYTES = 4 << 20
"""The second copy is in another erase block of a card, which may lose a whole block when the power fails."""
COPY_OFFSETS = (0, COPY_DISTANCE_BYTES)
SLOTS = ("a", "b")
GOOD, TRIAL, BAD, EMPTY = "good", "trial", "bad", "empty"
KINDS = (GOOD, TRIAL, BAD, EMPTY)
TRIES = 3
"""How often a slot on trial is started before the other one comes back; a power cut may cost one."""


@dataclass(frozen=True, slots=True)
class SlotState:
    """The slot that is preferred, what each slot is worth, and the tries that one on trial has left.

    `sequence` grows with each change: of two copies the one with the higher number counts.
    """

    slot: str = "a"
    a: str = GOOD
    b: str = EMPTY
    tries: int = 0
    sequence: int = 1

    def kind(self, slot: str) -> str:
        """What a slot is worth: good, trial, bad or empty."""
        return self.a if slot == "a" else self.b

    def with_kind(self, slot: str, kind: str) -> "SlotState":
        """The same with another worth of a slot."""
        return replace(self, a=kind) if slot == "a" else replace(self, b=kind)


def other_slot(slot: str) -> str:
    """The slot that is not `slot`."""
    return "b" if slot == "a" else "a"


def encode(state: SlotState) -> bytes:
    """The record as it lies on the disk: checksum, then NAME=VALUE with zeros between and behind."""
    fields = {
        "oh_a": state.a,
        "oh_b": state.b,
        "oh_seq": f"{state.sequence:x}",
        "oh_slot": state.slot,
        "oh_tries": f"{state.tries:x}",
    }
    body = b"".join(f"{name}={value}\0".encode("ascii") for name, value in fields.items())
    body = body.ljust(RECORD_BYTES - 4, b"\0")
    return zlib.crc32(body).to_bytes(4, "little") + body


def decode(record: bytes) -> SlotState:
    """Read a record. Raises SlotStateError when its checksum or a value is wrong."""
    body = record[4:RECORD_BYTES]
    if len(body) != RECORD_BYTES - 4 or zlib.crc32(body) != int.from_bytes(record[:4], "little"):
        raise SlotStateError("the checksum of the slot state is wrong")
    fields = {}
    for item in body.split(b"\0\0", 1)[0].split(b"\0"):
        name, _, value = item.decode("ascii", "replace").partition("=")
        fields[name] = value
    try:
        state = SlotState(
            fields["oh_slot"], fields["oh_a"], fields["oh_b"], int(fields["oh_tries"], 16), int(fields["oh_seq"], 16)
        )
    except (KeyError, ValueError):
        raise SlotStateError(f"the slot state has no sense: {fields}") from None
    if state.slot not in SLOTS or state.a not in KINDS or state.b not in KINDS:
        raise SlotStateError(f"the slot state has no sense: {fields}")
    return state


class SlotStateFile:
    """The two copies of the record at `path`, a partition or a file.

    Only the copy that does not count is written, so that a power cut leaves the old state or the new one.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def read(self) -> SlotState:
        """The state that counts. Raises SlotStateError when both copies are damaged, or nothing can be read."""
        _, state = self._newest()
        if state is None:
            raise SlotStateError(
                f"both copies of the slot state on {self.path} are damaged; `offhook upgrade repair` writes them"
            )
        return state

    def write(self, state: SlotState) -> SlotState:
        """Make `state` the one that counts, on the disk when this returns; answers it with its sequence number.

        Raises SlotStateError when it cannot be written, or is read back otherwise.
        """
        copy, newest = self._newest()
        state = replace(state, sequence=(newest.sequence if newest is not None else 0) + 1)
        offset = COPY_OFFSETS[1 - copy]
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_SYNC | os.O_CLOEXEC)
            try:
                os.pwrite(descriptor, encode(state), offset)
                os.fsync(descriptor)
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                written = os.pread(descriptor, RECORD_BYTES, offset)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise SlotStateError(f"the slot state on {self.path} cannot be written: {error.strerror}") from None
        if written != encode(state):
            raise SlotStateError(f"the slot state on {self.path} was read back otherwise than written")
        return state

    def _newest(self) -> tuple[int, SlotState | None]:
        """The number of the copy that counts and its state; copy 1 and None when both are damaged."""
        newest: tuple[int, SlotState | None] = (1, None)
        for copy, record in enumerate(self._copies()):
            try:
                state = decode(record)
            except SlotStateError:
                continue
            if newest[1] is None or state.sequence > newest[1].sequence:
                newest = (copy, state)
        return newest

    def _copies(self) -> list[bytes]:
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                return [os.pread(descriptor, RECORD_BYTES, offset) for offset in COPY_OFFSETS]
            finally:
                os.close(descriptor)
        except OSError as error:
            raise SlotStateError(f"the slot state on {self.path} cannot be read: {error.strerror}") from None
