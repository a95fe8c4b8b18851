"""A whole document elaborated: its sections in reading order, and what comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from graphflow.diagnostics import GraphflowError
from graphflow.ir.graph import Graph
from graphflow.ir.types import TensorType
from graphflow.ops.builder import Builder, Value
from graphflow.spec.document import Document
from graphflow.spec.elaborate.bound import (
    Bound,
)
from graphflow.spec.elaborate.calltree import CallTree
from graphflow.spec.elaborate.elaborator import Elaborator
from graphflow.spec.elaborate.feeding import DataPlan, column_graph, data_plan, value_graph
from graphflow.spec.elaborate.figures import check_figures
from graphflow.spec.elaborate.generate import GenerationPlan, chosen_strategy, generation_plan
from graphflow.spec.elaborate.leaves import Leaf
from graphflow.spec.elaborate.objective import Objective, OptimizerUpdates
from graphflow.spec.elaborate.optimising import average_updates, optimizer_updates, rehearse
from graphflow.spec.elaborate.rates import with_rate
from graphflow.spec.elaborate.run import Run, run_plan
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.elaborate.session import Module
from graphflow.spec.elaborate.training import Training, training_plan
from graphflow.spec.elaborate.tuning import TunePlan, tuning
from graphflow.spec.strategies import Strategy
from graphflow.spec.syntax import Expr
from graphflow.spec.values import Map, Plain, plain

BLOCK_FILE = ("graphflow", "name", "let", "blocks")
"""What counts of a file that another one uses, beside the files that it uses itself."""
D = TypeVar("D")
T = TypeVar("T")


@dataclass(frozen=True)
class Elaborated:
    """What a document means.

    ``graph`` is the whole computation, ``calls`` are the calls of blocks that made it; ``initial``
    gives each leaf its first value (outputs in the order of ``leaves``).
    """

    document: Document
    graph: Graph
    calls: CallTree
    initial: Graph
    leaves: Mapping[str, Leaf]
    instances: Mapping[str, tuple[str, ...]]
    training: Training | None
    data: DataPlan | None
    run: Run | None
    tune: TunePlan | None
    generation: GenerationPlan | None
    _elaborator: Elaborator

    @property
    def functions(self) -> set[str]:
        """The names of everything that expressions of this document can call."""
        return self._elaborator.function_names(self._elaborator.module)

    @property
    def used(self) -> dict[str, Plain]:
        """The files that ``use:`` names, by alias: what counts of them, with the files they use."""
        return _used(self._elaborator.module)

    def value_graph(self, expr: Expr) -> Graph:
        """A graph for one expression over ``let``: what a check feeds."""
        return value_graph(self._elaborator.continued(Builder()), expr)

    def column_graph(self, columns: Mapping[str, TensorType]) -> tuple[Graph, tuple[str, ...]]:
        """The graph from columns of a batch to inputs, and the inputs its outputs stand for."""
        return column_graph(self._elaborator.continued(Builder()), columns)

    def strategy(self, expr: Expr) -> Strategy:
        """The strategy of generating that a call names; constants of ``let`` may stand in it."""
        return chosen_strategy(self._elaborator, expr, self._elaborator.module.let)

    def optimizer_updates(
        self,
        builder: Builder,
        objective: Objective,
        gradients: Mapping[str, Value],
        context: Mapping[str, Bound],
        prefix: str,
    ) -> OptimizerUpdates:
        """Append the optimizer of ``objective`` to ``builder``, which goes on from this graph.

        ``gradients`` holds the gradient of each of its parameters; ``context`` what schedules see
        (the step, the epoch); new nodes and states are named below ``prefix``.
        """
        elaborator = self._elaborator.continued(builder)
        return optimizer_updates(elaborator, objective, gradients, context, prefix)

    def average_updates(
        self,
        builder: Builder,
        objective: Objective,
        values: Mapping[str, Value],
        context: Mapping[str, Bound],
        prefix: str,
    ) -> OptimizerUpdates:
        """Append the averages of leaves, which are ``values`` by now, as ``optimizer_updates``
        appends the optimizer.
        """
        elaborator = self._elaborator.continued(builder)
        return average_updates(elaborator, objective, values, context, prefix)

    def with_rate(self, rate: str) -> Elaborated:
        """The same file, trained at the learning rate that an expression over ``step`` gives."""
        assert self.training is not None
        return replace(self, training=with_rate(self._elaborator, self.training, rate))

    @property
    def goals(self) -> list[str]:
        """The nodes that training, or else the run, needs: losses; reports, history, updates."""
        if self.training is not None:
            return [objective.loss for objective in self.training.objectives]
        return [] if self.run is None else [*self.run.goals, *self.graph.updates.values()]

    @property
    def rename(self) -> dict[str, str]:
        """Names in weights files: names here."""
        layers = self.document.layers.values()
        return {**self.document.rename, **{k: v for d in layers for k, v in d.rename.items()}}

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters, in order of creation."""
        return tuple(n for n in self.leaves if self.graph.nodes[n].op == "parameter")

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the states, in order of creation."""
        return tuple(n for n in self.leaves if self.graph.nodes[n].op == "state")


def elaborated(elaborator: Elaborator) -> Elaborated:
    """What the document of ``elaborator`` means: its graph, then every section against it.

    Raises one GraphflowError with every error of the file.
    """
    document = elaborator.document
    outputs = elaborator.compute()
    training = _resolved(elaborator, document.train, training_plan)
    plan = _resolved(elaborator, document.data, data_plan)
    run = _resolved(elaborator, document.run, run_plan)
    search = elaborator.attempt(lambda: tuning(elaborator, training))
    generation = _resolved(elaborator, document.generate, generation_plan)
    check_figures(elaborator)
    initial = elaborator.initial_graph(elaborator.input_types())
    if elaborator.errors:
        raise GraphflowError(*sorted(elaborator.errors, key=_position))
    graph, calls = elaborator.result(outputs)
    instances = {n: tuple(elaborator.owned_by(n)) for n in document.layers}
    for objective in () if training is None else training.objectives:
        rehearse(elaborator.continued(Builder(graph)), objective)
    return Elaborated(
        document,
        graph,
        calls,
        initial,
        dict(elaborator.leaves),
        instances,
        training,
        plan,
        run,
        search,
        generation,
        elaborator,
    )


def _resolved(
    elaborator: Elaborator, decl: D | None, resolve: Callable[[Elaborator, D, Scope], T]
) -> T | None:
    """What a section means, if the file has it; its errors are kept."""
    if decl is None:
        return None
    return elaborator.attempt(lambda: resolve(elaborator, decl, elaborator.scope))


def _used(module: Module) -> dict[str, Plain]:
    found: dict[str, Plain] = {}
    for alias, used in module.uses.items():
        assert isinstance(used.tree, Map)
        kept = {k.text: plain(v) for k, v in used.tree.items if k.text in BLOCK_FILE}
        inner = _used(used)
        found[alias] = {**kept, "use": inner} if inner else kept
    return found


def _position(diagnostic: object) -> tuple[str, int, int]:
    mark = getattr(diagnostic, "mark", None)
    return (mark.file, mark.line, mark.column) if mark else ("", 0, 0)
