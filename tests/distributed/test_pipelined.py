"""Stages with some layers each make the steps that one process makes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import graphflow as gf
from graphflow.gallery import find
from tests.distributed.here import assert_same, trained
from tests.distributed.stages_here import pipelined
from tests.distributed.test_data_parallel import SMALL


def model(name: str) -> gf.Model:
    """A canned graph without what one process alone can do."""
    text = Path(find(name)).read_text()
    return gf.loads(text.replace("  clip_norm: 1.0\n", ""), {"p_drop": 0} if name == "mlp" else {})


def small(options: str = "", nodes: str = "relu(linear(x, 16))") -> gf.Model:
    text = SMALL.replace("OPTIONS", options)
    return gf.loads(text.replace("relu(linear(x, 16))", nodes))


@pytest.mark.parametrize(
    "name", ["mlp", pytest.param("lenet", marks=pytest.mark.slow),
             pytest.param("transformer_mt", marks=pytest.mark.slow)],
)  # fmt: skip
def test_stages_train_as_one_process_does(name):
    one, last = trained(model(name))
    for count in (1, 2, 4):
        several, found = trained(model(name), shared=pipelined(count))
        assert_same(one, several)
        assert float(found["loss"]) == pytest.approx(float(last["loss"]), abs=1e-9)


@pytest.mark.parametrize("options", [
    "accumulate: 3", "clip_value: 0.1", "average: {is: swa(start=1), every: epoch}",
    pytest.param("average: ema(decay=0.9)", marks=pytest.mark.slow)])  # fmt: skip
def test_what_else_a_step_does_is_done_by_stages(options):
    one, _ = trained(small(options), steps=40)
    several, _ = trained(small(options), shared=pipelined(2, 3), steps=40)
    assert_same(one, several, 1e-9)


def test_batch_norms_go_on_as_with_so_many_smaller_batches():
    """Micro-batches of 25 rows, two an update: one process that accumulates two batches."""
    nodes = "relu(batch_norm(linear(x, 16)))"
    whole, random = small(nodes=nodes), np.random.default_rng(0)
    one = small("accumulate: 2", nodes).trainer(dtype="float64")
    several = whole.trainer(dtype="float64", shared=pipelined(2, 2))
    for _ in range(5):
        x, y = random.standard_normal((50, 64)), random.integers(0, 10, 50)
        several.step({"x": x, "y": y})
        for half in (slice(0, 25), slice(25, 50)):
            one.step({"x": x[half], "y": y[half]})
    for name in whole.elaborated.leaves:
        np.testing.assert_allclose(
            several.store.copied(name), one.store.copied(name), rtol=0, atol=1e-9, err_msg=name
        )


def test_a_parameter_of_two_stages_lies_in_the_first():
    text = """
graphflow: 1
name: tied
inputs: {x: [B, 6]}
params: {w: {shape: [6, 6], init: normal(0.5)}}
nodes:
  a: tanh(x @ w)
  b: tanh(linear(a, 6))
  loss: mean((b @ transpose(w) - x) ** 2)
train: {minimize: loss, optimizer: sgd(lr=0.1)}
"""
    one, several = (
        gf.loads(text).trainer(dtype="float64", shared=shared) for shared in (None, pipelined(3, 2))
    )
    random = np.random.default_rng(0)
    for _ in range(5):
        batch = {"x": random.standard_normal((7, 6))}
        losses = [float(trainer.step(batch)["loss"]) for trainer in (one, several)]
        assert losses[1] == pytest.approx(losses[0], abs=1e-12)
    assert_same(one, several, 1e-12)


def test_leaves_come_back_for_whoever_asks_and_go_out_again():
    trainer, _ = trained(small(), shared=pipelined(2), steps=3)
    name = next(iter(trainer.elaborated.parameters))
    before = trainer.store.copied(name)
    trainer.store.array(name)[...] += 1
    trainer.step({"x": np.zeros((4, 64)), "y": np.zeros(4, int)})
    np.testing.assert_allclose(trainer.store.copied(name) - before, 1, atol=0.1)


def test_a_stage_has_its_own_leaves_alone():
    player = trained(small(), shared=pipelined(2), steps=1)[0].players[""]
    stages, workers = player._stages, player.pipeline._workers
    for stage, worker in enumerate(workers.made):
        elsewhere = {name for name, number in stages.owners.items() if number != stage}
        assert not elsewhere & set(worker._store.names())


def test_a_state_of_stages_goes_on_with_any_number_of_them():
    random = np.random.default_rng(0)
    batches = [{"x": random.standard_normal((5, 64)), "y": np.arange(5)} for _ in range(7)]

    def trainer(shared=None):
        return small("accumulate: 2").trainer(dtype="float64", shared=shared)

    whole, first, second = trainer(), trainer(pipelined(2, 2)), trainer(pipelined(3, 5))
    for batch in batches:
        whole.step(batch)
    for batch in batches[:3]:
        first.step(batch)
    second.load_state_dict(first.state_dict())
    for batch in batches[3:]:
        second.step(batch)
    assert_same(whole, second, 1e-12)


@pytest.mark.parametrize(("refused", "said"), [
    (lambda: gf.load("gan"), "several players"),
    (lambda: small("batch_statistics: synchronised", "relu(batch_norm(linear(x, 16)))"),
     "synchronised batch statistics"),
    (lambda: gf.load("lstm"), "has a row for each of a batch"),
    (lambda: small("clip_norm: 1.0"), "needs all of these at one place"),
])  # fmt: skip
def test_what_stages_cannot_do_is_refused(refused, said):
    with pytest.raises(gf.GraphflowError, match=said) as caught:
        trained(refused(), shared=pipelined(4), steps=1)
    assert [d.code for d in caught.value.diagnostics] == ["GF044"]
    assert caught.value.diagnostics[0].help


@pytest.mark.parametrize(("count", "micro_batches"), [(0, None), (2, 0), (True, None), (2, 1.5)])
def test_numbers_of_stages_and_micro_batches_are_whole(count, micro_batches):
    with pytest.raises(gf.GraphflowError, match="a whole number from 1 on"):
        pipelined(count, micro_batches)
