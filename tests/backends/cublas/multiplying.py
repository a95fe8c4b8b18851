"""What stands for cuBLASLt, compiled for this machine."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import pytest

from graphflow.backends.cublas import Library

SOURCE = Path(__file__).with_name("stand_in.c")
COMPILER = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")


class StandIn(Library):
    """The library, and what it was told."""

    def __init__(self, folder: Path) -> None:
        path = folder / "multiplying.so"
        assert COMPILER is not None
        flags = ("-std=c11", "-O1", "-Wall", "-Werror", "-shared", "-fPIC")
        subprocess.run([COMPILER, *flags, str(SOURCE), "-o", str(path)], check=True)
        self.loaded = ctypes.CDLL(str(path))
        self.loaded.stand_in_stream.restype = ctypes.c_void_p
        super().__init__(str(path))
