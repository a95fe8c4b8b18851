"""Products as cuBLASLt is asked for them: what stands for it multiplies on the host."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import graphflow as gf
from graphflow.backends import cupy
from graphflow.backends.cublas import Plan, product
from graphflow.backends.cublas.library import Api, Described
from graphflow.backends.cuda.arrays import lying
from graphflow.backends.cupy.calls import Calls
from graphflow.backends.cupy.workspace import Workspace
from graphflow.backends.described import Refused, Tensor
from tests import canned
from tests.backends.cublas.multiplying import StandIn, needs_compiler
from tests.backends.cupy.lent import lent, misplaced, results_of, stand_in, turned
from tests.runtime import devices

SHAPES = {
    "matrices": ((3, 4), (4, 5)),
    "one row": ((1, 4), (4, 5)),
    "one column": ((3, 4), (4, 1)),
    "one inner": ((3, 1), (1, 5)),
    "row": ((4,), (4, 5)),
    "column": ((3, 4), (4,)),
    "numbers": ((4,), (4,)),
    "rows of many": ((2, 6, 3, 4), (4, 5)),
    "each its own": ((2, 6, 3, 4), (2, 6, 4, 5)),
    "one for all": ((3, 4), (6, 4, 5)),
    "rows by columns": ((6, 4), (2, 4)),
    "row for each": ((4,), (6, 4, 5)),
    "column for each": ((6, 3, 4), (4,)),
}


def tensor(x: np.ndarray) -> Tensor:
    return Tensor(str(x.dtype), x.shape, lying(x))


def asked(x: np.ndarray, y: np.ndarray, tf32: bool = False):
    return product(tensor(x), tensor(y), tensor(np.matmul(x, y)), tf32)


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> StandIn:
    return StandIn(tmp_path_factory.mktemp("cublas"))


@pytest.fixture
def calls(library, monkeypatch) -> Calls:
    """The library on what stands for CuPy's arrays."""
    there = stand_in()
    monkeypatch.setitem(sys.modules, "cupy", there)
    return Calls(library, Workspace(there))


def arrays(name: str, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    x, y = (random.standard_normal(shape).astype(dtype) for shape in SHAPES[name])
    return x, y.T if name == "rows by columns" else y


@needs_compiler
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", SHAPES)
def test_products_are_those_of_numpy(calls, library, name, dtype):
    x, y = arrays(name, dtype)
    wanted = asked(x, y)
    for how in (lent, misplaced, turned):
        (z,) = results_of(calls, wanted, [how(x), how(y)])
        np.testing.assert_allclose(np.asarray(z), np.matmul(x, y), rtol=1e-5, atol=1e-6)
    assert library.loaded.stand_in_stream() == 11 and not library.loaded.stand_in_alive()


@needs_compiler
@pytest.mark.parametrize("name", ["matrices", "each its own"])
def test_in_tf32_factors_have_ten_bits_of_fraction(calls, name):
    x, y = arrays(name, "float32")
    wanted = asked(x, y, tf32=True)
    assert wanted.how.endswith(", tf32")
    (z,) = results_of(calls, wanted, [lent(x), lent(y)])
    np.testing.assert_allclose(np.asarray(z), ten_bits(x) @ ten_bits(y), rtol=1e-5, atol=1e-6)
    error = np.linalg.norm(np.asarray(z) - x @ y) / np.linalg.norm(x @ y)
    assert 1e-5 < error < 1e-3


def ten_bits(x: np.ndarray) -> np.ndarray:
    """Each number as TF32 has it."""
    return ((x.view(np.uint32) + 0x1000) & ~np.uint32(0x1FFF)).view(np.float32)


def test_tf32_is_a_choice_for_float32_alone():
    wide, narrow = (np.zeros((2, 2), dtype) for dtype in ("float64", "float16"))
    assert not asked(wide, wide, tf32=True).tf32 and not asked(narrow, narrow, tf32=True).tf32
    single = np.zeros((2, 2), np.float32)
    assert asked(single, single, tf32=True).tf32 and not asked(single, single).tf32


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", SHAPES)
def test_a_gpu_multiplies_as_numpy_does(name, dtype):
    there, (x, y) = cupy.device(), arrays(name, dtype)
    wanted = asked(x, y)
    with there.working():
        (z,) = results_of(
            there.cublas, wanted, [there.xp.asarray(x), there.xp.asarray(y)],
            empty=lambda t: there.xp.empty(t.shape, t.dtype),
        )  # fmt: skip
    expected = np.matmul(x.astype(float), y.astype(float))
    bound = {"float16": 2e-3, "float32": 1e-6, "float64": 1e-14}[dtype]
    assert np.linalg.norm(there.xp.asnumpy(z) - expected) < bound * np.linalg.norm(expected)


@needs_compiler
@pytest.mark.parametrize("turns", [(0, 2, 1, 3), (0, 2, 3, 1), (2, 0, 1, 3), (3, 2, 1, 0)])
def test_operands_are_read_as_they_lie_or_copied(calls, turns):
    random = np.random.default_rng(0)
    x = random.standard_normal((4, 3, 2, 5)).transpose(turns)
    y = random.standard_normal(x.shape)
    for one, other in ((x, y.swapaxes(2, 3)), (y, x.swapaxes(2, 3))):
        wanted = asked(one, other)
        (z,) = results_of(calls, wanted, [lent(one), lent(other)])
        np.testing.assert_allclose(np.asarray(z), np.matmul(one, other))


def test_transposed_matrices_and_slices_are_not_copied():
    whole, y = np.zeros((8, 9), np.float32), np.zeros((3, 8), np.float32)
    for x, by_rows in ((whole[:, 2:5], True), (whole.T[:, :3], False), (whole[::2, 1:4], True)):
        found = asked(x, y)
        assert found is not None and found.operands == (tensor(x), tensor(y))
        assert found.x.by_rows == by_rows
    rows = asked(np.zeros((2, 6, 3)), np.zeros((3, 8)))
    assert (rows.how, rows.count) == ("12 x 3 by 3 x 8", 1)
    each = asked(np.zeros((2, 6, 3, 4)), np.zeros((2, 6, 4, 5)))
    assert each.how == "3 x 4 by 4 x 5, 12 times"


@pytest.mark.parametrize(
    ("x", "y"),
    [(np.zeros((2, 0)), np.zeros((0, 3))), (np.zeros((2, 3), int), np.zeros((3, 4), int)),
     (np.zeros((2, 3)), np.zeros((3, 4), np.float32)),
     (np.zeros((2, 1, 3, 4)), np.zeros((5, 4, 6)))],
    ids=["no elements", "whole numbers", "two types", "each with each"],
)  # fmt: skip
def test_other_products_are_left_to_cupy(x, y):
    assert asked(x, y) is None


@needs_compiler
def test_what_has_no_algorithm_is_refused_and_a_failing_call_told(library):
    halves = asked(np.zeros((2, 8), np.float16), np.zeros((8, 4), np.float16))
    refused = library.plan(halves)
    assert refused == Refused("has no plan: no algorithm serves 2 x 8 by 8 x 4")
    plan = library.plan(asked(np.zeros((2, 8)), np.zeros((8, 4))))
    assert isinstance(plan, Plan)
    with pytest.raises(gf.GraphflowError, match=r"GF069.*2 x 8 by 8 x 4: cublasLtMatmul .* 7"):
        plan.run([8, 16, 32], 0, 0)


@needs_compiler
@pytest.mark.parametrize("name", canned.graphs(("mlp", "transformer")))
def test_a_step_with_its_products_is_that_of_numpy(library, monkeypatch, name):
    there = devices.device(cublas=library)
    monkeypatch.setattr(cupy, "device", lambda: there)
    devices.same_here_and_there(name)


SQUARE = "{graphflow: 1, name: square, inputs: {x: [N, N]}, nodes: {y: x @ x}}"


def test_a_device_without_the_library_says_so_and_multiplies_by_cupy(monkeypatch):
    without = replace(devices.device(), cublas=cupy.NO_PRODUCTS)
    monkeypatch.setattr(cupy, "device", lambda: without)
    with pytest.warns(UserWarning, match="by cupy, since cuBLASLt is not there"):
        found = gf.loads(SQUARE).compile("y", backend="cupy")({"x": 2 * np.eye(3)})
    np.testing.assert_array_equal(found.values["y"], 4 * np.eye(3))


def real() -> str | None:
    """Where NVIDIA's library lies, if it is installed."""
    found = find_spec("nvidia")
    places = [] if found is None else list(found.submodule_search_locations or ())
    return next((str(p) for at in places for p in Path(at).glob("*/lib/libcublasLt.so.*")), None)


@pytest.mark.skipif(real() is None, reason="cuBLASLt is not installed")
@pytest.mark.parametrize("tf32", [False, True])
@pytest.mark.parametrize("name", SHAPES)
def test_nvidias_library_takes_the_descriptors_and_tells_them_again(name, tf32):
    api = Api(real())
    one = asked(*arrays(name, "float32"), tf32)
    about = Described(api, one)

    def told(kind: str, what, attribute: int, type) -> int:
        value, written = type(), ctypes.c_size_t()
        size = ctypes.c_size_t(ctypes.sizeof(value))
        into = ctypes.byref(value), size, ctypes.byref(written)
        api.call(f"{kind}GetAttribute", what, attribute, *into)
        assert written.value == size.value
        return value.value

    assert told("MatmulDesc", about.operation, 0, ctypes.c_int32) == (77 if tf32 else 68)
    assert told("MatmulDesc", about.operation, 1, ctypes.c_int32) == 0
    assert told("MatmulDesc", about.operation, 3, ctypes.c_int32) == (not one.y.by_rows)
    assert told("MatmulDesc", about.operation, 4, ctypes.c_int32) == (not one.x.by_rows)
    for layout, matrix in ((about.a, one.y), (about.b, one.x), (about.d, one.z)):
        inner, outer = (matrix.columns, matrix.rows)[:: 1 if matrix.by_rows else -1]
        types = [ctypes.c_uint32] * 2 + [ctypes.c_uint64] * 2
        types += [ctypes.c_int64, ctypes.c_int32, ctypes.c_int64]
        expected = [0, 0, inner, outer, matrix.apart, one.count, matrix.step]
        assert [told("MatrixLayout", layout, n, t) for n, t in enumerate(types)] == expected
