"""``train:`` as meaning: which value each player lowers, by changing what, and how (rule 9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from graphflow.diagnostics import GraphflowError, Mark, fail
from graphflow.spec.document import PlayerDecl, TrainDecl
from graphflow.spec.elaborate.averaging import average
from graphflow.spec.elaborate.bound import Poisoned, describe
from graphflow.spec.elaborate.grouping import grouped, named, optimizer_call, parameters
from graphflow.spec.elaborate.history import HistoryPlan, history_plan, named_nodes
from graphflow.spec.elaborate.optimising import Objective, Optimising
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.elaborate.session import Place, Slot
from graphflow.spec.elaborate.stopping import EarlyStopping, Goal, best_goal, early_stopping
from graphflow.spec.syntax import Expr


@dataclass(frozen=True)
class TurnPlan:
    """One entry of a round: whose turn, how often, and whether each time on a new batch."""

    player: str
    times: int = 1
    fresh: bool = False


@dataclass(frozen=True)
class Training:
    """A whole ``train:`` section, resolved."""

    objectives: tuple[Objective, ...]
    turns: tuple[TurnPlan, ...]
    report: dict[str, str] = field(default_factory=dict)
    epochs: int | None = None
    steps: int | None = None
    seed: int = 0
    mark: Mark | None = None
    best: Goal | None = None
    early_stopping: EarlyStopping | None = None
    history: HistoryPlan | None = None

    @property
    def accumulate(self) -> int:
        """Batches whose mean gradient makes one update, the same for all players."""
        return self.objectives[0].accumulate


class Trainings(Optimising):
    """Resolves the training section against the graph."""

    def training(self, decl: TrainDecl, scope: Scope) -> Training:
        """The objectives, turns and settings; a GraphflowError for what does not fit."""
        players = dict(decl.players) or {
            "": PlayerDecl(decl.minimize, decl.params, decl.mark)  # type: ignore[arg-type]
        }
        objectives = [self.objective(n, p, decl, scope) for n, p in players.items()]
        turns = tuple(
            TurnPlan(t.player, self.whole(t.times, scope, 1, "'times'") or 1, t.batch_new)
            for t in decl.turns
        ) or tuple(TurnPlan(name) for name in players)
        stop = decl.early_stopping
        return Training(
            tuple(o for o in objectives if o is not None),
            turns,
            named_nodes(self, decl.report, decl.mark, scope),
            self.whole(decl.epochs, scope, None, "'epochs'"),
            self.whole(decl.steps, scope, None, "'steps'"),
            self.whole(decl.seed, scope, 0, "'seed'") or 0,
            decl.mark,
            None if decl.best is None else best_goal(decl.best),
            None if stop is None else early_stopping(self, stop, scope),
            history_plan(self, decl.history, scope),
        )

    def objective(
        self, name: str, player: PlayerDecl, decl: TrainDecl, scope: Scope
    ) -> Objective | None:
        """One player. Errors are kept; None stands for a player that has some."""
        try:
            loss = self.loss(name, player.minimize, scope)
            chosen = self.chosen(player.params or decl.params, player.mark)
            self.check_reached(loss, chosen, player.minimize.mark)
            call = optimizer_call(self, player.optimizer or decl.optimizer, scope, decl.mark)
            groups = grouped(self, chosen, call, player.groups, decl.groups, scope)
            if not groups:
                fail("GF041", "there is nothing to train: no trainable parameter is left",
                     player.mark,
                     help="declare params:, use layers, list them under 'params:', or freeze fewer "
                     "of them")  # fmt: skip
            return Objective(
                name,
                loss,
                groups,
                player.clip_norm or decl.clip_norm,
                player.clip_value or decl.clip_value,
                player.clip_first or decl.clip_first or "value",
                self.positive(decl.accumulate, scope, "'accumulate'"),
                average(self, player.average or decl.average, scope),
            )
        except GraphflowError as error:
            self.report(GraphflowError(*(d.at(player.mark) for d in error.diagnostics)))
        except Poisoned:
            pass
        return None

    def loss(self, player: str, expr: Expr, scope: Scope) -> str:
        """The scalar to minimise."""
        label = f"{player}.minimize" if player else "minimize"
        with self.at(label):
            value = self.tensor(self.evaluate(expr, scope, Slot(Place(label))), expr.mark)
        if value.shape != () or not value.dtype.is_float:
            fail(
                "GF040",
                f"minimize needs one number, but this is {value.type}",
                expr.mark,
                help="reduce it with mean or sum, or the loss with reduction='mean'",
            )
        return value.name

    def check_reached(self, loss: str, chosen: Sequence[str], mark: Mark) -> None:
        """At least one of the chosen parameters decides what the loss is."""
        needed = self.root.builder.graph().needed_for([loss])
        if chosen and needed.isdisjoint(chosen):
            fail(
                "GF043",
                f"the loss depends on none of the parameters: {', '.join(chosen[:5])}",
                mark,
                help="its gradient is zero everywhere; minimize what the model computes",
            )

    def chosen(self, patterns: Sequence[str], mark: Mark) -> list[str]:
        """Parameters that patterns, paths or instances name; all trainable ones without any."""
        known = parameters(self)
        if not patterns:
            return [n for n in known if self.leaves[n].trainable]
        found: dict[str, None] = {}
        for pattern in patterns:
            matched = named(self, pattern, mark, known)
            found |= dict.fromkeys(n for n in matched if self.leaves[n].trainable)
        return list(found)

    def positive(self, expr: Expr | None, scope: Scope, what: str) -> int:
        """A whole number setting from 1 on, which is 1 where it is not given."""
        value = self.whole(expr, scope, 1, what)
        if not value:
            mark = None if expr is None else expr.mark
            fail("GF033", f"{what} is a whole number from 1 on, not {value}", mark)
        return value

    def whole(self, expr: Expr | None, scope: Scope, default: int | None, what: str) -> int | None:
        """A whole number setting."""
        if expr is None:
            return default
        value = self.static(expr, scope, what)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            fail("GF033", f"{what} is a whole number, not {describe(value)}", expr.mark)
        return value
