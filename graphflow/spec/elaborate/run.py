"""``run:`` as meaning: what a step gives, when the run ends (rule 10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from graphflow.diagnostics import Mark, Note, fail
from graphflow.ir.types import DType
from graphflow.spec.elaborate.elaborator import Elaborator
from graphflow.spec.elaborate.history import HistoryPlan, history_plan, named_nodes
from graphflow.spec.elaborate.places import Place, Slot
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.elaborate.settings import whole
from graphflow.spec.run import RunDecl
from graphflow.spec.syntax import Expr


@dataclass(frozen=True)
class Run:
    """A whole ``run:`` section, resolved. ``until`` is the node of the condition that ends it."""

    report: Mapping[str, str]
    until: str | None
    steps: int | None
    epochs: int | None
    seed: int
    mark: Mark
    history: HistoryPlan | None
    check_finite: bool
    """Whether a reported value that is not finite, or one that ``until`` cannot compare, is an
    error.
    """

    @property
    def best(self) -> None:
        """A run has no best epoch, it goes on to its end."""

    @property
    def early_stopping(self) -> None:
        """What ends a run early is ``until``."""

    @property
    def goals(self) -> list[str]:
        """The nodes that a step must give."""
        kept = [] if self.history is None else self.history.nodes.values()
        return [*self.report.values(), *([self.until] if self.until else []), *kept]


def run_plan(elaborator: Elaborator, decl: RunDecl, scope: Scope) -> Run:
    """A run section, resolved; a GraphflowError for what does not fit."""
    document = elaborator.document
    if document.train is not None:
        fail("GF010", "a file has one of 'train' and 'run'", decl.mark,
             notes=[Note("training is declared here", document.train.mark)],
             help="training makes its own steps; write the iteration in another file")  # fmt: skip
    if decl.epochs is not None and document.data is None:
        fail("GF078", "'epochs' are passes over data, and the file has no 'data:' section",
             decl.epochs.mark, help="say how many steps: steps: 100")  # fmt: skip
    condition, until = decl.until, None
    if condition is not None:
        until = elaborator.attempt(lambda: _condition(elaborator, condition, scope))
    run = Run(
        named_nodes(elaborator, decl.report, decl.mark, scope),
        until,
        whole(elaborator, decl.steps, scope, None, "'steps'"),
        whole(elaborator, decl.epochs, scope, None, "'epochs'"),
        whole(elaborator, decl.seed, scope, 0, "'seed'") or 0,
        decl.mark,
        history_plan(elaborator, decl.history, scope),
        decl.check_finite,
    )
    _moves(elaborator, run)
    return run


def _condition(elaborator: Elaborator, expr: Expr, scope: Scope) -> str:
    """One truth value, worked out in each step."""
    with elaborator.at("until"):
        value = elaborator.tensor(elaborator.evaluate(expr, scope, Slot(Place("until"))), expr.mark)
    if value.shape != () or value.dtype is not DType.BOOL:
        fail("GF031", f"'until' needs one truth value, but this is {value.type}", expr.mark,
             help="compare with a bound: norm(x_next - x) < 1e-8; all(...) and any(...) make one "
             "of many")  # fmt: skip
    return value.name


def _moves(elaborator: Elaborator, run: Run) -> None:
    """Something differs from step to step, where there is more than one."""
    if run.steps == 1:
        return
    graph = elaborator.root.builder.graph()
    drawn = graph.restricted_to(graph.needed_for(run.goals)).leaves("rng")
    if not (elaborator.updates or drawn or elaborator.document.data or elaborator.errors):
        fail("GF067", "every step of this run is the same: nothing is updated, drawn or fed",
             run.mark, help="say what a state is after a step: updates: {x: x_next}; "
             "run: {steps: 1} computes everything once")  # fmt: skip
