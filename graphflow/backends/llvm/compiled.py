"""Machine code of generated loops, kept in files so that later processes find it.

A file is named by what it is made from and never changes, so that processes may write the same at
once. LLVM works in a thread of its own while a plan is bound: machine code is waited for when it
first runs.
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

from graphflow.files import cache_folder, write_atomically

VARIABLE = "GRAPHFLOW_KERNELS"
"""The environment variable that names another folder for compiled kernels."""
SEAL = hashlib.sha256().digest_size
"""Bytes before machine code in a file: the digest of the code."""
LEVEL, RELOCATION = 3, "default"
"""How LLVM compiles."""
_loaded: list[Any] = []
"""The engines whose memory holds machine code: it is needed until the process ends."""
_begun: dict[str, Future[int]] = {}
"""Machine code by its source."""


class Code:
    """The function ``kernel`` of a module in LLVM's representation, which is being compiled.

    ``source`` is what the module is made from, or itself: no text is asked for where it is known.
    """

    def __init__(self, source: str, text: Callable[[], str]) -> None:
        if source not in _begun:
            _begun[source] = _thread().submit(_address_of, source, text)
        self._made = _begun[source]
        self._address = 0

    @property
    def address(self) -> int:
        """Where its machine code lies, once it does."""
        if not self._address:
            self._address = self._made.result()
        return self._address


@cache
def _thread() -> ThreadPoolExecutor:
    """One thread: LLVM lets no two compile at once."""
    return ThreadPoolExecutor(1, "compiling")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_thread.cache_clear)


def _address_of(source: str, text: Callable[[], str]) -> int:
    code = _compiled(text()) if _folder() is None else _kept(source, text)
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), _machine())
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _loaded.append(engine)
    address: int = engine.get_function_address("kernel")
    return address


def _kept(source: str, text: Callable[[], str]) -> bytes:
    """Machine code that is there, or is made and kept."""
    folder = _folder()
    assert folder is not None
    path = folder / f"{_digest(source)}.o"
    try:
        whole = path.read_bytes()
    except FileNotFoundError:
        whole = b""
    seal, code = whole[:SEAL], whole[SEAL:]
    if seal != hashlib.sha256(code).digest():  # none, or a damaged one
        code = _compiled(text())
        with suppress(OSError):  # a full disk: the next process compiles again
            write_atomically(path, hashlib.sha256(code).digest(), code)
    return code


def _digest(source: str) -> str:
    """What decides about machine code: its source, the compiler and the processor."""
    version = f"llvmlite {llvmlite.__version__}, level {LEVEL}, {RELOCATION}"
    processor = (binding.get_default_triple(), binding.get_host_cpu_name(), _features())
    return hashlib.sha256("\n".join((version, *processor, source)).encode()).hexdigest()[:32]


def _compiled(text: str) -> bytes:
    """Optimised machine code for this processor."""
    module = binding.parse_assembly(text)
    module.verify()
    options = binding.create_pipeline_tuning_options(speed_level=LEVEL)
    options.loop_vectorization = options.slp_vectorization = True
    builder = binding.create_pass_builder(_machine(), options)
    builder.getModulePassManager().run(module, builder)
    code: bytes = _machine().emit_object(module)
    return code


@cache
def _features() -> str:
    features: str = binding.get_host_cpu_features().flatten()
    return features


@cache
def _machine() -> Any:
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    target = binding.Target.from_default_triple()
    return target.create_target_machine(
        cpu=binding.get_host_cpu_name(), features=_features(), opt=LEVEL, reloc=RELOCATION, jit=True
    )


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
