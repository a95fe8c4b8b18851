"""``train:`` as meaning: which value each player lowers, by changing what, and how (rule 9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from graphflow.diagnostics import GraphflowError, Mark, fail
from graphflow.ir.precision import Precision, precision_named
from graphflow.spec.document import PlayerDecl, TrainDecl
from graphflow.spec.elaborate.averaging import average
from graphflow.spec.elaborate.bound import Poisoned
from graphflow.spec.elaborate.elaborator import Elaborator
from graphflow.spec.elaborate.grouping import grouped, named, optimizer_call, parameters
from graphflow.spec.elaborate.history import HistoryPlan, history_plan, named_nodes
from graphflow.spec.elaborate.objective import Objective
from graphflow.spec.elaborate.pairing import check_differences
from graphflow.spec.elaborate.places import Place, Slot
from graphflow.spec.elaborate.scaling import RateScale, rate_scale
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.elaborate.settings import positive, whole
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
    evaluated: dict[str, str] = field(default_factory=dict)
    """What only the parts that are not trained on are measured by, beside ``report``."""
    synchronised: bool = False
    """Whether the batch statistics of several workers are those of all their rows."""
    memory: int | None = None
    """Bytes that a step may need."""
    precision: Precision = "fp32"
    """What products are computed with."""

    @property
    def accumulate(self) -> int:
        """Batches whose mean gradient makes one update, the same for all players."""
        return self.objectives[0].accumulate

    @property
    def scale(self) -> RateScale | None:
        """What the rates of all players are multiplied by."""
        return self.objectives[0].scale


def training_plan(elaborator: Elaborator, decl: TrainDecl, scope: Scope) -> Training:
    """The objectives, turns and settings; a GraphflowError for what does not fit."""
    players = dict(decl.players) or {
        "": PlayerDecl(decl.minimize, decl.params, decl.mark)  # type: ignore[arg-type]
    }
    objectives = [objective(elaborator, n, p, decl, scope) for n, p in players.items()]
    turns = tuple(
        TurnPlan(t.player, whole(elaborator, t.times, scope, 1, "'times'") or 1, t.batch_new)
        for t in decl.turns
    ) or tuple(TurnPlan(name) for name in players)
    stop = decl.early_stopping
    return Training(
        tuple(o for o in objectives if o is not None),
        turns,
        named_nodes(elaborator, decl.report, decl.mark, scope),
        whole(elaborator, decl.epochs, scope, None, "'epochs'"),
        whole(elaborator, decl.steps, scope, None, "'steps'"),
        whole(elaborator, decl.seed, scope, 0, "'seed'") or 0,
        decl.mark,
        None if decl.best is None else best_goal(decl.best, decl),
        None if stop is None else early_stopping(elaborator, stop, decl, scope),
        history_plan(elaborator, decl.history, scope),
        named_nodes(elaborator, decl.evaluate, decl.mark, scope),
        decl.batch_statistics == "synchronised",
        decl.memory,
        precision_named(decl.precision),
    )


def objective(
    elaborator: Elaborator, name: str, player: PlayerDecl, decl: TrainDecl, scope: Scope
) -> Objective | None:
    """One player. Errors are kept; None stands for a player that has some."""
    try:
        loss = loss_node(elaborator, name, player.minimize, scope)
        check_differences(elaborator, loss)
        chosen = chosen_parameters(elaborator, player.params or decl.params, player.mark)
        _check_reached(elaborator, loss, chosen, player.minimize.mark)
        call = optimizer_call(elaborator, player.optimizer or decl.optimizer, scope, decl.mark)
        alone = not decl.players
        groups = grouped(elaborator, chosen, call, player.groups, decl.groups, scope, alone)
        if not groups:
            fail("GF041", "there is nothing to train: no trainable parameter is left",
                 player.mark,
                 help="declare params:, use layers, list them under 'params:', or freeze fewer "
                 "of them")  # fmt: skip
        accumulate = positive(elaborator, decl.accumulate, scope, "'accumulate'")
        return Objective(
            name,
            loss,
            groups,
            player.clip_norm or decl.clip_norm,
            player.clip_value or decl.clip_value,
            player.clip_first or decl.clip_first or "value",
            accumulate,
            average(elaborator, player.average or decl.average, scope),
            rate_scale(elaborator, decl, accumulate, scope),
        )
    except GraphflowError as error:
        elaborator.report(GraphflowError(*(d.at(player.mark) for d in error.diagnostics)))
    except Poisoned:
        pass
    return None


def loss_node(elaborator: Elaborator, player: str, expr: Expr, scope: Scope) -> str:
    """The scalar to minimise."""
    label = f"{player}.minimize" if player else "minimize"
    with elaborator.at(label):
        value = elaborator.tensor(elaborator.evaluate(expr, scope, Slot(Place(label))), expr.mark)
    if value.shape != () or not value.dtype.is_float:
        fail(
            "GF040",
            f"minimize needs one number, but this is {value.type}",
            expr.mark,
            help="reduce it with mean or sum, or the loss with reduction='mean'",
        )
    return value.name


def _check_reached(elaborator: Elaborator, loss: str, chosen: Sequence[str], mark: Mark) -> None:
    """At least one of the chosen parameters decides what the loss is."""
    needed = elaborator.root.builder.graph().needed_for([loss])
    if chosen and needed.isdisjoint(chosen):
        fail(
            "GF043",
            f"the loss depends on none of the parameters: {', '.join(chosen[:5])}",
            mark,
            help="its gradient is zero everywhere; minimize what the model computes",
        )


def chosen_parameters(elaborator: Elaborator, patterns: Sequence[str], mark: Mark) -> list[str]:
    """Parameters that patterns, paths or instances name; all trainable ones without any."""
    known = parameters(elaborator)
    if not patterns:
        return [n for n in known if elaborator.leaves[n].trainable]
    found: dict[str, None] = {}
    for pattern in patterns:
        matched = named(elaborator, pattern, mark, known)
        found |= dict.fromkeys(n for n in matched if elaborator.leaves[n].trainable)
    return list(found)
