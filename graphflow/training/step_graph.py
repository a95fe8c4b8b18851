"""One player's training step as a graph: forward, backward and update in one piece.

The loss is differentiated by the player's parameters; clipping and the optimizer's update
equations are appended. What the loss does not need is not there: a discriminator's step holds no
gradient of the generator.

Where several batches make one update (``accumulate``), a step is two graphs: one adds the gradients
of a batch to those before it, the other, which needs no batch, makes the update with their mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from graphflow.autodiff import expand_derivatives, reverse
from graphflow.ir.graph import Graph, Origin
from graphflow.ir.precision import Precision
from graphflow.ir.types import DType, TensorType, type_symbols
from graphflow.ops.builder import Builder, Value, zeros_like
from graphflow.passes.precision import mixed
from graphflow.passes.synchronise import in_order, rows_symbol, synchronised
from graphflow.spec.elaborate import (
    AVERAGES,
    COUNTERS,
    Elaborated,
    Objective,
    OptimizerUpdates,
)
from graphflow.training.stepping import recorded

STEP, EPOCH, GATHERED, AVERAGED = "step", "epoch", "gathered", "averaged"


@dataclass(frozen=True)
class StepGraph:
    """A training step: the symbolic graph, how its own state starts, and what it yields.

    ``counter`` and ``epoch`` are the state leaves that count updates and epochs; ``states`` are all
    leaves that belong to the optimizer; ``report`` maps names to nodes, the loss among them, and
    ``history`` those whose values are kept. With ``update``, a graph of its own makes the update,
    and ``gathered`` counts the batches that wait for it. ``averages`` maps leaves to the states
    that hold their average, ``averaged`` counts how often it was made; with ``closing``, it is made
    by a graph of its own when an epoch ends. Where workers agree on batch statistics, and there are
    some, ``rows`` is the symbol that counts a worker's rows.
    """

    objective: Objective
    graph: Graph
    initial: Graph
    states: Mapping[str, TensorType]
    counter: str
    epoch: str
    report: Mapping[str, str]
    history: Mapping[str, str]
    averages: Mapping[str, str]
    averaged: str
    update: Graph | None = None
    gathered: str = ""
    closing: Graph | None = None
    rows: str = ""

    @property
    def sums(self) -> list[str]:
        """The states that hold gradients which wait for an update, and their count."""
        own = (self.gathered, f"{self.gathered}.")
        return [n for n in self.states if self.gathered and (n == own[0] or n.startswith(own[1]))]


def step_graph(
    elaborated: Elaborated, objective: Objective, in_two: bool = False,
    precision: Precision = "fp32",
) -> StepGraph:  # fmt: skip
    """Build the training step of one objective; ``in_two`` graphs, even if each batch makes an
    update. With the ``precision`` bf16, forward has its casts, and so has backward.
    """
    forward, rows = elaborated.graph, ""
    if in_two and elaborated.training is not None and elaborated.training.synchronised:
        forward, rows = _synchronised(forward)
    forward = expand_derivatives(forward)
    if precision == "bf16":
        forward = mixed(forward, _looked_at(elaborated))
    derived = reverse(forward, objective.loss, objective.params)
    step = _Step(elaborated, objective, Builder(derived))
    gradients = {
        n: step.builder.value(derived.gradients[objective.loss, n]) for n in objective.params
    }
    updates = model_updates(elaborated, derived, objective)
    if in_two or objective.accumulate > 1:
        return replace(_in_two(step, derived, gradients, updates), rows=rows)
    step.optimize(gradients)
    step.average("step", updates)
    graph = step.graph(derived, step.outputs(derived), {**step.updates, **updates})
    return step.finished(derived, graph)


def _looked_at(elaborated: Elaborated) -> list[str]:
    """The nodes whose values leave the graph: losses, and what is reported or kept."""
    training = elaborated.training
    assert training is not None
    _, kept = recorded(elaborated, training.history)
    losses = [each.loss for each in training.objectives]
    return [*losses, *training.report.values(), *kept.values()]


def _synchronised(graph: Graph) -> tuple[Graph, str]:
    """The graph with statistics of all workers' rows, and what counts a worker's, or "" where
    there are no such statistics.
    """
    open_sizes = dict.fromkeys(s for node in graph for s in sorted(type_symbols(node.type)))
    rows = rows_symbol(graph, [leaf.name for leaf in graph.leaves("input")], list(open_sizes))
    if rows is None or (made := synchronised(graph, rows)) is graph:
        return graph, ""
    return made, rows


class _Step:
    """A step under construction: the graph so far, and the optimizer's own leaves."""

    def __init__(self, elaborated: Elaborated, objective: Objective, builder: Builder) -> None:
        self.elaborated, self.objective, self.builder = elaborated, objective, builder
        self.prefix = path_of(objective)
        training = elaborated.training
        assert training is not None
        _, self.kept = recorded(elaborated, training.history)
        self.reported = training.report
        self.initial = Graph({})
        self.states: dict[str, TensorType] = {}
        self.updates: dict[str, str] = {}
        self.averages: dict[str, str] = {}
        self.context: dict[str, Value] = {}

    def state(self, name: str, type: TensorType) -> Value:
        """A leaf that belongs to the optimizer, below its path; it starts at zero."""
        with self.builder.within("", Origin(phase="update")):
            leaf = self.builder.leaf("state", f"{self.prefix}.{name}", type)
        start = Builder(self.initial)
        start.add("full", shape=type.shape, value=0, dtype=type.dtype, name=leaf.name)
        self.initial = start.graph((*self.initial.outputs, leaf.name))
        self.states[leaf.name] = type
        return leaf

    def optimize(self, gradients: Mapping[str, Value]) -> None:
        """Append clipping and the optimizers, which read the gradients and count the update."""
        counter = self.state(STEP, TensorType(DType.INT64))
        self.context = self.counting(counter, self.state(EPOCH, TensorType(DType.INT64)))
        self.take(
            self.elaborated.optimizer_updates(
                self.builder, self.objective, gradients, self.context, self.prefix
            )
        )

    def counting(self, counter: Value, epoch: Value) -> dict[str, Value]:
        """What blocks see of time, the counter having counted what is under way."""
        with self.builder.within(self.prefix, Origin(phase="update")):
            one = counter.like(1)
            following = self.builder.add("add", counter, one, name=f"{counter.name}.next")
            self.updates[counter.name] = following.name
            return {STEP: following.cast(DType.FLOAT), EPOCH: epoch.cast(DType.FLOAT)}

    def average(self, every: str, updates: Mapping[str, str]) -> None:
        """Append the averages that are made with ``every`` step or epoch, of what leaves become."""
        chosen = self.objective.average
        if chosen is None or chosen.every != every:
            return
        self.averages = averages(self.elaborated, self.objective)
        following = {**updates, **self.updates}
        values = {n: self.builder.value(following.get(n, n)) for n in self.averages}
        added = self.elaborated.average_updates(
            self.builder, self.objective, values, self.context, self.prefix
        )
        self.take(added)

    def take(self, added: OptimizerUpdates) -> None:
        """Note what was appended."""
        self.initial = _joined(self.initial, added.initial)
        self.states |= {name: self.builder.nodes[name].tensor for name in added.states}
        self.updates |= added.updates

    def closing(self) -> Graph | None:
        """The averages that are made when an epoch ends, as a graph of their own."""
        if self.objective.average is None or self.objective.average.every != EPOCH:
            return None
        forward = expand_derivatives(self.elaborated.graph)
        self.builder, self.updates = Builder(forward), {}
        epoch = self.builder.leaf("state", f"{self.prefix}.{EPOCH}", TensorType(DType.INT64))
        self.context = self.counting(self.state(AVERAGED, TensorType(DType.INT64)), epoch)
        self.average(EPOCH, {})
        return self.graph(forward, [], self.updates)

    def report(self, derived: Graph) -> dict[str, str]:
        """The loss and the reported values that this step computes anyway."""
        shown = own(self.elaborated, derived, self.objective, self.reported)
        return {"loss": self.objective.loss, **shown}

    def history(self, derived: Graph) -> dict[str, str]:
        """The values to be kept that this step computes anyway."""
        return own(self.elaborated, derived, self.objective, self.kept)

    def outputs(self, derived: Graph) -> list[str]:
        """What the step gives."""
        return [*self.report(derived).values(), *self.history(derived).values()]

    def graph(self, derived: Graph, outputs: Sequence[str], updates: Mapping[str, str]) -> Graph:
        """The graph of the outputs and the updates, and of what they need."""
        made = self.builder.graph(tuple(dict.fromkeys(outputs)), updates)
        made = expand_derivatives(replace(made, gradients=derived.gradients))
        kept = [n for n in (f"{self.prefix}.{EPOCH}",) if n in made.nodes]
        return made.restricted_to(made.needed_for((*made.roots(), *made.updates, *kept)))

    def finished(self, derived: Graph, graph: Graph) -> StepGraph:
        """The step as it is run."""
        counter, epoch = (f"{self.prefix}.{name}" for name in (STEP, EPOCH))
        report, history, closing = self.report(derived), self.history(derived), self.closing()
        return StepGraph(
            self.objective, graph, self.initial, self.states, counter, epoch, report, history,
            self.averages, f"{self.prefix}.{AVERAGED}" if closing else counter, closing=closing,
        )  # fmt: skip


def _in_two(
    step: _Step,
    derived: Graph,
    gradients: Mapping[str, Value],
    updates: Mapping[str, str],
) -> StepGraph:
    """Adding up the gradients of a batch, and the update with the mean of what was added up.

    What counts updates (``step`` in a file's nodes) goes on with the update.
    """
    count = step.state(GATHERED, TensorType(DType.INT64))
    sums = {n: step.state(f"{GATHERED}.{n}", g.tensor) for n, g in gradients.items()}
    with step.builder.within(f"{step.prefix}.{GATHERED}", Origin(phase="update")):
        added = {sums[n].name: (sums[n] + g).name for n, g in gradients.items()}
        added[count.name] = (count + 1).name
    counted = COUNTERS[STEP]
    each = {leaf: value for leaf, value in updates.items() if leaf != counted}
    gathering = in_order(step.graph(derived, step.outputs(derived), {**added, **each}))

    forward = expand_derivatives(step.elaborated.graph)
    builder = step.builder = Builder(forward)
    with builder.within(f"{step.prefix}.{GATHERED}", Origin(phase="update")):
        number = builder.leaf("state", count.name, count.tensor)
        leaves = {n: builder.leaf("state", s.name, s.tensor) for n, s in sums.items()}
        means = {n: s / number.cast(DType.FLOAT) for n, s in leaves.items()}
        empty = {leaf.name: zeros_like(builder, leaf.tensor).name for leaf in leaves.values()}
        empty[number.name] = number.like(0).name
    step.optimize(means)
    step.average("step", {})
    last = {counted: updates[counted]} if counted in updates else {}
    update = step.graph(forward, [], {**step.updates, **empty, **last})
    return replace(step.finished(derived, gathering), update=update, gathered=count.name)


def _joined(first: Graph, second: Graph) -> Graph:
    """Two graphs of first values as one; each names its nodes after its own leaves."""
    return Graph(
        {**first.nodes, **second.nodes},
        (*first.outputs, *second.outputs),
        aliases={**first.aliases, **second.aliases},
        origins={**first.origins, **second.origins},
    )


def own(
    elaborated: Elaborated, graph: Graph, objective: Objective, names: Mapping[str, str]
) -> dict[str, str]:
    """The nodes, by name, that are this player's."""
    return {
        name: node
        for name, node in names.items()
        if objective.name in owners(elaborated, graph, {node})
    }


def owners(elaborated: Elaborated, graph: Graph, nodes: set[str]) -> list[str]:
    """The players whose loss needs all these nodes; the last of a round where there is none, or
    where there are no nodes.
    """
    training = elaborated.training
    assert training is not None
    losses = {o.name: o.loss for o in training.objectives}
    found = [name for name, loss in losses.items() if nodes and nodes <= graph.needed_for([loss])]
    return found or [training.turns[-1].player]


def path_of(objective: Objective) -> str:
    """Under which path the states of a player's optimizer stand."""
    return f"optimizer.{objective.name}" if objective.name else "optimizer"


def averages(elaborated: Elaborated, objective: Objective) -> dict[str, str]:
    """The leaves that a player averages, and the states that hold their averages."""
    chosen = objective.average
    if chosen is None:
        return {}
    own = model_updates(elaborated, elaborated.graph, objective)
    leaves = [*objective.params, *(buffers(elaborated, own) if chosen.use_buffers else ())]
    return {name: f"{path_of(objective)}.{AVERAGES}.{name}" for name in leaves}


def buffers(elaborated: Elaborated, updates: Iterable[str]) -> list[str]:
    """Of the states that a step updates, running statistics: real numbers of a fixed size that no
    epoch starts again.
    """
    leaves = ((name, elaborated.leaves[name]) for name in updates if name in elaborated.states)
    return [
        name
        for name, leaf in leaves
        if leaf.type.dtype.is_float and leaf.reset is None and not type_symbols(leaf.type)
    ]


def model_updates(elaborated: Elaborated, graph: Graph, objective: Objective) -> dict[str, str]:
    """The file's own updates that belong to this step.

    A state is updated by the players whose loss needs all the inputs and parameters that its new
    value depends on; by the last player of a round where no loss needs them all (a counter needs
    none of them).
    """
    updates = {}
    for leaf, value in elaborated.graph.updates.items():
        sources = {
            n for n in graph.needed_for([value]) if graph.nodes[n].op in ("input", "parameter")
        }
        if objective.name in owners(elaborated, graph, sources):
            updates[leaf] = value
    return updates
