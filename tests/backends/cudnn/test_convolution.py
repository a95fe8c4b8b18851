"""Convolutions as cuDNN is asked for them, beside the operators' portable forward in float64."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from itertools import product

import numpy as np
import pytest

from graphflow.backends.base import Backend, Bound
from graphflow.backends.cuda.arrays import lying
from graphflow.backends.cudnn import (
    Convolution,
    Library,
    Plan,
    Refused,
    Tensor,
    convolution,
    plans,
)
from graphflow.backends.numpy_backend import NUMPY
from graphflow.ir.graph import Node
from graphflow.ir.types import DType, TensorType
from tests.backends.cudnn.stand_in import StandIn, aligned
from tests.backends.numba_kernels.convolving import drawn, error, three_sides

LAST = (0, 2, 3, 1)
OPERATIONS = ["conv_fprop", "conv_dgrad", "conv_wgrad"]
FEWER = {"DOWN_CONVERT_INPUTS", "REDUCED_PRECISION_REDUCTION"}
BOUND = {"float16": 1e-3, "float32": 1e-6, "float64": 1e-14}
SHAPES = [
    # x, weight, given
    ((2, 3, 9, 7), (5, 3, 3, 3), {"stride": 2, "padding": 1}),
    ((3, 16, 7, 6), (20, 16, 1, 1), {"stride": 2}),
    ((2, 1, 12, 12), (6, 1, 5, 5), {"padding": 2}),
    ((2, 6, 8, 9), (16, 6, 5, 4), {"padding": ((0, 3), (2, 1))}),
    ((4, 17, 2, 2), (24, 17, 3, 3), {"padding": 1}),
    ((1, 4, 11, 10), (3, 4, 3, 2), {"stride": (3, 2), "dilation": (2, 3), "padding": (4, 1)}),
    ((1, 1, 1, 1), (1, 1, 1, 1), {}),
    ((2, 8, 7, 7), (12, 4, 3, 3), {"groups": 2, "padding": 1}),
    ((2, 6, 7, 5), (12, 1, 3, 3), {"groups": 6, "stride": 2}),
    ((3, 4, 15), (5, 4, 3), {"padding": 1}),
    ((2, 16, 20), (32, 16, 4), {"stride": 3, "padding": ((2, 0),)}),
    ((2, 6, 11), (6, 1, 3), {"groups": 6, "dilation": 3}),
    ((2, 3, 5, 6, 7), (4, 3, 3, 3, 3), {"padding": 1}),
    ((1, 4, 6, 7, 5), (6, 2, 2, 3, 2), {"groups": 2, "stride": (1, 2, 3), "dilation": (2, 1, 1)}),
]


@pytest.fixture
def cudnn(monkeypatch) -> StandIn:
    found = StandIn()
    monkeypatch.setitem(sys.modules, "cudnn", found)
    return found


def seen(x: np.ndarray) -> Tensor:
    return Tensor(str(x.dtype), x.shape, lying(x))


def asking(library: Library, exact: bool = False, tf32: bool = False) -> Backend:
    """A backend whose convolutions are those of a library."""

    def bound(node: Node, out: tuple[np.ndarray, ...], inputs: tuple[np.ndarray, ...]) -> Bound:
        arrays = (*inputs, *out)
        wanted = convolution(node, [seen(x) for x in arrays], exact, tf32)
        assert isinstance(wanted, Convolution)
        plan = library.plan(wanted)
        assert isinstance(plan, Plan)
        workspace = aligned((plan.workspace,), np.dtype(np.uint8))

        def run() -> None:
            plan.run([x.ctypes.data for x in arrays], workspace.ctypes.data, 7)

        return Bound(run, wanted.how)

    ops = ("conv", "conv_transpose", "conv_weight_grad")
    return Backend("cudnn", NUMPY, dict.fromkeys(ops, bound))


@pytest.mark.parametrize(("x", "weight", "given"), SHAPES)
def test_all_three_sides_are_those_of_the_definition(cudnn, x, weight, given):
    for dtype, order in product(("float32", "float64"), ((0, 1, 2, 3), LAST)):
        operands = drawn(x, dtype, order), drawn(weight, dtype, seed=2)
        for op, found, expected, _ in three_sides(*operands, order, asking(Library()), **given):
            assert error(found, expected) < BOUND[dtype], (op, dtype, order)
    assert [*cudnn.executed()] == OPERATIONS * 4


def test_halves_are_summed_as_floats(cudnn):
    x, weight = drawn((2, 64, 6, 6), "float16"), drawn((8, 64, 3, 3), "float16", seed=2)
    for op, found, expected, _ in three_sides(x, weight, LAST, asking(Library()), padding=1):
        assert found.dtype == np.float16 and error(found, expected) < BOUND["float16"], op
    for graph in cudnn.graphs:
        assert graph.how["io_data_type"] == "HALF" and graph.how["compute_data_type"] == "FLOAT"


def test_strides_are_told_as_they_are(cudnn):
    x, weight = drawn((2, 16, 8, 9), "float32", LAST), drawn((32, 16, 3, 3), "float32")
    [*three_sides(x, weight, LAST, asking(Library()), padding=((1, 2), (0, 1)), dilation=(1, 2))]
    forward, backward, _ = cudnn.graphs
    assert forward.inputs["x"].stride == [1152, 1, 144, 16]
    assert forward.inputs["w"].stride == [144, 9, 3, 1]
    assert forward.results["y"].stride == [9 * 6 * 32, 1, 6 * 32, 32]
    made = backward.results["x"]
    assert made.dim == [2, 16, 8, 9] and made.stride == [1152, 1, 144, 16]
    assert forward.attributes == {
        "pre_padding": [1, 0], "post_padding": [2, 1], "stride": [1, 1], "dilation": [1, 2],
    }  # fmt: skip


def test_a_sequence_is_an_image_of_one_line(cudnn):
    x, weight = drawn((2, 3, 20), "float32"), drawn((4, 3, 5), "float32")
    [*three_sides(x, weight, LAST, asking(Library()), stride=2, padding=((1, 2),), dilation=2)]
    graph = cudnn.graphs[0]
    assert graph.inputs["x"].dim == [2, 3, 1, 20] and graph.inputs["w"].dim == [4, 3, 1, 5]
    assert graph.attributes == {
        "pre_padding": [0, 1], "post_padding": [0, 2], "stride": [1, 2], "dilation": [1, 2],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("dtype", "exact", "tf32", "barred"),
    [
        ("float32", False, False, {"TENSOR_CORE", *FEWER}),
        ("float32", False, True, FEWER),
        ("float16", False, True, set()),
        ("float64", True, True, {"WINOGRAD", "FFT"}),
    ],
)
def test_algorithms_that_do_not_serve_are_barred(cudnn, dtype, exact, tf32, barred):
    x, weight = drawn((1, 2, 5, 5), dtype), drawn((2, 2, 3, 3), dtype)
    [*three_sides(x, weight, LAST, asking(Library(), exact, tf32))]
    for graph in cudnn.graphs:
        assert {*graph.notes} == barred | {"NONDETERMINISTIC"}


def wanted(shape: tuple[int, ...] = (2, 3, 8, 8)) -> Convolution:
    node = _node("conv", (2, 4, 8, 8), padding=((1, 1), (1, 1)))
    weight = np.empty((4, 3, 3, 3), np.float32)
    arrays = np.empty(shape, np.float32), weight, np.empty((2, 4, 8, 8), np.float32)
    found = convolution(node, [seen(x) for x in arrays], False)
    assert isinstance(found, Convolution)
    return found


def _node(op: str, shape: tuple[int, ...], **given: object) -> Node:
    attrs = {"stride": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1), "groups": 1}
    type = TensorType(DType.FLOAT32, shape)
    return Node(op, ("a", "b"), tuple({**attrs, **given}.items()), type, "out")


def test_equal_convolutions_have_one_plan(cudnn):
    library = Library()
    assert library.plan(wanted()) is library.plan(wanted())
    assert len(cudnn.graphs) == 1


def test_a_stream_is_told_once(cudnn):
    backend, shapes = asking(Library()), ((1, 2, 5, 5), (2, 2, 3, 3))
    for _ in range(2):
        [*three_sides(*(drawn(shape, "float32") for shape in shapes), LAST, backend)]
    assert cudnn.streams == [7]


def test_what_no_engine_takes_says_so(monkeypatch):
    cudnn = StandIn(refuses=lambda graph: True)
    monkeypatch.setitem(sys.modules, "cudnn", cudnn)
    library = Library()
    assert library.plan(wanted()) == Refused("has no plan: no engine takes this graph")
    library.plan(wanted())
    assert len(cudnn.graphs) == 1


def test_a_library_that_cannot_be_used_says_so(monkeypatch, cudnn):
    def broken() -> None:
        raise RuntimeError("cudaGetDeviceCount(&count)\n  != cudaSuccess")

    monkeypatch.setattr(plans, "missing", lambda: None)
    monkeypatch.setattr(cudnn, "create_handle", broken)
    found = plans.library.__wrapped__()
    assert found == Refused("cannot be used: cudaGetDeviceCount(&count) != cudaSuccess")
    monkeypatch.undo()
    if find_spec("cudnn") is None:
        assert plans.library.__wrapped__() is plans.MISSING


@pytest.mark.parametrize(
    ("op", "shapes", "dtypes", "given", "why"),
    [
        ("conv", [(2, 3, 4, 4), (1, 3, 2, 2), (2, 1, 3, 3)], ["int64"] * 3, {},
         "has no convolution of int64"),
        ("conv", [(2, 3, 4, 4), (1, 3, 2, 2), (2, 1, 3, 3)], ["float16", "float32", "float32"], {},
         "has no convolution of float16 and float32"),
        ("conv", [(0, 3, 4, 4), (1, 3, 2, 2), (0, 1, 3, 3)], ["float32"] * 3, {},
         "takes no array without elements"),
        ("conv_transpose", [(2, 3, 4, 4), (3, 1, 2, 2), (2, 1, 7, 7)], ["float32"] * 3,
         {"dilation": (3, 3)}, None),
        ("conv_transpose", [(2, 3, 4, 4), (3, 1, 2, 2), (2, 1, 8, 8)], ["float32"] * 3,
         {"dilation": (3, 3)}, "takes no output_padding beyond the last window"),
    ],
)  # fmt: skip
def test_what_it_does_not_compute_says_why(op, shapes, dtypes, given, why):
    arrays = [seen(np.empty(s, d)) for s, d in zip(shapes, dtypes, strict=True)]
    found = convolution(_node(op, shapes[-1], **given), arrays, False)
    assert (found == Refused(why)) if why else isinstance(found, Convolution)


def test_it_is_told_in_a_few_words():
    assert wanted().how == "forward, 3 x 3, 3 to 4 channels"
    grouped = _node("conv_weight_grad", (8, 2, 3), stride=(1,), dilation=(1,), padding=((1, 1),))
    arrays = [np.empty(s, np.float32) for s in ((2, 4, 9), (2, 8, 9), (8, 2, 3))]
    found = convolution(grouped, [seen(x) for x in arrays], False)
    assert isinstance(found, Convolution)
    assert found.how == "weight gradient, 1 x 3, 4 to 8 channels, 2 groups"
