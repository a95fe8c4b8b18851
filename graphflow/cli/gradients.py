"""Gradients of a file held against differences, in float64 and at small sizes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from graphflow.api import Model
from graphflow.autodiff import GradientCheck, check_gradients
from graphflow.cli.feeding import Fed, own_feed
from graphflow.cli.survey import target
from graphflow.ir.dims import bind
from graphflow.ir.graph import Graph
from graphflow.ir.types import type_symbols
from graphflow.ops.builder import Builder, F
from graphflow.ops.evaluate import evaluate
from graphflow.ops.op import Array
from graphflow.runtime.compile import intervene
from graphflow.spec.syntax import Name

STEPS = (1e-6, 1e-8, 1e-9, 1e-7, 1e-5, 1e-4)
"""Step sizes of the differences. One suffices for a smooth graph; a large step jumps over the kinks
of relu in a large one, and a small step drowns a small derivative in rounding. A wrong gradient
agrees at none of them.
"""
WEIGHTS = "projection"
"""An output that is not one number is checked through its sum with these random weights."""


@dataclass(frozen=True)
class Gradients:
    """How the gradients of ``of`` fared, and what was fed."""

    of: str
    fed_from: str
    checks: tuple[GradientCheck, ...]

    @property
    def failures(self) -> tuple[GradientCheck, ...]:
        """Those that disagree with differences."""
        return tuple(check for check in self.checks if not check.passes())


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
    checks = _checked(graph, graph.resolve(of), leaves, prepared.leaves.keys())
    return Gradients(of, own.source, checks)


def _held(graph: Graph, leaves: Mapping[str, Array]) -> tuple[Graph, dict[str, Array]]:
    """What ``stop_gradient`` holds still is a constant of the differences too."""
    stops = [node.name for node in graph if node.op == "stop_gradient"]
    values = evaluate(graph, leaves) if stops else {}
    held = {name: np.asarray(values[name]) for name in stops}
    return intervene(graph, stops), {**leaves, **held}


def _checked(
    graph: Graph, of: str, leaves: dict[str, Array], names: Collection[str]
) -> tuple[GradientCheck, ...]:
    """Each real one of the leaves ``names`` that ``of`` depends on. A value that is not one number
    is projected.
    """
    needed = graph.needed_for([of])
    wrt = [
        node.name
        for node in graph
        if node.op in ("parameter", "input") and node.name in needed and node.name in names
        if node.tensor.dtype.is_float
    ]
    type = graph[of].tensor
    if type.shape != ():
        builder = Builder(graph)
        weights = builder.input(builder.unique(WEIGHTS), type)
        of = F.sum(builder.value(of) * weights).name
        graph = builder.graph([of])
        random = np.random.default_rng(0).standard_normal(weights.shape)  # type: ignore[arg-type]
        leaves = {**leaves, weights.name: random}
    return _best(graph, of, wrt, leaves)


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
