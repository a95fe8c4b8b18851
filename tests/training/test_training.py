"""Training: what is learned, by whom, and that stopping and going on changes nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

import graphflow as gf
from graphflow.ops.op import Array
from graphflow.training.feed import Feed
from graphflow.training.loop import Loop
from graphflow.training.progress import Progress
from graphflow.training.run_folder import RunFolder
from graphflow.training.step_graph import step_graph

EXAMPLES = Path(__file__).parents[1] / "examples"

LINE = """
graphflow: 1
name: line
inputs: {x: {shape: [B, 2]}, y: {shape: [B, 1]}}
nodes:
  f: linear(x, 1)
  d: "dropout(f, 0.1)"
  loss: mse_loss(d, y)
data:
  source: synthetic_regression
  n: 200
  w: [2, -3.4]
  b: 4.2
  batch: 20
  split: {train: 0.8, test: 0.2}
train: {minimize: loss, optimizer: "OPTIMIZER", epochs: 3, report: [loss]}
"""


def line(optimizer: str = "adam(lr=0.05)") -> gf.Model:
    return gf.loads(LINE.replace("OPTIMIZER", optimizer))


def parameters(model: gf.Model) -> dict[str, Array]:
    return {name: np.array(value) for name, value in model.parameters.items()}


def same(a: dict[str, Array], b: dict[str, Array]) -> bool:
    return a.keys() == b.keys() and all(a[n].tobytes() == b[n].tobytes() for n in a)


@pytest.mark.parametrize("style", ["b_mlp", "b2_mlp_math"])
def test_both_mlps_learn_the_digits(style: str):
    data = {
        "data.source": "digits",
        "data.batch": 64,
        "data.split.train": 0.8,
        "data.split.test": 0.2,
        "data.feed.x": "pixels / 16",
        "data.feed.y": "label",
    }
    model = gf.load(EXAMPLES / f"{style}.yaml", None if style == "b_mlp" else data)
    gf.train(model, epochs=25)
    digits = Feed(gf.load(EXAMPLES / "b_mlp.yaml").elaborated, None, 0)
    program = model.compile(of="logits")
    right = rows = 0
    for inputs, count in digits.evaluation("test"):
        guess = program({"x": inputs["x"]}).values["logits"].argmax(axis=1)
        right, rows = right + int((guess == inputs["y"]).sum()), rows + count
    assert right / rows >= 0.97


@pytest.mark.parametrize(
    "optimizer", ["sgd(lr=0.1)", "sgd(lr=0.1, momentum=0.9)", "adam(lr=step_lr(0.1, 10))"]
)
def test_two_runs_of_one_seed_are_equal_bit_for_bit(optimizer: str):
    first, second = line(optimizer), line(optimizer)
    gf.train(first)
    gf.train(second)
    assert same(parameters(first), parameters(second))
    third = line(optimizer)
    gf.train(third, seed=1)
    assert not same(parameters(first), parameters(third))


@pytest.mark.parametrize("stop_after", [1, 8, 11, 23])
def test_an_interrupted_and_resumed_run_is_equal_bit_for_bit(tmp_path: Path, stop_after: int):
    whole = line()
    gf.train(whole, out=tmp_path / "whole")

    class Stop(gf.Callback):
        def on_step(self, progress: Progress, values: Mapping[str, float]) -> None:
            if progress.step == stop_after:
                progress.stop()

    broken = line()
    trainer = broken.trainer()
    feed = Feed(broken.elaborated, None, trainer.seed)
    run = RunFolder.create(tmp_path / "broken", broken.expanded(), {})
    loop = Loop(trainer, feed, callbacks=[Stop()])
    loop.begin(run)
    assert loop.run().interrupted

    resumed = gf.load(run.graph_file)
    trainer = resumed.trainer()
    loop = Loop(trainer, Feed(resumed.elaborated, None, trainer.seed))
    loop.resume(run)
    loop.run()
    assert same(parameters(whole), parameters(resumed))
    rows = (tmp_path / "whole" / "metrics.jsonl").read_text()
    assert rows == (tmp_path / "broken" / "metrics.jsonl").read_text()
    assert [json.loads(row)["epoch"] for row in rows.splitlines()] == [1, 2, 3]


GAN = {"pixels": 16, "latent": 3}


def test_each_player_holds_only_what_its_loss_needs():
    model = gf.load(EXAMPLES / "f_gan.yaml", GAN)
    assert model.elaborated.training is not None
    for objective in model.elaborated.training.objectives:
        graph = step_graph(model.elaborated, objective).graph
        own, other = ("D", "G") if objective.name == "discriminator" else ("G", "D")
        assert all(name in graph for name in model.elaborated.instances[own])
        for node in graph:
            origin = graph.origin(node.name)
            if origin.phase == "backward" and own == "D":
                twin = str(origin.twin)
                assert not twin.startswith(("fake", "G.")), f"{node.name} differentiates {twin}"
        for name in model.elaborated.instances[other]:
            assert f"{name}.grad" not in graph
            assert name not in graph.updates


def test_a_turn_changes_its_own_player_only():
    model = gf.load(EXAMPLES / "f_gan.yaml", GAN)
    trainer = model.trainer()
    before = parameters(model)
    real = np.random.default_rng(0).standard_normal((4, 16))
    trainer.players["discriminator"].on_batch("", {"real": real}, np.array([0, 0]), {}).run()
    after = parameters(model)
    for name in before:
        assert (before[name].tobytes() == after[name].tobytes()) == name.startswith("G.")


def test_style_transfer_lowers_its_loss_by_changing_the_image():
    sizes = {"H": 16, "W": 24, "layers.net.weights": "none"}
    photographs = {
        "data.source": "photographs",
        "data.size": [16, 24],
        "data.batch": 1,
        "data.feed.content": "china",
        "data.feed.style": "flower",
    }
    model = gf.load(EXAMPLES / "g_style.yaml", sizes | photographs)
    trainer = model.trainer()
    feed = Feed(model.elaborated, None, 0)
    ((inputs, _),) = feed.training(0)
    losses = [float(trainer.step(inputs).values["loss"]) for _ in range(80)]
    assert losses[-1] < 0.5 * losses[0]
    changed = [n for n in model.parameters if "image" in n]
    assert changed == ["image"]
    assert not np.array_equal(model.parameters["image"], inputs["content"])


def test_a_state_is_carried_from_batch_to_batch_and_reset_by_epoch():
    small = {"vocab": 12, "width": 4, "hidden": 5}
    model = gf.load(EXAMPLES / "d_lstm.yaml", small)
    trainer = model.trainer()
    tokens = np.random.default_rng(0).integers(0, 12, (6, 3))
    trainer.step({"tokens": tokens, "targets": tokens})
    carried = np.array(model.state["h0"])
    assert carried.any()
    trainer.step({"tokens": tokens, "targets": tokens})
    assert not np.array_equal(carried, model.state["h0"])
    trainer.start_epoch(1)
    assert not model.state["h0"].any()


def test_running_statistics_follow_the_batches():
    model = gf.loads("""
graphflow: 1
name: bn
inputs: {x: {shape: [B, 3]}}
nodes: {h: batch_norm(x), loss: mean(h * h * h)}
train: {minimize: loss, optimizer: sgd(lr=0)}
""")
    x = np.random.default_rng(0).standard_normal((50, 3)) * 2 + 1
    model.trainer(dtype="float64").step({"x": x})
    np.testing.assert_allclose(model.state["h.running_mean"], 0.1 * x.mean(0), rtol=1e-12)
    expected = 0.9 + 0.1 * x.var(0, ddof=1)
    np.testing.assert_allclose(model.state["h.running_var"], expected, rtol=1e-12)
    model.compile(of="h", mode="train")({"x": x})
    np.testing.assert_allclose(model.state["h.running_var"], expected, rtol=1e-12)


def test_gradient_clipping_bounds_the_joint_norm():
    text = """
graphflow: 1
name: clip
inputs: {x: scalar}
params: {a: {shape: [2], init: zeros}, b: {shape: scalar, init: zeros}}
nodes: {loss: "x * (3 * sum(a) + 4 * b)"}
train: {minimize: loss, optimizer: sgd(lr=1.0), clip_norm: 0.5}
"""
    model = gf.loads(text)
    model.trainer(dtype="float64").step({"x": 100.0})
    step = np.concatenate([model.parameters["a"], [model.parameters["b"]]])
    np.testing.assert_allclose(np.linalg.norm(step), 0.5, rtol=1e-6)
    np.testing.assert_allclose(step / step[0], [1, 1, 4 / 3], rtol=1e-6)


def test_groups_have_their_own_rate_or_are_frozen():
    text = """
graphflow: 1
name: groups
inputs: {x: scalar}
params:
  a: {shape: scalar, init: zeros}
  b: {shape: scalar, init: zeros}
  c: {shape: scalar, init: zeros}
nodes: {loss: x * (a + b + c)}
train:
  minimize: loss
  optimizer: sgd(lr=1.0)
  groups: [{params: [b], lr: 0.1}, {params: [c], frozen: true}]
"""
    model = gf.loads(text)
    model.trainer().step({"x": 1.0})
    assert [float(model.parameters[n]) for n in "abc"] == pytest.approx([-1.0, -0.1, 0.0])


def test_a_loss_that_is_not_finite_stops_training_and_guard_names_the_node():
    text = LINE.replace("loss: mse_loss(d, y)", "bad: log(d - 1e6)\n  loss: mean(bad * y)")
    model = gf.loads(text.replace("OPTIMIZER", "sgd(lr=0.1)"))
    with pytest.raises(gf.GraphflowError, match="GF062"):
        gf.train(model)
    trainer = gf.loads(text.replace("OPTIMIZER", "sgd(lr=0.1)")).trainer(plan="guarded")
    with pytest.raises(gf.GraphflowError) as caught:
        trainer.step({"x": np.ones((2, 2)), "y": np.ones((2, 1))})
    (diagnostic,) = caught.value.diagnostics
    assert "'bad' (log, forward)" in diagnostic.message and diagnostic.mark.line == 8
    assert "operand 'bad.sub'" in diagnostic.notes[0].message


def test_training_that_does_not_fit_is_refused_before_it_starts():
    model = line()
    trainer = model.trainer(memory=100)
    with pytest.raises(gf.GraphflowError, match="GF060"):
        trainer.step({"x": np.ones((20, 2)), "y": np.ones((20, 1))})


def test_a_graph_that_draws_its_own_data_needs_none():
    model = gf.loads("""
graphflow: 1
name: drawn
params: {w: {shape: [3], init: zeros}}
nodes: {x: "normal([16, 3])", loss: "mean((x @ w - sum(x, axis=1)) ** 2)"}
train: {minimize: loss, optimizer: sgd(lr=0.1), steps: 60}
""")
    outcome = gf.train(model)
    assert outcome.progress.step == 60
    np.testing.assert_allclose(model.parameters["w"], 1, atol=1e-3)


def test_without_data_each_step_is_logged_and_the_last_one_is_the_result(tmp_path: Path):
    text = "{graphflow: 1, name: n, params: {w: {shape: [], init: '4.0'}}, nodes: {f: w ** 2}, \
            train: {minimize: f, optimizer: sgd(lr=0.25), steps: 3}}"
    outcome = gf.train(gf.loads(text), out=tmp_path / "run")
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["metrics"]["train/loss"] for line in lines] == [16, 4, 1]
    assert outcome.metrics == {"train/loss": 1}


def test_a_run_is_loaded_with_what_it_learned(tmp_path: Path):
    model = line()
    gf.train(model, out=tmp_path / "run")
    again = gf.load_run(tmp_path / "run")
    assert same(parameters(model), parameters(again))
    x = np.ones((2, 2))
    np.testing.assert_array_equal(
        model.compile(of="f")({"x": x})["f"], again.compile(of="f")({"x": x})["f"]
    )


def test_what_is_not_fed_is_named_with_the_columns_there_are():
    text = LINE.replace("OPTIMIZER", "sgd(lr=0.1)")
    text = text.replace("batch: 20", "batch: 20\n  feed: {x: x}")
    with pytest.raises(gf.GraphflowError) as caught:
        gf.train(gf.loads(text))
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "GF065" and "'y'" in diagnostic.message
    assert "data.feed" in str(diagnostic.help) and "x, y" in str(diagnostic.help)


def test_a_label_out_of_range_names_its_line():
    text = """
graphflow: 1
name: labels
inputs: {x: {shape: [B, 2]}, y: {shape: [B], dtype: int}}
nodes:
  logits: linear(x, 3)
  loss: cross_entropy(logits, y)
train: {minimize: loss, optimizer: sgd(lr=0.1)}
"""
    with pytest.raises(gf.GraphflowError) as caught:
        gf.loads(text).trainer().step({"x": np.ones((2, 2)), "y": [0, 3]})
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "GF080" and diagnostic.mark.line == 7


def test_evaluation_carries_its_own_state():
    model = gf.loads("""
graphflow: 1
name: carried
inputs: {x: {shape: [B]}}
params: {w: {shape: scalar, init: ones}}
state: {h: {shape: [B], init: zeros, reset: epoch}, seen: {shape: scalar, init: zeros}}
nodes: {y: h + w * x, loss: mean(y)}
updates: {h: stop_gradient(y), seen: seen + 1}
train: {minimize: loss, optimizer: sgd(lr=0), report: [loss]}
""")
    trainer = model.trainer()
    trainer.step({"x": np.full(2, 5.0)})
    batches = [({"x": np.ones(2)}, 2)] * 3
    assert trainer.evaluate(batches) == {"loss": 2}
    assert trainer.evaluate(batches) == {"loss": 2}
    assert model.state["h"].tolist() == [5, 5] and model.state["seen"] == 1
