"""Evaluation: means of reported values over batches, while nothing is changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from graphflow.autodiff import expand_derivatives
from graphflow.passes.precision import mixed
from graphflow.runtime.compile import Compiler, Settings
from graphflow.runtime.initial import Initialiser
from graphflow.runtime.program import Program
from graphflow.runtime.store import Store
from graphflow.spec.elaborate import Elaborated
from graphflow.training.averages import reading
from graphflow.training.stepping import Batch


class Evaluator:
    """Means of ``names`` (name: node) over batches, in evaluation mode.

    A state that is carried within an epoch is carried through these batches, from its first value
    on; that of the steps is left alone. ``averages`` maps leaves to the states that are read in
    their place.
    """

    def __init__(
        self,
        elaborated: Elaborated,
        names: Mapping[str, str],
        store: Store,
        initialiser: Initialiser,
        settings: Settings,
        seed: int,
        averages: Mapping[str, str] | None = None,
    ) -> None:
        leaves = elaborated.leaves
        self.carried = [name for name, leaf in leaves.items() if leaf.reset == "epoch"]
        graph = reading(expand_derivatives(elaborated.graph), averages or {})
        names = {name: graph.resolve(node) for name, node in names.items()}
        if settings.precision == "bf16":
            graph = mixed(graph, names.values())
        graph = replace(
            graph,
            outputs=tuple(dict.fromkeys(names.values())),
            updates={n: v for n, v in graph.updates.items() if n in self.carried},
        )
        types = {name: leaves[name].type for name in self.carried}
        self.store = Store(types, initialiser, store)
        compiler = Compiler(graph, self.store, initialiser, replace(settings, mode="eval"))
        self.program = Program(compiler, names, seed=seed)

    def __call__(self, batches: Iterable[tuple[Batch, int]]) -> dict[str, float]:
        """The means over batches (fed values, rows)."""
        totals: dict[str, float] = {}
        rows = 0
        for name in self.carried:
            self.store.forget(name)
        for batch, count in batches:
            for name, value in self.program(batch).values.items():
                totals[name] = totals.get(name, 0.0) + float(np.mean(value)) * count
            rows += count
        return {name: total / rows for name, total in totals.items()} if rows else {}
