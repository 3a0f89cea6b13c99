"""The formats that boot loader and kernel read, checked by the programs that know them."""

import gzip
import struct
import subprocess
import sys
import zlib
from itertools import pairwise
from pathlib import Path

from firmware_scripts.imaging.boot_files import MIB, Partition, RamFile, partition_table, ram_disk, uboot_script
from firmware_scripts.imaging.disk_image import DISK_SIGNATURE, make_layout


def test_the_script_has_the_header_of_u_boot() -> None:
    image = uboot_script("echo hello\n")
    magic, checksum, _, size, _, _, data_checksum = struct.unpack(">7I", image[:28])
    assert magic == 0x27051956
    assert checksum == zlib.crc32(image[:4] + bytes(4) + image[8:64])
    assert data_checksum == zlib.crc32(image[64:])
    assert size == len(image) - 64
    assert image[64:72] == struct.pack(">II", 11, 0)
    assert image[72:] == b"echo hello\n"


def test_the_ram_disk_holds_files_folders_and_links(tmp_path: Path) -> None:
    files = [
        RamFile("bin", 0o040755),
        RamFile("bin/tool", 0o100755, b"odd"),
        RamFile("bin/sh", 0o120777, b"tool"),
    ]
    packed = ram_disk(files)
    assert packed == ram_disk(files)
    subprocess.run([sys.executable, "-c", _UNPACK, tmp_path], input=gzip.decompress(packed), check=True)
    assert (tmp_path / "bin/tool").read_bytes() == b"odd"
    assert (tmp_path / "bin/sh").readlink() == Path("tool")


def test_the_partition_table_is_what_sfdisk_reads(tmp_path: Path) -> None:
    layout = make_layout()
    image = tmp_path / "image"
    logical = [layout.state, layout.kernel_a, layout.root_a, layout.kernel_b, layout.root_b]
    with image.open("wb") as file:
        file.truncate(layout.size)
        for place, sector in partition_table(DISK_SIGNATURE, [layout.boot, layout.data], logical).items():
            file.seek(place)
            file.write(sector)
    text = subprocess.run(["/sbin/sfdisk", "--dump", image], capture_output=True, text=True, check=True).stdout
    assert "label-id: 0x0ff40001" in text
    found = {}
    for line in text.splitlines():
        if line.startswith(str(image)):
            name, _, rest = line.partition(" : ")
            fields = dict(item.strip().split("=") for item in rest.split(","))
            found[int(name.strip()[-1])] = (int(fields["start"]) * 512, int(fields["size"]) * 512, fields["type"])
    for partition in (layout.boot, layout.data, *logical):
        assert found[partition.number] == (partition.start, partition.size, f"{partition.kind:x}")
    assert found[2][2] == "f"


def test_no_partition_overlaps_another_or_its_table() -> None:
    layout = make_layout()
    parts = sorted(
        (layout.boot, layout.state, layout.kernel_a, layout.root_a, layout.kernel_b, layout.root_b, layout.data),
        key=lambda part: part.start,
    )
    for before, after in pairwise(parts):
        gap = after.start - (before.start + before.size)
        assert gap >= (MIB if after.number >= 5 else 0)
    assert all(part.start % (4 * MIB) == 0 for part in parts)
    # The data partition grows to the end of the card, so that nothing may lie behind it.
    assert parts[-1] is layout.data


def test_a_table_without_logical_partitions() -> None:
    sectors = partition_table(1, [Partition(1, 0x0C, MIB, MIB)], [])
    assert list(sectors) == [0]
    assert sectors[0][510:] == b"\x55\xaa"


_UNPACK = """
import os, sys
data, place, folder = sys.stdin.buffer.read(), 0, sys.argv[1]
while True:
    assert data[place:place + 6] == b"070701"
    fields = [int(data[place + 6 + 8 * i:place + 14 + 8 * i], 16) for i in range(13)]
    mode, size, length = fields[1], fields[6], fields[11]
    name = data[place + 110:place + 110 + length - 1].decode()
    start = place + 110 + length
    start += -start % 4
    if name == "TRAILER!!!":
        break
    body = data[start:start + size]
    path = os.path.join(folder, name)
    if mode >> 12 == 4:
        os.mkdir(path)
    elif mode >> 12 == 0o12:
        os.symlink(body.decode(), path)
    else:
        open(path, "wb").write(body)
    place = start + size
    place += -place % 4
"""
