"""Push and pull: sums in any order, keys on servers, who waits for whom."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import graphflow as gf
from graphflow.distributed.key_value import AGGREGATES, KeyValueStore

GENERATOR = np.random.default_rng(3)
VALUES = GENERATOR.standard_normal((7, 4, 3)) * 10.0 ** GENERATOR.integers(-8, 8, (7, 4, 3))


@pytest.mark.parametrize("aggregate", list(AGGREGATES))
@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_pushes_changes_no_bit(aggregate, seed):
    first, other = (KeyValueStore.here(aggregate=aggregate) for _ in range(2))
    for value in VALUES:
        first.push("g", value)
    for number in np.random.default_rng(seed).permutation(len(VALUES)):
        other.push("g", VALUES[number])
    np.testing.assert_array_equal(first.pull("g"), other.pull("g"))
    expected = getattr(np, aggregate)(VALUES, axis=0)
    np.testing.assert_allclose(first.pull("g"), expected, rtol=1e-12, atol=1e-6)


def test_a_key_lies_on_one_server_the_same_in_every_process():
    store = KeyValueStore.here(servers=5)
    keys = [f"layer{number}.W" for number in range(100)]
    places = [store.server_of(key) for key in keys]
    assert set(places) == set(range(5))
    for key in keys:
        store.push(key, np.ones(2))
    held = [set(server._values) for server in store.servers]
    assert [next(n for n, has in enumerate(held) if key in has) for key in keys] == places
    assert sum(map(len, held)) == 100
    code = (
        "from graphflow.distributed.key_value import KeyValueStore as S;"
        "s = S.here(servers=5); print([s.server_of(f'layer{n}.W') for n in range(100)])"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == str(places)


def test_workers_that_push_and_pull_train_as_one_does():
    """Four workers with quarters of the rows make the steps of least squares of one with all."""
    rows, target = GENERATOR.standard_normal((32, 3)), GENERATOR.standard_normal(32)
    store = KeyValueStore.here(servers=2)

    def gradient(w, part):
        return rows[part].T @ (rows[part] @ w - target[part]) / 32

    def worker(number):
        w = np.zeros(3)
        for step in range(20):
            store.push(f"w {step}", gradient(w, slice(8 * number, 8 * number + 8)))
            w -= 0.1 * store.pull(f"w {step}", pushes=4)
        return w

    with ThreadPoolExecutor(4) as threads:
        several = list(threads.map(worker, range(4)))
    one = np.zeros(3)
    for _ in range(20):
        one -= 0.1 * gradient(one, slice(32))
    for each in several:
        np.testing.assert_array_equal(each, several[0])
        np.testing.assert_allclose(each, one, rtol=0, atol=1e-12)


def test_a_pull_waits_for_as_many_values_as_it_is_told_and_no_longer_than_it_may():
    store = KeyValueStore.here()
    store.push("w", np.ones(2))
    with pytest.raises(gf.GraphflowError, match=r"GF044.*of 3 values of 'w' 1 came within 0.01 s"):
        store.pull("w", pushes=3, patience=0.01)
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(store.pull, "w", 2)
        store.push("other", np.ones(5))
        assert not waiting.done()
        store.push("w", np.ones(2))
        np.testing.assert_array_equal(waiting.result(10), [2, 2])


def test_a_dropped_key_begins_anew_with_any_shape():
    store = KeyValueStore.here()
    store.push("w", np.ones(2))
    with pytest.raises(gf.GraphflowError, match=r"GF061.*'w' have the shape \(2,\), not \(3,\)"):
        store.push("w", np.ones(3))
    store.drop("w")
    store.drop("w")
    store.push("w", np.ones(3))
    np.testing.assert_array_equal(store.pull("w"), np.ones(3))


def test_a_worker_that_pushes_again_is_counted_once():
    store = KeyValueStore.here()
    store.push("w", np.full(2, 9.0), worker=0)
    store.push("w", np.ones(2), worker=0)
    with pytest.raises(gf.GraphflowError, match=r"GF044.*of 2 values of 'w' 1 came"):
        store.pull("w", pushes=2, patience=0.01)
    store.push("w", np.ones(2), worker=1)
    np.testing.assert_array_equal(store.pull("w", pushes=2), [2, 2])
    for _ in range(2):
        store.push("w", np.ones(2))  # who does not say who it is is another one each time
    np.testing.assert_array_equal(store.pull("w", pushes=4), [4, 4])


def test_what_was_pushed_is_the_stores_own():
    store, value = KeyValueStore.here(), np.ones(2)
    store.push("w", value)
    value[:] = 5
    store.pull("w")[:] = 7
    np.testing.assert_array_equal(store.pull("w"), [1, 1])


@pytest.mark.parametrize("wrong", [{"servers": 0}, {"servers": True}, {"aggregate": "median"}])
def test_a_store_that_cannot_be_is_refused(wrong):
    with pytest.raises(gf.GraphflowError, match="GF033"):
        KeyValueStore.here(**wrong)
