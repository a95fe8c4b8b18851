"""``data:`` as meaning: settings of the source, and how columns become inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from graphflow.data.folds import Fold
from graphflow.diagnostics import GraphflowError, Mark, Note, did_you_mean, fail
from graphflow.ir.graph import Graph
from graphflow.ir.types import TensorType
from graphflow.spec.document import DataDecl
from graphflow.spec.elaborate.bound import Bound, Poisoned, describe
from graphflow.spec.elaborate.elaborator import Elaborator
from graphflow.spec.elaborate.places import Place, Slot
from graphflow.spec.elaborate.regions import Region
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.elaborate.settings import flag, positive, whole
from graphflow.spec.elaborate.transforms import TransformCall, transform_calls
from graphflow.spec.names import walk
from graphflow.spec.syntax import Expr, Name
from graphflow.spec.values import Map, Plain, Scalar, Seq, Value

DEFAULT_BATCH = 32


@dataclass(frozen=True)
class DataPlan:
    """A whole ``data:`` section, resolved. ``marks`` places the options for messages.

    ``fed`` are the names that the expressions of ``feed:`` use.
    """

    source: str
    options: Mapping[str, Plain]
    marks: Mapping[str, Mark]
    split: Mapping[str, float] | None
    batch: int
    shuffle: bool | None
    drop_last: bool
    mark: Mark
    fold: Fold | None = None
    transforms: tuple[TransformCall, ...] = ()
    stratify: str | None = None
    ordered: bool = False
    bucket: str | None = None
    sampling: str | None = None
    seed: int | None = None
    fed: frozenset[str] = frozenset()
    eval_batch: int | None = None


def _marks(decl: DataDecl) -> dict[str, Mark]:
    """Where the settings are written that the data itself may not fit."""
    marks = {name: value.mark for name, value in decl.options.items()}
    if decl.split:
        marks["split"] = next(iter(decl.split.values())).mark
    return marks


def _names(decl: DataDecl) -> frozenset[str]:
    """The names that the expressions of ``feed:`` use."""
    parts = (part for expr in decl.feed.values() for part in walk(expr))
    return frozenset(part.parts[0] for part in parts if isinstance(part, Name))


def data_plan(elaborator: Elaborator, decl: DataDecl, scope: Scope) -> DataPlan:
    """The settings of the data section."""
    let = elaborator.module.let
    unknown = [n for n in decl.feed if n not in elaborator.document.inputs]
    if unknown:
        close = did_you_mean(unknown[0], elaborator.document.inputs)
        fail(
            "GF020",
            f"feed: '{unknown[0]}' is not an input",
            decl.feed[unknown[0]].mark,
            help=close,
        )
    seed = None if decl.seed is None else whole(elaborator, decl.seed, let, None, "'seed'")
    return DataPlan(
        str(decl.source.value),
        {name: _option(elaborator, value, let) for name, value in decl.options.items()},
        _marks(decl),
        {n: _share(elaborator, n, e, let) for n, e in decl.split.items()} or None,
        batch_rows(elaborator, decl),
        flag(elaborator, decl.shuffle, let),
        bool(flag(elaborator, decl.drop_last, let)),
        decl.source.mark,
        _fold(elaborator, decl, let),
        transform_calls(elaborator, decl.transforms, let),
        decl.stratify,
        bool(flag(elaborator, decl.ordered, let)),
        decl.bucket,
        decl.sampling,
        seed,
        _names(decl) or frozenset(elaborator.document.inputs),
        _rows(elaborator, decl.eval_batch, "eval_batch"),
    )


def batch_rows(elaborator: Elaborator, decl: DataDecl) -> int:
    """The rows of a batch of training."""
    return _rows(elaborator, decl.batch, "batch") or DEFAULT_BATCH


def _rows(elaborator: Elaborator, expr: Expr | None, name: str) -> int | None:
    """How many rows a batch has, if that is said; GF033 for none."""
    if expr is None:
        return None
    return positive(elaborator, expr, elaborator.module.let, f"'{name}'")


def _fold(elaborator: Elaborator, decl: DataDecl, let: Scope) -> Fold | None:
    """How the training rows are cut for a cross-validation, and which part is left out."""
    if decl.folds is None:
        if decl.fold is not None:
            fail("GF012", "'fold' needs the key 'folds'", decl.fold.mark)
        return None
    count = whole(elaborator, decl.folds, let, None, "'folds'")
    if count is None or count < 2:
        fail("GF033", f"a cross-validation has at least 2 folds, not {count}", decl.folds.mark)
    number = whole(elaborator, decl.fold, let, None, "'fold'")
    if decl.fold is not None and not (number and number <= count):
        fail("GF033", f"'fold' is one of 1 to {count}, not {number}", decl.fold.mark)
    return Fold(count, number)


def _option(elaborator: Elaborator, value: Value, let: Scope) -> Plain:
    """A setting handed to the source; a word that ``let`` declares takes its value."""
    if isinstance(value, Map):
        return {k.text: _option(elaborator, v, let) for k, v in value.items}
    if isinstance(value, Seq):
        return [_option(elaborator, v, let) for v in value.items]
    assert isinstance(value, Scalar)
    if isinstance(value.value, str) and let.get(value.value)[0]:
        found = let.lookup(value.value, value.mark)
        if found is None or isinstance(found, bool | int | float | str):
            return found
    return value.value


def _share(elaborator: Elaborator, name: str, expr: Expr, let: Scope) -> float:
    """The share of a part."""
    value = elaborator.static(expr, let, f"the share of '{name}'")
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        fail("GF033", f"the share of '{name}' is a number, not {describe(value)}", expr.mark)
    return value


def column_graph(
    elaborator: Elaborator, columns: Mapping[str, TensorType]
) -> tuple[Graph, tuple[str, ...]]:
    """The graph from columns of a batch to inputs, and the inputs its outputs stand for.

    Without ``feed:``, a column feeds the input of its own name.
    """
    decl = elaborator.document.data
    exprs = dict(decl.feed) if decl is not None else {}
    elaborator.regions = [Region()]
    scope = Scope(elaborator.module.let)
    for name, type in columns.items():
        scope.declare(name, elaborator.builder.input(name, type), None)
    named: dict[str, Expr | None] = {**exprs}
    if not named:
        named = {n: None for n in elaborator.document.inputs if n in columns}
    outputs, known = [], len(elaborator.errors)
    for name, expr in named.items():
        try:
            outputs.append(_column(elaborator, name, expr, scope))
        except GraphflowError as error:
            elaborator.errors += error.diagnostics
        except Poisoned:  # said already, inside a block
            continue
    found = elaborator.errors[known:]
    del elaborator.errors[known:]
    if found:
        offer = Note(f"the columns are {', '.join(columns)}")
        raise GraphflowError(*(replace(d, notes=(*d.notes, offer)) for d in found))
    return elaborator.builder.graph(outputs), tuple(named)


def value_graph(elaborator: Elaborator, expr: Expr) -> Graph:
    """A graph for one expression over ``let``: what a check feeds."""
    elaborator.regions = [Region()]
    value = elaborator.evaluate(expr, Scope(elaborator.module.let), Slot(Place("value")))
    return elaborator.builder.graph([elaborator.tensor(value, expr.mark).name])


def _column(elaborator: Elaborator, name: str, expr: Expr | None, scope: Scope) -> str:
    """One input's node."""
    if expr is None:
        return name
    known, before = set(elaborator.leaves), len(elaborator.errors)
    try:
        with elaborator.at(f"feed.{name}"):
            value: Bound = elaborator.evaluate(expr, scope, Slot(Place(f"feed.{name}")))
            return elaborator.tensor(value, expr.mark).name
    finally:
        _without_leaves(elaborator, known, before, expr)


def _without_leaves(elaborator: Elaborator, known: set[str], before: int, expr: Expr) -> None:
    """A feed computes from columns alone."""
    added = elaborator.leaves.keys() - known
    if added:
        for name in added:
            del elaborator.leaves[name]
        del elaborator.errors[before:]
        fail("GF065", f"a feed has no parameters and no state of its own ({min(added)})",
             expr.mark, help="write the layer under 'nodes:'")  # fmt: skip
