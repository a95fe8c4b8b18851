"""Random graphs for hypothesis: every rule has something to bite on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st

from graphflow.ir import DType, Graph, TensorType
from graphflow.ops import Builder, F, Value

NUMBERS = [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, -4.0, 3.0, float("nan"), float("inf")]
SHAPES = [(2, 3), (3,), (), (1, 3)]
UNARY = ["neg", "abs", "relu", "floor", "sign", "identity", "stop_gradient", "sqrt", "round"]
BINARY = ["add", "sub", "mul", "div", "maximum", "minimum", "pow"]
COMPARISONS = ["less", "equal", "not_equal", "greater_equal"]
F32 = DType.FLOAT32


class Drawing:
    """Appends random nodes to a builder; ``pool`` holds what they may read."""

    def __init__(self, draw: st.DrawFn, builder: Builder, pool: list[Value], depth: int) -> None:
        self.draw, self.builder, self.pool, self.depth = draw, builder, pool, depth

    def steps(self, most: int) -> None:
        kinds: list[Callable[[], Value]] = [
            self.number, self.fill, self.unary, self.unary, self.binary, self.binary,
            self.reduce, self.reshape, self.turn, self.stretch, self.where, self.convert, self.same,
            self.part,
        ]  # fmt: skip
        if self.depth:
            kinds += [self.scan, self.cond]
        for _ in range(self.draw(st.integers(1, most))):
            self.pool.append(self.draw(st.sampled_from(kinds))())

    def pick(self, *, ndim: int | None = None, dtype: DType = F32) -> Value:
        """A value to read, preferably a late one; one is made where there is none."""
        fitting = [v for v in self.pool if v.dtype is dtype and ndim in (None, v.ndim)]
        if not fitting:
            return self.builder.add("full", shape=(2, 3)[: ndim or 0], value=2, dtype=dtype)
        return fitting[-1 - self.draw(st.integers(0, len(fitting) - 1))]

    def partner(self, x: Value) -> Value:
        """A value that broadcasts with ``x`` without making it larger."""
        fitting = [v for v in self.pool if v.dtype is x.dtype and v.shape in (x.shape, ())]
        return self.draw(st.sampled_from(fitting)) if fitting else x

    def number(self) -> Value:
        return self.builder.constant(self.draw(st.sampled_from(NUMBERS)), F32)

    def fill(self) -> Value:
        shape = self.draw(st.sampled_from(SHAPES))
        value = self.draw(st.sampled_from(NUMBERS[:8]))
        return self.builder.add("full", shape=shape, value=value, dtype=F32)

    def unary(self) -> Value:
        return self.builder.add(self.draw(st.sampled_from(UNARY)), self.pick())

    def binary(self) -> Value:
        x = self.pick()
        pair = [x, self.partner(x)]
        if self.draw(st.booleans()):
            pair.reverse()
        return self.builder.add(self.draw(st.sampled_from(BINARY)), *pair)

    def same(self) -> Value:
        """A copy of an earlier node, for common subexpressions."""
        node = self.pick().node
        if node.op in ("input", "parameter", "rng", "item"):
            return self.unary()
        inputs = [Value(self.builder, name) for name in node.inputs]
        return self.builder.add(node.op, *inputs, **node.attributes())

    def reduce(self) -> Value:
        x = self.pick()
        axis = self.draw(st.sampled_from([None, (), *((a,) for a in range(x.ndim))]))
        op = self.draw(st.sampled_from(["sum", "max", "min"]))
        return self.builder.add(op, x, axis=axis, keepdims=self.draw(st.booleans()))

    def reshape(self) -> Value:
        x = self.pick()
        size = int(np.prod(x.shape))  # type: ignore[arg-type]
        shapes = [(-1,), x.shape, (1, size), (*x.shape, 1), (3, -1) if size % 3 == 0 else (-1,)]
        return F.reshape(x, shape=self.draw(st.sampled_from(shapes)))

    def turn(self) -> Value:
        x = self.pick()
        if self.draw(st.booleans()):
            return F.flip(x, axis=self.draw(st.sampled_from([(), *range(x.ndim)])))
        return F.transpose(x, axes=tuple(self.draw(st.permutations(range(x.ndim)))))

    def stretch(self) -> Value:
        x = self.pick()
        rows = self.draw(st.integers(1, 2))
        return F.broadcast_to(x, shape=(rows, *x.shape)) if x.ndim < 2 else self.unary()

    def part(self) -> Value:
        x = self.pick()
        if not x.ndim:
            return x
        whole = ("slice", None, None, None)
        entry = self.draw(st.sampled_from([whole, ("index", -1), ("slice", None, None, -1)]))
        return F.slice(x, index=(entry,))

    def where(self) -> Value:
        x = self.pick()
        op = self.draw(st.sampled_from(COMPARISONS))
        condition = self.builder.add(op, x, self.partner(x))
        if self.draw(st.booleans()):
            condition = F.logical_not(condition)
        return F.where(condition, x, self.partner(x))

    def convert(self) -> Value:
        x = self.pick().cast(self.draw(st.sampled_from([DType.FLOAT64, F32])))
        return x.cast(F32)

    def region(self, inputs: list[Value]) -> tuple[Builder, Drawing]:
        inside = Builder()
        leaves = [inside.input(f"in{i}", v.tensor) for i, v in enumerate(inputs)]
        drawing = Drawing(self.draw, inside, leaves, self.depth - 1)
        drawing.steps(5)
        return inside, drawing

    def scan(self) -> Value:
        start, unused, captured = self.pick(ndim=0), self.pick(ndim=0), self.pick()
        sequence = self.pick(ndim=2)
        length = sequence.shape[0]
        element = sequence.tensor.with_shape(sequence.shape[1:])
        inside = Builder()
        types = [start.tensor, unused.tensor, element, captured.tensor, captured.tensor]
        leaves = [inside.input(f"in{i}", t) for i, t in enumerate(types)]
        drawing = Drawing(self.draw, inside, leaves, self.depth - 1)
        drawing.steps(6)
        after = [F.sum(drawing.pick()) for _ in range(2)]
        collected = [drawing.pick() for _ in range(2)]
        out = self.builder.add(
            "scan", start, unused, sequence, captured, captured,
            body=inside.graph([v.name for v in (*after, *collected)]),
            carries=2, sequences=1, length=length, reverse=self.draw(st.booleans()),
        )  # fmt: skip
        return out.item(self.draw(st.integers(0, 3)))

    def cond(self) -> Value:
        captured = [self.pick(), self.pick()]
        flag = F.less(self.pick(ndim=0), self.pick(ndim=0))
        branches = []
        for _ in range(2):
            inside, drawing = self.region(captured)
            results = [F.sum(drawing.pick()), F.max(drawing.pick())]
            branches.append(inside.graph([v.name for v in results]))
        out = self.builder.add("cond", flag, *captured, then=branches[0], orelse=branches[1])
        return out.item(self.draw(st.integers(0, 1)))


@st.composite
def graphs(draw: st.DrawFn, depth: int = 2, most: int = 14) -> Graph:
    """A graph over inputs x (2, 3), y (3) and s (), a parameter w (3), and the random key."""
    b = Builder()
    pool = [b.input("x", TensorType(F32, (2, 3))), b.input("y", TensorType(F32, (3,)))]
    pool += [b.input("s", TensorType(F32)), b.leaf("parameter", "w", TensorType(F32, (3,)))]
    pool.append(b.add("uniform", b.rng(), shape=(2, 3), dtype=F32))
    drawing = Drawing(draw, b, pool, depth)
    drawing.steps(most)
    outputs = [*pool[-4:], draw(st.sampled_from(pool))]
    fitting = [v.name for v in pool if v.tensor == TensorType(F32, (3,))]
    updates = {"w": draw(st.sampled_from(fitting))} if draw(st.booleans()) else {}
    return b.graph([v.name for v in outputs], updates)


@st.composite
def leaves(draw: st.DrawFn) -> dict[str, np.ndarray]:
    """Values for the leaves of such a graph, special ones among them."""
    numbers = st.sampled_from([*NUMBERS, 0.25, -2.5, 1e-45, 3e38, float("-inf")])
    shapes: dict[str, tuple[int, ...]] = {"x": (2, 3), "y": (3,), "s": (), "w": (3,)}
    found = {}
    for name, shape in shapes.items():
        size = int(np.prod(shape))
        values = draw(st.lists(numbers, min_size=size, max_size=size))
        found[name] = np.array(values, np.float32).reshape(shape)
    return found | {"rng": np.array([3, 1])}
