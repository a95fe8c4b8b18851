"""A rate that falls when a metric of the epochs stops getting better."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import graphflow as gf
from tests.training.test_accumulate import LINE

FALL = """
graphflow: 1
name: a number whose gradient is 1
params: {w: {shape: scalar, init: zeros}}
nodes: {loss: w * 1, score: w * 2}
train:
  minimize: loss
  report: [score]
  optimizer: "sgd(lr=SCHEDULE)"
"""


def rates(schedule: str, metrics: list[float], updates: int = 2) -> list[float]:
    """The rate of each epoch, which ends with one of the metrics; it is the same all through."""
    model = gf.loads(FALL.replace("SCHEDULE", schedule))
    trainer = model.trainer(dtype="float64")
    found = []
    for epoch, metric in enumerate(metrics):
        trainer.start_epoch(epoch)
        before = float(model.parameters["w"])
        steps = []
        for _ in range(updates):
            trainer.step({})
            steps.append(before - float(model.parameters["w"]))
            before = float(model.parameters["w"])
        assert steps == pytest.approx([steps[0]] * updates)
        found.append(steps[0])
        trainer.end_epoch({"test/loss": metric, "train/loss": 0.0, "test/score": metric})
    return found


def test_it_waits_and_cuts_and_rests():
    """By hand, patience 1 and cooldown 2: the cut comes with the second epoch that is no better,
    and the two epochs after it do not count.
    """
    found = rates(
        "reduce_lr_on_plateau(1, 'test/loss', factor=0.5, patience=1, cooldown=2)",
        [5, 4, 4, 4, 4, 4, 4, 4, 3],
    )
    assert found == pytest.approx([1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25])


def test_large_values_may_be_good_and_the_rate_has_a_floor():
    found = rates(
        "reduce_lr_on_plateau(1, 'test/score', 'max', 0.1, patience=0, min_lr=0.02)",
        [1, 2, 2, 2, 2, 3],
    )
    assert found == pytest.approx([1, 1, 1, 0.1, 0.02, 0.02])


def test_a_threshold_is_a_share_or_an_amount():
    """From 10 to 9 is more than 5 percent, and less than 2."""
    call = "reduce_lr_on_plateau(1, 'test/loss', factor=0.5, patience=0, threshold={})"
    assert rates(call.format(0.05), [10, 9, 9, 9]) == pytest.approx([1, 1, 1, 0.5])
    absolute = call.format("2, threshold_mode='abs'")
    assert rates(absolute, [10, 9, 9, 9]) == pytest.approx([1, 1, 0.5, 0.25])


def test_it_combines_with_other_schedules():
    found = rates(
        "warmup(reduce_lr_on_plateau(1, 'test/loss', factor=0.5, patience=0), 4, per='epoch')",
        [1.0] * 6,
    )
    assert found == pytest.approx([0, 0.25, 0.25, 0.1875, 0.125, 0.0625])


def test_a_resumed_run_goes_on_bit_for_bit(tmp_path: Path):
    text = LINE.replace("adam(lr=0.05)", "'adam(reduce_lr_on_plateau(0.5, PLATEAU))'")
    text = text.replace("PLATEAU", "''train/loss'', patience=0").replace("epochs: 3", "epochs: 8")
    whole = gf.loads(text)
    gf.train(whole)
    broken = gf.loads(text)
    gf.train(broken, epochs=5, out=tmp_path / "run")
    from graphflow.training.feed import Feed
    from graphflow.training.loop import Loop
    from graphflow.training.run_folder import RunFolder

    run = RunFolder.open(tmp_path / "run")
    resumed = gf.load(run.graph_file)
    trainer = resumed.trainer()
    loop = Loop(trainer, Feed(resumed.elaborated, None, trainer.seed))
    loop.resume(run)
    loop.run()
    assert float(trainer.store.array("optimizer.reduce_lr_on_plateau.scale")) < 1
    for name, value in whole.parameters.items():
        assert value.tobytes() == resumed.parameters[name].tobytes()


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ("reduce_lr_on_plateau(1, 'test/lost')", "no epoch has a metric 'test/lost'"),
        ("reduce_lr_on_plateau(1, 'loss')", "no epoch has a metric 'loss'"),
        ("reduce_lr_on_plateau(1, 5)", "a metric is named by a text"),
        ("reduce_lr_on_plateau(1)", "needs 'metric'"),
        ("reduce_lr_on_plateau(1, 'test/loss', 'least')", "mode is 'min' or 'max', not 'least'"),
        ("reduce_lr_on_plateau(1, 'test/loss', factor=2)", "factor is between 0 and 1, not 2"),
        ("reduce_lr_on_plateau(1, 'test/loss', patience=-1)", "patience and cooldown are 0 or"),
        ("reduce_lr_on_plateau(1, 'test/loss', threshold_mode='x')", "'rel' or 'abs', not 'x'"),
        ("reduce_lr_on_plateau(1, 'test/loss', min_lr=-1)", "min_lr and eps are 0 or more"),
    ],
)
def test_a_wrong_call_is_refused_when_the_file_is_read(schedule, message):
    with pytest.raises(gf.GraphflowError) as caught:
        gf.loads(FALL.replace("SCHEDULE", schedule))
    (found,) = caught.value.diagnostics
    assert message in found.message
    assert found.mark is not None and (found.mark.file, found.mark.line) == ("<text>", 9)


def test_a_metric_that_no_epoch_has_is_refused():
    model = gf.loads(FALL.replace("SCHEDULE", "reduce_lr_on_plateau(1, 'tets/loss')"))
    with pytest.raises(gf.GraphflowError, match="GF042") as caught:
        model.trainer().end_epoch({"train/loss": 1.0, "test/loss": 1.0})
    assert "test/loss" in str(caught.value.diagnostics[0].help)


def test_epochs_that_nobody_ended_are_refused():
    trainer = gf.loads(FALL.replace("SCHEDULE", "reduce_lr_on_plateau(1, 'test/loss')")).trainer()
    trainer.start_epoch(0)
    trainer.step({})
    with pytest.raises(gf.GraphflowError, match="which is not a number"):
        trainer.start_epoch(1)


def test_it_is_no_value_of_a_model():
    with pytest.raises(gf.GraphflowError, match="training alone knows") as caught:
        gf.loads("""
graphflow: 1
name: n
nodes: {rate: "reduce_lr_on_plateau(1, 'test/loss')"}
""")
    assert caught.value.diagnostics[0].mark.line == 4
    assert np.isfinite(rates("reduce_lr_on_plateau(0.1, 'test/loss')", [1.0])).all()
