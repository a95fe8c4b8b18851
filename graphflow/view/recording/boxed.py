"""What is written on a box at a step: a value, or a gradient, in a few characters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np

from graphflow.ir.graph import Graph
from graphflow.ops.evaluate import Computed
from graphflow.ops.op import Array
from graphflow.runtime.chain import adds
from graphflow.runtime.guard import Summary, summarise

FEW = 4
"""Vectors of up to so many elements are written whole, if there is room."""
ROOM = 18
"""Characters in a box."""


@dataclass(frozen=True)
class Gradient:
    """The gradient of the node ``of``, as a step leaves it; it is complete or a sum under way.

    ``norm`` is that of a complete one.
    """

    of: str
    text: str
    norm: float | None


class Gradients:
    """The gradients of a turn as they come: contributions are summed up until all are there."""

    def __init__(self) -> None:
        self._sums: dict[tuple[object, str], Array] = {}
        self._asked: dict[int, tuple[Graph, Mapping[str, str]]] = {}

    def noted(self, graph: Graph, name: str, within: object, value: Computed) -> Gradient | None:
        """What a node that ran says of a gradient, if anything."""
        origin = graph.origin(name)
        asked = self._of_asked(graph).get(name, "")
        of = asked or origin.wrt or origin.twin
        if of is None or origin.phase != "backward" or isinstance(value, tuple):
            return None
        if asked or name.rstrip("0123456789") == f"{of}.grad":
            self._sums.pop((within, of), None)
            summary = summarise(value)
            return Gradient(of, gradient_text(value, summary), norm(summary))
        if origin.wrt is None or adds(graph, name, of) or not name.startswith(f"{of}.grad."):
            return None
        so_far = self._sums.get((within, of))
        total = value if so_far is None else np.add(so_far, value)
        self._sums[within, of] = total
        return Gradient(of, f"{gradient_text(total, summarise(total))} + …", None)

    def _of_asked(self, graph: Graph) -> Mapping[str, str]:
        """The nodes that are asked for as gradients, and of what they are."""
        if id(graph) not in self._asked:
            found = {node: by for (_, by), node in graph.gradients.items()}
            self._asked[id(graph)] = graph, found
        return self._asked[id(graph)][1]


def value_text(value: Computed, summary: Summary) -> str:
    """A value: a number, a few of them, else mean and standard deviation. Nothing for several.

    >>> small, large = np.array(0.1 + 0.2), np.array([[1.0, 3.0]] * 3)
    >>> value_text(small, summarise(small)), value_text(large, summarise(large))
    ('0.3', 'μ 2 σ 1')
    """
    if isinstance(value, tuple):
        return ""
    if (whole := _whole(value)) or not value.size:
        return whole or "empty"
    if summary.nonfinite or summary.mean is None or summary.std is None:
        return f"{summary.nonfinite} not finite"
    if summary.dtype == "bool":
        return f"{summary.mean:.0%} true"
    return f"μ {_short(summary.mean, 2)} σ {_short(summary.std, 2)}"


def gradient_text(value: Array, summary: Summary) -> str:
    """A gradient: a number, a few of them, else its Euclidean norm.

    >>> four = np.full((4, 4), 2e-5)
    >>> gradient_text(np.array(-4.0), summarise(four)), gradient_text(four, summarise(four))
    ('∇ -4', '‖∇‖ 8e-5')
    """
    if whole := _whole(value):
        return f"∇ {whole}"
    bad = f"∇ {summary.nonfinite} not finite"
    return bad if summary.nonfinite else f"‖∇‖ {_short(norm(summary), 3)}"


def rms(summary: Summary) -> float:
    """The root mean square of the finite entries."""
    if summary.mean is None or summary.std is None:
        return 0.0
    return sqrt(summary.mean**2 + summary.std**2)


def norm(summary: Summary) -> float:
    """The Euclidean norm of the finite entries."""
    return rms(summary) * sqrt(np.prod(summary.shape, dtype=float) - summary.nonfinite)


def _whole(value: Array) -> str:
    """All numbers of a small value; nothing where they are too many."""
    if value.size == 1:
        return _short(value.item(), 4)
    if value.ndim != 1 or value.size > FEW:
        return ""
    text = f"[{', '.join(_short(item, 3) for item in value.tolist())}]"
    return text if len(text) <= ROOM else ""


def _short(number: object, digits: int) -> str:
    """A number in a few digits, without padding of its exponent.

    >>> _short(-0.000012345, 2), _short(True, 4), _short(12345, 4), _short(-0.0, 2)
    ('-1.2e-5', 'true', '12345', '0')
    """
    if not isinstance(number, float):
        return str(number).lower()
    mantissa, _, exponent = f"{number or 0.0:.{digits}g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa
