"""What figures are filled from: a model, its data, the metrics and the history of its run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from graphflow.api import load_run, run_graph
from graphflow.data.tokenizers import Tokenizer
from graphflow.diagnostics import did_you_mean, fail
from graphflow.ir.types import type_symbols
from graphflow.model import Model
from graphflow.ops.op import Array
from graphflow.runtime.program import Program
from graphflow.spec.figure_keys import Ref
from graphflow.spec.training import TRAINED
from graphflow.training.feed import Fed, Feed, Served, open_feed
from graphflow.training.images import image_shapes
from graphflow.training.rows import Rows
from graphflow.training.run_folder import RunFolder

GRADIENT = ".grad"
SAMPLES = 1000
"""Samples of a figure that does not say how many."""
History = Mapping[str, tuple[Array, Array]]
"""Steps (n,) and values (n, *shape) by name."""


@dataclass(eq=False)
class Material:
    """A model in memory, and what is known of its training.

    ``metrics`` are rows as a run logs them; ``history`` the values of nodes by step. Nothing is
    computed and no data are read before a figure asks. Values are those of evaluation mode, or of
    the first epoch of training where a figure says so.
    """

    model: Model
    metrics: Rows = ()
    history: History = field(default_factory=dict)

    @classmethod
    def of_run(cls, path: Path) -> Material:
        """A run's folder, finished or under way: its last checkpoint, metrics and history."""
        run = RunFolder.open(path)
        begun = any(run.checkpoints())
        model = load_run(path) if begun else run_graph(run, run.settings())
        history = {name: run.history(name) for name in run.history_names()}
        return cls(model, run.metrics(), history)

    # -- values ------------------------------------------------------------------------------
    def values(
        self,
        refs: Sequence[Ref],
        part: str | None,
        count: int | None = SAMPLES,
        training: bool = False,
    ) -> list[Array]:
        """What the names stand for, over the first ``count`` samples of a part (None: all).

        A value with one row a sample has the rows of all batches; a number, and a vector of
        numbers, is the mean of all batches; of anything else the first batch decides.
        """
        held, computed = self._held(refs, part)
        batches = list(self._computed(computed, part, count, training))
        for name in computed:
            parts = [(values[name], rows) for values, rows in batches]
            held[name] = _joined(name, parts, count, self.of_samples(name))
        return [entry(held[ref.name], ref) for ref in refs]

    def streamed(
        self, refs: Sequence[Ref], part: str | None, count: int | None = None
    ) -> Iterator[list[Array]]:
        """The same batch by batch, for what need not be held all at once."""
        held, computed = self._held(refs, part)
        taken = 0
        for values, rows in self._computed(computed, part, count):
            left = rows if count is None else count - taken
            cut = {
                n: v[:left] if self.of_samples(n) and len(v) == rows else v
                for n, v in values.items()
            }
            yield [entry((held | cut)[ref.name], ref) for ref in refs]
            taken += rows

    def of_samples(self, name: str) -> bool:
        """Whether the first axis of a node may count samples: it is open, or an input's."""
        graph = self.model.graph
        shape = graph[name].tensor.shape
        fixed = {leaf.tensor.shape[0] for leaf in graph.leaves("input") if leaf.tensor.shape}
        return bool(shape) and (not isinstance(shape[0], int) or shape[0] in fixed)

    def is_gradient(self, name: str) -> bool:
        """Whether a name stands for the derivative of the loss."""
        return name not in self.model.graph and name.endswith(GRADIENT)

    def _held(self, refs: Sequence[Ref], part: str | None) -> tuple[dict[str, Array], list[str]]:
        """Gradients, parameters and states by name; the names of what is left to compute."""
        graph, store = self.model.graph, self.model.store
        names = list(dict.fromkeys(ref.name for ref in refs))
        held = self._gradients([name for name in names if self.is_gradient(name)], part)
        for name in names:
            if name not in held and graph.resolve(name) in store:
                held[name] = np.array(store.array(graph.resolve(name)))
        return held, [name for name in names if name not in held]

    def _computed(
        self, names: Sequence[str], part: str | None, count: int | None, training: bool = False
    ) -> Iterator[tuple[dict[str, Array], int]]:
        """Values by name and samples of each batch; one batch where nothing is computed."""
        if not names:
            yield {}, 1
            return
        program = self.model.compile(
            names[0], mode="train" if training else "eval", keep=names[1:], seed=self.model.seed
        )
        taken = 0
        for inputs, rows in self.batches(names, part, training):
            yield {n: v for n, v in program(inputs).values.items() if n in names}, rows
            taken += rows
            if count is not None and taken >= count:
                return

    def batches(
        self, names: Sequence[str], part: str | None, training: bool = False
    ) -> Iterator[Fed]:
        """(inputs, samples) of each batch; a single empty one where nothing needs to be fed, and
        no size is left open.
        """
        graph = self.model.graph
        nodes = [graph.nodes[name] for name in graph.needed_for(names)]
        fed = [node.name for node in nodes if node.op == "input"]
        if not fed and not any(type_symbols(node.type) for node in nodes):
            yield {}, 1
            return
        if self.model.elaborated.data is None:
            missing = f"'{fed[0]}'" if fed else "to know how many samples there are"
            fail("GF078", f"'{names[0]}' needs {missing}, and the file has no 'data:' section",
                 graph.origin(graph.resolve(names[0])).mark)  # fmt: skip
        if training:
            yield from self.feed.training(0)
        else:
            yield from self.feed.evaluation(self.part_named(part))

    def part_named(self, part: str | None) -> str:
        """The part that a figure asks for; ``train`` is what is trained on, whatever its name."""
        trained = self.feed.training_part if isinstance(self.feed, Feed) else TRAINED
        known = dict.fromkeys((*self.feed.evaluation_parts, trained))
        if part is None or part in known:
            return part or next(iter(known))
        if part == TRAINED:
            return trained
        data = self.model.elaborated.data
        fail("GF020", f"the data have no part '{part}'", data.mark if data is not None else None,
             help=did_you_mean(part, known) or f"parts are {', '.join(known)}")  # fmt: skip

    @cached_property
    def feed(self) -> Served:
        """The data, read when they are first needed."""
        model = self.model
        return open_feed(model.elaborated, model.folder, model.seed, model.learned)

    @cached_property
    def image_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Inputs whose rows are images that lie flat: (channels, height, width) of each."""
        return image_shapes(self.model.elaborated)

    def _gradients(self, names: Sequence[str], part: str | None) -> dict[str, Array]:
        """Derivatives of the loss of whoever trains them, on the first batch of a part."""
        found: dict[str, Array] = {}
        for loss, wrt in self._by_loss([name.removesuffix(GRADIENT) for name in names]).items():
            program: Program = self.model.compile(of=loss, wrt=wrt, seed=self.model.seed)
            inputs, _ = next(iter(self.batches([loss], part or TRAINED)))
            gradients = program(inputs).gradients
            found |= {f"{name}{GRADIENT}": gradients[name] for name in wrt}
        return found

    def _by_loss(self, names: Sequence[str]) -> dict[str, list[str]]:
        training = self.model.elaborated.training
        found: dict[str, list[str]] = {}
        for name in names:
            assert training is not None  # the file was refused otherwise
            resolved = self.model.graph.resolve(name)
            owners = [o for o in training.objectives if resolved in o.params]
            reached = [
                o for o in training.objectives if resolved in self.model.graph.needed_for([o.loss])
            ]
            first = (owners or reached or list(training.objectives))[0]
            found.setdefault(first.loss, []).append(name)
        return found

    # -- words -------------------------------------------------------------------------------
    def tokenizer(self, column: str) -> Tokenizer:
        """The vocabulary of a column of text; GF071 where it has none."""
        known = self.model.tokenizers
        if column not in known:
            data = self.model.elaborated.data
            fail("GF071", f"the data have no vocabulary for a column '{column}'",
                 data.mark if data is not None else None,
                 help=f"there is one for {', '.join(known)}" if known else None)  # fmt: skip
        return known[column]

    def tokenizer_of(self, ref: Ref) -> Tokenizer | None:
        """The vocabulary of the column that feeds an input; None for anything else."""
        return self.model.tokenizer_of(ref.name)


def entry(value: Array, ref: Ref) -> Array:
    """The part of a value that a figure names. GF030 where an axis, whose size is known now, has
    no such entry.
    """
    for place, size in zip(ref.entries, value.shape, strict=False):
        if place is not None and not -size <= place < size:
            fail("GF030", f"'{ref}': the axis has {size} entries", ref.mark)
    return np.asarray(value[ref.index])


def _joined(
    name: str, parts: Sequence[tuple[Array, int]], count: int | None, of_samples: bool
) -> Array:
    """The values of several batches as one: those of samples behind each other, the mean of other
    numbers. GF030 where they have sizes that differ.
    """
    first, rows = parts[0]
    values = [value for value, _ in parts]
    sizes = {value.shape[1:]: value.shape for value in values}
    if of_samples and len(first) == rows:
        if len(sizes) > 1:
            told = " and ".join(str(shape) for shape in sizes.values())
            fail("GF030", f"batches give '{name}' the shapes {told}, which make no one value",
                 help=f"one batch does: count: {rows}")  # fmt: skip
        return np.concatenate(values)[:count]
    whole = {value.shape for value in values} == {first.shape}
    if first.ndim == 0 or (first.ndim == 1 and first.dtype.kind == "f" and whole):
        weights = [n for _, n in parts]
        return np.asarray(np.average(np.array(values, np.float64), axis=0, weights=weights))
    return first
