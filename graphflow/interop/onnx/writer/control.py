"""Loops and branches: Scan, Loop and If, whose inner graphs read outer values by name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphflow.interop.onnx.writer.core import counting
from graphflow.interop.onnx.writer.emitter import Call, Emitter, inner_graph, value_info
from graphflow.interop.onnx.writer.table import writes
from graphflow.ir.graph import Graph
from graphflow.ir.types import DType, TensorType, tensors
from graphflow.ops.control import ScanParts

CONDITION = TensorType(DType.BOOL)
COUNT = TensorType(DType.INT64)


def formal(c: Call, types: Sequence[TensorType], name: str) -> list[str]:
    """Fresh names for what an inner graph is handed."""
    scope = c.emitter.scoped(c.node.name)
    return [c.emitter.fresh(f"{scope}.{name}/in") for _ in types]


@writes("scan")
def scan(c: Call) -> Sequence[str]:
    """A loop over time. ONNX's Scan wants a sequence: one that has none counts its turns."""
    parts, turned = ScanParts.of(c.node), c.flag("reverse")
    if c.attrs["length"] == 0:
        return no_turns(c, parts)
    carries, sequences, captured = parts.split(list(c.inputs))
    states, series, _ = parts.split(list(c.types))
    elements = [t.with_shape(t.shape[1:]) for t in series]
    if not sequences:
        sequences, elements = [counting(c, c.dim("length"))], [COUNT]
    names = formal(c, [*states, *elements], "body")
    seen = names[: len(carries) + parts.sequences]
    region = c.emitter.region(parts.body, [*seen, *captured], "body")
    types = [parts.body[name].tensor for name in parts.body.outputs]
    inputs = [value_info(n, t) for n, t in zip(names, [*states, *elements], strict=True)]
    body = inner_graph(region.emitter, inputs, list(zip(region.results(), types, strict=True)))
    collected = len(types) - len(carries)
    return c.emitter.ops(
        "Scan", len(types), *carries, *sequences, body=body,
        num_scan_inputs=len(sequences),
        scan_input_directions=[turned] * len(sequences) if turned else None,
        scan_output_directions=[turned] * collected if turned and collected else None,
    )  # fmt: skip


def no_turns(c: Call, parts: ScanParts) -> list[str]:
    """What a loop without turns gives; runtimes refuse sequences of length 0."""
    carries = list(c.inputs[: parts.carries])
    return [*carries, *(c.filled(t, 0) for t in tensors(c.node.type)[parts.carries :])]


@writes("while_loop")
def while_loop(c: Call) -> Sequence[str]:
    """A loop with a condition, which is asked before the first turn and after each.

    After ``max_steps`` turns it ends; ours ends in an error.
    """
    condition, body = c.attrs["condition"], c.attrs["body"]
    count, most = c.whole("carries"), c.whole("max_steps")
    assert isinstance(condition, Graph) and isinstance(body, Graph)
    carries, captured = list(c.inputs[:count]), list(c.inputs[count:])
    types = list(c.types[:count])
    first = inlined(c, c.emitter, condition, [*carries, *captured], "condition")
    turn, again, *states = formal(c, [COUNT, CONDITION, *types], "body")
    region = c.emitter.region(body, [*states, *captured], "body")
    after = region.results()
    going = inlined(c, region.emitter, condition, [*after, *captured], "condition")
    inputs = [(turn, COUNT), (again, CONDITION), *zip(states, types, strict=True)]
    results = [(going, CONDITION), *zip(after, types, strict=True)]
    proto = inner_graph(region.emitter, [value_info(n, t) for n, t in inputs], results)
    bound = c.array(np.array(most, np.int64))
    return c.emitter.ops("Loop", count, bound, first, *carries, body=proto)


def inlined(c: Call, at: Emitter, region: Graph, arguments: Sequence[str], name: str) -> str:
    """A region of one result written into a graph that is there already."""
    inner = at.region(region, arguments, name)
    inner.emitter.nodes = at.nodes
    return inner.results()[0]


@writes("cond")
def cond(c: Call) -> Sequence[str]:
    """One of two branches."""
    branches = {}
    for attr, key in (("then", "then_branch"), ("orelse", "else_branch")):
        graph = c.attrs[attr]
        assert isinstance(graph, Graph)
        region = c.emitter.region(graph, c.inputs[1:], attr)
        types = [graph[name].tensor for name in graph.outputs]
        results = list(zip(region.results(), types, strict=True))
        branches[key] = inner_graph(region.emitter, [], results)
    return c.emitter.ops("If", len(tensors(c.node.type)), c.x, **branches)
