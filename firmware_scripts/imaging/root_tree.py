"""A root file system as a list of entries, so that owners need no root: read from a tar, written to a tar."""

from __future__ import annotations

import fnmatch
import io
import os
import posixpath
import stat
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Content:
    """Where the bytes of a file are: here, or `size` bytes from `offset` of a file."""

    data: bytes = b""
    path: Path | None = None
    offset: int = 0
    size: int = 0

    def read(self) -> bytes:
        """The bytes of the file."""
        if self.path is None:
            return self.data
        with self.path.open("rb") as file:
            file.seek(self.offset)
            return file.read(self.size)

    def open(self) -> io.BufferedIOBase:
        """The same as a stream for reading that stands at the first byte; its reader takes `size` bytes."""
        if self.path is None:
            return io.BytesIO(self.data)
        file = self.path.open("rb")
        file.seek(self.offset)
        return file


class RootTree:
    """Every file of a root file system by its path, without a leading slash; nothing is written until `write_tar`."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[tarfile.TarInfo, Content]] = {}

    @classmethod
    def from_tar(cls, path: Path) -> RootTree:
        """Read the index of an uncompressed tar, whose bytes stay where they are."""
        tree = cls()
        with tarfile.open(path, "r:") as archive:
            for entry in archive:
                entry.name = entry.name.removeprefix("./").strip("/")
                if entry.islnk():
                    entry.linkname = entry.linkname.removeprefix("./")
                if entry.name not in ("", "."):
                    tree._entries[entry.name] = (entry, Content(b"", path, entry.offset_data, entry.size))
        return tree

    def __contains__(self, path: str) -> bool:
        return path in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._entries))

    def read(self, path: str) -> bytes:
        """The bytes of a file; raises KeyError when there is none, and follows links within the tree."""
        entry, content = self._entries[self.resolve(path)]
        return self.read(entry.linkname) if entry.islnk() else content.read()

    def resolve(self, path: str, depth: int = 0) -> str:
        """The path with every symbolic link in it followed. Raises KeyError for links that lead in circles."""
        if depth > 40:
            raise KeyError(path)
        done = ""
        parts = [part for part in path.split("/") if part]
        for index, part in enumerate(parts):
            candidate = posixpath.join(done, part)
            entry = self._entries.get(candidate)
            if entry is not None and entry[0].issym():
                target = posixpath.normpath(posixpath.join("/", done, entry[0].linkname)).lstrip("/")
                return self.resolve(posixpath.join(target, *parts[index + 1 :]), depth + 1)
            done = candidate
        return done

    def remove(self, *patterns: str, keep: tuple[str, ...] = ()) -> int:
        """Take away what matches one of the patterns, with everything below it, unless it matches `keep`."""
        doomed = [
            name
            for name in self._entries
            if any(
                fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(name, f"{pattern}/*") for pattern in patterns
            )
            and not any(fnmatch.fnmatchcase(name, pattern) for pattern in keep)
        ]
        for name in doomed:
            del self._entries[name]
        return len(doomed)

    def add_folder(self, path: str, mode: int = 0o755, owner: tuple[int, int] = (0, 0)) -> None:
        """A folder with those above it; one that is there keeps its place and gets this mode and owner."""
        self._parents(path)
        entry = self._new(self.resolve(path), tarfile.DIRTYPE, mode, owner)
        self._entries[entry.name] = (entry, Content())

    def add_file(
        self, path: str, data: bytes | str | Content, mode: int = 0o644, owner: tuple[int, int] = (0, 0)
    ) -> None:
        """A file in place of whatever stood there."""
        name = self._place(path)
        content = data if isinstance(data, Content) else Content(data.encode() if isinstance(data, str) else data)
        entry = self._new(name, tarfile.REGTYPE, mode, owner)
        entry.size = content.size if content.path is not None else len(content.data)
        self._entries[name] = (entry, content)

    def add_link(self, path: str, target: str) -> None:
        """A symbolic link in place of whatever stood there."""
        name = self._place(path)
        entry = self._new(name, tarfile.SYMTYPE, 0o777, (0, 0))
        entry.linkname = target
        self._entries[name] = (entry, Content())

    def add_below(self, folder: Path, path: str = "", rename: Callable[[str], str] = str) -> None:
        """Everything below a folder of this machine, as root's; of its modes only whether a file is a program."""
        for place, folders, files in os.walk(folder):
            below = posixpath.join(path, os.path.relpath(place, folder)) if place != os.fspath(folder) else path
            for name in sorted(folders + files):
                source, target = Path(place, name), rename(posixpath.normpath(posixpath.join(below, name)))
                about = source.lstat()
                if source.is_symlink():
                    self.add_link(target, os.readlink(source))
                elif source.is_dir():
                    if self.resolve(target) not in self:
                        self.add_folder(target)
                else:
                    mode = 0o755 if about.st_mode & stat.S_IXUSR else 0o644
                    self.add_file(target, Content(b"", source, 0, about.st_size), mode)

    def write_tar(self, stream: io.BufferedIOBase, epoch: int, wanted: Callable[[str], bool] = lambda _: True) -> None:
        """Write the tree as a tar in order of names; no file is younger than `epoch` (seconds since 1970)."""
        with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
            # Hard links come after what they point to.
            names = sorted(self._entries, key=lambda name: (self._entries[name][0].islnk(), name))
            for name in names:
                if not wanted(name):
                    continue
                entry, content = self._entries[name]
                entry.mtime = min(int(entry.mtime), epoch)
                entry.uname = entry.gname = ""
                entry.pax_headers = {
                    key: value for key, value in entry.pax_headers.items() if key.startswith("SCHILY.xattr")
                }
                if entry.isreg():
                    with content.open() as data:
                        archive.addfile(entry, data)
                else:
                    archive.addfile(entry)

    def _place(self, path: str) -> str:
        self._parents(path)
        folder, name = posixpath.split(path)
        name = posixpath.join(self.resolve(folder), name)
        replaced = self._entries.pop(name, None)
        if replaced is not None and replaced[0].isdir():
            self.remove(f"{name}/*")
        return name

    def _parents(self, path: str) -> None:
        folder = posixpath.dirname(path)
        if folder and self.resolve(folder) not in self._entries:
            self.add_folder(folder)

    @staticmethod
    def _new(name: str, kind: bytes, mode: int, owner: tuple[int, int]) -> tarfile.TarInfo:
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode = kind, mode
        entry.uid, entry.gid = owner
        entry.mtime = 1 << 31
        return entry
