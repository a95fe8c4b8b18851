"""How much a recording may take."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ops.op import Array
from graphflow.spec.elaborate.session import NODE_LIMIT

SMALLER = "record less at once: a smaller batch or graph (--set data.batch=2), dtype float32"


@dataclass(frozen=True)
class Limits:
    """Bounds of one study: nodes of the graph, bytes of kept values, steps, seconds."""

    nodes: int = NODE_LIMIT
    bytes: int = 2 * 1024**3
    steps: int = 20_000
    seconds: float = 120.0


class Meter:
    """What a recording has taken so far; it ends with GF004 or GF060 beyond the limits."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.begun = time.monotonic()
        self.bytes = 0
        self.steps = 0
        self._counted: dict[int, Array] = {}

    def step(self, steps: int = 1) -> None:
        """Count steps, and look at the clock."""
        self.steps += steps
        if self.steps > self.limits.steps:
            fail("GF004", f"the walk has more than {self.limits.steps:,} steps",
                 help="leave a loop folded, or shorten it: fewer time steps")  # fmt: skip
        if time.monotonic() - self.begun > self.limits.seconds:
            fail("GF004", f"the recording takes more than {self.limits.seconds:g} seconds",
                 help=SMALLER)  # fmt: skip

    def keep(self, values: Iterable[Array]) -> int:
        """Count what is kept; the bytes that it adds: a view of another value adds none."""
        added = 0
        for value in values:
            root = value
            while isinstance(root.base, np.ndarray):
                root = root.base
            if id(root) not in self._counted:
                self._counted[id(root)] = root
                added += root.nbytes
        self.bytes += added
        if self.bytes > self.limits.bytes:
            fail("GF060", f"the values of the walk take more than {self.limits.bytes:,} bytes",
                 help=SMALLER)  # fmt: skip
        return added

    def let_go(self, value: Array) -> None:
        """A value that was counted is kept no longer."""
        if self._counted.pop(id(value), None) is not None:
            self.bytes -= value.nbytes

    @property
    def crowded(self) -> bool:
        """Whether more than half of the bytes are taken."""
        return self.bytes > self.limits.bytes // 2
