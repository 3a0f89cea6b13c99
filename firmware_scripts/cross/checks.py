"""Proof that a wheelhouse works on the board: installed and imported there, and its part of the test suite run."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from firmware_scripts.cross.board_python import BoardPython
from firmware_scripts.cross.downloads import fetch
from firmware_scripts.cross.lock_file import read_lock, wanted
from firmware_scripts.cross.roots import build_root, run_in
from firmware_scripts.cross.targets import Target
from firmware_scripts.cross.wheelhouse import INDEX, SUMS
from firmware_scripts.cross.workplace import PROJECT, BuildError, only_one, run, say, sha256

INSTALLED = ("offhook[alsa,gpio,console,rpi-gpio]", "gpiod", "pylibsrtp")
"""All of the wheelhouse but RPi.GPIO, which cannot be beside rpi-lgpio: both bring the module of that name."""

IMPORTS = """
import importlib, pkgutil, sys
names = sys.argv[1:]
import device
own = [module.name for module in pkgutil.walk_packages(device.__path__, "device.")]
names += [name for name in own if not name.endswith("__main__")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""
ARITHMETIC = """
import alsaaudio, cffi, gpiod, lgpio, pylibsrtp, warnings
warnings.simplefilter("ignore")
import audioop
assert audioop.lin2ulaw(b"\\x00\\x10\\xff\\x7f", 2) == b"\\xaf\\x80", "audioop"
assert "null" in alsaaudio.pcms() or isinstance(alsaaudio.pcms(), list), "alsaaudio"
assert cffi.FFI().sizeof("long") == {word}, "cffi"
assert not gpiod.is_gpiochip_device("/dev/null"), "gpiod"
assert lgpio.error_text(-2), "lgpio"
policy = pylibsrtp.Policy(key=bytes(range(30)), ssrc_type=pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
sealed = pylibsrtp.Session(policy).protect(b"\\x80\\x00\\x00\\x01" + bytes(8) + b"voice")
policy = pylibsrtp.Policy(key=bytes(range(30)), ssrc_type=pylibsrtp.Policy.SSRC_ANY_INBOUND)
assert b"voice" not in sealed and pylibsrtp.Session(policy).unprotect(sealed).endswith(b"voice"), "pylibsrtp"
"""
PI_3B_REVISION = bytes.fromhex("00a02082")

ARM_TESTS = (
    "tests/test_annotations.py", "tests/test_records.py", "tests/test_timing.py", "tests/test_ids.py",
    "tests/test_model.py", "tests/sdp", "tests/rtp", "tests/media/codecs", "tests/media/test_pcm.py",
    "tests/media/test_tones.py",
    "tests/media/test_dtmf.py", "tests/media/test_resample.py", "tests/media/test_concealment.py",
    "tests/media/test_mixer.py",
    "tests/hardware", "tests/store", "tests/phone/test_call.py",
    "tests/sip/test_parser.py", "tests/sip/test_message.py", "tests/sip/test_digest.py", "tests/sip/test_uri.py",
    "tests/net/test_udp.py", "tests/net/test_rtp_socket.py", "tests/audio/test_wav.py", "tests/audio/test_null.py",
    "tests/scenarios/test_first_call.py",
)  # fmt: skip
"""What depends on the processor (arithmetic on samples, sizes of words, byte order, the layouts of ioctls), on what was
built here (SQLite, audioop, the GPIO libraries), on the board's Python; and a whole call between two daemons.
Tests with random input (Hypothesis) stay out: they look for faults of logic, and would take hours under qemu-user."""

TOO_SLOW = ("--deselect", "tests/scenarios/test_first_call.py::test_a_call_carries_speech_both_ways_and_is_logged")
"""Speech in real time through two emulated daemons; the calls of the same file without that are made."""


def check_wheelhouse(target: Target, wheelhouse: Path, place: Path, tests: list[str]) -> None:
    """Check a wheelhouse on the board's Python in the folder `place`; raises BuildError at the first fault."""
    check_sums(wheelhouse)
    with only_one(place):
        python = BoardPython(target, place)
        _install(python, wheelhouse)
        _import_all(python, wheelhouse)
        _run_tests(python, tests)


def check_sums(folder: Path) -> None:
    """Raises BuildError when a file of a wheelhouse is missing, of another content, or one too many."""
    if not (folder / SUMS).exists():
        raise BuildError(f"{folder} is no wheelhouse; type: firmware_scripts/build-wheels")
    listed = {line[66:]: line[:64] for line in (folder / SUMS).read_text().splitlines()}
    for name, digits in listed.items():
        if not (folder / name).exists() or sha256(folder / name) != digits:
            raise BuildError(f"{folder / name} is not what {SUMS} says; type: firmware_scripts/build-wheels")
    if extra := {path.name for path in folder.iterdir()} - listed.keys() - {SUMS}:
        raise BuildError(f"{folder}: {', '.join(sorted(extra))} is not in {SUMS}")


def _install(python: BoardPython, wheelhouse: Path) -> None:
    target, lock = python.target, read_lock()
    pip = next(entry for entry in lock if entry.name == "pip")
    say(f"making an environment of {target.suite.interpreter} that runs under {target.architecture.emulator[0]}")
    python.create(pip)
    compile_packages(python)
    say("installing the wheelhouse with the board's own pip, offline")
    told = python.install(wheelhouse, *INSTALLED)
    say(told.strip().splitlines()[-1])
    for entry in wanted(lock, target, ["test", "tool"]):
        if entry.group == "test" or entry.name == "packaging":
            shutil.unpack_archive(fetch(entry, entry.file_for(target)), python.packages, "zip")
    compile_packages(python)


def compile_packages(python: BoardPython) -> None:
    """Compile what is installed with this machine's own Python of the same version: byte code knows no processor."""
    interpreter = python.target.suite.interpreter
    command = ("-m", "compileall", "-q", "-x", "/tests?/", "/packages")
    run_in(
        build_root(python.target.suite),
        f"/usr/bin/{interpreter}",
        *command,
        mounted={"packages": python.packages},
        log=python.log,
    )


def _import_all(python: BoardPython, wheelhouse: Path) -> None:
    index = json.loads((wheelhouse / INDEX).read_text())
    there = {entry["name"] for entry in index["wheels"]} - {"RPi.GPIO"}
    modules = [module for entry in read_lock() if entry.name in there for module in entry.imports]
    # rpi-lgpio asks for the board when it is imported, as RPi.GPIO does.
    pi = {"RPI_LGPIO_REVISION": PI_3B_REVISION.hex()}
    count = python.run("-c", IMPORTS, *modules, environment=pi).strip()
    word = "8" if python.target.architecture.machine == "aarch64" else "4"
    python.run("-W", "ignore::DeprecationWarning", "-c", ARITHMETIC.replace("{word}", word))
    version = run(python.folder / "bin" / "offhook", "version", log=python.log).strip()
    say(f"{count} modules imported, {version} answers; sound, cffi, GPIO and SRTP libraries compute what they should")
    _import_rpi_gpio(python, wheelhouse)


def _import_rpi_gpio(python: BoardPython, wheelhouse: Path) -> None:
    """RPi.GPIO asks the device tree which Pi it runs on: here a tree of links stands in front of the board's root."""
    folder = python.folder / "rpi-gpio"
    packages, root = folder / "packages", folder / "root"
    shutil.unpack_archive(next(wheelhouse.glob("rpi_gpio-*.whl")), packages, "zip")
    root.mkdir()
    for path in python.root.iterdir():
        (root / path.name).symlink_to(path)
    revision = root / "proc/device-tree/system/linux,revision"
    revision.parent.mkdir(parents=True)
    revision.write_bytes(PI_3B_REVISION)
    emulator, *options = python.target.architecture.emulator
    interpreter = f"{python.root}/usr/bin/{python.target.suite.interpreter}"
    command: list[str | Path] = [emulator, *options, "-L", root, interpreter, "-B", "-c"]
    program = "import RPi.GPIO as gpio; print(gpio.VERSION, gpio.RPI_INFO['TYPE'])"
    say(f"RPi.GPIO {run(*command, program, log=python.log, environment={'PYTHONPATH': os.fspath(packages)}).strip()}")


def _run_tests(python: BoardPython, tests: list[str]) -> None:
    """Run tests of the project against the installed wheel: the project's own package is not within their reach."""
    work = python.folder / "work"
    work.mkdir()
    shutil.copytree(PROJECT / "tests", work / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(PROJECT / "pyproject.toml", work / "pyproject.toml")
    say(f"running the board's part of the test suite under {python.target.architecture.emulator[0]}; minutes")
    options = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not interop and not slow and not hypothesis")
    environment = {"HYPOTHESIS_STORAGE_DIRECTORY": "hypothesis"}
    status = python.show(*options, *TOO_SLOW, *(tests or ARM_TESTS), folder=work, environment=environment)
    if status != 0:
        raise BuildError(f"pytest ended with status {status}")
