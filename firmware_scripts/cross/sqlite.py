"""SQLite built from its source for a board: library, static and shared, with the shell; and their proof."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from firmware_scripts.cross.board_python import BoardPython
from firmware_scripts.cross.checks import compile_packages
from firmware_scripts.cross.cross_python import CrossPython, cross_python
from firmware_scripts.cross.downloads import fetch
from firmware_scripts.cross.lock_file import read_lock, wanted
from firmware_scripts.cross.targets import Target
from firmware_scripts.cross.workplace import (
    PROJECT,
    SCRIPTS,
    BuildError,
    cache_folder,
    digest,
    only_one,
    remove_tree,
    run,
    say,
    sha256,
    unfinished,
)


@dataclass(frozen=True, slots=True)
class Source:
    """The archive that Debian keeps of a release of SQLite."""

    suite: str
    file: str
    sha256: str

    @property
    def version(self) -> str:
        """Such as 3.46.1."""
        return self.file.split("_")[1].split(".orig")[0]


SOURCE = Source(
    "trixie",
    "sqlite3_3.46.1.orig.tar.xz",
    "d0cdd2ece271b29e7ce18095745d892517ee26d0f270065b3a25c2e9eb11639c",
)
"""The same for every suite: a board with Debian 12 gets the newer SQLite, too."""

OPTIONS = (
    *(
        "-O2",
        "-DSQLITE_THREADSAFE=1",
        "-DSQLITE_SECURE_DELETE",
        "-DSQLITE_ENABLE_FTS3",
        "-DSQLITE_ENABLE_FTS3_PARENTHESIS",
    ),
    *("-DSQLITE_ENABLE_FTS4", "-DSQLITE_ENABLE_FTS5", "-DSQLITE_ENABLE_RTREE", "-DSQLITE_ENABLE_DBSTAT_VTAB"),
    *("-DSQLITE_ENABLE_COLUMN_METADATA", "-DSQLITE_ENABLE_MATH_FUNCTIONS", "-DSQLITE_ENABLE_UNLOCK_NOTIFY"),
    *(
        "-DSQLITE_ENABLE_PREUPDATE_HOOK",
        "-DSQLITE_ENABLE_SESSION",
        "-DSQLITE_ENABLE_STMTVTAB",
        "-DSQLITE_MAX_VARIABLE_NUMBER=250000",
    ),
)
"""What programs expect of a system's library, so that this one can take its place."""

BUILD = """
set -e
cd /build
# The script that would link awk to gawk does not run in a root that is only unpacked.
mkdir tools
ln -s /usr/bin/gawk tools/awk
PATH=/build/tools:$PATH
mkdir source here out out/bin out/include out/lib out/lib/pkgconfig
tar xf "archive" -C source --strip-components=1
cd here
../source/configure --disable-tcl --disable-readline >configure.log
make sqlite3.c shell.c sqlite3.h >make.log
cp sqlite3.h ../source/src/sqlite3ext.h ../out/include/
cc=/cross/bin/$TRIPLET-gcc
$cc $OPTIONS -fPIC -c -o sqlite3.o sqlite3.c
$TRIPLET-ar rcsD ../out/lib/libsqlite3.a sqlite3.o
$cc -shared -Wl,-soname,libsqlite3.so.0 -Wl,-z,relro -o ../out/lib/libsqlite3.so.0.8.6 sqlite3.o -lm -ldl -lpthread
ln -s libsqlite3.so.0.8.6 ../out/lib/libsqlite3.so.0
ln -s libsqlite3.so.0.8.6 ../out/lib/libsqlite3.so
$cc $OPTIONS -o ../out/bin/sqlite3 shell.c ../out/lib/libsqlite3.a -lm -ldl -lpthread
$TRIPLET-strip -D ../out/bin/sqlite3 ../out/lib/libsqlite3.so.0.8.6
cat >../out/lib/pkgconfig/sqlite3.pc <<END
prefix=\\${pcfiledir}/../..
Name: SQLite
Description: SQL database engine
Version: $VERSION
Libs: -L\\${prefix}/lib -lsqlite3
Libs.private: -lm -ldl -lpthread
Cflags: -I\\${prefix}/include
END
"""

QUESTIONS = (
    ("pragma journal_mode=wal", "wal"),
    ("create table t (x); insert into t values (9007199254740993); select x from t", "9007199254740993"),
    (
        "create virtual table f using fts5(x); insert into f values ('a b'); select count(*) from f where f match 'b'",
        "1",
    ),
    ("pragma integrity_check", "ok"),
    ("select round(sqrt(2.0), 9), 7.0 / 3 > 2.333", "1.414213562|1"),
)
"""What the shell is asked, one database for all, and what it must answer."""

STORE_TESTS = ("tests/store",)
WHICH = """
import _sqlite3
lines = open("/proc/self/maps").read().splitlines()
print(_sqlite3.sqlite_version, *{line.split()[-1] for line in lines if "libsqlite3" in line})
"""


def build_sqlite(target: Target, out: Path) -> Path:
    """Build SQLite for a target, or take it from the cache, and lay it into a folder; answers the folder."""
    place = cross_python(target, read_lock())
    key = digest(place.key, SOURCE.sha256, BUILD, *OPTIONS)
    cached = cache_folder() / "sqlite" / f"{target.name}-{key}"
    with only_one(cached):
        if not cached.exists():
            say(f"building SQLite {SOURCE.version} for {target.name}; a minute")
            with unfinished(cached) as empty:
                _build(place, empty)
    with only_one(out), unfinished(out) as folder:
        shutil.copytree(cached, folder, symlinks=True, dirs_exist_ok=True)
    say(f"{out}: SQLite {SOURCE.version} for {target.name}")
    return out


def _build(place: CrossPython, folder: Path) -> None:
    archive = Path(run(SCRIPTS / "fetch-debian", "--suite", SOURCE.suite, "--source", "sqlite3").strip())
    if archive.name != SOURCE.file or sha256(archive) != SOURCE.sha256:
        raise BuildError(f"{archive} is not the {SOURCE.file} that firmware_scripts/cross/sqlite.py names")
    work = folder / "work"
    work.mkdir()
    shutil.copyfile(archive, work / "archive")
    given = {
        "TRIPLET": place.target.architecture.triplet,
        "OPTIONS": " ".join(OPTIONS),
        "VERSION": SOURCE.version,
    }
    place.run("sh", "-c", BUILD, work=work, log=folder.with_name(f"{folder.name}.log"), environment=given)
    for path in (work / "out").iterdir():
        path.rename(folder / path.name)
    remove_tree(work)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    lines = [f"{sha256(path)}  {path.relative_to(folder)}\n" for path in files]
    (folder / "SHA256SUMS").write_text("".join(lines))


def verify(target: Target, folder: Path) -> None:
    """Build SQLite again in another folder; raises BuildError when a byte differs."""
    apart = cache_folder() / "verify" / f"sqlite-{target.name}"
    say(f"building SQLite for {target.name} again")
    with unfinished(apart) as empty:
        _build(cross_python(target, read_lock()), empty)
    if (apart / "SHA256SUMS").read_bytes() != (folder / "SHA256SUMS").read_bytes():
        raise BuildError(f"not the same bytes twice; the second build is in {apart}")
    remove_tree(apart)
    say("SQLite built twice, byte for byte the same")


def check_sqlite(target: Target, folder: Path, wheelhouse: Path, place: Path) -> None:
    """Ask the shell under qemu-user, then run the tests of the store on the shared library; raises BuildError."""
    lock = read_lock()
    with only_one(place):
        python = BoardPython(target, place)
        python.create(next(entry for entry in lock if entry.name == "pip"))
        database = place / "asked.db"
        emulator = (*target.architecture.emulator, "-L", str(python.root))
        for question, answer in QUESTIONS:
            told = run(*emulator, str(folder / "bin/sqlite3"), str(database), question, log=python.log).strip()
            if told != answer:
                raise BuildError(f"the shell was asked {question!r} and said {told!r}, not {answer!r}")
        say(f"the shell answers {len(QUESTIONS)} questions about WAL, 64-bit numbers, FTS5, integrity and arithmetic")
        for entry in wanted(lock, target, ["test", "tool", "phone"]):
            if entry.group == "test" or entry.name == "packaging":
                shutil.unpack_archive(fetch(entry, entry.file_for(target)), python.packages, "zip")
        shutil.unpack_archive(next(wheelhouse.glob("offhook-*.whl")), python.packages, "zip")
        compile_packages(python)
        ours = {"QEMU_SET_ENV": f"LD_LIBRARY_PATH={folder / 'lib'}"}
        version, *libraries = python.run("-c", WHICH, environment=ours).split()
        if version != SOURCE.version or libraries != [str(folder / "lib/libsqlite3.so.0.8.6")]:
            raise BuildError(f"the board's Python loads SQLite {version} from {libraries}, not the one that was built")
        say(f"the board's Python runs on SQLite {version} of {libraries[0]}")
        work = place / "work"
        shutil.copytree(PROJECT / "tests", work / "tests", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copyfile(PROJECT / "pyproject.toml", work / "pyproject.toml")
        options = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not interop and not slow and not hypothesis")
        status = python.show(*options, *STORE_TESTS, folder=work, environment=ours)
        if status != 0:
            raise BuildError(f"pytest ended with status {status}")
