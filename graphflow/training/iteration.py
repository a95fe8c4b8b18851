"""Iteration: steps of a graph that is not trained, each one compiled plan (``run:``).

A step computes what is reported and kept, and sets states and parameters to what ``updates:`` says.
It has the face of a trainer, so that the loop, checkpoints and run folders are the same. Dropout
is off and batch norms keep their statistics, as in evaluation; schedules count the steps.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from graphflow.autodiff import expand_derivatives
from graphflow.diagnostics import fail
from graphflow.ir.graph import Graph
from graphflow.ir.types import DType, TensorType
from graphflow.ops.op import Array
from graphflow.runtime.compile import Compiler, Settings
from graphflow.runtime.initial import Initialiser
from graphflow.runtime.planning import Budgeted
from graphflow.runtime.program import random_key
from graphflow.runtime.store import Store
from graphflow.spec.elaborate import COUNTERS, Elaborated
from graphflow.training.evaluation import Evaluator
from graphflow.training.feed import Fed
from graphflow.training.stepping import (
    Batch,
    NewBatch,
    Part,
    Stepped,
    batch_sizes,
    begin_epoch,
    check_batch,
    copies,
    everything,
    learn_first,
    recorded,
    take_over,
)


class Iteration:
    """Makes the steps of a ``run:`` section. ``seed`` decides the order of data and all draws."""

    updated = True

    def __init__(
        self,
        elaborated: Elaborated,
        store: Store,
        initialiser: Initialiser,
        settings: Settings | None = None,
        seed: int | None = None,
    ) -> None:
        if elaborated.run is None:
            fail("GF067", "there is nothing to iterate: the file has no 'run:' section",
                 help="add run: {steps: 100}, and updates: for what a step changes")  # fmt: skip
        self.plan, self.elaborated = elaborated.run, elaborated
        self.part = "" if elaborated.document.data is None else "train/"
        self.settings = replace(settings or Settings(), mode="eval")
        self.seed = self.plan.seed if seed is None else seed
        self.store, self.initialiser = store, initialiser
        self.store.settle(self.settings.dtype)
        self.leaves, self.nodes = recorded(elaborated, self.plan.history)
        until = [] if self.plan.until is None else [self.plan.until]
        checked = self.plan.check_finite
        self.must_be_finite = tuple(self.plan.report) if checked else ()
        self.compared = [n for u in until if checked for n in compared(elaborated.graph, u)]
        outputs = [*self.plan.report.values(), *self.nodes.values(), *until, *self.compared]
        graph = iteration_graph(elaborated, outputs)
        self.compiler = Compiler(graph, store, initialiser, self.settings)
        self.runs = 0
        self.values: dict[str, Array] = {}
        """The reported values of the last step."""
        self._evaluator: Evaluator | None = None

    @staticmethod
    def advice(guard: str) -> str:
        """What to do about a value that is not finite; ``guard`` names the guarded plan."""
        return (
            f"do the steps diverge, as with a rate that is too large? {guard} stops at the first "
            "value that is not finite; where it is meant, run: {check_finite: false}"
        )

    @property
    def dtype(self) -> DType:
        """The program's float type."""
        return self.settings.dtype

    @property
    def reported(self) -> list[str]:
        """The names of the values that a step reports."""
        return list(self.plan.report)

    @property
    def measured(self) -> list[str]:
        """What a part of the data is measured by: all that is reported."""
        return self.reported

    def step(self, batch: Batch, new_batch: NewBatch | None = None) -> Stepped:
        """One step: the values of ``report``, and states and parameters updated."""
        leaves, found = dict[str, Array](), dict[str, Array]()
        for part in self.parts(batch):
            leaves, found = self.recorded_leaves(), part.run()
        self.values = {name: found[node] for name, node in self.plan.report.items()}
        finished = self.plan.until is not None and bool(found[self.plan.until])
        return Stepped(
            self.values,
            leaves=leaves,
            nodes={name: found[node] for name, node in self.nodes.items()},
            finished=finished,
            undecided=not finished and any(np.isnan(found[n]).any() for n in self.compared),
        )

    def parts(self, batch: Batch, new_batch: NewBatch | None = None) -> Iterator[Part]:
        """What a step runs: one graph, which is to be run, its updates made."""
        check_batch(self.elaborated.graph, batch)
        sizes = learn_first(self.initialiser, self.elaborated.graph, batch)
        fed = {n: v for n, v in batch.items() if n in self.compiler.graph}
        key = random_key(self.seed, self.runs)
        yield Part("step", self.compiler, fed, key, sizes, report=self.plan.report)
        self.runs += 1

    def ahead(self, batches: Iterator[Fed]) -> Iterator[Fed]:
        """An epoch's batches; a step begins when the one before it has ended."""
        return batches

    def release(self) -> None:
        """Nothing of it is elsewhere."""

    def recorded_leaves(self) -> dict[str, Array]:
        """Copies of the parameters and states whose history is kept, as they are now."""
        return copies(self.store, self.leaves)

    def graphs(self, batch: Batch) -> list[Graph]:
        """What a step on such a batch computes."""
        return [self.compiler.concrete(batch_sizes(self.elaborated.graph, batch))]

    @property
    def budgeted(self) -> dict[str, Budgeted]:
        """The latest plan that was made within a budget of memory."""
        plan = self.compiler.budgeted
        return {} if plan is None else {"": plan}

    def start_epoch(self, epoch: int) -> None:
        """States that reset start afresh."""
        begin_epoch(self.elaborated, self.store, epoch)

    def finish_epoch(self) -> bool:
        """Nothing waits for the end of an epoch."""
        return False

    def end_epoch(self, metrics: Mapping[str, float]) -> None:
        """Nothing waits for what an epoch measured."""

    def check_metrics(self, names: Collection[str]) -> None:
        """No schedule of a run reads metrics."""

    def finish(self) -> None:
        """What the last step left is the result."""

    def evaluate(self, batches: Iterable[tuple[Batch, int]]) -> dict[str, float]:
        """Means of the reported values over batches (fed values, rows), nothing changed."""
        if self._evaluator is None:
            self._evaluator = Evaluator(
                self.elaborated, self.plan.report, self.store, self.initialiser, self.settings,
                self.seed,
            )  # fmt: skip
        return self._evaluator(batches)

    def state_dict(self) -> dict[str, Array]:
        """Copies of all parameters and states: enough to go on bit for bit."""
        return everything(self.store, self.initialiser, self.runs)

    def load_state_dict(self, arrays: Mapping[str, Array]) -> None:
        """Take over a state that ``state_dict`` gave."""
        self.runs = take_over(self.store, arrays)


def iteration_graph(elaborated: Elaborated, outputs: list[str]) -> Graph:
    """The graph of one step, with nothing that neither an output nor an update needs."""
    graph = expand_derivatives(elaborated.graph)
    graph = replace(graph, outputs=tuple(dict.fromkeys(outputs)))
    nodes, counter = dict(graph.nodes), COUNTERS["step"]
    if counter in graph.updates:  # the number of this step, in evaluation mode as well
        now = nodes[f"{counter}.now"]
        nodes[now.name] = replace(now, inputs=(graph.updates[counter],))
        graph = replace(graph, nodes=nodes)
    return graph.restricted_to(graph.needed_for((*graph.roots(), *graph.updates)))


def compared(graph: Graph, condition: str) -> list[str]:
    """The nodes of numbers that a node of truth values compares.

    >>> from graphflow import loads
    >>> graph = loads('''
    ... graphflow: 1
    ... name: f
    ... inputs: {x: scalar, y: scalar}
    ... nodes: {near: x < y, done: near or x > 9}
    ... ''').graph
    >>> sorted(n for n in compared(graph, "done") if graph.nodes[n].op == "input")
    ['x', 'y']
    """
    found, waiting = list[str](), [condition]
    for name in waiting:
        node = graph.nodes[name]
        if isinstance(node.type, TensorType) and node.type.dtype is DType.BOOL:
            waiting += [n for n in node.inputs if n not in waiting]
        elif isinstance(node.type, TensorType) and node.type.dtype.is_float:
            found.append(name)
    return found
