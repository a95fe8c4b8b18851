"""What a training shows while it runs: values of each update, and how gradients and weights fare.

It lies in the run's folder, ``live/``, and outlives whoever looks::

    live/names.json     the layers and the parameters that the gauges are about
    live/values.npy     one record an update: its step, and the values that it reports
    live/gauges.npy     every so often: the norm of the gradient of each layer, and for each
                        parameter w the ratio of an update to the weight, |w' - w| / |w|
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from graphflow.files import write_atomically
from graphflow.ops.op import Array
from graphflow.runtime.compile import Compiler
from graphflow.training import Trainer
from graphflow.training.callbacks import Callback
from graphflow.training.history import Records
from graphflow.training.loop import Loop
from graphflow.training.progress import Progress
from graphflow.training.stepping import Part

FOLDER = "live"
SHARE = 0.1
"""The part of the time that gauges may take."""
APART = 0.25
"""Seconds between gauges, at least."""
SPREAD = 500
"""After a time t there are gauges every t / SPREAD seconds, so that they never become many."""
FLUSH = 0.3
"""Seconds between writes."""


def layer_of(parameter: str) -> str:
    """The layer that a parameter belongs to.

    >>> layer_of("net.linear1.weight"), layer_of("w")
    ('net.linear1', 'w')
    """
    return parameter.rpartition(".")[0] or parameter


def norm(value: Array) -> float:
    """The Euclidean norm, of all entries."""
    return float(np.linalg.norm(np.asarray(value, np.float64)))


class Gauges:
    """Measures a trainer's gradients before a step, and its weights before and after.

    Gradients are computed by a plan of their own from the same batch and the same draws, so that
    training itself is what it would be without.
    """

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        named = (o.params for o in trainer.plan.objectives)
        self.parameters = list(dict.fromkeys(name for names in named for name in names))
        self.layers = list(dict.fromkeys(map(layer_of, self.parameters)))
        self.wanted = False
        self.seconds = 0.0
        """What the gauges of this update have cost."""
        self._plans: dict[int, Compiler] = {}
        self._gradients: dict[str, float] = {}
        self._before: dict[str, Array] = {}
        trainer.watcher = self._watch

    def _watch(self, part: Part) -> None:
        """What a part of a step is about to compute."""
        if not self.wanted:
            return
        begun = time.monotonic()
        if not self._before:
            self.seconds = 0.0
            self._before = {n: self.trainer.store.copied(n) for n in self.parameters}
        graph = part.compiler.graph
        nodes = {n: graph.gradients.get((part.of, n)) for n in self.parameters}
        found = {n: node for n, node in nodes.items() if node is not None}
        if found:
            values = self._plan(part, tuple(found.values())).run(part.feed, part.key, part.sizes)
            self._gradients |= {name: norm(values[node]) for name, node in found.items()}
        self.seconds += time.monotonic() - begun

    def _plan(self, part: Part, outputs: tuple[str, ...]) -> Compiler:
        """What computes the gradients of a part, and changes nothing."""
        whole = part.compiler
        if id(whole) not in self._plans:
            graph = replace(whole.graph, outputs=tuple(dict.fromkeys(outputs)), updates={})
            needed = graph.restricted_to(graph.needed_for(graph.outputs))
            self._plans[id(whole)] = Compiler(
                needed, whole.store, whole.initialiser, whole.settings
            )
        return self._plans[id(whole)]

    def take(self) -> dict[str, Array] | None:
        """The gauges of the update that was just made; None where nobody wanted them."""
        if not self._before:
            return None
        squares = dict.fromkeys(self.layers, np.nan)
        for name, size in self._gradients.items():
            squares[layer_of(name)] = np.nan_to_num(squares[layer_of(name)]) + size**2
        ratios = [self._ratio(name, before) for name, before in self._before.items()]
        self._gradients, self._before = {}, {}
        gradients = np.sqrt(np.array(list(squares.values()), np.float64))
        return {"gradients": gradients, "ratios": np.array(ratios, np.float64)}

    def _ratio(self, name: str, before: Array) -> float:
        size = norm(before)
        change = norm(self.trainer.store.copied(name) - before)
        return change / size if size else np.nan


class LiveRecords(Callback):
    """Writes what a training shows into its folder."""

    def __init__(self, loop: Loop, folder: Path) -> None:
        self.folder = folder / FOLDER
        self.folder.mkdir(exist_ok=True)
        self.values = Records(self.folder / "values.npy")
        self.measured = Records(self.folder / "gauges.npy")
        self.gauges = Gauges(loop.trainer) if isinstance(loop.trainer, Trainer) else None
        self.each = False
        """Whether every update is gauged, as where somebody makes one step at a time."""
        self._begun = self._flushed = self._gauged = time.monotonic()

    def on_start(self, progress: Progress, epochs: int | None, steps: int | None) -> None:
        """Drop what an earlier process wrote of steps that are made again."""
        self.values.keep_before(progress.step + 1)
        self.measured.keep_before(progress.step + 1)
        gauges = self.gauges
        if gauges is not None:
            gauges.wanted = True
            names = {"layers": gauges.layers, "parameters": gauges.parameters}
            write_atomically(self.folder / "names.json", json.dumps(names).encode())

    def on_update(self, progress: Progress, values: Mapping[str, float]) -> None:
        """One row for each update, and the gauges where they were wanted."""
        self.values.add(progress.step, {n: np.array(v, np.float64) for n, v in values.items()})
        if self.gauges is not None:
            self._gauge(self.gauges, progress.step)
        if time.monotonic() - self._flushed > FLUSH:
            self.flush()

    def _gauge(self, gauges: Gauges, step: int) -> None:
        """Note what was measured, and say whether to measure the next update."""
        found, now = gauges.take(), time.monotonic()
        if found is not None:
            self.measured.add(step, found)
            self._gauged = now
        apart = max(APART, gauges.seconds / SHARE, (now - self._begun) / SPREAD)
        gauges.wanted = self.each or now - self._gauged >= apart

    def flush(self) -> None:
        """Write what waits."""
        self.values.flush()
        self.measured.flush()
        self._flushed = time.monotonic()

    def close(self) -> None:
        """The last rows are written, too."""
        self.flush()
