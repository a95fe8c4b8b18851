"""From a document to a graph: names resolved, blocks instantiated, shapes inferred.

One elaboration serves every mode, number type and size: the graph is symbolic, its float type is
open, and ``a if training else b`` stays a choice until a program is compiled. All errors of a file
are found in one go.

The layers, each adding one construct: session -> expressions -> calls -> blocks -> nodes -> loops
-> initial -> this file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import TypeVar

from graphflow.diagnostics import GraphflowError, Mark, fail
from graphflow.ir.graph import Graph, Origin
from graphflow.ir.types import TensorType
from graphflow.library import files
from graphflow.ops.builder import Builder, Value
from graphflow.spec.document import BlockDecl, Document, InputDecl, Pipeline, read_document
from graphflow.spec.elaborate.bound import Bound, Function, Instance, Parts, Poison, Poisoned
from graphflow.spec.elaborate.feeding import DataPlan, Feeds
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.elaborate.session import Leaf, Module, Place, Slot
from graphflow.spec.elaborate.training import Group, Objective, Training, TurnPlan
from graphflow.spec.syntax import Call, Name
from graphflow.spec.yaml12 import read, read_file

__all__ = [
    "DataPlan",
    "Elaborated",
    "Elaborator",
    "Group",
    "Objective",
    "Training",
    "TurnPlan",
    "elaborate",
    "library_module",
]

T = TypeVar("T")


@dataclass(frozen=True)
class Elaborated:
    """What a document means.

    ``graph`` is the whole computation; ``initial`` gives each leaf its first value (outputs in the
    order of ``leaves``).
    """

    document: Document
    graph: Graph
    initial: Graph
    leaves: Mapping[str, Leaf]
    instances: Mapping[str, tuple[str, ...]]
    training: Training | None
    data: DataPlan | None
    session: Elaborator

    @property
    def rename(self) -> dict[str, str]:
        """Names in weights files: names here."""
        layers = self.document.layers.values()
        return {**self.document.rename, **{k: v for d in layers for k, v in d.rename.items()}}

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters, in order of creation."""
        return tuple(n for n in self.leaves if self.graph.nodes[n].op == "parameter")

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the states, in order of creation."""
        return tuple(n for n in self.leaves if self.graph.nodes[n].op == "state")


class Elaborator(Feeds):
    """Elaborates a whole document."""

    def run(self) -> Elaborated:
        self.constants()
        scope = Scope(self.module.let)
        self.declarations(scope)
        for decl in self.document.nodes:
            self.node(decl, scope, Place(decl.names[0]))
        self.scope = scope
        self.attempt(lambda: self.document_updates(scope))
        outputs = self.output_names(scope)
        self.settle_layers()
        train = self.document.train
        training = None
        if train is not None:
            training = self.attempt(lambda: self.training(train, scope))
        data = self.document.data
        plan = None if data is None else self.attempt(lambda: self.data(data, scope))
        initial = self.initial_graph(self.input_types())
        if self.errors:
            raise GraphflowError(*sorted(self.errors, key=_position))
        graph = self.root.builder.graph(outputs, {n: v.name for n, v in self.updates.items()})
        graph = leaves_first(graph)
        instances = {n: tuple(self.owned_by(n)) for n in self.document.layers}
        return Elaborated(
            self.document,
            graph,
            initial,
            dict(self.leaves),
            instances,
            training,
            plan,
            self,
        )

    def settle_layers(self) -> None:
        """Instances are frozen, and start from files, as their ``layers:`` entry says."""
        for layer, decl in self.document.layers.items():
            for name in self.owned_by(layer):
                leaf = self.leaves[name]
                trainable = leaf.trainable and decl.trainable
                self.leaves[name] = replace(leaf, trainable=trainable, weights=decl.weights)

    def continued(self, graph: Graph) -> Elaborator:
        """An elaborator that goes on where this one ended, on ``graph`` (with gradients, say)."""
        following = Elaborator(self.document, self.module, self.library)
        following.root.builder = Builder(graph)
        following.leaves, following.symbols = dict(self.leaves), dict(self.symbols)
        scope = Scope(self.module.let)
        for name, bound in self.scope.names.items():
            scope.names[name] = _moved(bound, following.root.builder)
        following.scope = scope
        return following

    def attempt(self, action: Callable[[], T]) -> T | None:
        """Run one part; keep its errors and go on."""
        try:
            return action()
        except GraphflowError as error:
            self.report(error)
        except Poisoned:
            pass
        return None

    def constants(self) -> None:
        """``let`` values, each over earlier ones."""
        let = self.module.let
        for name, expr in self.document.let.items():
            with self.declaring(let, name, expr.mark):
                let.declare(name, self.static(expr, let, "a let value"), expr.mark)

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
        for name, declared in document.inputs.items():
            with self.declaring(scope, name, declared.mark):
                scope.declare(name, self.input(name, declared, scope), declared.mark)
        for name, param in document.params.items():
            with self.declaring(scope, name, param.mark):
                scope.declare(name, self.parameter(name, param, scope, "in_out"), param.mark)
        for name, state in document.state.items():
            with self.declaring(scope, name, state.mark):
                scope.declare(name, self.state(name, state, scope), state.mark)
        for name, layer in document.layers.items():
            with self.declaring(scope, name, layer.mark):
                scope.declare(name, self.instance(name, scope), layer.mark)

    @contextmanager
    def declaring(self, scope: Scope, name: str, mark: Mark) -> Iterator[None]:
        """Declare one name in this block; a broken declaration is kept and poisons the name."""
        try:
            if scope is not self.module.let:
                self.check_name(name, mark, scope)
            yield
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
        self.node_path = name
        inner = Scope(scope)
        inner.names["shape"] = shape
        expr = decl.default
        if isinstance(expr, Name) and self.function(expr.id, inner) is not None:
            expr = Call(expr.id, (Name("shape", expr.mark),), (), expr.mark)
        value = self.tensor(self.evaluate(expr, inner, Slot(Place(name))), decl.mark, type.dtype)
        if value.shape not in ((), shape):
            fail("GF030", f"'{name}' is {type} but its default is {value.type}", expr.mark)
        if value.tensor != type:
            value = self.emit(
                "broadcast_to", [value.cast(type.dtype)], Place(name), decl.mark, shape=shape
            )
        self.alias(name, value)
        return value

    def input_types(self) -> dict[str, TensorType]:
        return {leaf.name: leaf.tensor for leaf in self.root.builder.graph().leaves("input")}

    def instance(self, name: str, scope: Scope) -> Instance:
        """A ``layers:`` entry: a call whose tensors are left out."""
        layer = self.document.layers[name]
        call = layer.call
        assert isinstance(call, Call)
        function = self.function(call.function, scope)
        if function is None:
            self.unknown_function(call, scope)
        if function is None or function.block is None:
            fail(
                "GF021", f"'{call.function}' owns no parameters, so it needs no instance", call.mark
            )
        given = self.arguments(call, scope, Slot(Place(name), True))
        return Instance(name, function, tuple(given.positional), given.keywords, layer.mark)

    def document_updates(self, scope: Scope) -> None:
        """``updates:`` of the file: what states and parameters become after the step."""
        for name, expr in self.document.updates.items():
            if name not in self.leaves:
                fail("GF020", f"'{name}' is neither a state nor a parameter", expr.mark,
                     help="declare it under state:")  # fmt: skip
            self.node_path = f"{name}.next"
            value = self.evaluate(expr, scope, Slot(Place(f"{name}.next")))
            self.set_update(
                name, self.tensor(value, expr.mark, self.leaves[name].type.dtype), expr.mark
            )

    def output_names(self, scope: Scope) -> list[str]:
        """The nodes that ``outputs:`` names."""
        found: list[str] = []
        for name in self.document.outputs:

            def add(name: str = name) -> None:
                value = self.name(name, scope, self.document.mark)
                found.append(self.output(name, value))

            self.attempt(add)
        return found

    def output(self, name: str, value: Bound) -> str:
        """An output's node; a static value becomes a constant."""
        if isinstance(value, Parts | Function | Instance | Poison):
            fail("GF022", f"output '{name}' is not one value", self.document.mark)
        tensor = self.tensor(value, self.document.mark)
        self.alias(name, tensor)
        return tensor.name


def leaves_first(graph: Graph) -> Graph:
    """The graph with its inputs, parameters and states in front, in order of creation."""
    kinds = ("input", "parameter", "state", "rng")
    leaves = [leaf for kind in kinds for leaf in graph.leaves(kind)]
    return replace(graph, nodes={leaf.name: leaf for leaf in leaves} | dict(graph.nodes))


def elaborate(document: Document, folder: Path | None = None) -> Elaborated:
    """The graph of a document. ``folder`` is where ``use:`` looks for files.

    Raises one GraphflowError with every error of the file.
    """
    module = _module(document, folder, ())
    return Elaborator(document, module, library_module()).run()


def _module(document: Document, folder: Path | None, above: tuple[Path, ...]) -> Module:
    """The names of a file, with the files it uses."""
    module = Module(document.blocks, Scope(), called=called_functions(document))
    module.let.module = module
    uses = {}
    for alias, path in document.use.items():
        if folder is None:
            fail("GF001", "'use:' needs a file on disk to look beside", path.mark)
        target = (folder / str(path.value)).resolve()
        if not target.is_relative_to(_project(folder, above)):
            fail("GF001", f"'{path.value}' lies outside the project's folder", path.mark)
        if target in above:
            fail("GF001", f"'{path.value}' uses itself", path.mark)
        _, tree = read_file(target)
        used = read_document(tree, blocks_only=True)
        uses[alias] = _module(used, target.parent, (*above, target))
        constants = Elaborator(used, uses[alias], library_module())
        constants.constants()
        if constants.errors:
            raise GraphflowError(*constants.errors)
    module.uses = uses
    return module


def called_functions(part: object) -> frozenset[str]:
    """The names that any expression inside ``part`` of a document calls or pipes through."""
    found: set[str] = set()
    stack = [part]
    while stack:
        item = stack.pop()
        if isinstance(item, Call):
            found.add(item.function)
        if isinstance(item, Pipeline):
            found.update(step.id for step in item.through if isinstance(step, Name))
        if isinstance(item, Mapping):
            stack.extend(item.values())
        elif isinstance(item, tuple):
            stack.extend(item)
        elif is_dataclass(item):
            stack.extend(getattr(item, f.name) for f in fields(item) if f.name != "mark")
    return frozenset(found)


def _project(folder: Path, above: tuple[Path, ...]) -> Path:
    """The folder a file's ``use:`` may reach into: that of the first file, or its gallery."""
    start = above[0].parent if above else folder
    for parent in (start, *start.parents):
        if (parent / "pyproject.toml").exists() or parent.name in {"graphs", "_graphs"}:
            return parent.resolve()
    return start.resolve()


@cache
def library_module() -> Module:
    """The blocks shipped with graphflow, read once."""
    blocks: dict[str, BlockDecl] = {}
    for path in files():
        tree = read(path.read_text(encoding="utf-8"), f"library/{path.name}")
        blocks.update(read_document(tree, blocks_only=True).blocks)
    module = Module(blocks, Scope(), library=True)
    module.let.module = module
    return module


def _moved(bound: Bound, builder: Builder) -> Bound:
    """A bound name whose tensors are nodes of another builder's graph."""
    if isinstance(bound, Value):
        return Value(builder, bound.name)
    if isinstance(bound, Parts):
        return Parts(bound.name, {k: _moved(v, builder) for k, v in bound.parts.items()})
    if isinstance(bound, tuple):
        return tuple(_moved(item, builder) for item in bound)
    return bound


def _position(diagnostic: object) -> tuple[str, int, int]:
    mark = getattr(diagnostic, "mark", None)
    return (mark.file, mark.line, mark.column) if mark else ("", 0, 0)
