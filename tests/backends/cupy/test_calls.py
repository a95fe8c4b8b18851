"""How CuPy's arrays reach cuDNN: stand-ins on the host play both; with a GPU, they themselves."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import pytest

from graphflow.backends.base import Backend
from graphflow.backends.cuda.arrays import lying
from graphflow.backends.cudnn import Convolution, Library, Refused, Tensor, attention, convolution
from graphflow.backends.cudnn.convolution import SIDES
from graphflow.backends.cupy.calls import Calls
from graphflow.backends.cupy.workspace import Workspace
from graphflow.backends.numpy_backend import NUMPY
from graphflow.ir.graph import Node
from graphflow.ir.types import DType, TensorType
from graphflow.ops.op import get_op
from tests.backends.cudnn.stand_in import StandIn
from tests.backends.cudnn.test_attention import forwards, node_of
from tests.backends.cudnn.test_convolution import BOUND, LAST, SHAPES
from tests.backends.cupy.lent import lent, misplaced, results_of, stand_in, turned
from tests.backends.numba_kernels.convolving import ROWS, drawn, error, three_sides

ATTRS = {"stride": (1, 1), "padding": ((1, 0), (1, 0)), "dilation": (1, 1), "groups": 1}
NODE = Node("conv", ("x", "w"), tuple(ATTRS.items()), TensorType(DType.FLOAT32, (2, 4, 5, 5)), "y")


@pytest.fixture
def cudnn(monkeypatch) -> StandIn:
    """What stands for cuDNN, beside what stands for CuPy."""
    found = StandIn()
    monkeypatch.setitem(sys.modules, "cupy", stand_in())
    monkeypatch.setitem(sys.modules, "cudnn", found)
    return found


@pytest.fixture(params=["host", pytest.param("gpu", marks=pytest.mark.gpu)])
def called(request) -> Callable[..., list[np.ndarray]]:
    """What computes results that lie like arrays, by the libraries that there are."""
    if request.param == "host":
        request.getfixturevalue("cudnn")
    cupy = __import__("cupy")
    calls = Calls(Library(), Workspace(cupy))

    def run(wanted, operands, results):
        rooms = [*map(seen, operands)], [*map(seen, results)]
        there = [cupy.asarray(x) for x in operands]
        made = [seen_on(cupy, tensor) for tensor in rooms[1]]
        call = calls.bound(wanted, [*zip(there, rooms[0], strict=True)],
                           [*zip(made, rooms[1], strict=True)])  # fmt: skip
        assert not isinstance(call, Refused)
        call()
        return [cupy.asnumpy(x) for x in made]

    return run


def seen_on(xp, tensor: Tensor):
    """A new array of CuPy's that lies so."""
    dtype = np.dtype(tensor.dtype)
    reach = 1 + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.strides, strict=True))
    strides = tuple(s * dtype.itemsize for s in tensor.strides)
    return xp.lib.stride_tricks.as_strided(xp.empty(reach, dtype), tensor.shape, strides)


def seen(x: np.ndarray) -> Tensor:
    return Tensor(str(x.dtype), x.shape, lying(x))


def test_operands_are_brought_to_where_the_plan_looks(cudnn):
    random = np.random.default_rng(0)
    x, w = (random.standard_normal(s).astype(np.float32) for s in ((2, 3, 5, 5), (4, 3, 2, 2)))
    last = np.moveaxis(np.empty((2, 5, 5, 4), np.float32), -1, 1)
    tensors = [seen(a) for a in (x, w, last)]
    wanted = convolution(NODE, tensors, False)
    assert isinstance(wanted, Convolution)
    calls = Calls(Library(), Workspace(sys.modules["cupy"]))
    expected = get_op("conv").forward(np, x, w, **ATTRS)
    for how in (lent, misplaced, turned):
        (made,) = results_of(calls, wanted, [how(x), how(w)], (tensors[:2], tensors[2:]))
        assert made.strides == last.strides
        np.testing.assert_allclose(np.asarray(made), expected, rtol=1e-5, atol=1e-6)
    assert cudnn.streams == [11]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("order", [ROWS, LAST])
def test_convolutions_are_those_of_the_definition(called, dtype, order):
    def bound(node, out, inputs):
        wanted = convolution(node, [*map(seen, (*inputs, *out))], False)

        def run() -> None:
            (out[0][...],) = called(wanted, inputs, out)

        return run

    backend = Backend("cudnn", NUMPY, dict.fromkeys(SIDES, bound))
    for x, weight, given in SHAPES:
        operands = drawn(x, dtype, order), drawn(weight, dtype, seed=2)
        for op, found, expected, _ in three_sides(*operands, order, backend, **given):
            assert error(found, expected) < 4 * BOUND[dtype], (op, x, weight, given)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("derivative", [False, True])
def test_attention_is_that_of_the_definition(called, causal, derivative):
    node, operands = node_of(causal, derivative)
    expected = forwards(node, operands)
    wanted = attention(node, [*map(seen, operands)], [*map(seen, expected)])
    for found, exact in zip(called(wanted, operands, expected), expected, strict=True):
        wide = exact.astype(np.float32)
        assert np.linalg.norm(found.astype(np.float32) - wide) < 4e-3 * np.linalg.norm(wide)
