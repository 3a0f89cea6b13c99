"""What can be built for is named so that pip, Debian and the emulator understand it."""

import pytest

from firmware_scripts.cross.targets import ARCHITECTURES, SUITES, target


def test_every_pair_has_a_name_of_its_own() -> None:
    names = {target(suite, architecture).name for suite in SUITES for architecture in ARCHITECTURES}
    assert len(names) == len(SUITES) * len(ARCHITECTURES)
    assert {"trixie-arm64", "trixie-armhf", "bookworm-arm64", "bookworm-armhf", "trixie-armv6"} <= names


def test_the_machines_are_those_that_pip_on_a_board_asks_for() -> None:
    assert {name: kind.machine for name, kind in ARCHITECTURES.items()} == {
        "arm64": "aarch64",
        "armhf": "armv7l",
        "armv6": "armv6l",
    }
    # The kernel of an emulated ARM1176 says armv6l only when the emulator is told the processor.
    assert ARCHITECTURES["armv6"].emulator == ("qemu-arm-static", "-cpu", "arm1176")


def test_interpreters_are_those_of_the_releases() -> None:
    assert SUITES["trixie"].interpreter == "python3.13"
    assert SUITES["bookworm"].interpreter == "python3.11"


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(KeyError):
        target("sarge", "arm64")
