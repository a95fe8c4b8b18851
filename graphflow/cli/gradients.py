"""Gradients of a file held against differences, in float64 and at small sizes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from graphflow.autodiff import Cut, GradientCheck, cuts
from graphflow.diagnostics import Mark
from graphflow.ir.graph import LEAVES, Graph
from graphflow.model import Model
from graphflow.runtime.differences import agrees_beside, as_inputs, best_checks, held, projected
from graphflow.spec.syntax import Name
from graphflow.view.feeding import target, usual_feed


@dataclass(frozen=True)
class Gradients:
    """How the gradients of ``of`` fared, and what was fed.

    ``kinks`` are values where the graph has a corner, so that no difference decides; beside it
    their gradients agree. ``held`` counts values that stop_gradient keeps still, in the differences
    too; ``loose`` is where one stands in a loop or branch, which differences run as it is, and
    ``cut`` are the values that all gradients by end at such a place: differences decide nothing of
    them. ``flat`` says why there is no gradient at all.
    """

    of: str
    fed_from: str
    checks: tuple[GradientCheck, ...]
    kinks: tuple[str, ...]
    held: int
    loose: tuple[Mark, ...]
    cut: tuple[str, ...] = ()
    flat: str = ""

    @property
    def failures(self) -> tuple[GradientCheck, ...]:
        """Those that disagree with differences."""
        return tuple(c for c in self.checks if not c.passes() and c.name not in self.kinks)


def check_model(model: Model) -> list[Gradients]:
    """Check each player's loss and every ``gradient_of`` of the checks (the loss or first output,
    where there is neither) by all real parameters, inputs and states that it depends on.
    """
    return [_check_value(model, of) for of in _differentiated(model) or [target(model)]]


def cut_parameters(model: Model) -> list[tuple[str, Cut]]:
    """The parameters that get no gradient from a loss or a ``gradient_of`` that depends on them; of
    a player's loss, those that the player changes.
    """
    training, found = model.elaborated.training, list[tuple[str, Cut]]()
    changed = {o.loss: o.params for o in training.objectives} if training else {}
    for of in _differentiated(model):
        own = changed.get(of, tuple(model.parameters))
        found += [(of, cut) for cut in cuts(model.graph, of, own)]
    return found


def _differentiated(model: Model) -> list[str]:
    """The players' losses, and what checks name."""
    training = model.elaborated.training
    losses = [o.loss for o in training.objectives] if training else []
    named = [entry.gradient_of for entry in model.document.check]
    losses += [expr.id for expr in named if isinstance(expr, Name) and expr.id in model.graph]
    return list(dict.fromkeys(losses))


def _check_value(model: Model, of: str) -> Gradients:
    program = model.compile(of, mode="train", dtype="float64")
    own = usual_feed(model, program.graph)
    prepared = program.prepared(own.values)
    fed, given = as_inputs(prepared.graph, _defaults(model, prepared.graph), prepared.leaves)
    behind = _real(fed, of, given.keys())
    lost = cuts(fed, of, behind)
    if len(lost) == len(behind):
        ends = dict.fromkeys(op for cut in lost for _, op, _ in cut.at)
        nothing = "it depends on no real numbers that are fed or kept"
        why = f"{', '.join(ends)} hands none back" if ends else nothing
        return Gradients(of, own.source, (), (), 0, (), flat=why)
    graph, leaves = held(fed, given)
    scalar, leaves = projected(graph, graph.resolve(of), leaves)
    (value,) = scalar.outputs
    by = _real(graph, of, given.keys())
    cut = [c.leaf for c in cuts(graph, of, by) if any(op == "stop_gradient" for _, op, _ in c.at)]
    checks = best_checks(scalar, value, [name for name in by if name not in cut], leaves)
    corners = [c.name for c in checks if not c.passes() and c.at_kink]
    kinks = tuple(n for n in corners if agrees_beside(scalar, value, n, leaves))
    stopped = sum(node.op == "stop_gradient" for node in prepared.graph)
    loose = tuple(_stopped_inside(prepared.graph))
    return Gradients(of, own.source, checks, kinks, stopped, loose, tuple(cut))


def _defaults(model: Model, graph: Graph) -> list[str]:
    """The nodes of real inputs that are left at their defaults."""
    found = (graph[name] for name in model.document.inputs if name in graph)
    return [node.name for node in found if node.op not in LEAVES and node.tensor.dtype.is_float]


def _stopped_inside(graph: Graph) -> Iterator[Mark]:
    """Where stop_gradients stand in graphs that nodes run inside."""
    for region in (region for node in graph for region in node.regions):
        for node in region:
            mark = region.origin(node.name).mark
            if node.op == "stop_gradient" and mark is not None:
                yield mark
        yield from _stopped_inside(region)


def _real(graph: Graph, of: str, names: Collection[str]) -> list[str]:
    """Each real one of the leaves ``names`` that ``of`` depends on."""
    needed = graph.needed_for([of])
    return [
        node.name
        for node in graph
        if node.op in ("parameter", "input", "state") and node.name in needed and node.name in names
        if node.tensor.dtype.is_float
    ]
