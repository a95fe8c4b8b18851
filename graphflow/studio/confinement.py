"""What a child process may touch, held by an audit hook: before a file is opened, a name is asked
of the network or a program is started, Python tells the hook, which may refuse.

A hook cannot be taken away again, and a graph file cannot run Python, so what is refused stays
refused. Libraries that open files behind Python's back (safetensors) are called after
:func:`graphflow.files.readable` has opened the file once, which the hook sees.

Libraries read more (their own modules, what the system says of the machine) than a file may name:
a path that a file names is held to its folders by :func:`graphflow.files.allowed`.
"""

from __future__ import annotations

import errno
import os
import sys
import sysconfig
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from zoneinfo import TZPATH

import graphflow
from graphflow.data.files import data_folders
from graphflow.files import cache_folder, keep_to
from graphflow.gallery import root
from graphflow.studio.limits import Limits

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
SYSTEM = (
    "/proc/meminfo", "/proc/cpuinfo", "/proc/stat", "/proc/self/cgroup", "/proc/self/maps",
    "/proc/self/mountinfo", "/proc/self/stat", "/proc/self/statm", "/proc/self/status",
    "/sys/devices/system", "/sys/fs/cgroup", "/dev/null", "/dev/urandom",
)  # fmt: skip
"""What libraries read to know the machine."""
CLOCK = (
    "/etc/localtime", "/etc/timezone", "/etc/sysconfig/clock", "/etc/conf.d/clock",
    "/usr/local/etc/localtime", *TZPATH,
)  # fmt: skip
"""What Babel reads to know its time zone, which it asks for as soon as it is imported."""
PROGRAMS = ("subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn",
            "os.startfile", "os.kill", "pty.")  # fmt: skip
NETWORK = ("socket.bind", "socket.connect", "socket.getaddrinfo", "socket.gethostby",
           "socket.getnameinfo", "socket.send")  # fmt: skip
CHANGES = {
    "os.chdir": (1, ()), "os.chflags": (1, ()), "os.chmod": (1, (2,)), "os.chown": (1, (3,)),
    "os.link": (2, (2, 3)), "os.mkdir": (1, (2,)), "os.remove": (1, (1,)),
    "os.removexattr": (1, ()), "os.rename": (2, (2, 3)), "os.rmdir": (1, (1,)),
    "os.setxattr": (1, ()), "os.symlink": (2, (2, 2)), "os.truncate": (1, ()),
    "os.utime": (1, (3,)),
}  # fmt: skip
"""Events that change files: how many paths they begin with, and which of their arguments are the
open folders that these start from.
"""
LIBRARIES = ("stdlib", "platstdlib", "purelib", "platlib")
READ = "read outside the folders that it was given"
IMPORTED = (".py", ".pyc", ".so", ".pyd")


class Refused(PermissionError):
    """The studio's limits do not allow it."""


class Confinement:
    """Answers whether a place may be read or written; see :class:`~graphflow.studio.limits.Limits`.

    ``training`` is for the processes that write runs.
    """

    def __init__(self, limits: Limits, training: bool = False) -> None:
        self.limits = limits
        writable = [limits.runs] * training
        writable += [str(cache_folder())] * limits.network
        self.writable = _real(writable)
        self.named = _real([*limits.folders, root(), limits.runs, cache_folder(), *data_folders()])
        libraries = [sysconfig.get_path(name) for name in LIBRARIES]
        self.readable = _real([*self.named, _package(), *SYSTEM, *CLOCK, *libraries])
        self.code = _real(path for path in sys.path if path)

    def install(self) -> None:
        """Ask this object before everything that follows in this process."""
        keep_to(self.named, downloads=self.limits.network)
        watched: dict[str, Callable[..., None]] = {
            event: self._change(*places) for event, places in CHANGES.items()
        }
        watched |= {"open": self._open, "os.listdir": self._list, "os.scandir": self._list}
        refused = PROGRAMS if self.limits.network else PROGRAMS + NETWORK

        def hook(event: str, arguments: tuple[object, ...]) -> None:
            if event in watched:
                watched[event](*arguments)
            elif event.startswith(refused):
                what = "use the network" if event.startswith("socket") else "start programs"
                raise Refused(errno.EACCES, f"the studio does not let files {what}")

        sys.addaudithook(hook)

    def _open(self, path: object, mode: object, flags: int) -> None:
        if isinstance(path, int):
            return
        place = _place(path)
        if flags & WRITING:
            self._check(place, self.writable, "write outside the folder of runs")
        elif not (place.suffix in IMPORTED and _below(place, self.code)):
            self._check(place, self.readable, READ)

    def _list(self, path: object, *_: object) -> None:
        if not isinstance(path, int):
            self._check(_place(path or "."), (*self.readable, *self.code), READ)

    def _change(self, count: int, opened: Sequence[int]) -> Callable[..., None]:
        def check(*arguments: object) -> None:
            for number, path in enumerate(arguments[:count]):
                base = arguments[opened[number]] if opened else -1
                if not isinstance(path, int):
                    place = _place(path, base)
                    self._check(place, self.writable, "change files outside the folder of runs")

        return check

    def _check(self, place: Path, folders: Sequence[Path], what: str) -> None:
        if not _below(place, folders):
            raise Refused(errno.EACCES, f"the studio does not {what}", str(place))


def _place(path: object, opened: object = -1) -> Path:
    """A path with links followed, taken from an open folder where there is one."""
    assert isinstance(path, str | bytes | os.PathLike)
    base = f"/proc/self/fd/{opened}" if isinstance(opened, int) and opened >= 0 else ""
    return Path(os.path.realpath(os.path.join(base, os.fsdecode(path))))


def _real(paths: Iterable[str | Path]) -> tuple[Path, ...]:
    return tuple(dict.fromkeys(Path(os.path.realpath(path)) for path in paths))


def _below(place: Path, folders: Sequence[Path]) -> bool:
    return any(place.is_relative_to(folder) for folder in folders)


def _package() -> Path:
    """Where graphflow itself lies."""
    return Path(graphflow.__file__).parent
