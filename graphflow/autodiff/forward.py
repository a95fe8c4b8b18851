"""Forward mode: pushing tangents through a graph, in the order in which it runs.

A tangent is the derivative of a value along a chosen direction of the inputs. Each node's jvp rule
turns the tangents of its operands into the tangent of its result: (df/dx) v, without transposing
anything. None stands for a tangent of zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from graphflow.diagnostics import fail
from graphflow.ir.graph import Graph, Node, Origin
from graphflow.ir.types import TupleType
from graphflow.ops.builder import Builder, Value, zeros_like
from graphflow.ops.control import ScanParts
from graphflow.ops.op import OPS

Tangent = Value | None | list[Value | None]


def push_forward(
    builder: Builder, tangents: Mapping[str, Value], of: Sequence[str]
) -> dict[str, Value | None]:
    """Tangents of ``of`` given the tangents of some earlier values; appends to ``builder``."""
    found: dict[str, Tangent] = dict(tangents)
    needed = _between(builder, set(tangents), of)
    for name in needed:
        if name in found:
            continue
        node = builder.nodes[name]
        origin = builder.origins.get(name, Origin())
        with builder.within(f"{name}.jvp", replace(origin, twin=name)):
            found[name] = _tangent(builder, node, found)
    return {name: _single(found.get(name)) for name in of}


def _tangent(builder: Builder, node: Node, found: Mapping[str, Tangent]) -> Tangent:
    """The tangent of one node's result."""
    given = [found.get(name) for name in node.inputs]
    if all(t is None for t in given) or node.op == "stop_gradient":
        return None
    if node.op == "item":
        index = node.attr("index")
        source = given[0]
        assert isinstance(index, int) and isinstance(source, list)
        return source[index]
    tangents = [_single(t) for t in given]
    if node.op in FORWARD_RULES:
        return FORWARD_RULES[node.op](builder, node, tangents)
    op = OPS[node.op]
    if op.jvp is None:
        if _is_float(node):
            fail("GF052", f"'{node.op}' has no forward-mode derivative", builder.origin.mark)
        return None
    out = Value(builder, node.name)
    operands = [Value(builder, name) for name in node.inputs]
    result = op.jvp(out, operands, tangents, **node.attributes())
    if isinstance(result, Sequence):
        return list(result)
    if result is not None and isinstance(result.type, TupleType):
        return [result.item(i) for i in range(len(result.type.items))]
    return result


def scan_forward(builder: Builder, node: Node, tangents: list[Value | None]) -> Tangent:
    """A scan that carries each float value together with its tangent."""
    scan = ScanParts.of(node)
    body, names = scan.body, scan.names
    operands = [builder.value(n) for n in node.inputs]
    moving = [
        i for i, n in enumerate(names)
        if body[n].tensor.dtype.is_float and (i < scan.carries or tangents[i] is not None)
    ]  # fmt: skip
    inside, seeds, (carries, sequences, captured) = _doubled_inputs(scan, moving)
    results = push_forward(inside, seeds, body.outputs)
    outputs, picks = _doubled_outputs(inside, body, results, scan.carries, moving)
    given = {i: tangents[i] or zeros_like(builder, operands[i].tensor) for i in moving}
    result = builder.add(
        "scan",
        *(given[i] if is_tangent else operands[i]
          for i, is_tangent in (*carries, *sequences, *captured)),
        body=inside.graph(outputs),
        carries=len(carries),
        sequences=len(sequences),
        length=node.attr("length"),
        reverse=node.attr("reverse"),
    )  # fmt: skip
    return [None if p is None else result.item(p) for p in picks]


def _doubled_inputs(
    scan: ScanParts, moving: Sequence[int]
) -> tuple[Builder, dict[str, Value], list[list[tuple[int, bool]]]]:
    """A builder on the body whose inputs of each role are followed by those inputs' tangents.

    With it the tangents by input, and for each role the operand behind every input and whether it
    is its tangent.
    """
    whole = Builder(scan.body)
    tangents = {
        name: whole.input(f"{name}.tangent", scan.body[name].tensor)
        for name in (scan.names[i] for i in moving)
    }
    inside, roles = Builder(), []
    for role in scan.split(range(len(scan.names))):
        doubled = [*((i, False) for i in role), *((i, True) for i in moving if i in role)]
        for i, is_tangent in doubled:
            name = scan.names[i]
            inside.input(tangents[name].name if is_tangent else name, scan.body[name].tensor)
        roles.append(doubled)
    for node in scan.body:
        inside.nodes.setdefault(node.name, node)
        inside.origins.setdefault(node.name, scan.body.origin(node.name))
    return inside, {n: inside.value(t.name) for n, t in tangents.items()}, roles


def _doubled_outputs(
    inside: Builder,
    body: Graph,
    results: Mapping[str, Value | None],
    carries: int,
    moving: Sequence[int],
) -> tuple[list[str], list[int | None]]:
    """Outputs of one turn with tangents, and which result is the tangent of which output."""
    outputs = list(body.outputs[:carries])
    picks: list[int | None] = []
    for i, name in enumerate(body.outputs[:carries]):
        picks.append(len(outputs) if i in moving else None)
        if i in moving:
            value = results[name] or zeros_like(inside, body[name].tensor)
            outputs.append(value.name)
    for name in body.outputs[carries:]:
        tangent = results[name]
        outputs.append(name)
        picks.append(None if tangent is None else len(outputs))
        if tangent is not None:
            outputs.append(tangent.name)
    return outputs, picks


def cond_forward(builder: Builder, node: Node, tangents: list[Value | None]) -> Tangent:
    """A cond whose branches push the tangents through."""
    operands = [builder.value(n) for n in node.inputs]
    moving = [i for i, t in enumerate(tangents[1:]) if t is not None]
    branches = []
    for branch in (node.attr("then"), node.attr("orelse")):
        assert isinstance(branch, Graph)
        inside = Builder(branch)
        names = [leaf.name for leaf in branch.leaves("input")]
        seeds = {names[i]: inside.input(f"{names[i]}.tangent", branch[names[i]].tensor)
                 for i in moving}  # fmt: skip
        results = push_forward(inside, seeds, branch.outputs)
        values = [results[n] or zeros_like(inside, branch[n].tensor) for n in branch.outputs]
        branches.append(inside.graph([v.name for v in values]))
    given = [t for t in tangents[1:] if t is not None]
    result = builder.add("cond", *operands, *given, then=branches[0], orelse=branches[1])
    assert isinstance(node.type, TupleType)
    return [result.item(i) for i in range(len(node.type.items))]


def while_forward(builder: Builder, node: Node, tangents: list[Value | None]) -> Tangent:
    """A loop that carries tangents beside its values, and ends when the loop does."""
    body, condition = node.attr("body"), node.attr("condition")
    carries, most = node.attr("carries"), node.attr("max_steps")
    assert isinstance(body, Graph) and isinstance(condition, Graph) and isinstance(carries, int)
    loop = ScanParts(node, body, carries, 0)
    operands = [builder.value(n) for n in node.inputs]
    moving = [
        i for i, n in enumerate(loop.names)
        if body[n].tensor.dtype.is_float and (i < carries or tangents[i] is not None)
    ]  # fmt: skip
    inside, seeds, (carried, _, captured) = _doubled_inputs(loop, moving)
    results = push_forward(inside, seeds, body.outputs)
    outputs, picks = _doubled_outputs(inside, body, results, carries, moving)
    given = {i: tangents[i] or zeros_like(builder, operands[i].tensor) for i in moving}
    result = builder.add(
        "while_loop",
        *(given[i] if is_tangent else operands[i] for i, is_tangent in (*carried, *captured)),
        condition=_beside_tangents(condition, (*carried, *captured)),
        body=inside.graph(outputs), carries=len(carried), max_steps=most,
    )  # fmt: skip
    return [None if p is None else result.item(p) for p in picks]


def _beside_tangents(condition: Graph, doubled: Sequence[tuple[int, bool]]) -> Graph:
    """The same condition in a loop that is handed tangents, too: they do not count."""
    names = [leaf.name for leaf in condition.leaves("input")]
    inside = Builder()
    for i, is_tangent in doubled:
        name = names[i]
        inside.input(f"{name}.tangent" if is_tangent else name, condition[name].tensor)
    for node in condition:
        inside.nodes.setdefault(node.name, node)
        inside.origins.setdefault(node.name, condition.origin(node.name))
    return inside.graph(condition.outputs)


FORWARD_RULES = {"scan": scan_forward, "cond": cond_forward, "while_loop": while_forward}


def _between(builder: Builder, sources: set[str], of: Sequence[str]) -> list[str]:
    """Nodes that depend on ``sources`` and that ``of`` depends on, in running order."""
    needed, stack = set(), list(of)
    while stack:
        name = stack.pop()
        if name not in needed:
            needed.add(name)
            stack.extend(builder.nodes[name].inputs)
    reached = set(sources)
    order = []
    for name, node in builder.nodes.items():
        if name in needed and (name in reached or not reached.isdisjoint(node.inputs)):
            reached.add(name)
            order.append(name)
    return order


def _single(tangent: Tangent) -> Value | None:
    return None if isinstance(tangent, list) else tangent


def _is_float(node: Node) -> bool:
    types = node.type.items if isinstance(node.type, TupleType) else (node.type,)
    return any(t.dtype.is_float for t in types)
