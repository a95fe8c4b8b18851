"""Running a plan on a device, again and again in the same memory.

What the plan places lies in one piece of the device's memory. Parameters and states live there from
the first run on, until somebody asks the store for their arrays, and are updated where they lie;
what is fed goes to the same places in each run, and outputs come back after it. So what runs in a
step never changes, and is recorded and repeated but for the nodes in which the host has a part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import is_

import numpy as np

from graphflow.backends.cupy import Device
from graphflow.diagnostics import fail
from graphflow.ir.graph import LEAVES
from graphflow.ops.help import helped
from graphflow.ops.op import Array
from graphflow.runtime.bind import bind
from graphflow.runtime.device_plan import device_module
from graphflow.runtime.device_rules import Rules
from graphflow.runtime.line import Line
from graphflow.runtime.store import StoreLike
from graphflow.runtime.uninterrupted import Uninterrupted
from graphflow.schedule.plan import Plan
from graphflow.schedule.views import concrete_shape


class OnDevice:
    """A plan bound to a device."""

    def __init__(
        self, plan: Plan, store: StoreLike, device: Device, exact_conv: bool = False,
        tf32: bool = False,
    ) -> None:  # fmt: skip
        self.plan, self.graph, self._store, self._device = plan, plan.graph, store, device
        leaves = [node for node in plan.graph if node.op in LEAVES]
        with device.working():
            self._rules = Rules(device, device_module(plan), exact_conv, tf32)
            self._backend = self._rules.backend()
            self._arena: Array = device.xp.empty(plan.arena_bytes, np.uint8)
            fed = {n.name: n.tensor for n in leaves if n.op in ("input", "rng")}
            self._fed = {
                name: device.traffic.inbox(concrete_shape(type), np.dtype(type.dtype.value))
                for name, type in fed.items()
            }
        self._held = [node for node in leaves if node.name not in self._fed]
        self._kept: list[Array] | None = None
        self._version = -1

    def bring(self, feed: Mapping[str, Array]) -> None:
        """What is fed to a later run, while another one is under way: it begins to go there."""
        for name, value in feed.items():
            if name in self._fed:
                self._fed[name].bring(value)

    def run(self, feed: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs; updates are made in the store, all of them or, where a Ctrl-C comes before
        the first, none. GF080 where a kernel has met a position that is not there.
        """
        with self._device.working():
            self._settle()
            for name, inbox in self._fed.items():
                inbox.put(np.asarray(feed[name]))
            for target, source in self._taken:
                self._device.xp.copyto(target, source, casting="unsafe")
            with helped(self._device.help):
                for kernel in self._line.kernels:
                    kernel()
            if self._rules.is_wrong():
                fail("GF080", "a position (a label, a token, an index) is not there",
                     help="positions count from 0")  # fmt: skip
            with Uninterrupted():
                return self._finish()

    def _finish(self) -> dict[str, Array]:
        """Write the leaves; outputs are fetched before old values go."""
        for kernel in self._line.ending:
            kernel()
        outputs = dict.fromkeys(self.graph.outputs)
        fetched = self._device.traffic.fetched([self._line.array(name) for name in outputs])
        for copy in self._line.copies:
            copy()
        for target, source in self._returned:
            self._device.xp.copyto(target, source, casting="unsafe")
        return dict(zip(outputs, fetched(), strict=True))

    def _settle(self) -> None:
        """Bind to the arrays that the store has on the device, if they are others than before."""
        if self._store.version == self._version:
            return
        kept = [self._store.there(node.name, self._device.xp) for node in self._held]
        self._version = self._store.version
        if self._kept is None or not all(map(is_, kept, self._kept)):
            self._kept = kept
            self._bind(kept)

    def _bind(self, arrays: Sequence[Array]) -> None:
        xp, leaves = self._device.xp, {name: inbox.array for name, inbox in self._fed.items()}
        self._taken: list[tuple[Array, Array]] = []
        self._returned: list[tuple[Array, Array]] = []
        for node, kept in zip(self._held, arrays, strict=True):
            leaves[node.name] = kept
            if kept.dtype != node.tensor.dtype.value:
                leaves[node.name] = xp.empty(kept.shape, node.tensor.dtype.value)
                self._taken.append((leaves[node.name], kept))
                if node.name in self.graph.updates:
                    self._returned.append((kept, leaves[node.name]))
        self._line: Line = bind(self._backend, self.plan, leaves, self._arena)
        self._rules.warn()
