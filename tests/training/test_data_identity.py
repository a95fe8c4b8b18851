"""A run is not gone on with on other data unawares."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import graphflow as gf
from graphflow.data import Dataset
from graphflow.data.columns import Chosen, Lists, Stored
from graphflow.data.images import Decoded
from graphflow.training.data_identity import DataIdentity
from graphflow.training.progress import Progress
from graphflow.training.run_folder import RunFolder

TABLE = """
graphflow: 1
name: table
inputs: {x: {shape: [B]}, y: {shape: [B]}}
params: {w: {shape: scalar, init: '0.0'}}
nodes: {loss: mean((w * x - y) ** 2)}
data: {source: csv, path: rows.csv, batch: 8, split: {train: 0.8, test: 0.2}}
train: {minimize: loss, optimizer: sgd(lr=0.01), epochs: 1}
"""


def write(folder: Path, rows: int, names: str = "x,y", last: str = "") -> None:
    lines = [f"{i / 10},{i / 5}" for i in range(rows - bool(last))]
    (folder / "rows.csv").write_text("\n".join([names, *lines, *([last] if last else [])]) + "\n")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    write(tmp_path, 40)
    file = tmp_path / "table.yaml"
    file.write_text(TABLE)
    return file


def test_a_run_keeps_its_rows_and_goes_on_with_the_same_data(table: Path, tmp_path: Path):
    gf.train(gf.load(table), out=tmp_path / "run")
    assert gf.resume(tmp_path / "run", epochs=2).progress.epoch == 2
    kept = (tmp_path / "run" / "data.json").read_text()
    assert '"train": 32' in kept and '"test": 8' in kept and '"x": "float' in kept


@pytest.mark.parametrize(
    ("rows", "names", "last", "words"),
    [
        (33, "x,y", "", "rows were train 32, test 8, and are train 26, test 7"),
        (40, "x,y", "0.5,7", "other values in x, y"),
        (40, "x,z", "", "column 'y' was float64 [] and is not there"),
    ],
)
def test_other_data_are_refused_with_what_is_different(
    table: Path, tmp_path: Path, rows: int, names: str, last: str, words: str
):
    model = gf.load(table, {"data.feed": {"x": "x", "y": "x"}} if "z" in names else {})
    gf.train(model, out=tmp_path / "run")
    write(tmp_path, rows, names, last)
    with pytest.raises(gf.GraphflowError) as caught:
        gf.resume(tmp_path / "run", epochs=2)
    (found,) = caught.value.diagnostics
    assert found.code == "GF064" and words in found.message
    assert RunFolder(str(tmp_path / "run")).latest().progress["epoch"] == 1


def test_folds_are_checked_too(table: Path, tmp_path: Path):
    class Stop(gf.Callback):
        def on_epoch(self, progress: Progress, metrics: object) -> None:
            progress.stop()

    gf.cross_validate(table, 2, out=tmp_path / "run", epochs=2, callbacks=[Stop()])
    write(tmp_path, 33)
    with pytest.raises(gf.GraphflowError, match="have changed"):
        gf.cross_validate(tmp_path / "run")


def test_damaged_and_missing_checkpoints_are_told_of(table: Path, tmp_path: Path):
    gf.train(gf.load(table), out=tmp_path / "run", epochs=3)
    (newest, file), (before, _) = RunFolder(str(tmp_path / "run")).checkpoints()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gf.resume(tmp_path / "run")
    file.write_bytes(file.read_bytes()[:100])
    with pytest.warns(UserWarning, match=rf"step-0*{newest}\S* is damaged: .* step {before}$"):
        whole = gf.resume(tmp_path / "run")
    for _, file in RunFolder(tmp_path / "run").checkpoints():
        file.unlink()
    with pytest.warns(UserWarning, match="no checkpoint: the run begins anew"):
        assert gf.resume(tmp_path / "run").metrics == whole.metrics
    assert len(RunFolder(tmp_path / "run").metrics()) == 3


def test_a_large_column_is_looked_at_in_rows_evenly_spaced(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("graphflow.training.data_identity.LOOKED_AT", 80)
    parts = {"train": np.arange(100)}
    one, other = np.arange(100.0), np.arange(100.0)
    other[99] = 0
    found = [DataIdentity.of(Dataset("d", {"x": x}, ""), parts) for x in (one, one.copy(), other)]
    assert found[0] == found[1] != found[2]


def identity(**columns):
    return DataIdentity.of(Dataset("d", columns, ""), {"train": np.arange(3)})


def test_columns_that_are_read_as_they_are_needed_are_known_by_rows(tmp_path: Path):
    def stored(value: float) -> Stored:
        np.array([1, 2, value], np.float64).tofile(tmp_path / "x")
        return Stored(tmp_path / "x", (3,), np.dtype(np.float64), 0)

    one, same, other = (identity(x=stored(value)) for value in (3, 3, 4))
    assert one == same
    assert [*one._differences(other)] == ["other values in x"]
    lists = [identity(x=Lists.of([[1], [2, last], []])) for last in (3, 4)]
    assert lists[0] != lists[1]


def test_images_in_files_are_known_by_their_names_and_sizes(tmp_path: Path):
    files = [tmp_path / f"{i}.png" for i in range(3)]
    for file in files:
        file.write_bytes(b"no image, and nothing decodes it")
    column = Decoded(files, "L", (2, 2), None)
    before = identity(x=column)
    assert before == identity(x=column) != identity(x=Chosen(column, np.array([2, 1, 0])))
    files[2].write_bytes(b"another")
    assert [*before._differences(identity(x=column))] == ["other values in x"]


def test_what_an_older_version_did_not_look_at_is_no_difference():
    now = identity(x=Lists.of([[1], [2], []]))
    assert [*replace(now, contents={})._differences(now)] == []
