"""Running a graph on a device: node by node, by the operators' portable forwards.

Leaves are brought there before a run, for whoever holds the model may have written into them;
outputs and new values come back after it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from graphflow.backends.cupy import Device
from graphflow.ir.graph import LEAVES, Graph
from graphflow.ops.evaluate import Computed, fetched, run_in
from graphflow.ops.op import Array
from graphflow.runtime.interpret import assign_updates, leaf_values
from graphflow.runtime.store import StoreLike
from graphflow.schedule.liveness import is_fixed


class OnDevice:
    """A specialised graph that runs on a device again and again."""

    def __init__(self, graph: Graph, store: StoreLike, device: Device) -> None:
        self.graph, self.store, self._device, xp = graph, store, device, device.xp
        self._fixed = {n.name: run_in(graph, n, [], xp) for n in graph if is_fixed(n)}
        self._nodes = [n for n in graph if n.op not in LEAVES and n.name not in self._fixed]
        kept = {*graph.outputs, *graph.updates.values()}
        last = {name: node.name for node in self._nodes for name in node.inputs}
        self._free: dict[str, list[str]] = {}
        """After each node the values that nothing reads any more."""
        for name, node in last.items():
            if name not in kept:
                self._free.setdefault(node, []).append(name)

    def run(self, feed: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs; updates are made in the store."""
        with self._device.telling():
            here = self._run(leaf_values(self.graph, self.store, feed))
        assign_updates(self.graph, self.store, here)
        return {name: np.array(here[name]) for name in self.graph.outputs}

    def _run(self, leaves: Mapping[str, Array]) -> dict[str, Computed]:
        """Outputs and new values by node, fetched."""
        xp = self._device.xp
        values: dict[str, Computed] = {name: xp.asarray(x) for name, x in leaves.items()}
        values |= self._fixed
        for node in self._nodes:
            operands = [values[name] for name in node.inputs]
            values[node.name] = run_in(self.graph, node, operands, xp)
            for name in self._free.get(node.name, ()):
                del values[name]
        roots = {*self.graph.outputs, *self.graph.updates.values()}
        return {name: fetched(values[name], xp) for name in roots}
