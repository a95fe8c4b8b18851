"""Numbers written over: of inputs, parameters, states, and of any node that can be fed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from graphflow.diagnostics import did_you_mean, fail
from graphflow.ir.graph import Graph
from graphflow.ir.types import TensorType
from graphflow.ops.narrow import BFLOAT16, largest
from graphflow.ops.op import Array
from graphflow.view.workspace import Edit


def edited(value: Array, edit: Edit) -> Array:
    """A copy with the number of an edit in its place.

    >>> edited(np.zeros((2, 2)), Edit("w", (0, 1), 5.0)).tolist()
    [[0.0, 5.0], [0.0, 0.0]]
    """
    changed = np.array(value)
    index = edit.index
    if index is not None:
        fits = len(index) == changed.ndim
        if not fits or any(not 0 <= i < n for i, n in zip(index, changed.shape, strict=True)):
            shape = list(changed.shape)
            fail("GF080", f"'{edit.name}' has no element {list(index)}: its shape is {shape}",
                 help="positions count from 0, one for each axis")  # fmt: skip
    if not _holds(changed.dtype, edit.value):
        whole = "" if _is_real(changed.dtype) else "whole "
        fail("GF031", f"'{edit.name}' holds {changed.dtype} values, and {edit.value:g} is none",
             help=f"write a {whole}number that is in its range")  # fmt: skip
    changed[... if index is None else index] = edit.value
    return changed


def _is_real(dtype: np.dtype[np.generic]) -> bool:
    return dtype.kind == "f" or dtype == BFLOAT16


def _holds(dtype: np.dtype[np.generic], value: float) -> bool:
    """Whether a number is one of a type, rounding aside."""
    if _is_real(dtype):
        return not np.isfinite(value) or abs(value) <= largest(dtype)
    if not np.isfinite(value) or value % 1:
        return False
    if dtype.kind == "b":
        return value in (0, 1)
    span = np.iinfo(dtype.name)
    return int(span.min) <= int(value) <= int(span.max)


def edited_values(
    edits: Sequence[Edit], current: Callable[[str, Mapping[str, Array]], Array]
) -> dict[str, Array]:
    """The values that edits leave, by name. ``current(name, so_far)`` is the value of a name when
    those of ``so_far`` are what they were made.
    """
    found: dict[str, Array] = {}
    for edit in edits:
        value = found[edit.name] if edit.name in found else current(edit.name, found)
        found[edit.name] = edited(value, edit)
    return found


def known_name(graph: Graph, name: str, further: Sequence[str] = ()) -> str:
    """The node that an edit means."""
    if name in graph:
        return graph.resolve(name)
    close = did_you_mean(name, [*further, *graph.nodes, *graph.aliases])
    fail("GF020", f"no node is called '{name}'", help=close)


def as_edited(type: TensorType, value: Array) -> Array:
    """What is fed for a value of this type: whole numbers in the place of real ones are real."""
    array = np.asarray(value)
    return array.astype(np.float64) if type.dtype.is_float and array.dtype.kind != "f" else array
