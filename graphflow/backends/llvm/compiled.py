"""Machine code of generated loops, kept in files so that later processes find it.

A file is named by what it is made from and never changes, so that processes may write the same at
once. LLVM works beside a plan's binding: machine code is waited for when it first runs.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
from llvmlite import binding

from graphflow.backends.llvm.compiling import (
    LEVEL,
    RELOCATION,
    Compilers,
    features,
    machine,
)
from graphflow.backends.llvm.parts import threads
from graphflow.files import cache_folder, write_atomically

VARIABLE = "GRAPHFLOW_KERNELS"
"""The environment variable that names another folder for compiled kernels."""
SEAL = hashlib.sha256().digest_size
"""Bytes before machine code in a file: the digest of the code."""
_loaded: list[Any] = []
"""The engines whose memory holds machine code: it is needed until the process ends."""
_begun: dict[str, Future[bytes] | bytes] = {}
"""Machine code by its source: what was found, or is being compiled."""
_addresses: dict[str, int] = {}
"""Where machine code lies that was asked for, by its source."""
MOST = 4
"""Modules that are compiled at a time."""


class Code:
    """The function ``kernel`` of a module in LLVM's representation, which is being compiled.

    ``source`` is what the module is made from, or itself: no text is asked for where it is known.
    """

    def __init__(self, source: str, text: Callable[[], str]) -> None:
        self._source = source
        self._address = 0
        if source not in _begun:
            _begun[source] = _kept(source) or _compiling(source, text)

    @property
    def address(self) -> int:
        """Where its machine code lies, once it does."""
        if not self._address:
            self._address = _address_of(self._source)
        return self._address


@cache
def _threads() -> ThreadPoolExecutor:
    """As many as compute, each of which waits for a compiler."""
    return ThreadPoolExecutor(min(threads(), MOST), "compiling")


@cache
def _compilers() -> Compilers:
    return Compilers(beside=threads() > 1)


if hasattr(os, "register_at_fork"):
    for _each in (_threads, _compilers):
        os.register_at_fork(after_in_child=_each.cache_clear)


def _address_of(source: str) -> int:
    if source not in _addresses:
        made = _begun[source]
        code = made if isinstance(made, bytes) else made.result()
        engine = binding.create_mcjit_compiler(binding.parse_assembly(""), machine())
        engine.add_object_file(binding.ObjectFileRef.from_data(code))
        engine.finalize_object()
        _loaded.append(engine)
        _addresses[source] = engine.get_function_address("kernel")
    return _addresses[source]


def _kept(source: str) -> bytes | None:
    """Machine code from its file; None where there is none, or a damaged one."""
    try:
        whole = _path(source).read_bytes()
    except OSError:
        return None
    seal, code = whole[:SEAL], whole[SEAL:]
    return code if code and seal == hashlib.sha256(code).digest() else None


def _compiling(source: str, text: Callable[[], str]) -> Future[bytes]:
    found = _threads().submit(_made, source, text)
    _compilers().stay(found)
    return found


def _made(source: str, text: Callable[[], str]) -> bytes:
    code = _compilers().compiled(text())
    with suppress(OSError):  # a full disk: the next process compiles again
        write_atomically(_path(source), hashlib.sha256(code).digest(), code)
    return code


def _path(source: str) -> Path:
    folder = _folder()
    if folder is None:
        raise FileNotFoundError(VARIABLE)
    return folder / f"{_digest(source)}.o"


def _digest(source: str) -> str:
    """What decides about machine code: its source, the compiler and the processor."""
    version = f"llvmlite {llvmlite.__version__}, level {LEVEL}, {RELOCATION}"
    processor = (binding.get_default_triple(), binding.get_host_cpu_name(), features())
    return hashlib.sha256("\n".join((version, *processor, source)).encode()).hexdigest()[:32]


@cache
def _folder() -> Path | None:
    """Where kernels lie: in the user's cache; nowhere if that cannot be written."""
    named = os.environ.get(VARIABLE)
    folder = Path(named) if named else cache_folder() / "kernels"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return None
