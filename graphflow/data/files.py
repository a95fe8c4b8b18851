"""Where data files are: the user's paths, ``$GRAPHFLOW_DATA``, and a cache of downloads.

A known file is looked for in the user's folder, where it is used as it is, then in the cache, where
its checksum is compared, and is downloaded last.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from graphflow.data.download import digest_of, download
from graphflow.diagnostics import fail
from graphflow.files import allowed, cache_folder, may_download

VARIABLE = "GRAPHFLOW_DATA"


@dataclass(frozen=True, slots=True)
class Remote:
    """A published file: its name, address, digest as ``algorithm:hex`` and size in bytes.

    The digest may be its first digits only, where no more of it is published. The size need not be
    exact: it bounds what is taken from a server. ``instead`` says which source needs no file,
    ``top`` is the folder that an archive unpacks to.
    """

    file: str
    url: str
    digest: str
    size: int
    instead: str = ""
    top: str = ""

    def matches(self, path: Path) -> bool:
        """Whether the file at ``path`` is the published one, byte for byte."""
        algorithm, _, expected = self.digest.partition(":")
        return digest_of(path, algorithm).startswith(expected)

    def elsewhere(self) -> str:
        """What a person without a network can do."""
        place = f"put {self.file} into the folder that {VARIABLE} names, or into {cache_folder()}"
        if self.top:
            place += f" (the first may hold it unpacked, as {self.top}/)"
        return f"{place}; without any file: {self.instead}" if self.instead else place

    def place(self) -> Path | None:
        """Where the file, or what it unpacks to, is on this computer; None where it is not."""
        if (folder := self.unpacked()) is not None:
            return folder
        paths = [folder / self.file for folder in (*data_folders(), cache_folder())]
        return next((path for path in paths if path.is_file()), None)

    def unpacked(self) -> Path | None:
        """The folder of the user's that holds what an archive unpacks to, where there is one."""
        folders = [folder / self.top for folder in data_folders() if self.top]
        return next((folder for folder in folders if folder.is_dir()), None)


def data_folders() -> list[Path]:
    """The folder that ``$GRAPHFLOW_DATA`` names, or nothing."""
    named = os.environ.get(VARIABLE)
    return [Path(named)] if named else []


def obtain(remote: Remote, folders: Sequence[Path] | None = None) -> bytes:
    """The file's content: see :func:`obtain_file`."""
    return read_bytes(obtain_file(remote, folders))


def obtain_file(remote: Remote, folders: Sequence[Path] | None = None) -> Path:
    """The file: from the user's data folders as it is, from the cache, or downloaded into it.

    What is damaged in the cache is downloaded again; where no downloads are allowed, nothing is.
    GF072 and GF073 say where a file that cannot be had belongs.
    """
    for folder in data_folders() if folders is None else folders:
        path = folder / remote.file
        if path.is_file():
            return path
    cached = cache_folder() / remote.file
    if not _is_whole(cached, remote):
        if not may_download():
            fail("GF072", f"the data file '{remote.file}' is not here, and nothing is downloaded",
                 help="'graphflow fetch' brings it to the computer of the studio")  # fmt: skip
        download(remote, cached)
    return cached


def _is_whole(path: Path, remote: Remote) -> bool:
    try:
        return path.is_file() and remote.matches(path)
    except OSError as error:
        fail("GF072", f"'{path}' cannot be read: {error.strerror}")


def user_path(path: str, folder: str | Path | None) -> Path:
    """A file the user names: anywhere, or inside ``folder`` when one is given.

    Links are followed before the comparison, so that a shared project cannot point outside
    itself. Raises GraphflowError when the path leaves the folder or is not a file.
    """
    found = user_place(path, folder)
    if not found.is_file():
        what = "is a folder" if found.is_dir() else "is no regular file, so it is not read"
        fail("GF072", f"'{found}' {what}", help="name a file")
    return found


def user_folder(path: str, folder: str | Path | None) -> Path:
    """A folder the user names, under the rules of :func:`user_path`."""
    found = user_place(path, folder)
    if not found.is_dir():
        fail("GF072", f"there is no folder '{found}'")
    return found


def user_place(path: str, folder: str | Path | None) -> Path:
    """A file or folder the user names, under the rules of :func:`user_path`; it is there."""
    found = inside(path, folder, "keep data in the folder of the graph file, or use "
                   "--set data.path=... for others")  # fmt: skip
    if not found.exists():
        fail("GF072", f"there is no file '{found}'")
    return found


def inside(path: str, folder: str | Path | None, help: str) -> Path:
    """The path with links followed; GF074 with ``help`` where it leaves ``folder``."""
    allowed(Path(folder or "", path), path)
    try:
        found = Path(folder or "", path).resolve()
        outside = folder is not None and not found.is_relative_to(Path(folder).resolve())
        found.exists()  # raises for a name that is too long
    except (OSError, ValueError, RuntimeError) as error:  # NUL bytes, a circle of links
        fail("GF072", f"{path!r} is not a usable path: {error}")
    if outside:
        fail("GF074", f"'{path}' is outside the graph file's folder", help=help)
    return found


def read_bytes(path: Path) -> bytes:
    """The file's content; an operating system error becomes a diagnostic."""
    try:
        return path.read_bytes()
    except OSError as error:
        fail("GF072", f"'{path}' cannot be read: {error.strerror}")


def decode(content: bytes, name: str) -> str:
    """UTF-8 text with line ends as they are written on Unix."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        fail("GF073", f"'{name}' is not UTF-8 text (byte {error.start})")
    return text.replace("\r\n", "\n").replace("\r", "\n")
