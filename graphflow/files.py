"""Writing files so that nothing is lost: the old content stays until the new one is whole, and of
processes that would write the same files one does.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from graphflow.diagnostics import fail

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
"""What JSON can say."""


def write_atomically(file: Path, *parts: bytes | memoryview) -> None:
    """Write a file so that at every moment it holds either the old bytes or all of the new.

    Raises OSError where it cannot be written; the old file is untouched then.
    """
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    with _named(file):
        try:
            with part.open("wb") as stream:
                stream.writelines(parts)
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def _named(file: Path) -> Iterator[None]:
    """What goes wrong names the file as its reader knows it: a full disk alone names none."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(file)) from error


def reason(error: OSError) -> str:
    """The file that could not be used, where it is known, and why.

    >>> reason(FileNotFoundError(2, "No such file or directory", "x.csv"))
    "'x.csv': No such file or directory"
    """
    place = f"'{error.filename}': " if error.filename else ""
    return f"{place}{error.strerror or error}"


def cache_folder() -> Path:
    """The platform's folder for files that can be fetched again."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser("~\\AppData\\Local")
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base, "graphflow")


def readable(file: Path) -> Path:
    """The file, once Python has opened it: what watches over the files that Python opens (see
    ``graphflow.studio``) would not see a library of another language open it. Raises OSError.
    """
    with file.open("rb"):
        return file


_kept_to: tuple[Path, ...] | None = None
_downloads = True


def keep_to(folders: Iterable[str | Path], downloads: bool = False) -> None:
    """From here on, what a file names is read below these folders alone, links followed; what is
    not there is downloaded only where ``downloads`` are allowed.
    """
    global _kept_to, _downloads
    _kept_to = tuple(Path(os.path.realpath(folder)) for folder in folders)
    _downloads = downloads


def may_download() -> bool:
    """Whether published data that are not here may be downloaded; see :func:`keep_to`."""
    return _downloads


def allowed(path: str | Path, written: str = "") -> None:
    """Raise GF131 where a path, which a file has ``written`` so, lies outside the folders of
    :func:`keep_to`. It is asked before anything else is asked of the path: what lies outside, and
    whether anything does, is not told.
    """
    if _kept_to is None:
        return
    try:
        place = Path(os.path.realpath(path))
    except ValueError:  # a NUL byte: no file is called so
        return
    if not any(place.is_relative_to(folder) for folder in _kept_to):
        told = "the studio does not read outside the folders that it was given"
        fail("GF131", f"'{written or path}': {told}",
             help="whoever starts the studio allows further folders: --folder DIR")  # fmt: skip


def append_row(file: Path, row: Mapping[str, object]) -> None:
    """Append a JSON object as one line; a last line that was left unfinished is dropped.

    Raises OSError where the file cannot be written.
    """
    with _named(file), file.open("a+b") as stream:
        if stream.tell():
            stream.seek(-1, os.SEEK_END)
            if stream.read() != b"\n":
                stream.truncate(file.read_bytes().rfind(b"\n") + 1)
        stream.write(json.dumps(row).encode() + b"\n")


def read_rows(file: Path) -> list[dict[str, object]]:
    """The JSON objects of a file with one a line; none where there is no file. GF064.

    A last line that a killed process left unfinished is not one.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "rows.jsonl"
    >>> append_row(file, {"step": 1})
    >>> read_rows(file)
    [{'step': 1}]
    """
    try:
        lines = file.read_bytes().split(b"\n")[:-1] if file.exists() else []
        rows = [json.loads(line) for line in lines]
    except (OSError, ValueError) as error:
        fail("GF064", f"'{file}' cannot be read: {error}")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            fail("GF064", f"'{file}' cannot be read: line {number} is no JSON object")
    return rows


def lock(stream: IO[bytes], patience: float = 0.0) -> bool:
    """Take the lock on an open file; whether it was had within ``patience`` seconds.

    It is let go when the file is closed, and when its process ends, however that comes.
    """
    until = time.monotonic() + patience
    while not _taken(stream):
        if time.monotonic() >= until:
            return False
        time.sleep(0.1)
    return True


def _taken(stream: IO[bytes]) -> bool:
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def read_object(file: Path) -> dict[str, object]:
    """The JSON object that a file holds. GF064 where it holds anything else."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        fail("GF064", f"'{file}' cannot be read: {error}")
    if not isinstance(found, dict):
        fail("GF064", f"'{file}' cannot be read: it is no JSON object")
    return found


def slug(file: str | Path) -> str:
    """The stem of a file as part of a folder's name.

    >>> slug("My nets/mlp, wide.yaml")
    'mlp-wide'
    """
    return re.sub(r"[^\w]+", "-", Path(file).stem).strip("-") or "run"


def fresh(path: Path) -> Path:
    """``path``, or ``path-2``, ``path-3``, ... where it exists."""
    candidate, count = path, 1
    while candidate.exists():
        count += 1
        candidate = path.with_name(f"{path.name}-{count}")
    return candidate
