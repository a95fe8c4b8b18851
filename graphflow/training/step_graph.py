"""One player's training step as a graph: forward, backward and update in one piece.

The loss is differentiated by the player's parameters; clipping and the optimizer's update
equations are appended. What the loss does not need is not there: a discriminator's step holds no
gradient of the generator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from graphflow.autodiff import expand_derivatives, reverse
from graphflow.ir.graph import Graph, Origin
from graphflow.ir.types import DType, TensorType
from graphflow.ops.builder import Builder, Value
from graphflow.spec.elaborate import Elaborated, Objective

STEP, EPOCH = "step", "epoch"


@dataclass(frozen=True)
class StepGraph:
    """A training step: the symbolic graph, how its own state starts, and what it yields.

    ``counter`` and ``epoch`` are the state leaves that count steps and epochs; ``states`` are all
    leaves that belong to the optimizer; ``report`` maps names to nodes, the loss among them.
    """

    objective: Objective
    graph: Graph
    initial: Graph
    states: tuple[str, ...]
    counter: str
    epoch: str
    report: Mapping[str, str]


def step_graph(elaborated: Elaborated, objective: Objective) -> StepGraph:
    """Build the training step of one objective."""
    derived = reverse(expand_derivatives(elaborated.graph), objective.loss, objective.params)
    prefix = f"optimizer.{objective.name}" if objective.name else "optimizer"
    builder = Builder(derived)
    counter, epoch = _counters(builder, prefix)
    gradients = {
        name: builder.value(derived.gradients[objective.loss, name]) for name in objective.params
    }
    with builder.within(prefix, Origin(phase="update")):
        following = builder.add("add", counter, counter.like(1), name=f"{prefix}.{STEP}.next")
        context = {STEP: following.cast(DType.FLOAT), EPOCH: epoch.cast(DType.FLOAT)}
    added = elaborated.optimizer_updates(builder, objective, gradients, context, prefix)
    updates = {
        **added.updates,
        counter.name: following.name,
        **model_updates(elaborated, derived, objective),
    }
    report = {"loss": objective.loss, **reported(elaborated, derived, objective)}
    graph = builder.graph(tuple(dict.fromkeys(report.values())), updates)
    graph = expand_derivatives(replace(graph, gradients=derived.gradients))
    kept = graph.restricted_to(graph.needed_for((*graph.roots(), *graph.updates, epoch.name)))
    states = (counter.name, epoch.name, *added.states)
    return StepGraph(objective, kept, added.initial, states, counter.name, epoch.name, report)


def _counters(builder: Builder, prefix: str) -> tuple[Value, Value]:
    """The leaves that count finished steps and finished epochs."""
    with builder.within("", Origin(phase="update")):
        return (
            builder.leaf("state", f"{prefix}.{STEP}", TensorType(DType.INT64)),
            builder.leaf("state", f"{prefix}.{EPOCH}", TensorType(DType.INT64)),
        )


def reported(elaborated: Elaborated, graph: Graph, objective: Objective) -> dict[str, str]:
    """The reported values that this step computes anyway; a lone player computes all of them."""
    training = elaborated.training
    assert training is not None
    if len(training.objectives) == 1:
        return training.report
    needed = {o.name: graph.needed_for([o.loss]) for o in training.objectives}
    last = training.objectives[-1].name
    found = {}
    for name, node in training.report.items():
        owners = [player for player, nodes in needed.items() if node in nodes]
        if objective.name in (owners or [last]):
            found[name] = node
    return found


def model_updates(elaborated: Elaborated, graph: Graph, objective: Objective) -> dict[str, str]:
    """The file's own updates that belong to this step.

    A state is updated by the players whose loss needs all the inputs and parameters that its new
    value depends on; one that depends on none (a counter) by the last player of a round.
    """
    training = elaborated.training
    assert training is not None
    needed = graph.needed_for([objective.loss])
    last = training.turns[-1].player == objective.name
    updates = {}
    for leaf, value in elaborated.graph.updates.items():
        sources = {
            n for n in graph.needed_for([value]) if graph.nodes[n].op in ("input", "parameter")
        }
        if (sources and sources <= needed) or (last and not sources):
            updates[leaf] = value
    return updates
