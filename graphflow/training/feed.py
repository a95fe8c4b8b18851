"""From a dataset to what the graph is fed: parts, batches, expressions over columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Protocol

import numpy as np

from graphflow.data import Batches, Dataset, OptionError, Tokenizer, find, load, split
from graphflow.data.folds import folded
from graphflow.diagnostics import GraphflowError, fail, placed
from graphflow.ir.graph import Graph
from graphflow.ir.types import DType, TensorType
from graphflow.ops.evaluate import evaluate
from graphflow.ops.op import Array
from graphflow.passes.specialise import specialise
from graphflow.spec.elaborate import DataPlan, Elaborated

Fed = tuple[dict[str, Array], int]


class Served(Protocol):
    """Where a training loop gets its batches from.

    ``averaged`` says whether an epoch's report is the mean over its batches, or its last step.
    """

    @property
    def averaged(self) -> bool: ...

    @property
    def tokenizers(self) -> Mapping[str, Tokenizer]:
        """What the numbers in columns of text stand for."""

    @property
    def evaluation_parts(self) -> tuple[str, ...]:
        """The parts that are only evaluated."""

    def batches(self, epoch: int) -> int | None:
        """How many batches an epoch has; None where it has no end."""

    def training(self, epoch: int, start: int = 0) -> Iterator[Fed]:
        """(inputs, rows) of each training batch of an epoch, from batch ``start`` on."""

    def evaluation(self, part: str) -> Iterator[Fed]:
        """(inputs, rows) of each batch of a part, in order."""


def open_feed(elaborated: Elaborated, folder: Path | None, seed: int) -> Served:
    """The batches of a file's data section; for a graph that draws all it needs, none."""
    if elaborated.data is None and elaborated.goals:
        needed = elaborated.graph.needed_for(elaborated.goals)
        if not any(elaborated.graph.nodes[name].op == "input" for name in needed):
            return Drawn()
    return Feed(elaborated, folder, seed)


@dataclass(frozen=True)
class Drawn:
    """Nothing is fed: the graph draws what it learns from, or is made small as it is.

    There is no data to average over, and no end of an epoch: each step is logged, and the last one
    is the result.
    """

    averaged = False
    evaluation_parts: tuple[str, ...] = ()

    @property
    def tokenizers(self) -> Mapping[str, Tokenizer]:
        """There are none."""
        return {}

    def batches(self, epoch: int) -> None:
        """There is always one more."""

    def training(self, epoch: int, start: int = 0) -> Iterator[Fed]:
        """Empty batches, one row each."""
        return repeat(({}, 1))

    def evaluation(self, part: str) -> Iterator[Fed]:
        """Nothing."""
        return iter(())


class Feed:
    """Serves the batches of one model's data section, as inputs of its graph."""

    averaged = True

    def __init__(self, elaborated: Elaborated, folder: Path | None, seed: int) -> None:
        plan = elaborated.data
        if plan is None:
            fail("GF078", "there is nothing to train on: the file has no 'data:' section",
                 help="add data: {source: digits, feed: {x: pixels / 16, y: label}}, "
                 "or --set data.source=...")  # fmt: skip
        self.plan, self.elaborated, self.seed = plan, elaborated, seed
        with placed(plan.mark), _placed_options(plan):
            self.dataset = load_dataset(plan, folder)
            self.parts = split(self.dataset, plan.split, seed)
            if plan.fold is not None and plan.fold.number is not None:
                trained = self.training_part
                self.parts = folded(self.dataset, self.parts, plan.fold, seed, trained)
        self.carried = any(leaf.reset for leaf in elaborated.leaves.values())
        self._graphs: dict[tuple[object, ...], tuple[Graph, tuple[str, ...]]] = {}
        self._check_inputs()

    def _check_inputs(self) -> None:
        """Every input that a loss needs is fed."""
        graph = self.elaborated.graph
        declared = self.elaborated.document.data
        fed = set(declared.feed) if declared is not None and declared.feed else None
        names = self.dataset.columns if fed is None else fed
        needed = graph.needed_for(self.elaborated.goals)
        missing = [n for n in sorted(needed) if graph.nodes[n].op == "input" and n not in names]
        if missing:
            columns = ", ".join(self.dataset.columns)
            fail("GF065", f"nothing feeds the input '{missing[0]}'", self.plan.mark,
                 help=f"add '{missing[0]}: ...' under data.feed; the columns of "
                 f"'{self.dataset.name}' are {columns}")  # fmt: skip

    @property
    def tokenizers(self) -> Mapping[str, Tokenizer]:
        """What the numbers in columns of text stand for."""
        return self.dataset.tokenizers

    @property
    def training_part(self) -> str:
        """The part that is trained on: ``train``, or the first."""
        return "train" if "train" in self.parts else next(iter(self.parts))

    @property
    def evaluation_parts(self) -> tuple[str, ...]:
        """The parts that are only evaluated."""
        return tuple(name for name in self.parts if name != self.training_part)

    def epoch(self, epoch: int, start: int = 0) -> Batches:
        """The training batches of one epoch, from batch ``start`` on."""
        shuffle = self.plan.shuffle
        batches = Batches(
            self.dataset,
            self.parts[self.training_part],
            self.plan.batch,
            shuffle=(not self.carried or self.dataset.steps is not None)
            if shuffle is None
            else shuffle,
            seed=self.seed,
            epoch=epoch,
            drop_last=self.plan.drop_last or self.carried,
        )
        return batches.starting_at(start)

    def batches(self, epoch: int) -> int:
        """How many batches an epoch has."""
        return len(self.epoch(epoch))

    def training(self, epoch: int, start: int = 0) -> Iterator[Fed]:
        """(inputs, rows) of each training batch of an epoch, from batch ``start`` on."""
        for columns in self.epoch(epoch, start):
            yield self.inputs(columns), self.rows(columns)

    def evaluation(self, part: str) -> Iterator[Fed]:
        """(inputs, rows) of each batch of a part, in order."""
        batch = self.plan.batch
        if self.dataset.steps is None:
            batch = min(batch, max(1, len(self.parts[part])))
        batches = Batches(self.dataset, self.parts[part], batch, shuffle=False, seed=self.seed)
        for columns in batches:
            yield self.inputs(columns), self.rows(columns)

    def rows(self, columns: Mapping[str, Array]) -> int:
        """How many samples (tokens, for a text) a batch holds."""
        first = next(iter(columns.values()))
        return len(first) if self.dataset.steps is None else int(np.prod(first.shape[:2]))

    def inputs(self, columns: Mapping[str, Array]) -> dict[str, Array]:
        """The inputs of the graph for one batch of columns."""
        key = tuple((n, c.shape, c.dtype.str) for n, c in columns.items())
        if key not in self._graphs:
            types = {n: TensorType(_dtype(c), c.shape) for n, c in columns.items()}
            graph, names = self.elaborated.column_graph(types)
            self._graphs[key] = specialise(graph, {}, DType.FLOAT32, training=False), names
        graph, names = self._graphs[key]
        fed = {leaf.name: columns[leaf.name] for leaf in graph.leaves("input")}
        values = evaluate(graph, fed)
        return {n: np.asarray(values[out]) for n, out in zip(names, graph.outputs, strict=True)}


@contextmanager
def _placed_options(plan: DataPlan) -> Iterator[None]:
    """Problems with an option are placed where it is written."""
    try:
        yield
    except OptionError as error:
        mark = plan.marks.get(error.option)
        raise GraphflowError(*(d.at(mark) for d in error.diagnostics)) from None


def load_dataset(plan: DataPlan, folder: Path | None) -> Dataset:
    """The dataset a data section names; problems are placed at its lines."""
    source = find(plan.source)
    problems = source.problems(plan.options)
    if problems:
        raise GraphflowError(*(d.at(plan.marks.get(n, plan.mark)) for n, d in problems.items()))
    inside = None if _from_command_line(plan) else folder
    return load(plan.source, folder=inside, **plan.options)


def _from_command_line(plan: DataPlan) -> bool:
    """Whether the path was given with --set: then it may lie anywhere."""
    mark = plan.marks.get("path")
    return mark is not None and mark.file.startswith("--set")


def _dtype(column: Array) -> DType:
    """The number type of a column; its floats are the program's."""
    if column.dtype.kind == "f":
        return DType.FLOAT
    if column.dtype.kind == "b":
        return DType.BOOL
    return DType.UINT8 if column.dtype == np.uint8 else DType.INT64
