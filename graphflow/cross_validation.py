"""K-fold cross-validation: k trainings from fresh first values, each judged by its own k-th.

Of the rows to train on, every fold leaves out another k-th and validates on it. What the folds
report is averaged: an estimate of how well the model does on rows it has not seen (Dive into Deep
Learning 3.6 and 5.7). In a run's folder each fold is a run of its own, which loads and resumes:

::

    runs/mlp-20260102-030405/
      graph.yaml, run.json        what all folds have in common
      fold-1/ ... fold-5/         a run's folder each
      summary.json                means and standard deviations, once the last fold is done
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from os import PathLike
from pathlib import Path

import numpy as np

from graphflow.api import load
from graphflow.diagnostics import fail
from graphflow.files import write_atomically
from graphflow.model import Model
from graphflow.runs import Earlier, Way, continued, earlier, folds_of, started, update
from graphflow.training.callbacks import Callback
from graphflow.training.logs import check_logs
from graphflow.training.loop import SAVE_EVERY, Loop
from graphflow.training.progress import Outcome
from graphflow.training.run_folder import RunFolder
from graphflow.training.run_settings import RunSettings, of_data

FOLDS = 5


@dataclass(frozen=True)
class CrossValidation:
    """What the folds reported. ``interrupted`` says that the last of them was stopped."""

    folds: tuple[Outcome, ...]
    interrupted: bool = False

    @cached_property
    def values(self) -> dict[str, list[float]]:
        """Each metric's value in every fold."""
        return {name: [fold.metrics[name] for fold in self.folds] for name in self.folds[0].metrics}

    @cached_property
    def mean(self) -> dict[str, float]:
        """Each metric's mean over the folds."""
        return {name: float(np.mean(values)) for name, values in self.values.items()}

    @cached_property
    def std(self) -> dict[str, float]:
        """Each metric's standard deviation over the folds, as a sample (divided by k - 1)."""
        spread = {n: np.std(v, ddof=1) if len(v) > 1 else 0.0 for n, v in self.values.items()}
        return {name: float(value) for name, value in spread.items()}


def cross_validate(
    model: Model | str | PathLike[str],
    folds: int | None = None,
    *,
    epochs: int | None = None,
    steps: int | None = None,
    seed: int | None = None,
    out: str | PathLike[str] | None = None,
    dtype: str | None = None,
    callbacks: Sequence[Callback] = (),
    save_every: float = SAVE_EVERY,
    log: Sequence[str] = (),
) -> CrossValidation:
    """Train ``folds`` times, each time validating on another part of the training rows.

    ``model`` is a model (its file counts, its present values do not), a file, or the folder of a
    cross-validation that was interrupted, which goes on. ``folds`` takes the place of the file's
    ``data: {folds: k}``, and is 5 where neither says anything. With ``out`` every fold keeps a
    run's folder there.

    >>> import graphflow as gf
    >>> found = gf.cross_validate("mlp", folds=3, steps=20)
    >>> [outcome.progress.step for outcome in found.folds], sorted(found.mean)[-1]
    ([20, 20, 20], 'validation/loss')
    """
    way = Way(save_every=save_every, callbacks=callbacks)
    given = RunSettings(seed=seed, dtype=dtype, epochs=epochs, steps=steps, log=log)
    if not isinstance(model, Model) and (Path(model) / "graph.yaml").is_file():
        if folds is not None or out is not None:
            fail("GF064", f"'{model}' is a cross-validation that has its folds and its folder",
                 help="leave out folds and out")  # fmt: skip
        return Folds.resumed(earlier(Path(model), given, way), way).run()
    loaded = model if isinstance(model, Model) else load(model)
    count = folds if folds is not None else folds_of(loaded) or FOLDS
    settings = replace(given, file="" if isinstance(model, Model) else str(model),
                       folder=str(loaded.folder or ""), dtype=dtype or "float32", backend="numpy",
                       overrides={**loaded.overrides, "data.folds": str(count)})  # fmt: skip
    found = Folds.started(loaded.changed({"data.folds": count}), settings,
                          None if out is None else Path(out), way)  # fmt: skip
    return found.run()


class Folds:
    """The trainings of a cross-validation, one after the other."""

    def __init__(
        self, model: Model, settings: RunSettings, folder: RunFolder | None, way: Way
    ) -> None:
        count = folds_of(model)
        check_logs(settings.log)
        if count is None:
            fail("GF064", "this is one training, not a cross-validation",
                 help="add data: {folds: 5} to the file, or --folds 5")  # fmt: skip
        self.model, self.settings, self.run_folder, self.way = model, settings, folder, way
        self.count = count
        self.changed = False
        """Whether another file takes the place of the folds' own graphs."""

    @classmethod
    def started(cls, model: Model, settings: RunSettings, out: Path | None, way: Way) -> Folds:
        """A new cross-validation, which keeps its folds under ``out``."""
        found = cls(model, settings, None, way)
        if out is not None:
            training = model.elaborated.training
            seed = training.seed if training and settings.seed is None else settings.seed
            precision = settings.precision or (training.precision if training else None)
            about = replace(settings, seed=seed, precision=precision).to_json()
            found.run_folder = RunFolder.create(out, model.expanded(), about, model.written())
            found.run_folder.hold()
        return found

    @classmethod
    def resumed(cls, run: Earlier, way: Way) -> Folds:
        """A cross-validation that goes on with the fold at which it was interrupted."""
        found = cls(run.model, run.settings, run.folder, way)
        run.folder.hold()
        update(run)
        found.changed = run.changed
        return found

    def run(self) -> CrossValidation:
        """Train fold after fold; one that is stopped ends it."""
        outcomes: list[Outcome] = []
        try:
            while len(outcomes) < self.count and not (outcomes and outcomes[-1].interrupted):
                outcomes.append(self.fold(len(outcomes) + 1).run())
            found = CrossValidation(tuple(outcomes), outcomes[-1].interrupted)
            if self.run_folder is not None and not found.interrupted:
                file = self.run_folder.path / "summary.json"
                write_atomically(file, json.dumps(summary(found), indent=2).encode())
            return found
        finally:
            if self.run_folder is not None:
                if not self.path(1).exists():
                    self.run_folder.discard()
                self.run_folder.release()

    def path(self, number: int) -> Path:
        """The folder of a fold."""
        assert self.run_folder is not None
        return self.run_folder.fold(number)

    def fold(self, number: int) -> Loop:
        """One training, begun or gone on with."""
        overrides = {**self.settings.overrides, "data.fold": str(number)}
        settings = replace(self.settings, overrides=overrides)
        model = self.model.changed(of_data(overrides))
        path = None if self.run_folder is None else self.path(number)
        if path is None or not (path / "graph.yaml").is_file():
            return started(model, settings, path, self.way)
        return continued(Earlier(RunFolder.open(path), settings, model, self.changed), self.way)


def summary(found: CrossValidation) -> dict[str, object]:
    """Mean, standard deviation and every fold's value of each metric, and how far folds went."""
    metrics: Mapping[str, object] = {
        name: {"mean": found.mean[name], "std": found.std[name], "folds": values}
        for name, values in found.values.items()
    }
    steps = [fold.progress.step for fold in found.folds]
    epochs = [fold.progress.epoch for fold in found.folds]
    return {"metrics": metrics, "steps": steps, "epochs": epochs}
