"""How parameters and states start: a graph of its own.

Each leaf's ``init:`` becomes nodes of the *initial graph*, named after the leaf. Initialisers see
``shape``, ``fan_in`` and ``fan_out`` of what they fill; an input's name takes what is fed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from graphflow.diagnostics import Diagnostic, GraphflowError, Mark, Note, fail
from graphflow.ir.dims import Dim, product
from graphflow.ir.graph import Graph, Origin
from graphflow.ir.types import TensorType, type_symbols
from graphflow.ops.builder import Value, broadcast_like
from graphflow.ops.op import OPS
from graphflow.spec.elaborate.binding import Arguments
from graphflow.spec.elaborate.bound import Bound, Function, Partial
from graphflow.spec.elaborate.leaves import Leaf
from graphflow.spec.elaborate.loops import Loops
from graphflow.spec.elaborate.places import Place, Slot
from graphflow.spec.elaborate.regions import Region
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.syntax import Expr, Name


class Initials(Loops):
    """Elaborates the initial values, in order of creation of the leaves."""

    def initial_graph(
        self, inputs: Mapping[str, TensorType], leaves: Sequence[Leaf] | None = None
    ) -> Graph:
        """The graph that gives leaves (all by default) their first values, in their order."""
        main, self.regions = self.regions, [Region()]
        self.fed = inputs
        outputs = []
        try:
            for leaf in self.leaves.values() if leaves is None else leaves:
                before = len(self.errors)
                value = self.attempt(partial(self.initial, leaf))
                if value is not None:
                    outputs.append(value.name)
                found, self.errors = self.errors[before:], self.errors[:before]
                if found:
                    self.report(GraphflowError(*(self.placed(d, leaf) for d in found)))
            return self.builder.graph(outputs)
        finally:
            self.regions = main

    def initial(self, leaf: Leaf) -> Value:
        """The node that computes one leaf's first value, called like the leaf."""
        scope = Scope(leaf.initial.scope)
        fan_in, fan_out = fans(leaf.type.shape, leaf.initial.layout)
        context: dict[str, Bound] = {
            "shape": leaf.type.shape, "fan_in": fan_in, "fan_out": fan_out,
        }  # fmt: skip
        scope.names.update(context)
        expr, mark = leaf.initial.expr, self.mark_of(leaf)
        with self.at(leaf.name, context=context):
            value = self.initial_value(expr, scope, Slot(Place(leaf.name)), mark)
            tensor = self.local(self.tensor(value, mark, leaf.type.dtype))
        if tensor.shape not in ((), leaf.type.shape):
            fail("GF030", f"'{leaf.name}' is {leaf.type} but its initial value is {tensor.type}",
                 mark)  # fmt: skip
        with self.builder.within(f"{leaf.name}.start", Origin(leaf.mark, leaf.name)):
            filled = broadcast_like(tensor, leaf.type)
        if leaf.name in self.builder.nodes and filled.name != leaf.name:
            self.builder.rename({leaf.name: f"{leaf.name}.first", filled.name: leaf.name})
            return self.builder.value(leaf.name)
        if filled.name != leaf.name:
            self.builder.aliases.setdefault(leaf.name, filled.name)
        return filled

    def placed(self, diagnostic: Diagnostic, leaf: Leaf) -> Diagnostic:
        """What is wrong with a first value, in the user's file, and what it is the value of."""
        mark = self.mark_of(leaf)
        module = leaf.initial.scope.module
        elsewhere = mark and diagnostic.mark and diagnostic.mark.file != mark.file
        inside = elsewhere and module is not None and module.library
        found = replace(diagnostic, mark=mark) if inside else diagnostic.at(mark)
        if not type_symbols(leaf.type):
            return found
        sized = Note(f"'{leaf.name}' is {leaf.type}", leaf.mark)
        return replace(found, notes=(*found.notes, sized))

    def mark_of(self, leaf: Leaf) -> Mark | None:
        """Where a wrong first value is mended: its line, or the user's call of a layer."""
        module = leaf.initial.scope.module
        created = self.root.builder.origins.get(leaf.name)
        inside = module is not None and module.library and created is not None
        return created.mark if inside and created else leaf.initial.expr.mark

    def initial_value(self, expr: Expr, scope: Scope, slot: Slot, mark: Mark | None) -> Bound:
        """An initialiser by name or call, an input, or any expression."""
        if isinstance(expr, Name) and expr.id in self.fed:
            return self.fed_input(expr.id)
        value = self.evaluate(expr, scope, slot)
        if isinstance(value, Partial):
            inner = Scope(value.scope)
            inner.names.update(self.context)
            value = self.evaluate(value.expr, inner, slot)
        if isinstance(value, Function):
            return self.apply(value, Arguments([], {}, {}, mark or expr.mark), slot)
        return value

    def fed_input(self, name: str) -> Value:
        """An input that an initial value copies: it must be fed when training starts."""
        if name in self.builder.nodes:
            return self.builder.value(name)
        return self.builder.input(name, self.fed[name])

    def call_op(self, name: str, arguments: Arguments, slot: Slot) -> Bound:
        """Inside an initialiser, operators that fill a shape take the leaf's own by default."""
        if "shape" in self.context and _fills(name) and not _has_shape(arguments):
            keywords = {"shape": self.context["shape"], **arguments.keywords}
            names = [a for a in OPS[name].arguments if a not in ("rng", "stream", "shape")]
            keywords |= dict(zip(names, arguments.positional, strict=False))
            arguments = Arguments([], keywords, arguments.marks, arguments.mark)
        return super().call_op(name, arguments, slot)


def _fills(name: str) -> bool:
    """Operators without tensor operands whose attribute ``shape`` says what to fill."""
    op = OPS[name]
    return "shape" in op.attributes and not [o for o in op.operands if o != "rng"]


def _has_shape(arguments: Arguments) -> bool:
    first = arguments.positional[0] if arguments.positional else None
    return "shape" in arguments.keywords or isinstance(first, tuple)


def fans(shape: tuple[Dim, ...], layout: str) -> tuple[Dim, Dim]:
    """Fan in and fan out: how many numbers feed one result, and how many results one number feeds.

    Layers, and convolution kernels anywhere, keep PyTorch's (out, in / groups, *kernel); a raw
    matrix is (in, out), since it multiplies from the right.

    >>> fans((6, 3, 5, 5), "in_out"), fans((784, 10), "in_out")
    ((75, 150), (784, 10))
    """
    if not shape:
        return 1, 1
    if len(shape) == 1:
        return shape[0], shape[0]
    field = product(shape[2:])
    first, second = shape[0] * field, shape[1] * field
    return (second, first) if layout == "out_in" or len(shape) > 2 else (first, second)
