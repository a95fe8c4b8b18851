"""Batches of a dataset for one epoch: shuffled by seed, sharded, prefetched, resumable."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Literal, TypeVar

import numpy as np

from graphflow.data.dataset import Array, Dataset, Indices, generator
from graphflow.diagnostics import fail

T = TypeVar("T")
Sampling = Literal["sequential", "random"]
BUCKETS = 50
"""Batches among which rows of similar length are looked for."""


class Batches:
    """One epoch of ``{column: batch}``, in an order that depends on ``(seed, epoch)`` only.

    ``indices`` are the samples of the part to serve. Independent samples come ``batch`` at a
    time, permuted when ``shuffle``; the last batch may be smaller unless ``drop_last``. A sequence
    (``dataset.steps = T``) is cut into ``batch`` contiguous streams and batch k holds tokens
    ``kT .. (k+1)T - 1`` of each, shape (T, B), so that state can be carried from batch to batch;
    ``shuffle`` then only moves the start by fewer than T tokens. With ``sampling="random"`` the
    windows of T tokens are served in any order instead, batch x T tokens at a time (both ways:
    Dive into Deep Learning 9.3).

    ``lengths`` gives the length of every row of the dataset: batches then hold rows of similar
    length, and come in any order when ``shuffle``. Rows are sorted within stretches of
    ``BUCKETS`` batches, so that it still depends on (seed, epoch) who meets whom.

    Of ``shards`` processes each takes its own ``shard``: disjoint, equally many batches of equal
    size; the k-th batches of all together are the k-th batch of one process with
    ``batch * shards``. ``prefetch`` batches are prepared ahead by a background thread, which ends
    with the iteration, however that ends. Raises GraphflowError when there is not one batch.

    >>> data = Dataset("tiny", {"x": np.arange(5)}, "a sketch")
    >>> [b["x"].tolist() for b in Batches(data, range(5), 2, shuffle=False, seed=0)]
    [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self,
        dataset: Dataset,
        indices: Indices | Sequence[int],
        batch: int,
        *,
        shuffle: bool,
        seed: int,
        epoch: int = 0,
        drop_last: bool = False,
        shard: int = 0,
        shards: int = 1,
        prefetch: int = 2,
        sampling: Sampling = "sequential",
        lengths: Indices | None = None,
    ) -> None:
        _check_numbers(batch=batch, seed=seed, epoch=epoch, shards=shards, prefetch=prefetch)
        if not 0 <= shard < shards:
            fail("GF075", f"shard {shard} is not one of {shards} (they count from 0)")
        order = np.asarray(indices, dtype=np.int64)
        random = generator(2, seed, epoch) if shuffle else None
        # Batch k is rows k * height .. (k + 1) * height of one index array: (n,) for samples,
        # (n, B) for a sequence.
        if dataset.steps is None:
            rows = order if random is None else random.permutation(order)
            if lengths is not None:
                rows = _bucket_rows(rows, lengths[rows], batch * shards, random)
            self._rows = rows[shard::shards][: len(order) // shards]
            self._height = batch
        else:
            arrange = _window_rows if sampling == "random" else _stream_rows
            streams = arrange(order, dataset.steps, batch * shards, random)
            self._rows = streams[:, shard::shards]
            self._height = dataset.steps
        self._dataset = dataset
        self._prefetch = prefetch
        self._first = 0
        whole, rest = divmod(len(self._rows), self._height)
        self._end = whole + (rest > 0 and not drop_last)
        if self._end == 0:
            shape = f"batches of {batch}" + (f" in {shards} shards" if shards > 1 else "")
            steps = "" if dataset.steps is None else f" and {dataset.steps} steps"
            fail(
                "GF075",
                f"{len(order)} samples of '{dataset.name}' give no batch ({shape}{steps})",
                help="use a smaller batch, fewer steps, or a larger part of the data",
            )

    def __len__(self) -> int:
        return self._end - self._first

    def __iter__(self) -> Iterator[dict[str, Array]]:
        return prefetched(self._batch, range(self._first, self._end), self._prefetch)

    def each(self, finish: Callable[[int, dict[str, Array]], T]) -> Iterator[T]:
        """``finish(k, batch k)`` of every batch in order, computed by the background thread."""
        keys = range(self._first, self._end)
        return prefetched(lambda k: finish(k, self._batch(k)), keys, self._prefetch)

    def starting_at(self, k: int) -> Batches:
        """The same epoch from its batch ``k`` on (0 is the first): what a resumed run needs."""
        if not 0 <= k <= self._end:
            fail("GF075", f"there is no batch {k} in an epoch of {self._end}")
        tail = copy.copy(self)
        tail._first = k
        return tail

    def _batch(self, k: int) -> dict[str, Array]:
        return self._dataset.take(self._rows[k * self._height : (k + 1) * self._height])


def prefetched(make: Callable[[int], T], keys: Iterable[int], depth: int) -> Iterator[T]:
    """``make(k)`` for each key in order, computed by one background thread up to ``depth`` ahead.

    An error in ``make`` is raised here, at its place in the order. When the consumer stops early
    the generator is closed: what has not begun is cancelled and the thread is joined.

    >>> list(prefetched(lambda k: k * k, range(4), depth=2))
    [0, 1, 4, 9]
    """
    if depth == 0:
        yield from map(make, keys)
        return
    keys = iter(keys)
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="graphflow-prefetch")
    try:
        ahead = deque(pool.submit(make, key) for key in islice(keys, depth))
        while ahead:
            ready = ahead.popleft().result()
            ahead.extend(pool.submit(make, key) for key in islice(keys, 1))
            yield ready
    finally:
        pool.shutdown(cancel_futures=True)


def _stream_rows(
    order: Indices, steps: int, streams: int, random: np.random.Generator | None
) -> Indices:
    """Indices (n, streams): column b is the b-th contiguous stream; n is a multiple of steps."""
    # A random start uses up to steps - 1 tokens; leaving them out always keeps epochs equally long.
    start, spare = (0, 0) if random is None else (int(random.integers(steps)), steps - 1)
    length = max(0, len(order) - spare) // streams // steps * steps
    return order[start : start + length * streams].reshape(streams, length).T


def _window_rows(
    order: Indices, steps: int, windows: int, random: np.random.Generator | None
) -> Indices:
    """Indices (n, windows): rows kT .. (k+1)T - 1 hold the k-th handful of windows of T tokens."""
    start, spare = (0, 0) if random is None else (int(random.integers(steps)), steps - 1)
    count = max(0, len(order) - spare) // steps // windows * windows
    begins = start + steps * np.arange(count)
    begins = begins if random is None else random.permutation(begins)
    batches = begins.reshape(-1, 1, windows) + np.arange(steps)[:, None]
    rows: Indices = order[batches.reshape(-1, windows)]
    return rows


def _bucket_rows(
    rows: Indices, lengths: Indices, batch: int, random: np.random.Generator | None
) -> Indices:
    """The rows, those of similar length together; the unfilled last batch stays the last."""
    stretch = np.arange(len(rows)) // (BUCKETS * batch)
    rows = rows[np.lexsort((lengths, stretch))]
    whole = len(rows) // batch * batch
    if random is None:
        return rows
    filled = random.permutation(rows[:whole].reshape(-1, batch), axis=0)
    return np.concatenate([filled.reshape(-1), rows[whole:]])


def _check_numbers(**numbers: int) -> None:
    least = {"batch": 1, "shards": 1}
    for name, value in numbers.items():
        if value < least.get(name, 0):
            fail("GF075", f"{name} is {least.get(name, 0)} or more, not {value}")
