"""Elaborating a document once more, writing down who called what.

The graph of a file is flat; readable source needs the blocks it was made of. A :class:`Recorder`
is an elaborator that keeps, for every call of a block, which nodes it appended, what it was given
and what it gave.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from graphflow.diagnostics import Mark
from graphflow.ir.graph import LEAVES, Attr, Graph, Node, Origin
from graphflow.ops.builder import Builder, Value
from graphflow.spec.document import BlockDecl, NodeDecl
from graphflow.spec.elaborate.bound import Bound, Function, Parts
from graphflow.spec.elaborate.calls import Arguments
from graphflow.spec.elaborate.elaborator import Elaborator
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.elaborate.session import Leaf, Place, Region
from graphflow.spec.syntax import Expr

CONTROL = {"scan": 1, "while_loop": 2, "cond": 2}
"""Operators that run graphs inside, and how many."""


@dataclass(eq=False)
class Record:
    """One call of a block, the whole file, or the inside of a loop: what happened, in order."""

    name: str
    path: str = ""
    owner: str = ""
    library: bool = False
    block: BlockDecl | None = None
    mark: Mark | None = None
    arguments: dict[str, Bound] = field(default_factory=dict)
    steps: list[Node | Record] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    """What the lines call the nodes they give."""
    lines: dict[str, str] = field(default_factory=dict)
    """The node of each line that has one."""
    regions: dict[str, tuple[Record, ...]] = field(default_factory=dict)
    """The insides of control operators, by node."""
    captured: dict[str, str] = field(default_factory=dict)
    """For a region: its inputs that stand for outer nodes."""
    leaves: dict[str, Node] = field(default_factory=dict)
    replaced: bool = False
    """Whether other values stand in for parameters: ``net(x, params=fast)``."""
    updates: dict[str, str] = field(default_factory=dict)
    current: dict[str, str] = field(default_factory=dict)
    """Nodes that read a state as an earlier call in the same step left it."""
    results: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    """The names of the results."""
    origins: dict[str, Origin] = field(default_factory=dict)
    table: Mapping[str, Node] = field(default_factory=dict)
    """All nodes of the graph that this call is a part of."""

    def nodes(self) -> Iterator[Node]:
        """Every node made in this call and in calls inside it, insides of loops left out."""
        for step in self.steps:
            if isinstance(step, Record):
                yield from step.nodes()
            else:
                yield step


class Recorder(Elaborator):
    """An elaborator whose calls are written down in :attr:`file`."""

    def run_recorded(self) -> tuple[Record, Graph]:
        """The record of the whole file and its graph."""
        self.file = Record(self.document.name)
        self._stack, self._recording = [self.file], True
        self._seen: dict[int, set[str]] = {}
        self._closed: list[Record] = []
        self._kept: list[Builder] = []  # those of regions, so that no two have one identity
        self._line = ""
        self.file.table = self.root.builder.nodes
        elaborated = self.run()
        return self.file, elaborated.graph

    # -- nodes -------------------------------------------------------------------------------
    def flush(self) -> None:
        """Nodes appended since the last time belong to the innermost call."""
        if not self._recording:
            return
        builder, record = self.builder, self._stack[-1]
        seen = self._seen.setdefault(id(builder), set())
        for name in [n for n in builder.nodes if n not in seen]:
            seen.add(name)
            node = builder.nodes[name]
            if node.op not in LEAVES:
                record.steps.append(node)
                record.origins[name] = builder.origins.get(name, Origin())

    def emit(
        self, op: str, inputs: Sequence[Value], place: Place, mark: Mark | None, **attrs: Attr
    ) -> Value:
        value = super().emit(op, inputs, place, mark, **attrs)
        if self._recording and op in CONTROL:
            count = CONTROL[op]
            self._stack[-1].regions[value.name] = tuple(self._closed[-count:])
            del self._closed[-count:]
        return value

    @contextmanager
    def region(self, turn: bool = False) -> Iterator[Region]:
        self.flush()
        record = Record("region")
        self._stack.append(record)
        try:
            with super().region(turn) as region:
                self._seen[id(region.builder)] = set()
                record.table = region.builder.nodes
                yield region
                self.flush()
        finally:
            self._stack.pop()
        record.captured = {inner: outer for outer, inner in region.captured.items()}
        self._kept.append(region.builder)
        self._closed.append(record)

    # -- calls -------------------------------------------------------------------------------
    def instantiate(self, function: Function, arguments: Arguments, place: Place) -> Bound:
        if not self._recording:
            return super().instantiate(function, arguments, place)
        self.flush()
        home = function.home
        library = home is not None and home.module is not None and home.module.library
        record = Record(function.name, place.path, place.owner, library, function.block,
                        arguments.mark, table=self.builder.nodes)  # fmt: skip
        self._stack.append(record)
        try:
            result = super().instantiate(function, arguments, place)
            self.flush()
        finally:
            self._stack.pop()
        record.parts, record.results = _flat(result)
        self._stack[-1].steps.append(_opened(record))
        return result

    def bind_block(self, name: str, block: BlockDecl, home: Scope, arguments: Arguments) -> Scope:
        scope = super().bind_block(name, block, home, arguments)
        if self._recording:
            seen: set[str] = set()
            for given in block.inputs:
                value = scope.names[given]
                if isinstance(value, Value) and value.name in seen:
                    value = scope.names[given] = self._again(value, given)
                seen |= {value.name} if isinstance(value, Value) else set()
            self._stack[-1].arguments = dict(scope.names)
        return scope

    def _again(self, value: Value, given: str) -> Value:
        """A second name for a value that one call is given twice: each input is read by itself."""
        local = self.local(value)
        name = self.builder.unique(f"{self._stack[-1].path}#{given}")
        again = self.builder.add("identity", local, name=name)
        self._seen.setdefault(id(self.builder), set()).add(again.name)
        self._stack[-2].steps.append(again.node)
        return again

    def make_leaf(self, op: str, leaf: Leaf, scope_mark: Mark | None = None) -> Value:
        value = super().make_leaf(op, leaf, scope_mark)
        for record in self._stack if self._recording else ():
            if leaf.name in self.substitutes:
                record.replaced = True
            else:
                record.leaves[leaf.name] = value.node
        return value

    def set_update(self, leaf: str, value: Value, mark: Mark) -> None:
        super().set_update(leaf, value, mark)
        if self._recording:
            self._stack[-1].updates[leaf] = self.updates[leaf].name

    def pending(self, state: Value) -> Value:
        value = super().pending(state)
        if self._recording and value.name != state.name:
            self._stack[-1].current[value.name] = state.name
        return value

    # -- names of lines ----------------------------------------------------------------------
    def node(self, decl: NodeDecl, scope: Scope, place: Place) -> None:
        saved, self._line = self._line, decl.names[0]
        super().node(decl, scope, place)
        self._line = saved
        if self._recording:
            for name in decl.names:
                self._called(name, scope.names.get(name))

    def item(self, item: Expr, value: Bound, scope: Scope, place: Place) -> Bound:
        result = super().item(item, value, scope, place)
        if self._recording:
            self._called(self._line, result)
        return result

    def _called(self, name: str, bound: Bound) -> None:
        if isinstance(bound, Value):
            self._stack[-1].names.setdefault(bound.name, name)
            self._stack[-1].lines[name] = bound.name
        elif isinstance(bound, Parts):
            for part, value in bound.parts.items():
                self._called(f"{name}.{part}", value)

    def output_names(self, scope: Scope) -> list[str]:
        names = super().output_names(scope)
        self.flush()
        self._recording = False
        return names


def _opened(record: Record) -> Record:
    """A call of a library block that only calls another one, with the insides of that one."""
    block, step = record.block, record.steps[0] if len(record.steps) == 1 else None
    forwards = record.library and block is not None and block.forwarded is not None
    if not forwards or not isinstance(step, Record):
        return record
    return replace(
        step, name=record.name, block=block, mark=record.mark, arguments=record.arguments
    )


def _flat(bound: Bound, path: str = "") -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of parts and the nodes they are."""
    if isinstance(bound, Value):
        return (path,), (bound.name,)
    inner: list[tuple[str, Bound]] = []
    if isinstance(bound, Parts):
        inner = list(bound.parts.items())
    elif isinstance(bound, tuple):
        inner = [(str(i), item) for i, item in enumerate(bound)]
    found = [_flat(b, f"{path}.{name}" if path else name) for name, b in inner]
    return tuple(p for parts, _ in found for p in parts), tuple(v for _, vs in found for v in vs)
