"""Downloads: streamed to disk, taken up where they broke off, and checked before they are used.

What has come lies in ``NAME.part`` beside its place, also after Ctrl-C; the next try asks the
server for the rest (HTTP ranges, RFC 9110). The file gets its name when its checksum is right, so
that what bears the name is whole. Of two processes that want one file the second waits.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from socket import gaierror
from typing import IO, TYPE_CHECKING

from graphflow.diagnostics import fail
from graphflow.files import lock
from graphflow.version import __version__

if TYPE_CHECKING:
    from http.client import HTTPResponse

    from graphflow.data.files import Remote

TIMEOUT = 30.0
"""Seconds without a byte."""
TRIES = 4
"""Failures in a row, none of which brought anything new, before it is given up."""
PAUSE = 1.0
"""Seconds after a failure; each further one in a row makes the pause twice as long."""
CHUNK = 2**18
SPARE = 2**26
"""Bytes that a file may be longer than twice what is expected before it is refused."""
FINAL = frozenset({400, 401, 403, 404, 405, 410, 451})
"""Answers that the next try would get again."""

Watch = Callable[[int, int | None], None]
"""Told how many bytes are here, and of how many."""


def download(remote: Remote, target: Path) -> None:
    """Bring a published file to ``target``.

    GF072 when it cannot be had or written, GF073 when its checksum is wrong; the help says where
    to put a file that came another way.
    """
    part = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone(target):
            if target.is_file() and remote.matches(target):
                return  # another process brought it meanwhile
            resumed = _bring(remote, part)
            if resumed and not remote.matches(part):  # begun as another file: once more from 0
                part.unlink()
                _bring(remote, part)
            if not remote.matches(part):
                part.unlink()
                fail("GF073", f"what came from {remote.url} has the wrong checksum",
                     help=remote.elsewhere())  # fmt: skip
            part.replace(target)
    except OSError as error:
        fail("GF072", f"{target} could not be written: {error.strerror or error}",
             help=remote.elsewhere())  # fmt: skip


def digest_of(path: Path, algorithm: str) -> str:
    """The digest of a file in hexadecimal digits, read piece by piece."""
    found = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()


def connect(url: str, start: int) -> HTTPResponse:
    """The answer to a request for an address, or for its bytes from ``start`` on."""
    from urllib.request import Request, urlopen

    headers = {"User-Agent": f"graphflow/{__version__}", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    answer: HTTPResponse = urlopen(Request(url, headers=headers), timeout=TIMEOUT)
    return answer


def _bring(remote: Remote, part: Path) -> bool:
    """Bring all of a file into ``part``; whether some of it was there already."""
    begun = reached = _size(part)
    failures = 0
    with _shown(remote) as watch:
        while True:
            try:
                _stream(remote, part, watch)
                return begun > 0
            except _Broken as broken:
                failures = 0 if _size(part) > reached else failures + 1
                reached = max(reached, _size(part))
                if broken.final or failures == TRIES:
                    kept = f" ({_size(part):,} bytes are kept for the next try)" * (reached > 0)
                    fail("GF072", f"{remote.url} could not be downloaded: {broken}{kept}",
                         help=remote.elsewhere())  # fmt: skip
            time.sleep(PAUSE * 2 ** max(0, failures - 1))


class _Broken(Exception):
    """A try that did not bring the file to its end."""

    def __init__(self, message: str, final: bool = False) -> None:
        super().__init__(message)
        self.final = final


def _stream(remote: Remote, part: Path, watch: Watch) -> None:
    """One try: what is missing of ``part``, appended; all of it where a server gives no ranges."""
    from http.client import HTTPException
    from urllib.error import HTTPError

    start = _size(part)
    try:
        with connect(remote.url, start) as answer:
            if answer.status != 206 or not _begins_at(answer, start):
                start = 0
            total = None if answer.length is None else start + answer.length
            _receive(remote, answer, part, start, total, watch)
    except HTTPError as error:
        error.close()
        if error.code != 416:
            raise _Broken(str(error), error.code in FINAL) from error
        if error.headers.get("Content-Range") != f"bytes */{start}":  # else all of it is here
            part.unlink()
            raise _Broken("what is here is longer than the file") from error
    except (HTTPException, OSError) as error:
        reason = getattr(error, "reason", error)
        offline = isinstance(reason, gaierror) and not _size(part)
        raise _Broken(str(reason) or type(error).__name__, offline) from error


def _begins_at(answer: HTTPResponse, start: int) -> bool:
    return (answer.headers.get("Content-Range") or "").startswith(f"bytes {start}-")


def _receive(
    remote: Remote, answer: HTTPResponse, part: Path, start: int, total: int | None, watch: Watch
) -> None:
    here = start
    most = 2 * remote.size + SPARE
    with _opened(part, "ab" if start else "wb", remote) as out:
        watch(here, total)
        while chunk := _read(answer):
            here += len(chunk)
            if here > most:
                raise _Broken(f"more than {most:,} bytes came, {remote.size:,} were expected", True)
            out.write(chunk)
            watch(here, total)
    if total is not None and here < total:
        raise _Broken(f"the connection broke off after {here:,} of {total:,} bytes")


def _read(answer: HTTPResponse) -> bytes:
    from http.client import HTTPException

    try:
        return answer.read(CHUNK)
    except (HTTPException, OSError) as error:
        raise _Broken(str(error) or type(error).__name__) from error


@contextmanager
def _opened(part: Path, mode: str, remote: Remote) -> Iterator[IO[bytes]]:
    """The file to write to. What is wrong with it is final; a full disk shows when it is closed,
    too.
    """
    try:
        with part.open(mode) as out:
            yield out
    except OSError as error:
        fail("GF072", f"{part} could not be written: {error.strerror or error}",
             help=remote.elsewhere())  # fmt: skip


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Nobody else downloads this file meanwhile; a process that ends or is killed lets go."""
    locks = target.parent / ".locks"
    locks.mkdir(exist_ok=True)
    with (locks / target.name).open("a+b") as stream:
        if not lock(stream):
            _say(f"waiting for another process that downloads {target.name}")
            lock(stream, inf)
        yield


@contextmanager
def _shown(remote: Remote) -> Iterator[Watch]:
    """A bar on stderr where that is a terminal; elsewhere one line that says what is fetched."""
    if not sys.stderr.isatty():
        _say(f"downloading {remote.file} ({in_words(remote.size)}) from {remote.url}")
        yield lambda here, total: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(30), DownloadColumn(),
               TransferSpeedColumn(), TimeRemainingColumn(compact=True))  # fmt: skip
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task(remote.file, total=remote.size)
        yield lambda here, total: bar.update(task, completed=here, total=total or remote.size)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def in_words(size: int) -> str:
    """A number of bytes as people read it.

    >>> in_words(170_498_071), in_words(9_912_422), in_words(59_707), in_words(500)
    ('170 MB', '9.9 MB', '60 kB', '500 bytes')
    """
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}" if size < 10 * unit else f"{size / unit:.0f} {name}"
    return f"{size} bytes"
