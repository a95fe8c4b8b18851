"""Cross-validation: how the rows are cut, what is averaged, and going on after an interruption."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import KFold

import graphflow as gf
from graphflow.data import Dataset
from graphflow.data.folds import Fold, folded
from graphflow.training.progress import Progress
from graphflow.training.run_folder import RunFolder

NET = """
graphflow: 1
name: net
inputs: {x: {shape: [B, 13]}, y: {shape: [B], dtype: int}}
nodes:
  logits: linear(dropout(batch_norm(x), 0.2), 3)
  loss: cross_entropy(logits, y)
data: {source: wine, feed: {x: x, y: label}, batch: 16}
train: {minimize: loss, optimizer: adam(lr=0.01), epochs: 2}
"""


@pytest.mark.parametrize(("rows", "count"), [(10, 5), (11, 3), (178, 5), (7, 7)])
def test_folds_are_disjoint_cover_all_rows_and_are_as_large_as_scikit_learns(rows: int, count: int):
    data = Dataset("tiny", {"x": np.arange(rows + 2)}, "a sketch")
    parts = {"train": np.arange(rows), "test": np.arange(rows, rows + 2)}
    found = [folded(data, parts, Fold(count, i + 1), 0, "train") for i in range(count)]
    sizes = [len(test) for _, test in KFold(count).split(np.zeros(rows))]
    assert [len(parts["validation"]) for parts in found] == sizes
    held = np.concatenate([parts["validation"] for parts in found])
    assert sorted(held) == list(range(rows))
    for fold in found:
        assert list(fold) == ["train", "validation", "test"]
        assert sorted([*fold["train"], *fold["validation"]]) == list(range(rows))
        assert fold["test"].tolist() == [rows, rows + 1]
    other = folded(data, parts, Fold(count, 1), 1, "train")
    assert rows == count or other["validation"].tolist() != found[0]["validation"].tolist()


def values(path: Path) -> list[bytes]:
    return [array.tobytes() for _, array in sorted(RunFolder(path).latest().arrays.items())]


def test_every_fold_is_a_run_of_its_own(tmp_path: Path):
    found = gf.cross_validate(gf.loads(NET), folds=3, out=tmp_path / "all")
    validation = [outcome.metrics["validation/loss"] for outcome in found.folds]
    assert len(set(validation)) == 3
    assert found.mean["validation/loss"] == pytest.approx(sum(validation) / 3)
    spread = sum((v - sum(validation) / 3) ** 2 for v in validation) / 2
    assert found.std["validation/loss"] == pytest.approx(spread**0.5)
    for number in (1, 2, 3):
        alone = gf.loads(NET, {"data.folds": 3, "data.fold": number})
        outcome = gf.train(alone, out=tmp_path / f"alone-{number}")
        fold = tmp_path / "all" / f"fold-{number}"
        assert outcome.metrics == found.folds[number - 1].metrics
        assert values(fold) == values(tmp_path / f"alone-{number}")
        assert gf.load_run(fold).parameters["logits.weight"].shape == (3, 13)
        assert gf.resume(fold, epochs=3).progress.epoch == 3
    with pytest.raises(gf.GraphflowError, match="fold-1, fold-2, fold-3"):
        gf.load_run(tmp_path / "all")


class Stop(gf.Callback):
    def __init__(self, fold: int, step: int) -> None:
        self.fold, self.step = fold, step

    def on_start(self, progress: Progress, epochs: int | None, steps: int | None) -> None:
        self.fold -= 1

    def on_step(self, progress: Progress, values: Mapping[str, float]) -> None:
        if not self.fold and progress.step == self.step:
            progress.stop()


def test_an_interrupted_cross_validation_goes_on_at_its_fold(tmp_path: Path):
    path = tmp_path / "net.yaml"
    path.write_text(NET)
    whole = gf.cross_validate(path, folds=3, out=tmp_path / "whole")
    part = gf.cross_validate(path, folds=3, out=tmp_path / "part", callbacks=[Stop(2, 11)])
    assert part.interrupted and [o.progress.step for o in part.folds] == [16, 11]
    assert not (tmp_path / "part" / "fold-3").exists()
    assert not (tmp_path / "part" / "summary.json").exists()
    done = gf.cross_validate(tmp_path / "part")
    assert done.values == whole.values and not done.interrupted
    for name in ("fold-1", "fold-2", "fold-3"):
        assert values(tmp_path / "part" / name) == values(tmp_path / "whole" / name)
    summaries = [(tmp_path / name / "summary.json").read_bytes() for name in ("part", "whole")]
    assert summaries[0] == summaries[1]


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"data.folds": 1}, "at least 2"),
        ({"data.folds": 3, "data.fold": 4}, "one of 1 to 3"),
        ({"data.folds": 3, "data.fold": 0}, "one of 1 to 3"),
        ({"data.fold": 1}, "'folds'"),
        ({"data.folds": 3}, "cross-validation"),
        ({"data.folds": 200, "data.fold": 1}, "178 rows"),
        ({"data.folds": 3, "data.fold": 1, "data.split": "{train: 0.5, validation: 0.5}"}, "part"),
    ],
)
def test_folds_that_cannot_be_are_refused(overrides: dict[str, str | int], words: str):
    with pytest.raises(gf.GraphflowError) as caught:
        gf.train(gf.loads(NET, overrides))
    assert words in str(caught.value)


def test_one_training_is_no_cross_validation(tmp_path: Path):
    gf.train(gf.loads(NET), out=tmp_path / "run")
    with pytest.raises(gf.GraphflowError, match="one training"):
        gf.cross_validate(tmp_path / "run")
    wild = gf.loads(NET.replace("cross_entropy(logits, y)", "mean(logits) * 1e30 ** 2"))
    with pytest.raises(gf.GraphflowError, match="GF062"):
        gf.cross_validate(wild, folds=2, out=tmp_path / "wild")
    assert not (tmp_path / "wild").exists()
