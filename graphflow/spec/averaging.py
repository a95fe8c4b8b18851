"""``average:`` of a ``train:`` section, as it is written."""

from __future__ import annotations

from dataclasses import dataclass, field

from graphflow.diagnostics import Mark
from graphflow.spec.kinds import Record, Schema, key
from graphflow.spec.leaves import BOOLEAN, EXPRESSION, choice
from graphflow.spec.syntax import Expr
from graphflow.spec.values import Scalar, Value


@dataclass(frozen=True, slots=True)
class AverageDecl:
    """``ema(0.999)`` or ``{is: swa(start=75), every: epoch}``: weights averaged while training."""

    call: Expr = field(metadata=key("is", EXPRESSION, "ema(decay=0.999) or swa(start=10)"))
    mark: Mark = field(compare=False, repr=False)
    every: str = field(
        default="step", metadata=key("every", choice("step", "epoch"), "after what it is made")
    )
    use_buffers: bool = field(
        default=False,
        metadata=key("use_buffers", BOOLEAN, "whether running statistics are averaged, too"),
    )


class _Average:
    """A call alone or with its settings, or ``none``, which an override may say."""

    def read(self, value: Value, mark: Mark) -> AverageDecl | None:
        if isinstance(value, Scalar) and value.text in ("none", "null"):
            return None
        return _RECORD.read(value, mark)

    def schema(self, defs: Schema) -> Schema:
        return {"anyOf": [{"const": "none"}, {"type": "null"}, _RECORD.schema(defs)]}


_RECORD = Record(AverageDecl, "an average", shorthand="is")
AVERAGE = _Average()
