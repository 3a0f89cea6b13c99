"""Files of the Python package index, fetched by pip, checked by hash, kept in the cache.

pip asks the source of a package for its name and version before it hands over the file, which means running what is in
it. Here a stand-in answers that question (see STAND_IN), so that nothing foreign runs on this machine.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from firmware_scripts.cross.lock_file import LockedFile, LockedPackage
from firmware_scripts.cross.workplace import (
    BuildError,
    cache_folder,
    need_programs,
    only_one,
    run,
    say,
    sha256,
    unfinished,
)

STAND_IN = """
import os, pathlib


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    name, version = os.environ["OFFHOOK_SDIST"].split("==")
    folder = pathlib.Path(metadata_directory, f"{name.replace('-', '_')}-{version}.dist-info")
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
    return folder.name


class __legacy__:
    prepare_metadata_for_build_wheel = staticmethod(prepare_metadata_for_build_wheel)
"""


def fetch(package: LockedPackage, file: LockedFile) -> Path:
    """The path of a file of a package, from the cache or downloaded; raises BuildError when its hash is another."""
    path = cache_folder() / "downloads" / file.name
    with only_one(path):
        if path.exists() and sha256(path) == file.sha256:
            return path
        path.unlink(missing_ok=True)
        say(f"downloading {file.name}")
        _download(package, file, path)
    if sha256(path) != file.sha256:
        path.unlink()
        raise BuildError(f"{file.name}: what was downloaded is not what the lock file names")
    return path


def _download(package: LockedPackage, file: LockedFile, path: Path) -> None:
    tools = _tools()
    folder = path.with_name(f"{path.name}.incoming")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    asked = f"{package.name}=={package.version}"
    (folder / "asked.txt").write_text(f"{asked} --hash=sha256:{file.sha256}\n")
    if file.is_wheel:
        python, abi, platform = file.name.removesuffix(".whl").split("-")[-3:]
        choice = ["--only-binary=:all:", "--implementation=cp", f"--abi={abi}"]
        choice += [f"--platform={name}" for name in platform.split(".")]
        if python.startswith("cp"):
            choice.append(f"--python-version={python[2]}.{python[3:]}")
        else:
            choice += [f"--implementation={python[:2]}"]
    else:
        choice = ["--no-binary=:all:", "--no-build-isolation", "--use-pep517", "--ignore-requires-python"]
    run(
        *(tools / "bin/python", "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"),
        *("--require-hashes", f"--dest={folder}", *choice, f"--requirement={folder / 'asked.txt'}"),
        log=path.with_name("download.log"),
        environment={"OFFHOOK_SDIST": asked, "PYTHONPATH": os.fspath(tools / "stand-in"), "TMPDIR": os.fspath(folder)},
    )
    (folder / file.name).replace(path)
    shutil.rmtree(folder)


def _tools() -> Path:
    """A pip of our own, so that it is there on every machine that has python3-venv."""
    folder = cache_folder() / f"pip-of-python{sys.version_info[0]}.{sys.version_info[1]}"
    with only_one(folder):
        if not folder.exists():
            need_programs([("python3", "python3-venv")])
            with unfinished(folder) as place:
                run(sys.executable, "-m", "venv", place)
                backend = place / "stand-in/setuptools"
                backend.mkdir(parents=True)
                (backend / "__init__.py").write_text('__version__ = "80"\n')
                (backend / "build_meta.py").write_text(STAND_IN)
    return folder
