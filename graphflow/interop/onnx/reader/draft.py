"""The document that a translation writes, elaborated line by line while it is written.

Every line goes through the ordinary elaborator at once, so that the translation can ask what type
a name has, and a line that does not fit is answered where it is written. What is left in the end
is plain data, the sections of a graph file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from graphflow.diagnostics import GraphflowError, Mark
from graphflow.interop.onnx.reader.names import Names
from graphflow.ir.dims import Dim
from graphflow.ir.graph import Graph
from graphflow.ir.types import DType, TensorType
from graphflow.ops.builder import Value
from graphflow.ops.evaluate import evaluate
from graphflow.ops.op import OPS, Array
from graphflow.passes.specialise import specialise
from graphflow.spec.document import Document, InputDecl, ParamDecl, StateDecl
from graphflow.spec.elaborate.bound import Bound
from graphflow.spec.elaborate.elaborator import Elaborator
from graphflow.spec.elaborate.modules import library_module, module_of
from graphflow.spec.elaborate.places import Place
from graphflow.spec.elaborate.regions import Region
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.names import targets
from graphflow.spec.nodes import NODES, NodeDecl
from graphflow.spec.parser import parse
from graphflow.spec.syntax import Name
from graphflow.spec.values import Plain
from graphflow.spec.writer import dump
from graphflow.spec.yaml12 import read

FOLD_LIMIT = 65_536
"""Elements of an array that is computed while a model is translated."""


class Draft:
    """Sections of a graph file under construction, with the types of all names so far."""

    def __init__(self, file: str, names: Names, max_nodes: int) -> None:
        self.names = names
        self.mark = Mark(file, 1, 1)
        self.inputs: dict[str, Plain] = {}
        self.params: dict[str, Plain] = {}
        self.state: dict[str, Plain] = {}
        self.lines: dict[str, Plain] = {}
        self.arrays: dict[str, Array] = {}
        """First values of parameters and states."""
        document = Document(1, file, self.mark)
        self._elaborator = Elaborator(document, module_of(document, None), library_module())
        self._elaborator.max_nodes = max_nodes
        self.scope = self._elaborator.scope
        self._path = ""

    # -- declarations ------------------------------------------------------------------------
    def input(self, name: str, shape: Sequence[Dim], dtype: DType) -> None:
        """An input of the document."""
        sizes = [parse(str(size)) for size in shape]
        declared = InputDecl(tuple(sizes), self.mark, dtype.value)
        value = self._elaborator.input(name, declared, self._elaborator.scope)
        self._elaborator.scope.declare(name, value, self.mark)
        self.inputs[name] = _declared(shape, dtype)

    def parameter(self, name: str, array: Array, trainable: bool) -> Scope:
        """A parameter with its value; the scope that it stands in."""
        sizes = tuple(parse(str(size)) for size in array.shape)
        declared = ParamDecl(sizes, Name("zeros", self.mark), self.mark, trainable)
        value = self._elaborator.parameter(name, declared, self._elaborator.scope, "in_out")
        self._elaborator.scope.declare(name, value, self.mark)
        frozen: dict[str, Plain] = {} if trainable else {"trainable": False}
        self.params[name] = {**_declared(array.shape, DType.FLOAT), "init": "zeros", **frozen}
        self.arrays[name] = array
        return self._elaborator.scope

    def table(self, name: str, array: Array, dtype: DType) -> Scope:
        """An array that nothing changes, a state without an update; the scope that it stands in."""
        sizes = tuple(parse(str(size)) for size in array.shape)
        declared = StateDecl(sizes, Name("zeros", self.mark), self.mark, dtype.value)
        value = self._elaborator.state(name, declared, self._elaborator.scope)
        self._elaborator.scope.declare(name, value, self.mark)
        self.state[name] = {**_declared(array.shape, dtype), "init": "zeros"}
        self.arrays[name] = array
        return self._elaborator.scope

    # -- lines -------------------------------------------------------------------------------
    def line(self, names: str, body: Plain) -> None:
        """Append ``names: body``; an error in it is raised at once."""
        if isinstance(body, str):
            declared = NodeDecl(targets(names), parse(body), self.mark)
        else:
            (declared,) = NODES.read(read(dump({names: body}), self.mark.file), self.mark)
        first = declared.names[0]
        elaborator = self._elaborator
        path = f"{self._path}.{first}" if self._path else first
        elaborator.node(declared, self.scope, Place(path))
        if elaborator.errors:
            errors, elaborator.errors = elaborator.errors, []
            raise GraphflowError(*errors)
        self.lines[names] = body

    @contextmanager
    def region(self, path: str, turn: bool = False) -> Iterator[Region]:
        """Lines of a loop's or a branch's body, or of what is computed at once."""
        saved = self.scope, self.lines, self._path
        self.scope, self.lines = Scope(self.scope), {}
        self._path = f"{self._path}.{path}" if self._path else path
        try:
            with self._elaborator.region(turn) as region:
                yield region
        finally:
            self.scope, self.lines, self._path = saved

    def leaf(self, region: Region, name: str, type: TensorType) -> None:
        """A carried value or an element of a sequence, as the body of a loop sees it."""
        value = region.builder.input(f"{self._path}.{name}", type)
        self.scope.declare(name, value, self.mark)

    def prune(self, outputs: Sequence[str]) -> None:
        """Leave out lines, parameters and tables that no output needs."""
        words, kept = set(outputs), []
        for names, body in reversed(self.lines.items()):
            if words.intersection(targets(names)):
                kept.append((names, body))
                for word in re.findall(r"[\w.]+", repr(body)):
                    words |= {word, word.partition(".")[0]}
        self.lines = dict(reversed(kept))
        self.params = {n: d for n, d in self.params.items() if n in words}
        self.state = {n: d for n, d in self.state.items() if n in words}
        leaves = {**self.params, **self.state}
        self.arrays = {n: a for n, a in self.arrays.items() if n in leaves}

    # -- questions ---------------------------------------------------------------------------
    @property
    def outermost(self) -> bool:
        """Whether lines are written outside all loops and branches."""
        return not self._path

    def knows(self, name: str) -> bool:
        """Whether a line of this name is in sight."""
        return self.scope.get(name)[0]

    def sees(self, home: Scope | None) -> bool:
        """Whether the lines of a scope are in sight."""
        scope: Scope | None = self.scope
        while scope is not None and scope is not home:
            scope = scope.parent
        return home is not None and scope is home

    def bound(self, name: str) -> Bound:
        """What a name stands for."""
        return self.scope.lookup(name, self.mark)

    def type(self, name: str) -> TensorType:
        """The type of a line."""
        value = self.bound(name)
        if not isinstance(value, Value):
            raise TypeError(f"'{name}' is no tensor")
        return value.tensor

    def constants(self, region: Region, names: Sequence[str]) -> list[Array] | None:
        """The values of lines of ``region``; None where they hang on anything but constants."""
        values = [self.bound(name) for name in names]
        found: list[Value] = [v for v in values if isinstance(v, Value)]
        tables = {region.captured[v.name]: v.name for v in region.outside}
        if region.rng or any(v.builder is not region.builder for v in found):
            return None
        if not all(name in self.state for name in tables.values()):
            return None
        if not all(_foldable(v.tensor) for v in found):
            return None
        graph = region.builder.graph([v.name for v in found])
        if not all(_small(graph, name) for name in graph.needed_for(graph.outputs)):
            return None
        concrete = specialise(graph, {}, DType.FLOAT32, training=False)
        leaves = {inner: self.arrays[name] for inner, name in tables.items()}
        computed = evaluate(concrete, leaves)
        return [np.asarray(computed[name]) for name in concrete.outputs]

    def inputs_behind(self, name: str) -> list[str]:
        """The inputs of the document that a line depends on."""
        value = self.bound(name)
        if not isinstance(value, Value):
            return []
        regions = self._elaborator.regions
        stack, seen, found = [(value.builder, value.name)], set(), []
        while stack:
            builder, node_name = stack.pop()
            if (id(builder), node_name) in seen or node_name not in builder.nodes:
                continue
            seen.add((id(builder), node_name))
            node = builder.nodes[node_name]
            stack += [(builder, operand) for operand in node.inputs]
            if node.op == "input" and builder is regions[0].builder:
                found.append(node_name)
            elif node.op == "input":
                stack += [(r.builder, node_name) for r in regions if r.builder is not builder]
        return [n for n in self.inputs if n in found]


def _declared(shape: Sequence[Dim], dtype: DType) -> dict[str, Plain]:
    sizes: list[Plain] = [d if isinstance(d, int) else str(d) for d in shape]
    found: dict[str, Plain] = {"shape": sizes or "scalar"}
    if dtype is not DType.FLOAT:
        found["dtype"] = dtype.value
    return found


def _foldable(type: TensorType) -> bool:
    return all(isinstance(d, int) for d in type.shape)


def _small(graph: Graph, name: str) -> bool:
    node = graph.nodes[name]
    if OPS[node.op].random or not isinstance(node.type, TensorType):
        return not OPS[node.op].random
    return isinstance(node.tensor.size, int) and node.tensor.size <= FOLD_LIMIT
