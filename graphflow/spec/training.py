"""``train:``: what is minimised, by what, how long (rule 9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

from graphflow.diagnostics import Diagnostic, GraphflowError, Mark, did_you_mean, fail
from graphflow.ir.precision import Precision
from graphflow.spec.amounts import BYTES
from graphflow.spec.averaging import AVERAGE, AverageDecl
from graphflow.spec.history import HISTORY, HistoryDecl
from graphflow.spec.kinds import Kind, ListOf, MapOf, Record, Schema, key
from graphflow.spec.leaves import (
    EXPRESSION,
    FLAG,
    NAME,
    PATHS,
    PATTERNS,
    choice,
)
from graphflow.spec.names import declared
from graphflow.spec.scaling import SCALE_LR, ScaleDecl
from graphflow.spec.stopping import BEST, EARLY_STOPPING, BestDecl, EarlyStoppingDecl
from graphflow.spec.syntax import Expr
from graphflow.spec.values import Value

TRAINED = "train"
"""The part of the data that is trained on, as metrics and figures call it."""


@dataclass(frozen=True, slots=True)
class GroupDecl:
    """``{params: [net.*], lr_scale: 0.1}``: parameters that are trained in their own way.

    Any other key is an argument of the group's optimizer: ``weight_decay: 0``.
    """

    params: tuple[str, ...] = field(metadata=key("params", PATTERNS, "names or patterns"))
    mark: Mark = field(compare=False, repr=False)
    lr: Expr | None = field(default=None, metadata=key("lr", EXPRESSION, "their learning rate"))
    lr_scale: Expr | None = field(
        default=None, metadata=key("lr_scale", EXPRESSION, "a factor of the rate of all others")
    )
    frozen: Expr | bool = field(
        default=False, metadata=key("frozen", FLAG, "whether they stay, or while: epoch < 3")
    )
    optimizer: Expr | None = field(
        default=None, metadata=key("optimizer", EXPRESSION, "their own optimizer")
    )
    arguments: Mapping[str, Expr] = field(
        default_factory=dict,
        metadata=key("arguments", EXPRESSION, "an argument of their optimizer", rest=True),
    )


def _check_group(group: GroupDecl) -> None:
    """The rate is said once."""
    if group.lr is not None and group.lr_scale is not None:
        fail("GF012", "a group has a rate of its own or a factor of the others' rate, not both",
             group.mark, help="leave out lr or lr_scale")  # fmt: skip


GROUP = Record(GroupDecl, "a group", check=_check_group)
GROUPS: Kind[tuple[GroupDecl, ...]] = ListOf(GROUP, "groups")


@dataclass(frozen=True, slots=True)
class PlayerDecl:
    """One of several players: its loss, its parameters, its optimizer."""

    minimize: Expr = field(metadata=key("minimize", EXPRESSION, "the loss of this player"))
    params: tuple[str, ...] = field(
        metadata=key("params", PATTERNS, "what it may change: names or patterns")
    )
    mark: Mark = field(compare=False, repr=False)
    optimizer: Expr | None = field(
        default=None, metadata=key("optimizer", EXPRESSION, "adam(lr=1e-3); train's if absent")
    )
    clip_norm: Expr | None = field(
        default=None, metadata=key("clip_norm", EXPRESSION, "largest norm of its gradient")
    )
    clip_value: Expr | None = field(
        default=None, metadata=key("clip_value", EXPRESSION, "largest entry of its gradient")
    )
    clip_first: str | None = field(
        default=None, metadata=key("clip_first", choice("value", "norm"), "which limit is first")
    )
    groups: tuple[GroupDecl, ...] = field(
        default=(), metadata=key("groups", GROUPS, "own rates, frozen parts; before train's")
    )
    average: AverageDecl | None = field(
        default=None, metadata=key("average", AVERAGE, "of its weights; train's if absent")
    )


class _Fresh:
    """``batch: new`` or ``batch: same``."""

    def read(self, value: Value, mark: Mark) -> bool:
        return _BATCH.read(value, mark) == "new"

    def schema(self, defs: Schema) -> Schema:
        return _BATCH.schema(defs)


_BATCH = choice("new", "same")


@dataclass(frozen=True, slots=True)
class Turn:
    """``discriminator`` or ``{player: discriminator, times: 5, batch: new}``."""

    player: str = field(metadata=key("player", NAME, "whose turn it is"))
    mark: Mark = field(compare=False, repr=False)
    times: Expr | None = field(
        default=None, metadata=key("times", EXPRESSION, "how many steps; 1 if absent")
    )
    batch_new: bool = field(
        default=False, metadata=key("batch", _Fresh(), "'new' draws a batch for every step")
    )


@dataclass(frozen=True, slots=True)
class TrainDecl:
    """What is minimised, by what, how long (rule 9): one loss, or several players."""

    mark: Mark = field(compare=False, repr=False)
    minimize: Expr | None = field(
        default=None, metadata=key("minimize", EXPRESSION, "the loss, a scalar")
    )
    players: Mapping[str, PlayerDecl] = field(
        default_factory=dict,
        metadata=key(
            "players", MapOf(Record(PlayerDecl, "a player"), declared, "players"), "who trains what"
        ),
    )
    turns: tuple[Turn, ...] = field(
        default=(),
        metadata=key(
            "turns",
            ListOf(Record(Turn, "a turn", shorthand="player"), "players"),
            "the order within a round, which shares one batch",
        ),
    )
    optimizer: Expr | None = field(
        default=None, metadata=key("optimizer", EXPRESSION, "adam(lr=1e-3)")
    )
    params: tuple[str, ...] = field(
        default=(), metadata=key("params", PATTERNS, "what is trained; all parameters if absent")
    )
    groups: tuple[GroupDecl, ...] = field(
        default=(), metadata=key("groups", GROUPS, "own rates, frozen parts; the first match wins")
    )
    accumulate: Expr | None = field(
        default=None,
        metadata=key("accumulate", EXPRESSION, "batches whose gradients make one update"),
    )
    batch_statistics: str = field(
        default="local",
        metadata=key(
            "batch_statistics",
            choice("local", "synchronised"),
            "of whose rows several workers' batch norms have theirs: their own, or all workers'",
        ),
    )
    precision: str = field(
        default="fp32",
        metadata=key(
            "precision",
            choice(*get_args(Precision)),
            "what products are computed with; parameters are float32 in any case",
        ),
    )
    scale_lr: ScaleDecl | None = field(
        default=None,
        metadata=key("scale_lr", SCALE_LR, "rates that follow the rows of an update"),
    )
    memory: int | None = field(
        default=None,
        metadata=key("memory", BYTES, "bytes that a step may need: 4GiB; else what is free"),
    )
    epochs: Expr | None = field(
        default=None, metadata=key("epochs", EXPRESSION, "passes over the data, in all")
    )
    steps: Expr | None = field(default=None, metadata=key("steps", EXPRESSION, "steps in all"))
    seed: Expr | None = field(default=None, metadata=key("seed", EXPRESSION, "of all randomness"))
    clip_norm: Expr | None = field(
        default=None, metadata=key("clip_norm", EXPRESSION, "largest norm of the gradient")
    )
    clip_value: Expr | None = field(
        default=None, metadata=key("clip_value", EXPRESSION, "largest entry of the gradient")
    )
    clip_first: str | None = field(
        default=None, metadata=key("clip_first", choice("value", "norm"), "which limit is first")
    )
    report: tuple[str, ...] = field(
        default=(), metadata=key("report", PATHS, "nodes whose values are shown")
    )
    evaluate: tuple[str, ...] = field(
        default=(),
        metadata=key("evaluate", PATHS, "nodes of which only what is not trained on has values"),
    )
    average: AverageDecl | None = field(
        default=None,
        metadata=key("average", AVERAGE, "averaged weights, which evaluation and the result use"),
    )
    best: BestDecl | None = field(
        default=None, metadata=key("best", BEST, "which epoch's checkpoint is kept as the best")
    )
    early_stopping: EarlyStoppingDecl | None = field(
        default=None,
        metadata=key("early_stopping", EARLY_STOPPING, "when to stop before the last epoch"),
    )
    history: HistoryDecl | None = field(
        default=None, metadata=key("history", HISTORY, "nodes whose values are kept, step by step")
    )

    def measured(self, part: str) -> tuple[str, ...]:
        """What a part of the data is measured by: the loss, what is reported and, where it is not
        what is trained on, what is evaluated.
        """
        evaluated = () if part == TRAINED else self.evaluate
        return tuple(dict.fromkeys(("loss", *self.report, *evaluated)))


def _check_train(train: TrainDecl) -> None:
    """Every turn is a player's; one of the two ways of training has what it needs."""
    found = [
        Diagnostic(
            "GF020",
            f"unknown player '{turn.player}'",
            turn.mark,
            help=did_you_mean(turn.player, train.players) or _players(train),
        )
        for turn in train.turns
        if turn.player not in train.players
    ]
    if train.minimize is not None and train.optimizer is None:
        message = "training needs the key 'optimizer'"
        found.append(Diagnostic("GF012", message, train.mark, help="such as adam(lr=1e-3)"))
    for name, player in train.players.items():
        if player.optimizer is None and train.optimizer is None:
            message = f"player '{name}' needs the key 'optimizer'"
            found.append(Diagnostic("GF012", message, player.mark, help="such as adam(lr=1e-3)"))
    if found:
        raise GraphflowError(*found)


def _players(train: TrainDecl) -> str:
    return f"the players are {', '.join(train.players)}" if train.players else "declare 'players'"


TRAIN = Record(TrainDecl, "training", one_of=("minimize", "players"), check=_check_train)
