"""Gradient accumulation: several batches, one update."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

import graphflow as gf
from graphflow.training.feed import Feed
from graphflow.training.loop import Loop
from graphflow.training.progress import Progress
from graphflow.training.run_folder import RunFolder
from tests.training.small_net import assert_same, part, rows, started, trained, weights
from tests.training.test_groups import THREE, refused

QUARTERS = [part(rows(8), start, start + 2) for start in range(0, 8, 2)]


@pytest.mark.parametrize(
    "settings",
    [
        "optimizer: sgd(0.5, momentum=0.9)",
        "optimizer: adam(lr=0.1)\nclip_norm: 0.2",
        "optimizer: sgd(0.5)\nclip_value: 0.01\ngroups: [{params: [head], lr_scale: 10}]",
        "optimizer: adam(lr=warmup(0.1, 3))\ngroups: [{params: [body.bias], frozen: true}]",
    ],
)
def test_four_batches_are_one_of_all_their_rows(settings):
    one = trained(settings, [rows(8)] * 3)
    four = trained(f"{settings}\naccumulate: 4", QUARTERS * 3)
    assert_same(four, one)


def test_nothing_changes_until_the_last_batch():
    model, trainer = started("optimizer: sgd(0.5)\naccumulate: 4")
    before = weights(model)
    for batch in QUARTERS[:3]:
        trainer.step(batch)
        assert not trainer.updated
    assert_same(weights(model), before, rtol=0)
    trainer.step(QUARTERS[3])
    assert trainer.updated
    assert not np.array_equal(model.parameters["head.bias"], before["head.bias"])


def test_the_last_batches_of_an_epoch_make_an_update_with_their_mean():
    """Three batches with accumulate 2: an update of two, and one of the third alone."""
    model, trainer = started("optimizer: sgd(0.5)\naccumulate: 2")
    for batch in QUARTERS[:3]:
        trainer.step(batch)
    assert trainer.finish_epoch()
    assert not trainer.finish_epoch()
    expected = trained("optimizer: sgd(0.5)", [part(rows(8), 0, 4), QUARTERS[2]])
    assert_same(weights(model), expected)


def test_schedules_and_counting_nodes_count_updates():
    """Gradients of 1; the rate is 1, 1/2, 1/4 in updates 1, 2, 3, and so is the node."""
    text = THREE.replace("nodes: {", "nodes: {rate: 'exponential_lr(1, 0.5)', ")
    model = gf.loads(
        text + "  optimizer: 'sgd(exponential_lr(1, 0.5))'\n  accumulate: 2\n  report: [rate]\n"
    )
    trainer = model.trainer(dtype="float64")
    seen = [float(trainer.step({"x": 1.0})["rate"]) for _ in range(6)]
    assert seen == pytest.approx([1, 1, 0.5, 0.5, 0.25, 0.25])
    assert float(model.parameters["a"]) == pytest.approx(2 - 1.75)


def test_running_statistics_follow_every_batch():
    """As in PyTorch, where each forward pass moves them."""
    model = gf.loads("""
graphflow: 1
name: bn
inputs: {x: {shape: [B, 3]}}
nodes: {h: batch_norm(x), loss: mean(h * h * h)}
train: {minimize: loss, optimizer: sgd(lr=0.1), accumulate: 2}
""")
    trainer = model.trainer(dtype="float64")
    first, second = np.random.default_rng(0).standard_normal((2, 10, 3))
    trainer.step({"x": first})
    np.testing.assert_allclose(model.state["h.running_mean"], 0.1 * first.mean(0))
    trainer.step({"x": second})
    expected = 0.09 * first.mean(0) + 0.1 * second.mean(0)
    np.testing.assert_allclose(model.state["h.running_mean"], expected)


def test_each_player_gathers_for_itself():
    """One takes two turns a round: its update comes with every round, the other's with each two."""
    text = THREE.replace("  minimize: loss\n", "")
    model = gf.loads(text + """
  optimizer: sgd(1)
  accumulate: 2
  players:
    one: {minimize: loss, params: [a]}
    two: {minimize: loss, params: [b]}
  turns: [{player: one, times: 2}, two]
""")
    trainer, seen = model.trainer(dtype="float64"), []
    for x in (1.0, 0.5, 1.0):
        trainer.step({"x": x})
        seen.append((float(model.parameters["a"]), float(model.parameters["b"]), trainer.updated))
    assert seen == [(1.0, 2.0, False), (0.5, 1.25, True), (-0.5, 1.25, False)]


LINE = """
graphflow: 1
name: line
inputs: {x: {shape: [B, 2]}, y: {shape: [B, 1]}}
nodes: {f: "linear(x, 1)", d: "dropout(f, 0.1)", loss: "mse_loss(d, y)"}
data: {source: synthetic_regression, n: 100, w: [2, -3.4], b: 4.2, batch: 10}
train: {minimize: loss, optimizer: adam(lr=0.05), epochs: 3, accumulate: 4, clip_norm: 1}
"""


class StopAfter(gf.Callback):
    """Stops training after so many batches."""

    def __init__(self, batches: int) -> None:
        self.left = batches

    def on_step(self, progress: Progress, values: Mapping[str, float]) -> None:
        self.left -= 1
        if not self.left:
            progress.stop()


@pytest.mark.parametrize("batches", [1, 4, 7, 10, 23])
def test_a_run_stopped_between_two_updates_goes_on_bit_for_bit(tmp_path: Path, batches: int):
    whole = gf.loads(LINE)
    outcome = gf.train(whole)
    assert outcome.progress.step == 9  # ten batches an epoch: of 4, 4 and 2

    broken = gf.loads(LINE)
    trainer = broken.trainer()
    run = RunFolder.create(tmp_path / "run", broken.expanded(), {})
    feed = Feed(broken.elaborated, None, trainer.seed)
    loop = Loop(trainer, feed, callbacks=[StopAfter(batches)])
    loop.begin(run)
    assert loop.run().interrupted

    resumed = gf.load(run.graph_file)
    trainer = resumed.trainer()
    loop = Loop(trainer, Feed(resumed.elaborated, None, trainer.seed))
    loop.resume(run)
    assert loop.run().progress.step == 9
    for name, value in whole.parameters.items():
        assert value.tobytes() == resumed.parameters[name].tobytes()


def test_steps_count_updates():
    text = THREE.replace("x * (", "1 * (").replace("inputs: {x: scalar}\n", "")
    model = gf.loads(text + "  optimizer: sgd(0.1)\n  accumulate: 3\n  steps: 5\n")
    outcome = gf.train(model)
    assert outcome.progress.step == 5
    assert float(model.parameters["a"]) == pytest.approx(1.5)


def test_a_size_of_the_batch_is_no_rate_of_several():
    with pytest.raises(gf.GraphflowError, match="reads 'B' of a batch"):
        started("optimizer: sgd(0.1 / B)\naccumulate: 2")
    assert started("optimizer: sgd(0.1 / B)")


@pytest.mark.parametrize(
    ("train", "code", "message"),
    [
        ("optimizer: sgd(0.1)\naccumulate: 0", "GF033", "'accumulate' is a whole number from 1 on"),
        ("optimizer: sgd(0.1)\naccumulate: 1.5", "GF033", "'accumulate' is a whole number"),
        ("optimizer: lbfgs()\naccumulate: 2", "GF042", "'lbfgs' measures the loss of a batch"),
        ("optimizer: newton()\naccumulate: 2", "GF042", "'newton' measures the loss of a batch"),
        ("optimizer: sgd(0.1 * x)\naccumulate: 2", "GF042", "reads 'x' of a batch"),
    ],
)
def test_what_cannot_be_added_up_is_refused(train, code, message):
    found = refused(train)
    assert found.code == code and message in found.message
    assert found.mark is not None and found.mark.line in (12, 13)


@pytest.mark.parametrize("batches", [1, 4, 6, 7])
def test_a_history_goes_on_between_two_updates(tmp_path: Path, batches: int):
    kept = {"train.history": "[loss, f.weight]"}
    gf.train(gf.loads(LINE, kept), out=tmp_path / "whole")
    gf.train(gf.loads(LINE, kept), out=tmp_path / "part", callbacks=[StopAfter(batches)])
    gf.resume(tmp_path / "part")
    for name in ("loss", "f.weight"):
        part, whole = (RunFolder(tmp_path / run).history(name) for run in ("part", "whole"))
        assert all(np.array_equal(a, b) for a, b in zip(part, whole, strict=True))
