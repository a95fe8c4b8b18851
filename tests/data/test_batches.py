from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from itertools import chain, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphflow.data import Batches, Dataset
from graphflow.data.batches import prefetched


def numbers(n: int) -> Dataset:
    return Dataset("numbers", {"x": np.arange(n), "image": np.zeros((n, 1, 2, 2))}, "counted")


def sequence(n: int, steps: int) -> Dataset:
    stream = np.arange(n + 1)
    return Dataset("count", {"tokens": stream[:-1], "targets": stream[1:]}, "counted", steps=steps)


def served(batches: Batches, column: str = "x") -> list[list[int]]:
    return [batch[column].tolist() for batch in batches]


def threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name.startswith("graphflow-prefetch")]


# -- samples ----------------------------------------------------------------------------------
def test_batches_stack_samples_along_axis_0() -> None:
    batches = Batches(numbers(10), range(10), 4, shuffle=False, seed=0)
    assert len(batches) == 3
    assert served(batches) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert [batch["image"].shape for batch in batches] == [(4, 1, 2, 2)] * 2 + [(2, 1, 2, 2)]


def test_drop_last_leaves_whole_batches() -> None:
    batches = Batches(numbers(10), range(10), 4, shuffle=False, seed=0, drop_last=True)
    assert len(batches) == 2
    assert served(batches) == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_only_the_given_indices_are_served() -> None:
    batches = Batches(numbers(10), [7, 2, 5], 2, shuffle=False, seed=0)
    assert served(batches) == [[7, 2], [5]]


def test_order_depends_on_seed_and_epoch_only() -> None:
    def order(seed: int, epoch: int, prefetch: int = 2) -> list[list[int]]:
        data = numbers(50)
        return served(
            Batches(data, range(50), 8, shuffle=True, seed=seed, epoch=epoch, prefetch=prefetch)
        )

    assert order(3, 0) == order(3, 0, prefetch=0) == order(3, 0, prefetch=9)
    assert sorted(chain(*order(3, 0))) == list(range(50))
    orders = [order(0, 0), order(0, 1), order(1, 0), order(1, 1)]
    assert all(a != b for i, a in enumerate(orders) for b in orders[:i])


@given(
    n=st.integers(1, 60),
    batch=st.integers(1, 9),
    shards=st.integers(1, 4),
    steps=st.sampled_from([None, 1, 3]),
    shuffle=st.booleans(),
    start=st.integers(0, 70),
)
def test_starting_at_is_the_tail(
    n: int, batch: int, shards: int, steps: int | None, shuffle: bool, start: int
) -> None:
    n += 12 * shards * batch  # always enough for one batch
    data = numbers(n) if steps is None else sequence(n, steps)
    column = "x" if steps is None else "tokens"
    epoch = Batches(data, range(n), batch, shuffle=shuffle, seed=1, shards=shards, prefetch=0)
    whole = served(epoch, column)
    assert len(whole) == len(epoch)
    start = min(start, len(epoch))
    tail = epoch.starting_at(start)
    assert len(tail) == len(epoch) - start
    assert served(tail, column) == whole[start:]
    assert served(epoch, column) == whole


def test_starting_at_counts_from_the_start_of_the_epoch(refused) -> None:
    epoch = Batches(numbers(10), range(10), 2, shuffle=False, seed=0)
    assert served(epoch.starting_at(1).starting_at(4)) == [[8, 9]]
    assert served(epoch.starting_at(5)) == []
    assert refused(epoch.starting_at, 6).code == "GF075"
    assert refused(epoch.starting_at, -1).code == "GF075"


@given(n=st.integers(4, 80), batch=st.integers(1, 7), shards=st.integers(1, 4))
def test_shards_are_disjoint_equal_and_make_one_large_batch(
    n: int, batch: int, shards: int
) -> None:
    each = [
        served(Batches(numbers(n), range(n), batch, shuffle=True, seed=5, shard=s, shards=shards))
        for s in range(shards)
    ]
    assert len({tuple(map(len, batches)) for batches in each}) == 1
    seen = [i for batches in each for i in chain(*batches)]
    assert len(seen) == len(set(seen)) == n // shards * shards
    large = served(Batches(numbers(n), range(n), batch * shards, shuffle=True, seed=5))
    for k, parts in enumerate(zip(*each, strict=True)):
        together = sorted(chain(*parts))
        whole = sorted(large[k])
        assert together == whole if k < len(large) - 1 else set(together) <= set(whole)


# -- sequences --------------------------------------------------------------------------------
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("epoch", [0, 1, 2])
def test_streams_continue_from_batch_to_batch(shuffle: bool, epoch: int) -> None:
    data = sequence(1000, steps=7)
    batches = list(Batches(data, range(1000), 4, shuffle=shuffle, seed=0, epoch=epoch))
    assert len(batches) == (1000 - 6 * shuffle) // 4 // 7
    for before, after in pairwise(batches):
        assert before["tokens"].shape == before["targets"].shape == (7, 4)
        assert np.array_equal(before["targets"][:-1], before["tokens"][1:])
        assert np.array_equal(after["tokens"][0], before["targets"][-1])


def test_streams_are_contiguous_parts_in_order() -> None:
    (only,) = Batches(sequence(13, steps=3), range(13), 4, shuffle=False, seed=0)
    assert only["tokens"].tolist() == [[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8, 11]]


def test_shuffling_a_sequence_moves_its_start_only() -> None:
    data = sequence(500, steps=10)
    starts = {
        int(next(iter(Batches(data, range(500), 2, shuffle=True, seed=0, epoch=e)))["tokens"][0, 0])
        for e in range(40)
    }
    assert len(starts) > 5
    assert starts <= set(range(10))


def test_a_part_of_a_sequence_stays_in_its_part() -> None:
    data = sequence(100, steps=4)
    batches = list(Batches(data, np.arange(60, 100), 2, shuffle=False, seed=0))
    tokens = np.concatenate([batch["tokens"] for batch in batches])
    assert tokens[:, 0].tolist() == list(range(60, 80))
    assert tokens[:, 1].tolist() == list(range(80, 100))


def test_shards_of_a_sequence_are_streams_of_one_large_batch() -> None:
    data = sequence(200, steps=5)
    (large, *_) = Batches(data, range(200), 4, shuffle=False, seed=0)
    (first, *_) = Batches(data, range(200), 2, shuffle=False, seed=0, shard=0, shards=2)
    (second, *_) = Batches(data, range(200), 2, shuffle=False, seed=0, shard=1, shards=2)
    assert np.array_equal(first["tokens"], large["tokens"][:, 0::2])
    assert np.array_equal(second["tokens"], large["tokens"][:, 1::2])


# -- refusals ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"batch": 0}, "batch is 1 or more"),
        ({"seed": -1}, "seed is 0 or more"),
        ({"epoch": -1}, "epoch is 0 or more"),
        ({"prefetch": -1}, "prefetch is 0 or more"),
        ({"shards": 0}, "shards is 1 or more"),
        ({"shard": 2, "shards": 2}, "shard 2"),
        ({"shard": -1}, "shard -1"),
        ({"batch": 11, "drop_last": True}, "give no batch"),
        ({"indices": []}, "give no batch"),
        ({"shards": 11}, "give no batch"),
    ],
)
def test_impossible_batches_are_refused(refused, options: dict[str, object], words: str) -> None:
    given_options = {"indices": range(10), "batch": 2, "shuffle": False, "seed": 0} | options
    found = refused(Batches, numbers(10), **given_options)
    assert found.code == "GF075"
    assert words in found.message


def test_a_sequence_too_short_for_one_window_is_refused(refused) -> None:
    found = refused(Batches, sequence(19, steps=5), range(19), 4, shuffle=False, seed=0)
    assert "5 steps" in found.message


# -- prefetching ------------------------------------------------------------------------------
def test_prefetching_stays_within_its_depth_and_in_order() -> None:
    made: list[int] = []

    def make(k: int) -> int:
        made.append(k)
        return k

    results = prefetched(make, range(20), depth=3)
    for k, value in enumerate(results):
        time.sleep(0.001)
        assert value == k
        assert len(made) <= k + 1 + 3
    assert made == list(range(20))


def test_batches_are_made_on_another_thread() -> None:
    names = list(prefetched(lambda _: threading.current_thread().name, range(3), depth=1))
    assert all(name.startswith("graphflow-prefetch") for name in names)
    assert threads() == []


def test_no_thread_is_left_after_an_epoch_or_a_break() -> None:
    batches = Batches(numbers(100), range(100), 2, shuffle=True, seed=0)
    assert len(list(batches)) == 50
    assert threads() == []
    for _ in batches:
        assert len(threads()) == 1
        break
    assert threads() == []


def test_no_thread_is_left_after_an_interrupt() -> None:
    def consume() -> None:
        for _ in Batches(numbers(100), range(100), 2, shuffle=True, seed=0):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        consume()
    del caught
    gc.collect()
    assert threads() == []


@pytest.mark.parametrize("depth", [0, 1, 5])
def test_an_error_of_the_producer_reaches_the_consumer(depth: int) -> None:
    def make(k: int) -> int:
        if k == 3:
            raise ZeroDivisionError("batch 3")
        return k

    seen = []
    with pytest.raises(ZeroDivisionError, match="batch 3"):
        for value in prefetched(make, range(10), depth):
            seen.append(value)
    assert seen == [0, 1, 2]
    assert threads() == []


def test_closing_waits_for_the_running_batch_only() -> None:
    begun: list[int] = []

    def make(k: int) -> int:
        begun.append(k)
        time.sleep(0.02)
        return k

    results = prefetched(make, range(1000), depth=50)
    next(results)
    results.close()
    assert threads() == []
    assert len(begun) <= 3


def test_an_iteration_that_never_began_starts_no_thread() -> None:
    unused: Callable[[], object] = Batches(numbers(9), range(9), 3, shuffle=False, seed=0).__iter__
    unused()
    assert threads() == []


# -- lengths and windows ------------------------------------------------------------------------
LENGTHS = np.random.default_rng(0).integers(1, 200, 1000)


def bucketed(epoch: int, **options: object) -> list[np.ndarray]:
    data = Dataset("lists", {"i": np.arange(1000)}, "counted")
    given = {"shuffle": True, "seed": 0, "lengths": LENGTHS, **options}
    return [batch["i"] for batch in Batches(data, range(1000), 16, epoch=epoch, **given)]


def test_a_bucket_holds_rows_of_similar_length() -> None:
    batches = bucketed(0)
    assert sorted(np.concatenate(batches).tolist()) == list(range(1000))
    assert [len(b) for b in batches] == [16] * 62 + [8]
    spread = np.mean([np.ptp(LENGTHS[b]) for b in batches])
    assert spread < 20 < np.mean([np.ptp(LENGTHS[b]) for b in bucketed(0, lengths=None)])
    middles = [LENGTHS[b].mean() for b in batches[:50]]
    assert abs(np.corrcoef(middles, np.arange(50))[0, 1]) < 0.5  # the batches come in any order


def test_buckets_depend_on_seed_and_epoch_only() -> None:
    for one, again in zip(bucketed(3), bucketed(3), strict=True):
        assert np.array_equal(one, again)
    assert not np.array_equal(bucketed(3)[0], bucketed(4)[0])
    shards = [bucketed(3, shard=k, shards=2) for k in range(2)]
    assert len(shards[0]) == len(shards[1])
    assert not set(np.concatenate(shards[0]).tolist()) & set(np.concatenate(shards[1]).tolist())


def test_windows_in_any_order_are_the_books_random_sampling() -> None:
    """Dive into Deep Learning 9.3: disjoint windows from a random start, in random order."""
    data = Dataset("text", {"x": np.arange(35)}, "counted", steps=5)

    def windows(epoch: int) -> list[list[int]]:
        batches = Batches(
            data, range(35), 2, shuffle=True, seed=0, epoch=epoch, sampling="random"
        )
        return [stream.tolist() for batch in batches for stream in batch["x"].T]

    found = windows(0)
    assert len(found) == 6 and found == windows(0) and found != windows(1)
    start = min(window[0] for window in found)
    assert start < 5
    assert sorted(found) == [list(range(start + 5 * k, start + 5 * k + 5)) for k in range(6)]
    assert any(a[-1] + 1 != b[0] for a, b in zip(found[::2], found[2::2], strict=False))
