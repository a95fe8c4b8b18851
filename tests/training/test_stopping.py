"""The best epoch, early stopping, callbacks: what is kept, restored, resumed and refused."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

import graphflow as gf
from graphflow.diagnostics import Mark
from graphflow.spec.elaborate import EarlyStopping, Goal, Training
from graphflow.training.judging import Judge
from graphflow.training.progress import Progress
from graphflow.training.run_folder import RunFolder

OVERFIT = """
graphflow: 1
name: overfit
inputs: {x: {shape: [B, 2]}, y: {shape: [B, 1]}}
nodes:
  h: dropout(batch_norm(linear(x, 32, activation=tanh)), 0.1)
  f: linear(h, 1)
  loss: mse_loss(f, y)
data: {source: synthetic_regression, n: 60, batch: 8, split: {train: 0.5, test: 0.5}}
train:
  minimize: loss
  optimizer: adam(lr=0.02)
  epochs: 25
  early_stopping: {metric: test/loss, patience: 4, restore_best: true}
"""
MARK = Mark("file", 1, 1)


class Record(gf.Callback):
    """Keeps what it is told; ends or breaks training at a step."""

    def __init__(self, stop: int | None = None, fail: int | None = None) -> None:
        self.stop, self.fail = stop, fail
        self.epochs: list[dict[str, float]] = []
        self.told: list[str] = []

    def on_start(self, progress: Progress, epochs: int | None, steps: int | None) -> None:
        self.told.append(f"start {epochs} {steps}")

    def on_step(self, progress: Progress, values: Mapping[str, float]) -> None:
        if progress.step == self.stop:
            progress.stop()
        if progress.step == self.fail:
            raise RuntimeError("the user's own mistake")

    def on_epoch(self, progress: Progress, metrics: Mapping[str, float]) -> None:
        self.epochs.append(dict(metrics))

    def on_end(self, outcome: gf.Outcome) -> None:
        self.told.append(f"end {outcome.progress.step}")


def values(model: gf.Model) -> dict[str, bytes]:
    leaves = {**model.parameters, **model.state}
    return {name: np.asarray(array).tobytes() for name, array in leaves.items()}


def judged(losses: list[float], **settings: float) -> list[tuple[int, bool]]:
    """(epoch of the best, whether training ends) after each epoch."""
    early = EarlyStopping(
        Goal("test/loss", False, MARK),
        int(settings.get("patience", 2)),
        settings.get("min_delta", 0.0),
        False,
    )
    judge = Judge(Training((), (), early_stopping=early), ["test/loss"])
    progress, found = Progress(), []
    for loss in losses:
        progress.epoch += 1
        judge.judge(progress, {"test/loss": loss})
        best = progress.best.epoch if progress.best else 0
        found.append((best, judge.gives_up(progress)))
    return found


def test_early_stopping_waits_for_an_improvement_as_often_as_patience_says():
    """By hand: Keras's and Lightning's rule, stop once `patience` epochs in a row bring nothing."""
    assert judged([3, 2, 2.5, 1.9, 1.9, 2]) == [
        (1, False), (2, False), (2, False), (4, False), (4, False), (4, True),
    ]  # fmt: skip
    assert judged([3, 2.9, 2.8], patience=1, min_delta=0.15)[1:] == [(2, True), (3, False)]
    assert judged([math.nan, math.nan]) == [(0, False), (0, True)]
    assert judged([2, math.nan, 1, -math.inf]) == [(1, False), (1, False), (3, False), (4, False)]


def test_the_best_epoch_is_kept_and_restored(tmp_path: Path):
    model, record = gf.loads(OVERFIT), Record()
    outcome = gf.train(model, out=tmp_path / "run", callbacks=[record])
    losses = [metrics["test/loss"] for metrics in record.epochs]
    best = int(np.argmin(losses))
    assert outcome.stopped_early and len(losses) == best + 1 + 4 < 25
    assert outcome.best is not None and outcome.best.epoch == best + 1
    assert outcome.metrics == record.epochs[best] and outcome.restored
    undisturbed = gf.loads(OVERFIT, {"train.early_stopping.restore_best": False})
    gf.train(undisturbed, epochs=best + 1)
    assert values(model) == values(undisturbed)
    assert values(gf.load_run(tmp_path / "run")) == values(model)
    assert values(gf.load_run(tmp_path / "run", checkpoint="best")) == values(model)
    assert values(gf.load_run(tmp_path / "run", checkpoint="latest")) != values(model)


def test_the_best_is_restored_without_a_folder_too(tmp_path: Path):
    kept, bare = gf.loads(OVERFIT), gf.loads(OVERFIT)
    gf.train(kept, out=tmp_path / "run")
    gf.train(bare)
    assert values(kept) == values(bare)


@pytest.mark.parametrize("stop", [3, 4, 30])
def test_a_run_that_was_stopped_judges_as_if_it_had_not_been(tmp_path: Path, stop: int):
    whole = gf.loads(OVERFIT)
    expected = gf.train(whole, out=tmp_path / "whole")
    part = gf.train(gf.loads(OVERFIT), out=tmp_path / "part", callbacks=[Record(stop=stop)])
    assert part.interrupted and not part.restored
    assert gf.resume(tmp_path / "part").metrics == expected.metrics
    for checkpoint in (None, "latest", "best"):
        found = [gf.load_run(tmp_path / name, checkpoint) for name in ("whole", "part")]
        assert values(found[0]) == values(found[1])
    assert values(gf.load_run(tmp_path / "part")) == values(whole)
    rows = [(tmp_path / name / "metrics.jsonl").read_bytes() for name in ("whole", "part")]
    assert rows[0] == rows[1]


def test_the_best_may_be_judged_by_another_metric_than_stopping(tmp_path: Path):
    better = {"train.best.metric": "train/loss", "train.best.mode": "max"}
    outcome = gf.train(gf.loads(OVERFIT, better), out=tmp_path / "run")
    assert outcome.best is not None and outcome.best.metric == "train/loss"
    assert outcome.best.epoch == 1 and outcome.restored


@pytest.mark.parametrize(
    ("overrides", "code", "words"),
    [
        ({"train.best": "tst/loss"}, "GF020", "'test/loss'"),
        ({"train.best": "quite.another.loss"}, "GF020", "train/loss, test/loss"),
        ({"train.early_stopping.metric": "test/f", "train.report": "[f]"}, "GF012", "mode"),
        ({"train.early_stopping.metric": "test/accuracy"}, "GF020", "test/loss"),
        ({"train.best": "train/f", "train.evaluate": "[f]"}, "GF020", "'train/f'"),
        ({"train.best": "test/los"}, "GF020", "did you mean 'test/loss'"),
        ({"train.early_stopping.patience": 0}, "GF033", "at least 1"),
        ({"train.early_stopping.min_delta": -1}, "GF033", "min_delta"),
        ({"train.early_stopping.mode": "less"}, "GF013", "'min' or 'max'"),
        ({"train.early_stopping.restore_best": "often"}, "GF013", "true or false"),
        ({"train.early_stopping.metrik": 1}, "GF010", "'metric'"),
    ],
)
def test_what_cannot_be_judged_is_refused_before_training(
    tmp_path: Path, overrides: dict[str, str | int], code: str, words: str
):
    with pytest.raises(gf.GraphflowError) as caught:
        gf.train(gf.loads(OVERFIT, overrides), out=tmp_path / "run")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == code and diagnostic.mark is not None
    assert words in diagnostic.message + (diagnostic.help or "")
    assert not (tmp_path / "run").exists()


def test_the_best_of_a_run_that_keeps_none_is_an_error(tmp_path: Path):
    bare = OVERFIT[: OVERFIT.index("  early")]
    gf.train(gf.loads(bare), out=tmp_path / "run", steps=1)
    for which, words in (("best", "train: {best:"), ("newest", "one of latest, best")):
        with pytest.raises(gf.GraphflowError, match="GF064") as caught:
            gf.load_run(tmp_path / "run", checkpoint=which)
        assert words in (caught.value.diagnostics[0].help or "")


def test_the_sections_survive_the_long_form():
    model = gf.loads(OVERFIT, {"train.best": "test/loss"})
    again = gf.loads(model.expanded())
    assert again.document.train == model.document.train
    assert again.elaborated.training.early_stopping.patience == 4


def test_callbacks_are_told_and_may_end_training():
    first, second = Record(), Record(stop=5)
    outcome = gf.train(gf.loads(OVERFIT), callbacks=[first, second])
    assert first.told == second.told == ["start 25 None", "end 5"]
    assert outcome.interrupted and outcome.progress.step == 5 and len(first.epochs) == 1
    assert outcome.metrics == first.epochs[0]  # all of one epoch, though the second has begun


def test_a_callback_that_raises_loses_nothing(tmp_path: Path):
    with pytest.raises(RuntimeError, match="own mistake"):
        gf.train(gf.loads(OVERFIT), out=tmp_path / "run", callbacks=[Record(fail=7)])
    assert RunFolder(tmp_path / "run").latest().progress["step"] == 7
    gf.resume(tmp_path / "run")
    whole = gf.loads(OVERFIT)
    gf.train(whole)
    assert values(gf.load_run(tmp_path / "run")) == values(whole)


def test_a_run_begun_with_given_values_goes_on_from_them(tmp_path: Path):
    whole, model = gf.loads(OVERFIT), gf.loads(OVERFIT)
    for each in (whole, model):
        each.parameters["f.weight"] = np.full((1, 32), 0.5)
    gf.train(whole, steps=3)

    class Killed(gf.Callback):
        def on_step(self, progress: Progress, values: Mapping[str, float]) -> None:
            for _, file in RunFolder(tmp_path / "run").checkpoints():
                assert progress.step > 1 or file.name == "step-00000000.safetensors"

    gf.train(model, out=tmp_path / "run", steps=1, callbacks=[Killed()])
    (tmp_path / "run" / "checkpoints" / "step-00000001.safetensors").unlink()
    gf.resume(tmp_path / "run", steps=3)
    assert values(gf.load_run(tmp_path / "run")) == values(whole)


def test_a_run_refused_at_its_first_step_leaves_no_folder(tmp_path: Path):
    wild = gf.loads(OVERFIT.replace("mse_loss(f, y)", "mse_loss(f, y) * 1e30 ** 2"))
    with pytest.raises(gf.GraphflowError, match="GF062"):
        gf.train(wild, out=tmp_path / "deep" / "run")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("kept")
    with pytest.raises(gf.GraphflowError, match="GF062"):
        gf.train(wild, out=tmp_path / "mine")
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["notes.txt"]
