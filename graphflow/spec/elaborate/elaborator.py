"""The sections of a document that declare and compute: what all other sections are read against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from graphflow.diagnostics import GraphflowError, Mark, did_you_mean, fail
from graphflow.ir.graph import Graph, Origin
from graphflow.ir.types import TensorType, type_symbols
from graphflow.ops.builder import Builder, Value, broadcast_like
from graphflow.spec.document import InputDecl, LayerDecl
from graphflow.spec.elaborate.binding import bind
from graphflow.spec.elaborate.bound import (
    Bound,
    Function,
    Instance,
    Parts,
    Poison,
    Poisoned,
    is_number,
)
from graphflow.spec.elaborate.calltree import CallTree, settled
from graphflow.spec.elaborate.expressions import number_type
from graphflow.spec.elaborate.initial import Initials
from graphflow.spec.elaborate.places import Place, Slot
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.kinds import marked
from graphflow.spec.names import BY_NAME, listed
from graphflow.spec.patterns import brief, chosen, matching
from graphflow.spec.syntax import Call, Expr, Name

D = TypeVar("D")
T = TypeVar("T")


class Elaborator(Initials):
    """Elaborates what makes the graph. All other sections are functions that take an elaborator."""

    def compute(self) -> list[str]:
        """Declarations, nodes, updates; gives the nodes that ``outputs:`` names."""
        self.constants()
        scope = self.scope
        self.declarations(scope)
        self.counts = True
        for decl in self.document.nodes:
            self.node(decl, scope, Place(decl.names[0]))
        self.numbers(scope)
        self.attempt(lambda: self.document_updates(scope))
        outputs = self.output_names(scope)
        self.settle_layers()
        return outputs

    def result(self, outputs: Sequence[str]) -> tuple[Graph, CallTree]:
        """The graph, and the calls that made it."""
        builder, opened = self.root.builder, self.root.open[0]
        graph = leaves_first(builder.graph(outputs, {n: v.name for n, v in self.updates.items()}))
        opened.end = len(builder.nodes)
        return graph, settled(opened, builder, graph)

    def settle_layers(self) -> None:
        """Instances are frozen, and start from files, as their ``layers:`` entry says: parameters,
        and states of a fixed size, such as running statistics.
        """
        for layer, decl in self.document.layers.items():
            held = self.attempt(partial(self.held_by_file, layer, decl)) or ()
            for name in (n for n in self.leaves if n.startswith(f"{layer}.")):
                leaf = self.leaves[name]
                if decl.weights is not None and name in held:
                    leaf = replace(leaf, weights=decl.weights.file, mark=decl.weights.mark)
                self.leaves[name] = replace(leaf, trainable=leaf.trainable and decl.trainable)

    def held_by_file(self, layer: str, decl: LayerDecl) -> list[str]:
        """What of an instance starts from its weights file: parameters and running statistics."""
        if decl.weights is None:
            return []
        lasting = [n for n in self.leaves if n.startswith(f"{layer}.") and self.lasts(n)]
        names = {name.removeprefix(f"{layer}."): name for name in lasting}
        for patterns in (decl.weights.only, decl.weights.exclude):
            for pattern, mark in marked(patterns, decl.weights.mark):
                if not matching(names, pattern):
                    fail("GF041", f"'{layer}' has no parameter '{pattern}'", mark,
                         help=did_you_mean(pattern, names) or f"it has {brief(names)}")  # fmt: skip
        found = chosen(names, decl.weights.only, decl.weights.exclude)
        if names and not found:
            fail("GF041", f"'exclude' leaves nothing of '{layer}' to start from the file",
                 decl.weights.mark, help="let 'only' name more than 'exclude' does")  # fmt: skip
        return [names[n] for n in found]

    def lasts(self, name: str) -> bool:
        """Whether a leaf is part of what PyTorch calls the state dict: a parameter, or a state of
        real numbers and a fixed size that no epoch starts again.
        """
        leaf = self.leaves[name]
        return self.root.builder.nodes[name].op == "parameter" or (
            leaf.type.dtype.is_float and leaf.reset is None and not type_symbols(leaf.type)
        )

    def continued(self, builder: Builder) -> Elaborator:
        """An elaborator that goes on where this one ended, in ``builder`` (with gradients, say)."""
        following = Elaborator(self.document, self.module, self.library)
        following.max_nodes = self.max_nodes
        following.root.builder = builder
        following.leaves, following.symbols = dict(self.leaves), dict(self.symbols)
        for name, bound in self.scope.names.items():
            following.scope.names[name] = _moved(bound, builder)
        return following

    def constants(self) -> None:
        """``let`` values, each over earlier ones."""
        let = self.module.let
        for name, expr in self.document.let.items():
            self.declare(let, name, expr.mark, partial(self.static, expr, let, "a let value"))

    def declarations(self, scope: Scope) -> None:
        """Inputs, parameters, states and instances, in reading order."""
        document = self.document
        shapes = [
            *(d.shape for d in document.inputs.values()),
            *(d.shape for d in document.params.values()),
            *(d.shape for d in document.state.values()),
        ]
        for expr in (e for shape in shapes for e in shape):
            self.declare_symbols(expr, scope)
        for name, input in document.inputs.items():
            self.declare(scope, name, input.mark, partial(self.input, name, input, scope))
        for name, param in document.params.items():
            make = partial(self.parameters, name, param, scope, "in_out", Place(""))
            self.declare(scope, name, param.mark, make)
        for name, state in document.state.items():
            self.declare(scope, name, state.mark, partial(self.state, name, state, scope))
        for name, layer in document.layers.items():
            self.declare(scope, name, layer.mark, partial(self.instance, name, scope))

    def declare(self, scope: Scope, name: str, mark: Mark, make: Callable[[], Bound]) -> None:
        """Declare one name; what is wrong with it is kept, and poisons the name."""
        try:
            if scope is not self.module.let:
                self.check_name(name, mark, scope)
            scope.declare(name, make(), mark)
        except GraphflowError as error:
            self.report(GraphflowError(*(d.at(mark) for d in error.diagnostics)))
            scope.poison(name, mark)
        except Poisoned:
            scope.poison(name, mark)

    def input(self, name: str, decl: InputDecl, scope: Scope) -> Value:
        """A fed value; one with a default is an ordinary node that a feed may replace."""
        shape = self.shape(decl.shape, scope, declare=True)
        type = TensorType(self.dtype(decl.dtype, decl.mark), shape)
        builder = self.root.builder
        if decl.default is None:
            with builder.within("", Origin(decl.mark, name)):
                return builder.input(name, type)
        with self.at(name, context={"shape": type.shape}):
            value = self.default(name, type, decl.default, scope)
        self.alias(name, value)
        return value

    def default(self, name: str, type: TensorType, expr: Expr, scope: Scope) -> Value:
        """The value of an input that is not fed; a function alone fills the input's shape. A
        number takes any type and an input has one: it is handed on by a node of the input's own.
        """
        inner = Scope(scope)
        inner.names["shape"] = type.shape
        if isinstance(expr, Name) and self.function(expr.id, inner) is not None:
            expr = Call(expr.id, (Name("shape", expr.mark),), (), expr.mark)
        bound = self.evaluate(expr, inner, Slot(Place(name)))
        value = self.tensor(bound, expr.mark, type.dtype)
        if value.shape not in ((), type.shape):
            fail("GF030", f"'{name}' is {type} but its default is {value.type}",
                 expr.mark, help=f"write shape: {list(value.shape)}" + (
                     "; where a size is open, the default is one number or a function such as "
                     "normal" if type_symbols(type) else ""))  # fmt: skip
        builder = self.root.builder
        with builder.within(f"{name}.default", Origin(expr.mark, name)):
            filled = broadcast_like(value, type)
            if filled.is_number:
                filled = builder.add("identity", filled)
        if filled.name == value.name:
            return value
        builder.rename({name: f"{name}.default", filled.name: name})
        return builder.value(name)

    def input_types(self) -> dict[str, TensorType]:
        return {leaf.name: leaf.tensor for leaf in self.root.builder.graph().leaves("input")}

    def instance(self, name: str, scope: Scope) -> Instance:
        """A ``layers:`` entry: a call whose tensors are left out."""
        layer = self.document.layers[name]
        call = layer.call
        if not isinstance(call, Call):
            fail("GF013", f"'{name}' is a call of a layer or block", layer.mark,
                 help=f"such as '{name}: linear(10)'")  # fmt: skip
        function = self.function(call.function, scope)
        if function is None:
            self.unknown_function(call, scope)
        if function is None or function.block is None:
            fail(
                "GF021", f"'{call.function}' owns no parameters, so it needs no instance", call.mark
            )
        given = self.arguments(call, scope, Slot(Place(name), True))
        names = [a.name if a else BY_NAME for a in listed(function.block.args)]
        bind(call.function, names, replace(given, keywords={}))
        return Instance(name, function, tuple(given.positional), given.keywords, layer.mark)

    def document_updates(self, scope: Scope) -> None:
        """``updates:`` of the file: what states and parameters become after the step."""
        for name, expr in self.document.updates.items():
            if name not in self.leaves:
                fail("GF020", f"'{name}' is neither a state nor a parameter", expr.mark,
                     help="declare it under state:")  # fmt: skip
            with self.at(f"{name}.next"):
                value = self.evaluate(expr, scope, Slot(Place(f"{name}.next")))
                tensor = self.tensor(value, expr.mark, self.leaves[name].type.dtype)
            self.set_update(name, tensor, expr.mark)

    def numbers(self, scope: Scope) -> None:
        """Lines whose value is known at once are nodes too: they can be looked at and checked."""
        for decl in self.document.nodes:
            for name in decl.names:
                value = scope.names.get(name)
                if is_number(value) or isinstance(value, bool):
                    with self.at(name):
                        dtype = number_type(value, decl.mark)
                        self.emit("constant", [], Place(name), decl.mark, value=value, dtype=dtype)  # type: ignore[arg-type]

    def output_names(self, scope: Scope) -> list[str]:
        """The nodes that ``outputs:`` names."""
        found: list[str] = []
        for name, mark in marked(self.document.outputs, self.document.mark):

            def add(name: str = name, mark: Mark = mark) -> None:
                found.append(self.output(name, self.name(name, scope, mark), mark))

            self.attempt(add)
        return found

    def output(self, name: str, value: Bound, mark: Mark) -> str:
        """An output's node; a static value becomes a constant."""
        if isinstance(value, Parts):
            parts = ", ".join(f"{name}.{part}" for part in value.parts)
            fail("GF022", f"output '{name}' has several parts", mark, help=f"name them: {parts}")
        if isinstance(value, Function | Instance | Poison):
            fail("GF022", f"output '{name}' is not one value", mark)
        tensor = self.named_tensor(name, value, mark)
        self.alias(name, tensor)
        return tensor.name


def leaves_first(graph: Graph) -> Graph:
    """The graph with its inputs, parameters and states in front, in order of creation."""
    kinds = ("input", "parameter", "state", "rng")
    leaves = [leaf for kind in kinds for leaf in graph.leaves(kind)]
    return replace(graph, nodes={leaf.name: leaf for leaf in leaves} | dict(graph.nodes))


def _moved(bound: Bound, builder: Builder) -> Bound:
    """A bound name whose tensors are nodes of another builder's graph."""
    if isinstance(bound, Value):
        return Value(builder, bound.name)
    if isinstance(bound, Parts):
        return Parts(bound.name, {k: _moved(v, builder) for k, v in bound.parts.items()})
    if isinstance(bound, tuple):
        return tuple(_moved(item, builder) for item in bound)
    return bound
