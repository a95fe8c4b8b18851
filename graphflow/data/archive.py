"""The files of a published archive, read in place: zip, tar, or the folder it was unpacked to.

Nothing is written to disk. Links and devices in an archive are no files, names count from the
folder that the archive unpacks to, and what one file may unpack to is bounded.
"""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import IO, TypeVar

from graphflow.data.files import Remote, obtain_file
from graphflow.diagnostics import fail

E = TypeVar("E")

LARGEST = 2**31
"""Bytes that one file may unpack to."""
DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError, RuntimeError,
           NotImplementedError, ValueError)  # fmt: skip
"""What the readers raise for archives that are cut short, altered or encrypted."""


class Members(ABC):
    """Files by name, such as ``train/pos/0_9.txt``. GF073 for what is not there or damaged."""

    def __init__(self, where: Path) -> None:
        self.where = where

    @property
    @abstractmethod
    def names(self) -> list[str]:
        """The names of all files, sorted."""

    @abstractmethod
    def _open(self, name: str) -> IO[bytes]:
        """A file by one of these names."""

    def __contains__(self, name: object) -> bool:
        return name in self._known

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.names)

    def contents(self, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
        """Name and content of the files whose name is wanted, in some order."""
        yield from ((name, self.read(name)) for name in self.names if wanted(name))

    def open(self, name: str) -> IO[bytes]:
        """A file, for reading."""
        if name not in self:
            fail("GF073", f"'{self.where}' has no file '{name}'",
                 help="it is not the published set, or was unpacked in part")  # fmt: skip
        with undamaged(self.where):
            return self._open(name)

    def read(self, name: str) -> bytes:
        """The content of a file."""
        with undamaged(self.where), self.open(name) as stream:
            return self._all_of(stream, name)

    def _all_of(self, stream: IO[bytes], name: str) -> bytes:
        content = stream.read(LARGEST + 1)
        if len(content) > LARGEST:
            fail("GF073", f"'{name}' in '{self.where}' is larger than {LARGEST:,} bytes")
        return content


class Folder(Members):
    """The files below a folder."""

    @cached_property
    def _paths(self) -> Mapping[str, Path]:
        paths = (path for path in self.where.rglob("*") if not path.is_symlink())
        return {p.relative_to(self.where).as_posix(): p for p in paths if p.is_file()}

    @property
    def names(self) -> list[str]:
        """Names below the folder."""
        return sorted(self._paths)

    def _open(self, name: str) -> IO[bytes]:
        """A file of the folder."""
        return self._paths[name].open("rb")


class Zip(Members):
    """The files of a zip archive below its folder ``top``."""

    def __init__(self, where: Path, archive: zipfile.ZipFile, top: str) -> None:
        super().__init__(where)
        self._archive = archive
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        self._entries = _below(top, {entry.filename: entry for entry in entries})

    @property
    def names(self) -> list[str]:
        """Names below the top folder."""
        return sorted(self._entries)

    def _open(self, name: str) -> IO[bytes]:
        """A file of the archive."""
        return self._archive.open(self._entries[name])


class Tar(Members):
    """The files of a tar archive, compressed or not, below its folder ``top``."""

    def __init__(self, where: Path, archive: tarfile.TarFile, top: str) -> None:
        super().__init__(where)
        self._archive = archive
        self._top = top

    @cached_property
    def _entries(self) -> Mapping[str, tarfile.TarInfo]:
        with undamaged(self.where):
            entries = [entry for entry in self._archive if entry.isreg()]
        return _below(self._top, {entry.name: entry for entry in entries})

    @property
    def names(self) -> list[str]:
        """Names below the top folder."""
        return sorted(self._entries)

    def _open(self, name: str) -> IO[bytes]:
        """A file of the archive."""
        return self._stream(self._entries[name])

    def contents(self, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
        """In the order of the archive: a compressed one is read once, from front to back."""
        with undamaged(self.where):
            for entry in self._archive:
                named = _below(self._top, {entry.name: entry}) if entry.isreg() else {}
                for name in filter(wanted, named):
                    with self._stream(entry) as stream:
                        yield name, self._all_of(stream, name)

    def _stream(self, entry: tarfile.TarInfo) -> IO[bytes]:
        stream = self._archive.extractfile(entry)
        if stream is None:
            raise ValueError(f"{entry.name} is no file")
        return stream


def _below(top: str, entries: Mapping[str, E]) -> dict[str, E]:
    """Entries by their names below the folder ``top``; others are left out."""
    bare = {name.removeprefix("./"): entry for name, entry in entries.items()}
    return {
        name.removeprefix(f"{top}/"): entry
        for name, entry in bare.items()
        if name.startswith(f"{top}/")
    }


@contextmanager
def opened(remote: Remote) -> Iterator[Members]:
    """The files of a published archive: of the user's folder ``top`` where there is one, else of
    the archive, which is downloaded where it is not here.
    """
    folder = remote.unpacked()
    if folder is not None:
        yield Folder(folder)
        return
    path = obtain_file(remote)
    if zipfile.is_zipfile(path):
        with undamaged(path):
            archive = zipfile.ZipFile(path)
        with archive:
            yield Zip(path, archive, remote.top)
        return
    with undamaged(path):
        tar = tarfile.open(path)  # noqa: SIM115
    with tar:
        yield Tar(path, tar, remote.top)


@contextmanager
def undamaged(where: Path) -> Iterator[None]:
    """What a reader finds wrong with an archive, as a diagnostic (GF073)."""
    try:
        yield
    except DAMAGED as error:
        fail("GF073", f"'{where}' is damaged: {error}", help="delete it to download it again")
