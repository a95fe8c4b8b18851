"""What to feed a file with when nobody trains it, and what of it to differentiate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from graphflow.api import Model
from graphflow.diagnostics import did_you_mean, fail
from graphflow.ir.graph import LEAVES, Graph
from graphflow.ops.op import Array
from graphflow.spec.document import CheckDecl
from graphflow.spec.elaborate import Elaborated
from graphflow.spec.syntax import Name
from graphflow.training.checks import check_feed
from graphflow.training.feed import Feed

ROWS = 4
"""Rows of data that are fed."""


@dataclass(frozen=True)
class Fed:
    """Values by input, where they are from, and the check they are from."""

    values: Mapping[str, Array] = field(default_factory=dict)
    source: str = ""
    check: CheckDecl | None = None


def own_feed(model: Model, graph: Graph) -> Fed | None:
    """What the file itself offers for the inputs that ``graph`` needs; None if that is not all."""
    wanted = set(needed_inputs(graph))
    for entry in model.document.check:
        if wanted <= entry.feed.keys():
            return Fed(check_feed(model, entry), "a check's feed", entry)
    if model.elaborated.data is not None:
        values, _ = next(iter(Feed(few_rows(model), model.folder, seed=0).training(0)))
        if wanted <= values.keys():
            return Fed(values, "data")
    return None


def few_rows(model: Model) -> Elaborated:
    """The same file with batches of a few rows."""
    plan = model.elaborated.data
    if plan is None:
        return model.elaborated
    return replace(model.elaborated, data=replace(plan, batch=min(plan.batch, ROWS)))


def needed_inputs(graph: Graph) -> list[str]:
    """The inputs that the outputs of a graph depend on."""
    needed = graph.needed_for(graph.outputs)
    return [node.name for node in graph.leaves("input") if node.name in needed]


def take_parameters(model: Model, fed: Fed) -> None:
    """Set the parameters and states that the check sets which a feed is from, if any."""
    if fed.check is None:
        return
    for name, value in check_feed(model, replace(fed.check, feed=fed.check.params)).items():
        (model.state if name in model.state else model.parameters)[name] = value


def target(model: Model) -> str:
    """What is differentiated unless told: what training minimizes (first player's), else the node
    ``loss``, else the first output.
    """
    training, graph = model.elaborated.training, model.graph
    if training is not None:
        return training.objectives[0].loss
    if "loss" in graph:
        return "loss"
    return (*graph.outputs, *ends(graph), *graph.nodes)[0]


def checked_target(model: Model) -> str:
    """What the first check that has gradients differentiates, else :func:`target`."""
    found = (check.gradient_of for check in model.document.check)
    named = next((expr.id for expr in found if isinstance(expr, Name)), None)
    return named or target(model)


def wanted(model: Model, of: str) -> tuple[str, ...]:
    """What a value is differentiated by, as far as it depends on it: the parameters of the player
    that minimizes it, else all, or the real inputs of a graph without any.
    """
    graph, training = model.graph, model.elaborated.training
    if of not in graph:
        fail("GF020", f"no node is called '{of}'",
             help=did_you_mean(of, [*graph.nodes, *graph.aliases]))  # fmt: skip
    needed = graph.needed_for([of])
    players = training.objectives if training is not None else ()
    names = [p for player in players if player.loss == graph.resolve(of) for p in player.params]
    names = names or list(model.elaborated.parameters)
    found = tuple(name for name in names if name in needed)
    inputs = (n for n in graph.leaves("input") if n.tensor.dtype.is_float and n.name in needed)
    return found or tuple(node.name for node in inputs)


def ends(graph: Graph) -> list[str]:
    """The values that nothing reads, without those that only become a state's next value."""
    updates = set(graph.updates.values())
    return [
        node.name
        for node in graph
        if not graph.consumers[node.name] and node.op not in LEAVES and node.name not in updates
    ]
