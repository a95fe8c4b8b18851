"""Writing files so that nothing is lost: the old content stays until the new one is whole."""

from __future__ import annotations

import os
from pathlib import Path


def write_atomically(file: Path, *parts: bytes | memoryview) -> None:
    """Write a file so that at every moment it holds either the old bytes or all of the new.

    Raises OSError where it cannot be written; the old file is untouched then.
    """
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as stream:
            stream.writelines(parts)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
