"""What is known of a run at a glance, and the rows that it is read from."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import graphflow as gf
from graphflow.run_entries import entry
from graphflow.training.progress import Progress
from graphflow.training.rows import Row
from graphflow.training.run_folder import RunFolder

HALVING = """
graphflow: 1
name: halving
state: {x: {shape: scalar, init: 16}}
nodes: {step: x / 2, epoch: x + 1}
updates: {x: step}
run: {steps: 3, report: [step, epoch]}
figures: {curves: {kind: line, y: [step, epoch]}}
"""


def test_values_called_step_and_epoch_are_reported_beside_the_counts(tmp_path: Path):
    gf.run(gf.loads(HALVING), out=tmp_path / "run")
    assert RunFolder(tmp_path / "run").metrics() == [
        Row(0, 1, {"step": 8, "epoch": 17}),
        Row(0, 2, {"step": 4, "epoch": 9}),
        Row(0, 3, {"step": 2, "epoch": 5}),
    ]
    found = entry(tmp_path / "run")
    assert (found.epochs, found.steps, found.metrics) == (0, 3, {"step": 2, "epoch": 5})
    step, epoch = gf.figures_of(tmp_path / "run")["curves"].data
    assert (list(step.x), list(step.y)) == ([1, 2, 3], [8, 4, 2])
    assert (list(epoch.x), list(epoch.y)) == ([1, 2, 3], [17, 9, 5])


def test_the_rows_of_older_runs_are_read(tmp_path: Path):
    file = tmp_path / "metrics.jsonl"
    file.write_text('{"epoch": 1, "step": 20, "train/loss": 0.5, "metrics": NaN}\n')
    (row,) = RunFolder(tmp_path).metrics()
    assert (row.epoch, row.step, row.metrics["train/loss"]) == (1, 20, 0.5)
    assert row.metrics["metrics"] != row.metrics["metrics"]


@pytest.mark.parametrize(
    "row", ['{"step": 1}', '{"epoch": 0, "step": 1.5}', '{"epoch": 0, "step": 1, "f": "x"}', "[1]"]
)
def test_what_is_no_row_is_an_error_that_names_the_file(row: str, tmp_path: Path):
    (tmp_path / "metrics.jsonl").write_text(row + "\n")
    with pytest.raises(gf.GraphflowError, match=r"GF064[^:]*: .*metrics\.jsonl' cannot be read"):
        RunFolder(tmp_path).metrics()


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"metrics": []}', '{"metrics": {"loss": 1}}', "{"]
)
def test_a_damaged_summary_is_an_error_that_names_the_file(content: str, tmp_path: Path):
    gf.run(gf.loads(HALVING), out=tmp_path)
    (tmp_path / "summary.json").write_text(content)
    with pytest.raises(gf.GraphflowError, match=r"GF064[^:]*: .*summary\.json' cannot be read"):
        entry(tmp_path)


class Stop(gf.Callback):
    def on_step(self, progress: Progress, values: object) -> None:
        progress.stop()


def test_a_cross_validation_is_as_its_last_fold_by_number(tmp_path: Path):
    gf.run(gf.loads(HALVING), out=tmp_path / "whole")
    gf.run(gf.loads(HALVING), out=tmp_path / "part", callbacks=[Stop()])
    folds = shutil.copytree(tmp_path / "whole", tmp_path / "folds")
    for number in range(1, 11):
        shutil.copytree(tmp_path / "whole", folds / f"fold-{number}")
    shutil.copytree(tmp_path / "part", folds / "fold-11")
    (folds / "fold-x").mkdir()
    assert [fold.name for fold in RunFolder(folds).folds()] == [f"fold-{n}" for n in range(1, 12)]
    found = entry(folds)
    assert (found.state, found.steps) == ("stopped", 31)
