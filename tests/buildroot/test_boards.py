"""Boards of the tree: defconfigs, what they name, card images, kernel fragments, and the files for either init."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TREE = ROOT / "buildroot"
BOARDS = ("qemu_aarch64_virt", "rpi0w", "rpi3_64", "rpi4_64", "rpizero2w")
RASPBERRY_PIS = [board for board in BOARDS if board.startswith("rpi")]
OVERLAYS = sorted((TREE / "board").glob("*/rootfs-overlay"))
INIT_SCRIPTS = [path for folder in OVERLAYS for path in sorted((folder / "etc/init.d").iterdir())]
INIT_SCRIPTS += sorted((TREE / "package/python-offhook").glob("S[0-9][0-9]*"))
UNITS = [path for folder in OVERLAYS for path in sorted((folder / "etc/systemd/system").iterdir())]
OPTION = re.compile(r'BR2_\w+=(?:y|"[^"]*")|# BR2_\w+ is not set')


def lines_of(board: str) -> list[str]:
    return (TREE / "configs" / f"offhook_{board}_defconfig").read_text().splitlines()


def value(board: str, option: str) -> str:
    found = [line.partition("=")[2].strip('"') for line in lines_of(board) if line.startswith(f"{option}=")]
    return found[0] if found else ""


def test_there_is_a_defconfig_for_each_board_and_no_other() -> None:
    assert {path.name for path in (TREE / "configs").iterdir()} == {f"offhook_{board}_defconfig" for board in BOARDS}


@pytest.mark.parametrize("board", BOARDS)
def test_a_defconfig_has_options_alone_each_of_them_once(board: str) -> None:
    lines = lines_of(board)
    assert [line for line in lines if not OPTION.fullmatch(line)] == []
    names = [line.removeprefix("# ").partition("=")[0].partition(" ")[0] for line in lines]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("board", BOARDS)
def test_a_defconfig_has_what_every_phone_needs(board: str) -> None:
    lines = lines_of(board)
    wanted = [
        "BR2_DOWNLOAD_FORCE_CHECK_HASHES=y",
        "BR2_REPRODUCIBLE=y",
        "# BR2_TARGET_GENERIC_REMOUNT_ROOTFS_RW is not set",
        "BR2_TARGET_ROOTFS_SQUASHFS=y",
        "BR2_PACKAGE_PYTHON_OFFHOOK=y",
        "BR2_PACKAGE_HOST_GENIMAGE=y",
        # mkfs.ext4, e2fsck and resize2fs; sfdisk and blkid; partx: for the storage script.
        "BR2_PACKAGE_E2FSPROGS=y",
        "BR2_PACKAGE_E2FSPROGS_RESIZE2FS=y",
        "BR2_PACKAGE_UTIL_LINUX_BINARIES=y",
        "BR2_PACKAGE_UTIL_LINUX_PARTX=y",
        f'BR2_ROOTFS_POST_SCRIPT_ARGS="{board}"',
    ]
    assert [line for line in wanted if line not in lines] == []
    # Devices are given to their groups by one of these.
    inits = ("BR2_INIT_SYSTEMD=y", "BR2_ROOTFS_DEVICE_CREATION_DYNAMIC_MDEV=y")
    assert len([line for line in inits if line in lines]) == 1
    # DHCP is systemd's own there; Kconfig leaves it out where the toolchain has old headers, unless it is asked for.
    assert ("BR2_PACKAGE_SYSTEMD_NETWORKD=y" in lines) == ("BR2_INIT_SYSTEMD=y" in lines)


@pytest.mark.parametrize("board", BOARDS)
def test_every_file_that_a_defconfig_names_is_in_the_tree(board: str) -> None:
    named = re.findall(r"\$\(BR2_EXTERNAL_OFFHOOK_PATH\)/([^\s\"]+)", "\n".join(lines_of(board)))
    assert len(named) > 5
    assert [name for name in named if not (TREE / name).exists()] == []


def test_the_virtual_board_takes_whichever_toolchain_and_the_kernel_of_its_line() -> None:
    """An external toolchain is set by a fragment; the kernel's hash is in Buildroot itself."""
    text = "\n".join(lines_of("qemu_aarch64_virt"))
    assert "TOOLCHAIN" not in text
    assert "BR2_LINUX_KERNEL_CUSTOM" not in text.replace("BR2_LINUX_KERNEL_CUSTOM_CONFIG_FILE", "")


@pytest.mark.parametrize("board", RASPBERRY_PIS)
def test_the_kernel_of_a_raspberry_pi_has_a_hash(board: str) -> None:
    tarball = value(board, "BR2_LINUX_KERNEL_CUSTOM_TARBALL_LOCATION").rpartition("/")[2]
    for package in ("linux", "linux-headers"):
        text = (TREE / "patches" / package / f"{package}.hash").read_text()
        assert re.search(rf"^sha256  [0-9a-f]{{64}}  {re.escape(tarball)}$", text, re.MULTILINE)


@pytest.mark.parametrize("board", RASPBERRY_PIS)
def test_the_firmware_boots_what_the_card_has(board: str) -> None:
    settings = [line.partition("=")[::2] for line in (TREE / "board" / board / "config.txt").read_text().splitlines()]
    given = {key: text for key, text in settings if text and not key.startswith("#")}
    is_64 = "BR2_aarch64=y" in lines_of(board)
    assert given["kernel"] == ("Image" if is_64 else "zImage")
    assert given.get("arm_64bit", "0") == ("1" if is_64 else "0")
    assert given["os_prefix"] == "a/"
    assert given["start_file"] == ("start4.elf" if "rpi4" in board else "start.elf")
    # The bell of the profile is off before Linux runs.
    profile = (ROOT / "device/hardware/profiles/raspberry-pi.toml").read_text()
    bell = re.search(r"^\[ringer\]\nlines = \[(\d+)\]", profile, re.MULTILINE)
    assert bell
    assert ("gpio", f"{bell[1]}=op,dl") in settings


def partitions(text: str) -> list[dict[str, str]]:
    """The partitions of a genimage file, each with its settings. Fails where braces do not match."""
    assert text.count("{") == text.count("}")
    found = []
    for name, body in re.findall(r"^\tpartition (\S+) \{\n((?:\t\t.*\n)*)\t\}$", text, re.MULTILINE):
        settings = dict(re.findall(r"^\t\t([\w-]+) = (.+)$", body, re.MULTILINE))
        found.append({"name": name, **{key: word.strip('"') for key, word in settings.items()}})
    return found


@pytest.mark.parametrize("file", ["qemu_aarch64_virt/genimage.cfg", "raspberrypi/genimage.cfg.in"])
def test_the_partitions_are_those_that_scripts_and_command_lines_name(file: str) -> None:
    plan = partitions((TREE / "board" / file).read_text())
    assert [row["name"] for row in plan] == ["boot", "root-a", "root-b", "data"]
    assert [row.get("image") for row in plan[1:]] == ["rootfs.squashfs", "rootfs.squashfs", "data.empty"]
    assert plan[1]["size"] == plan[2]["size"] == "256M"
    storage = (TREE / "board/common/rootfs-overlay/usr/libexec/offhook/storage").read_text()
    assert "\nBOOT_PARTITION=1\nDATA_PARTITION=4\n" in storage
    assert " a:2 b:3; do" in (TREE / "board/common/post-image.sh").read_text()
    assert "root=/dev/mmcblk0p@ROOT@ " in (TREE / "board/raspberrypi/cmdline.txt").read_text()


KERNEL_FILES = sorted(
    path for path in (TREE / "board").rglob("*") if path.suffix == ".fragment" or path.name == "linux.config"
)


@pytest.mark.parametrize("path", KERNEL_FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_fragment_has_options_alone_each_of_them_once(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("# ")]
    assert [line for line in lines if not re.fullmatch(r'CONFIG_\w+=(?:[ym\d]+|"[^"]*")', line)] == []
    assert len(lines) == len({line.partition("=")[0] for line in lines})


def test_the_virtual_board_has_lines_and_a_card_that_a_test_can_move() -> None:
    text = (TREE / "board/qemu_aarch64_virt/linux.fragment").read_text()
    for option in ("GPIO_SIM", "SND_ALOOP", "NET_SCH_NETEM", "CONFIGFS_FS"):
        assert f"CONFIG_{option}=y\n" in text


@pytest.mark.parametrize("folder", OVERLAYS, ids=lambda folder: folder.parent.name)
def test_an_overlay_fits_a_root_with_and_without_merged_folders(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} <= {"etc", "usr"}
    assert {path.name for path in (folder / "usr").iterdir()} == {"libexec"}
    for path in (folder / "usr/libexec").rglob("*"):
        assert path.is_dir() or path.stat().st_mode & 0o111, f"{path} is not executable"


@pytest.mark.parametrize("path", INIT_SCRIPTS, ids=lambda path: path.name)
def test_an_init_script_is_named_after_its_daemon_and_knows_the_usual_words(path: Path) -> None:
    text = path.read_text()
    daemon = re.search(r'^DAEMON="([\w-]+)"$', text, re.MULTILINE)
    assert daemon
    assert re.fullmatch(rf"S\d\d{daemon[1]}", path.name)
    assert "{start|stop|restart|reload}" in text
    assert not re.search(r"^\t* +\S", text, re.MULTILINE), "tabs alone"


def test_storage_comes_first_and_the_phone_last() -> None:
    order = sorted(path.name for path in INIT_SCRIPTS)
    assert order[0] == "S05offhook-storage"
    assert [name for name in order if name >= "S90"] == ["S90offhook", "S91offhook-exchange", "S92offhook-console"]


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_of_an_image_starts_at_boot_and_runs_what_the_overlay_has(path: Path) -> None:
    text = path.read_text()
    assert re.search(r"^WantedBy=\S+$", text, re.MULTILINE)
    program = re.search(r"^ExecStart=(\S+)", text, re.MULTILINE)
    assert program
    if program[1].startswith("/usr/libexec/offhook/"):
        assert any((folder / program[1].lstrip("/")).exists() for folder in OVERLAYS)
    # Whatever is named as coming later or earlier is there, or is systemd's own.
    own = {unit.name for unit in (ROOT / "systemd").iterdir()} | {unit.name for unit in UNITS}
    assert {name for name in re.findall(r"\boffhook[\w@-]*\.service", text) if name not in own} == set()


def test_the_files_of_provisioning_are_the_same_for_either_init() -> None:
    script = (TREE / "package/python-offhook/S90offhook").read_text()
    unit = (ROOT / "systemd/offhook-provision.service").read_text()
    named = re.search(r"^ExecStart=\S+ provision (.+)$", unit, re.MULTILINE)
    assert named
    assert [name for name in named[1].split() if name not in script] == []
