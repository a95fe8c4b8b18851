"""``data:``: where the inputs come from (rule 14)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from graphflow.diagnostics import Mark
from graphflow.spec.kinds import ListOf, Record, key
from graphflow.spec.leaves import (
    CALL,
    EXPRESSION,
    EXPRESSIONS,
    FLAG,
    NAME,
    RAW,
    SCALAR,
    choice,
)
from graphflow.spec.syntax import Expr
from graphflow.spec.values import Scalar, Value


@dataclass(frozen=True, slots=True)
class DataDecl:
    """Where the inputs come from. ``options`` are all other keys, handed to the source."""

    source: Scalar = field(metadata=key("source", SCALAR, "a data set's name, or a path"))
    mark: Mark = field(compare=False, repr=False)
    feed: Mapping[str, Expr] = field(
        default_factory=dict, metadata=key("feed", EXPRESSIONS, "input: expression over columns")
    )
    transforms: tuple[Expr, ...] = field(
        default=(),
        metadata=key(
            "transforms",
            ListOf(CALL, "transforms"),
            "done once to whole columns, learned from the training part",
        ),
    )
    split: Mapping[str, Expr] = field(
        default_factory=dict, metadata=key("split", EXPRESSIONS, "part: its share or its size")
    )
    stratify: str | None = field(
        default=None,
        metadata=key("stratify", NAME, "a column whose classes all parts share alike"),
    )
    ordered: Expr | bool | None = field(
        default=None,
        metadata=key("ordered", FLAG, "whether parts are cut in the order of the rows"),
    )
    batch: Expr | None = field(default=None, metadata=key("batch", EXPRESSION, "rows of a batch"))
    eval_batch: Expr | None = field(
        default=None,
        metadata=key("eval_batch", EXPRESSION, "rows of a batch of what is not trained on"),
    )
    shuffle: Expr | bool | None = field(
        default=None, metadata=key("shuffle", FLAG, "whether each epoch has its own order")
    )
    drop_last: Expr | bool | None = field(
        default=None, metadata=key("drop_last", FLAG, "whether an unfilled last batch is left out")
    )
    folds: Expr | None = field(
        default=None, metadata=key("folds", EXPRESSION, "trainings of a cross-validation")
    )
    fold: Expr | None = field(
        default=None, metadata=key("fold", EXPRESSION, "the one of them to train, from 1 on")
    )
    bucket: str | None = field(
        default=None, metadata=key("bucket", NAME, "a column of lengths: batches of alike ones")
    )
    sampling: str | None = field(
        default=None,
        metadata=key(
            "sampling",
            choice("sequential", "random"),
            "of windows of a sequence: one after the other, or in any order",
        ),
    )
    seed: Expr | None = field(
        default=None,
        metadata=key("seed", EXPRESSION, "of what is drawn for data; that of train if absent"),
    )
    options: Mapping[str, Value] = field(
        default_factory=dict, metadata=key("options", RAW, "a setting of the source", rest=True)
    )


DATA = Record(DataDecl, "data")
