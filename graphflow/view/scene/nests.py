"""Which nodes belong together: calls, lines of a file and loops as a tree over the nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, TypeAlias

from graphflow.ir.graph import LEAVES, Graph, Node
from graphflow.spec.elaborate.calltree import CallNode, RegionNode, Section
from graphflow.view.scene.labels import called, is_named, last_name, shape_text
from graphflow.view.steps import drawn_id

DERIVATIVES = ("gradients", "jvp", "jacobian", "hessian")
"""What stands in the calls for a derivative that a file writes; the graph holds its nodes."""
LINE_NODES = 3
"""A line of fewer nodes and calls is no group: a frame would take more room than it is worth."""

Within = tuple[str, ...]
"""The loops that a node stands in, from outside in."""
NestKind = Literal["call", "line", "loop", "branch"]


@dataclass(frozen=True)
class Leaf:
    """A node of ``scope``; ``label`` and ``sub`` are those of a call that it is all of."""

    scope: Scope
    node: Node
    label: str = ""
    sub: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    """What lines around it call the values that they give."""

    @property
    def silent(self) -> bool:
        """Whether it is no operation: a number written into the file."""
        return self.node.op == "constant"


@dataclass(frozen=True)
class Nest:
    """A group before its id is settled, ``path`` being what it would like to be called."""

    kind: NestKind
    path: str
    label: str
    sub: str
    items: tuple[Item, ...]
    library: bool = False
    shape: str = ""
    regions: tuple[Scope, ...] = ()
    """The graphs that a loop runs."""
    length: int = 0
    reverse: bool = False


Item: TypeAlias = Leaf | Nest


@dataclass(frozen=True, eq=False)
class Scope:
    """A graph: the whole one, or a region of a loop, with the part of the call tree about it."""

    graph: Graph
    within: Within = ()
    section: Section | None = None
    loop: Node | None = None
    around: Scope | None = None
    forward: frozenset[str] = field(default=frozenset())

    @classmethod
    def of(
        cls, graph: Graph, section: Section | None, around: Scope | None = None,
        loop: Node | None = None,
    ) -> Scope:  # fmt: skip
        """A scope with its forward nodes picked out."""
        within = () if around is None or loop is None else (*around.within, loop.name)
        forward = frozenset(n.name for n in graph if graph.origin(n.name).phase == "forward")
        return cls(graph, within, section, loop, around, forward)

    def id(self, name: str) -> str:
        """The drawn id of a node."""
        return drawn_id(name, [(loop, 0) for loop in self.within])

    @cached_property
    def wanted(self) -> frozenset[str]:
        """The forward nodes that are more than the beginning of a derivative."""
        graph = self.graph
        ends = [n for n in (*graph.outputs, *graph.updates.values()) if n in self.forward]
        found: set[str] = set()
        while ends:
            name = ends.pop()
            if name not in found:
                found.add(name)
                ends += [n for n in graph.nodes[name].inputs if n in self.forward]
        return frozenset(found)

    @cached_property
    def written(self) -> Mapping[str, Node]:
        """The nodes as the calls have them, where derivatives are single nodes still."""
        return dict(_steps(self.section))

    def derivative(self, name: str) -> tuple[Node, int] | None:
        """The derivative that a node is in the file, and which of its results."""
        step, index = self.written.get(name), 0
        if step is not None and step.op == "item":
            part = step.attr("index")
            assert isinstance(part, int)
            step, index = self.written.get(step.inputs[0]), part
        return (step, index) if step is not None and step.op in DERIVATIVES else None

    @property
    def regions(self) -> Mapping[str, Mapping[str, RegionNode]]:
        """The insides of loops by node and attribute, wherever in the section they stand."""
        found: dict[str, Mapping[str, RegionNode]] = {}
        todo = [self.section] if self.section is not None else []
        while todo:
            section = todo.pop()
            found |= section.regions
            todo += [step for step in section.steps if isinstance(step, CallNode)]
        return found


def _steps(section: Section | None) -> Iterator[tuple[str, Node]]:
    """The nodes of a section by name, those of its calls included."""
    for step in section.steps if section is not None else ():
        if isinstance(step, CallNode):
            yield from _steps(step)
        else:
            yield step.name, step


def is_loop(node: Node) -> bool:
    """Whether a node runs graphs that have forward nodes to be drawn."""
    return any(
        inner.op not in LEAVES and region.origin(inner.name).phase == "forward"
        for region in node.regions
        for inner in region
    )


def is_handed_out(scope: Scope, node: Node) -> bool:
    """Whether a node only picks a result of a loop: its value is seen where the loop makes it."""
    return node.op == "item" and is_loop(scope.graph.nodes[node.inputs[0]])


def nested(scope: Scope) -> tuple[Item, ...]:
    """The forward nodes of a scope as a tree of groups; leaves such as parameters left out."""
    inside = _Inside(scope)
    root = inside.path
    items = inside.section(scope.section, root) if scope.section is not None else []
    missing = [
        (inside.line(None, scope.graph.origin(n.name).path, root), item)
        for n in scope.graph
        if n.name not in inside.seen
        and n.name in scope.wanted
        and (item := inside.leaf(n)) is not None
    ]
    return tuple(simplified(gathered([*items, *missing], scope, scope.section, root)))


class _Inside:
    """The walk over the calls of one scope."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.seen: set[str] = set()
        self.path = scope.loop.name if scope.loop is not None else ""
        self.regions = scope.regions

    def section(self, section: Section, path: str) -> list[tuple[str, Item]]:
        """What happened in a section, each with the line that it belongs to."""
        found: list[tuple[str, Item]] = []
        named, graph = section.names, self.scope.graph
        lines = {graph.resolve(stages[-1]): line for line, stages in section.lines.items()
                 if stages[-1] in graph}  # fmt: skip
        for step in section.steps:
            if isinstance(step, CallNode):
                nest = self.call(step)
                if nest is not None:
                    found.append((self.line(section, step.path, path), nest))
                continue
            node = self.scope.graph.nodes.get(step.name)
            item = None if node is None else self.leaf(node)
            if isinstance(item, Leaf):
                numbered = step.name.rpartition(".")[2].isdigit() and step.name in named
                label = last_name(named[step.name]) if numbered else ""
                item = replace(item, label=label, names=lines)
            if item is not None:
                origin = self.scope.graph.origin(step.name)
                found.append((self.line(section, origin.path, path), item))
        return found

    def call(self, call: CallNode) -> Nest | None:
        """A call with what of it is in the graph; None where that is nothing."""
        items = gathered(self.section(call, call.path), self.scope, call, call.path)
        if not items:
            return None
        result = next(iter(call.results.values()), "")
        graph = self.scope.graph
        shape = shape_text(graph[result].type) if result in graph else ""
        label, sub = last_name(call.path), called(call)
        sub = "" if sub == label.rstrip("0123456789") else sub
        return Nest("call", self.scope.id(call.path), label, sub, tuple(items), call.library,
                    shape)  # fmt: skip

    def leaf(self, node: Node) -> Item | None:
        """A node as an item: a loop with its insides; None where it is not drawn by itself."""
        self.seen.add(node.name)
        scope = self.scope
        if node.name not in scope.forward or node.op in LEAVES or is_handed_out(scope, node):
            return None
        return self.loop(node) if is_loop(node) else Leaf(scope, node)

    def loop(self, node: Node) -> Nest:
        """A loop with what is inside; the branches of a choice are groups of their own."""
        sections = self.regions.get(node.name, {})
        scopes, inner = list[Scope](), list[Item]()
        for attr, value in node.attrs:
            if isinstance(value, Graph):
                scopes.append(Scope.of(value, sections.get(attr), self.scope, node))
                items = nested(scopes[-1])
                name = {"orelse": "else"}.get(attr, attr)
                branch = Nest("branch", scopes[-1].id(attr), name, "", items)
                inner += [branch] if node.op == "cond" else items
        kind = {"scan": "loop", "while_loop": "while", "cond": "if"}.get(node.op, node.op)
        length = dict(node.attrs).get("length")
        return Nest(
            "loop", self.scope.id(node.name), self.named(node), kind, tuple(inner),
            regions=tuple(scopes), length=length if isinstance(length, int) else 0,
            reverse=bool(dict(node.attrs).get("reverse")),
        )  # fmt: skip

    def named(self, node: Node) -> str:
        """The name of a loop: its own, or that of the line that it is all of."""
        return last_name(node.name if is_named(node) else self.scope.graph.origin(node.name).path)

    def line(self, section: Section | None, name: str, path: str) -> str:
        """The line of a section that a path is of; "" for its output, whose name is left out."""
        below = name.removeprefix(f"{path}.") if path else name
        if below == path or (section is None and not below):
            return ""
        known = section.lines if section is not None else {}
        parts = below.split(".")
        for length in range(len(parts), 0, -1):
            line = ".".join(parts[:length])
            if line in known or (length == len(parts) and line.endswith(".next")):
                return line
        lines = {line.split(".")[0] for line in known}
        return parts[0] if parts[0] in lines else ""


def gathered(
    found: Sequence[tuple[str, Item]], scope: Scope, section: Section | None, path: str
) -> list[Item]:
    """Items of one line in a group, where it holds several and is not all there is.

    Lines of library blocks are no groups: the block is one already.
    """
    lines: dict[str, list[Item]] = {}
    for line, item in found:
        lines.setdefault(line, []).append(item)
    library = isinstance(section, CallNode) and section.library
    total = sum(map(loud, lines.values()))
    items: list[Item] = []
    for line, parts in lines.items():
        if line and not library and LINE_NODES <= loud(parts) < total:
            name = f"{path}.{line}" if path else line
            label = ", ".join(_names(line, parts, section))
            items.append(Nest("line", scope.id(name), label, "", tuple(parts)))
        else:
            items += parts
    return items


def _names(line: str, parts: Sequence[Item], section: Section | None) -> list[str]:
    """The names that a line gives, ``i, f, g, o`` say."""
    given = {part.node.name for part in parts if isinstance(part, Leaf)}
    lines = section.lines if section is not None else {}
    names = [last_name(name) for name, stages in lines.items() if stages[-1] in given]
    return names if len(names) > 1 else [last_name(line)]


def loud(items: Sequence[Item]) -> int:
    """How many items are operations or hold some."""
    return sum(not (isinstance(item, Leaf) and item.silent) for item in items)


def simplified(items: Sequence[Item]) -> Iterator[Item]:
    """Items without groups of nothing, of one node, or of one group."""
    for item in items:
        if isinstance(item, Leaf):
            yield item
            continue
        inner = tuple(simplified(item.items))
        if item.kind == "loop" or loud(inner) > 1:
            yield replace(item, items=inner)
            continue
        for part in inner:
            silent = isinstance(part, Leaf) and part.silent
            yield part if silent else _taken_over(item, part)


def _taken_over(outer: Nest, part: Item) -> Item:
    """The only thing in a group, under the group's name."""
    if outer.kind == "line":
        return part
    if isinstance(part, Leaf):
        return replace(part, label=outer.label, sub=part.sub or outer.sub)
    if part.kind in ("loop", "branch"):
        return replace(part, label=outer.label, sub=f"{part.sub} of {outer.sub}")
    return replace(
        part, path=outer.path, label=outer.label, sub=outer.sub if outer.library else part.sub,
        library=outer.library and part.library, shape=outer.shape,
    )  # fmt: skip
