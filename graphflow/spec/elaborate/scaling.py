"""``scale_lr:`` as meaning: by how much rates are multiplied, given the rows of an update."""

from __future__ import annotations

from dataclasses import dataclass

from graphflow.diagnostics import fail
from graphflow.spec.document import TrainDecl
from graphflow.spec.elaborate.elaborator import Elaborator
from graphflow.spec.elaborate.feeding import batch_rows
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.elaborate.settings import positive, whole


@dataclass(frozen=True)
class RateScale:
    """Rates written for updates of ``base`` rows, where an update has ``rows`` of them.

    >>> RateScale("linear", 1024, 256).factor, RateScale("sqrt", 1024, 256).factor
    (4.0, 2.0)
    """

    rule: str
    rows: int
    base: int
    warmup: int = 0
    """Updates in which the factor grows from 1, where it is above 1."""

    @property
    def factor(self) -> float:
        """What rates are multiplied by."""
        ratio = self.rows / self.base
        return ratio if self.rule == "linear" else float(ratio**0.5)


def rate_scale(
    elaborator: Elaborator, train: TrainDecl, accumulate: int, scope: Scope
) -> RateScale | None:
    """The setting, resolved; GF012 where the file does not say how large a batch is."""
    decl, data = train.scale_lr, elaborator.document.data
    if decl is None:
        return None
    if data is None:
        fail("GF012", "'scale_lr' needs the section 'data', whose batch it goes by",
             decl.mark, help="where batches are fed by hand, a rate may read their size: "
             "sgd(lr=0.1 * B / 256)")  # fmt: skip
    base = positive(elaborator, decl.base_batch, scope, "'base_batch'")
    warmup = whole(elaborator, decl.warmup, scope, 0, "'warmup'") or 0
    return RateScale(decl.rule, batch_rows(elaborator, data) * accumulate, base, warmup)
