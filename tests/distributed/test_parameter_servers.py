"""With parameter servers training is that of one process; workers ahead see older parameters."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest

import graphflow as gf
from graphflow.distributed.data_parallel import SharedPlayer
from graphflow.distributed.dealing import Dealt, keys
from graphflow.distributed.parameter_server import ParameterServer
from graphflow.distributed.served import ServedPlayer, Servers
from graphflow.gallery import find
from graphflow.training.step_graph import step_graph
from tests.distributed.here import Here, Killed, assert_same, served, started_here, trained
from tests.distributed.test_data_parallel import MODELS, SMALL
from tests.distributed.test_synchronised import DENSE, synchronised

PLAIN = SMALL.replace("  OPTIONS\n", "")
LINEAR = """
graphflow: 1
name: linear
inputs: {x: [B, 3], y: [B]}
params: {w: {shape: [3], init: zeros}}
nodes: {loss: mean((x @ w - y) ** 2)}
train: {minimize: loss, optimizer: sgd(lr=0.05)}
"""


def batches(count: int, rows: int = 6) -> list[dict[str, np.ndarray]]:
    draw = np.random.default_rng(0).normal
    return [{"x": draw(size=(rows, 3)), "y": draw(size=rows)} for _ in range(count)]


def update_of(text: str):
    model = gf.loads(text).elaborated
    step = step_graph(model, model.training.objectives[0], in_two=True)
    return step.update, set(step.sums) - {step.gathered}


# -- staleness 0 -------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "counts"), [
    ("mlp", [(1, 2), (2, 1), (4, 2)]),
    pytest.param("lenet", [(k, n) for k in (1, 2, 4) for n in (1, 2)], marks=pytest.mark.slow),
    pytest.param("transformer_mt", [(k, 1) for k in (1, 2, 4)], marks=pytest.mark.slow),
    pytest.param("lstm", [(3, 1)], marks=pytest.mark.slow),
])  # fmt: skip
def test_workers_and_servers_train_as_one_process_does(name, counts):
    overrides, _ = MODELS[name]
    one, last = trained(gf.load(name, overrides))
    for workers, servers in counts:
        several, got = trained(gf.load(name, overrides), shared=served(Here(workers), servers))
        assert_same(one, several)
        assert float(got["loss"]) == pytest.approx(float(last["loss"]), abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["transformer_mt", "lstm"])
def test_two_servers_have_a_net_whose_gradients_are_clipped_one_by_one(name):
    text = find(name).read_text().replace("clip_norm: 1.0", "clip_value: 0.05")
    one, _ = trained(gf.loads(text))
    for workers in (1, 2, 4):
        several, _ = trained(gf.loads(text), shared=served(Here(workers), 2))
        assert_same(one, several)


def test_servers_change_no_bit_of_what_workers_without_them_make():
    without, _ = trained(gf.loads(PLAIN), Here(3), steps=12)
    with_them, _ = trained(gf.loads(PLAIN), shared=served(Here(3), 2), steps=12)
    assert_same(without, with_them, 0)


RATE = "scale_lr: {rule: linear, base_batch: 10}"


@pytest.mark.parametrize(
    "options", ["accumulate: 3", "average: ema(decay=0.9)", "clip_value: 0.01", RATE]
)
def test_what_else_a_step_does_is_done_by_the_servers(options):
    text = SMALL.replace("OPTIONS", options)
    one, _ = trained(gf.loads(text), steps=12)
    several, _ = trained(gf.loads(text), shared=served(Here(3), 2), steps=12)
    assert_same(one, several, 1e-9)


def test_players_take_turns_on_the_same_servers():
    without, _ = trained(gf.load("gan"), Here(2), steps=4)
    with_them, _ = trained(gf.load("gan"), shared=served(Here(2), 2), steps=4)
    assert_same(without, with_them, 0)


def test_workers_that_pull_meet_on_the_way():
    without, _ = trained(synchronised(DENSE), Here(3), steps=6)
    with_them, _ = trained(synchronised(DENSE), shared=served(Here(3), 2), steps=6)
    assert_same(without, with_them, 0)


def test_a_checkpoint_of_servers_is_one_of_a_single_process_and_the_other_way():
    one, _ = trained(gf.loads(PLAIN), steps=10)
    half, _ = trained(gf.loads(PLAIN), shared=served(Here(2), 2), steps=5)
    kept = half.state_dict()
    trainers = [gf.loads(PLAIN).trainer(dtype="float64"),
                gf.loads(PLAIN).trainer(dtype="float64", shared=served(Here(2), 2))]  # fmt: skip
    feed = list(_fed(gf.loads(PLAIN)))[5:10]
    for trainer in trainers:
        trainer.load_state_dict(kept)
        for batch in feed:
            trainer.step(batch)
        assert_same(one, trainer, 1e-9)


def _fed(model):
    from graphflow.training.feed import open_feed

    feed = open_feed(model.elaborated, model.folder, 3, model.learned)
    return (batch for batch, _ in feed.training(0))


def test_who_writes_parameters_between_two_steps_writes_those_of_the_servers():
    results = []
    for shared in (None, served(Here(2), 1)):
        model = gf.loads(LINEAR)
        trainer = model.trainer(dtype="float64", shared=shared)
        first, second = batches(2)
        trainer.step(first)
        model.parameters["w"] = 2 * model.parameters["w"] + 1
        trainer.step(second)
        results.append(np.array(model.parameters["w"]))
    np.testing.assert_allclose(*results, rtol=0, atol=1e-12)


def test_parameters_that_servers_have_are_read_only_until_they_are_read():
    model = gf.loads(LINEAR)
    trainer = model.trainer(dtype="float64", shared=served(Here(2), 1))
    first, second = batches(2)
    trainer.step(first)
    before = model.parameters["w"]
    trainer.step(second)
    with pytest.raises(ValueError, match="read-only"):
        before[0] = 1.0
    model.parameters["w"][0] = 1.0
    assert model.parameters["w"][0] == 1.0


class Dying(Here):
    """Some workers die between two buckets, having pushed the first."""

    def _worker(self):
        worker = super()._worker()
        ordinary = worker.gather

        def gather(*given):
            pieces = ordinary(*given)
            yield next(pieces)
            if self.deaths.acquire(blocking=False):
                raise Killed
            yield from pieces

        worker.gather = gather
        return worker


@pytest.mark.parametrize("staleness", [0, 2])
def test_a_worker_that_dies_changes_no_bit(staleness):
    undisturbed, _ = trained(gf.loads(PLAIN), shared=served(Here(3), 2, staleness), steps=12)
    pool = Dying(3, bucket=64)
    pool.deaths = threading.Semaphore(5)
    several, _ = trained(gf.loads(PLAIN), shared=served(pool, 2, staleness), steps=12)
    assert pool.killed == 5
    assert_same(undisturbed, several, 0)


# -- which server has what ---------------------------------------------------------------------


def test_a_key_is_a_parameter_with_all_that_its_update_keeps():
    update, sums = update_of(PLAIN)
    found = {next(n for n in group if update.nodes[n].op == "parameter"): group
             for group in keys(update, sums)}  # fmt: skip
    assert len(found) == 4
    for parameter, group in found.items():
        assert len(group) == 4  # the sum of its gradients, two moments of Adam's
        assert all(parameter in name for name in group)


def test_servers_have_about_as_much_each_and_the_trainer_what_follows_from_no_parameter():
    update, sums = update_of(PLAIN)
    dealt = Dealt.of(update, sums, 2, {})
    assert set(dealt.common.updates) == set(update.updates) - dealt.places.keys()
    assert {name.rpartition(".")[2] for name in dealt.common.updates} == {"step", "gathered"}
    made = [set(part.updates) for part in dealt.parts]
    assert made[0] & made[1] == set()
    assert made[0] | made[1] == dealt.places.keys()


def test_an_update_that_needs_all_gradients_lies_on_one_server_or_is_refused():
    text = SMALL.replace("OPTIONS", "clip_norm: 0.1")
    one, _ = trained(gf.loads(text), steps=10)
    several, _ = trained(gf.loads(text), shared=served(Here(2), 1), steps=10)
    assert_same(one, several, 1e-9)
    with pytest.raises(gf.GraphflowError, match=r"GF044.*2 servers would have only 1 key") as told:
        gf.loads(text).trainer(shared=served(Here(2), 2))
    assert "--servers 1" in str(told.value)


def test_an_optimizer_of_one_vector_has_one_server():
    text = PLAIN.replace("adam(lr=1e-2)", "lbfgs(lr=0.1)")
    one, _ = trained(gf.loads(text), steps=5)
    several, _ = trained(gf.loads(text), shared=served(Here(2), 1), steps=5)
    assert_same(one, several)
    with pytest.raises(gf.GraphflowError, match=r"GF044.*only 1 key"):
        gf.loads(text).trainer(shared=served(Here(2), 2))


def test_a_line_search_asks_for_the_loss_of_a_batch_that_no_worker_has():
    text = PLAIN.replace("adam(lr=1e-2)", "lbfgs(line_search_fn='strong_wolfe')")
    for shared in (partial(SharedPlayer, Here(2)), served(Here(2), 1)):
        with pytest.raises(gf.GraphflowError, match=r"GF044.*measures the loss of a batch"):
            gf.loads(text).trainer(shared=shared)


# -- staleness ---------------------------------------------------------------------------------


@pytest.mark.parametrize("staleness", [0, 1, 3])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_step_has_the_gradients_at_the_parameters_of_some_steps_before(staleness, workers):
    """w(t+1) = w(t) - lr g(w(t - s)), or of w(0) where there was none before."""
    model = gf.loads(LINEAR)
    shared = served(Here(workers), 1, staleness)
    trainer, fed = model.trainer(dtype="float64", shared=shared), batches(8)
    versions, losses = [np.zeros(3)], []
    for number, batch in enumerate(fed):
        seen = versions[max(0, number - staleness)]
        residue = batch["x"] @ seen - batch["y"]
        losses.append(np.mean(residue**2))
        versions.append(versions[-1] - 0.05 * 2 / 6 * batch["x"].T @ residue)
    told = [float(trainer.step(batch)["loss"])
            for batch, _ in trainer.ahead((batch, 6) for batch in fed)]  # fmt: skip
    np.testing.assert_allclose(told, losses, rtol=1e-10)
    np.testing.assert_allclose(model.parameters["w"], versions[-1], rtol=1e-10)


class Apart(Here):
    """Each worker has a thread of its own, and the first one waits to be allowed each step."""

    def __init__(self, workers):
        super().__init__(workers)
        self.threads = [ThreadPoolExecutor(1) for _ in range(workers)]
        self.allowed, self.done = threading.Semaphore(0), [0] * workers

    def gather(self, player, leaves, shares):
        self.made = self.made or [self._worker() for _ in range(self.workers)]
        given = [
            thread.submit(self._one, player, leaves, number, share)
            for number, (thread, share) in enumerate(zip(self.threads, shares, strict=True))
        ]
        return self._results(given)

    def _results(self, given):
        yield from zip(*(each.result() for each in given), strict=True)

    def _one(self, player, leaves, number, share):
        if number == 0:
            self.allowed.acquire()
        found = self._work(player, leaves, number, share)
        self.done[number] += 1
        return found


def test_a_worker_is_as_many_steps_ahead_of_the_slowest_and_no_more():
    pool, fed = Apart(2), batches(6)
    trainer = gf.loads(LINEAR).trainer(dtype="float64", shared=served(pool, 1, 2))
    asked = trainer.ahead((batch, 6) for batch in fed)
    for number in range(6):
        batch, _ = next(asked)
        pool.threads[1].submit(int).result(10)  # it has done what it was given
        assert pool.done == [number, min(number + 3, 6)]
        pool.allowed.release()
        trainer.step(batch)
    twin = gf.loads(LINEAR).trainer(dtype="float64", shared=served(Here(2), 1, 2))
    for batch, _ in twin.ahead((batch, 6) for batch in fed):
        twin.step(batch)
    assert_same(twin, trainer, 0)


def test_servers_forget_what_nobody_asks_for_any_more():
    made = []

    def start(updates, read, settings):
        made.extend(started_here(updates, read, settings))
        return made

    shared = partial(ServedPlayer, Servers(1, start, 2), Here(2))
    trainer = gf.loads(LINEAR).trainer(dtype="float64", shared=shared)
    for batch, _ in trainer.ahead((batch, 6) for batch in batches(9)):
        trainer.step(batch)
        assert len(made[0]._versions) <= 3
    assert isinstance(made[0], ParameterServer)
    assert not made[0]._pushed


def test_a_checkpoint_changes_nothing_of_what_workers_have_begun():
    found = []
    for saved in (False, True):
        trainer = gf.loads(LINEAR).trainer(dtype="float64", shared=served(Here(2), 1, 2))
        for batch, _ in trainer.ahead((batch, 6) for batch in batches(7)):
            trainer.step(batch)
            kept = trainer.state_dict() if saved else None
        found.append(trainer)
    assert_same(found[0], found[1], 0)
    np.testing.assert_array_equal(kept["w"], found[0].state_dict()["w"])


def test_a_batch_that_was_begun_is_begun_anew_where_somebody_writes_parameters():
    model, fed = gf.loads(LINEAR), batches(4)
    trainer = model.trainer(dtype="float64", shared=served(Here(2), 1, 3))
    asked = trainer.ahead((batch, 6) for batch in fed)
    trainer.step(next(asked)[0])
    batch, _ = next(asked)
    model.parameters["w"] = np.zeros(3)
    assert float(trainer.step(batch)["loss"]) == pytest.approx(np.mean(batch["y"] ** 2))


@pytest.mark.parametrize(("name", "why"), [("gan", "several turns"), ("lstm", "goes on from step")])
def test_what_cannot_run_ahead_is_refused(name, why):
    with pytest.raises(gf.GraphflowError, match=f"GF044.*{why}"):
        gf.load(name).trainer(shared=served(Here(2), 1, 1))


def test_synchronised_statistics_and_running_ahead_exclude_each_other():
    with pytest.raises(gf.GraphflowError, match=r"GF044.*do not meet"):
        synchronised(DENSE).trainer(shared=served(Here(2), 1, 1))


# -- settings ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("settings", "why"), [
    ({"servers": 2}, "servers are for workers"),
    ({"workers": 2, "staleness": 1}, "a staleness is that"),
])  # fmt: skip
def test_settings_that_need_another_one_are_refused_without_it(settings, why):
    with pytest.raises(gf.GraphflowError, match=f"GF033.*{why}"):
        gf.train(gf.load("mlp"), steps=1, **settings)


@pytest.mark.parametrize(("count", "staleness"), [(0, 0), (True, 0), (1.5, 0), (1, -1), (1, "2")])
def test_numbers_of_servers_and_of_steps_ahead_are_whole(count, staleness):
    with pytest.raises(gf.GraphflowError, match="GF033"):
        Servers(count, started_here, staleness)
