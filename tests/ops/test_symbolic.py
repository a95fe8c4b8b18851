"""Shape rules with sizes that are still symbols: they must agree with the concrete ones."""

from __future__ import annotations

import numpy as np
import pytest

from graphflow.autodiff import reverse
from graphflow.diagnostics import GraphflowError
from graphflow.ir.dims import Dim, Symbolic, bind, symbol
from graphflow.ir.graph import Attr, Graph
from graphflow.ir.types import DType, TensorType, bind_type
from graphflow.ops import OPS, Builder, F, Value

B, T, N = symbol("B"), symbol("T"), symbol("N")
SIZES = {"B": 4, "T": 6, "N": 9}
ALL = ("slice", None, None, None)

CALLS = [
    ("sum", [(B, T)], {"axis": 1}, (B,)),
    ("mean", [(B, T)], {}, ()),
    ("max", [(B, T, 3)], {"axis": (0, 2), "keepdims": True}, (1, T, 1)),
    ("reshape", [(B, 8)], {"shape": (-1, 4)}, (2 * B, 4)),
    ("reshape", [(B, T, 3)], {"shape": (B * T, -1)}, (B * T, 3)),
    ("reshape", [(B, T)], {"shape": -1}, (B * T,)),
    ("rearrange", [(B, T, 12)], {"pattern": "b t (h e) -> b h t e", "sizes": (("h", 3),)},
     (B, 3, T, 4)),
    ("rearrange", [(B, 3 * T)], {"pattern": "b (t c) -> (b t) c", "sizes": (("c", 3),)},
     (B * T, 3)),
    ("concat", [(B, T), (B, 3)], {"axis": 1}, (B, T + 3)),
    ("stack", [(B, T)] * 2, {"axis": -1}, (B, T, 2)),
    ("tile", [(B,)], {"reps": (2, T)}, (2, B * T)),
    ("repeat", [(B, T)], {"repeats": 3, "axis": 0}, (3 * B, T)),
    ("slice", [(B, T)], {"index": (ALL, ("slice", 1, None, None))}, (B, T - 1)),
    ("slice", [(B, T)], {"index": (ALL, ("slice", None, -1, None))}, (B, T - 1)),
    ("slice", [(B, T)], {"index": (("ellipsis",), ("slice", -2, None, None))}, (B, 2)),
    ("slice", [(B, T)], {"index": (ALL, ("slice", None, None, -1))}, (B, T)),
    ("slice", [(B, 2 * T)], {"index": (ALL, ("slice", None, None, 2))}, (B, T)),
    ("slice", [(B, T)], {"index": (("index", -1), ("newaxis",))}, (1, T)),
    ("pad", [(B, T)], {"pad_width": ((0, 0), (1, T))}, (B, 2 * T + 1)),
    ("broadcast_to", [(T,)], {"shape": (B, T)}, (B, T)),
    ("matmul", [(B, 1, T, 3), (N, 3, T)], {}, (B, N, T, T)),
    ("einsum", [(B, T, 3), (B, 3)], {"subscripts": "bti,bi->bt"}, (B, T)),
    ("take", [(N, 8), (B, T)], {}, (B, T, 8)),
    ("one_hot", [(B,)], {"classes": N}, (B, N)),
    ("arange", [], {"start": T}, (T,)),
    ("arange", [], {"start": 1, "stop": 2 * T + 1, "step": 2}, (T,)),
    ("eye", [], {"n": N}, (N, N)),
    ("conv", [(B, 3, T, T), (8, 3, 3, 3)], {"padding": 1}, (B, 8, T, T)),
    ("conv", [(B, 3, 2 * T), (8, 3, 2)], {"stride": 2}, (B, 8, T)),
    ("conv", [(B, 3, T), (8, 3, 3)], {"stride": 2, "padding": 1}, (B, 8, (T + 1) // 2)),
    ("conv_transpose", [(B, 3, T), (3, 8, 4)], {"stride": 2, "padding": 1}, (B, 8, 2 * T)),
    ("max_pool", [(B, 3, T, T)], {"kernel_size": 3, "stride": 2, "padding": 1},
     (B, 3, (T + 1) // 2, (T + 1) // 2)),
    ("avg_pool", [(B, 3, 2 * T)], {"kernel_size": 2}, (B, 3, T)),
    ("avg_pool", [(B, 3, N)], {"kernel_size": 2, "ceil_mode": True}, (B, 3, (N + 1) // 2)),
    ("adaptive_avg_pool", [(B, 3, T, N)], {"output_size": 1}, (B, 3, 1, 1)),
    ("diag", [(N, N)], {}, (N,)),
    ("topk", [(B, N)], {"k": 2}, (B, 2)),
]  # fmt: skip


def build(op: str, shapes: list[tuple[Dim, ...]], attrs: dict[str, Attr]) -> tuple[Graph, str]:
    builder = Builder()
    whole = {"take": 1, "one_hot": 0}
    operands = []
    for i, shape in enumerate(shapes):
        dtype = DType.INT64 if whole.get(op) == i else DType.FLOAT64
        operands.append(builder.input(f"x{i}", TensorType(dtype, shape)))
    out = builder.add(op, *operands, **attrs)
    return builder.graph([out.name]), out.name


@pytest.mark.parametrize(("op", "shapes", "attrs", "expected"), CALLS)
def test_shape(
    op: str, shapes: list[tuple[Dim, ...]], attrs: dict[str, Attr], expected: tuple[Dim, ...]
) -> None:
    graph, out = build(op, shapes, attrs)
    type = graph[out].type
    first = type if isinstance(type, TensorType) else type.items[0]
    assert first.shape == expected


@pytest.mark.parametrize(("op", "shapes", "attrs", "expected"), CALLS)
def test_binding_symbols_gives_what_known_sizes_give(
    op: str, shapes: list[tuple[Dim, ...]], attrs: dict[str, Attr], expected: tuple[Dim, ...]
) -> None:
    graph, out = build(op, shapes, attrs)
    assert_same_when_bound(graph, [out])


DIFFERENTIABLE = [c for c in CALLS if OPS[c[0]].differentiable and c[1] and c[0] != "one_hot"]


@pytest.mark.parametrize(("op", "shapes", "attrs", "expected"), DIFFERENTIABLE)
def test_derivatives_keep_symbols(
    op: str, shapes: list[tuple[Dim, ...]], attrs: dict[str, Attr], expected: tuple[Dim, ...]
) -> None:
    """First and second derivatives build, and their sizes come out right."""
    graph, out = build(op, shapes, attrs)
    builder = Builder(graph)
    value = Value(builder, out)
    value = value if isinstance(value.type, TensorType) else value.item(0)
    once = total(value, "once")
    graph = reverse(builder.graph(), once.name, ["x0"])
    builder = Builder(graph)
    gradient = builder.value(graph.gradients["once", "x0"])
    twice = total(gradient * gradient, "twice")
    graph = reverse(builder.graph(), twice.name, ["x0"])
    assert graph[graph.gradients["twice", "x0"]].tensor.shape == shapes[0]
    assert_same_when_bound(graph, list(graph.nodes))


def total(value: Value, name: str) -> Value:
    """The sum of squares, so that the derivative is not constant."""
    return value.builder.add("sum", value * value, name=name)


def assert_same_when_bound(graph: Graph, names: list[str]) -> None:
    """Inference on known sizes gives the symbolic types with symbols replaced."""
    for name in names:
        node = graph[name]
        wanted = bind_type(node.type, SIZES, DType.FLOAT64)
        if node.op == "input":
            continue
        types = [bind_type(graph[n].type, SIZES, DType.FLOAT64) for n in node.inputs]
        attrs = {k: bound(v) for k, v in node.attrs}
        found = OPS[node.op].infer(*types, **attrs)
        assert bind_type(found, SIZES, DType.FLOAT64) == wanted, node
        ones = [np.ones(t.shape, t.dtype.value) for t in types if isinstance(t, TensorType)]
        if len(ones) == len(types):  # the forward agrees as well
            value = OPS[node.op].forward(np, *ones, **attrs)
            first = value[0] if isinstance(value, tuple) else value
            assert np.shape(first) == (
                wanted.shape if isinstance(wanted, TensorType) else wanted.items[0].shape
            )


def bound(value: Attr) -> Attr:
    if isinstance(value, Symbolic):
        return bind(value, SIZES)
    if isinstance(value, tuple):
        return tuple(bound(v) for v in value)
    return DType.FLOAT64 if value is DType.FLOAT else value


UNDECIDED = [
    ("squeeze", [(B, 3)], {"axis": 0}),
    ("concat", [(B, 3), (T, 3)], {"axis": 1}),
    ("reshape", [(B, 3)], {"shape": (T, 3)}),
    ("matmul", [(3, B), (T, 3)], {}),
    ("broadcast_to", [(B,)], {"shape": (3, T)}),
    ("einsum", [(B, 3), (T, 3)], {"subscripts": "ij,ij->i"}),
    ("diag", [(B, T)], {}),
    ("qr", [(B, T)], {}),
    ("stack", [(B,), (T,)], {}),
]  # fmt: skip


@pytest.mark.parametrize(("op", "shapes", "attrs"), UNDECIDED)
def test_different_symbols_are_different_sizes(
    op: str, shapes: list[tuple[Dim, ...]], attrs: dict[str, Attr]
) -> None:
    with pytest.raises(GraphflowError) as caught:
        build(op, shapes, attrs)
    assert caught.value.diagnostics[0].code == "GF030"


def test_a_size_can_be_a_number() -> None:
    builder = Builder()
    x = builder.input("x", TensorType(DType.FLOAT, (B, T)))
    scaled = F.mean(x) * T
    assert scaled.type == TensorType(DType.FLOAT)


