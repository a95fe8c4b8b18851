"""Whether a plan fits into memory, asked before any of it is allocated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psutil

from graphflow.diagnostics import Mark, Note, fail
from graphflow.schedule.plan import Plan

CGROUP = Path("/sys/fs/cgroup")
SHOWN = 5
"""How many of the largest values a refusal names."""
AGAIN = "backward computes again what it can"
HELP = (
    "a smaller batch, with train.accumulate for updates as before; smaller sizes (--set); or "
    "another limit (train.memory, --memory)"
)


def free_bytes(root: Path = CGROUP) -> int:
    """Bytes this process may still take: what the machine has free, within its control group."""
    free = int(psutil.virtual_memory().available)
    return min([free, *_group_room(root)])


def ensure_fits(
    plan: Plan, limit: int | None = None, free_there: Callable[[], int] = free_bytes
) -> None:
    """Refuse a plan that needs more than ``limit`` bytes, or than are free: GF060."""
    free = free_there() if limit is None else limit
    if plan.peak_bytes <= free:
        return
    whose = "are free" if limit is None else "are allowed"
    least = "" if limit is None else f", although {AGAIN}; memory: {plan.peak_bytes} would do"
    largest = plan.largest(SHOWN)
    fail(
        "GF060",
        f"a run needs {shown_bytes(plan.peak_bytes)} of memory, but {shown_bytes(free)} {whose}: "
        f"{shown_bytes(plan.peak_bytes - free)} are missing{least}",
        _mark(plan, largest[0][0]) if largest else None,
        notes=[_note(plan, name, size) for name, size in largest],
        help=HELP,
    )


def shown_bytes(n: int) -> str:
    """A number of bytes as a person says it.

    >>> shown_bytes(999), shown_bytes(5_000_000)
    ('999 bytes', '5.0 MB')
    """
    if n < 1000:
        return f"{n} bytes"
    size = float(n)
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 999.95:
            return f"{size:.1f} {unit}"
    return f"{size / 1000:.1f} TB"


def _note(plan: Plan, name: str, size: int) -> Note:
    node = plan.graph.nodes[name]
    return Note(f"'{name}' is {node.type}: {shown_bytes(size)}", _mark(plan, name))


def _mark(plan: Plan, name: str) -> Mark | None:
    return plan.graph.origin(name).mark


def _group_room(root: Path) -> list[int]:
    """What the memory limits of the control group (version 2 or 1) leave, if there are any."""
    found = []
    for folder, limit, used in (
        (root, "memory.max", "memory.current"),
        (root / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        most, now = _number(folder / limit), _number(folder / used)
        if most is not None and now is not None:
            found.append(max(0, most - now + _reclaimable(folder)))
    return found


def _number(path: Path) -> int | None:
    """The number in a file; None where there is no file or no limit ("max")."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _reclaimable(folder: Path) -> int:
    """Bytes of cached files, which are given up when memory is wanted."""
    try:
        lines = (folder / "memory.stat").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    pairs = dict(line.split() for line in lines if len(line.split()) == 2)
    return int(pairs.get("inactive_file", 0))
