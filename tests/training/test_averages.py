"""Averages of weights: their equations, who uses them, and that training goes on with its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import graphflow as gf
from tests.training.small_net import NET, assert_same, part, rows, started, weights
from tests.training.test_accumulate import LINE
from tests.training.test_groups import THREE, refused

FALL = """
graphflow: 1
name: w falls by 1 with every update
params: {w: {shape: scalar, init: zeros}}
nodes: {loss: w * 1}
train: {minimize: loss, optimizer: sgd(1), report: [w], average: AVERAGE}
"""
BATCHES = [part(rows(12), start, start + 3) for start in range(0, 12, 3)]


def averages(setting: str, epochs: int, updates: int = 1) -> tuple[list[float], gf.Trainer]:
    """What evaluation sees of w after each epoch."""
    model = gf.loads(FALL.replace("AVERAGE", setting))
    trainer, found = model.trainer(dtype="float64"), []
    for epoch in range(epochs):
        trainer.start_epoch(epoch)
        for _ in range(updates):
            trainer.step({})
        trainer.finish_epoch()
        found.append(trainer.evaluate([({}, 1)])["w"])
    assert float(model.parameters["w"]) == -epochs * updates
    return found, trainer


def test_an_exponential_moving_average():
    """w = -1, -2, -3: the first as it is, then half of what was and half of what is."""
    assert averages("ema(0.5)", 3)[0] == pytest.approx([-1, -1.5, -2.25])


def test_a_mean_of_all_since_a_start():
    assert averages("swa()", 4)[0] == pytest.approx([-1, -1.5, -2, -2.5])
    assert averages("swa(start=2)", 5)[0] == pytest.approx([-1, -2, -3, -3.5, -4])


def test_averages_of_epochs():
    """Epochs end with w = -3, -6, -9, -12."""
    assert averages("{is: swa(), every: epoch}", 4, 3)[0] == pytest.approx([-3, -4.5, -6, -7.5])
    found, _ = averages("{is: swa(start=2), every: epoch}", 4, 3)
    assert found == pytest.approx([-3, -6, -9, -10.5])


def test_a_decay_may_be_a_schedule():
    """The share (1 + t) / (10 + t) of an average that is t calls old grows from 2/11 on."""
    found, _ = averages("'ema(minimum(0.9, step / (9 + step)))'", 3)
    second = 2 / 11 * -1 + 9 / 11 * -2
    assert found == pytest.approx([-1, second, 3 / 12 * second + 9 / 12 * -3])


def test_before_an_epoch_has_ended_evaluation_sees_the_weights_themselves():
    model = gf.loads(FALL.replace("AVERAGE", "{is: swa(), every: epoch}"))
    trainer = model.trainer(dtype="float64")
    for expected in (-1, -2):
        trainer.step({})
        assert trainer.evaluate([({}, 1)]) == {"loss": expected, "w": expected}
    trainer.finish_epoch()
    trainer.step({})
    assert trainer.evaluate([({}, 1)])["w"] == -2


def test_training_goes_on_with_its_own_weights_and_leaves_the_averages():
    model, trainer = started("optimizer: adam(0.1)\naverage: ema(0.9)")
    plain, other = started("optimizer: adam(0.1)")
    for batch in BATCHES:
        trainer.step(batch)
        other.step(batch)
    assert_same(weights(model), weights(plain), rtol=0)
    seen = trainer.evaluate([(rows(12), 12)])["loss"]
    trainer.finish()
    assert not np.allclose(model.parameters["head.weight"], plain.parameters["head.weight"])
    loss = model.compile(of="loss", dtype="float64")(rows(12)).values["loss"]
    assert float(loss) == pytest.approx(seen, rel=1e-12)


def test_averages_count_updates_where_batches_are_accumulated():
    whole, one = started("optimizer: sgd(0.5)\naverage: ema(0.5)")
    parts, two = started("optimizer: sgd(0.5)\naverage: ema(0.5)\naccumulate: 2")
    for start in (0, 6):
        one.step(part(rows(12), start, start + 6))
    for batch in BATCHES:
        two.step(batch)
    one.finish()
    two.finish()
    assert_same(weights(parts), weights(whole))


NORM = NET.replace("tanh(body(x))", "tanh(batch_norm(body(x)))")


@pytest.mark.parametrize(
    ("use_buffers", "expected"), [("false", [0.1, 0.19]), ("true", [0.1, 0.145])]
)
def test_running_statistics_are_the_models_own_or_averaged(use_buffers, expected):
    """The running mean of ones is 0.1, then 0.19; its average with decay 1/2 is 0.1, then 0.145."""
    model = gf.loads(f"""
graphflow: 1
name: bn
inputs: {{x: {{shape: [B, 1]}}}}
nodes: {{h: batch_norm(x), loss: mean(h), seen: sum(h.running_mean)}}
train:
  minimize: loss
  optimizer: sgd(0)
  report: [seen]
  average: {{is: ema(0.5), use_buffers: {use_buffers}}}
""")
    trainer, found = model.trainer(dtype="float64"), []
    for _ in range(2):
        trainer.step({"x": np.ones((4, 1))})
        found.append(trainer.evaluate([({"x": np.ones((4, 1))}, 4)])["seen"])
    assert found == pytest.approx(expected)
    np.testing.assert_allclose(model.state["h.running_mean"], 0.19)


def test_none_is_no_average():
    model = gf.loads(FALL.replace("AVERAGE", "ema(0.5)"), {"train.average": "none"})
    assert model.trainer().averages == {}
    assert gf.loads(model.expanded()).trainer().averages == {}


def test_a_player_may_have_an_average_of_its_own():
    text = THREE.replace("  minimize: loss\n", "")
    model = gf.loads(text + """
  optimizer: sgd(1)
  players:
    one: {minimize: loss, params: [a], average: swa()}
    two: {minimize: loss, params: [b]}
""")
    trainer = model.trainer(dtype="float64")
    assert trainer.averages == {"a": "optimizer.one.averages.a"}
    for _ in range(3):
        trainer.step({"x": 1.0})
    trainer.finish()
    assert [float(model.parameters[n]) for n in "ab"] == pytest.approx([0, -1])


@pytest.mark.parametrize("setting", ["ema(0.9)", "{is: swa(start=1), every: epoch}"])
def test_a_run_keeps_both_and_goes_on_bit_for_bit(tmp_path: Path, setting: str):
    text = LINE.replace("epochs: 3", f"epochs: 4, average: {setting}, report: [loss]")
    text = text.replace("batch: 10", "batch: 10, split: {train: 0.8, test: 0.2}")
    whole = gf.loads(text)
    outcome = gf.train(whole, out=tmp_path / "whole")
    gf.train(gf.loads(text), epochs=2, out=tmp_path / "run")
    from graphflow.training.feed import Feed
    from graphflow.training.loop import Loop
    from graphflow.training.run_folder import RunFolder

    run = RunFolder.open(tmp_path / "run")
    resumed = gf.load(run.graph_file)
    trainer = resumed.trainer()
    loop = Loop(trainer, Feed(resumed.elaborated, None, trainer.seed))
    loop.resume(run)
    assert loop.run().metrics == outcome.metrics
    loaded = gf.load_run(tmp_path / "run")
    kept = run.latest().arrays
    for name, value in whole.parameters.items():
        assert value.tobytes() == resumed.parameters[name].tobytes()
        assert value.tobytes() == loaded.parameters[name].tobytes()
        assert value.tobytes() == kept[f"optimizer.averages.{name}"].tobytes()
        assert value.tobytes() != kept[name].tobytes()


@pytest.mark.parametrize(
    ("setting", "code", "message"),
    [
        ("ema(2)", "GF030", "decay is between 0 and 1, not 2"),
        ("swa(start=-1)", "GF030", "start is 0 or more, not -1"),
        ("ema(0.9, 0, 1)", "GF022", "ema takes"),
        ("emma(0.9)", "GF021", "unknown function 'emma'"),
        ("sgd(0.1)", "GF042", "'sgd' is no average of weights"),
        ("0.9", "GF042", "an average is a call"),
        ("{is: ema(0.9), every: batch}", "GF013", "'step' or 'epoch' is expected"),
        ("{is: ema(0.9), evry: step}", "GF010", "an average has no key 'evry'"),
    ],
)
def test_a_wrong_average_is_refused(setting, code, message):
    found = refused(f"optimizer: sgd(0.1)\naverage: {setting}")
    assert found.code == code and message in found.message
    assert found.mark is not None and found.mark.line == 13
