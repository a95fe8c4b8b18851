"""``best:`` and ``early_stopping:`` of a ``train:`` section, as they are written."""

from __future__ import annotations

from dataclasses import dataclass, field

from graphflow.diagnostics import Mark
from graphflow.spec.kinds import Record, key
from graphflow.spec.leaves import BOOLEAN, EXPRESSION, TEXT, choice
from graphflow.spec.syntax import Expr

_MODE = choice("min", "max")


@dataclass(frozen=True, slots=True)
class BestDecl:
    """``{metric: test/accuracy, mode: max}``: which epoch's checkpoint is kept as the best."""

    metric: str = field(metadata=key("metric", TEXT, "such as test/loss"))
    mark: Mark = field(compare=False, repr=False)
    mode: str | None = field(
        default=None, metadata=key("mode", _MODE, "whether it is to fall or to rise")
    )


@dataclass(frozen=True, slots=True)
class EarlyStoppingDecl:
    """``{metric: test/loss, patience: 5}``: when to stop before the last epoch."""

    metric: str = field(metadata=key("metric", TEXT, "such as test/loss"))
    mark: Mark = field(compare=False, repr=False)
    mode: str | None = field(
        default=None, metadata=key("mode", _MODE, "whether it is to fall or to rise")
    )
    patience: Expr | None = field(
        default=None,
        metadata=key("patience", EXPRESSION, "epochs without improvement that end training; 3"),
    )
    min_delta: Expr | None = field(
        default=None, metadata=key("min_delta", EXPRESSION, "what counts as improvement; 0")
    )
    restore_best: bool = field(
        default=False,
        metadata=key("restore_best", BOOLEAN, "whether the best epoch's values are the result"),
    )


BEST = Record(BestDecl, "the best", shorthand="metric")
EARLY_STOPPING = Record(EarlyStoppingDecl, "early stopping", shorthand="metric")
