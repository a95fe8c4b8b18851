"""The report of a run shows the model that the run has trained, fed as it was trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import graphflow as gf
from graphflow.diagnostics import Mark
from graphflow.figures import figures_of, run_report
from graphflow.figures.gather import Material, describe
from graphflow.runs import Way, started
from graphflow.spec.figure_keys import Ref
from graphflow.training.run_settings import RunSettings

LINE = """
graphflow: 1
name: a line through rows of a file
inputs: {x: [B], y: [B]}
params: {w: {shape: [], init: zeros}}
nodes: {guess: w * x, loss: 'mean((guess - y) ** 2)'}
outputs: [guess]
data:
  source: csv
  path: rows.csv
  feed: {x: x, y: y}
  batch: 2
train: {minimize: loss, optimizer: sgd(lr=0.01), epochs: 3}
figures: {points: {kind: scatter, x: x, y: y}}
"""
WORDS = """
graphflow: 1
name: words of a file
inputs: {t: {shape: [B, 3], dtype: int}, y: [B]}
layers: {table: 'embedding(20, 2)'}
nodes: {guess: 'sum(table(t), axis=[1, 2])', loss: 'mean((guess - y) ** 2)'}
outputs: [guess]
data:
  source: csv
  path: words.csv
  transforms: ['tokenize(text, level=word)', 'pad(text, length=3)']
  feed: {t: text, y: y}
  batch: 2
train: {minimize: loss, optimizer: sgd(lr=0.01), epochs: 1}
figures: {read: {kind: text, of: t, count: 2}}
"""


@pytest.fixture
def line(tmp_path: Path) -> Path:
    """A file beside the rows y = 2x + 1 for x = 1, ..., 4."""
    rows = "".join(f"{x},{2 * x + 1}\n" for x in range(1, 5))
    (tmp_path / "rows.csv").write_text("x,y\n" + rows)
    (tmp_path / "line.yaml").write_text(LINE)
    return tmp_path / "line.yaml"


def shown(material: Material, name: str) -> np.ndarray:
    return material.values([Ref(name, Mark("test", 1, 1))], None)[0]


def test_a_run_trained_with_averages_shows_the_averages(line: Path, tmp_path: Path) -> None:
    model = gf.load(line, {"train.average": "ema(decay=0.9)"})
    gf.train(model, out=tmp_path / "run")
    trained = float(model.parameters["w"])
    assert shown(Material.of_run(tmp_path / "run"), "w") == trained
    assert float(gf.load_run(tmp_path / "run").parameters["w"]) == trained


@pytest.fixture
def elsewhere(line: Path, tmp_path: Path) -> str:
    """The rows, outside of the folder in which the file lies."""
    file = tmp_path / "elsewhere" / "rows.csv"
    below = tmp_path / "graphs" / "line.yaml"
    for before, now in ((line.with_name("rows.csv"), file), (line, below)):
        now.parent.mkdir()
        before.rename(now)
    return str(file)


def test_data_named_on_the_command_line_are_found_wherever_the_run_is_opened(
    elsewhere: str, tmp_path: Path
) -> None:
    below, overrides = tmp_path / "graphs" / "line.yaml", {"data.path": elsewhere}
    settings = RunSettings(str(below), str(below.parent), overrides, backend="numpy")
    started(gf.load(below, overrides), settings, tmp_path / "run", Way()).run()
    for opened in (gf.load_run(tmp_path / "run"), tmp_path / "run"):
        assert figures_of(opened)["points"].data[0].x.tolist() == [1, 2, 3, 4]


def test_data_named_in_python_are_found_as_well(elsewhere: str, tmp_path: Path) -> None:
    model = gf.load(tmp_path / "graphs" / "line.yaml", {"data.path": elsewhere})
    gf.train(model, out=tmp_path / "run")
    assert gf.resume(tmp_path / "run", epochs=4).progress.epoch == 4
    for opened in (model, gf.load_run(tmp_path / "run"), tmp_path / "run"):
        assert figures_of(opened)["points"].data[0].x.tolist() == [1, 2, 3, 4]
    gf.cross_validate(model, folds=2, epochs=1, out=tmp_path / "folds")
    assert set(figures_of(tmp_path / "folds" / "fold-2")["points"].data[0].x) < {1, 2, 3, 4}


def test_transforms_stay_as_the_run_has_learned_them(line: Path, tmp_path: Path) -> None:
    """x was standardised by its mean 5/2 and variance 5/4; the rows have changed since."""
    gf.train(gf.load(line, {"data.transforms": "[standardize(x)]"}), out=tmp_path / "run")
    line.with_name("rows.csv").write_text("x,y\n100,0\n200,0\n")
    expected = (np.array([100, 200]) - 2.5) / np.sqrt(1.25)
    for material in (Material.of_run(tmp_path / "run"), Material(gf.load_run(tmp_path / "run"))):
        np.testing.assert_allclose(shown(material, "x"), expected, rtol=1e-5)


def test_texts_are_read_alike_before_and_after_a_training_and_from_its_run(tmp_path: Path) -> None:
    (tmp_path / "words.csv").write_text("text,y\na good thing,1\na bad thing,0\n")
    (tmp_path / "words.yaml").write_text(WORDS)
    model = gf.load(tmp_path / "words.yaml")

    def read(material: Material) -> list[str]:
        figure = describe("read", material.model.document.figures["read"], material)
        return [text for _, text in figure.rows]

    expected = ["a good thing", "a bad thing"]
    assert read(Material(model)) == expected
    gf.train(model, out=tmp_path / "run")
    assert read(Material(model)) == expected
    assert read(Material.of_run(tmp_path / "run")) == expected
    assert read(Material(gf.load_run(tmp_path / "run"))) == expected


@pytest.mark.parametrize(("steps", "drawn"), [(1, []), (3, ["train-total"])])
def test_one_step_has_no_curve(steps: int, drawn: list[str], tmp_path: Path) -> None:
    text = "graphflow: 1\nname: t\nstate: {x: {shape: scalar, init: 1}}\nnodes: {total: 2 * x}\n"
    model = gf.loads(f"{text}updates: {{x: total}}\nrun: {{steps: {steps}, report: [total]}}\n")
    gf.run(model, out=tmp_path / "run")
    assert list(run_report(tmp_path / "run").shown) == drawn
