"""From a dataset to what the graph is fed: parts, batches, expressions over columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import NoReturn, Protocol

import numpy as np

from graphflow.data import Batches, Dataset, Indices, OptionError, check_split, find, load, split
from graphflow.data.columns import Column, Lists
from graphflow.data.folds import folded
from graphflow.data.registry import Source
from graphflow.data.transforms import Fitted, Frame, Prepared, make, prepare, training_part
from graphflow.diagnostics import GraphflowError, did_you_mean, fail, placed
from graphflow.ops.op import Array
from graphflow.spec.elaborate import DataPlan, Elaborated
from graphflow.training.data_identity import DataIdentity
from graphflow.training.inputs import InputGraphs
from graphflow.training.learned import Learned

Fed = tuple[dict[str, Array], int]
BUILT_IN = frozenset({"training"})
"""Names that an expression may use beside columns and ``let``."""


class Served(Protocol):
    """Where a training loop gets its batches from.

    ``averaged`` says whether an epoch's report is the mean over its batches, or its last step.
    """

    @property
    def averaged(self) -> bool: ...

    @property
    def learned(self) -> Learned:
        """What the numbers in columns of text stand for, and what transforms have fitted."""

    @property
    def evaluation_parts(self) -> tuple[str, ...]:
        """The parts that are only evaluated."""

    @property
    def identity(self) -> DataIdentity:
        """What tells these data from others."""

    def batches(self, epoch: int) -> int | None:
        """How many batches an epoch has; None where it has no end."""

    def training(self, epoch: int, start: int = 0) -> Iterator[Fed]:
        """(inputs, rows) of each training batch of an epoch, from batch ``start`` on."""

    def evaluation(self, part: str) -> Iterator[Fed]:
        """(inputs, rows) of each batch of a part, in order."""


def open_feed(
    elaborated: Elaborated,
    folder: Path | None,
    seed: int,
    learned: Learned | None = None,
) -> Served:
    """The batches of a file's data section; for a graph that draws all it needs, none. ``learned``
    is what the data of an earlier training have taught: its transforms are used as they were.
    """
    if elaborated.data is None and (elaborated.goals or elaborated.run is not None):
        needed = elaborated.graph.needed_for(elaborated.goals)
        if not any(elaborated.graph.nodes[name].op == "input" for name in needed):
            return Drawn()
    return Feed(elaborated, folder, seed, learned)


@dataclass(frozen=True)
class Drawn:
    """Nothing is fed: the graph draws what it learns from, or is made small as it is.

    There is no data to average over, and no end of an epoch: each step is logged, and the last one
    is the result.
    """

    averaged = False
    evaluation_parts: tuple[str, ...] = ()
    learned = Learned()
    identity = DataIdentity()

    def batches(self, epoch: int) -> None:
        """There is always one more."""

    def training(self, epoch: int, start: int = 0) -> Iterator[Fed]:
        """Empty batches, one row each."""
        return repeat(({}, 1))

    def evaluation(self, part: str) -> Iterator[Fed]:
        """Nothing."""
        return iter(())


def _fail_unfed(elaborated: Elaborated) -> NoReturn:
    """A file without data whose inputs nothing feeds."""
    if elaborated.run is not None:
        needed = elaborated.graph.needed_for(elaborated.goals)
        inputs = [node.name for node in elaborated.graph.leaves("input") if node.name in needed]
        fail("GF078", f"nothing feeds {', '.join(inputs)}: the file has no 'data:' section",
             help=f"give {inputs[0]} a default: under inputs:, or add data:")  # fmt: skip
    fail("GF078", "there is nothing to train on: the file has no 'data:' section",
         help="add data: {source: digits, feed: {x: pixels / 16, y: label}}, "
         "or --set data.source=...")  # fmt: skip


class Feed:
    """Serves the batches of one model's data section, as inputs of its graph."""

    averaged = True

    def __init__(
        self,
        elaborated: Elaborated,
        folder: Path | None,
        seed: int,
        learned: Learned | None = None,
    ) -> None:
        plan = elaborated.data
        if plan is None:
            _fail_unfed(elaborated)
        self.plan, self.elaborated = plan, elaborated
        self.seed = seed if plan.seed is None else plan.seed
        done, self.learned, self.identity = prepared_data(plan, folder, self.seed, learned)
        self.dataset, self.parts = done.dataset, done.parts
        self.carried = any(leaf.reset for leaf in elaborated.leaves.values())
        self._inputs = InputGraphs(elaborated, self.seed)
        self._check_inputs()
        self._served, self._lengths = self._needed(), self._bucket()

    def _needed(self) -> Dataset:
        """The dataset with the columns that are fed, so that no others are read. Where a name is
        none of the data's, all stay, and the message can say which there are.
        """
        columns, words = self.dataset.columns, self.elaborated.document.let
        if any(n not in columns and n not in words for n in self.plan.fed - BUILT_IN):
            return replace(self.dataset, columns=_numeric(columns))
        fed = {n: c for n, c in columns.items() if n in self.plan.fed}
        return replace(self.dataset, columns=_numeric(fed or columns))

    def _bucket(self) -> Indices | None:
        """The lengths by which batches are put together."""
        name = self.plan.bucket
        if name is None:
            return None
        with placed(self.plan.mark):
            column = Frame(self.dataset).column(name)
            if isinstance(column, Lists):
                return column.lengths
            if column.dtype.kind not in "iu" or len(column.shape) != 1:
                fail("GF071", f"column '{name}' holds no lengths: {column.dtype} "
                     f"{list(column.shape)}", help=f"such as bucket: {name}_length")  # fmt: skip
            return self.dataset.array(name).astype(np.int64)

    def _check_inputs(self) -> None:
        """Every input that a loss needs is fed."""
        columns, name = self.dataset.columns, self.dataset.name
        _check_fed(self.elaborated, columns, f"the columns of '{name}' are {', '.join(columns)}")

    @property
    def training_part(self) -> str:
        """The part that is trained on: ``train``, or the first."""
        return training_part(self.parts)

    @property
    def evaluation_parts(self) -> tuple[str, ...]:
        """The parts that are only evaluated."""
        return tuple(name for name in self.parts if name != self.training_part)

    def epoch(self, epoch: int, start: int = 0) -> Batches:
        """The training batches of one epoch, from batch ``start`` on."""
        shuffle = self.plan.shuffle
        self._check_sampling()
        batches = Batches(
            self._served,
            self.parts[self.training_part],
            self.plan.batch,
            shuffle=(not self.carried or self.dataset.steps is not None)
            if shuffle is None
            else shuffle,
            seed=self.seed,
            epoch=epoch,
            drop_last=self.plan.drop_last or self.carried,
            sampling="random" if self.plan.sampling == "random" else "sequential",
            lengths=self._lengths,
        )
        return batches.starting_at(start)

    def _check_sampling(self) -> None:
        """Windows in any order do not carry a state from one to the next."""
        if self.plan.sampling is None:
            return
        if self.dataset.steps is None:
            fail("GF075", f"'sampling' says how windows of a sequence come, and "
                 f"'{self.dataset.name}' holds samples", self.plan.mark)  # fmt: skip
        if self.plan.sampling == "random" and self.carried:
            fail("GF075", "a state that is carried from batch to batch wants windows one after "
                 "the other", self.plan.mark, help="sampling: sequential")  # fmt: skip

    def batches(self, epoch: int) -> int:
        """How many batches an epoch has."""
        return len(self.epoch(epoch))

    def batches_of(self, part: str) -> int:
        """How many batches a part is served in."""
        return self.batches(0) if part == self.training_part else len(self._in_order(part))

    def training(self, epoch: int, start: int = 0) -> Iterator[Fed]:
        """(inputs, rows) of each training batch of an epoch, from batch ``start`` on."""

        def fed(k: int, columns: dict[str, Array]) -> Fed:
            return self._inputs.inputs(columns, True, epoch, k), self.rows(columns)

        return self._placed(self.epoch(epoch, start).each(fed))

    def evaluation(self, part: str) -> Iterator[Fed]:
        """(inputs, rows) of each batch of a part, in order, nothing changed at random."""

        def fed(k: int, columns: dict[str, Array]) -> Fed:
            return self._inputs.inputs(columns, False, batch=k), self.rows(columns)

        return self._placed(self._in_order(part).each(fed))

    def _placed(self, batches: Iterator[Fed]) -> Iterator[Fed]:
        """Problems with what is read on the way are placed at the data section."""
        with placed(self.plan.mark):
            yield from batches

    def _in_order(self, part: str) -> Batches:
        """The batches in which a part is evaluated."""
        batch = self.plan.eval_batch or self.plan.batch
        if self.dataset.steps is None:
            batch = min(batch, max(1, len(self.parts[part])))
        return Batches(self._served, self.parts[part], batch, shuffle=False, seed=self.seed)

    def first(self, n: int, part: str | None = None) -> dict[str, Array]:
        """The inputs for the first ``n`` samples of a part (that of training), as they are
        evaluated; of a sequence, for the first window of ``n`` streams.
        """
        name = part or self.training_part
        if name not in self.parts:
            offer = f"its parts are {', '.join(self.parts)}"
            fail("GF075", f"the data has no part '{name}'",
                 help=did_you_mean(name, self.parts) or offer)  # fmt: skip
        indices = self.parts[name] if self.dataset.steps else self.parts[name][:n]
        few = Batches(self._served, indices, n, shuffle=False, seed=self.seed, prefetch=0)
        return self._inputs.inputs(next(iter(few)), False)

    def rows(self, columns: Mapping[str, Array]) -> int:
        """How many samples (tokens, for a text) a batch holds."""
        first = next(iter(columns.values()))
        return len(first) if self.dataset.steps is None else int(np.prod(first.shape[:2]))


def _numeric(columns: Mapping[str, Column]) -> dict[str, Column]:
    """The columns that can be fed: a text that nothing has made numbers of cannot."""
    return {n: c for n, c in columns.items() if c.dtype.kind in "biuf"}


def prepared_data(
    plan: DataPlan, folder: Path | None, seed: int, learned: Learned | None = None
) -> tuple[Prepared, Learned, DataIdentity]:
    """The data of a section, its parts cut and its columns transformed, with what that has taught
    and what identifies them: transforms that an earlier training has ``learned`` stay as they are.
    """
    steps = [make(call.name, call.given) for call in plan.transforms]

    def cut(table: Dataset) -> dict[str, Indices]:
        with placed(plan.mark), _placed_options(plan):
            parts = split(table, plan.split, seed, ordered=plan.ordered, stratify=plan.stratify)
            if plan.fold is None or plan.fold.number is None:
                return parts
            return folded(table, parts, plan.fold, seed, training_part(parts))

    dataset = load_dataset(plan, folder)
    with placed(plan.mark):
        done = prepare(
            dataset, cut, steps, fed=plan.fed, fitted=_matching(learned, plan),
            placed=lambda i: placed(plan.transforms[i].mark),
        )  # fmt: skip
    names = (call.name for call in plan.transforms)
    found = Learned(done.dataset.tokenizers, tuple(zip(names, done.fitted, strict=True)))
    return done, found, DataIdentity.of(dataset, done.parts)


def _matching(learned: Learned | None, plan: DataPlan) -> list[Fitted] | None:
    """What an earlier run has fitted, if its transforms are those of the file."""
    if learned is None or learned.fitted is None:
        return None
    before, now = [name for name, _ in learned.fitted], [call.name for call in plan.transforms]
    if before != now:
        fail("GF064", f"the run has the transforms {', '.join(before) or 'none'}, and the file "
             f"{', '.join(now) or 'none'}", plan.mark, help="begin a new run")  # fmt: skip
    return [found for _, found in learned.fitted]


@contextmanager
def _placed_options(plan: DataPlan) -> Iterator[None]:
    """Problems with an option are placed where it is written."""
    try:
        yield
    except OptionError as error:
        mark = plan.marks.get(error.option)
        raise GraphflowError(*(d.at(mark) for d in error.diagnostics)) from None


def _check_fed(elaborated: Elaborated, columns: Iterable[str], offer: str) -> None:
    """Every input that a loss needs is fed: by ``feed:``, or by the column of its name."""
    graph, declared = elaborated.graph, elaborated.document.data
    assert declared is not None
    names = set(declared.feed or columns)
    needed = graph.needed_for(elaborated.goals)
    missing = [n for n in sorted(needed) if graph.nodes[n].op == "input" and n not in names]
    if missing:
        fail("GF065", f"nothing feeds the input '{missing[0]}'", declared.mark,
             help=f"add '{missing[0]}: ...' under data.feed; {offer}")  # fmt: skip


def check_data(elaborated: Elaborated) -> None:
    """What can be told of a data section without reading data: whether there is such a source with
    such settings, whether shares add up, and whether it feeds all inputs that are needed, if its
    columns are known.
    """
    plan, declared = elaborated.data, elaborated.document.data
    if plan is None or declared is None:
        return
    with placed(plan.mark), _placed_options(plan):
        source, _ = _chosen(plan)
        if plan.split is not None:
            check_split(plan.split)
    if declared.feed or (source.columns and not plan.transforms):
        _check_fed(elaborated, source.columns, f"its columns are {', '.join(source.columns)}")


def load_dataset(plan: DataPlan, folder: Path | None) -> Dataset:
    """The dataset a data section names; problems are placed at its lines."""
    with placed(plan.mark), _placed_options(plan):
        _, options = _chosen(plan)
        inside = None if _from_command_line(plan) else folder
        return load(plan.source, folder=inside, **options)


def _chosen(plan: DataPlan) -> tuple[Source, dict[str, object]]:
    """The source that a data section names, and what it is built with."""
    source = find(plan.source)
    options: dict[str, object] = dict(plan.options)
    if plan.seed is not None and "seed" in source.options:
        options["seed"] = plan.seed
    problems = source.problems(options)
    if problems:
        raise GraphflowError(*(d.at(plan.marks.get(n, plan.mark)) for n, d in problems.items()))
    return source, options


def _from_command_line(plan: DataPlan) -> bool:
    """Whether the path was given with --set: then it may lie anywhere."""
    mark = plan.marks.get("path")
    return mark is not None and mark.file.startswith("--set")
