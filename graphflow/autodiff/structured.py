"""Reverse rules of operators that hold regions: scan (back-propagation through time), cond and
while loops.

A region is differentiated like any graph. What its backward part reads of its forward part, turn
by turn, is collected by the forward scan as extra results; values that do not change from turn to
turn, and those that lie before a ``checkpoint``, are recomputed instead. The backward pass of a
scan is one scan in the other direction.

The rules are handed ``pull_back``, the walk that called them, to differentiate their regions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from graphflow.ir.graph import Graph, Node
from graphflow.ir.types import TensorType, TupleType
from graphflow.ops.builder import Builder, Value, zeros_like
from graphflow.ops.control import ScanParts
from graphflow.ops.core import before_checkpoints

Gradients = dict[str, Value | None]
PullBack = Callable[[Builder, Mapping[str, Value], Sequence[str]], Gradients]
Rule = Callable[[PullBack, Builder, Node, list[Value | None], list[bool]], Sequence[Value | None]]


def scan_rule(
    pull_back: PullBack,
    builder: Builder,
    node: Node,
    parts: list[Value | None],
    wanted: list[bool],
) -> Sequence[Value | None]:
    """Back-propagation through time: one scan in the opposite direction (D2L 9.7)."""
    scan = ScanParts.of(node)
    inside = Builder(scan.body)
    seeds, wrt = _seeds(inside, scan, parts), _differentiated(scan, wanted)
    gradients = pull_back(inside, _totals(scan, seeds), wrt)
    back = _BackwardBody(builder, scan, inside, seeds, gradients)
    return back.build(parts)


def _seeds(inside: Builder, scan: ScanParts, parts: list[Value | None]) -> dict[int, Value]:
    """Inputs appended to the body for the cotangents of its results, by index of the result."""
    seeds: dict[int, Value] = {}
    for index, name in enumerate(scan.body.outputs):
        type = scan.body[name].tensor
        if type.dtype.is_float and (index < scan.carries or parts[index] is not None):
            seeds[index] = inside.input(f"{name}.cotangent", type)
    return seeds


def _totals(scan: ScanParts, seeds: Mapping[int, Value]) -> dict[str, Value]:
    """The cotangent of each node that is a result, perhaps several times."""
    totals: dict[str, Value] = {}
    for index, seed in seeds.items():
        name = scan.body.outputs[index]
        totals[name] = totals[name] + seed if name in totals else seed
    return totals


def _differentiated(scan: ScanParts, wanted: list[bool]) -> list[str]:
    """The inputs of the body that it is differentiated by."""
    return [
        name
        for i, name in enumerate(scan.names)
        if scan.body[name].tensor.dtype.is_float and (i < scan.carries or wanted[i])
    ]


class _BackwardBody:
    """Assembles the backward scan of one forward scan."""

    def __init__(
        self,
        outer: Builder,
        scan: ScanParts,
        inside: Builder,
        seeds: dict[int, Value],
        gradients: Mapping[str, Value | None],
    ) -> None:
        self.outer, self.scan, self.inside = outer, scan, inside
        self.seeds = seeds
        self.gradients = {n: g for n, g in gradients.items() if g is not None}
        self.forward = set(scan.body.nodes)
        self.body = Builder()
        carries, elements, captured = scan.split(scan.names)
        self.carry_names, self.element_names, self.captured_names = carries, elements, captured
        self.float_carries = [n for n in carries if scan.body[n].tensor.dtype.is_float]
        self.wanted_captured = [n for n in captured if n in self.gradients]
        self.wanted_elements = [n for n in elements if n in self.gradients]
        self.sums = {
            n: inside.input(f"{n}.sum", inside.nodes[n].tensor) for n in self.wanted_captured
        }
        self.kept = self._varying() - before_checkpoints(scan.body)
        self.reads = self._reads()

    def build(self, parts: list[Value | None]) -> list[Value | None]:
        """The cotangents of the scan's operands."""
        reads = self.reads
        forward = {n: node for n, node in self.inside.nodes.items() if self._is_forward(n)}
        residuals = [n for n in forward if n in reads and self._is_residual(n)]
        stacks = augment(self.outer, self.scan, forward, residuals)
        operands = dict(zip(self.scan.names, self.scan.node.inputs, strict=True))
        carry_in = self._carry_inputs(parts)
        accumulators = self._accumulator_inputs()
        cotangents = self._cotangent_sequences(parts)
        elements = [n for n in self.element_names if n in reads]
        sequences = [
            *cotangents,
            *(self._input(n, self.outer.value(operands[n])) for n in elements),
            *(self._input(n, stacks[n]) for n in residuals),
        ]
        captured = [
            self._input(n, self.outer.value(operands[n])) for n in self.captured_names if n in reads
        ]
        outputs = self._copy_backward()
        result = self.outer.add(
            "scan",
            *carry_in, *accumulators, *sequences, *captured,
            body=self.body.graph(outputs),
            carries=len(carry_in) + len(accumulators),
            sequences=len(sequences),
            length=self.scan.node.attr("length"),
            reverse=not self.scan.node.attr("reverse"),
        )  # fmt: skip
        return self._operand_cotangents(result)

    def _reads(self) -> set[str]:
        """Forward values of the body that its backward nodes read, through recomputed ones."""
        found: set[str] = set()
        stack = [
            operand
            for name in self._backward_names()
            for operand in self.inside.nodes[name].inputs
            if self._is_forward(operand)
        ]
        stack += [g.name for g in self.gradients.values() if self._is_forward(g.name)]
        while stack:
            name = stack.pop()
            if name in found:
                continue
            found.add(name)
            if name not in self.kept:
                stack.extend(self.inside.nodes[name].inputs)
        return found

    def _varying(self) -> set[str]:
        """Forward values that differ from turn to turn."""
        varying = {*self.carry_names, *self.element_names}
        for name, node in self.inside.nodes.items():
            if self._is_forward(name) and not varying.isdisjoint(node.inputs):
                varying.add(name)
        return varying

    def _is_forward(self, name: str) -> bool:
        node = self.inside.nodes[name]
        return name in self.forward or (node.op == "item" and node.inputs[0] in self.forward)

    def _backward_names(self) -> list[str]:
        handed = {v.name for v in (*self.seeds.values(), *self.sums.values())}
        return [n for n in self.inside.nodes if not self._is_forward(n) and n not in handed]

    def _is_residual(self, name: str) -> bool:
        return name in self.kept and name not in self.element_names

    def _input(self, name: str, value: Value) -> Value:
        """Declare a body input called ``name`` fed by the outer ``value``."""
        self.body.input(name, self.inside.nodes[name].tensor)
        return value

    def _carry_inputs(self, parts: list[Value | None]) -> list[Value]:
        values = []
        for index, name in enumerate(self.carry_names):
            if name in self.float_carries:
                seed = self.seeds[index]
                self.body.input(seed.name, seed.tensor)
                values.append(parts[index] or zeros_like(self.outer, seed.tensor))
        return values

    def _accumulator_inputs(self) -> list[Value]:
        return [self._input(v.name, zeros_like(self.outer, v.tensor)) for v in self.sums.values()]

    def _cotangent_sequences(self, parts: list[Value | None]) -> list[Value]:
        values = []
        for index, seed in self.seeds.items():
            if index >= self.scan.carries:
                part = parts[index]
                assert part is not None
                self.body.input(seed.name, seed.tensor)
                values.append(part)
        return values

    def _copy_backward(self) -> list[str]:
        """Copy recomputed and backward nodes into the body; the outputs of one turn."""
        nodes = self.body.nodes
        for name in self._ordered():
            nodes.setdefault(name, self.inside.nodes[name])
            self.body.origins.setdefault(name, self.inside.origins[name])
        outputs = [self._or_zero(n) for n in self.float_carries]
        for name in self.wanted_captured:
            gradient = self.gradients[name]
            total = self.body.value(self.sums[name].name) + self.body.value(gradient.name)
            outputs.append(total.name)
        return outputs + [self.gradients[n].name for n in self.wanted_elements]

    def _ordered(self) -> list[str]:
        """Recomputed forward nodes that are read, then backward nodes, in running order."""
        copied = {n for n in self.reads if n not in self.kept and n not in self.captured_names}
        backward = set(self._backward_names())
        return [n for n in self.inside.nodes if n in copied or n in backward]

    def _or_zero(self, name: str) -> str:
        gradient = self.gradients.get(name)
        if gradient is not None:
            return gradient.name
        return zeros_like(self.body, self.inside.nodes[name].tensor).name

    def _operand_cotangents(self, result: Value) -> list[Value | None]:
        order = [*self.float_carries, *self.wanted_captured, *self.wanted_elements]
        position = {name: i for i, name in enumerate(order)}
        return [
            result.item(position[name]) if name in position else None for name in self.scan.names
        ]


def augment(
    outer: Builder, scan: ScanParts, nodes: dict[str, Node], residuals: Sequence[str]
) -> dict[str, Value]:
    """Let the forward scan collect ``residuals`` as further results; their stacks by name.

    ``nodes`` are the body's: a scan inside it may collect more than it did before, too.
    """
    node = outer.nodes[scan.node.name]
    body = node.attr("body")
    assert isinstance(body, Graph) and isinstance(node.type, TupleType)
    collected = list(body.outputs[scan.carries :])
    new = [n for n in residuals if n not in collected]
    length = node.attr("length")
    types = [TensorType(t.dtype, (length, *t.shape)) for t in map(_tensor(nodes), new)]  # type: ignore[arg-type]
    attrs = node.attributes() | {"body": replace(body, nodes=nodes, outputs=(*body.outputs, *new))}
    outer.nodes[node.name] = replace(
        node, attrs=tuple(attrs.items()), type=TupleType((*node.type.items, *types))
    )
    collected += new
    value = Value(outer, node.name)
    return {n: value.item(scan.carries + collected.index(n)) for n in residuals}


def _tensor(nodes: Mapping[str, Node]) -> Callable[[str], TensorType]:
    return lambda name: nodes[name].tensor


def cond_rule(
    pull_back: PullBack,
    builder: Builder,
    node: Node,
    parts: list[Value | None],
    wanted: list[bool],
) -> Sequence[Value | None]:
    """The derivative of the branch that is taken, computed in a cond of its own."""
    predicate, *captured = (builder.value(n) for n in node.inputs)
    chosen = [i for i, want in enumerate(wanted[1:]) if want]
    given = [(i, part) for i, part in enumerate(parts) if part is not None]
    then, orelse = (
        _branch_gradient(pull_back, branch, [i for i, _ in given], chosen)
        for branch in (node.attr("then"), node.attr("orelse"))
        if isinstance(branch, Graph)
    )
    result = builder.add(
        "cond", predicate, *captured, *(part for _, part in given), then=then, orelse=orelse
    )
    position = {operand: i for i, operand in enumerate(chosen)}
    items = [result.item(position[i]) if i in position else None for i in range(len(captured))]
    return [None, *items]


def _branch_gradient(
    pull_back: PullBack, branch: Graph, results: Sequence[int], operands: Sequence[int]
) -> Graph:
    """A region taking the branch's operands and cotangents of ``results``, giving gradients."""
    inside = Builder(branch)
    names = [leaf.name for leaf in branch.leaves("input")]
    seeds: dict[str, Value] = {}
    for index in results:
        name = branch.outputs[index]
        seed = inside.input(f"{name}.cotangent", branch[name].tensor)
        seeds[name] = seeds[name] + seed if name in seeds else seed
    wrt = [names[i] for i in operands]
    gradients = pull_back(inside, seeds, wrt)
    outputs = []
    for name in wrt:
        value = gradients[name] or zeros_like(inside, branch[name].tensor)
        outputs.append(value.name)
    return inside.graph(outputs)


def while_rule(
    pull_back: PullBack,
    builder: Builder,
    node: Node,
    parts: list[Value | None],
    wanted: list[bool],
) -> Sequence[Value | None]:
    """That of a scan of ``max_steps`` turns in which the loop runs once more, and rests when its
    condition has ended it: how many turns there were is known only while running.
    """
    carries, most = node.attr("carries"), node.attr("max_steps")
    assert isinstance(carries, int)
    again = builder.add(
        "scan", *map(builder.value, node.inputs),
        body=_turn_or_rest(node, carries), carries=carries, sequences=0, length=most, reverse=False,
    )  # fmt: skip
    return scan_rule(pull_back, builder, builder.nodes[again.name], parts, wanted)


def _turn_or_rest(node: Node, carries: int) -> Graph:
    """A turn of a while loop, which hands its carries on once the condition is false."""
    condition, body = node.attr("condition"), node.attr("body")
    assert isinstance(condition, Graph) and isinstance(body, Graph)
    inside, rest = Builder(condition), Builder()
    names = [leaf.name for leaf in condition.leaves("input")]
    resting = [rest.input(name, condition[name].tensor).name for name in names]
    chosen = inside.add(
        "cond", *map(inside.value, (condition.outputs[0], *names)),
        then=body, orelse=rest.graph(resting[:carries]),
    )  # fmt: skip
    return inside.graph([chosen.item(index).name for index in range(carries)])


REVERSE_RULES: dict[str, Rule] = {"scan": scan_rule, "cond": cond_rule, "while_loop": while_rule}
