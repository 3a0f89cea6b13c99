"""Signed upgrades for the tests of the board: one of this tree with a higher version, and one whose phone dies at once.

Both are built by `build-image` and `build-upgrade` from a copy of this tree, once for each state of it, and kept in the
cache; the image that they fit is built beside them, since it has to know their key.
"""

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.board import parts

DEATH = "\n    raise SystemExit(3)  # a version that never answers\n"
MAIN = "def main("


class Upgrades(NamedTuple):
    """The image of the board, and what it may be upgraded to."""

    image: Path
    good: Path
    broken: Path


def find_upgrades(say: Callable[[str], None]) -> Upgrades:
    """The image of this tree and its upgrades; built where they are not in the cache. Raises AssertionError."""
    files = _files()
    digest = hashlib.sha256()
    for name in files:
        if name.startswith(("device/", "firmware_scripts/", "systemd/")):
            digest.update(name.encode() + b"\0" + (parts.ROOT / name).read_bytes())
    folder = parts.cache_folder("rig") / f"image-{digest.hexdigest()[:16]}"
    made = Upgrades(folder / "virt.img", folder / "good.upgrade", folder / "broken.upgrade")
    if not all(path.exists() for path in made):
        for old in folder.parent.glob("image-*"):
            shutil.rmtree(old)
        folder.mkdir()
        _build(files, made, say)
    return made


def _files() -> list[str]:
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, cwd=parts.ROOT, capture_output=True, text=True, check=True)
    return [name for name in sorted(listed.stdout.splitlines()) if (parts.ROOT / name).is_file()]


def _build(files: list[str], made: Upgrades, say: Callable[[str], None]) -> None:
    key = made.image.with_name("key")
    _run(parts.ROOT, "make-signing-key", str(key), "--no-password")
    say("looking for the wheels of the phone's Python packages")
    wheelhouse = _run(parts.ROOT, "build-wheels").strip().splitlines()[-1]
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place) / "offhook"
        copy_tree(files, tree)
        say("building the image (1 of 3)")
        _image(tree, wheelhouse, key, "1.0.0", made.image)
        for number, (version, target) in enumerate((("1.0.1", made.good), ("1.0.2", made.broken)), 2):
            say(f"building an upgrade to {version} ({number} of 3)")
            if target == made.broken:
                break_main(tree / "device" / "daemon" / "main.py")
            image = Path(place) / "upgrade.img"
            _image(tree, wheelhouse, key, version, image)
            _run(tree, "build-upgrade", str(image), "--key", str(key), "--out", str(target))
            image.unlink()


def copy_tree(files: list[str], tree: Path) -> None:
    """Copy these files of the project; links stay links, as systemd passes over units below *.wants that are files."""
    for name in files:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(parts.ROOT / name, tree / name, follow_symlinks=False)


def _image(tree: Path, wheelhouse: str, key: Path, version: str, target: Path) -> None:
    words = ["--board", "virt", "--version", version, "--upgrade-key", f"{key}.pub", "--out", str(target)]
    _run(tree, "build-image", *words, "--wheelhouse", wheelhouse)


def break_main(main: Path) -> None:
    """Let the phone of a tree die as soon as it is started."""
    text = main.read_text()
    at = text.index("\n", text.index(MAIN))
    main.write_text(text[:at] + DEATH + text[at + 1 :])


def _run(tree: Path, script: str, *words: str) -> str:
    done = subprocess.run([tree / "firmware_scripts" / script, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{script} failed:\n{done.stdout[-1000:]}{done.stderr[-2000:]}"
    return done.stdout
