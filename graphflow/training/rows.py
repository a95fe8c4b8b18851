"""What a run says: a row of metrics after each epoch, or after each step where no epoch ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """Metrics by name, and how many epochs and steps were done by then.

    A name is whatever the file reports: ``train/loss``, ``step``.
    """

    epoch: int
    step: int
    metrics: Mapping[str, float]

    def to_json(self) -> dict[str, object]:
        """As ``metrics.jsonl`` keeps it."""
        return {"epoch": self.epoch, "step": self.step, "metrics": dict(self.metrics)}

    @classmethod
    def from_json(cls, kept: Mapping[str, object]) -> Row:
        """What ``to_json`` gave; runs of older versions have the metrics beside the counts.

        >>> Row.from_json({"epoch": 1, "step": 20, "train/loss": 0.5})
        Row(epoch=1, step=20, metrics={'train/loss': 0.5})

        Raises ValueError for anything else.
        """
        epoch, step, found = kept.get("epoch"), kept.get("step"), kept.get("metrics")
        if not isinstance(found, dict):
            found = {name: value for name, value in kept.items() if name not in ("epoch", "step")}
        metrics = {str(n): float(v) for n, v in found.items() if isinstance(v, int | float)}
        if not (isinstance(epoch, int) and isinstance(step, int) and len(metrics) == len(found)):
            raise ValueError(f"{dict(kept)} is not a row of metrics")
        return cls(epoch, step, metrics)


Rows = Sequence[Row]
