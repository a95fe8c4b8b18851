"""Running a graph on a device: groups of nodes by kernels made for them, all other nodes by the
operators' portable forwards.

Parameters and states live there from the first run on, until somebody asks the store for their
arrays; what is fed goes there for each run, and outputs come back after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType

import numpy as np

from graphflow.backends.cublas import Product
from graphflow.backends.cuda import Module, fuses, module
from graphflow.backends.cuda.arrays import Strides, lying
from graphflow.backends.cupy import Device, Loaded
from graphflow.ir.graph import LEAVES, Graph, Node
from graphflow.ir.types import TupleType
from graphflow.ops.control import is_control
from graphflow.ops.evaluate import Computed, fetched, run_in
from graphflow.ops.fused import body_of
from graphflow.ops.op import Array, Namespace, get_op
from graphflow.passes import fuse, optimise
from graphflow.passes.affine import affine
from graphflow.runtime.asked import Asked, asked, attends, computing, told, unasked
from graphflow.runtime.attention import attended
from graphflow.runtime.products import multiplying, products
from graphflow.runtime.store import StoreLike
from graphflow.runtime.uninterrupted import Uninterrupted
from graphflow.schedule.liveness import is_fixed, trace_sources
from graphflow.schedule.plan import Plan
from graphflow.schedule.storage import computes
from graphflow.schedule.views import UNIFORM, stand_in


def device_graph(graph: Graph) -> Graph:
    """A specialised graph as it runs on a device: optimised, attention and products with what is
    added to them one node each, and groups of the other nodes fused.
    """
    return fuse(affine(attended(optimise(graph), attends)), fuses)


def device_module(graph: Graph) -> Module:
    """The kernels of a fused graph and of the loops in it."""
    return module(_fused_in(graph))


def _fused_in(graph: Graph) -> Iterator[tuple[Node, list[Strides]]]:
    """Every fused node, and how its operands lie."""
    seen = _seen(graph)
    for node in graph:
        if node.op == "fused":
            yield node, [_strides(seen[name]) for name in node.inputs]
        else:
            for region in node.regions:
                yield from _fused_in(region)


def _strides(x: Computed) -> Strides:
    assert isinstance(x, np.ndarray)
    return lying(x)


def _seen(graph: Graph) -> Mapping[str, Computed]:
    """How values lie: as they were made, row by row, or as views."""
    made = {node.name: stand_in(node.type) for node in graph if node.op in UNIFORM}
    return trace_sources(graph, made).seen


def computed_on_device(graph: Graph, plan: Plan, tf32: bool = False) -> Mapping[str, str]:
    """For each node of the plan of a specialised graph's :func:`device_graph` that is no view what
    computes it, and how. No device need be there.
    """
    found = unasked(optimise(graph)) | asked(plan.graph, _seen(plan.graph), tf32=tf32)
    graph, kernels = plan.graph, device_module(plan.graph)
    multiplied = products(graph, _seen(graph), tf32)
    return {
        node.name: _computed(graph, node, kernels, found.get(node.name), multiplied.get(node.name))
        for node in graph
        if is_fixed(node) or computes(node, plan.sources)
    }


def _computed(
    graph: Graph, node: Node, kernels: Module, one: Asked | None, product: Product | None
) -> str:
    if node.op == "fused":
        return f"cuda: {kernels.of(body_of(node)).how}"
    by = "cupy" if product is None else f"cublas: {product.how}"
    if one is not None:
        return told(one, by)
    if product is not None:
        return by
    if is_fixed(node):
        return "cupy, once"
    op = get_op(node.op)
    if op.on_host([graph.nodes[name].type for name in node.inputs], node.attributes()):
        return "numpy, fetched from the device"
    if is_control(node):
        inside = sum(1 for region in node.regions for _ in _fused_in(region))
        return "cupy, turn by turn" + (f"; in a turn cuda {inside} times" if inside else "")
    return "cupy, and waits" if op.waits else "cupy"


class _Launching(ModuleType):
    """A device's namespace that has kernels for the regions of fused nodes."""

    def __init__(self, xp: Namespace, kernels: Module, loaded: Loaded) -> None:
        super().__init__("launching")
        self._xp, self._kernels, self._loaded = xp, kernels, loaded

    def __getattr__(self, name: str) -> object:
        return getattr(self._xp, name)

    def launched(self, body: Graph, operands: Sequence[Array]) -> tuple[Array, ...]:
        """The results of a fused node."""
        return self._loaded.run(self._kernels.of(body), operands)


class OnDevice:
    """A fused graph that runs on a device again and again."""

    def __init__(
        self, graph: Graph, store: StoreLike, device: Device, exact_conv: bool = False,
        tf32: bool = False,
    ) -> None:  # fmt: skip
        self.graph, self.store, self._device, xp = graph, store, device, device.xp
        kernels = device_module(graph)
        self._loaded = device.load(kernels)
        self._launching = _Launching(xp, kernels, self._loaded)
        self._fixed = {n.name: run_in(graph, n, [], xp) for n in graph if is_fixed(n)}
        self._leaf_nodes = [n for n in graph if n.op in LEAVES]
        self._nodes = [n for n in graph if n.op not in LEAVES and n.name not in self._fixed]
        seen = _seen(graph)
        self._computing = computing(asked(graph, seen, exact_conv, tf32), device.cudnn)
        self._computing |= multiplying(products(graph, seen, tf32), device.cublas)
        kept = {*graph.outputs, *graph.updates.values()}
        last = {name: node.name for node in self._nodes for name in node.inputs}
        self._free: dict[str, list[str]] = {}
        """After each node the values that nothing reads any more."""
        for name, node in last.items():
            if name not in kept:
                self._free.setdefault(node, []).append(name)

    def run(self, feed: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs; updates are made in the store, all of them or, where a Ctrl-C comes before
        the first, none. What a kernel cannot tell of a position that lies outside of its row, the
        portable forwards tell.
        """
        xp = self._device.xp
        leaves = self._leaves(feed)
        with self._device.telling():
            values = self._run(leaves, self._launching)
            if self._loaded.missed():
                values = self._run(leaves, xp)
        results = {name: np.array(fetched(values[name], xp)) for name in self.graph.outputs}
        with Uninterrupted():
            for leaf, name in self.graph.updates.items():
                self.store.keep(leaf, values[name], xp)  # type: ignore[arg-type]  # one array
        return results

    def _leaves(self, feed: Mapping[str, Array]) -> dict[str, Computed]:
        """A value on the device for every leaf: what is fed, and what the store has there."""
        xp, found = self._device.xp, dict[str, Computed]()
        for node in self._leaf_nodes:
            name, dtype = node.name, node.tensor.dtype.value
            fed = name in feed
            value = np.asarray(feed[name], dtype) if fed else self.store.there(name, xp)
            found[name] = xp.asarray(value, dtype=dtype)
        return found

    def _run(self, leaves: Mapping[str, Computed], xp: Namespace) -> dict[str, Computed]:
        """The values that are left at the end: outputs and new values among them."""
        values: dict[str, Computed] = {**leaves, **self._fixed}
        for node in self._nodes:
            operands = [values[name] for name in node.inputs]
            values[node.name] = self._computed(node, operands, xp)
            for name in self._free.get(node.name, ()):
                del values[name]
        return values

    def _computed(self, node: Node, operands: list[Computed], xp: Namespace) -> Computed:
        """The value of a node, by a library or by its forward."""
        own = self._computing.get(node.name)
        if own is None:
            return run_in(self.graph, node, operands, xp)
        found = own(*operands)
        return found if isinstance(node.type, TupleType) else found[0]
