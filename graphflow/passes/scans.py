"""Products of scans: what its turns need not do one after the other becomes one product.

A recurrent step multiplies what it carries, turn by turn. Three other kinds of work stand in the
bodies of scans, and are taken out of them:

- ``x_t W`` of a sequence's elements: all of ``X W`` before the scan;
- ``g_t W^T`` that a turn only collects: the ``g_t`` are collected, ``G W^T`` comes after the scan;
- ``dW + x_t^T g_t``, a carry that only grows: ``dW + X^T G`` over the rows of all turns after the
  scan, and so for sums over rows, the gradients of biases.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from graphflow.ir.graph import Graph, Node
from graphflow.ir.types import TupleType
from graphflow.ops.builder import Builder, F, Value
from graphflow.ops.control import ScanParts
from graphflow.ops.matmul import swapped
from graphflow.passes.dead import drop_dead
from graphflow.passes.rewrite import Rewritten
from graphflow.passes.substitute import assembled, map_regions, redirected

RESHAPING = frozenset({"expand_dims", "squeeze", "reshape"})
ZEROS = frozenset({"full", "zeros"})


def gather_products(graph: Graph) -> Rewritten:
    """Products that scans need not make turn by turn, made at once.

    Sums are then made in another order, so results agree to rounding. What is collected for it
    takes no more memory than the sequences that the scan reads. A scan of no turns, or of an
    unknown number, is left alone.
    """
    fired: Counter[str] = Counter()
    after = _gathered(graph, fired)
    return Rewritten(graph if after is graph else drop_dead(after).graph, dict(+fired))


def _gathered(graph: Graph, fired: Counter[str]) -> Graph:
    outer = Builder()
    outer.aliases = {name: name for name in (*graph.nodes, *graph.aliases)}
    moved: dict[tuple[str, int], str] = {}
    replaced: dict[str, str] = {}
    for node in graph:
        after = map_regions(redirected(node, replaced), lambda region: _gathered(region, fired))
        where = (after.inputs[0], after.attr("index")) if after.op == "item" else None
        if where in moved:
            replaced[node.name] = moved[where]
            continue
        length = after.attr("length") if after.op == "scan" else 0
        if isinstance(length, int) and length > 0:
            with outer.within(node.name, graph.origin(node.name)):
                moved |= _after(outer, _before(outer, after, fired), fired)
        else:
            outer.nodes[node.name] = after
    same = not replaced and all(outer.nodes.get(node.name) is node for node in graph)
    return graph if same else assembled(graph, outer.nodes, replaced, outer.origins)


# -- before the scan --------------------------------------------------------------------------


def _before(outer: Builder, node: Node, fired: Counter[str]) -> Node:
    """The scan with products of elements and captured matrices as further sequences."""
    scan = ScanParts.of(node)
    operands = dict(zip(scan.names, node.inputs, strict=True))
    _, elements, captured = scan.split(scan.names)
    made: dict[str, Value] = {}
    for inner in scan.body:
        if inner.op != "matmul":
            continue
        x, y = (scan.body[name].tensor for name in inner.inputs)
        left, right = inner.inputs
        if left in elements and right in captured and y.ndim <= 2:
            made[inner.name] = outer.value(operands[left]) @ outer.value(operands[right])
        elif left in captured and right in elements and x.ndim == 2 and y.ndim == 1:
            made[inner.name] = outer.value(operands[right]) @ swapped(outer.value(operands[left]))
    if not made:
        return node
    fired["product_before_scan"] += len(made)
    return _with_sequences(scan, {name: value.name for name, value in made.items()})


def _with_sequences(scan: ScanParts, made: dict[str, str]) -> Node:
    """The scan in which nodes of the body are read off further sequences."""
    body, last = scan.body, scan.carries + scan.sequences
    leaves = list(body.leaves("input"))
    new = [Node("input", (), (), body[name].type, name) for name in made]
    ordered = [*leaves[:last], *new, *leaves[last:]]
    nodes = {leaf.name: leaf for leaf in ordered}
    nodes |= {name: inner for name, inner in body.nodes.items() if name not in nodes}
    attrs = scan.node.attributes()
    attrs["body"], attrs["sequences"] = replace(body, nodes=nodes), scan.sequences + len(made)
    inputs = (*scan.node.inputs[:last], *made.values(), *scan.node.inputs[last:])
    return replace(scan.node, inputs=inputs, attrs=tuple(attrs.items()))


# -- after the scan ---------------------------------------------------------------------------


def _after(outer: Builder, node: Node, fired: Counter[str]) -> dict[tuple[str, int], str]:
    """Place the scan, and behind it what need not be in it: results of the scan, by new nodes."""
    body = _Body(ScanParts.of(node))
    found = [i for i in range(len(body.graph.outputs)) if body.collects(body.waits_for(i))]
    outer.nodes[node.name] = body.collecting()
    fired["product_after_scan"] += len(found)
    return {(node.name, index): body.made(outer, index).name for index in found}


class _Body:
    """A scan's body: which of its results can wait until all turns are over, and what for."""

    def __init__(self, scan: ScanParts) -> None:
        self.scan, self.graph = scan, scan.body
        _, self.elements, self.captured = scan.split(scan.names)
        self.collected = list(self.graph.outputs[scan.carries :])
        self.room = sum(map(self.nbytes, self.elements))

    def nbytes(self, name: str) -> int:
        """Bytes of a value in one turn."""
        type = self.graph[name].tensor
        return int(type.size) * type.dtype.itemsize  # type: ignore[arg-type]

    # -- what can wait, and for what ---------------------------------------------------------------
    def waits_for(self, index: int) -> list[str]:
        """The values of the body of which a result can be made when all turns are over, if any."""
        name = self.graph.outputs[index]
        node = self.graph[name]
        if self.graph.consumers[name] or self.graph.outputs.count(name) > 1:
            return []
        if index < self.scan.carries:
            growth = self.growth(index)
            return self.terms(growth) if growth else []
        multiplies = node.op == "matmul" and node.inputs[1] in self.captured
        left = node.inputs[:1] if multiplies and self.graph[node.inputs[1]].tensor.ndim <= 2 else ()
        return [name for name in left if name not in self.captured]

    def growth(self, index: int) -> str | None:
        """What is added to a carry that nothing else reads."""
        carry, node = self.scan.names[index], self.graph[self.graph.outputs[index]]
        if node.op != "add" or self.graph.consumers[carry] != (node.name,):
            return None
        others = [name for name in node.inputs if name != carry]
        return others[0] if others and carry not in self.graph.outputs else None

    def terms(self, name: str) -> list[str]:
        """The values whose stacks give the sum of one over all turns; none where none can."""
        node = self.graph[name]
        if self.turns(name):
            return self.terms(node.inputs[0])
        if node.op == "add" and all(self.graph[n].type == node.type for n in node.inputs):
            first, second = map(self.terms, node.inputs)
            return first + second if first and second else []
        if node.op == "matmul" and self.turns(node.inputs[0]) and node.tensor.ndim == 2:
            return [self.graph[node.inputs[0]].inputs[0], node.inputs[1]]
        return list(node.inputs) if node.op == "sum" else []

    def turns(self, name: str) -> bool:
        """Whether a node transposes a matrix."""
        node = self.graph[name]
        return node.op == "transpose" and node.attr("axes") == (1, 0)

    # -- collecting --------------------------------------------------------------------------------
    def collects(self, names: list[str]) -> bool:
        """Collect values, if there are any and there is room for those that are not."""
        sources = [self.source(name) for name in names]
        new = [n for n in dict.fromkeys(sources) if n not in (*self.elements, *self.collected)]
        cost = sum(map(self.nbytes, new))
        if not names or cost > self.room or any(n in self.captured for n in new):
            return False
        self.room -= cost
        self.collected += new
        return True

    def source(self, name: str) -> str:
        """The value that a reshaped one is made of."""
        while self.graph[name].op in RESHAPING:
            name = self.graph[name].inputs[0]
        return name

    def collecting(self) -> Node:
        """The scan as it collects now."""
        node, carries, body = self.scan.node, self.scan.carries, self.graph
        outputs = (*body.outputs[:carries], *self.collected)
        if outputs == body.outputs:
            return node
        length = node.attr("length")
        assert isinstance(length, int) and isinstance(node.type, TupleType)
        new = [body[name].tensor for name in outputs[len(body.outputs) :]]
        stacked = [t.with_shape((length, *t.shape)) for t in new]
        attrs = node.attributes() | {"body": replace(body, outputs=outputs)}
        type = TupleType((*node.type.items, *stacked))
        return replace(node, attrs=tuple(attrs.items()), type=type)

    # -- afterwards --------------------------------------------------------------------------------
    def made(self, outer: Builder, index: int) -> Value:
        """A result that waited."""
        node = self.graph[self.graph.outputs[index]]
        if index >= self.scan.carries:
            matrix = self.scan.node.inputs[self.scan.names.index(node.inputs[1])]
            return self.stack(outer, node.inputs[0]) @ outer.value(matrix)
        start, growth = outer.value(self.scan.node.inputs[index]), self.growth(index)
        assert growth is not None
        total = self.total(outer, growth)
        none = start.node.op in ZEROS and not start.node.attributes().get("value", 0)
        return total if none else start + total

    def total(self, outer: Builder, name: str) -> Value:
        """The sum of a value over all turns."""
        node = self.graph[name]
        if self.turns(name):
            return swapped(self.total(outer, node.inputs[0]))
        if node.op == "add":
            return self.total(outer, node.inputs[0]) + self.total(outer, node.inputs[1])
        if node.op == "matmul":
            x, y = (_rows(self.stack(outer, n)) for n in self.terms(name))
            return swapped(x) @ y
        axis = node.attr("axis")
        assert isinstance(axis, tuple)
        axes = (0, *(a + 1 for a in axis))  # type: ignore[operator]
        total = F.sum(self.stack(outer, node.inputs[0]), axis=axes)
        return F.reshape(total, shape=node.tensor.shape) if node.attr("keepdims") else total

    def stack(self, outer: Builder, name: str) -> Value:
        """A value in all turns, along a new first axis."""
        source = self.source(name)
        if source in self.elements:
            whole = outer.value(self.scan.node.inputs[self.scan.names.index(source)])
        else:
            index = self.scan.carries + self.collected.index(source)
            whole = outer.value(self.scan.node.name).item(index)
        shape = (whole.shape[0], *self.graph[name].tensor.shape)
        return whole if shape == whole.shape else F.reshape(whole, shape=shape)


def _rows(x: Value) -> Value:
    """The rows of all turns, one after the other."""
    return F.reshape(x, shape=(x.shape[0] * x.shape[1], x.shape[2]))
