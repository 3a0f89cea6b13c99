"""Which disks may be written to, on a machine whose /sys and /proc are made up."""

from pathlib import Path

import pytest

from firmware_scripts.imaging.flash_target import Machine
from firmware_scripts.imaging.flashing import check_target
from firmware_scripts.imaging.workshop import BuildError

GB = 10**9


class Desk:
    """A machine with disks of our making."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("sys/class/block", "proc/self", "dev"):
            (root / folder).mkdir(parents=True)
        (root / "proc/self/mountinfo").write_text("")
        (root / "proc/swaps").write_text("Filename Type Size Used Priority\n")
        self.machine = Machine(root)

    def add(self, name: str, size: int, bus: str = "usb1", parts: int = 0, **files: str) -> Path:
        place = self.root / "sys/devices" / bus / "block" / name
        (place / "device").mkdir(parents=True)
        (place / "holders").mkdir()
        (place / "size").write_text(f"{size // 512}\n")
        for path, text in {"removable": "1", "ro": "0", "dev": self.number(name), **files}.items():
            (place / path.replace("__", "/")).write_text(f"{text}\n")
        (self.root / "sys/class/block" / name).symlink_to(place)
        (self.root / "dev" / name).touch()
        for number in range(1, parts + 1):
            part = f"{name}p{number}" if name[-1].isdigit() else f"{name}{number}"
            (place / part / "holders").mkdir(parents=True)
            (place / part / "partition").write_text(f"{number}\n")
            (place / part / "dev").write_text(f"{self.number(part)}\n")
            (self.root / "sys/class/block" / part).symlink_to(place / part)
            (self.root / "dev" / part).touch()
        return self.root / "dev" / name

    @staticmethod
    def number(name: str) -> str:
        """The number that the kernel gives a device here."""
        return f"8:{sum(name.encode())}"

    def mount(self, source: str, place: str, number: str = "0:99") -> None:
        """As proc_pid_mountinfo(5) has it; without a number of its own, as btrfs does it."""
        with (self.root / "proc/self/mountinfo").open("a") as file:
            file.write(f"26 1 {number} / {place} rw,relatime shared:1 - ext4 {source} rw\n")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_card_is_named_by_model_size_and_serial(desk: Desk) -> None:
    card = desk.add("sdb", 32 * GB, device__vendor="SanDisk", device__model="Ultra", device__serial="4C53")
    assert check_target(desk.machine, card) == "/dev/sdb, 32.0 GB, SanDisk Ultra, serial 4C53, usb"


def test_a_card_in_the_reader_of_a_laptop_counts_as_removable(desk: Desk) -> None:
    card = desk.add("mmcblk0", 16 * GB, bus="mmc0", removable="0", device__type="SD", device__name="SC16G")
    assert "SC16G" in check_target(desk.machine, card)


def test_the_disk_of_the_machine_is_refused_for_good(desk: Desk) -> None:
    disk = desk.add("sda", 500 * GB, bus="ata1", parts=2, removable="0", device__serial="S1")
    desk.mount("/dev/sda2", "/")
    for forced in ("", "S1"):
        with pytest.raises(BuildError, match="an image never goes there"):
            check_target(desk.machine, disk, forced)


def test_a_mounted_card_is_refused_with_the_line_to_type(desk: Desk) -> None:
    card = desk.add("sdb", 32 * GB, parts=1)
    desk.mount("/dev/sdb1", "/media/card")
    with pytest.raises(BuildError, match="sudo umount /dev/sdb1"):
        check_target(desk.machine, card)


def test_a_mount_by_another_name_is_seen(desk: Desk) -> None:
    card = desk.add("sdb", 32 * GB, parts=1)
    (desk.root / "dev/mapper").mkdir()
    (desk.root / "dev/mapper/secret").symlink_to("../sdb1")
    desk.mount("/dev/mapper/secret", "/mnt")
    with pytest.raises(BuildError, match="mounted"):
        check_target(desk.machine, card)


def test_the_disk_of_a_machine_that_names_it_only_root_is_seen_by_its_number(desk: Desk) -> None:
    disk = desk.add("mmcblk0", 32 * GB, bus="mmc0", parts=2, removable="0", device__type="SD")
    desk.mount("/dev/root", "/", desk.number("mmcblk0p2"))
    with pytest.raises(BuildError, match="/dev/mmcblk0p2 holds the running system"):
        check_target(desk.machine, disk)


def test_a_place_with_a_space_in_its_name_is_shown_as_a_person_knows_it(desk: Desk) -> None:
    card = desk.add("sdb", 32 * GB, parts=1)
    desk.mount("/dev/sdb1", r"/media/my\040card")
    with pytest.raises(BuildError, match="mounted on /media/my card"):
        check_target(desk.machine, card)


def test_swap_and_parts_of_an_array_are_refused(desk: Desk) -> None:
    swap = desk.add("sdb", 32 * GB, parts=1)
    with (desk.root / "proc/swaps").open("a") as file:
        file.write("/dev/sdb1 partition 1000 0 -2\n")
    with pytest.raises(BuildError, match="swap"):
        check_target(desk.machine, swap)
    member = desk.add("sdc", 32 * GB, parts=1)
    (desk.root / "sys/class/block/sdc1/holders/md0").mkdir()
    with pytest.raises(BuildError, match="part of /dev/md0"):
        check_target(desk.machine, member)


def test_a_partition_is_refused_and_its_disk_named(desk: Desk) -> None:
    desk.add("mmcblk0", 16 * GB, parts=2)
    with pytest.raises(BuildError, match="the whole disk: /dev/mmcblk0"):
        check_target(desk.machine, desk.root / "dev/mmcblk0p2")


@pytest.mark.parametrize(
    ("size", "removable", "said"), [(64 * GB, "0", "not a removable disk"), (4000 * GB, "1", "larger than any card")]
)
def test_a_disk_that_is_hardly_a_card_needs_its_serial_number(desk: Desk, size: int, removable: str, said: str) -> None:
    disk = desk.add("sdb", size, removable=removable, device__serial="WD-42")
    with pytest.raises(BuildError, match=said):
        check_target(desk.machine, disk)
    with pytest.raises(BuildError, match="--force-this-disk 'WD-42'"):
        check_target(desk.machine, disk, "another")
    assert "sdb" in check_target(desk.machine, disk, "WD-42")


def test_a_disk_without_a_serial_number_is_forced_by_its_name(desk: Desk) -> None:
    disk = desk.add("vdb", 4 * GB, bus="virtio1", removable="0")
    assert check_target(desk.machine, disk, "/dev/vdb")


def test_write_protection_and_an_empty_reader_are_told(desk: Desk) -> None:
    with pytest.raises(BuildError, match="slider"):
        check_target(desk.machine, desk.add("sdb", 32 * GB, ro="1"))
    with pytest.raises(BuildError, match="no card in the reader"):
        check_target(desk.machine, desk.add("sdc", 0))


def test_what_is_not_there_is_told(desk: Desk) -> None:
    with pytest.raises(FileNotFoundError, match="lsblk"):
        check_target(desk.machine, desk.root / "dev/sdz")


def test_the_disks_are_listed_without_partitions_and_loops(desk: Desk) -> None:
    desk.add("sda", 500 * GB, parts=2, removable="0")
    desk.add("sdb", 32 * GB)
    desk.add("loop0", GB)
    assert [disk.name for disk in desk.machine.disks()] == ["sda", "sdb"]
