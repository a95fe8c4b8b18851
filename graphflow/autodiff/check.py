"""Checking gradients against differences: by random projection, in float64.

For a scalar f and a random direction v, (f(x + h v) - f(x - h v)) / 2h must equal <grad f, v>. One
direction touches every element at once, so a wrong gradient is found at the cost of two runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from graphflow.autodiff.reverse import reverse
from graphflow.ir.graph import Graph
from graphflow.ops.evaluate import evaluate
from graphflow.ops.op import Array

ROUNDINGS = 64
"""How many units in the last place of its value a deep graph may be off by."""


@dataclass(frozen=True)
class GradientCheck:
    """One value's gradient against differences along a random direction.

    ``left`` and ``right`` are the differences on either side; they differ at a kink. ``noise`` is
    what rounding alone may make of a difference.
    """

    name: str
    analytic: float
    numeric: float
    step: float
    left: float
    right: float
    noise: float = 0.0

    @property
    def at_kink(self) -> bool:
        """Whether the slopes on both sides differ by more than curvature explains."""
        scale = max(abs(self.left), abs(self.right), 1e-6)
        return bool(abs(self.left - self.right) > 1e-3 * scale)

    @property
    def error(self) -> float:
        """|analytic - numeric| relative to the larger of both and 1e-6."""
        scale = max(abs(self.analytic), abs(self.numeric), 1e-6)
        return abs(self.analytic - self.numeric) / scale

    def passes(self, tolerance: float = 1e-5) -> bool:
        """Whether both agree, as far as differences can tell; NaN never does."""
        unseen = abs(self.analytic - self.numeric) <= self.noise
        return bool(unseen or self.error <= tolerance)


def check_gradients(
    graph: Graph,
    of: str,
    wrt: Sequence[str],
    leaves: Mapping[str, Array],
    *,
    seed: int = 0,
    step: float = 1e-6,
) -> list[GradientCheck]:
    """Compare d``of``/d``w`` with central differences for every leaf ``w`` in ``wrt``.

    ``graph`` is specialised to float64, ``leaves`` holds its float64 leaf values, ``of`` is scalar.
    """
    derived = reverse(graph, of, wrt)
    target = graph.resolve(of)
    forward = graph.restricted_to(graph.needed_for([target]))
    values = evaluate(derived, leaves)
    generator = np.random.default_rng(seed)
    size = abs(float(np.asarray(values[target])))
    noise = ROUNDINGS * float(np.finfo(np.float64).eps) * size / step
    checks = []
    for w in wrt:
        leaf = graph.resolve(w)
        at = leaves[leaf]
        direction = probe(at, generator)
        analytic = along(values[derived.gradients[of, w]], direction)
        slopes = difference(forward, target, leaves, leaf, direction, step)
        checks.append(
            GradientCheck(w, analytic, slopes.numeric, step, slopes.left, slopes.right, noise)
        )
    return checks


def probe(at: Array, generator: np.random.Generator) -> Array:
    """A random direction, each element in proportion to its own size (at least 1); an element that
    is not finite stands still.
    """
    size = np.where(np.isfinite(at), np.maximum(1.0, np.abs(at)), 0.0)
    return np.asarray(generator.standard_normal(at.shape) * size)


def along(gradient: object, direction: Array) -> float:
    """<gradient, direction>, over what moves."""
    return float(np.sum(np.asarray(gradient)[direction != 0] * direction[direction != 0]))


@dataclass(frozen=True)
class Slopes:
    """A central difference, and those on either side."""

    numeric: float
    left: float
    right: float


def difference(
    forward: Graph, target: str, leaves: Mapping[str, Array], leaf: str, direction: Array, h: float
) -> Slopes:
    """(f(x + h v) - f(x - h v)) / 2h of the node ``target`` at the leaf's value x, v ``direction``,
    and (f(x) - f(x - h v)) / h and (f(x + h v) - f(x)) / h.
    """
    at = leaves[leaf]
    ahead, here, behind = (
        float(evaluate(forward, {**leaves, leaf: at + sign * h * direction})[target])  # type: ignore[arg-type]
        for sign in (1, 0, -1)
    )
    return Slopes((ahead - behind) / (2 * h), (here - behind) / h, (ahead - here) / h)
