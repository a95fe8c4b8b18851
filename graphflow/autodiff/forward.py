"""Forward mode: pushing tangents through a graph, in the order in which it runs.

A tangent is the derivative of a value along a chosen direction of the inputs. Each node's jvp rule
turns the tangents of its operands into the tangent of its result: (df/dx) v, without transposing
anything. None stands for a tangent of zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from graphflow.diagnostics import fail
from graphflow.ir.graph import Attr, Graph, Node, Origin
from graphflow.ir.types import TupleType
from graphflow.ops.builder import Builder, Value, zeros_like
from graphflow.ops.control import ScanParts
from graphflow.ops.op import OPS

Tangent = Value | None | list[Value | None]
Roles = Sequence[Sequence[tuple[int, bool]]]
"""For each role of a loop's operands, the operand behind every input and whether it is its tangent.
"""


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
    roles = scan.split(range(len(scan.names)))
    return _looped(builder, node, roles, tangents, lambda found: {"sequences": len(found[1])})


def while_forward(builder: Builder, node: Node, tangents: list[Value | None]) -> Tangent:
    """A loop that carries tangents beside its values, and ends when the loop does."""
    condition, carries = node.attr("condition"), node.attr("carries")
    assert isinstance(condition, Graph) and isinstance(carries, int)

    def beside(found: Roles) -> dict[str, Attr]:
        inside, _ = _region(condition, found)
        return {"condition": inside.graph(condition.outputs)}

    places = range(len(node.inputs))
    return _looped(builder, node, (places[:carries], places[carries:]), tangents, beside)


def _looped(
    builder: Builder,
    node: Node,
    roles: Sequence[Sequence[int]],
    tangents: list[Value | None],
    attributes: Callable[[Roles], dict[str, Attr]],
) -> Tangent:
    """A loop with tangents behind the operands of each role, of which carries are the first.

    ``attributes`` gives those of the loop that depend on its operands.
    """
    body = node.attr("body")
    assert isinstance(body, Graph)
    names = [leaf.name for leaf in body.leaves("input")]
    operands = [builder.value(n) for n in node.inputs]
    moving = [
        i for i, n in enumerate(names)
        if body[n].tensor.dtype.is_float and (i in roles[0] or tangents[i] is not None)
    ]  # fmt: skip
    doubled = [
        [*((i, False) for i in role), *((i, True) for i in moving if i in role)] for role in roles
    ]
    inside, seeds = _region(body, doubled)
    results = push_forward(inside, seeds, body.outputs)
    outputs, picks = _doubled_outputs(inside, body, results, len(roles[0]), moving)
    given = {i: tangents[i] or zeros_like(builder, operands[i].tensor) for i in moving}
    changed = {"body": inside.graph(outputs), "carries": len(doubled[0]), **attributes(doubled)}
    result = builder.add(
        node.op,
        *(given[i] if is_tangent else operands[i] for role in doubled for i, is_tangent in role),
        name=None,
        **node.attributes() | changed,
    )
    return [None if p is None else result.item(p) for p in picks]


def _region(region: Graph, roles: Roles) -> tuple[Builder, dict[str, Value]]:
    """A builder on a region of a loop that is handed tangents, too, and these by input."""
    names = [leaf.name for leaf in region.leaves("input")]
    whole, inside, tangents = Builder(region), Builder(), {}
    for i, is_tangent in chain(*roles):
        name, type = names[i], region[names[i]].tensor
        if is_tangent:
            tangents[name] = inside.input(whole.input(f"{name}.tangent", type).name, type)
        else:
            inside.input(name, type)
    for node in region:
        inside.nodes.setdefault(node.name, node)
        inside.origins.setdefault(node.name, region.origin(node.name))
    return inside, tangents


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
