"""Where data files are: the user's paths, ``$GRAPHFLOW_DATA``, and a cache of downloads.

Nothing that is downloaded is used before its checksum has been compared, and a file in the cache
is complete or absent: it is written beside its place and moved there.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from graphflow.diagnostics import fail
from graphflow.files import write_atomically

VARIABLE = "GRAPHFLOW_DATA"
LARGEST_DOWNLOAD = 64 * 2**20
TIMEOUT = 30  # seconds without a byte


@dataclass(frozen=True, slots=True)
class Remote:
    """A published file: its name, its https address, and its digest as ``algorithm:hex``."""

    file: str
    url: str
    digest: str

    def matches(self, content: bytes) -> bool:
        """Whether ``content`` is the published file, byte for byte."""
        algorithm, _, expected = self.digest.partition(":")
        return hashlib.new(algorithm, content, usedforsecurity=False).hexdigest() == expected


def data_folders() -> list[Path]:
    """The folder that ``$GRAPHFLOW_DATA`` names, or nothing."""
    named = os.environ.get(VARIABLE)
    return [Path(named)] if named else []


def cache_folder() -> Path:
    """The platform's folder for files that can be fetched again."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser("~\\AppData\\Local")
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base, "graphflow")


def obtain(remote: Remote, folders: Sequence[Path] | None = None) -> bytes:
    """The file's content: from the user's data folders as it is, from the cache, or downloaded."""
    for folder in data_folders() if folders is None else folders:
        path = folder / remote.file
        if path.is_file():
            return read_bytes(path)
    cached = cache_folder() / remote.file
    if cached.is_file():
        content = read_bytes(cached)
        if remote.matches(content):
            return content
    return _download(remote, cached)


def fetch(url: str) -> bytes:
    """The bytes at an https address. Raises OSError, as sockets and files do."""
    from http.client import HTTPException
    from urllib.request import urlopen

    try:
        with urlopen(url, timeout=TIMEOUT) as response:
            content: bytes = response.read(LARGEST_DOWNLOAD)
    except HTTPException as error:
        raise OSError(f"the connection broke off: {error}") from error
    return content


def _download(remote: Remote, target: Path) -> bytes:
    place = f"put {remote.file} into the folder that {VARIABLE} names, or into {target.parent}"
    try:
        content = fetch(remote.url)
    except OSError as error:
        fail("GF072", f"{remote.url} could not be downloaded: {error}", help=place)
    if not remote.matches(content):
        fail("GF073", f"what came from {remote.url} has the wrong checksum", help=place)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, content)
    except OSError as error:
        fail("GF072", f"{target} could not be written: {error}", help=place)
    return content


def user_path(path: str, folder: str | Path | None) -> Path:
    """A file the user names: anywhere, or inside ``folder`` when one is given.

    Links are followed before the comparison, so that a shared project cannot point outside
    itself. Raises GraphflowError when the path leaves the folder or is not a file.
    """
    try:
        found = Path(folder or "", path).resolve()
        outside = folder is not None and not found.is_relative_to(Path(folder).resolve())
        exists = found.is_file()
    except (OSError, ValueError, RuntimeError) as error:  # NUL bytes, a circle of links
        fail("GF072", f"{path!r} is not a usable path: {error}")
    if outside:
        fail(
            "GF074",
            f"'{path}' is outside the graph file's folder",
            help="keep data in the folder of the graph file, or use --set data.path=... for others",
        )
    if not exists:
        fail("GF072", f"there is no file '{found}'")
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
