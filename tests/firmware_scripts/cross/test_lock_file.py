"""The lock file is whole, agrees with pyproject.toml, and the right file is chosen for each board."""

import re
import tomllib
from pathlib import Path

import pytest

from firmware_scripts.cross.lock_file import LOCK, LockedPackage, fits, read_lock, wanted
from firmware_scripts.cross.targets import ARCHITECTURES, SUITES, Target, target
from firmware_scripts.cross.workplace import BuildError

ROOT = Path(__file__).parents[3]
PACKAGES = read_lock()
TARGETS = [target(suite, architecture) for suite in SUITES for architecture in ARCHITECTURES]
EXTRAS = ("alsa", "gpio", "console", "rpi-gpio")


def named(name: str) -> LockedPackage:
    return next(entry for entry in PACKAGES if entry.name == name)


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def requirements() -> list[str]:
    """What a phone asks for: the dependencies and the extras of boards."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [*project["dependencies"], *(line for extra in EXTRAS for line in project["optional-dependencies"][extra])]


@pytest.mark.parametrize("requirement", requirements())
def test_everything_the_phone_asks_for_is_locked_in_a_release_that_satisfies_it(requirement: str) -> None:
    found = re.fullmatch(r"([A-Za-z0-9._-]+)>=([0-9.]+)(?:; python_version >= '([0-9.]+)')?", requirement)
    assert found, f"a form of requirement that this test does not know: {requirement}"
    package = named(found[1])
    assert package.group == "phone"
    assert version(package.version) >= version(found[2])
    assert package.python_from == version(found[3] or "3.11")


def test_every_package_is_there_once() -> None:
    names = [entry.name.lower() for entry in PACKAGES]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_every_file_bears_the_name_and_the_release_of_its_package(package: LockedPackage) -> None:
    for file in package.files:
        name, _, rest = file.name.replace(".tar.gz", "").partition(f"-{package.version}")
        assert re.sub(r"[-_.]", "-", name).lower() == re.sub(r"[-_.]", "-", package.name).lower()
        assert rest == "" or file.is_wheel


@pytest.mark.parametrize("board", TARGETS, ids=lambda board: board.name)
def test_every_board_gets_a_wheel_or_the_source_of_everything(board: Target) -> None:
    for package in wanted(PACKAGES, board, ["phone", "test", "tool"]):
        file = package.file_for(board)
        assert not file.is_wheel or fits(file.name, board)


def test_wheels_of_the_index_are_taken_where_there_are_some() -> None:
    taken = {
        board.name: sorted(p.name for p in PACKAGES if p.group == "phone" and p.file_for(board).is_wheel)
        for board in TARGETS
    }
    pure = ["pycparser", "pyserial", "rpi-lgpio"]
    assert taken["trixie-arm64"] == sorted(["audioop-lts", "cffi", "gpiod", "pylibsrtp", *pure])
    assert taken["trixie-armhf"] == pure
    assert taken["bookworm-armhf"] == sorted(["lgpio", *pure])
    assert taken["trixie-armv6"] == taken["bookworm-armv6"] == pure


def test_python_3_11_brings_its_own_audioop() -> None:
    names = {entry.name for entry in wanted(PACKAGES, target("bookworm", "arm64"), ["phone"])}
    assert "audioop-lts" not in names
    assert "pyalsaaudio" in names


@pytest.mark.parametrize(
    ("wheel", "board", "verdict"),
    [
        ("a-1-py3-none-any.whl", "trixie-arm64", True),
        ("a-1-py2.py3-none-any.whl", "trixie-armv6", True),
        ("a-1-py2-none-any.whl", "trixie-arm64", False),
        ("a-1-cp313-cp313-manylinux_2_28_aarch64.whl", "trixie-arm64", True),
        ("a-1-cp313-cp313-manylinux_2_28_aarch64.whl", "bookworm-arm64", False),
        ("a-1-cp313-cp313-manylinux_2_42_aarch64.whl", "trixie-arm64", False),
        ("a-1-cp311-cp311-manylinux_2_38_aarch64.manylinux2014_aarch64.whl", "bookworm-arm64", True),
        ("a-1-cp310-abi3-manylinux_2_26_aarch64.whl", "bookworm-arm64", True),
        ("a-1-cp313-abi3-manylinux_2_26_aarch64.whl", "bookworm-arm64", False),
        ("a-1-cp313-cp313t-manylinux_2_28_aarch64.whl", "trixie-arm64", False),
        ("a-1-cp313-cp313-manylinux_2_28_x86_64.whl", "trixie-arm64", False),
        ("a-1-cp313-cp313-musllinux_1_2_aarch64.whl", "trixie-arm64", False),
        ("a-1-cp311-cp311-linux_armv7l.whl", "bookworm-armhf", True),
        ("a-1-cp311-cp311-linux_armv7l.whl", "bookworm-armv6", False),
        ("a-1-1-cp311-cp311-linux_armv7l.whl", "bookworm-armhf", True),
    ],
)
def test_whether_a_wheel_runs_there(wheel: str, board: str, verdict: bool) -> None:
    assert fits(wheel, target(*board.split("-"))) is verdict


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('name = "a"\nversion = "1"\ngroup = "guests"\nfiles = [{name = "a-1.tar.gz", sha256 = ""}]', "a group of"),
        ('name = "a"\nversion = "1"\ngroup = "phone"\nfiles = []', "needs name, version, files"),
        ('name = "a"\nversion = "1"\ngroup = "phone"\nfiles = [{name = "a-1.tar.gz", sha256 = "12"}]', "no SHA-256"),
        ('name = "a"\nversion = "1"\ngroup = "phone"\nmood = "x"\nfiles = [{name = "a", sha256 = "12"}]', "mood"),
    ],
)
def test_a_lock_file_that_is_wrong_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(f"[[package]]\n{text}\n")
    with pytest.raises(BuildError, match=said):
        read_lock(path)


def test_a_package_without_a_file_for_the_board_is_told() -> None:
    package = named("lgpio")
    only = LockedPackage("lgpio", "1", "phone", package.files[:1], (), (3, 11), ())
    with pytest.raises(BuildError, match="neither a wheel for trixie-arm64 nor the source"):
        only.file_for(target("trixie", "arm64"))


def test_the_lock_file_is_beside_the_code() -> None:
    assert LOCK.name == "wheels.lock.toml"
