"""oneDNN's C API (version 3), found in an installed package and declared for ctypes.

Calls keep Python's lock, as Numba's do: so nobody else calls meanwhile, memory that primitives use
for themselves can be shared by all of them, and a call costs half a microsecond less.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from ctypes import POINTER, c_char_p, c_float, c_int, c_int64, c_size_t, c_uint, c_void_p
from functools import cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import numba

from graphflow.backends.llvm.pool import patience
from graphflow.diagnostics import fail

PACKAGE = "onednn-cpu-gomp"
FILE = "libdnnl.so.3"
HELP = "pip install 'graphflow[onednn]' (Linux on x86-64), or take the kernels 'numba'"
CPU, IN_ORDER = 1, 1
MOST_AXES = 12

Dims = c_int64 * MOST_AXES
Handle = c_void_p


class Argument(ctypes.Structure):
    """What a primitive is handed: the part it plays, and a memory object."""

    _fields_ = (("part", c_int), ("memory", Handle))


SIGNATURES: dict[str, tuple[object, ...]] = {
    "engine_create": (POINTER(Handle), c_int, c_size_t),
    "stream_create": (POINTER(Handle), Handle, c_uint),
    "memory_desc_create_with_strides": (POINTER(Handle), c_int, Dims, c_int, Dims),
    "memory_desc_create_with_tag": (POINTER(Handle), c_int, Dims, c_int, c_int),
    "memory_desc_equal": (Handle, Handle),
    "memory_desc_destroy": (Handle,),
    "memory_create": (POINTER(Handle), Handle, Handle, Handle),
    "memory_set_data_handle": (Handle, Handle),
    "memory_destroy": (Handle,),
    "post_ops_create": (POINTER(Handle),),
    "post_ops_append_sum": (Handle, c_float, c_int, c_int),
    "post_ops_destroy": (Handle,),
    "primitive_attr_create": (POINTER(Handle),),
    "primitive_attr_set_scratchpad_mode": (Handle, c_int),
    "primitive_attr_set_post_ops": (Handle, Handle),
    "primitive_attr_set_scales_mask": (Handle, c_int, c_int),
    "primitive_attr_destroy": (Handle,),
    "primitive_desc_query": (Handle, c_int, c_int, POINTER(c_char_p)),
    "primitive_desc_destroy": (Handle,),
    "primitive_create": (POINTER(Handle), Handle),
    "primitive_execute": (Handle, Handle, c_int, POINTER(Argument)),
    "primitive_destroy": (Handle,),
    "reorder_primitive_desc_create": (POINTER(Handle), Handle, Handle, Handle, Handle, Handle),
    "matmul_primitive_desc_create": (POINTER(Handle), *[Handle] * 6),
    "convolution_forward_primitive_desc_create": (
        POINTER(Handle), Handle, c_int, c_int, *[Handle] * 4, *[Dims] * 4, Handle,
    ),
    "convolution_backward_data_primitive_desc_create": (
        POINTER(Handle), Handle, c_int, *[Handle] * 3, *[Dims] * 4, Handle, Handle,
    ),
    "convolution_backward_weights_primitive_desc_create": (
        POINTER(Handle), Handle, c_int, *[Handle] * 4, *[Dims] * 4, Handle, Handle,
    ),
}  # fmt: skip
"""The arguments of the functions that answer with a status, 0 if all is well."""


@cache
def library() -> ctypes.PyDLL:
    """The shared library. Raises GF076 where it cannot be had.

    Numba is told to prefer the pool of threads that the library has; it chooses once, when its
    first kernel is compiled.
    """
    layers = ["omp", "tbb", "workqueue"]
    numba.config.THREADING_LAYER_PRIORITY = layers  # type: ignore[attr-defined]
    try:
        with patience():
            found = ctypes.PyDLL(str(_path()))
    except OSError as error:
        fail("GF076", f"the library of '{PACKAGE}' cannot be loaded: {error}", help=HELP)
    for name, arguments in SIGNATURES.items():
        function = getattr(found, f"dnnl_{name}")
        function.argtypes, function.restype = arguments, c_int
    found.dnnl_memory_desc_get_size.argtypes = (Handle,)
    found.dnnl_memory_desc_get_size.restype = c_size_t
    found.dnnl_primitive_desc_query_md.argtypes = (Handle, c_int, c_int)
    found.dnnl_primitive_desc_query_md.restype = Handle
    found.omp_set_num_threads.argtypes = (c_int,)  # of the library of threads that it came with
    found.omp_set_num_threads.restype = None
    return found


def _path() -> Path:
    """Where the package has its library."""
    try:
        known = files(PACKAGE) or []
    except PackageNotFoundError:
        known = []
    for file in known:
        if file.name == FILE:
            return Path(str(file.locate()))
    fail("GF076", f"the kernels 'onednn' need the package '{PACKAGE}', which is not installed",
         help=HELP)  # fmt: skip


def checked(status: int, what: str) -> None:
    """Raise an error if a call did not go well."""
    if status:
        raise RuntimeError(f"oneDNN: {what} answered with status {status}")


def made(what: str, *arguments: object) -> Handle:
    """The handle of a new object, by the function that makes it."""
    handle = Handle()
    checked(getattr(library(), f"dnnl_{what}")(ctypes.byref(handle), *arguments), what)
    return handle


def dims(numbers: Iterable[int]) -> ctypes.Array[c_int64]:
    """Numbers, one for each axis, as oneDNN takes them."""
    return Dims(*numbers)


@cache
def engine() -> Handle:
    """The processor."""
    return made("engine_create", CPU, 0)


@cache
def stream() -> Handle:
    """Where primitives run one after the other."""
    return made("stream_create", engine(), IN_ORDER)
