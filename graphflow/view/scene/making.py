"""From a forward graph and its calls to an outline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from graphflow.ir.graph import LEAVES, Graph, Node
from graphflow.ir.types import TensorType
from graphflow.spec.elaborate.calltree import CallNode, CallTree, Section
from graphflow.view.drawing import Kind
from graphflow.view.scene.labels import (
    is_named,
    last_name,
    number_text,
    operation,
    shape_text,
)
from graphflow.view.scene.nests import Item, Leaf, Nest, Scope, nested
from graphflow.view.scene.outline import Box, Flow, Group, Outline, Stand
from graphflow.view.scene.rows import rows_of
from graphflow.view.scene.sources import Sources


def outlined(graphs: Sequence[Graph], calls: CallTree, losses: Sequence[str] = ()) -> Outline:
    """The outline of the forward nodes of all ``graphs`` together, the turns of one model.

    ``calls`` are the calls of the model, ``losses`` are what is differentiated.
    """
    graph = together(graphs)
    ends = frozenset(graph.resolve(name) for name in losses if name in graph)
    making = _Making(Scope.of(graph, calls), ends, frozenset(_of_calls(calls)))
    making.run()
    boxes, groups = making.boxes, making.groups
    outline = Outline(boxes, groups, tuple(making.flows), making.stands)
    return replace(outline, rows=rows_of(outline))


def together(graphs: Sequence[Graph]) -> Graph:
    """One graph with the nodes of all; those of one name are the same node."""
    first, *others = graphs
    nodes, outputs, updates = dict(first.nodes), list(first.outputs), dict(first.updates)
    aliases, origins = dict(first.aliases), dict(first.origins)
    for graph in others:
        nodes = {**graph.nodes, **nodes}
        outputs += graph.outputs
        updates |= graph.updates
        aliases |= graph.aliases
        origins |= graph.origins
    return Graph(nodes, tuple(dict.fromkeys(outputs)), updates, aliases, origins)


class _Making:
    """An outline under way."""

    def __init__(self, top: Scope, losses: frozenset[str], inner: frozenset[str]) -> None:
        self.top, self.losses = top, losses
        self.inner = inner
        """Parameters and states of calls; others are the file's own."""
        self.operations: dict[str, tuple[Leaf, str]] = {}
        self.boxes: dict[str, Box] = {}
        self.groups: dict[str, Group] = {}
        self.flows: list[Flow] = []
        self.sources = Sources()
        self.stands: dict[str, str] = {}
        self.scopes: list[Scope] = [top]

    def run(self) -> None:
        """Groups first, then leaves, boxes and what flows between them, then the ends of loops."""
        items = nested(self.top)
        self.taken = {leaf.scope.id(leaf.node.name) for leaf in leaves(items)}
        self.enter(items, "")
        self.leaves()
        for leaf, group in list(self.operations.values()):
            self.operation(leaf, group)
        for scope in self.scopes:
            self.ends(scope)
        self.settle_leaves()
        self.stand_ins()

    # -- groups ------------------------------------------------------------------------------
    def enter(self, items: Iterable[Item], group: str) -> None:
        """Note groups in order, and the group of every operation."""
        for item in items:
            if isinstance(item, Leaf):
                id = item.scope.id(item.node.name)
                self.operations[id] = item, group
                self.sources.add(item.scope, item.node.name, id)
                continue
            id = self.group_id(item)
            kind: Kind = "loop" if item.kind == "loop" else "group"
            self.groups[id] = Group(
                id,
                item.label,
                item.sub,
                group,
                kind,
                item.kind == "call",
                item.library,
                item.length,
                item.shape,
                item.reverse,
            )
            for scope in item.regions:
                assert scope.around is not None and scope.loop is not None
                self.scopes.append(scope)
                key = scope.around, scope.loop.name
                self.sources.regions[key] = (*self.sources.regions.get(key, ()), scope)
                self.carried(scope, id)
            self.enter(item.items, id)

    def group_id(self, nest: Nest) -> str:
        """The group's path, with its name where something else has that path: a loop in it comes
        first, which steps and nodes of its body are named by.
        """
        inside = {leaf.scope.id(leaf.node.name) for leaf in leaves(nest.items)}
        word, number = nest.sub.split(" ")[0] or nest.kind, 1
        wish, others = nest.path, {*self.groups, *_loops_in(nest)}
        while wish in others or (wish in self.taken and wish not in inside):
            wish = f"{nest.path}:{word}{number if number > 1 else ''}"
            number += 1
        return wish

    # -- boxes -------------------------------------------------------------------------------
    def carried(self, scope: Scope, group: str) -> None:
        """The inputs of a loop's body that are its own: carried values and elements."""
        loop = scope.loop
        assert loop is not None and scope.around is not None
        counts = dict(loop.attrs)
        carries, sequences = (counts.get(k, 0) for k in ("carries", "sequences"))
        assert isinstance(carries, int) and isinstance(sequences, int)
        for index, leaf in enumerate(scope.graph.leaves("input")[: carries + sequences]):
            id = scope.id(leaf.name)
            self.sources.add(scope, leaf.name, id)
            kind: Kind = "state" if index < carries else "input"
            sub = "carried on" if index < carries else "one step's element"
            self.boxes[id] = Box(id, leaf, last_name(leaf.name), sub, kind, group)

    def leaves(self) -> None:
        """Inputs, parameters, states and constants of the whole graph."""
        for node in self.top.graph:
            if node.op in LEAVES and node.op != "rng" and node.name in self.top.forward:
                self.sources.add(self.top, node.name, node.name)
                kind: Kind = node.op  # type: ignore[assignment]
                shape = shape_text(node.type)
                name = last_name(node.name)
                self.boxes[node.name] = Box(
                    node.name, node, name, node.op, kind, text=f"{name} {shape}".strip()
                )

    def operation(self, leaf: Leaf, group: str) -> None:
        """The box of a node, and what flows into it."""
        scope, node = leaf.scope, leaf.node
        id = scope.id(node.name)
        if node.op == "constant":
            text = number_text(node)
            label = last_name(node.name) if is_named(node) else text
            self.boxes[id] = Box(id, node, label, "constant", "constant", group, text=text)
            return
        read = [self.sources.of(scope, name, node.name) for name in node.inputs]
        names = tuple(
            self.read_as(scope.graph.nodes[name], found, leaf.names.get(name, ""))
            for name, found in zip(node.inputs, read, strict=True)
        )
        types = {name: scope.graph.nodes[name].type for name in node.inputs}
        label = leaf.label or (last_name(node.name) if is_named(node) else node.op)
        sub = leaf.sub or derivative(scope, node) or operation(node, names, types)
        sub = sub.removeprefix(label).strip() if label == node.op else sub
        self.boxes[id] = Box(id, node, label, sub, self.kind(scope, node), group)
        every: dict[str, frozenset[str]] = {}
        for name, found in zip(node.inputs, read, strict=True):
            for source in found:
                every[source] = every.get(source, frozenset()) | self.sources.every(scope, name)
        for source, loops in every.items():
            self.flow(source, id, every=loops)

    def read_as(self, node: Node, found: Sequence[str], line: str) -> str:
        """An operand as it is written: its number, its line, the name of its box, or nothing."""
        if node.op == "constant":
            return number_text(node) if node.tensor.size == 1 else ""
        if line:
            return last_name(line)
        box = self.boxes.get(found[0]) if len(found) == 1 else None
        if box is None:
            return last_name(node.name) if is_named(node) else ""
        return box.label if box.label != box.node.op else ""

    def kind(self, scope: Scope, node: Node) -> Kind:
        """What an operation is to the reader."""
        if scope is not self.top:
            return "op"
        if node.name in self.losses:
            return "loss"
        output = node.name in scope.graph.outputs and is_named(node)
        return "output" if output else "op"

    def flow(
        self, source: str, target: str, back: bool = False, every: frozenset[str] = frozenset()
    ) -> None:
        """Note that a value flows from one box to another."""
        box = self.known(source)
        self.flows.append(Flow(source, target, shape_text(box.type), back, every))

    def known(self, id: str) -> Node:
        """The node of a box, whether it is made yet or not."""
        return self.boxes[id].node if id in self.boxes else self.operations[id][0].node

    # -- ends --------------------------------------------------------------------------------
    def ends(self, scope: Scope) -> None:
        """What enters a loop, what it carries on; of the whole graph, what states become."""
        loop, around = scope.loop, scope.around
        if loop is None or around is None:
            for leaf, value in scope.graph.updates.items():
                if leaf in self.boxes and value in scope.forward:
                    for source in self.sources.of(scope, value):
                        self.flow(source, leaf, back=True)
            return
        if loop.op == "cond":
            self.chosen(scope)
            return
        body = dict(loop.attrs).get("body")
        carries = loop.attr("carries")
        assert isinstance(carries, int)
        for index, given in enumerate(scope.graph.leaves("input")):
            target = scope.id(given.name)
            if target not in self.boxes:
                break
            every = self.sources.every(around, loop.inputs[index])
            for source in self.sources.of(around, loop.inputs[index], loop.name):
                self.flow(source, target, every=every)
            if index < carries and scope.graph is body:
                every = self.sources.every(scope, scope.graph.outputs[index])
                for source in self.sources.of(scope, scope.graph.outputs[index]):
                    if source != target:
                        self.flow(source, target, back=True, every=every)

    def chosen(self, scope: Scope) -> None:
        """A choice by a condition: it leads to what the branches give."""
        assert scope.loop is not None and scope.around is not None
        for source in self.sources.of(scope.around, scope.loop.inputs[0], scope.loop.name):
            for name in scope.graph.outputs:
                for target in self.sources.of(scope, name):
                    if target in self.operations:
                        self.flow(source, target)

    def settle_leaves(self) -> None:
        """Leaves and numbers stand just before and beside who reads them first; unread ones go."""
        readers: dict[str, list[str]] = {}
        for flow in self.flows:
            if not flow.back:
                readers.setdefault(flow.source, []).append(flow.target)
        ordered: dict[str, Box] = {}
        carried = [id for id, box in self.boxes.items() if box.node.op in LEAVES and not box.text]
        reads: dict[str, list[str]] = {}
        for source, targets in readers.items():
            for target in targets:
                reads.setdefault(target, []).append(source)
        for id in (*carried, *self.operations):
            for source in reads.get(id, ()):
                if self.boxes[source].text and source not in ordered:
                    ordered[source] = self.settled(self.boxes[source], readers[source])
            if not self.boxes[id].text or id not in readers:
                ordered.setdefault(id, self.boxes[id])
        self.flows = [f for f in self.flows if f.source in ordered and f.target in ordered]
        self.boxes = ordered

    def settled(self, box: Box, readers: Sequence[str]) -> Box:
        """A leaf in the innermost group of all its readers, and whether it needs a box."""
        chains = [self.around(self.boxes[reader].group) for reader in readers]
        common = ""
        for levels in zip(*chains, strict=False):
            if len(set(levels)) > 1:
                break
            common = levels[0]
        node = box.node
        single = isinstance(node.type, TensorType) and node.type.size == 1
        stand: Stand = "parameter"
        if node.op == "constant":
            stand = "inside" if single else "parameter"
        elif node.op == "input" or (node.name not in self.inner and self.stands_out(box, readers)):
            stand = "own"
        group = common if stand != "own" else ""
        return replace(box, group=group, stand=stand)

    def stands_out(self, box: Box, readers: Sequence[str]) -> bool:
        """Whether one of the file's own leaves is more than a line in who reads it: a state, what
        goes into calls, or a variable of a function without inputs.
        """
        called = (self.groups[g].call for r in readers for g in self.around(self.boxes[r].group))
        return box.node.op == "state" or any(called) or not self.top.graph.leaves("input")

    def around(self, group: str) -> list[str]:
        """A group and those around it, outermost first."""
        found: list[str] = []
        while group:
            found.append(group)
            group = self.groups[group].parent
        return found[::-1]

    def stand_ins(self) -> None:
        """Nodes without a box: results picked from loops, inputs of loops, the random key."""
        for scope in self.scopes:
            for node in scope.graph:
                id = scope.id(node.name)
                if node.name not in scope.forward or id in self.boxes or id in self.groups:
                    continue
                found = self.sources.of(scope, node.name)
                if node.op == "rng":
                    readers = (scope.id(n) for n in scope.graph.consumers[node.name])
                    found = tuple(reader for reader in readers if reader in self.boxes)
                if found and found[0] in self.boxes:
                    self.stands[id] = found[0]


def derivative(scope: Scope, node: Node) -> str:
    """``∂f/∂x`` for a derivative that the file writes."""
    known = scope.derivative(node.name)
    if known is None:
        return ""
    step, index = known
    names = [last_name(name) for name in step.inputs]
    return f"∂{names[0]}/∂{names[1 + index]}" if step.op == "gradients" else step.op


def _loops_in(nest: Nest) -> Iterator[str]:
    """The paths of the loops inside of a group."""
    for item in nest.items:
        if isinstance(item, Nest):
            if item.kind == "loop":
                yield item.path
            yield from _loops_in(item)


def _of_calls(section: Section) -> Iterator[str]:
    """The parameters and states that calls ask for."""
    for inside in section.sections:
        if isinstance(inside, CallNode):
            yield from inside.leaves
        yield from _of_calls(inside)


def leaves(items: Iterable[Item]) -> Iterator[Leaf]:
    """All nodes in items, however deep."""
    for item in items:
        if isinstance(item, Leaf):
            yield item
        else:
            yield from leaves(item.items)
