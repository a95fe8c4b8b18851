"""The first value that is not finite: which node, on which line, from which operands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from graphflow.diagnostics import Note, fail
from graphflow.ir.graph import LEAVES, Graph, Node
from graphflow.ops.evaluate import Computed, run_node
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
                value = leaves[node.name] if node.op in LEAVES else run_node(node, operands)
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
    numbers = np.asarray(value)
    finite = numbers[np.isfinite(numbers)] if numbers.dtype.kind == "f" else numbers.ravel()
    shape, dtype = numbers.shape, str(numbers.dtype)
    if not finite.size:
        return Summary(shape, dtype, numbers.size, None, None, None, None)
    wide = finite.astype(np.float64)
    low, high = float(wide.min()), float(wide.max())
    scale = 2.0**512 if max(-low, high) > 1e150 else 1.0  # squares of large numbers stay finite
    mean, std = float((wide / scale).mean() * scale), float((wide / scale).std() * scale)
    return Summary(shape, dtype, numbers.size - finite.size, low, high, mean, std)


def is_finite(value: Computed) -> bool:
    parts = value if isinstance(value, tuple) else (value,)
    return all(part.dtype.kind != "f" or bool(np.isfinite(part).all()) for part in parts)


def described(value: Computed) -> str:
    """A value, or each of several, by type, shape and range."""
    parts = value if isinstance(value, tuple) else (value,)
    return "; ".join(str(summarise(part)) for part in parts)
