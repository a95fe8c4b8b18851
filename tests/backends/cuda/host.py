"""Generated CUDA C++ compiled for the host and run there, on NumPy's arrays."""

from __future__ import annotations

import ctypes
import mmap
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

from graphflow.backends.cuda import Fusion, Module, Operand
from tests.strict.cupy_like import DeviceArray, fetched
from tests.strict.recording import launch as launched

HEADER = Path(__file__).with_name("host.h")
COMPILER = next(filter(None, map(shutil.which, ("c++", "g++", "clang++"))), None)
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="there is no C++ compiler")
FLAGS = ("-std=c++17", "-O1", "-w", "-shared", "-fPIC", "-ffp-contract=off", "-U_FORTIFY_SOURCE")
Fence = Literal["before", "behind"]
KERNEL = re.compile(r'^extern "C" __global__ .*\) (\w+)\((.*)\) \{$', re.M)


class Compiled:
    """The kernels of a text, compiled into ``folder``."""

    def __init__(self, text: str, folder: Path) -> None:
        digest = sha256(text.encode()).hexdigest()[:16]
        source = folder / f"{digest}.cpp"
        source.write_text(f'#include "{HEADER}"\n{text}\n{_entries(text)}')
        library = source.with_suffix(".so")
        assert COMPILER is not None
        subprocess.run([COMPILER, *FLAGS, str(source), "-o", str(library)], check=True)
        self.library = ctypes.CDLL(str(library))

    def launch(
        self, name: str, blocks: int, threads: int, arrays: Sequence[np.ndarray | np.integer],
        backwards: bool,
    ) -> None:  # fmt: skip
        """A kernel on arrays, and whole numbers of 64 bits; the threads of a block begin with the
        first, or the last.
        """
        given = (x.ctypes.data if isinstance(x, np.ndarray) else int(x) for x in arrays)
        table = (ctypes.c_void_p * len(arrays))(*given)
        self.library[f"launch_{name}"](table, blocks, threads, backwards)


def _entries(text: str) -> str:
    """For each kernel a function that ctypes can call."""
    return "\n".join(_entry(found, text) for found in KERNEL.finditer(text))


def _entry(found: re.Match[str], text: str) -> str:
    name, count = found[1], found[2].count(",") + 1
    body = text[found.end() :].split("\nextern", 1)[0]
    barriers = str("within_" in body or "down_" in body).lower()
    types = ", ".join(["void*"] * count)
    taken = ", ".join(f"p[{i}]" for i in range(count))
    return (
        f"static void call_{name}(void** p) {{ ((void (*)({types})){name})({taken}); }}\n"
        f'extern "C" void launch_{name}(void** p, unsigned b, unsigned t, int backwards) '
        f"{{ launch(call_{name}, p, b, t, {barriers}, backwards); }}"
    )


class OnHost:
    """The kernels of a module on this machine."""

    def __init__(self, module: Module, folder: Path) -> None:
        self.compiled = Compiled(module.text, folder)

    def run(
        self, fusion: Fusion, operands: Sequence[np.ndarray], backwards: bool = False
    ) -> tuple[list[np.ndarray], bool]:
        """The results of a fused node, and whether a position lay outside of its row. Memory behind
        each array, or before it when threads run ``backwards``, cannot be touched.
        """
        fence = "before" if backwards else "behind"
        inputs = [laid(x, how, fence) for x, how in zip(operands, fusion.operands, strict=True)]
        made = (*fusion.results, *fusion.rooms)
        buffers = [garbage(b.shape, b.dtype, fence) for b in made]
        missed = np.zeros(1, np.int32)
        arrays = [*inputs, *buffers, missed]
        for launch in fusion.launches:
            given = [arrays[number] for number in launch.arrays]
            self.compiled.launch(launch.kernel, launch.blocks, launch.threads, given, backwards)
        return buffers[: len(fusion.results)], bool(missed[0])


def garbage(shape: tuple[int, ...], dtype: np.dtype, fence: Fence = "behind") -> np.ndarray:
    """An array full of what nobody wants, beside a page that ends whoever touches it."""
    size = int(np.prod(shape)) * dtype.itemsize
    pages = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
    memory = mmap.mmap(-1, pages + mmap.PAGESIZE)
    whole = np.frombuffer(memory, np.uint8)
    whole[:] = 0xA5
    forbidden, start = (0, mmap.PAGESIZE) if fence == "before" else (pages, pages - size)
    page = ctypes.c_void_p(whole.ctypes.data + forbidden)
    assert ctypes.CDLL(None).mprotect(page, ctypes.c_size_t(mmap.PAGESIZE), 0) == 0
    return whole[start : start + size].view(dtype).reshape(shape)


def laid(x: np.ndarray, how: Operand, fence: Fence) -> np.ndarray:
    """A copy of an array in the memory that its kernel expects."""
    reach = 1 + sum((n - 1) * s for n, s in zip(x.shape, how.strides, strict=True))
    room = garbage((reach,), x.dtype, fence)
    found = as_strided(room, x.shape, [s * x.itemsize for s in how.strides])
    found[...] = x
    return found


def both_ways(
    host: OnHost, fusion: Fusion, operands: Sequence[np.ndarray]
) -> tuple[list[np.ndarray], bool]:
    """The results, which do not depend on the order in which threads run."""
    found, missed = host.run(fusion, operands)
    again, also = host.run(fusion, operands, backwards=True)
    assert missed == also
    for one, other in zip(found, again, strict=True):
        np.testing.assert_array_equal(one, other)
    return found, missed


class HostKernels:
    """Compiled kernels as a device's: what :class:`graphflow.backends.cupy.Loaded` says, for arrays
    of the strict namespace.
    """

    def __init__(self, module: Module, folder: Path) -> None:
        self.module, self._missed = module, False
        self.used = 0
        self.found_missing = False
        self._host = OnHost(module, folder) if module.fusions else None

    def bound(
        self, fusion: Fusion, operands: Sequence[DeviceArray], results: Sequence[DeviceArray]
    ) -> Callable[[], None]:
        """A fused node on the arrays of its operands and results."""

        def compute() -> tuple[np.ndarray, ...]:
            assert self._host is not None
            found, missed = self._host.run(fusion, [*map(fetched, operands)])
            self.used += 1
            self._missed |= missed
            return tuple(found)

        return partial(launched, compute, results)

    def missed(self) -> bool:
        """Whether a position lay outside of its row since this was asked last."""
        told, self._missed = self._missed, False
        self.found_missing |= told
        return told
