"""``scale_lr:`` of a ``train:`` section, as it is written."""

from __future__ import annotations

from dataclasses import dataclass, field

from graphflow.diagnostics import Mark
from graphflow.spec.kinds import Record, key
from graphflow.spec.leaves import EXPRESSION, choice
from graphflow.spec.syntax import Expr


@dataclass(frozen=True, slots=True)
class ScaleDecl:
    """``{rule: linear, base_batch: 256, warmup: 500}``: rates that follow the size of the batch."""

    base_batch: Expr = field(
        metadata=key("base_batch", EXPRESSION, "rows of an update that the rates are written for")
    )
    mark: Mark = field(compare=False, repr=False)
    rule: str = field(
        default="linear",
        metadata=key("rule", choice("linear", "sqrt"), "in proportion to rows, or to their root"),
    )
    warmup: Expr | None = field(
        default=None,
        metadata=key("warmup", EXPRESSION, "updates in which rates rise to the larger ones; 0"),
    )


SCALE_LR = Record(ScaleDecl, "a scaling of rates")
