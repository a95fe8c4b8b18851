"""The history of a run: what is kept, where, and what happens to it when a run is cut off."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from graphflow.diagnostics import GraphflowError
from graphflow.training import history
from graphflow.training.history import Records, stored_history
from graphflow.training.run_folder import RunFolder
from tests.training.killing import killed, needs_fork

BOWL = """
graphflow: 1
name: bowl
params: {x: {shape: [2], init: '[-5.0, -2.0]'}}
nodes: {f: 'x[0] ** 2 + 2 * x[1] ** 2'}
outputs: [f]
train: {minimize: f, optimizer: sgd(lr=0.1), steps: 20, history: HISTORY}
"""


def bowl(history: str) -> gf.Model:
    return gf.loads(BOWL.replace("HISTORY", history))


def by_hand(steps: int) -> np.ndarray:
    """x <- x - 0.1 (2 x1, 4 x2) from (-5, -2)."""
    rows = [np.array([-5.0, -2.0])]
    for _ in range(steps):
        rows.append(rows[-1] - 0.1 * np.array([2, 4]) * rows[-1])
    return np.array(rows)


def test_a_parameter_has_its_start_and_its_end_and_a_node_a_value_for_every_step():
    outcome = gf.train(bowl("[x, f]"), dtype="float64")
    x, f = outcome.history["x"], outcome.history["f"]
    np.testing.assert_allclose(x.values, by_hand(20), rtol=1e-12)
    assert x.steps.tolist() == list(range(21))
    assert f.steps.tolist() == list(range(20))
    np.testing.assert_allclose(f.values, x.values[:20] ** 2 @ [1, 2], rtol=1e-12)


def test_every_thins_and_the_end_is_kept_all_the_same(tmp_path):
    gf.train(bowl("{nodes: [x, f], every: 3}"), dtype="float64", out=tmp_path / "run")
    run = RunFolder(tmp_path / "run")
    assert run.history_names() == ["x", "f"]
    steps, values = run.history("x")
    assert steps.tolist() == [0, 3, 6, 9, 12, 15, 18, 20]
    np.testing.assert_allclose(values, by_hand(20)[steps], rtol=1e-12)
    assert run.history("f").steps.tolist() == [0, 3, 6, 9, 12, 15, 18]


def test_numpy_reads_the_files_as_they_are(tmp_path):
    gf.train(bowl("[x, f]"), dtype="float64", out=tmp_path)
    leaves = np.load(tmp_path / "history" / "leaves.npy")
    np.testing.assert_allclose(leaves["x"], by_hand(20), rtol=1e-12)


def test_an_unknown_name_is_answered_with_those_that_are_kept():
    with pytest.raises(GraphflowError, match=r"did you mean 'x'|there is one of x") as caught:
        gf.train(bowl("[x]")).history["xx"]
    assert caught.value.diagnostics[0].code == "GF020"
    with pytest.raises(GraphflowError, match="unknown name 'y'"):
        bowl("[y]")
    with pytest.raises(GraphflowError, match="from 1 on"):
        bowl("{nodes: [x], every: 0}")


def test_a_history_that_would_be_too_large_is_refused_before_the_first_step(tmp_path):
    with pytest.raises(GraphflowError, match=r"1\.0 GB in all") as caught:
        gf.train(bowl("[x]"), steps=10**9, out=tmp_path / "run")
    assert caught.value.diagnostics[0].code == "GF004"
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_a_node_whose_shape_changes_is_refused():
    text = """
graphflow: 1
name: rows
inputs: {x: {shape: [B, 64]}, y: {shape: [B], dtype: int}}
nodes: {z: 'linear(x, 10)', loss: 'cross_entropy(z, y)'}
data: {source: digits, feed: {x: pixels, y: label}, batch: 1000}
train: {minimize: loss, optimizer: sgd(lr=0.1), epochs: 1, history: [z, z.weight]}
"""
    with pytest.raises(GraphflowError, match=r"one shape") as caught:
        gf.train(gf.loads(text))
    assert caught.value.diagnostics[0].code == "GF030"
    outcome = gf.train(gf.loads(text, {"data.drop_last": True}))
    assert outcome.history["z"].values.shape == (1, 1000, 10)
    assert outcome.history["z.weight"].values.shape == (2, 10, 64)


def rows(table: Records, steps: range) -> None:
    for step in steps:
        table.add(step, {"x": np.full(3, step, dtype=np.float32)})


def test_a_table_that_was_cut_off_in_a_row_goes_on_as_if_nothing_had_happened(tmp_path):
    file = tmp_path / "history" / "leaves.npy"
    table = Records(file)
    rows(table, range(10))
    table.flush()
    with file.open("ab") as stream:
        stream.write(b"half a row")
    again = Records(file)
    again.keep_before(7)
    rows(again, range(7, 12))
    again.flush()
    steps, values = stored_history(tmp_path)["x"]
    assert steps.tolist() == list(range(12))
    np.testing.assert_array_equal(values, np.repeat(np.arange(12.0), 3).reshape(12, 3))
    assert len(np.load(file)) == 12


def test_rows_wait_in_memory_for_a_while_only(tmp_path, monkeypatch):
    monkeypatch.setattr(history, "BUFFER", 100)
    table = Records(tmp_path / "history" / "nodes.npy")
    rows(table, range(100))
    assert len(table.waiting) <= 100 + 20
    assert len(table.read()) == 100


@needs_fork
def test_a_killed_training_ends_with_the_history_of_an_undisturbed_one(tmp_path):
    gf.train(bowl("[x, f]"), dtype="float64", out=tmp_path / "whole")
    killed(bowl("[x, f]"), tmp_path / "cut", saves=8, dies=13)
    assert len(RunFolder(tmp_path / "cut").history("f").steps) == 13
    gf.resume(tmp_path / "cut")
    for name in ("leaves.npy", "nodes.npy"):
        whole, cut = (tmp_path / run / "history" / name for run in ("whole", "cut"))
        assert whole.read_bytes() == cut.read_bytes()


def test_a_file_whose_head_was_cut_off_begins_again(tmp_path):
    file = tmp_path / "history" / "leaves.npy"
    file.parent.mkdir()
    for torn in (b"", b"\x93NUM", b"\x93NUMPY\x02\x00\x76\x00"):
        file.write_bytes(torn)
        table = Records(file)
        table.keep_before(0)
        rows(table, range(3))
        table.flush()
        assert len(np.load(file)) == 3


def test_going_on_with_another_list_of_names_is_refused(tmp_path):
    gf.train(bowl("[x]"), steps=5, out=tmp_path / "run")
    graph = tmp_path / "run" / "graph.yaml"
    further = "state: {s: {shape: scalar, init: 0}}\nparams:"
    text = graph.read_text().replace("history: [x]", "history: [x, s]")
    graph.write_text(text.replace("params:", further))
    with pytest.raises(GraphflowError, match="history holds x, the file now asks for x, s"):
        gf.resume(tmp_path / "run", steps=9)

PLAYERS = """
graphflow: 1
name: a saddle
params: {x: {shape: scalar, init: 1}, y: {shape: scalar, init: 1}}
nodes: {f: x * y, down: f + x ** 2 / 2, up: y ** 2 / 2 - f, further: 2 * x}
train:
  players:
    low: {minimize: down, params: [x]}
    high: {minimize: up, params: [y]}
  optimizer: sgd(lr=0.5)
  steps: 2
  history: [x, y, down, up, further]
"""


def test_a_round_of_several_players_is_one_row():
    """By hand: x <- x - (y + x) / 2, then y <- y - (y - x) / 2 with the new x."""
    history = gf.train(gf.loads(PLAYERS), dtype="float64").history
    assert history["x"].values.tolist() == [1, 0, -0.25]
    assert history["y"].values.tolist() == [1, 0.5, 0.125]
    assert history["down"].values.tolist() == [1.5, 0]
    assert history["up"].values.tolist() == [0.5, 0.25]  # at the x that low has moved to
    assert len(history["further"].values) == 2


def test_several_batches_that_make_one_update_are_one_row():
    text = """
graphflow: 1
name: sums
inputs: {x: {shape: [B, 64]}, y: {shape: [B], dtype: int}}
nodes: {z: 'linear(x, 10)', loss: 'cross_entropy(z, y)'}
data: {source: digits, feed: {x: pixels / 16, y: label}, batch: 100, drop_last: true}
train: {minimize: loss, optimizer: sgd(lr=0.1), epochs: 1, accumulate: 4, history: [loss, z.bias]}
"""
    outcome = gf.train(gf.loads(text))
    assert outcome.progress.step == 5
    assert outcome.history["loss"].steps.tolist() == [0, 1, 2, 3, 4]
    bias = outcome.history["z.bias"]
    assert bias.steps.tolist() == [0, 1, 2, 3, 4, 5]
    assert len(np.unique(bias.values[:, 0])) == 6
