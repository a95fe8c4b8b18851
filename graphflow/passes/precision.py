"""Mixed precision: casts to bfloat16 and back, put into a graph before it is differentiated.

Each operator belongs to one of three lists:

- *products* (``PRODUCTS``) read and give bfloat16, and add up in float32;
- what *follows* (``FOLLOWING``) keeps the type that it meets: activations, arithmetic, pooling,
  and whatever only moves numbers;
- everything else is computed in float32: exponentials and logarithms, sums and means, and so
  softmax, the statistics of norms, and losses.

Parameters, states and all that is fed stay float32. A cast's gradient is cast back, so that
backward has its cast points without a rule of its own: the gradient of a product is a product of
bfloat16, that of a parameter is float32.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from graphflow.ir.graph import LEAVES, Graph, Node
from graphflow.ir.types import DType, TensorType
from graphflow.ops.builder import Builder, Value
from graphflow.ops.op import OPS
from graphflow.passes.substitute import assembled, map_regions

NARROW, WIDE = DType.BFLOAT16, DType.FLOAT
PRODUCTS = frozenset({"matmul", "einsum", "addmm", "conv", "conv_transpose"})
FOLLOWING = frozenset({
    "add", "sub", "mul", "div", "neg", "abs", "maximum", "minimum", "relu", "sigmoid", "tanh",
    "where", "identity", "stop_gradient", "checkpoint", "by_mode", "item", "cast", "take",
    "take_along_axis", "max_pool", "max_pool_indices", "avg_pool", "adaptive_avg_pool",
    "adaptive_max_pool", "adaptive_max_pool_indices", "unfold", "equal", "not_equal", "less",
    "less_equal", "greater", "greater_equal",
    *(name for name, op in OPS.items() if op.family == "shape"),
})  # fmt: skip
STILL = frozenset({"reshape", "transpose", "broadcast_to", "expand_dims", "squeeze", "slice"})
"""What a parameter may go through and still be no more than parameters."""


def mixed(graph: Graph, keep: Collection[str] = ()) -> Graph:
    """``graph`` with its products in bfloat16, and casts where number types meet.

    Before: ``y = x @ w``. After: ``y = cast(x) @ cast(w)``, all three of them bfloat16. Outputs,
    new values of states and the nodes ``keep`` are float32 under their own names: what is shown,
    fed back or differentiated. Inside loops and branches it is the same; what is carried is
    float32.
    Nodes of other float types than the program's own stay as they are.

    >>> b = Builder()
    >>> x = b.input("x", TensorType(DType.FLOAT, (2, 3)))
    >>> w = b.leaf("parameter", "w", TensorType(DType.FLOAT, (3, 4)))
    >>> y = b.add("matmul", x, w, name="y")
    >>> after = mixed(b.graph(["y"]))
    >>> [(n.name, n.tensor.dtype) for n in after][2:]
    [('x.bfloat16', bfloat16), ('w.bfloat16', bfloat16), ('y.bfloat16', bfloat16), ('y', float)]
    """
    wide = {graph.resolve(name) for name in keep} | set(graph.roots())
    return _Mixed(graph, wide).made()


@dataclass(frozen=True)
class _How:
    """In which type operands of the program's float are read; whether the result is rounded."""

    dtype: DType
    rounded: bool = False


class _Mixed:
    """A graph that is built anew, node by node."""

    def __init__(self, graph: Graph, wide: set[str]) -> None:
        self.graph, self.wide = graph, wide
        self.builder = Builder()
        self.builder.aliases = {name: name for name in (*graph.nodes, *graph.aliases)}
        self.casts: dict[tuple[str, DType], Value] = {}
        self.weak: set[str] = set()
        """Parameters, constants, masks: they take the type of what they meet."""

    def made(self) -> Graph:
        """The whole graph; the one there was, where it has nothing to cast."""
        for node in self.graph:
            with self.builder.within(node.name, self.graph.origin(node.name)):
                self.take(map_regions(node, mixed))
            if self.is_weak(node):
                self.weak.add(node.name)
        nodes = self.builder.nodes
        if all(nodes[node.name] is node for node in self.graph):
            return self.graph
        return assembled(self.graph, nodes, {}, {**self.builder.origins, **self.graph.origins})

    def take(self, node: Node) -> None:
        """Append a node with its casts."""
        operands = [Value(self.builder, name) for name in node.inputs]
        how = self.how(node, operands)
        read = [self.cast(v, how.dtype) if _own_float(v) else v for v in operands]
        before = [self.graph.nodes[name].type for name in node.inputs]
        if [v.type for v in read] == before:
            same = tuple(v.name for v in read)
            made = node if same == node.inputs else replace(node, inputs=same)
        else:
            made = self.rebuilt(node, read)
        self.append(made, node.name, how)

    def rebuilt(self, node: Node, read: Sequence[Value]) -> Node:
        """The node with operands of other types."""
        made = self.builder.add(node.op, *read, **node.attributes()).node  # type: ignore[arg-type]
        self.builder.origins.pop(made.name)
        return self.builder.nodes.pop(made.name)

    def append(self, made: Node, name: str, how: _How) -> None:
        """The node under its name, or what becomes of it where its type is to be another one."""
        type = made.type
        dtype = type.dtype if isinstance(type, TensorType) else None
        if dtype is NARROW and name in self.wide:
            wanted = WIDE
        elif dtype is WIDE and how.rounded and name not in self.wide:
            wanted = NARROW
        else:
            self.builder.nodes[name] = replace(made, name=name) if made.name != name else made
            return
        assert dtype is not None
        first = Value(self.builder, self.builder.unique(f"{name}.{dtype}"))
        self.builder.nodes[first.name] = replace(made, name=first.name)
        self.builder.origins[first.name] = self.graph.origin(name)
        attrs = (("dtype", wanted),)
        self.builder.nodes[name] = Node("cast", (first.name,), attrs,
                                        made.tensor.with_dtype(wanted), name)  # fmt: skip
        self.casts[name, dtype] = first

    def cast(self, value: Value, dtype: DType) -> Value:
        """A value in another type, cast once for all that read it so."""
        if value.dtype is dtype:
            return value
        key = (value.name, dtype)
        if key not in self.casts:
            name = f"{value.name}.{dtype}"
            if value.is_number:
                made = self.builder.constant(value.node.attr("value"), dtype, name)
            else:
                made = self.builder.add("cast", value, dtype=dtype, name=name)
            self.casts[key] = made
        return self.casts[key]

    def how(self, node: Node, operands: Sequence[Value]) -> _How:
        """By which of the three lists a node is computed."""
        floats = [v for v in operands if isinstance(v.type, TensorType) and v.dtype.is_float]
        if node.regions or not all(map(_own_float, floats)):
            return _How(WIDE)
        if node.op in PRODUCTS:
            return _How(NARROW)
        meets = [v for v in floats if v.name not in self.weak]
        narrow = any(v.dtype is NARROW for v in floats)
        if node.op not in FOLLOWING or not narrow or any(v.dtype is WIDE for v in meets):
            return _How(WIDE)
        exact = all(_is_exact(v) for v in floats if v.node.op in ("constant", "full"))
        return _How(NARROW) if exact else _How(WIDE, rounded=True)

    def is_weak(self, node: Node) -> bool:
        """Whether a value is made of parameters and constants, or of zeros and ones, alone."""
        if node.op in LEAVES:
            return node.op == "parameter"
        if node.op == "cast":
            return self.graph.nodes[node.inputs[0]].tensor.dtype is DType.BOOL
        if node.op in ("constant", "full", "bernoulli"):
            return True
        return node.op in STILL and self.weak.issuperset(node.inputs)


def _own_float(value: Value) -> bool:
    """Whether a value is in the program's float or in what stands for it."""
    return isinstance(value.type, TensorType) and value.dtype in (NARROW, WIDE)


def _is_exact(value: Value) -> bool:
    """Whether bfloat16 holds a number that is written down."""
    number = value.node.attr("value")
    if not isinstance(number, bool | int | float):
        return False
    return float(np.asarray(number, NARROW.value)) == number
