"""A batch in parts, and what was computed of the parts as what it is of the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.dims import symbol
from graphflow.ir.graph import Graph
from graphflow.ir.types import TensorType
from graphflow.ops.op import Array
from graphflow.passes.synchronise import rows_symbol


@dataclass(frozen=True)
class Cut:
    """How a batch of ``rows`` is cut: ``symbol`` is the size that counts them."""

    graph: Graph
    symbol: str
    rows: int
    parts: int

    @classmethod
    def of(
        cls, graph: Graph, batch: Mapping[str, Array], sizes: Mapping[str, int], parts: int,
        rows: str = "",
    ) -> Cut:  # fmt: skip
        """Cut a batch, whose symbols have these sizes, into parts as even as can be, none of them
        empty; ``rows`` is the symbol that counts its rows, if that is known. GF044 where no size is
        a symbol.
        """
        found = rows or rows_symbol(graph, batch, sizes)
        if found is None:
            shown = ", ".join(f"{name}: {graph[name].type}" for name in batch) or "nothing is fed"
            fail("GF044", f"there are no rows to deal out to workers: {shown}",
                 help="write a symbol as the first size of inputs, x: [B, 784]")  # fmt: skip
        return cls(graph, found, sizes[found], max(1, min(parts, sizes[found])))

    @property
    def bounds(self) -> list[tuple[int, int]]:
        """From which row to which each part goes; the first ones may have a row more.

        >>> from graphflow import loads
        >>> graph = loads("{graphflow: 1, name: f, inputs: {x: [B]}, nodes: {y: 2 * x}}").graph
        >>> Cut(graph, "B", 5, 2).bounds
        [(0, 3), (3, 5)]
        """
        each, more = divmod(self.rows, self.parts)
        ends = [each * k + min(k, more) for k in range(self.parts + 1)]
        return list(pairwise(ends))

    @property
    def weights(self) -> list[float]:
        """Of all rows, those of each part."""
        return [(end - start) / max(self.rows, 1) for start, end in self.bounds]

    def part(self, values: Mapping[str, Array], number: int) -> dict[str, Array]:
        """Values by node: of what has a row for each of the batch, the part's; the rest whole."""
        rows, found = slice(*self.bounds[number]), dict(values)
        for name, value in values.items():
            axis = rows_axis(self.graph[name].tensor, self.symbol)
            if axis is not None:
                found[name] = np.asarray(value)[(*(slice(None),) * axis, rows)]
        return found

    def joined(self, found: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
        """What was computed of the parts, by node: rows one after the other; of all else the mean,
        weighted by rows, as losses and gradients are means over rows.
        """
        axes = {name: rows_axis(self.graph[name].tensor, self.symbol) for name in found[0]}
        return {
            name: mean([each[name] for each in found], self.weights)
            if axis is None
            else np.concatenate([each[name] for each in found], axis)
            for name, axis in axes.items()
        }


def rows_axis(type: TensorType, rows: str) -> int | None:
    """The axis along which a value has a row for each of the batch, if there is one."""
    return next((k for k, size in enumerate(type.shape) if size == symbol(rows)), None)


def mean(values: Sequence[Array], weights: Sequence[float]) -> Array:
    """The weighted mean; of values that agree, such as counters, what they agree on.

    >>> mean([np.array(1.0), np.array(4.0)], [0.75, 0.25])
    array(1.75)
    """
    first = values[0]
    if all(np.array_equal(value, first, equal_nan=first.dtype.kind == "f") for value in values[1:]):
        return first
    pairs = zip(weights, values, strict=True)
    total = sum(weight * value.astype(np.float64) for weight, value in pairs)
    return np.asarray(total, first.dtype if first.dtype.kind == "f" else np.float64)
