"""Who called what: the calls of blocks that made a graph, as a tree beside it.

A graph is flat. While it is made, every call of a block is noted: what it was given, which nodes
it appended, what it gave. :class:`CallTree` is the whole file, a :class:`CallNode` one call, a
:class:`RegionNode` the inside of a loop or branch. What a source in another language is written
from, and what a viewer folds and unfolds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeAlias, TypedDict, Union

from graphflow.diagnostics import Mark
from graphflow.ir.dims import Symbolic
from graphflow.ir.graph import LEAVES, Graph, Node
from graphflow.ir.types import DType, TensorType, ValueType
from graphflow.ops.builder import Builder, Value
from graphflow.spec.document import BlockDecl
from graphflow.spec.elaborate.bound import (
    Bound,
    Function,
    Instance,
    Partial,
    Parts,
    Poison,
    TrainingWord,
)


@dataclass(frozen=True, slots=True)
class Ref:
    """A tensor that a call is given: the name by which its nodes read it, and its type."""

    name: str
    type: ValueType

    @property
    def tensor(self) -> TensorType:
        """The type of a tensor that is one array."""
        assert isinstance(self.type, TensorType)
        return self.type


Argument: TypeAlias = Union[
    Ref, bool, int, float, str, Symbolic, DType, TrainingWord, Partial, Function, Instance,
    "tuple[Argument, ...]", Mapping[str, "Argument"], None,
]  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class Section:
    """The whole file, one call, or the inside of a loop: what happened there, in order."""

    graph: Graph
    """The graph that the nodes belong to: the file's, or that of the loop they stand in."""
    steps: tuple[Node | CallNode, ...] = ()
    """Nodes and calls. Leaves are no steps; an operand may be an alias of :class:`CallNode`."""
    lines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The nodes that each line's name stood for, the last one for good: a pipeline has several."""
    regions: Mapping[str, Mapping[str, RegionNode]] = field(default_factory=dict)
    """The insides of control operators, by node and by the attribute that holds the graph."""
    leaves: Mapping[str, Node] = field(default_factory=dict)
    """The parameters and states that it asks for, calls inside it included."""
    updates: Mapping[str, str] = field(default_factory=dict)
    """What leaves become after a step, as said in this very section."""
    pending: Mapping[str, str] = field(default_factory=dict)
    """Nodes that read a state as an earlier call in the same step left it, and the state."""

    def nodes(self) -> Iterator[Node]:
        """Every node made here and in calls inside, insides of loops left out."""
        for step in self.steps:
            if isinstance(step, CallNode):
                yield from step.nodes()
            else:
                yield step

    @cached_property
    def names(self) -> Mapping[str, str]:
        """The line that names each node that one names, the first of several."""
        found: dict[str, str] = {}
        for line, stages in self.lines.items():
            for node in stages:
                found.setdefault(node, line)
        return found

    @property
    def insides(self) -> list[RegionNode]:
        """The insides of loops right here."""
        return [r for regions in self.regions.values() for r in regions.values()]

    @property
    def sections(self) -> list[CallNode | RegionNode]:
        """The calls and insides of loops right here."""
        return [*(step for step in self.steps if isinstance(step, CallNode)), *self.insides]

    def maker(self, node: str) -> Node | CallNode | None:
        """The step that makes a node."""
        for step in self.steps:
            if isinstance(step, CallNode):
                if any(made.name == node for made in step.nodes()):
                    return step
            elif step.name == node:
                return step
        return None


@dataclass(frozen=True, eq=False, kw_only=True)
class CallTree(Section):
    """All calls of a document."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RegionNode(Section):
    """The inside of a loop or branch."""

    captured: Mapping[str, str]
    """Its inputs that stand for nodes outside, and these nodes."""


@dataclass(frozen=True, eq=False, kw_only=True)
class CallNode(Section):
    """One call of a block.

    Where a block of the library only calls another, ``conv2d`` say, the two are one call.
    """

    name: str
    """The block as the call names it."""
    block: BlockDecl
    library: bool
    mark: Mark
    path: str
    owner: str
    """Where its parameters live; other than ``path`` where calls share them."""
    arguments: Mapping[str, Argument]
    """Inputs and arguments by name, defaults included."""
    results: Mapping[str, str]
    """The node of each part; a single result has the part ``""``."""
    aliases: Mapping[str, Node] = field(default_factory=dict)
    """Further names of values: a call that is given one value twice reads it by two names.

    The node under such a name is no node of the graph: it says what the caller reads instead.
    """
    replaced: bool = False
    """Whether other values stand in for parameters: ``net(x, params=fast)``."""


@dataclass(eq=False)
class Opened:
    """A section while it is made: positions in the builder's nodes, sections inside."""

    start: int = 0
    end: int = 0
    inner: list[OpenCall] = field(default_factory=list)
    lines: dict[str, list[str]] = field(default_factory=dict)
    regions: dict[str, dict[str, RegionNode]] = field(default_factory=dict)
    leaves: dict[str, Node] = field(default_factory=dict)
    updates: dict[str, str] = field(default_factory=dict)
    pending: dict[str, str] = field(default_factory=dict)
    replaced: bool = False

    def name(self, line: str, bound: Bound) -> None:
        """Note what the name of a line stands for."""
        if isinstance(bound, Value):
            stages = self.lines.setdefault(line, [])
            if bound.name not in stages[-1:]:
                stages.append(bound.name)
        elif isinstance(bound, Parts):
            for part, value in bound.parts.items():
                self.name(f"{line}.{part}", value)

    def include(self, inside: Opened) -> None:
        """Take over what a section inside asked for."""
        self.leaves |= inside.leaves
        self.replaced = self.replaced or inside.replaced


@dataclass(eq=False)
class OpenCall(Opened):
    """A call while it is made."""

    function: Function = field(kw_only=True)
    mark: Mark = field(kw_only=True)
    path: str = ""
    owner: str = ""
    arguments: dict[str, Bound] = field(default_factory=dict)
    aliases: dict[str, Value] = field(default_factory=dict)
    result: Bound = None


def tell_apart(
    inputs: Sequence[str],
    names: dict[str, Bound],
    local: Callable[[Value], Value],
    serial: Iterator[int],
) -> dict[str, Value]:
    """Aliases for values that come in twice, so that each input is read by a name of its own.

    ``local`` gives a value as the call's own graph has it. A constant keeps its name: inside of
    loops it is made anew wherever it is read.
    """
    aliases: dict[str, Value] = {}
    seen: set[tuple[Builder, str]] = set()
    for name in inputs if len(inputs) > 1 else ():
        value = names[name]
        if not isinstance(value, Value) or value.node.op == "constant":
            continue
        if (value.builder, value.reader) in seen:
            here = local(value)
            alias = f"{here.name}#{next(serial)}"
            aliases[alias] = here
            names[name] = Value(here.builder, here.name, alias)
        seen.add((value.builder, value.reader))
    return aliases


def settled(opened: Opened, builder: Builder, graph: Graph) -> CallTree:
    """The whole file as data; ``builder`` made its ``graph``."""
    return CallTree(**_fields(opened, _as_read(builder), graph))


def settled_region(
    opened: Opened, builder: Builder, graph: Graph, captured: Mapping[str, str]
) -> RegionNode:
    """The inside of a loop as data; ``captured`` are its inputs by nodes outside."""
    outside = {inner: outer for outer, inner in captured.items()}
    return RegionNode(captured=outside, **_fields(opened, _as_read(builder), graph))


def _as_read(builder: Builder) -> list[Node]:
    """A builder's nodes in order, operands under the names that they are read by."""
    reads = builder.reads
    return [
        replace(node, inputs=reads[name]) if name in reads else node
        for name, node in builder.nodes.items()
    ]


class _Fields(TypedDict):
    graph: Graph
    steps: tuple[Node | CallNode, ...]
    lines: Mapping[str, tuple[str, ...]]
    regions: Mapping[str, Mapping[str, RegionNode]]
    leaves: Mapping[str, Node]
    updates: Mapping[str, str]
    pending: Mapping[str, str]


def _fields(opened: Opened, nodes: Sequence[Node], graph: Graph) -> _Fields:
    """What every section has."""
    return {
        "graph": graph, "steps": tuple(_steps(opened, nodes, graph)),
        "lines": {name: tuple(stages) for name, stages in opened.lines.items()},
        "regions": opened.regions, "leaves": opened.leaves, "updates": opened.updates,
        "pending": opened.pending,
    }  # fmt: skip


def _steps(opened: Opened, nodes: Sequence[Node], graph: Graph) -> Iterator[Node | CallNode]:
    """The nodes between calls, and the calls."""
    position = opened.start
    for call in opened.inner:
        yield from (node for node in nodes[position : call.start] if node.op not in LEAVES)
        yield _call(call, nodes, graph)
        position = call.end
    yield from (node for node in nodes[position : opened.end] if node.op not in LEAVES)


def _call(call: OpenCall, nodes: Sequence[Node], graph: Graph) -> CallNode:
    block = call.function.block
    assert block is not None
    found = CallNode(
        name=call.function.name, block=block, library=call.function.library, mark=call.mark,
        path=call.path, owner=call.owner, results=dict(_results(call.result)),
        arguments={name: _argument(bound) for name, bound in call.arguments.items()},
        aliases={
            alias: Node("identity", (value.reader,), (), value.type, alias)
            for alias, value in call.aliases.items()
        },
        replaced=call.replaced, **_fields(call, nodes, graph),
    )  # fmt: skip
    return _forwarding(found) if call.function.forwards else found


def _forwarding(call: CallNode) -> CallNode:
    """A call of a library block that only calls another one, with the insides of that one."""
    step = call.steps[0] if len(call.steps) == 1 else None
    if not isinstance(step, CallNode):
        return call
    return replace(
        step, name=call.name, block=call.block, mark=call.mark, arguments=call.arguments,
        aliases={**call.aliases, **step.aliases},
    )  # fmt: skip


def _argument(bound: Bound) -> Argument:
    """A bound name as data: tensors become references."""
    if isinstance(bound, Value):
        return Ref(bound.reader, bound.type)
    if isinstance(bound, Parts):
        return {name: _argument(value) for name, value in bound.parts.items()}
    if isinstance(bound, tuple):
        return tuple(_argument(item) for item in bound)
    assert not isinstance(bound, Poison)
    return bound


def _results(bound: Bound, part: str = "") -> Iterator[tuple[str, str]]:
    """Names of parts and the nodes they are."""
    if isinstance(bound, Value):
        yield part, bound.name
        return
    inner: Iterable[tuple[str, Bound]] = ()
    if isinstance(bound, Parts):
        inner = bound.parts.items()
    elif isinstance(bound, tuple):
        inner = ((str(index), item) for index, item in enumerate(bound))
    for name, value in inner:
        yield from _results(value, f"{part}.{name}" if part else name)
