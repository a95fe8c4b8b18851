"""What an edit has changed: values downstream, gradients upstream."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

import numpy as np

from graphflow.ir.graph import LEAVES
from graphflow.ops.evaluate import Computed
from graphflow.ops.op import Array
from graphflow.runtime.loops import Within
from graphflow.view.copies import Copies
from graphflow.view.overlay import Marked, Overlay
from graphflow.view.recording.recording import Recording
from graphflow.view.recording.texts import number

CHANGES = (1e-6, 1e-4, 1e-2, 1e-1, 1.0, 10.0)
"""Between the buckets: the largest difference over the largest value there was."""
Key = tuple[int, Within, str]


def changes(before: Recording | None, after: Recording, copies: Copies) -> Overlay:
    """Marks of the places whose value or gradient differs from before; inside of loops that are
    unrolled in time, of the copies of them.
    """
    legend = (f"below {CHANGES[0]:g} of it", *(f"from {low:g} of it" for low in CHANGES))
    if before is None:
        return Overlay("changes", legend)
    known = {key: value for key, _, _, value in _compared(before, copies)}
    found: dict[str, tuple[list[str], float]] = {}
    for key, place, what, value in _compared(after, copies):
        text = change_text(known.get(key), value)
        if text:
            texts, amount = found.get(place, ([], 0.0))
            texts.append(f"{what} {text}")
            found[place] = texts, max(amount, _amount(known[key], value))
    marks = {
        place: Marked(
            amount, bisect_right(CHANGES, amount), "; ".join(dict.fromkeys(texts)), "changed"
        )
        for place, (texts, amount) in found.items()
    }
    return Overlay("changes", legend, marks, after.failing_place(copies))


def _compared(recording: Recording, copies: Copies) -> Iterator[tuple[Key, str, str, Computed]]:
    """Leaves, values and gradients with their places."""
    for index, turn in enumerate(recording.turns):
        for node in turn.graph:
            if node.op in LEAVES:
                yield (index, (), node.name), node.name, "value", turn.values[node.name]
    for step, ran in zip(recording.steps, recording.ran, strict=True):
        gradient = recording.is_gradient(step)
        if gradient or step.phase == "forward":
            value = recording.turns[step.turn].scopes[ran.within].values[step.node]
            what = "gradient" if gradient else "value"
            yield (step.turn, ran.within, step.node), step.seen_in(copies), what, value


def change_text(before: Computed | None, after: Computed) -> str:
    """By how much a value differs: ``-12 → -9 (+3)``, or the largest difference of an array.

    Nothing where it does not, or is not there before.

    >>> change_text(np.array(-12.0), np.array(-9.0))
    '-12 → -9 (+3)'
    >>> change_text(np.zeros(3), np.array([0, 0.5, 0]))
    'differs by up to 0.5'
    """
    if before is None:
        return ""
    if isinstance(before, tuple) or isinstance(after, tuple):
        parts = zip(_parts(before), _parts(after), strict=True)
        return next((text for a, b in parts if (text := change_text(a, b))), "")
    if before.shape != after.shape:
        return f"shape {list(before.shape)} → {list(after.shape)}"
    if np.array_equal(before, after, equal_nan=before.dtype.kind == "f"):
        return ""
    if before.ndim == 0:
        text = f"{number(before)} → {number(after)}"
        gap = _gap(before, after)
        return f"{text} ({gap.item():+.4g})" if np.isfinite(gap) else text
    return f"differs by up to {np.max(np.abs(_gap(before, after))):.4g}"


def _parts(value: Computed) -> tuple[Array, ...]:
    return value if isinstance(value, tuple) else (value,)


def _gap(before: Array, after: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(after.astype(np.float64) - before.astype(np.float64))


def _amount(before: Computed, after: Computed) -> float:
    """The largest difference relative to the largest value before; 0 where that is no number."""
    largest = 0.0
    for old, new in zip(_parts(before), _parts(after), strict=True):
        if old.shape == new.shape and old.size:
            gap = float(np.max(np.abs(_gap(old, new))))
            whole = float(np.max(np.abs(old.astype(np.float64)))) or 1.0
            ratio = gap / whole
            largest = max(largest, ratio if np.isfinite(ratio) else 0.0)
    return largest
