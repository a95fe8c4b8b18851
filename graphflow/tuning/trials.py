"""A trial: one configuration, how far it has trained, and what came out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from graphflow.spec.values import Plain

State = Literal["waiting", "running", "paused", "complete", "stopped", "failed"]
"""``waiting`` for a worker, ``paused`` at a rung, ``stopped`` there for good."""
OVER = ("complete", "stopped", "failed")


@dataclass
class Trial:
    """One configuration: ``values`` is the metric by epoch, ``until`` the epoch it is sent to."""

    number: int
    configuration: Mapping[str, Plain]
    until: int
    values: dict[int, float] = field(default_factory=dict)
    state: State = "waiting"
    message: str = ""
    attempts: int = 0
    worker: int | None = None

    @property
    def epoch(self) -> int:
        """The last epoch whose metric is known."""
        return max(self.values, default=0)

    def best(self, maximise: bool) -> tuple[float, int] | None:
        """The best finite metric and its epoch, the first of equals; None where there is none.

        >>> Trial(0, {}, 3, {1: 0.4, 2: 0.2, 3: 0.2}).best(maximise=False)
        (0.2, 2)
        """
        found = [(v, e) for e, v in sorted(self.values.items()) if math.isfinite(v)]
        if not found or self.state == "failed":
            return None
        return max(found, key=lambda f: f[0]) if maximise else min(found, key=lambda f: f[0])
