"""Plans for a device: what their graphs become, their kernels, and what computes each node. No
device need be there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from graphflow.backends.cublas import Product
from graphflow.backends.cuda import Module, fuses, module
from graphflow.backends.cuda.arrays import Strides, lying
from graphflow.ir.graph import Graph, Node
from graphflow.ops.control import is_control
from graphflow.ops.evaluate import Computed
from graphflow.ops.fused import body_of
from graphflow.ops.op import get_op
from graphflow.passes import fuse, optimise
from graphflow.passes.affine import affine
from graphflow.runtime.asked import Asked, asked, attends, told, unasked
from graphflow.runtime.attention import attended
from graphflow.runtime.products import products
from graphflow.schedule.plan import Plan, make_plan
from graphflow.schedule.storage import computes


def device_plan(graph: Graph) -> Plan:
    """The plan of a specialised graph as it runs on a device."""
    return device_layout(optimise(graph))


def device_layout(fast: Graph) -> Plan:
    """An optimised graph as it runs on a device: attention and products with what is added to them
    are one node each, and groups of the other nodes fused; small nodes alone as well, for a kernel
    is one launch, and CuPy's function asks for memory besides.
    """
    return make_plan(fuse(affine(attended(fast, attends)), fuses, worth=1))


def device_module(plan: Plan) -> Module:
    """The kernels of a plan and of the loops in it."""
    return module(_fused_in(plan))


def _fused_in(plan: Plan) -> Iterator[tuple[Node, list[Strides]]]:
    """Every fused node, and how its operands lie."""
    for node in plan.graph:
        if node.op == "fused":
            yield node, [_strides(plan.sources.seen[name]) for name in node.inputs]
        for inner in plan.regions.get(node.name, ()):
            yield from _fused_in(inner)


def _strides(x: Computed) -> Strides:
    assert isinstance(x, np.ndarray)
    return lying(x)


def computed_on_device(graph: Graph, plan: Plan, tf32: bool = False) -> Mapping[str, str]:
    """For each node of the :func:`device_plan` of a specialised graph that is no view what computes
    it, and how.
    """
    seen, kernels = plan.sources.seen, device_module(plan)
    found = unasked(optimise(graph)) | asked(plan.graph, seen, tf32=tf32)
    multiplied = products(plan.graph, seen, tf32)
    return {
        node.name: _computed(plan, node, kernels, found.get(node.name), multiplied.get(node.name))
        for node in plan.graph
        if computes(node, plan.sources)
    }


def _computed(
    plan: Plan, node: Node, kernels: Module, one: Asked | None, product: Product | None
) -> str:
    if node.op == "fused":
        return f"cuda: {kernels.of(body_of(node)).how}"
    by = _by_cupy(plan, node) if product is None else f"cublas: {product.how}"
    return by if one is None else told(one, by)


def _by_cupy(plan: Plan, node: Node) -> str:
    """How CuPy, or NumPy, computes a node; both ask for memory besides the plan's."""
    op = get_op(node.op)
    if op.on_host([plan.graph.nodes[name].type for name in node.inputs], node.attributes()):
        return "numpy, fetched from the device"
    if is_control(node):
        inside = sum(1 for region in plan.regions[node.name] for _ in _fused_in(region))
        return "turns" + (f"; in a turn cuda {inside} times" if inside else "")
    return "cupy, allocates" + (", waits" if op.waits else "")
