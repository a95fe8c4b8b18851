"""How kernels are launched by CuPy, which a stand-in on the host plays."""

from __future__ import annotations

import sys
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from graphflow.backends.cuda import Operand, module
from graphflow.backends.cupy.kernels import Kernels
from graphflow.backends.cupy.placed import placed
from graphflow.backends.cupy.workspace import Workspace, packed_rows
from tests.backends.cuda.host import Compiled, garbage, needs_compiler
from tests.backends.cuda.samples import SAMPLES, close, forwards, fused, lying, operands
from tests.backends.cupy.lent import lent, misplaced, stand_in, turned

pytestmark = needs_compiler


@pytest.fixture
def kernels(monkeypatch, tmp_path):
    """The kernels of a sample as CuPy would load them, the sample's operands and results."""

    def compiled(code: str, options: tuple[str, ...]) -> SimpleNamespace:
        assert options == ("--std=c++17",)
        host = Compiled(code, tmp_path)

        def get_function(name: str):
            return lambda grid, block, arrays: host.launch(name, *grid, *block, arrays, False)

        return SimpleNamespace(get_function=get_function)

    there = stand_in(RawModule=compiled)
    monkeypatch.setitem(sys.modules, "cupy", there)

    def loaded(name: str):
        values, arrays = SAMPLES[name]()
        ((node, given),) = operands(fused(values), arrays)
        whole = module([(node, [lying(x) for x in given])])
        return Kernels(Workspace(there), whole), whole.fusions[0], node, given

    return loaded


@pytest.mark.parametrize("name", ["chain-300x128-float32", "rows-300x128-float32", "strided-1"])
def test_operands_that_lie_otherwise_are_copied_to_where_the_kernels_look(kernels, name):
    loaded, fusion, node, given = kernels(name)
    expected = forwards(node, given)
    for how in (lent, misplaced, turned):
        found = results(loaded, fusion, [how(x) for x in given])
        assert not loaded.missed()
        for got, wanted in zip(found, expected, strict=True):
            close(np.asarray(got), wanted)


def results(loaded, fusion, given, rooms=None):
    """What the kernels compute, in new memory or in rooms."""
    made = rooms or [lent(garbage(b.shape, b.dtype)) for b in fusion.results]
    loaded.bound(fusion, given, made)()
    return made


@pytest.mark.parametrize("name", ["chain-300x128-float32", "rows-300x128-float32"])
def test_a_result_takes_the_place_of_an_operand_or_one_that_is_not_on_a_boundary(kernels, name):
    loaded, fusion, node, given = kernels(name)
    expected = forwards(node, given)
    operands = [lent(np.array(x)) for x in given]
    alike = [x for x in operands if (x.shape, x.dtype) == (expected[0].shape, expected[0].dtype)]
    rooms = [alike[0], *(misplaced(x) for x in expected[1:])]
    assert fusion.in_place == name.startswith("chain")
    for got, wanted in zip(results(loaded, fusion, operands, rooms), expected, strict=True):
        close(np.asarray(got), wanted)


def test_operations_share_one_piece_of_memory_beside_their_arrays(monkeypatch):
    there, made = stand_in(), []
    empty = there.empty
    there.empty = lambda shape, dtype: made.append(shape) or empty(shape, dtype)
    workspace = Workspace(there)
    given = lent(np.arange(12.0).reshape(3, 4))
    results = [lent(np.empty((3, 4))) for _ in range(3)]

    def adds(places, own):
        x, y, *_ = *places, *own
        return partial(np.add, x, 1, out=y)

    asked = [(given, Operand((1, 3), True))]
    kernels = [
        placed(there, workspace, asked, [(y, packed_rows(y))], adds, more=more)
        for y, more in zip(results, (8, 1000, 16), strict=True)
    ]
    for kernel, y in zip(kernels, results, strict=True):
        kernel()
        np.testing.assert_array_equal(np.asarray(y), np.asarray(given) + 1)
    assert len(made) == 2 and made[-1] == 256 + 1000


def test_a_position_outside_of_its_row_is_told_once(kernels):
    loaded, fusion, _, given = kernels("labels-300x128-float32")
    outside = [x + 128 if x.dtype == np.int64 else x for x in given]
    results(loaded, fusion, [lent(x) for x in outside])
    assert loaded.missed() and not loaded.missed()
    results(loaded, fusion, [lent(x) for x in given])
    assert not loaded.missed()
