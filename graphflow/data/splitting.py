"""How a dataset is cut into parts: by shares or sizes, at random, in order, or class by class."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from itertools import accumulate
from numbers import Integral, Real

import numpy as np

from graphflow.data.dataset import Dataset, Indices, generator
from graphflow.data.options import concerning, is_number
from graphflow.diagnostics import did_you_mean, fail


def split(
    dataset: Dataset,
    parts: Mapping[str, float] | None,
    seed: int,
    *,
    ordered: bool = False,
    stratify: str | None = None,
) -> dict[str, Indices]:
    """Disjoint parts of a dataset: name -> indices.

    ``parts`` are shares that add up to 1, or whole numbers of samples (what they leave is in no
    part). Samples are permuted by ``seed``; a sequence, and samples that are ``ordered`` in time,
    are cut into contiguous parts in the order given. With ``stratify`` every part has the shares of
    the classes in that column. Sizes are differences of the rounded cumulative shares, so that
    they add up exactly. With ``parts=None`` the source's own parts are returned, or all of it as
    ``train``. Raises GraphflowError for shares and sizes that do not fit the data.

    >>> data = Dataset("tiny", {"x": np.arange(10)}, "a sketch")
    >>> {k: len(v) for k, v in split(data, {"train": 0.8, "test": 0.2}, seed=0).items()}
    {'train': 8, 'test': 2}
    >>> split(data, {"train": 6, "test": 3}, seed=0, ordered=True)["test"].tolist()
    [6, 7, 8]
    """
    if parts is None:
        for name, given in (("ordered", ordered), ("stratify", stratify is not None)):
            if given:
                with concerning(name):
                    fail("GF075", f"'{name}' says how data is cut, and there is no 'split'",
                         help="add split: {train: 0.8, test: 0.2}")  # fmt: skip
        everything = {"train": np.arange(len(dataset))}
        return dict(everything if dataset.splits is None else dataset.splits)
    if seed < 0:
        fail("GF075", f"a seed is 0 or more, not {seed}")
    with concerning("split"):
        shares = _shares(parts, len(dataset))
    groups = [np.arange(len(dataset))]
    if stratify is not None:
        with concerning("stratify"):
            groups = _classes(dataset, stratify, ordered)
    elif dataset.steps is None and not ordered:
        groups = [generator(1, seed).permutation(len(dataset))]
    with concerning("split"):
        if stratify is None:
            return _cut(groups[0], shares, parts)
        return _stratified(groups, shares, parts, seed)


def check_split(parts: Mapping[str, float]) -> None:
    """What can be told of ``parts`` without the data: raises GF075 for shares that do not add up.

    >>> check_split({"train": 0.8, "test": 0.2})
    """
    with concerning("split"):
        _shares(parts, sys.maxsize)


def _shares(parts: Mapping[str, float], length: int) -> list[float]:
    """The share of each part; sizes must not ask for more samples than there are."""
    sized = all(is_number(size, Integral) for size in parts.values())
    if sized and sum(parts.values()) > 1:
        return _sized(parts, length)
    for name, share in parts.items():
        if not is_number(share, Real) or not 0 < share <= 1:
            fail(
                "GF075",
                f"part '{name}' is a share between 0 and 1, not {share!r}",
                help="a share of 0.2 is a fifth of the samples; leave out a part without any; "
                "or give all parts as whole numbers of samples",
            )
    total = math.fsum(parts.values())
    if abs(total - 1) > 1e-6:
        fail(
            "GF075",
            f"the shares of the parts add up to {total:g}, not 1",
            help="every sample is in one part: split: {train: 0.8, test: 0.2}",
        )
    return list(parts.values())


def _sized(parts: Mapping[str, float], length: int) -> list[float]:
    for name, size in parts.items():
        if size < 1:
            fail("GF075", f"part '{name}' has {size:g} samples", help="leave it out")
    total = int(sum(parts.values()))
    if total > length:
        sizes = ", ".join(f"{name}: {int(size)}" for name, size in parts.items())
        fail("GF075", f"there are {length} samples, and the parts ask for {total} ({sizes})",
             help="ask for fewer, or give shares that add up to 1")  # fmt: skip
    return [size / length for size in parts.values()]


def _ends(length: int, shares: Sequence[float]) -> list[int]:
    """Where each part ends."""
    return [round(total * length) for total in accumulate(shares)]


def _cut(
    order: Indices, shares: Sequence[float], parts: Mapping[str, float]
) -> dict[str, Indices]:
    ends = _ends(len(order), shares)
    pieces = np.split(order, ends)[: len(shares)]
    return _named(dict(zip(parts, pieces, strict=True)), parts, len(order))


def _named(
    found: dict[str, Indices], parts: Mapping[str, float], length: int
) -> dict[str, Indices]:
    for name, part in found.items():
        if len(part) == 0:
            fail(
                "GF075",
                f"part '{name}' would be empty: {parts[name]:g} of {length} samples",
                help="give it a larger share, or leave it out",
            )
    return found


def _classes(dataset: Dataset, column: str, ordered: bool) -> list[Indices]:
    """The samples of each class, by a column of numbers or words."""
    if column not in dataset.columns:
        offer = f"the columns are {', '.join(dataset.columns)}"
        fail("GF071", f"'{dataset.name}' has no column '{column}'",
             help=did_you_mean(column, dataset.columns) or offer)  # fmt: skip
    if ordered or dataset.steps is not None:
        fail("GF075", "data cut in the order of time cannot be stratified",
             help="leave out 'ordered' or 'stratify'")  # fmt: skip
    values = dataset.columns[column][np.arange(len(dataset))]
    if values.ndim != 1 or values.dtype.kind == "f":
        fail("GF075", f"column '{column}' is no column of classes: {values.dtype} "
             f"{list(values.shape)}", help="stratify by whole numbers or words")  # fmt: skip
    _, kind = np.unique(values.astype(str) if values.dtype == object else values,
                        return_inverse=True)  # fmt: skip
    return [np.flatnonzero(kind == k) for k in range(int(kind.max()) + 1)]


def _stratified(
    classes: Sequence[Indices],
    shares: Sequence[float],
    parts: Mapping[str, float],
    seed: int,
) -> dict[str, Indices]:
    """Parts of the sizes that an unstratified cut has, each class spread over them evenly.

    Every class is laid out evenly over the line from 0 to 1, at (i + 1/2) / size; the line is cut
    by the shares. A class differs from its due by about a sample, and where K classes are small by
    its own share of K / 2 more, because the parts keep their sizes.
    """
    order = np.concatenate([generator(1, seed, k).permutation(c) for k, c in enumerate(classes)])
    places = np.concatenate([(np.arange(len(c)) + 0.5) / len(c) for c in classes])
    line = order[np.argsort(places, kind="stable")]
    found = _cut(line, shares, parts)
    return {n: generator(1, seed, len(classes), i).permutation(p)
            for i, (n, p) in enumerate(found.items())}  # fmt: skip
