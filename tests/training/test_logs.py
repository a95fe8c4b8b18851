"""Logs for TensorBoard and MLflow, read with their own readers."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import graphflow as gf
from graphflow.training.logs import LOGS, Log
from graphflow.training.progress import Progress
from graphflow.training.run_folder import Checkpoint, RunFolder

LINE = """
graphflow: 1
name: line
let: {width: 3}
inputs: {x: {shape: [B, 2]}, y: {shape: [B, 1]}}
nodes:
  f: linear(linear(x, width), 1)
  loss: mse_loss(f, y)
data: {source: synthetic_regression, n: 100, batch: 20, split: {train: 0.8, test: 0.2}}
train: {minimize: loss, optimizer: sgd(lr=0.01), epochs: 3}
"""


class End(gf.Callback):
    """Stops at a step, or fails there."""

    def __init__(self, step: int, fail: bool = False) -> None:
        self.step, self.fail = step, fail

    def on_step(self, progress: Progress, values: Mapping[str, float]) -> None:
        if progress.step == self.step:
            if self.fail:
                raise RuntimeError("a mistake")
            progress.stop()


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder / "tensorboard"))
    found.Reload()
    return {
        tag: [(event.step, event.value) for event in found.Scalars(tag)]
        for tag in found.Tags()["scalars"]
    }


def expected(folder: Path, metric: str) -> list[tuple[object, object]]:
    return [(row.step, row.metrics[metric]) for row in RunFolder(folder).metrics()]


@pytest.mark.slow  # importing the readers takes seconds
def test_tensorboard_sees_steps_and_epochs(tmp_path: Path):
    gf.train(gf.loads(LINE), out=tmp_path / "run", log=["tensorboard"])
    found = scalars(tmp_path / "run")
    assert found.keys() == {"step/loss", "train/loss", "test/loss"}
    assert [step for step, _ in found["step/loss"]] == list(range(1, 13))
    for metric in ("train/loss", "test/loss"):
        for one, other in zip(found[metric], expected(tmp_path / "run", metric), strict=True):
            assert one == (other[0], pytest.approx(other[1]))
    means = [sum(v for _, v in found["step/loss"][4 * i : 4 * i + 4]) / 4 for i in range(3)]
    assert means == pytest.approx([value for _, value in found["train/loss"]])


@pytest.mark.slow  # importing the readers takes seconds
def test_tensorboard_goes_on_after_a_kill(tmp_path: Path):
    gf.train(gf.loads(LINE), out=tmp_path / "whole", log=["tensorboard"])
    gf.train(gf.loads(LINE), out=tmp_path / "part", log=["tensorboard"], callbacks=[End(7)])
    newest = max((tmp_path / "part" / "checkpoints").iterdir())
    newest.unlink()  # as if it had been killed before this was written
    gf.resume(tmp_path / "part")
    assert scalars(tmp_path / "part") == scalars(tmp_path / "whole")


ACCUMULATED = LINE.replace("epochs: 3", "accumulate: 3, epochs: 2").replace(
    "{train: 0.8, test: 0.2}", "{train: 0.7, test: 0.3}"
)


@pytest.mark.slow  # importing the readers takes seconds
def test_an_update_of_several_batches_is_one_entry_with_their_mean(tmp_path: Path):
    """Four batches an epoch: an update of three, and one of the rest. The rate is 0, so that each
    batch's loss stands alone and an epoch's is the mean of its updates, weighted by batches.
    """
    seen: list[tuple[int, float]] = []

    class Keep(gf.Callback):
        def on_step(self, progress: Progress, values: Mapping[str, float]) -> None:
            seen.append((progress.epoch, values["loss"]))

    model = gf.loads(ACCUMULATED.replace("lr=0.01", "lr=0"))
    gf.train(model, out=tmp_path / "run", log=["tensorboard"], callbacks=[Keep()])
    first, second = ([v for e, v in seen if e == epoch] for epoch in (0, 1))
    expected = [sum(first[:3]) / 3, first[3], sum(second[:3]) / 3, second[3]]
    found = scalars(tmp_path / "run")["step/loss"]
    assert [step for step, _ in found] == [1, 2, 3, 4]
    assert [value for _, value in found] == pytest.approx(expected)


@pytest.mark.slow  # importing the readers takes seconds
def test_an_update_that_a_kill_cut_in_two_is_one_entry(tmp_path: Path):
    class Cut(gf.Callback):
        count = 0

        def on_step(self, progress: Progress, values: Mapping[str, float]) -> None:
            self.count += 1
            if self.count == 6:  # two of three batches of the second epoch
                progress.stop()

    gf.train(gf.loads(ACCUMULATED), out=tmp_path / "whole", log=["tensorboard"])
    gf.train(gf.loads(ACCUMULATED), out=tmp_path / "part", log=["tensorboard"], callbacks=[Cut()])
    gf.resume(tmp_path / "part")
    assert scalars(tmp_path / "part") == scalars(tmp_path / "whole")


def test_a_log_is_written_out_before_every_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Whenever a process is killed, its log holds what its newest checkpoint goes on from."""
    taken: list[int] = []
    written: list[int] = []
    checkpoints: list[tuple[int, int]] = []

    class Kept(Log):
        def add(self, values: Mapping[str, float], step: int) -> None:
            taken.append(step)

        def flush(self) -> None:
            written[:] = taken

    def save(folder: RunFolder, step: int, checkpoint: Checkpoint) -> Path:
        checkpoints.append((step, written[-1]))
        return folder.path

    monkeypatch.setitem(LOGS, "kept", (Kept, "numpy"))
    monkeypatch.setattr(RunFolder, "save", save)
    gf.train(gf.loads(LINE), out=tmp_path / "run", log=["kept"], save_every=0)
    assert checkpoints == [(s, s) for s in (1, 2, 3, 4, 4, 5, 6, 7, 8, 8, 9, 10, 11, 12, 12)]
    assert taken.count(4) == 2  # the update's values and the epoch's


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    from mlflow import MlflowClient

    return MlflowClient()


def kept(store, folder: Path):
    return store.get_run(json.loads((folder / "mlflow.json").read_text())["run"])


def history(store, run, name: str) -> list[tuple[int, float]]:
    return [(m.step, m.value) for m in store.get_metric_history(run.info.run_id, name)]


@pytest.mark.slow  # importing the readers takes seconds
def test_mlflow_keeps_parameters_and_metrics(tmp_path: Path, store):
    gf.train(gf.loads(LINE), out=tmp_path / "run", log=["mlflow"], seed=3)
    run = kept(store, tmp_path / "run")
    assert run.info.status == "FINISHED" and run.info.run_name == "run"
    assert run.data.params["seed"] == "3" and run.data.params["dtype"] == "float32"
    assert store.get_experiment(run.info.experiment_id).name == "line"
    assert history(store, run, "test/loss") == expected(tmp_path / "run", "test/loss")
    assert [step for step, _ in history(store, run, "step/loss")] == list(range(1, 13))


@pytest.mark.slow  # importing the readers takes seconds
def test_mlflow_goes_on_with_the_same_run(tmp_path: Path, store):
    gf.train(gf.loads(LINE), out=tmp_path / "part", log=["mlflow"], callbacks=[End(7)])
    assert kept(store, tmp_path / "part").info.status == "KILLED"
    max((tmp_path / "part" / "checkpoints").iterdir()).unlink()
    gf.resume(tmp_path / "part")
    run = kept(store, tmp_path / "part")
    assert run.info.status == "FINISHED" and len(store.search_runs([run.info.experiment_id])) == 1
    assert [step for step, _ in history(store, run, "step/loss")] == list(range(1, 13))
    assert history(store, run, "test/loss") == expected(tmp_path / "part", "test/loss")


@pytest.mark.slow  # importing the readers takes seconds
def test_mlflow_is_told_of_a_failure(tmp_path: Path, store):
    with pytest.raises(RuntimeError):
        gf.train(gf.loads(LINE), out=tmp_path / "run", log=["mlflow"], callbacks=[End(2, True)])
    assert kept(store, tmp_path / "run").info.status == "FAILED"


@pytest.mark.slow  # importing the readers takes seconds
def test_a_store_that_cannot_be_used_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense://nowhere")
    with pytest.raises(gf.GraphflowError, match="MLFLOW_TRACKING_URI"):
        gf.train(gf.loads(LINE), out=tmp_path / "run", log=["mlflow"])
    assert not (tmp_path / "run").exists()


def test_logs_are_checked_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refused(words: str, **settings: object) -> None:
        with pytest.raises(gf.GraphflowError) as caught:
            gf.train(gf.loads(LINE), **settings)  # type: ignore[arg-type]
        assert words in str(caught.value)
        assert not (tmp_path / "run").exists()

    refused("'tensorboard'", out=tmp_path / "run", log=["tensorbord"])
    refused("out=", log=["tensorboard"])
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    monkeypatch.setattr("graphflow.training.logs.find_spec", lambda name: None)
    refused("pip install 'graphflow[log]'", out=tmp_path / "run", log=["tensorboard"])
