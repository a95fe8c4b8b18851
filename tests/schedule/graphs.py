"""Graphs for tests of plans and of the executor: random ones, and loops with their gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from graphflow.autodiff import reverse as derive
from graphflow.ir.dims import product
from graphflow.ir.graph import LEAVES, Graph
from graphflow.ir.types import DType, TensorType
from graphflow.ops import Builder, F, Value

REAL = DType.FLOAT64


def tensor(*shape: int, dtype: DType = REAL) -> TensorType:
    return TensorType(dtype, shape)


@st.composite
def graphs(draw: st.DrawFn, updates: bool = False) -> Graph:
    """Chains of views, elementwise operators, products and reductions that read each other."""
    b = Builder()
    sizes = st.integers(1, 3)
    shapes = [tuple(draw(sizes) for _ in range(draw(st.integers(0, 3)))) for _ in range(3)]
    values = [b.leaf("parameter", f"p{i}", tensor(*shape)) for i, shape in enumerate(shapes)]
    leaves = list(values)
    for _ in range(draw(st.integers(1, 14))):
        value = values[draw(st.integers(0, len(values) - 1))]
        made = _STEPS[draw(st.sampled_from(sorted(_STEPS)))](draw, value, values)
        values.append(made)
    chosen = draw(st.lists(st.sampled_from(values), min_size=1, max_size=3))
    following = {}
    for leaf in leaves if updates else ():
        fitting = [v for v in values if v.type == leaf.type]
        following[leaf.name] = draw(st.sampled_from(fitting)).name
    return b.graph([v.name for v in chosen], following)


def _axes(draw: st.DrawFn, value: Value) -> tuple[int, ...]:
    return tuple(draw(st.permutations(range(value.ndim))))


def _reshaped(draw: st.DrawFn, value: Value, _: list[Value]) -> Value:
    size = product(value.shape)
    first = draw(st.sampled_from([n for n in range(1, size + 1) if size % n == 0]))
    return F.reshape(
        value, shape=draw(st.sampled_from([(size,), (first, size // first), (1, size)]))
    )


def _sliced(draw: st.DrawFn, value: Value, _: list[Value]) -> Value:
    kinds = [("index", 0), ("slice", 0, None, 1), ("slice", None, None, -1), ("slice", 0, 1, 1)]
    entries = [draw(st.sampled_from(kinds)) for _ in range(value.ndim)]
    return F.slice(value, index=tuple(entries))


def _stretched(draw: st.DrawFn, value: Value, _: list[Value]) -> Value:
    return F.broadcast_to(value, shape=(draw(st.integers(1, 3)), *value.shape))


def _combined(draw: st.DrawFn, value: Value, values: list[Value]) -> Value:
    fitting = [v for v in values if v.shape in (value.shape, ())]
    op = draw(st.sampled_from(["add", "sub", "mul", "maximum", "where"]))
    other = draw(st.sampled_from(fitting))
    if op == "where":
        return F.where(F.greater(value, other), other, value)
    return value.builder.add(op, value, other)


def _mapped(draw: st.DrawFn, value: Value, _: list[Value]) -> Value:
    return value.builder.add(draw(st.sampled_from(["tanh", "sigmoid", "neg", "relu"])), value)


def _multiplied(draw: st.DrawFn, value: Value, _: list[Value]) -> Value:
    if value.ndim < 2:
        return F.exp(-(value * value))
    order = (*range(value.ndim - 2), value.ndim - 1, value.ndim - 2)
    return value @ F.transpose(value, axes=order)


_STEPS: dict[str, Callable[[st.DrawFn, Value, list[Value]], Value]] = {
    "transpose": lambda draw, v, _: F.transpose(v, axes=_axes(draw, v)),
    "reshape": _reshaped,
    "slice": _sliced,
    "broadcast_to": _stretched,
    "binary": _combined,
    "unary": _mapped,
    "unary again": _mapped,
    "matmul": _multiplied,
    "sum": lambda draw, v, _: F.sum(v, axis=0) if v.ndim else F.stop_gradient(v),
    "constant": lambda draw, v, _: v * F.broadcast_to(v.like(0.5), shape=v.shape),
    "split": lambda draw, v, _: F.split(v, sections=v.shape[0], axis=0).item(0) if v.ndim else -v,
}


def leaf_values(graph: Graph, seed: int = 0) -> dict[str, np.ndarray]:
    """Arrays for every leaf of a concrete graph: reals around 0, whole numbers 0 and 1."""
    draw = np.random.default_rng(seed)
    found = {}
    for node in graph:
        if node.op == "rng":
            found[node.name] = np.array([seed, 1])
        elif node.op in LEAVES:
            shape, dtype = node.tensor.shape, node.tensor.dtype
            drawn = draw.normal(size=shape) if dtype.is_float else draw.integers(0, 2, shape)
            found[node.name] = drawn.astype(dtype.value)
    return found


def recurrence(length: int, reverse: bool = False, width: int = 3) -> Graph:
    """h <- tanh(h W + x_t), total <- total + sum h, every h collected; W is captured."""
    inside = Builder()
    h, total = inside.input("h", tensor(width)), inside.input("total", tensor())
    x, w = inside.input("x", tensor(width)), inside.input("w", tensor(width, width))
    following = F.tanh(h @ w + x)
    body = inside.graph([following.name, (total + F.sum(following)).name, following.name])
    b = Builder()
    start, zero = b.leaf("parameter", "h0", tensor(width)), b.constant(0.0, REAL)
    xs, weight = (
        b.input("xs", tensor(length, width)),
        b.leaf("parameter", "W", tensor(width, width)),
    )
    out = F.scan(
        start, zero, xs, F.transpose(weight),
        body=body, carries=2, sequences=1, length=length, reverse=reverse,
    )  # fmt: skip
    last, sums, states = (out.item(i) for i in range(3))
    loss = F.sum(last) + sums * F.sum(states)
    return b.graph([loss.name, last.name, states.name])


def scanned(step: Graph, length: int, reverse: bool) -> Graph:
    """A step with updates as the body of a scan: its parameters are carries."""
    leaves = step.leaves("parameter")
    inside = step.map_nodes(lambda n: replace(n, op="input") if n.op == "parameter" else n)
    following = [step.updates[leaf.name] for leaf in leaves]
    body = Graph(inside.nodes, (*following, *step.outputs))
    b = Builder()
    starts = [b.leaf("parameter", leaf.name, leaf.tensor) for leaf in leaves]
    carries = len(leaves)
    out = F.scan(
        *starts, body=body, carries=carries, sequences=0, length=length, reverse=reverse
    )  # fmt: skip
    return b.graph([out.item(i).name for i in range(len(body.outputs))])


def with_gradients(graph: Graph) -> Graph:
    """The sum of the outputs, and its gradients by all parameters that it depends on."""
    b = Builder(graph)
    total = b.constant(0.0, REAL)
    for name in graph.outputs:
        total = total + F.sum(F.sin(b.value(name)))
    loss = b.graph([total.name], graph.updates)
    reached = loss.needed_for([total.name])
    wanted = [leaf.name for leaf in loss.leaves("parameter") if leaf.name in reached]
    derived = derive(loss, total.name, wanted)
    gradients = {derived.gradients[total.name, name] for name in wanted}
    return replace(derived, outputs=(total.name, *sorted(gradients)))
