"""cuBLASLt by ctypes: descriptors of a product, the algorithm that its heuristics choose, the call.

The library sees matrices column by column; a matrix in rows is to it the transposed one. So
it computes the transposed product, y^T x^T.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import byref, c_double, c_float, c_int, c_int32, c_int64, c_size_t, c_uint64
from ctypes import c_void_p as pointer
from functools import cache

from graphflow.backends.cublas.products import Matrix, Product
from graphflow.backends.described import Refused
from graphflow.diagnostics import fail

WORKSPACE = 32 << 20
"""Bytes that an algorithm may ask for besides operands and result."""
ALIGNMENT = 16
"""Bytes on whose boundaries arrays begin."""
TYPES = {"float32": 0, "float64": 1, "float16": 2, "bfloat16": 14}
FLOAT, DOUBLE = TYPES["float32"], TYPES["float64"]
SUMS_FLOAT, SUMS_TF32, SUMS_DOUBLE = 68, 77, 70
"""Sums in float32, its operands not rounded first, or rounded to TF32, and in float64."""
TRANS_A, TRANS_B = 3, 4
EPILOGUE, BIAS_PLACE = 7, 8
BIAS, BIAS_RELU = 4, 6
"""What is done to a result before it is written: epilogues."""
BATCH_COUNT, BATCH_STEP = 5, 6
MOST_WORKSPACE = 1
ALIGNED = (5, 6, 7, 8)
"""By A, B, C and D."""


class Algorithm(ctypes.Structure):
    """What the heuristics answer."""

    _fields_ = (
        ("algorithm", c_uint64 * 8), ("workspace", c_size_t), ("state", c_int), ("waves", c_float),
        ("reserved", c_int * 4),
    )  # fmt: skip


Number = ctypes.c_int32 | ctypes.c_uint32 | ctypes.c_int64 | ctypes.c_uint64


class Failed(Exception):
    """A call that gave a status other than success."""


class Api:
    """The functions of the library; a status that tells of an error is raised as ``Failed``."""

    def __init__(self, path: str) -> None:
        self._library = ctypes.CDLL(path)

    def call(self, name: str, *arguments: object) -> None:
        """Call ``cublasLt`` and the name."""
        status = self._library[f"cublasLt{name}"](*arguments)
        if status:
            raise Failed(f"cublasLt{name} gives status {status}")

    def made(self, name: str, *arguments: object) -> pointer:
        """A new descriptor."""
        found = pointer()
        self.call(f"{name}Create", byref(found), *arguments)
        return found

    def set(self, name: str, what: pointer, attribute: int, value: Number) -> None:
        """Set an attribute of a descriptor."""
        size = c_size_t(ctypes.sizeof(value))
        self.call(f"{name}SetAttribute", what, c_int(attribute), byref(value), size)


class Described:
    """A product as the library knows it: the operation, and how each matrix lies."""

    def __init__(self, api: Api, product: Product) -> None:
        double = product.dtype == "float64"
        sums = SUMS_DOUBLE if double else SUMS_TF32 if product.tf32 else SUMS_FLOAT
        scale = DOUBLE if double else FLOAT
        self.operation = api.made("MatmulDesc", c_int(sums), c_int(scale))
        for attribute, matrix in ((TRANS_A, product.y), (TRANS_B, product.x)):
            api.set("MatmulDesc", self.operation, attribute, c_int32(not matrix.by_rows))
        if product.biased:
            epilogue = ctypes.c_uint32(BIAS_RELU if product.relu else BIAS)
            api.set("MatmulDesc", self.operation, EPILOGUE, epilogue)
            self.add(api, ALIGNMENT)  # an address like those that come, for the heuristics
        kind = c_int(TYPES[product.dtype])
        matrices = (product.y, product.x, product.z)
        self.a, self.b, self.d = (_layout(api, kind, each, product.count) for each in matrices)
        number = c_double if double else c_float
        self.one, self.zero = number(1), number(0)

    def add(self, api: Api, bias: int) -> None:
        """The bias lies at an address."""
        api.set("MatmulDesc", self.operation, BIAS_PLACE, c_uint64(bias))


def _layout(api: Api, kind: c_int, matrix: Matrix, count: int) -> pointer:
    sizes = (matrix.columns, matrix.rows) if matrix.by_rows else (matrix.rows, matrix.columns)
    found = api.made("MatrixLayout", kind, *map(c_uint64, sizes), c_int64(matrix.apart))
    api.set("MatrixLayout", found, BATCH_COUNT, c_int32(count))
    api.set("MatrixLayout", found, BATCH_STEP, c_int64(matrix.step))
    return found


class Plan:
    """How a product is computed, in ``workspace`` bytes besides its operands and its result."""

    def __init__(self, api: Api, handle: pointer, product: Product) -> None:
        self._api, self._handle, self._product = api, handle, product
        self._about = about = Described(api, product)
        preference = api.made("MatmulPreference")
        api.set("MatmulPreference", preference, MOST_WORKSPACE, c_uint64(WORKSPACE))
        for attribute in ALIGNED:
            api.set("MatmulPreference", preference, attribute, ctypes.c_uint32(ALIGNMENT))
        self._chosen, count = Algorithm(), c_int()
        api.call(
            "MatmulAlgoGetHeuristic", handle, about.operation, about.a, about.b, about.d, about.d,
            preference, c_int(1), byref(self._chosen), byref(count),
        )  # fmt: skip
        api.call("MatmulPreferenceDestroy", preference)
        if not count.value or self._chosen.state:
            raise Failed(f"no algorithm serves {product.how}")
        self.workspace = int(self._chosen.workspace)

    def run(self, places: Sequence[int], workspace: int, stream: int) -> None:
        """Compute on a stream. ``places`` are the addresses of x, y, the bias and z; ``workspace``
        that of the bytes. Raises GF069 where the library does not do it.
        """
        about, (x, y, *bias, z) = self._about, places
        try:
            if bias:
                about.add(self._api, bias[0])
            self._api.call(
                "Matmul", self._handle, about.operation, byref(about.one),
                pointer(y), about.a, pointer(x), about.b, byref(about.zero), pointer(z), about.d,
                pointer(z), about.d, byref(self._chosen),
                pointer(workspace), c_size_t(self.workspace), pointer(stream),
            )  # fmt: skip
        except Failed as error:
            fail("GF069", f"the GPU does not compute {self._product.how}: {error}",
                 help="without --backend NumPy computes")  # fmt: skip


class Library:
    """cuBLASLt from a shared library, for the GPU that is there."""

    def __init__(self, path: str) -> None:
        self._api = Api(path)
        self._handle = pointer()
        self._api.call("Create", byref(self._handle))
        self._plans: dict[Product, Plan | Refused] = {}

    def plan(self, wanted: Product) -> Plan | Refused:
        """The plan of a product, made when it is first asked for; or why there is none."""
        if wanted not in self._plans:
            try:
                self._plans[wanted] = Plan(self._api, self._handle, wanted)
            except Failed as error:
                self._plans[wanted] = Refused(f"has no plan: {error}")
        return self._plans[wanted]


@cache
def library() -> Library | Refused:
    """The library that CuPy uses, with one handle for all; or why it cannot be used."""
    try:
        from cuda.pathfinder import load_nvidia_dynamic_lib
    except ImportError:
        return Refused("is not found: the package 'cuda-pathfinder' is not installed")
    try:
        return Library(load_nvidia_dynamic_lib("cublasLt").abs_path)
    except (Failed, OSError, RuntimeError) as error:
        return Refused(f"cannot be used: {' '.join(str(error).split())[:200]}")
