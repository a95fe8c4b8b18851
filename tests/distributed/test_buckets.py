"""Gradients come in buckets while backward goes on, and nothing else changes."""

from __future__ import annotations

import threading
from functools import partial

import numpy as np
import pytest

import graphflow as gf
from graphflow.distributed.all_reduce import Rank, Reducer
from graphflow.distributed.data_parallel import SharedPlayer
from graphflow.distributed.gradient_graph import GradientGraph
from graphflow.distributed.ray_pool import RayPool
from graphflow.distributed.worker import Share, Worker
from graphflow.passes.synchronise import all_rows
from graphflow.runtime.compile import Compiler, Settings
from graphflow.runtime.early import Early
from graphflow.runtime.program import random_key
from tests.distributed.here import Here, assert_same, trained

NET = """
graphflow: 1
name: two layers
inputs: {x: [B, 64], y: {shape: [B], dtype: int}}
layers: {body: linear(8), bn: batch_norm(), head: linear(10)}
nodes:
  h: relu(bn(body(x)))
  loss: cross_entropy(head(h), y)
data: {source: digits, batch: 31, feed: {x: pixels / 16, y: label}}
train:
  minimize: loss
  optimizer: adam(lr=0.01)
  epochs: 1
  seed: 3
  batch_statistics: synchronised
"""
LAST_FIRST = ["head.bias", "head.weight", "bn.bias", "bn.weight", "body.bias", "body.weight"]


def gradient_graph() -> GradientGraph:
    trainer = gf.loads(NET).trainer(dtype="float64", shared=partial(SharedPlayer, Here(1)))
    player = trainer.players[""]
    assert isinstance(player, SharedPlayer)
    return player.gradient_graph


def names(buckets: list[tuple[str, ...]]) -> list[list[str]]:
    return [[leaf.removeprefix("optimizer.gathered.") for leaf in bucket] for bucket in buckets]


@pytest.mark.parametrize("size", [1, 600, 2**30])
def test_the_size_of_buckets_changes_no_bit(size):
    whole, _ = trained(gf.loads(NET), Here(3), steps=6)
    several, _ = trained(gf.loads(NET), Here(3, bucket=size), steps=6)
    assert_same(whole, several, tolerance=0)


def test_buckets_are_filled_from_the_last_layer_on():
    one_each = names(gradient_graph().buckets(1, 8))
    assert sorted(map(len, one_each)) == [1] * 7  # six parameters, and the count of batches
    found = [name for (name,) in one_each if name != "optimizer.gathered"]
    assert {*found[:2]} == {*LAST_FIRST[:2]} and {*found[-2:]} == {*LAST_FIRST[-2:]}
    assert len(names(gradient_graph().buckets(2**30, 8))) == 1
    head = 10 * 8 * 8  # the bytes of the head's weight
    halves = names(gradient_graph().buckets(head, 8))
    assert "head.weight" in halves[0] and "body.weight" in halves[1] and len(halves) <= 3


class Held(Reducer):
    """Backward of the batch norm, which is met for, waits until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def mean(self, rank, place, value):
        if place.endswith("grad"):
            assert self.go.wait(timeout=30)
        return super().mean(rank, place, value)


def test_the_last_layers_gradients_are_there_while_backward_goes_on():
    part, reducer = gradient_graph(), Held()
    worker = Worker({"": part}, Settings("train"), bucket=1)
    rng = np.random.default_rng(0)
    leaves = {n: rng.normal(size=[int(str(d)) for d in t.shape]) ** 2
              for n, t in part.leaves.items()}  # fmt: skip
    batch = {"x": rng.normal(size=(4, 64)), "y": np.array([1, 2, 3, 4])}
    sizes = {"B": 4, all_rows("B"): 4}
    share = Share(batch, {}, random_key(0, 0), sizes, Rank(0, 0, (1.0,)))
    pieces = worker.gather("", leaves, share, reducer)
    first = {name for _ in range(3) for name in next(pieces).leaves}
    assert not reducer.go.is_set()
    assert {name for name in first if "head" in name} == {
        "optimizer.gathered.head.weight", "optimizer.gathered.head.bias",
    }  # fmt: skip
    reducer.go.set()
    rest = list(pieces)
    assert any("body" in name for piece in rest for name in piece.leaves)
    assert rest[-1].outputs and "bn.running_mean" in rest[-1].leaves


class Interrupted(Here):
    """Once, a worker is killed when it has given two buckets."""

    def _work(self, player, leaves, number, share):
        if not self.killed and number == 1:
            pieces = self.made[number].gather(player, leaves, share, self.reducer)
            next(pieces), next(pieces)
            self.made[number], self.killed = self._worker(), 1
        return super()._work(player, leaves, number, share)


def test_a_worker_that_dies_between_two_buckets_gives_its_share_again():
    undisturbed, _ = trained(gf.loads(NET), Here(2), steps=4)
    pool = Interrupted(2, bucket=1)
    several, _ = trained(gf.loads(NET), pool, steps=4)
    assert pool.killed == 1
    assert_same(undisturbed, several, tolerance=0)


@pytest.mark.parametrize("bucket", [0, -1, True, 1.5])
def test_a_bucket_is_a_number_of_bytes(bucket):
    with pytest.raises(gf.GraphflowError, match=r"GF033.*bucket"):
        RayPool(2, bucket=bucket)


# -- values that are told on the way -----------------------------------------------------------

TOLD = """
graphflow: 1
name: told
inputs: {x: [3]}
nodes:
  a: x * 2
  b: a + 1
  same: x * 2
  c: exp(b)
outputs: [a, b, same, c]
"""


@pytest.mark.parametrize("plan", ["fast", "plain", "guarded"])
@pytest.mark.parametrize("group", [("b",), ("a",), ("a", "b", "same"), ("b", "c")])
def test_values_are_told_once_and_not_given_back(plan, group):
    """``a`` and ``same`` are one value in the fast plan: it is told, and given back, too."""
    model, told = gf.loads(TOLD), []
    early = Early(group, lambda values: told.append({n: v.copy() for n, v in values.items()}))
    settings = Settings(plan=plan)
    compiler = Compiler(model.graph, model.store, model.initialiser, settings, early=[early])
    expected = model.compile()({"x": np.ones(3)})
    for _ in range(2):
        told.clear()
        given = compiler.run({"x": np.ones(3)}, random_key(0, 0))
        assert [set(values) for values in told] == [set(group)]
        assert given.keys() == {"a", "b", "same", "c"} - set(group)
        for name, value in {**told[0], **given}.items():
            np.testing.assert_array_equal(value, expected[name])
