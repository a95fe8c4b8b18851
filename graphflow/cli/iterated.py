"""What a run without training ends with: its values, states and parameters."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from graphflow.ops.op import Array
from graphflow.training.iteration import Iteration

SMALL = 64
"""Entries up to which JSON has an array."""
FEW = 16
"""Entries up to which an array is printed in full."""


def final_values(iteration: Iteration) -> Iterator[tuple[str, str, Array]]:
    """(name, what it is, value): states and parameters after the last step, what it reported."""
    elaborated, store = iteration.elaborated, iteration.store
    for kind, names in (("state", elaborated.states), ("parameter", elaborated.parameters)):
        yield from ((n, kind, store.array(n)) for n in names if store.filled(n))
    yield from ((name, "reported", value) for name, value in iteration.values.items())


def rows(iteration: Iteration) -> list[tuple[str, str, str]]:
    """The values as rows of a table; large arrays by shape and range."""
    return [(name, kind, shown(value)) for name, kind, value in final_values(iteration)]


def small_values(iteration: Iteration) -> dict[str, object]:
    """The values of small arrays by name, for JSON."""
    return {n: v.tolist() for n, _, v in final_values(iteration) if v.size <= SMALL}


def shown(value: Array) -> str:
    """An array as text: a number with eight significant digits, a small array with six decimals.

    >>> shown(np.array(0.1234567891)), shown(np.arange(3)), shown(np.arange(100.0))
    ('0.12345679', '[0 1 2]', '[100], from 0 to 99')
    """
    if value.ndim == 0:
        return f"{value:.8g}" if value.dtype.kind == "f" else str(value)
    if value.size <= FEW:
        return np.array2string(value, precision=6, suppress_small=True, max_line_width=80)
    return f"{list(value.shape)}, from {value.min():.4g} to {value.max():.4g}"
