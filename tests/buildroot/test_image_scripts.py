"""The scripts that Buildroot calls for an image, and the one that mounts its partitions, with the outside played."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

TREE = Path(__file__).parents[2] / "buildroot"
COMMON = TREE / "board" / "common"
STORAGE = COMMON / "rootfs-overlay/usr/libexec/offhook/storage"


def program(folder: Path, name: str, text: str) -> None:
    """A program of the outside, played by a few lines of shell."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def played(tmp_path: Path) -> Path:
    return tmp_path / "bin"


def environment(played: Path, **more: str | Path) -> dict[str, str]:
    return {"PATH": f"{played}:{os.environ['PATH']}", **{name: str(value) for name, value in more.items()}}


class TestPostBuild:
    @pytest.fixture
    def target(self, tmp_path: Path) -> Path:
        folder = tmp_path / "target"
        shutil.copytree(COMMON / "rootfs-overlay", folder)
        (folder / "etc/init.d/S40network").write_text("")
        return folder

    def run(self, target: Path, tmp_path: Path, config: str) -> None:
        (tmp_path / ".config").write_text(config)
        command = [COMMON / "post-build.sh", target, "qemu_aarch64_virt"]
        subprocess.run(command, check=True, env={**os.environ, "BR2_CONFIG": str(tmp_path / ".config")})
        for name in ("boot", "data", "etc/offhook", "var/lib/offhook", "var/lib/offhook-exchange"):
            assert (target / name).is_dir()

    def test_systemd_has_no_scripts_of_the_other_init(self, target: Path, tmp_path: Path) -> None:
        self.run(target, tmp_path, "BR2_INIT_SYSTEMD=y\n")
        assert [path.name for path in (target / "etc/init.d").iterdir()] == ["S40network"]
        assert (target / "etc/systemd/system/offhook-storage.service").exists()

    def test_busybox_init_has_no_units(self, target: Path, tmp_path: Path) -> None:
        self.run(target, tmp_path, "# BR2_INIT_SYSTEMD is not set\n")
        assert not (target / "etc/systemd").exists()
        assert (target / "etc/init.d/S05offhook-storage").exists()


class TestPostImage:
    @pytest.fixture
    def images(self, tmp_path: Path, played: Path) -> Path:
        folder = tmp_path / "images"
        (folder / "rpi-firmware/overlays").mkdir(parents=True)
        for name in ("Image", "bcm2710-rpi-3-b.dtb", "rootfs.squashfs", "rpi-firmware/start.elf"):
            (folder / name).write_text(name)
        (folder / "rpi-firmware/overlays/miniuart-bt.dtbo").write_text("")
        shutil.copy(TREE / "board/rpi3_64/config.txt", folder / "rpi-firmware")
        shutil.copy(TREE / "board/raspberrypi/cmdline.txt", folder / "rpi-firmware")
        # It must be told folders that exist, and keeps the file that it was given.
        program(
            played,
            "genimage",
            'while [ $# -gt 0 ]; do case $1 in --config) config=$2;; --outputpath) out=$2;; --rootpath) ls "$2";; esac;'
            ' shift; done; cp "$config" "$out/given.cfg"',
        )
        return folder

    def run(self, images: Path, tmp_path: Path, played: Path, board: str) -> str:
        work = tmp_path / "build"
        work.mkdir()
        command = [COMMON / "post-image.sh", images, board]
        subprocess.run(command, check=True, env=environment(played, BUILD_DIR=work))
        assert list(work.iterdir()) == [], "nothing is left behind"
        assert (images / "data.empty").stat().st_size == 64 << 20
        return (images / "given.cfg").read_text()

    def test_a_raspberry_pi_has_the_kernel_of_both_slots(self, images: Path, tmp_path: Path, played: Path) -> None:
        config = self.run(images, tmp_path, played, "rpi3_64")
        files = [line.split('"')[1] for line in config.splitlines() if line.startswith("\t\tfile ")]
        assert files == [
            "config.txt", "start.elf", "overlays/miniuart-bt.dtbo",
            "a/Image", "a/cmdline.txt", "a/bcm2710-rpi-3-b.dtb", "b/Image", "b/cmdline.txt", "b/bcm2710-rpi-3-b.dtb",
        ]  # fmt: skip
        named = [line.split('"')[1] for line in config.splitlines() if line.startswith("\t\t\timage = ")]
        assert [name for name in named if not (images / name).exists()] == []
        assert "#BOOT_FILES#" not in config
        assert config.count("{") == config.count("}")
        assert (images / "cmdline-a.txt").read_text().startswith("root=/dev/mmcblk0p2 ")
        assert (images / "cmdline-b.txt").read_text().startswith("root=/dev/mmcblk0p3 ")

    def test_the_virtual_board_has_a_plan_of_its_own(self, images: Path, tmp_path: Path, played: Path) -> None:
        config = self.run(images, tmp_path, played, "qemu_aarch64_virt")
        assert config == (TREE / "board/qemu_aarch64_virt/genimage.cfg").read_text()


class TestStorage:
    """The kernel's folders are played below a root of the test, and the programs tell what they were asked."""

    SECTORS = 2_000_000

    @pytest.fixture
    def root(self, tmp_path: Path, played: Path) -> Path:
        root = tmp_path / "root"
        disk = root / "sys/devices/platform/block/vda"
        for number, start, size in ((1, 2048, 2048), (2, 4096, 524288), (3, 528384, 524288), (4, 1052672, 131072)):
            partition = disk / f"vda{number}"
            partition.mkdir(parents=True)
            for name, text in (("partition", number), ("start", start), ("size", size)):
                (partition / name).write_text(f"{text}\n")
        (disk / "size").write_text(f"{self.SECTORS}\n")
        (root / "sys/dev/block").mkdir(parents=True)
        (root / "sys/dev/block/254:2").symlink_to(disk / "vda2")
        for name in ("dev", "data", "boot", "etc", "var/lib/offhook", "var/lib/offhook-exchange"):
            (root / name).mkdir(parents=True)
        program(played, "mountpoint", "echo 254:2")
        program(played, "blkid", f'for last; do :; done; cat "{root}/dev/${{last##*/}}.type" 2>/dev/null')
        for name in ("mount", "sfdisk", "partx", "mkfs.ext4", "e2fsck", "resize2fs", "chown"):
            program(
                played,
                name,
                f'echo "{name} $*" >> "{root}/asked"; cat "{root}/{name}.fails" 2>/dev/null && exit 8; exit 0',
            )
        return root

    def run(self, root: Path, played: Path) -> tuple[list[str], str]:
        done = subprocess.run(
            [STORAGE], capture_output=True, text=True, check=True, env=environment(played, OFFHOOK_ROOT=root)
        )
        asked = (root / "asked").read_text().replace(str(root), "")
        return [line for line in asked.splitlines() if not line.startswith("chown")], done.stdout

    def test_at_the_first_boot_the_data_partition_grows_and_is_made(self, root: Path, played: Path) -> None:
        (root / "dev/vda1.type").write_text("vfat\n")
        asked, said = self.run(root, played)
        assert asked == [
            "mount -t vfat -o ro,nodev,nosuid,noexec,umask=0077 /dev/vda1 /boot",
            "sfdisk --quiet --no-reread --no-tell-kernel -N 4 /dev/vda",
            "partx --update --nr 4 /dev/vda",
            "mkfs.ext4 -q -F -L offhook-data /dev/vda4",
            "mount -t ext4 -o noatime,nodev,nosuid,noexec /dev/vda4 /data",
            "mount --bind /data/offhook /var/lib/offhook",
            "mount --bind /data/offhook-exchange /var/lib/offhook-exchange",
        ]
        assert "grows by 398 MiB" in said
        assert stat.S_IMODE((root / "data/offhook").stat().st_mode) == 0o700

    def test_later_it_is_looked_after_and_kept(self, root: Path, played: Path) -> None:
        (root / "dev/vda4.type").write_text("ext4\n")
        (root / "sys/devices/platform/block/vda/vda4/size").write_text(f"{self.SECTORS - 1052672}\n")
        asked, _ = self.run(root, played)
        assert asked[:3] == [
            "e2fsck -p /dev/vda4",
            "resize2fs /dev/vda4",
            "mount -t ext4 -o noatime,nodev,nosuid,noexec /dev/vda4 /data",
        ]

    def test_what_cannot_be_repaired_by_itself_is_repaired_all_the_same(self, root: Path, played: Path) -> None:
        (root / "dev/vda4.type").write_text("ext4\n")
        (root / "e2fsck.fails").write_text("")
        asked, _ = self.run(root, played)
        assert asked[2:4] == ["e2fsck -p /dev/vda4", "e2fsck -y /dev/vda4"]
        assert not any(line.startswith("mkfs") for line in asked)

    def test_a_partition_of_somebody_else_is_left_alone(self, root: Path, played: Path) -> None:
        (root / "dev/vda4.type").write_text("swap\n")
        asked, said = self.run(root, played)
        assert "is no data partition of ours and is left alone" in said
        assert "NOTHING IS KEPT over a restart" in said
        assert asked[2:4] == [
            "mount -t tmpfs -o mode=0755,size=16m,nodev,nosuid,noexec tmpfs /data",
            "mount --bind /data/offhook /var/lib/offhook",
        ]

    def test_without_a_disk_there_is_a_phone_all_the_same(self, root: Path, played: Path) -> None:
        program(played, "mountpoint", "exit 1")
        asked, said = self.run(root, played)
        assert "the root file system is on no partition of a disk" in said
        assert asked[0].startswith("mount -t tmpfs ")

    def test_a_partition_that_cannot_grow_serves_as_it_is(self, root: Path, played: Path) -> None:
        (root / "sfdisk.fails").write_text("")
        asked, said = self.run(root, played)
        assert "could not be made larger; it serves as it is" in said
        assert "mkfs.ext4 -q -F -L offhook-data /dev/vda4" in asked

    def test_the_machine_keeps_its_identity(self, root: Path, played: Path) -> None:
        (root / "etc/machine-id").write_text("first\n")
        asked, _ = self.run(root, played)
        assert asked[-1] == "mount --bind /data/machine-id /etc/machine-id"
        (root / "etc/machine-id").write_text("second\n")
        self.run(root, played)
        assert (root / "data/machine-id").read_text() == "first\n"
