"""Building graphs: a growing list of nodes, and values that combine like numbers.

:class:`Builder` is the only way nodes come into being: it brings attributes into their stored
form, infers types, inserts visible casts, and gives every node a name and an origin.
:class:`Value` overloads arithmetic so that a derivative rule reads like mathematics.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.dims import Dim, Shape, Symbolic
from graphflow.ir.graph import ArrayLiteral, Attr, Graph, Node, Origin
from graphflow.ir.types import DType, TensorType, ValueType, promote, tensors
from graphflow.ops.op import OPS, Attrs, Op

Scalar = bool | int | float | Symbolic
MOST_AXES = 64
"""Axes that an array of NumPy may have."""


class Builder:
    """Appends nodes to a graph under construction.

    >>> b = Builder()
    >>> x = b.input("x", TensorType(DType.FLOAT, (3,)))
    >>> (x * 2 + 1).type
    float[3]
    """

    def __init__(self, graph: Graph | None = None) -> None:
        self.nodes: dict[str, Node] = dict(graph.nodes) if graph else {}
        self.origins: dict[str, Origin] = dict(graph.origins) if graph else {}
        self.aliases: dict[str, str] = dict(graph.aliases) if graph else {}
        self.reads: dict[str, tuple[str, ...]] = {}
        """The operands of nodes that read one by its alias, as they are read."""
        self._counts: dict[str, int] = {}
        self._key = next((leaf.name for leaf in graph.leaves("rng")), None) if graph else None
        self.scope = ""
        self.origin = Origin()

    # -- leaves ------------------------------------------------------------------------------
    def leaf(self, op: str, name: str, type: TensorType, **attrs: Attr) -> Value:
        """A node whose value comes from outside: ``op`` is one of ir.graph.LEAVES."""
        return self._append(Node(op, (), tuple(attrs.items()), type, self.unique(name)))

    def input(self, name: str, type: TensorType) -> Value:
        """A fed value."""
        return self.leaf("input", name, type)

    def rng(self, name: str = "rng") -> Value:
        """The random key of this graph: (seed, step), created when first asked for."""
        if self._key is None:
            self._key = self.leaf("rng", name, TensorType(DType.INT64, (2,))).name
        return Value(self, self._key)

    def constant(self, value: Attr | np.ndarray, dtype: DType, name: str | None = None) -> Value:
        """A number, a size that is known once symbols are bound, or an array."""
        if isinstance(value, np.ndarray):
            value = ArrayLiteral(value) if value.ndim else value.item()
        return self.add("constant", name=name, value=value, dtype=dtype)

    # -- operators ---------------------------------------------------------------------------
    def add(self, op_name: str, *inputs: Value, name: str | None = None, **attrs: Attr) -> Value:
        """Append ``op_name(*inputs, **attrs)``; its type is inferred, its attributes completed."""
        op = OPS[op_name]
        operands = self._promoted(op, inputs)
        types = [v.type for v in operands]
        complete = self._attributes(op, attrs)
        name = self.unique(name or self._scoped(op_name))
        if op.random and not complete["stream"]:
            complete["stream"] = name
        complete = op.canonical(types, complete)
        type = op.infer(*types, **complete)
        if any(t.ndim > MOST_AXES for t in tensors(type)):
            fail("GF030", f"{op_name} would give an array with more than {MOST_AXES} axes")
        if any(v.alias for v in operands):
            self.reads[name] = tuple(v.reader for v in operands)
        return self._append(
            Node(op_name, tuple(v.name for v in operands), tuple(complete.items()), type, name)
        )

    def unique(self, name: str) -> str:
        """``name``, or ``name2``, ``name3``, ... when it is taken."""
        if name not in self.nodes and name not in self.aliases:
            return name
        count = self._counts.get(name, 1)
        while True:
            count += 1
            candidate = f"{name}{count}"
            if candidate not in self.nodes and candidate not in self.aliases:
                self._counts[name] = count
                return candidate

    def rename(self, names: Mapping[str, str]) -> None:
        """Give nodes other names; a value of an old name has none from now on."""
        now = {old: names.get(old, old) for old in self.nodes}
        self.nodes = {
            now[name]: replace(node, name=now[name], inputs=tuple(now[i] for i in node.inputs))
            for name, node in self.nodes.items()
        }
        self.origins = {now[name]: origin for name, origin in self.origins.items()}
        self.aliases = {alias: now[name] for alias, name in self.aliases.items()}
        self.reads = {
            now.get(name, name): tuple(now.get(i, i) for i in read)
            for name, read in self.reads.items()
        }

    @contextmanager
    def within(self, scope: str, origin: Origin | None = None) -> Iterator[None]:
        """Unnamed nodes are named after ``scope`` and carry ``origin`` inside this block."""
        saved = self.scope, self.origin
        self.scope, self.origin = scope, origin or self.origin
        try:
            yield
        finally:
            self.scope, self.origin = saved

    def value(self, name: str) -> Value:
        """The handle of a node that exists, by its name or an alias of it."""
        return Value(self, name if name in self.nodes else self.aliases[name])

    def graph(self, outputs: Sequence[str] = (), updates: Mapping[str, str] | None = None) -> Graph:
        """The graph built so far."""
        return Graph(
            dict(self.nodes), tuple(outputs), dict(updates or {}), dict(self.aliases),
            dict(self.origins),
        )  # fmt: skip

    # -- inside ------------------------------------------------------------------------------
    def _append(self, node: Node) -> Value:
        self.nodes[node.name] = node
        self.origins[node.name] = replace(self.origin, path=self.origin.path or node.name)
        return Value(self, node.name)

    def _scoped(self, op_name: str) -> str:
        return f"{self.scope}.{op_name}" if self.scope else op_name

    def _attributes(self, op: Op, given: Attrs) -> Attrs:
        unknown = given.keys() - op.attributes.keys()
        if unknown:
            raise TypeError(f"{op.name} has no attribute {sorted(unknown)}")
        complete: Attrs = {}
        for name, parameter in op.attributes.items():
            value = given.get(name, parameter.default)
            if value is parameter.empty:
                raise TypeError(f"{op.name} needs '{name}'")
            complete[name] = frozen(value)
        return complete

    def _promoted(self, op: Op, inputs: Sequence[Value]) -> list[Value]:
        """Operands with the casts that the operator's number-type rule asks for."""
        operands = list(inputs)
        if op.floats:
            operands = [v if v.dtype.is_float else v.cast(DType.FLOAT) for v in operands]
        if op.promotes is not None:
            chosen = range(len(operands)) if op.promotes == "all" else op.promotes
            common = promote(*(operands[i].dtype for i in chosen))
            for i in chosen:
                operands[i] = operands[i].cast(common)
        return operands


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A node of a graph under construction. Arithmetic on values appends nodes."""

    builder: Builder
    name: str
    alias: str = ""
    """A further name of the node, by which a call reads it."""

    @property
    def reader(self) -> str:
        """The name by which the node is read."""
        return self.alias or self.name

    @property
    def node(self) -> Node:
        return self.builder.nodes[self.name]

    @property
    def type(self) -> ValueType:
        return self.node.type

    @property
    def tensor(self) -> TensorType:
        """The type of a value that is one array."""
        return self.node.tensor

    @property
    def shape(self) -> Shape:
        return self.tensor.shape

    @property
    def dtype(self) -> DType:
        return self.tensor.dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> Dim:
        return self.tensor.size

    @property
    def is_number(self) -> bool:
        """Whether it is one number, written down."""
        node = self.node
        return node.op == "constant" and not isinstance(node.attr("value"), ArrayLiteral | tuple)

    def item(self, index: int, name: str | None = None) -> Value:
        """One result of a node with several."""
        return self.builder.add("item", self, index=index, name=name)

    def cast(self, dtype: DType) -> Value:
        """This value in another number type; itself when it has that type already.

        A number constant takes the type directly: constants are weak.
        """
        if self.dtype is dtype:
            return self
        if self.is_number:
            return self.builder.constant(self.node.attr("value"), dtype)
        return self.builder.add("cast", self, dtype=dtype)

    def like(self, number: Scalar) -> Value:
        """``number`` as a constant of this value's type (of float type where it must be)."""
        weak = isinstance(number, float) and not self.dtype.is_float
        return self.builder.constant(number, DType.FLOAT if weak else self.dtype)

    def __add__(self, other: Value | Scalar) -> Value:
        return self._binary("add", other)

    def __radd__(self, other: Scalar) -> Value:
        return self._binary("add", other, swap=True)

    def __sub__(self, other: Value | Scalar) -> Value:
        return self._binary("sub", other)

    def __rsub__(self, other: Scalar) -> Value:
        return self._binary("sub", other, swap=True)

    def __mul__(self, other: Value | Scalar) -> Value:
        return self._binary("mul", other)

    def __rmul__(self, other: Scalar) -> Value:
        return self._binary("mul", other, swap=True)

    def __truediv__(self, other: Value | Scalar) -> Value:
        return self._binary("div", other)

    def __rtruediv__(self, other: Scalar) -> Value:
        return self._binary("div", other, swap=True)

    def __pow__(self, other: Value | Scalar) -> Value:
        return self._binary("pow", other)

    def __matmul__(self, other: Value) -> Value:
        return self.builder.add("matmul", self, other)

    def __neg__(self) -> Value:
        return self.builder.add("neg", self)

    def _binary(self, op: str, other: Value | Scalar, swap: bool = False) -> Value:
        right = other if isinstance(other, Value) else self.like(other)
        return self.builder.add(op, right, self) if swap else self.builder.add(op, self, right)


class Functions:
    """Every operator as a function of values: ``F.sum(g, axis=0)`` appends a ``sum`` node."""

    def __getattr__(self, op_name: str) -> _Emit:
        if op_name not in OPS:
            raise AttributeError(f"no operator '{op_name}'")
        return _Emit(op_name)


@dataclass(frozen=True, slots=True)
class _Emit:
    op_name: str

    def __call__(self, *inputs: Value, **attrs: Attr) -> Value:
        if not inputs:
            fail("GF022", f"{self.op_name} is built without an operand; use Builder.add")
        return inputs[0].builder.add(self.op_name, *inputs, name=None, **attrs)


F = Functions()


def frozen(value: object) -> Attr:
    """An attribute in hashable form: lists become tuples, arrays literals."""
    if isinstance(value, list | tuple):
        return tuple(frozen(v) for v in value)
    if isinstance(value, np.ndarray):
        return ArrayLiteral(value)
    if isinstance(value, np.generic):
        return frozen(value.item())
    if value is None or isinstance(
        value, bool | int | float | str | Symbolic | DType | ArrayLiteral | Graph
    ):
        return value
    raise TypeError(f"{value!r} cannot be an attribute")


def unbroadcast(g: Value, to: TensorType) -> Value:
    """``g`` summed over the axes along which ``to`` was stretched: the adjoint of broadcasting."""
    if g.shape == to.shape:
        return g.cast(to.dtype)
    extra = g.ndim - to.ndim
    stretched = [
        axis
        for axis in range(g.ndim)
        if axis < extra or (to.shape[axis - extra] == 1 and g.shape[axis] != 1)
    ]
    if stretched:
        g = F.sum(g, axis=tuple(stretched), keepdims=extra == 0)
    if g.shape != to.shape:
        g = F.reshape(g, shape=to.shape)
    return g.cast(to.dtype)


def broadcast_like(value: Value, to: TensorType) -> Value:
    """``value`` stretched to the shape of ``to`` and cast to its number type."""
    value = value.cast(to.dtype)
    return value if value.shape == to.shape else F.broadcast_to(value, shape=to.shape)


def zeros_like(builder: Builder, type: TensorType) -> Value:
    """Zeros of a type."""
    return builder.add("full", shape=type.shape, value=0, dtype=type.dtype)
