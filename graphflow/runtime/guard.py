"""The first value that is not finite: which node, on which line, from which operands."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from graphflow.diagnostics import Note, fail
from graphflow.ir.graph import LEAVES, Graph, Node
from graphflow.ops.evaluate import Computed, run_in
from graphflow.ops.op import Array
from graphflow.runtime.interpret import assign_updates, leaf_values
from graphflow.runtime.store import StoreLike

LOOK = (
    "look at the operands' ranges: log or division of 0, exp of a large number, a learning rate "
    "too high?"
)
FED = (
    "what is fed holds it: values are missing in the data? fill_missing fills them, and "
    "'graphflow data FILE' shows what is fed"
)

CHUNK = 1 << 16
"""Entries that are widened at a time."""


@dataclass(frozen=True)
class Summary:
    """A value in a few numbers. The statistics are of its finite entries, None without any."""

    shape: tuple[int, ...]
    dtype: str
    nonfinite: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    std: float | None

    def __str__(self) -> str:
        if self.minimum is None:
            return f"{self.dtype}{list(self.shape)}, no finite entry"
        bad = f", {self.nonfinite} not finite" if self.nonfinite else ""
        return f"{self.dtype}{list(self.shape)} from {self.minimum:.6g} to {self.maximum:.6g}{bad}"


class Guarded:
    """Runs a specialised graph node by node and stops at the first value that is not finite.

    Nothing is updated by a step that fails, so the parameters are still those that led to it.
    """

    def __init__(self, graph: Graph, store: StoreLike) -> None:
        self.graph, self.store = graph, store

    def run(self, feed: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs; GF062 names the first node with a NaN or an infinity."""
        leaves = leaf_values(self.graph, self.store, feed)
        values: dict[str, Computed] = {}
        for node in self.graph:
            operands = [values[n] for n in node.inputs]
            with np.errstate(all="ignore"):
                leaf = node.op in LEAVES
                value = leaves[node.name] if leaf else run_in(self.graph, node, operands)
            values[node.name] = value
            if not is_finite(value):
                self._refuse(node, value, values)
        assign_updates(self.graph, self.store, values)
        return {name: np.array(values[name]) for name in self.graph.outputs}

    def _refuse(self, node: Node, value: Computed, values: Mapping[str, Computed]) -> None:
        origin = self.graph.origin(node.name)
        notes = [
            Note(f"operand '{name}' is {described(values[name])}", self.graph.origin(name).mark)
            for name in dict.fromkeys(node.inputs)
        ]
        fail(
            "GF062",
            f"'{node.name}' ({node.op}, {origin.phase}) is the first value that is not finite: "
            f"{described(value)}",
            origin.mark,
            notes=notes,
            help=FED if node.op == "input" else LOOK,
        )


def summarise(value: Array) -> Summary:
    """A value's range and moments, over its finite entries."""
    numbers = np.asarray(value).ravel(order="K")
    shape, dtype = np.shape(value), str(numbers.dtype)
    low, high = (numbers.min(), numbers.max()) if numbers.size else (0, 0)
    finite = numbers
    if not (np.isfinite(low) and np.isfinite(high)):
        finite = numbers[np.isfinite(numbers)]
        low, high = (finite.min(), finite.max()) if finite.size else (0, 0)
    bad = numbers.size - finite.size
    if not finite.size:
        return Summary(shape, dtype, bad, None, None, None, None)
    if max(-float(low), float(high)) > HUGE:
        mean, std = (found * SCALE for found in _moments(finite / SCALE))
        mean = min(max(mean, float(low)), float(high))
        std = min(std, float(high) / 2 - float(low) / 2)  # Popoviciu's inequality
        return Summary(shape, dtype, bad, float(low), float(high), mean, std)
    return Summary(shape, dtype, bad, float(low), float(high), *_moments(finite))


HUGE, SCALE = 1e150, 2.0**600
"""Numbers whose squares would be infinite, and what brings them down so far that the sum of the
squares is finite, too.
"""


def _moments(numbers: Array) -> tuple[float, float]:
    """Mean and standard deviation, in float64 without a wide copy of all of a large array."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(numbers.mean(dtype=np.float64))
        squares = 0.0
        for start in range(0, numbers.size, CHUNK):
            gaps = np.subtract(numbers[start : start + CHUNK], mean, dtype=np.float64)
            squares += float(gaps @ gaps)
    return mean, math.sqrt(squares / numbers.size)


def is_finite(value: Computed) -> bool:
    parts = value if isinstance(value, tuple) else (value,)
    return all(part.dtype.kind != "f" or bool(np.isfinite(part).all()) for part in parts)


def described(value: Computed) -> str:
    """A value, or each of several, by type, shape and range."""
    parts = value if isinstance(value, tuple) else (value,)
    return "; ".join(str(summarise(part)) for part in parts)
