"""One gradient against differences, over a sweep of step sizes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np

from graphflow.autodiff import GradientCheck, along, difference, probe, reverse
from graphflow.diagnostics import did_you_mean, fail
from graphflow.ir.graph import LEAVES, Graph
from graphflow.ir.types import DType, TupleType
from graphflow.ops.evaluate import Computed, evaluate
from graphflow.ops.op import Array
from graphflow.runtime.compile import intervene
from graphflow.runtime.differences import (
    STEPS,
    agrees_beside,
    held_still,
    in_precision,
    projected,
)
from graphflow.view.recording.turn import Turn
from graphflow.view.shown import EntryRow, EpsilonRow, GradientReport

EPSILONS = tuple(10.0**-k for k in range(1, 13))
GOOD = 1e-5
"""The relative error up to which two derivatives count as equal."""
SMALL = 64
"""Values of up to so many entries are checked entry by entry, too."""
SECONDS = 4.0
"""As long that may take; entries that come later are left out."""


@dataclass(frozen=True, eq=False)
class Point:
    """A value ``of`` as a function of what the graph is fed, in float64, and where it is taken."""

    graph: Graph
    of: str
    values: Mapping[str, Computed]


def point_of(turn: Turn, of: str = "") -> Point:
    """The forward graph of a turn at its own leaves. Raises GF020 and GF051."""
    graph = turn.graph
    of = resolved(graph, of or turn.of)
    if not graph.nodes[of].tensor.dtype.is_float:
        fail("GF051", f"'{of}' holds {graph.nodes[of].tensor.dtype} values",
             help="the derivative is taken of real numbers")  # fmt: skip
    forward = in_precision(graph.restricted_to(graph.needed_for([of])), DType.FLOAT64)
    leaves = {
        node.name: _wide(turn.values[node.name]) for node in forward if node.op in LEAVES
    }  # fmt: skip
    return Point(forward, of, evaluate(forward, leaves))


def gradient_check(
    point: Point,
    name: str,
    element: tuple[int, ...] | None = None,
    seed: int = 0,
    epsilons: Sequence[float] = EPSILONS,
    enough: bool = False,
) -> GradientReport:
    """The derivative of a value by a parameter, an input or a node on the way, by the chain rule
    and by central differences (f(x + e v) - f(x - e v)) / 2e, in float64.

    v is a random direction in proportion to the entries of x, 1 for a single number, or one
    ``element``; e runs through ``epsilons``, times the size of a single number (at least 1), with
    ``enough`` until both agree: then the entries of a small value are not checked one by one. A
    value that is not one number is summed up with random weights. What ``stop_gradient`` holds
    still stands still in the differences, too; the report says so, and what they are without.
    Raises GF020 for a name that is not there and GF051 for one that nothing depends on, or that
    holds no real numbers.
    """
    name = resolved(point.graph, name)
    graph, leaves = _downstream(point, name)
    scalar, leaves = projected(graph, point.of, leaves)
    (of,) = scalar.outputs
    at = leaves[name]
    single = element is not None or at.size == 1
    direction = _direction(at, element, seed)
    gradient = _gradient(scalar, of, leaves, name)
    analytic = along(gradient, direction)
    unit = max(1.0, float(np.max(np.abs(at[direction != 0]), initial=0.0))) if single else 1.0
    forward = scalar.restricted_to(scalar.needed_for([of]))
    swept = _swept(forward, of, leaves, name, direction, analytic, epsilons, unit)
    checks = list(_until_good(swept) if enough else swept)
    best = _best(checks)
    kink = not best.passes(GOOD) and _corner(checks)
    beside = kink and agrees_beside(scalar, of, name, leaves)
    held = sum(point.graph.nodes[n].op == "stop_gradient" for n in _moved(point, name, held=False))
    freed = _freed(point, name, direction, analytic) if held else None
    by_entry = not (single or enough) and at.size <= SMALL
    return GradientReport(
        of=point.of,
        by=name,
        analytic=analytic,
        rows=tuple(EpsilonRow(c.step, c.numeric, c.error) for c in checks),
        best=EpsilonRow(best.step, best.numeric, best.error),
        good=best.passes(GOOD) or beside,
        note=_note(best, kink, beside),
        kink=kink,
        element=element,
        seed=None if single else seed,
        size=at.size,
        entries=_entries(forward, of, leaves, name, gradient) if by_entry else (),
        held=held_still(held),
        freed=None if freed is None else freed.numeric,
        hidden=freed is not None and not freed.passes(GOOD),
    )


def _gradient(scalar: Graph, of: str, leaves: Mapping[str, Array], name: str) -> Array:
    """The derivative of ``of`` by ``name``, by the chain rule."""
    derived = reverse(scalar, of, [name])
    return np.asarray(evaluate(derived, leaves)[derived.gradients[of, name]])


def _swept(
    forward: Graph,
    of: str,
    leaves: Mapping[str, Array],
    name: str,
    direction: Array,
    slope: float,
    epsilons: Sequence[float] = STEPS,
    unit: float = 1.0,
) -> Iterator[GradientCheck]:
    """A slope against differences of one step size, in ``unit``, after the other."""
    for epsilon in epsilons:
        found = difference(forward, of, leaves, name, direction, epsilon * unit)
        yield GradientCheck(name, slope, found.numeric, epsilon, found.left, found.right)


def _until_good(checks: Iterable[GradientCheck]) -> Iterator[GradientCheck]:
    for check in checks:
        yield check
        if check.passes(GOOD):
            return


def _best(checks: Iterable[GradientCheck]) -> GradientCheck:
    """The closest agreement."""
    return min(checks, key=lambda check: check.error if isfinite(check.error) else np.inf)


def _freed(point: Point, name: str, direction: Array, slope: float) -> GradientCheck:
    """The slope against differences of the values as they are: nothing is held still."""
    graph, leaves = _downstream(point, name, held=False)
    scalar, leaves = projected(graph, point.of, leaves)
    (of,) = scalar.outputs
    forward = scalar.restricted_to(scalar.needed_for([of]))
    return _best(_until_good(_swept(forward, of, leaves, name, direction, slope)))


def _entries(
    forward: Graph, of: str, leaves: Mapping[str, Array], name: str, gradient: Array
) -> tuple[EntryRow, ...]:
    """The partial derivative by every entry that is finite."""
    until = time.monotonic() + SECONDS
    at, rows = leaves[name], []
    for index in np.ndindex(at.shape):
        if time.monotonic() > until:
            break
        if np.isfinite(at[index]):
            one, slope = _direction(at, index, 0), float(gradient[index])
            found = _best(_until_good(_swept(forward, of, leaves, name, one, slope)))
            rows.append(EntryRow(index, slope, found.numeric, found.error))
    return tuple(rows)


def resolved(graph: Graph, name: str) -> str:
    """The node that a name stands for, one that has a single result."""
    if name not in graph:
        fail("GF020", f"no node is called '{name}'",
             help=did_you_mean(name, [*graph.nodes, *graph.aliases])
             or "nodes that the value does not depend on have no gradient")  # fmt: skip
    if isinstance(graph[name].type, TupleType):
        fail("GF022", f"'{name}' has several results", graph.origin(graph.resolve(name)).mark,
             help="pick one of them")  # fmt: skip
    return graph.resolve(name)


def _moved(point: Point, name: str, held: bool) -> set[str]:
    """What moves with a value; ``held``: but for what ``stop_gradient`` holds still."""
    moved = {name}
    for node in point.graph:
        if not (held and node.op == "stop_gradient") and not moved.isdisjoint(node.inputs):
            moved.add(node.name)
    return moved


def _downstream(point: Point, name: str, held: bool = True) -> tuple[Graph, dict[str, Array]]:
    """The graph from a value on: all else that it reads is held at what it is."""
    graph, moved = point.graph, _moved(point, name, held)
    if point.of not in moved:
        fail("GF051", f"'{point.of}' does not depend on '{name}' by a differentiable path",
             graph.origin(name).mark, help="pick a value before it")  # fmt: skip
    read = {operand for n in moved - {name} for operand in graph.nodes[n].inputs} - moved
    fed = [n for n in (*read, name) if graph.nodes[n].op not in LEAVES]
    below = graph.restricted_to(moved | read)
    leaves = {n: np.asarray(point.values[n]) for n in (*read, name)}
    return intervene(below, fed), leaves


def _direction(at: Array, element: tuple[int, ...] | None, seed: int) -> Array:
    if element is None and at.size == 1:
        return np.ones(at.shape)
    if element is None:
        return probe(at, np.random.default_rng(seed))
    fits = len(element) == at.ndim and all(
        0 <= i < n for i, n in zip(element, at.shape, strict=False)
    )
    if not fits:
        fail("GF033", f"there is no element {list(element)} in an array of {list(at.shape)}",
             help="an index for every axis, counted from 0")  # fmt: skip
    direction = np.zeros(at.shape)
    direction[element] = 1.0
    return direction


def _corner(checks: list[GradientCheck]) -> bool:
    """Whether the slopes on both sides stay apart as the step shrinks."""
    near = [check for check in checks if 1e-7 < check.step < 1e-3]
    return all(check.at_kink and isfinite(check.left + check.right) for check in near)


def _note(best: GradientCheck, kink: bool, beside: bool) -> str:
    if not isfinite(best.analytic) or not isfinite(best.numeric):
        return "the gradient or a difference is not finite here"
    if kink:
        sides = f"a corner: the slope is {best.left:.5g} on one side, {best.right:.5g} on the other"
        return f"{sides}; {'beside it both agree' if beside else 'and beside it they disagree'}"
    if best.passes(GOOD):
        return "both agree; the error falls with the step until rounding takes over"
    return "they disagree at every step: the derivative is wrong, or jumps"


def _wide(value: Computed) -> Array:
    array = np.asarray(value)
    return array.astype(np.float64) if array.dtype.kind == "f" else array
