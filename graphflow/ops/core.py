"""Operators of the graph itself: leaves, constants, picking results, changing number type."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.dims import Dim, Symbolic
from graphflow.ir.graph import LEAVES, ArrayLiteral, Attr, Graph
from graphflow.ir.types import DType, TensorType, TupleType, ValueType
from graphflow.ops.builder import F, Value, zeros_like
from graphflow.ops.op import Array, Namespace, Op, Sample, register


class Leaf(Op):
    """A value handed in from outside. Leaves have no forward: the runtime supplies them."""

    family = "leaf"

    def infer(self) -> ValueType:
        raise TypeError(f"'{self.name}' is made with Builder.leaf")

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return 0


@register
class Input(Leaf):
    """A value fed at each run."""


@register
class Parameter(Leaf):
    """A value that training changes."""


@register
class State(Leaf):
    """A value that survives from one step to the next and is set by ``updates``."""


@register
class Rng(Leaf):
    """The random key: the pair (seed, step). Every random operator reads it."""


@register
class Constant(Op):
    """A number, a size, or an array written into the graph.

    ``value`` is a number, a symbolic size (known once symbols are bound), nested tuples of numbers,
    or an array literal; ``dtype`` its number type.
    """

    latex = "{value}"

    def infer(self, *, value: Attr, dtype: DType) -> TensorType:
        if isinstance(value, ArrayLiteral):
            return TensorType(dtype, value.array.shape)
        if isinstance(value, tuple):
            try:
                return TensorType(dtype, np.shape(np.array(value)))
            except ValueError:
                fail("GF033", "a list of numbers must be rectangular: its rows differ in length")
        if dtype.is_integer and isinstance(value, int):
            _fits(value, dtype)
        return TensorType(dtype)

    def forward(self, xp: Namespace, *, value: Attr, dtype: DType) -> Array:
        if isinstance(value, Symbolic):
            fail("GF026", f"the size {value} is not known yet")
        given = value.array if isinstance(value, ArrayLiteral) else value
        with np.errstate(over="ignore"):  # beyond half precision lies infinity
            return xp.asarray(given, dtype=dtype.value)

    def vjp(self, g: Value, out: Value, **attrs: Attr) -> Sequence[Value | None]:
        return ()

    def jvp(self, *_: object, **attrs: Attr) -> Value | None:
        return None

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return 0


def _fits(value: int, dtype: DType) -> None:
    """Refuse a whole number that a type does not hold."""
    held = np.iinfo(dtype.value)
    if not held.min <= value <= held.max:
        fail(
            "GF033",
            f"the number {value} does not fit into {dtype}, which holds {held.min} to {held.max}",
            help="cast the array it meets to a wider type first: cast(x, int)",
        )


@register
class Item(Op):
    """One of the results of a node that has several: ``index`` counts from 0."""

    latex = "{x}_{{{index}}}"
    view = True

    def infer(self, x: TupleType, *, index: int) -> TensorType:
        return x.items[index]

    def forward(self, xp: Namespace, x: tuple[Array, ...], *, index: int) -> Array:
        return x[index]

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return 0


class PassThrough(Op):
    """Base of operators that hand their operand on."""

    view = True

    def infer(self, x: TensorType) -> TensorType:
        return x

    def forward(self, xp: Namespace, x: Array) -> Array:
        return x

    def vjp(self, g: Value, out: Value, x: Value) -> Sequence[Value | None]:
        return (g,)

    def jvp(self, out: Value, inputs: Sequence[Value], tangents: Sequence[Value]) -> Value | None:
        return tangents[0]

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return 0

    def samples(self) -> Iterator[Sample]:
        x = np.array([[1.5, -2.0], [0.0, 3.0]])
        yield Sample([x], expected=x)


@register
class Identity(PassThrough):
    """The operand itself. y = x: the local derivative is 1."""

    latex = "{x}"


@register
class StopGradient(PassThrough):
    """The operand itself, cut off from differentiation: its derivative counts as zero."""

    latex = r"\operatorname{{sg}}({x})"

    def vjp(self, g: Value, out: Value, x: Value) -> Sequence[Value | None]:
        return (None,)

    def jvp(self, *_: object) -> Value | None:
        return None

    def samples(self) -> Iterator[Sample]:
        x = np.array([1.5, -2.0])
        yield Sample([x], expected=x, differentiable=False)


@register
class Checkpoint(PassThrough):
    """The operand itself, marked as kept for backward: y = x, and the local derivative is 1.

    What lies before it, back to the checkpoints and leaves before that, is not kept: backward
    computes it again from there. Memory for time; the numbers are the same.
    ``through: [layer(8), checkpoint, layer(8), checkpoint]`` keeps one value a layer.
    Source: Chen et al. 2016, Training deep nets with sublinear memory cost.
    """

    latex = "{x}"


def before_checkpoints(graph: Graph) -> set[str]:
    """The forward values on the way into a checkpoint that nothing keeps for another reason."""
    kept = {n.name for n in graph if n.op in LEAVES or n.op == "checkpoint"}
    marks = [n.name for n in graph if n.op == "checkpoint"]
    reached = graph.needed_for(marks) if marks else set()
    return {n for n in reached - kept - set(graph.roots()) if graph.nodes[n].inputs}


@register
class Cast(Op):
    """The same numbers in another number type."""

    latex = "{x}"

    def infer(self, x: TensorType, *, dtype: DType) -> TensorType:
        if not isinstance(dtype, DType):
            fail("GF033", f"dtype is a number type, not {dtype!r}", help="cast(x, float)")
        return x.with_dtype(dtype)

    def forward(self, xp: Namespace, x: Array, *, dtype: DType) -> Array:
        return x.astype(dtype.value)

    def vjp(self, g: Value, out: Value, x: Value, *, dtype: DType) -> Sequence[Value | None]:
        return (g.cast(x.dtype) if x.dtype.is_float and dtype.is_float else None,)

    def jvp(
        self, out: Value, inputs: Sequence[Value], tangents: Sequence[Value], *, dtype: DType
    ) -> Value | None:
        return tangents[0].cast(dtype) if dtype.is_float else None

    def samples(self) -> Iterator[Sample]:
        yield Sample([np.array([0.0, 2.7])], {"dtype": DType.INT64}, np.array([0, 2]), False)
        yield Sample([np.array([0.5, -2.0])], {"dtype": DType.FLOAT}, np.array([0.5, -2.0]))


@register
class ByMode(Op):
    """``train`` while training, ``evaluation`` otherwise: a choice made when compiling.

    Written ``a if training else b`` in a file. Specialisation replaces it by the chosen operand,
    and the other one disappears with all that only it needs.
    """

    abstract = True
    latex = r"{train} \text{{ if training else }} {evaluation}"

    def infer(self, train: TensorType, evaluation: TensorType) -> TensorType:
        if train != evaluation:
            fail("GF030", f"training gives {train} but evaluation {evaluation}")
        return train

    def vjp(self, g: Value, out: Value, train: Value, evaluation: Value) -> Sequence[Value | None]:
        zero = zeros_like(g.builder, g.tensor)
        return F.by_mode(g, zero), F.by_mode(zero, g)

    def jvp(self, out: Value, inputs: Sequence[Value], tangents: Sequence[Value]) -> Value:
        return F.by_mode(*tangents)
