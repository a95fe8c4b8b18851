"""Primitives of oneDNN bound to arrays, and how arrays are described to it."""

from __future__ import annotations

import ctypes
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from ctypes import c_char_p
from dataclasses import dataclass

import numba
import numpy as np

from graphflow.backends.onednn_kernels.library import (
    Argument,
    Handle,
    checked,
    dims,
    engine,
    library,
    made,
    stream,
)
from graphflow.ops.op import Array

FLOAT32, ANY, GIVEN = 3, 1, 1
SOURCE, TARGET, WEIGHTS, SCRATCHPAD = 1, 17, 33, 80
"""The parts that arguments play."""
GRADIENT, SCALE = 128, 4096
"""What is added to a part for its gradient, and for a number that it is multiplied by."""
IMPLEMENTATION = 8
QUERIES = {SOURCE: 129, SOURCE + GRADIENT: 130, WEIGHTS: 131, WEIGHTS + GRADIENT: 132,
           TARGET: 133, TARGET + GRADIENT: 134, SCRATCHPAD: 136}  # fmt: skip
LINE = 64
"""Bytes of a line of the cache."""


class Owned:
    """An object of oneDNN's, destroyed when nobody holds it any more."""

    def __init__(self, kind: str, handle: Handle) -> None:
        self._as_parameter_ = handle
        weakref.finalize(self, getattr(library(), f"dnnl_{kind}_destroy"), handle).atexit = False


class Layout(Owned):
    """Shape and strides of an array of float32; or a shape alone, for oneDNN to choose the rest."""

    def __init__(self, shape: tuple[int, ...], strides: tuple[int, ...] | None = None) -> None:
        common = len(shape), dims(shape), FLOAT32
        if strides is None:
            handle = made("memory_desc_create_with_tag", *common, ANY)
        else:
            handle = made("memory_desc_create_with_strides", *common, dims(strides))
        super().__init__("memory_desc", handle)

    @staticmethod
    def of(array: Array, order: Sequence[int] | None = None) -> Layout:
        """How an array lies. Axes of one element lie as in an array with its axes in that order,
        else row by row.
        """
        strides = dict[int, int]()
        extent = 1
        for axis in reversed(order or range(array.ndim)):
            n = array.shape[axis]
            strides[axis] = extent if n == 1 else array.strides[axis] // array.itemsize
            extent = max(extent, n * strides[axis])
        return Layout(array.shape, tuple(strides[axis] for axis in range(array.ndim)))


class Attributes(Owned):
    """How a primitive is to compute: in scratch memory that it is given; adding to what is there;
    with the part ``scaled`` multiplied by a number that is read when it runs.
    """

    def __init__(self, adds: bool = False, scaled: int | None = None) -> None:
        super().__init__("primitive_attr", made("primitive_attr_create"))
        lib = library()
        checked(lib.dnnl_primitive_attr_set_scratchpad_mode(self, GIVEN), "scratchpad mode")
        if adds:
            after = Owned("post_ops", made("post_ops_create"))
            checked(lib.dnnl_post_ops_append_sum(after, 1.0, 0, 0), "sum")
            checked(lib.dnnl_primitive_attr_set_post_ops(self, after), "post-ops")
        if scaled is not None:
            checked(lib.dnnl_primitive_attr_set_scales_mask(self, scaled, 0), "scales")


class Description(Owned):
    """What oneDNN has chosen for a problem."""

    def __init__(self, what: str, *arguments: object) -> None:
        super().__init__("primitive_desc", made(f"{what}_primitive_desc_create", *arguments))

    def layout(self, part: int) -> Handle:
        """How the argument that plays a part is to lie; it lives as long as this does."""
        return Handle(library().dnnl_primitive_desc_query_md(self, QUERIES[part], 0))

    @property
    def implementation(self) -> str:
        """The name of what computes it."""
        name = c_char_p()
        found = library().dnnl_primitive_desc_query(self, IMPLEMENTATION, 0, ctypes.byref(name))
        checked(found, "name")
        return (name.value or b"").decode()

    @property
    def slow(self) -> bool:
        """Whether it is the reference implementation, which is as simple as can be."""
        return self.implementation.startswith("ref")


class Memory(Owned):
    """An array that lies as described, as an argument of primitives."""

    def __init__(self, layout: Layout | Handle, array: Array) -> None:
        self.array = array
        super().__init__("memory", made("memory_create", layout, engine(), array.ctypes.data))

    def moved(self, array: Array) -> None:
        """Let it be another array."""
        self.array = array
        checked(library().dnnl_memory_set_data_handle(self, array.ctypes.data), "memory")


def aligned(nbytes: int) -> Array:
    """Fresh memory that begins with a line of the cache."""
    raw = np.empty(nbytes + LINE, np.uint8)
    first = -raw.ctypes.data % LINE
    return raw[first : first + nbytes]


class Scratch:
    """Memory that kernels use while they run, one at a time: as much as the largest needs."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._room = aligned(0)
        self._used: weakref.WeakKeyDictionary[Memory, slice] = weakref.WeakKeyDictionary()

    def memories(self, layouts: Sequence[Handle]) -> list[Memory]:
        """Parts of it for one kernel, one behind the other."""
        parts, end = [], 0
        for layout in layouts:
            size = int(library().dnnl_memory_desc_get_size(layout))
            parts.append(slice(end, end + size))
            end += -(-size // LINE) * LINE
        with self.lock:
            if end > self._room.nbytes:
                self._room = aligned(end)
                for memory, part in self._used.items():
                    memory.moved(self._room[part])
            found = [
                Memory(layout, self._room[part])
                for layout, part in zip(layouts, parts, strict=True)
            ]
            self._used.update(zip(found, parts, strict=True))
        return found


SCRATCH = Scratch()


@dataclass(frozen=True)
class Step:
    """A primitive and its arguments, by the parts that they play."""

    description: Description
    arguments: Mapping[int, Memory]


def copying(source: Memory, lies: Layout | Handle, target: Memory, to: Layout | Handle) -> Step:
    """What writes the numbers of one array where another one lies."""
    description = Description("reorder", lies, engine(), to, engine(), None)
    return Step(description, {SOURCE: source, TARGET: target})


def kernel(steps: Sequence[Step], threads: int) -> Callable[[], None]:
    """What runs primitives one after the other, on the threads that they were made for."""
    kept: list[object] = []
    calls = []
    for step in steps:
        primitive = Owned("primitive", made("primitive_create", step.description))
        table = (Argument * len(step.arguments))(
            *(Argument(part, memory._as_parameter_) for part, memory in step.arguments.items())
        )
        kept += step, primitive
        calls.append((primitive._as_parameter_, stream(), len(table), table))
    lock, execute = SCRATCH.lock, library().dnnl_primitive_execute
    share = library().omp_set_num_threads

    def run() -> None:
        with lock:
            share(threads)
            for call in calls:
                if execute(*call):
                    raise RuntimeError(f"oneDNN could not run one of {len(kept) // 2} primitives")

    return run


@contextmanager
def made_for_threads() -> Iterator[int]:
    """Primitives described in this block are for as many threads as Numba's kernels: the number."""
    threads = int(numba.get_num_threads())
    with SCRATCH.lock:
        library().omp_set_num_threads(threads)
        yield threads
