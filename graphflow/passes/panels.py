"""Weights of a scan laid out once, in panels of a few columns, for products with few rows.

    x @ w  ->  rearrange(x @ rearrange(w, 'k (j l) -> j k l'), 'j m l -> m (j l)')

A library of products lays its right operand out anew in every call; with few rows on the left that
takes as long as multiplying. Within a scan the same weights meet other rows in each turn: here
their layout is a node of its own, which moves in front of the scan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from graphflow.ir.graph import Attr, Graph, Node
from graphflow.ir.types import DType, TensorType
from graphflow.ops.builder import Builder, F, Value
from graphflow.ops.control import ScanParts
from graphflow.passes.hoist import hoist_invariants
from graphflow.passes.rewrite import Rewritten
from graphflow.passes.substitute import assembled, map_regions, rebuilt

ROWS = 512
"""Rows on the left up to which this pays."""
TURNS = 4
"""Turns of a scan from which it does."""


def panel_products(graph: Graph, width: int) -> Rewritten:
    """Products of a scan's body by what is equal in all turns, by panels of ``width`` columns."""
    fired: Counter[str] = Counter()
    after = _rewritten(graph, width, fired)
    return Rewritten(hoist_invariants(after).graph if fired else graph, dict(fired))


def _rewritten(graph: Graph, width: int, fired: Counter[str]) -> Graph:
    nodes = {}
    for node in graph:
        after = map_regions(node, partial(_rewritten, width=width, fired=fired))
        length = dict(after.attrs).get("length")
        if after.op == "scan" and isinstance(length, int) and length >= TURNS:
            body = _body(after, width, fired)
            attrs: dict[str, Attr] = after.attributes() | {"body": body}
            after = replace(after, attrs=tuple(attrs.items()))
        nodes[node.name] = after
    same = all(nodes[node.name] is node for node in graph)
    return graph if same else assembled(graph, nodes, {})


def _body(scan: Node, width: int, fired: Counter[str]) -> Graph:
    """The body of a scan with its products by panels."""
    parts = ScanParts.of(scan)
    body = parts.body
    chosen = list(_chosen(body, set(parts.split(parts.names)[2]), width))
    if not chosen:
        return body
    fired["panel_product"] += len(chosen)
    return rebuilt(body, {name: partial(_by_panels, body.nodes[name], width) for name in chosen})


def _by_panels(product: Node, width: int, builder: Builder) -> Value:
    x, y = map(builder.value, product.inputs)
    columns = int(y.shape[1])  # type: ignore[arg-type]
    sizes = (("j", columns // width), ("l", width))
    panels = F.rearrange(y, pattern="k (j l) -> j k l", sizes=sizes) * 1  # computed, not seen
    return F.rearrange(x @ panels, pattern="j m l -> m (j l)", sizes=sizes)


def _chosen(body: Graph, captured: set[str], width: int) -> Iterator[str]:
    """Products whose right operand depends on captured values alone, where panels pay."""
    invariant = set(captured)
    for node in body:
        if node.op != "input" and invariant.issuperset(node.inputs):
            invariant.add(node.name)
        elif node.op == "matmul" and node.inputs[1] in invariant:
            x, y = (body.nodes[name].tensor for name in node.inputs)
            if _pays(x, y, width):
                yield node.name


def _pays(x: TensorType, y: TensorType, width: int) -> bool:
    if len(x.shape) != 2 or len(y.shape) != 2 or x.dtype is not DType.FLOAT32:
        return False
    rows, columns = x.shape[0], y.shape[1]
    assert isinstance(rows, int) and isinstance(columns, int)
    return rows <= ROWS and columns % width == 0
