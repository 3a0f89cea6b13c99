"""The state of the slots as the initial RAM disk reads and writes it, against what the phone makes of it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from device.records import replace
from device.upgrade.slot_state import COPY_DISTANCE_BYTES, COPY_OFFSETS, SlotState, SlotStateFile, encode

SLOTS = Path(__file__).parents[3] / "firmware_scripts/imaging/slots"
SHELLS = [[shell] for shell in ("dash", "bash") if shutil.which(shell)]
SHELLS += [["busybox", "sh"]] if shutil.which("busybox") else []


@pytest.fixture
def partition(tmp_path: Path) -> Path:
    path = tmp_path / "state"
    path.write_bytes(bytes(2 * COPY_DISTANCE_BYTES))
    return path


@pytest.fixture(params=SHELLS, ids=" ".join)
def shell(request: pytest.FixtureRequest, tmp_path: Path):
    """Runs words after the file was sourced; answers status and output."""

    def run(words: str) -> tuple[int, str]:
        text = f"set -u; . {SLOTS}; slots_folder={tmp_path}; {words}"
        done = subprocess.run([*request.param, "-c", text], capture_output=True, text=True, check=False)
        assert not done.stderr
        return done.returncode, done.stdout.strip()

    return run


SHOW = 'echo "$oh_slot $oh_a $oh_b $oh_tries $oh_seq"'


def put(partition: Path, copy: int, state: SlotState, damage: bool = False) -> None:
    record = bytearray(encode(state))
    record[40] ^= damage
    with partition.open("r+b") as file:
        file.seek(COPY_OFFSETS[copy])
        file.write(record)


@pytest.mark.parametrize(
    ("first", "second", "read"),
    [
        (9, 10, "b good trial 2 a"),
        (10, 9, "a good empty 0 a"),
        (0x1F, None, "a good empty 0 1f"),
        (None, 1, "b good trial 2 1"),
    ],
)
def test_the_newer_copy_that_is_whole_counts(shell, partition: Path, first, second, read: str) -> None:
    put(partition, 0, SlotState(sequence=first or 99), damage=first is None)
    put(partition, 1, SlotState("b", "good", "trial", 2, sequence=second or 99), damage=second is None)
    assert shell(f"slots_read {partition} && {SHOW}") == (0, read)


def test_with_both_copies_damaged_both_slots_are_taken_for_good(shell, partition: Path) -> None:
    assert shell(f"slots_read {partition}; echo $?; {SHOW}") == (0, "1\na good good 0 0")


@pytest.mark.parametrize("copy", [0, 1])
def test_what_is_written_is_what_the_phone_and_the_boot_loader_read(shell, partition: Path, copy: int) -> None:
    state = SlotState("b", "good", "trial", 2, sequence=0xFE)
    put(partition, copy, state)
    assert shell(f"slots_read {partition}; oh_b=bad; oh_slot=a; oh_tries=0; slots_write {partition}")[0] == 0
    wanted = replace(state, slot="a", b="bad", tries=0, sequence=0xFF)
    assert SlotStateFile(str(partition)).read() == wanted
    data = partition.read_bytes()
    assert data[COPY_OFFSETS[1 - copy] :][:512] == encode(wanted)
    assert data[COPY_OFFSETS[copy] :][:512] == encode(state)
    assert len(data) == 2 * COPY_DISTANCE_BYTES


@pytest.mark.parametrize(
    ("slot", "state", "wanted"),
    [
        ("b", SlotState("b", "good", "good"), SlotState("a", "good", "bad")),
        ("a", SlotState("a", "trial", "good", 2), SlotState("b", "bad", "good")),
        ("a", SlotState("a", "good", "empty"), None),
        ("b", SlotState("b", "bad", "good"), None),
        ("b", SlotState("b", "trial", "good"), None),
    ],
)
def test_a_slot_is_given_up_only_for_one_that_has_proven_itself(
    shell, partition: Path, slot: str, state: SlotState, wanted: SlotState | None
) -> None:
    file = SlotStateFile(str(partition))
    before = file.write(state)
    assert shell(f"slots_give_up {partition} {slot}")[0] == (0 if wanted else 1)
    assert file.read() == (replace(wanted, sequence=before.sequence + 1) if wanted else before)


def test_a_damaged_state_lets_the_other_slot_be_tried(shell, partition: Path) -> None:
    assert shell(f"slots_give_up {partition} a")[0] == 0
    assert SlotStateFile(str(partition)).read() == SlotState("b", "bad", "good", sequence=1)


def test_a_disk_that_fails_is_told(shell, partition: Path) -> None:
    SlotStateFile(str(partition)).write(SlotState("b", "good", "good"))
    assert shell(f"slots_read {partition}; slots_write {partition}/nowhere")[0] != 0
