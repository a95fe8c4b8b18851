"""A budget of memory changes when values are computed, and what memory that takes: no number."""

from __future__ import annotations

import json
import tracemalloc
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import graphflow as gf
from graphflow.backends.sets import kernel_set
from graphflow.ir.graph import Graph
from graphflow.runtime.compile import Settings
from graphflow.runtime.executor import Executor
from graphflow.runtime.planning import budgeted_plan, fast_plan, laid_out
from graphflow.schedule.plan import Plan
from graphflow.training.trainer import Trainer
from tests.runtime.budgeted_models import MLP, Array, batch, model

REACHED = [
    ("mlp", 0.8), ("lenet", 1.0), ("transformer", 0.5), ("lstm", 0.7),
    pytest.param("mlp", 1.0, marks=pytest.mark.slow),
    pytest.param("resnet", 0.95, marks=pytest.mark.slow),
    pytest.param("transformer", 0.7, marks=pytest.mark.slow),
]  # fmt: skip
"""Models, and the share of the plain peak that is allowed."""
NUMPY = kernel_set("numpy")
LAYOUT = partial(laid_out, kernels=NUMPY)


def step_of(name: str) -> Graph:
    return model(name).trainer().graphs(batch(name))[0]


def trained(trainer: Trainer, fed: dict[str, Array]) -> list[Array]:
    """Two losses and all that the trainer holds after two steps."""
    losses = [trainer.step(fed).values["loss"] for _ in range(2)]
    return [*losses, *trainer.state_dict().values()]


def assert_equal(ones: list[Array], others: list[Array]) -> None:
    assert len(ones) == len(others) > 3
    for one, other in zip(ones, others, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("name", "share"), REACHED)
def test_training_within_a_budget_is_the_same_bit_for_bit(name: str, share: float):
    plain = fast_plan(step_of(name), NUMPY).peak_bytes
    trainer = model(name).trainer(memory=int(share * plain))
    assert_equal(trained(model(name).trainer(), batch(name)), trained(trainer, batch(name)))
    (made,) = trainer.budgeted.values()
    assert made.plan.peak_bytes <= share * plain
    assert made.kept_bytes == plain
    assert bool(made.again) == (share < 1) == (made.extra_flops > 0)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "share"), [("mlp", 0.85), ("transformer", 0.5), ("lstm", 0.7)])
def test_compiled_kernels_keep_a_budget_too(name: str, share: float):
    plain = fast_plan(step_of(name), kernel_set("numba")).peak_bytes
    trainer = model(name).trainer(memory=int(share * plain), kernels="numba")
    bounded = trained(trainer, batch(name))
    (made,) = trainer.budgeted.values()
    assert made.again and made.plan.peak_bytes <= share * plain
    unbounded = trained(model(name).trainer(kernels="numba"), batch(name))
    for one, other in zip(unbounded, bounded, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_dropout_is_drawn_again():
    """Its numbers are those of forward: with them training is the same bit for bit, see above."""
    graph = budgeted_plan(step_of("transformer"), LAYOUT, 1).plan.graph
    again = [n for n in graph if n.op == "bernoulli" and graph.origin(n.name).phase == "backward"]
    assert again


def test_less_memory_costs_more_work():
    graph = step_of("mlp")
    plain = fast_plan(graph, NUMPY).peak_bytes
    work = [budgeted_plan(graph, LAYOUT, int(s * plain)).extra_flops for s in (1, 0.9, 0.8)]
    assert work == sorted(work) and work[0] == 0 < work[1]


def test_the_same_graph_gives_the_same_plan():
    graph = step_of("lstm")
    budget = int(0.75 * fast_plan(graph, NUMPY).peak_bytes)
    one, other = (budgeted_plan(graph, LAYOUT, budget) for _ in range(2))
    assert one.plan.graph == other.plan.graph and one.again == other.again


def taken(graph: Graph, plan: Plan, trainer: Trainer, fed: dict[str, Array]) -> int:
    """Bytes that binding a plan and running it takes at most, as Python counts them."""
    given = {**fed, **{n.name: np.zeros(2, np.uint64) for n in graph.leaves("rng")}}
    tracemalloc.start()
    try:
        Executor(plan, trainer.store, list(given), NUMPY.backend).run(given)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_run_takes_as_much_less_memory_as_was_planned():
    trainer = model("transformer").trainer()
    fed = {"x": np.random.default_rng(0).normal(size=(128, 16, 32)).astype(np.float32)}
    trainer.step(fed)  # the store is filled
    (graph,) = trainer.graphs(fed)
    plain = fast_plan(graph, NUMPY)
    bounded = budgeted_plan(graph, LAYOUT, plain.peak_bytes // 2).plan
    before, after = (taken(graph, plan, trainer, fed) for plan in (plain, bounded))
    planned = plain.arena_bytes - bounded.arena_bytes
    assert planned > 0.45 * plain.arena_bytes
    assert before - after == pytest.approx(planned, rel=0.1)


def test_gathering_gradients_keeps_the_budget():
    text = MLP.replace("steps: 2", "steps: 2, accumulate: 2")
    plain = gf.loads(text).trainer()
    (graph,) = plain.graphs(batch("mlp"))
    budget = int(0.8 * fast_plan(graph, NUMPY).peak_bytes)
    trainer = gf.loads(text.replace("steps: 2", f"steps: 2, memory: {budget}")).trainer()
    assert_equal(trained(plain, batch("mlp")), trained(trainer, batch("mlp")))
    (made,) = trainer.budgeted.values()
    assert made.again and made.plan.peak_bytes <= budget


def test_what_cannot_fit_says_what_is_missing_and_what_would_do():
    net = model("mlp")
    with pytest.raises(gf.GraphflowError) as caught:
        net.trainer(memory=1_000_000).step(batch("mlp"))
    (found,) = caught.value.diagnostics
    least = budgeted_plan(step_of("mlp"), LAYOUT, 1_000_000).plan.peak_bytes
    assert found.code == "GF060" and f"memory: {least} would do" in found.message
    assert "are missing" in found.message and "computes again" in found.message
    assert found.notes and "accumulate" in str(found.help)
    model("mlp").trainer(memory=least).step(batch("mlp"))
    with pytest.raises(gf.GraphflowError, match="GF060"):
        model("mlp").trainer(memory=least - 1).step(batch("mlp"))


def test_what_is_given_takes_the_place_of_the_file():
    net = gf.loads(MLP.replace("steps: 2", "steps: 2, memory: 4GiB"))
    assert net.trainer().settings.memory == 4 * 1024**3
    given = net.trainer(memory=10**9).settings
    assert given == Settings("train", memory=10**9, precision="fp32")


@pytest.mark.parametrize("amount", ["much", "0", "-1GB", "[1]", "4XB", "true"])
def test_a_budget_is_an_amount_of_memory(amount: str):
    with pytest.raises(gf.GraphflowError, match="amount of memory"):
        gf.loads(MLP.replace("steps: 2", f"steps: 2, memory: {amount}"))


def test_the_folder_of_a_run_says_what_was_computed_again(tmp_path: Path):
    text = """
graphflow: 1
name: Deep
inputs: {x: {shape: [B, 4]}, y: {shape: [B], dtype: int}}
data: {source: iris, feed: {x: x, y: label}, batch: 150}
nodes:
  net: {from: x, through: [{repeat: 12, through: [linear(16), tanh]}, linear(3)]}
  loss: cross_entropy(net, y)
train: {minimize: loss, optimizer: sgd(lr=0.1), steps: 2, memory: MEMORY}
"""
    (graph,) = gf.loads(text.replace("MEMORY", "1GB")).trainer().graphs(
        {"x": np.zeros((150, 4)), "y": np.zeros(150, int)}
    )
    budget = int(0.8 * fast_plan(graph, NUMPY).peak_bytes)
    net = gf.loads(text.replace("MEMORY", str(budget)))
    gf.train(net, out=tmp_path / "run", kernels="numpy")
    kept = json.loads((tmp_path / "run" / "memory.json").read_text())
    assert kept["step"]["budget"] == budget >= kept["step"]["peak"]
    assert kept["step"]["peak_before"] > budget and kept["step"]["again"]
    gf.train(gf.loads(text.replace(", memory: MEMORY", "")), out=tmp_path / "free")
    assert not (tmp_path / "free" / "memory.json").exists()
