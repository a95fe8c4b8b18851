"""Batch statistics of all workers: k workers equal one process where rows know of each other."""

from __future__ import annotations

import threading
import time
from functools import partial

import numpy as np
import pytest

import graphflow as gf
from graphflow.distributed.all_reduce import Rank, Reducer
from graphflow.distributed.data_parallel import SharedPlayer
from graphflow.training.feed import open_feed
from tests.distributed.here import Here, Killed, assert_same, trained

DENSE = """
graphflow: 1
name: norms
inputs: {x: [B, 64], y: {shape: [B], dtype: int}}
nodes:
  a: relu(batch_norm(linear(x, 8)))
  b: batch_norm(reshape(a, [B, 2, 4]), momentum=none)
  loss: cross_entropy(linear(reshape(b, [B, 8]), 10), y)
data: {source: digits, batch: 33, feed: {x: pixels / 16, y: label}}
train: {minimize: loss, optimizer: "sgd(lr=0.1, momentum=0.9)", epochs: 1, seed: 3}
"""
IMAGES = """
graphflow: 1
name: image norms
inputs: {x: [B, 64], y: {shape: [B], dtype: int}}
nodes:
  image: reshape(x, [B, 1, 8, 8])
  a: relu(batch_norm(conv2d(image, 3, 3, bias=false)))
  b: batch_norm(conv2d(a, 2, 3), affine=false, track_running_stats=false)
  loss: cross_entropy(linear(flatten(b), 10), y)
data: {source: digits, batch: 33, feed: {x: pixels / 16, y: label}}
train: {minimize: loss, optimizer: "adam(lr=0.01)", epochs: 1, seed: 3}
"""
BY_HAND = DENSE.replace(
    "  a: relu(batch_norm(linear(x, 8)))\n",
    """\
  h: linear(x, 8)
  m: mean(h, axis=0)
  v: mean((h - m) ** 2, axis=0) * B / (B - 1)
  a: relu((h - m) / sqrt(v + 1e-5)) + 0.1 * std(h, axis=0, correction=1)
""",
)
MODELS = {"dense": DENSE, "images": IMAGES, "by hand": BY_HAND}


def synchronised(text: str) -> gf.Model:
    return gf.loads(text, {"train.batch_statistics": "synchronised"})


@pytest.mark.parametrize("text", MODELS.values(), ids=MODELS)
def test_workers_with_common_statistics_train_as_one_process_does(text):
    """33 rows: no two parts need be of one size."""
    one, last = trained(synchronised(text))
    for workers in (1, 2, 4):
        several, shared = trained(synchronised(text), Here(workers))
        assert_same(one, several)
        assert float(shared["loss"]) == pytest.approx(float(last["loss"]), abs=1e-9)


def test_statistics_of_ones_own_rows_make_another_net():
    one, _ = trained(gf.loads(DENSE))
    several, _ = trained(gf.loads(DENSE), Here(2))
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        assert_same(one, several, 1e-3)


def test_a_net_without_batch_statistics_needs_no_meeting():
    model = gf.load("mlp", {"p_drop": 0, "train.batch_statistics": "synchronised"})
    step = model.trainer(shared=partial(SharedPlayer, Here(2))).players[""].step
    assert "all_reduce_mean" not in {n.op for n in step.graph} and step.rows == ""
    step = synchronised(DENSE).trainer(shared=partial(SharedPlayer, Here(2))).players[""].step
    assert step.rows == "B"


def test_what_a_step_computes_is_known_before_workers_have_begun():
    """A run asks for it, to choose kernels and threads."""
    model = synchronised(DENSE)
    trainer = model.trainer(shared=partial(SharedPlayer, Here(2)))
    feed = open_feed(model.elaborated, model.folder, trainer.seed, model.learned)
    (graph,) = trainer.graphs(next(iter(feed.training(0)))[0])
    assert "all_reduce_mean" in {n.op for n in graph}


class Deadly(Reducer):
    """Workers are killed when they come: at each thirteenth time, whoever it is, before they have
    given or after they have been told.
    """

    def __init__(self) -> None:
        super().__init__()
        self.came, self.lock = 0, threading.Lock()

    def mean(self, rank: Rank, place: str, value: np.ndarray) -> np.ndarray:
        with self.lock:
            self.came += 1
            came = self.came
        if came % 26 == 3:
            raise Killed
        found = super().mean(rank, place, value)
        if came % 26 == 16:
            raise Killed
        return found


def test_a_worker_that_dies_in_a_meeting_is_replaced_and_nothing_changes():
    undisturbed, _ = trained(synchronised(DENSE), Here(3), steps=8)
    pool = Here(3, Deadly())
    several, _ = trained(synchronised(DENSE), pool, steps=8)
    assert pool.killed > 9
    assert_same(undisturbed, several, tolerance=0)


def test_what_one_worker_refuses_ends_the_step_of_all():
    """The second worker's rows hold a class that there is not."""
    text = DENSE.replace("linear(reshape(b, [B, 8]), 10), y", "reshape(b, [B, 8]), y")
    labels = np.array([0, 1, 2, 3, 4, 5, 6, 9])
    model = synchronised(text)
    trainer = model.trainer(dtype="float64", shared=partial(SharedPlayer, Here(2)))
    batch = {"x": np.random.default_rng(0).normal(size=(8, 64)), "y": labels}
    with pytest.raises(gf.GraphflowError) as caught:
        trainer.step(batch)
    assert caught.value.diagnostics[0].mark is not None
    trainer.step(batch | {"y": labels % 8})


def test_statistics_inside_a_loop_are_refused():
    text = """
graphflow: 1
name: loop
inputs: {x: [T, B, 4]}
params: {w: {shape: [4], init: ones}}
nodes:
  turns:
    scan: {row: x}
    carry: {h: "zeros([B, 4])"}
    nodes: {next: "(row * w + h) - mean(row, axis=0)"}
    next: {h: next}
  loss: mean(turns.final.h ** 2)
train: {minimize: loss, optimizer: sgd(lr=0.1), batch_statistics: synchronised}
"""
    model = gf.loads(text)
    model.trainer().step({"x": np.ones((2, 6, 4))})
    with pytest.raises(gf.GraphflowError, match=r"GF044.*'turns' \(scan\)"):
        model.trainer(shared=partial(SharedPlayer, Here(2)))


def test_the_setting_is_one_of_two():
    with pytest.raises(gf.GraphflowError) as caught:
        gf.loads(DENSE, {"train.batch_statistics": "global"})
    assert "synchronised" in str(caught.value)


# -- the reducer -------------------------------------------------------------------------------


def test_at_a_table_all_are_told_the_mean_weighted_by_their_rows():
    reducer, told = Reducer(), []
    ranks = [Rank(0, number, (0.75, 0.25)) for number in range(2)]

    def come(rank: Rank) -> None:
        told.append(float(reducer.mean(rank, "m", np.array(4.0 * rank.number))))

    threads = [threading.Thread(target=come, args=(rank,)) for rank in ranks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [1.0, 1.0]
    assert float(reducer.mean(ranks[1], "m", np.array(4.0))) == 1.0  # whoever comes again


def test_nobody_waits_at_a_table_for_a_worker_that_has_failed():
    reducer, raised = Reducer(), []

    def come() -> None:
        try:
            reducer.mean(Rank(5, 0, (0.5, 0.5)), "m", np.array(1.0))
        except ValueError as error:
            raised.append(error)

    waiting = threading.Thread(target=come)
    waiting.start()
    reducer.end(5, ValueError("the other one has failed"))
    waiting.join(timeout=10)
    assert [str(error) for error in raised] == ["the other one has failed"]


def test_who_waits_in_a_step_that_is_left_is_told_when_the_next_begins():
    reducer, raised = Reducer(), []

    def come() -> None:
        try:
            reducer.mean(Rank(0, 0, (0.5, 0.5)), "m", np.array(1.0))
        except RuntimeError as error:
            raised.append(str(error))

    waiting = threading.Thread(target=come, daemon=True)
    waiting.start()
    while not reducer._given:
        time.sleep(0.01)
    assert float(reducer.mean(Rank(1, 0, (1.0,)), "m", np.array(3.0))) == 3.0
    waiting.join(timeout=10)
    assert raised == ["step 0 is over"]


def test_a_step_that_is_over_is_not_gone_on_with():
    reducer, alone = Reducer(), (1.0,)
    assert float(reducer.mean(Rank(2, 0, alone), "m", np.array(3.0))) == 3.0
    with pytest.raises(RuntimeError, match="step 1 is over"):
        reducer.mean(Rank(1, 0, alone), "m", np.array(9.0))
    assert float(reducer.mean(Rank(2, 0, alone), "m", np.array(3.0))) == 3.0
