"""What a run's folder says of memory: the budget, the peak, and what is computed again for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from graphflow.files import Json, write_atomically
from graphflow.runtime.planning import Budgeted

MEMORY = "memory.json"


def described(budgeted: Budgeted) -> dict[str, Json]:
    """A plan within a budget as plain data; ``peak_before`` is that of a plan without a budget."""
    return {
        "budget": budgeted.memory,
        "peak": budgeted.plan.peak_bytes,
        "peak_before": budgeted.kept_bytes,
        "extra_flops": budgeted.extra_flops,
        "again": list(budgeted.again),
    }


def keep_memory(folder: Path, plans: Mapping[str, Budgeted]) -> None:
    """Write ``memory.json`` into a run's folder: for each player the latest plan of its step.
    Where memory is not bounded, there is nothing to write.
    """
    found = {name or "step": described(each) for name, each in plans.items()}
    if found:
        write_atomically(folder / MEMORY, json.dumps(found, indent=2).encode())
