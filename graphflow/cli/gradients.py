"""Gradients of a file held against differences, in float64 and at small sizes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from graphflow.api import Model
from graphflow.autodiff import GradientCheck, check_gradients
from graphflow.ir.dims import bind
from graphflow.ir.graph import Graph
from graphflow.ir.types import type_symbols
from graphflow.ops.builder import Builder, F
from graphflow.ops.evaluate import evaluate
from graphflow.ops.op import Array
from graphflow.runtime.compile import intervene
from graphflow.spec.syntax import Name
from graphflow.view.feeding import Fed, own_feed, target

STEPS = (1e-6, 1e-8, 1e-9, 1e-7, 1e-5, 1e-4)
"""Step sizes of the differences. One suffices for a smooth graph; a large step jumps over the kinks
of relu in a large one, and a small step drowns a small derivative in rounding. A wrong gradient
agrees at none of them.
"""
WEIGHTS = "projection"
"""An output that is not one number is checked through its sum with these random weights."""


BESIDE = 1e-3
"""How far beside a kink the gradient is checked instead, relative to the values there."""


@dataclass(frozen=True)
class Gradients:
    """How the gradients of ``of`` fared, and what was fed.

    ``kinks`` are values where the graph has a corner, so that no difference decides; beside it
    their gradients agree. ``held`` counts values that stop_gradient keeps still, in the differences
    too.
    """

    of: str
    fed_from: str
    checks: tuple[GradientCheck, ...]
    kinks: tuple[str, ...]
    held: int

    @property
    def failures(self) -> tuple[GradientCheck, ...]:
        """Those that disagree with differences."""
        return tuple(c for c in self.checks if not c.passes() and c.name not in self.kinks)


def check_model(model: Model) -> list[Gradients]:
    """Check each player's loss and every ``gradient_of`` of the checks (the loss or first output,
    where there is neither) by all parameters and real inputs that it depends on.
    """
    training = model.elaborated.training
    losses = [o.loss for o in training.objectives] if training else []
    named = [entry.gradient_of for entry in model.document.check]
    losses += [expr.id for expr in named if isinstance(expr, Name) and expr.id in model.graph]
    return [_check_value(model, of) for of in dict.fromkeys(losses or [target(model)])]


def _check_value(model: Model, of: str) -> Gradients:
    program = model.compile(of, mode="train", dtype="float64")
    own = own_feed(model, program.graph) or Fed(_random(program.graph), "random numbers")
    prepared = program.prepared(own.values)
    graph, leaves = _held(prepared.graph, prepared.leaves)
    scalar, leaves = _projected(graph, graph.resolve(of), leaves)
    (value,) = scalar.outputs
    checks = _best(scalar, value, _real(graph, of, prepared.leaves.keys()), leaves)
    corners = [c.name for c in checks if not c.passes() and c.at_kink]
    kinks = tuple(n for n in corners if _agrees_beside(scalar, value, n, leaves))
    held = sum(node.op == "stop_gradient" for node in prepared.graph)
    return Gradients(of, own.source, checks, kinks, held)


def _held(graph: Graph, leaves: Mapping[str, Array]) -> tuple[Graph, dict[str, Array]]:
    """What ``stop_gradient`` holds still is a constant of the differences too."""
    stops = [node.name for node in graph if node.op == "stop_gradient"]
    values = evaluate(graph, leaves) if stops else {}
    held = {name: np.asarray(values[name]) for name in stops}
    return intervene(graph, stops), {**leaves, **held}


def _real(graph: Graph, of: str, names: Collection[str]) -> list[str]:
    """Each real one of the leaves ``names`` that ``of`` depends on."""
    needed = graph.needed_for([of])
    return [
        node.name
        for node in graph
        if node.op in ("parameter", "input") and node.name in needed and node.name in names
        if node.tensor.dtype.is_float
    ]


def _projected(graph: Graph, of: str, leaves: dict[str, Array]) -> tuple[Graph, dict[str, Array]]:
    """The graph whose output is ``of``, or its sum with random weights if it is no one number."""
    type = graph[of].tensor
    builder, value = Builder(graph), of
    if type.shape != ():
        weights = builder.input(builder.unique(WEIGHTS), type)
        value = F.sum(builder.value(of) * weights).name
        random = np.random.default_rng(0).standard_normal(weights.shape)  # type: ignore[arg-type]
        leaves = {**leaves, weights.name: random}
    return builder.graph([value]), leaves


def _agrees_beside(graph: Graph, of: str, name: str, leaves: Mapping[str, Array]) -> bool:
    """Whether the gradient is right a little beside a corner, where the graph is smooth."""
    at = leaves[name]
    far = BESIDE * max(1.0, float(np.max(np.abs(at), initial=0.0)))
    moved = at + far * np.random.default_rng(1).standard_normal(at.shape)
    return all(c.passes() for c in _best(graph, of, [name], {**leaves, name: moved}))


def _best(
    graph: Graph, of: str, wrt: list[str], leaves: Mapping[str, Array]
) -> tuple[GradientCheck, ...]:
    """The closest agreement over step sizes, larger and smaller ones only where it is needed."""
    best: dict[str, GradientCheck] = {}
    for step in STEPS:
        left = [name for name in wrt if name not in best or not best[name].passes()]
        for check in check_gradients(graph, of, left, leaves, step=step) if left else ():
            known = best.get(check.name)
            if known is None or not known.error <= check.error:
                best[check.name] = check
    return tuple(best[name] for name in wrt)


def _random(graph: Graph) -> dict[str, Array]:
    """Normal numbers; positions and labels are 0 or 1, which every table has."""
    generator = np.random.default_rng(0)
    inputs = {node.name: node.tensor for node in graph.leaves("input")}
    symbols = sorted({s for type in inputs.values() for s in type_symbols(type)})
    sizes = {name: 2 + i for i, name in enumerate(symbols)}
    found: dict[str, Array] = {}
    for name, type in inputs.items():
        shape = tuple(int(bind(d, sizes)) for d in type.shape)  # type: ignore[arg-type]
        real = type.dtype.is_float
        found[name] = generator.normal(size=shape) if real else generator.integers(0, 2, shape)
    return found
