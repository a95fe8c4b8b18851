"""Values of small graphs, and the arrays that are fed: what generated kernels are tried with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from graphflow.backends.cuda import fuses
from graphflow.ir.graph import Graph, Node
from graphflow.ir.types import DType, TensorType
from graphflow.ops import OPS, Builder, F, Value
from graphflow.ops.elementwise import Elementwise
from graphflow.ops.evaluate import run_node
from graphflow.passes import fuse

Sample = tuple[list[Value], list[np.ndarray]]
RNG = np.random.default_rng(0)
SHAPES = [(1, 1), (1, 7), (7, 1), (3, 5), (17, 33), (300, 128), (5000, 1), (5, 2000), (9, 9001)]
"""One point, one row, one column, odd sizes, sizes made of fours, rows for a block of threads."""
WIDE = [(17, 33), (5, 2000)]
"""What float64 is tried with."""


def drawn(*shape: int, dtype: str = "float32") -> np.ndarray:
    return RNG.normal(size=shape).astype(dtype)


def inputs(*arrays: np.ndarray) -> list[Value]:
    """An input of a new graph for each array."""
    b = Builder()
    return [b.input(f"x{i}", type_of(x)) for i, x in enumerate(arrays)]


def type_of(x: np.ndarray) -> TensorType:
    return TensorType(DType(x.dtype.name), x.shape)


def chain(shape: tuple[int, ...], dtype: str) -> Sample:
    """A row, a column and a number beside a matrix."""
    shapes = (shape, shape[1:], (shape[0], 1), ())
    arrays = [drawn(*s, dtype=dtype) for s in shapes]
    x, bias, scale, number = inputs(*arrays)
    return [F.relu((x + bias) * scale - number) * 2 + F.abs(x)], arrays


def columns(shape: tuple[int, ...], dtype: str) -> Sample:
    """Reductions over columns, rows and all."""
    arrays = [drawn(*shape, dtype=dtype), drawn(*shape, dtype=dtype)]
    x, y = inputs(*arrays)
    z = x * y + 1
    reduced = [F.sum(z, axis=0), F.mean(z), F.max(z, axis=0), F.min(z), F.mean(z, axis=1)]
    return [z, *reduced], arrays


def rows(shape: tuple[int, ...], dtype: str) -> Sample:
    """Softmax, what normalises rows, and sums over rows of both."""
    arrays = [drawn(*shape, dtype=dtype) * 3, drawn(shape[1], dtype=dtype)]
    x, weight = inputs(*arrays)
    e = F.exp(x - F.max(x, axis=1, keepdims=True))
    p = e / F.sum(e, axis=1, keepdims=True)
    centred = x - F.mean(x, axis=1, keepdims=True)
    n = centred / F.sqrt(F.var(x, axis=1, keepdims=True) + 1e-5)
    top = F.logsumexp(x, axis=1, keepdims=True)
    return [p, e, n * weight, top, F.sum(p * n, axis=0), F.mean(top), F.sum(n * n)], arrays


def labels(shape: tuple[int, ...], dtype: str) -> Sample:
    """The loss of a classifier and its gradient, by positions within rows."""
    arrays = [drawn(*shape, dtype=dtype), RNG.integers(0, shape[1], (shape[0], 1)),
              drawn(shape[0], 1, dtype=dtype)]  # fmt: skip
    x, label, g = inputs(*arrays)
    log_p = x - F.logsumexp(x, axis=1, keepdims=True)
    hit = F.take_along_axis(log_p, label, axis=1, negative=False)
    spread = F.scatter_add_along_axis(g, label, size=shape[1], axis=1)
    back = F.exp(log_p) + spread
    return [hit * 2, F.mean(hit), back, F.sum(back, axis=0)], arrays


def images(shape: tuple[int, ...], dtype: str) -> Sample:
    """Channels of images: what batch normalisation does, forward and backward."""
    last_channel = drawn(shape[0], *shape[2:], shape[1], dtype=dtype)
    arrays = [np.moveaxis(last_channel, -1, 1), drawn(shape[1], 1, 1, dtype=dtype),
              drawn(1, shape[1], 1, 1, dtype=dtype), drawn(*shape, dtype=dtype)]  # fmt: skip
    x, bias, scale, other = inputs(*arrays)
    z = F.relu((x + bias) * scale) + other
    return [z, F.sum(z, axis=(0, 2, 3)), F.mean(z * x, axis=(0, 2, 3), keepdims=True)], arrays


def strided(kind: int) -> Sample:
    """Operands turned, reversed, with gaps, and repeated."""
    x = drawn(60, 72)
    wide = np.zeros((60, 144), x.dtype)
    wide[:, ::2] = x
    seen = [x, np.asfortranarray(x), x[::-1], x[:, ::-1], wide[:, ::2], wide[:, 1:73],
            np.broadcast_to(x[:1], x.shape), np.broadcast_to(x[:, :1], x.shape)]  # fmt: skip
    arrays = [seen[kind], drawn(60, 72)]
    x, y = inputs(*arrays)
    return [F.tanh(x) * y, F.sum(x + y, axis=0)], arrays


def specials() -> Sample:
    """nan and infinities."""
    x = drawn(40, 30)
    x[3, 4], x[5, 6], x[7, 8] = np.nan, np.inf, -np.inf
    arrays = [x, drawn(40, 30)]
    a, b = inputs(*arrays)
    top = F.max(a, axis=1, keepdims=True)
    z = F.maximum(a, b) + F.minimum(a * 2, b)
    return [z, F.where(F.isfinite(a), a - top, b), F.max(z, axis=0), F.sum(z, axis=0)], arrays


def whole_numbers() -> Sample:
    """Integers, which wrap around, and truths."""
    least = np.iinfo(np.int64).min
    bytes = np.arange(-600, 600).astype(np.int8).reshape(30, 40)
    arrays = [RNG.integers(-5, 5, (30, 40)), RNG.integers(0, 2, (30, 40)).astype(bool),
              drawn(30, 40), np.full(40, least), bytes]  # fmt: skip
    n, t, x, low, small = inputs(*arrays)
    chosen = F.where(F.logical_and(t, F.greater(n, n.like(0))), n, -n)
    sums = [F.sum(t, axis=0), F.sum(n, axis=1)]
    return [chosen, *sums, F.sign(n) * F.abs(n), n.cast(x.dtype) * x, F.abs(n + low) * n,
            small * small + small, t.cast(n.dtype) - n], arrays  # fmt: skip


def mixed(shape: tuple[int, ...]) -> Sample:
    """bfloat16 beside float32, as in mixed precision: casts, a softmax, the gradient of a bias."""
    arrays = [drawn(*shape, dtype="bfloat16"), drawn(shape[1], dtype="bfloat16"), drawn(*shape)]
    x, bias, wide = inputs(*arrays)
    y = F.relu(x + bias) / x.like(3.0)
    e = F.exp(y.cast(DType.FLOAT32) + wide)
    p = (e / F.sum(e, axis=1, keepdims=True)).cast(DType.BFLOAT16)
    top = F.max(p, axis=1, keepdims=True)
    again = p.cast(DType.FLOAT32) * wide
    return [p, F.sum(p * x, axis=0), F.sum(y, axis=1), top * x, again], arrays


def operator(name: str, dtype: str) -> Sample:
    """One elementwise operator, by its own definition."""
    op = OPS[name]
    assert isinstance(op, Elementwise)
    arrays = [RNG.uniform(*op.domain, (9, 300)).astype(dtype) for _ in op.operands]
    values = inputs(*arrays)
    return [values[0].builder.add(name, *values)], arrays


def lying(x: np.ndarray) -> tuple[int, ...]:
    """The strides that a kernel may be given for an array, in elements."""
    return tuple(abs(stride) // x.itemsize for stride in x.strides)


def fused(values: Sequence[Value]) -> Graph:
    """The values' graph with its groups as nodes."""
    return fuse(values[0].builder.graph([v.name for v in values]), fuses)


def operands(graph: Graph, arrays: Sequence[np.ndarray]) -> Iterator[tuple[Node, list[np.ndarray]]]:
    """Every fused node of a graph, with what it reads when the graph is fed ``arrays``."""
    values: dict[str, object] = {f"x{i}": x for i, x in enumerate(arrays)}
    for node in graph:
        if node.op == "input":
            continue
        given = [values[name] for name in node.inputs]
        if node.op == "fused":
            yield node, given  # type: ignore[misc]
        values[node.name] = run_node(node, given)  # type: ignore[arg-type]


def forwards(node: Node, given: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The results of a fused node by the forwards of its region."""
    found = run_node(node, list(given))
    return list(found) if isinstance(found, tuple) else [found]


def close(got: np.ndarray, wanted: np.ndarray) -> None:
    """Equal to rounding: of sums in another order, and of functions of C to a few ulps."""
    if got.dtype.name == "bfloat16":
        got, wanted = got.astype(np.float32), wanted.astype(np.float32)
        bound = 2**-8
    elif got.dtype.kind != "f":
        np.testing.assert_array_equal(got, wanted)
        return
    else:
        bound = {"float32": 1e-5, "float64": 1e-13}[got.dtype.name]
    finite = wanted[np.isfinite(wanted)]
    scale = float(np.max(np.abs(finite))) if finite.size else 1.0
    np.testing.assert_allclose(got, wanted, rtol=bound, atol=bound * scale)


OPERATORS = (
    "add", "sub", "mul", "div", "maximum", "minimum", "neg", "abs", "sign", "floor", "ceil",
    "trunc", "round", "exp", "expm1", "log", "log1p", "sqrt", "tanh", "sigmoid", "relu", "erf",
    "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_not", "isnan",
    "isinf", "isfinite", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh",
    "asinh", "acosh", "atanh",
)  # fmt: skip
NARROW = ("add", "sub", "mul", "div", "maximum", "minimum", "neg", "abs", "relu", "sigmoid", "tanh",
          "exp", "erf", "less", "isnan", "sin")  # fmt: skip
"""Operators that are tried with bfloat16."""
BOTH = ("float32", "float64")
MANY = [shape for shape in SHAPES if 1 not in shape]
Make = Callable[[], Sample]


def _named() -> Iterator[tuple[str, Make]]:
    for dtype in BOTH:
        for make, shapes in ((chain, SHAPES), (columns, MANY), (rows, MANY), (labels, MANY),
                             (images, [(2, 3, 4, 5), (32, 16, 7, 8), (1, 8, 1, 5)])):  # fmt: skip
            for shape in shapes:
                label = "x".join(map(str, shape))
                if dtype == "float32" or shape in WIDE or make is images:
                    made = partial(make, shape, dtype)
                    yield f"{make.__name__}-{label}-{dtype}", made
        for name in OPERATORS:
            yield f"{name}-{dtype}", partial(operator, name, dtype)
    for make in (chain, columns, images):
        for shape in [(2, 3, 4, 5)] if make is images else WIDE:
            yield f"{make.__name__}-{'x'.join(map(str, shape))}-bfloat16", partial(
                make, shape, "bfloat16"
            )
    for shape in [(17, 33), (300, 128), (5, 2000)]:
        yield f"mixed-{'x'.join(map(str, shape))}", partial(mixed, shape)
    for name in NARROW:
        yield f"{name}-bfloat16", partial(operator, name, "bfloat16")
    for kind in range(8):
        yield f"strided-{kind}", partial(strided, kind)
    yield "specials", specials
    yield "whole_numbers", whole_numbers


SAMPLES: dict[str, Make] = dict(_named())
"""By name; each is drawn anew when it is asked for."""
