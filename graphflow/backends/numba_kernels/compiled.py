"""Generated sources as files, so that what Numba makes of them is found again by later processes.

A file is named by what is in it and never changes, so that processes may write the same at once.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from functools import cache
from pathlib import Path

from graphflow.backends.numba_kernels import functions, generated, memory
from graphflow.files import cache_folder, write_atomically

VARIABLE = "GRAPHFLOW_KERNELS"
"""The environment variable that names another folder for compiled kernels."""


@cache
def address_of(text: str) -> int:
    """The address of the compiled function ``kernel`` of a source."""
    name = f"kernel_{hashlib.sha256((_surroundings() + text).encode()).hexdigest()[:32]}"
    path = _folder() / f"{name}.py"
    if not path.exists():
        write_atomically(path, text.encode())
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # Numba looks for it there
    spec.loader.exec_module(module)
    address: int = module.kernel.address
    return address


@cache
def _surroundings() -> str:
    """The text of everything that is compiled into a kernel from elsewhere."""
    files = (functions.__file__, generated.__file__, memory.__file__)
    return "".join(Path(file).read_text(encoding="utf-8") for file in files)


@cache
def _folder() -> Path:
    """Where kernels lie: the user's cache, or a temporary folder where that cannot be written."""
    named = os.environ.get(VARIABLE)
    folder = Path(named) if named else cache_folder() / "kernels"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return Path(tempfile.mkdtemp(prefix="graphflow-kernels-"))
