"""Messages between processes: a length of eight bytes, then a pickle of that length.

Questions go to a child of ours. What comes back is read by a reader that knows data alone: frozen
classes of graphflow, arrays, and Python's own values.
"""

from __future__ import annotations

import enum
import io
import pickle
import struct
from dataclasses import dataclass, is_dataclass
from typing import IO

from graphflow.diagnostics import Diagnostic
from graphflow.view.workspace import Workspace

HEAD = struct.Struct(">Q")
LARGEST = 256 * 2**20
"""Bytes of one message."""

BUILTINS = frozenset({"bytearray", "complex", "frozenset", "range", "set", "slice"})
ARRAYS = frozenset({
    ("numpy", "dtype"), ("numpy", "ndarray"),
    ("numpy._core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "scalar"),
    ("numpy._core.numeric", "_frombuffer"),
})  # fmt: skip


@dataclass(frozen=True)
class Question:
    """What is asked of a workspace, or of a service where there is none."""

    number: int
    workspace: Workspace | None
    method: str
    arguments: tuple[object, ...] = ()


@dataclass(frozen=True)
class Answer:
    """The value, or what was wrong."""

    number: int
    value: object = None
    diagnostics: tuple[Diagnostic, ...] = ()


def write(stream: IO[bytes], data: bytes) -> None:
    """Send one message. Raises OSError where nobody is left to read it."""
    stream.write(HEAD.pack(len(data)) + data)
    stream.flush()


def read(stream: IO[bytes]) -> bytes | None:
    """The next message; None at the end, or where one is cut short or longer than it may be."""
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    (length,) = HEAD.unpack(head)
    data = stream.read(length) if length <= LARGEST else b""
    return data if len(data) == length else None


class _Reader(pickle.Unpickler):
    """Reads data, and calls nothing that could do anything but make some."""

    def find_class(self, module: str, name: str) -> object:
        """The class of a value, if it is one of data."""
        if (module, name) in ARRAYS or (module == "builtins" and name in BUILTINS):
            return super().find_class(module, name)
        found = super().find_class(module, name) if module.startswith("graphflow.") else None
        plain = is_dataclass(found) or (
            isinstance(found, type) and issubclass(found, tuple | enum.Enum)
        )
        if not plain:
            raise pickle.UnpicklingError(f"{module}.{name} is no data")
        return found


def loads(data: bytes) -> object:
    """What a child sent. Raises pickle.UnpicklingError for anything but data.

    >>> loads(pickle.dumps({"shape": (2, 3)}))
    {'shape': (2, 3)}
    >>> loads(pickle.dumps(len))
    Traceback (most recent call last):
    _pickle.UnpicklingError: builtins.len is no data
    """
    return _Reader(io.BytesIO(data)).load()
