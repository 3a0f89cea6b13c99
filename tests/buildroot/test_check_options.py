"""check-options: what is lost is told with its file; a later file overrides; a stand-in plays Buildroot."""

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "buildroot" / "scripts" / "check-options"


def check(*arguments: Path | str) -> tuple[int, str]:
    done = subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / ".config"
    path.write_text('#\n# Automatically generated\n#\nBR2_a=y\nBR2_TEXT=""\n# BR2_OFF is not set\nBR2_WORD="b c"\n\n')
    return path


def written(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_all_is_there(tmp_path: Path, config: Path) -> None:
    text = '# A word.\nBR2_a=y\nBR2_TEXT=""\n# BR2_OFF is not set\n# BR2_UNKNOWN is not set\nBR2_WORD="b c"\n'
    assert check(config, written(tmp_path, "d", text)) == (0, "check-options: every option is there\n")


@pytest.mark.parametrize(
    ("line", "now"),
    [
        ("BR2_GONE=y", "not there"),
        ("BR2_OFF=y", "n"),
        ("# BR2_a is not set", "y"),
        ('BR2_WORD="b"', '"b c"'),
        ('BR2_TEXT="eth0"', '""'),
    ],
)
def test_what_is_lost_is_told_with_its_file(line: str, now: str, tmp_path: Path, config: Path) -> None:
    file = written(tmp_path, "d", f"BR2_a=y\n{line}\n" if "BR2_a" not in line else f"{line}\n")
    status, said = check(config, file)
    assert status == 1
    assert said.startswith(f"check-options: {file}: BR2_")
    assert f" is lost; it is {now} now\n" in said
    assert said.endswith("check-options: 1 faults\n")


def test_a_fragment_overrides_the_defconfig(tmp_path: Path, config: Path) -> None:
    defconfig = written(tmp_path, "d", "BR2_OFF=y\nBR2_GONE=y\n")
    fragment = written(tmp_path, "f", "# BR2_OFF is not set\n# BR2_GONE is not set\n")
    assert check(config, defconfig, fragment)[0] == 0
    assert check(config, fragment, defconfig)[0] == 1


def test_what_is_no_option_is_told(tmp_path: Path, config: Path) -> None:
    file = written(tmp_path, "d", "BR2_a=y\nOTHER_X=y\n")
    assert check(config, file) == (
        2,
        f"check-options: {file}:2: 'OTHER_X=y' is neither an option nor a comment\n",
    )


def test_a_kernel_that_has_dropped_an_option_is_told(tmp_path: Path) -> None:
    kernel = written(tmp_path, ".config", "CONFIG_SND=y\n# CONFIG_GPIO_SIM is not set\nCONFIG_SND_ALOOP=m\n")
    fragment = written(tmp_path, "linux.fragment", "# Sound.\nCONFIG_SND=y\nCONFIG_GPIO_SIM=y\nCONFIG_SND_ALOOP=y\n")
    assert check(kernel, fragment) == (
        1,
        f"check-options: {fragment}: CONFIG_GPIO_SIM=y is lost; it is n now\n"
        f"check-options: {fragment}: CONFIG_SND_ALOOP=y is lost; it is m now\n"
        "check-options: 2 faults\n",
    )


def test_help_and_what_is_missing(tmp_path: Path, config: Path) -> None:
    assert check()[0] == 2
    assert "usage: " in check(config)[1]
    assert subprocess.run([SCRIPT, "--help"], capture_output=True, check=True).stdout
    status, said = check("--buildroot", tmp_path)
    assert status == 2
    assert f"{tmp_path} is no Buildroot" in said


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    """A folder that plays Buildroot: its make takes each defconfig as it is, but for one option."""
    folder = tmp_path / "stand-in"
    (folder / "package").mkdir(parents=True)
    rule = "grep -v BR2_REPRODUCIBLE $(BR2_DEFCONFIG) > $(O)/.config"
    (folder / "Makefile").write_text(f"defconfig:\n\t@{rule}\n")
    return folder


def test_each_defconfig_is_made_alone_and_with_each_fragment(stand_in: Path) -> None:
    status, said = check("--buildroot", stand_in, "offhook_rpi0w_defconfig")
    assert status == 1
    assert said.count("offhook_rpi0w_defconfig: BR2_REPRODUCIBLE=y is lost; it is not there now") == 4
    for fragment in ("systemd", "busybox-init", "everything"):
        assert f"check-options: offhook_rpi0w_defconfig + {fragment}.config\n" in said
    assert said.endswith("check-options: 4 faults\n")


def test_a_package_that_buildroot_has_too_is_told(stand_in: Path) -> None:
    (stand_in / "package" / "python-lgpio").mkdir()
    said = check("--buildroot", stand_in, "offhook_rpi0w_defconfig")[1]
    assert "stand-in has a package python-lgpio, too" in said


def test_a_buildroot_that_fails_is_quoted(stand_in: Path) -> None:
    (stand_in / "Makefile").write_text("defconfig:\n\t@echo no such thing >&2; false\n")
    status, said = check("--buildroot", stand_in, "offhook_rpi0w_defconfig")
    assert status == 2
    assert "cannot make offhook_rpi0w_defconfig:\nno such thing\n" in said
