"""Ratings as recommenders read them: who rated what, what came before, what was never rated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt

from graphflow.data.dataset import Array, Dataset, Indices, generator
from graphflow.data.options import Between
from graphflow.data.registry import register
from graphflow.data.tokenizers import Tokenizer
from graphflow.diagnostics import fail

Count = Annotated[int, Between(1, 100_000)]
Some = Annotated[int, Between(0, 10_000)]
Seed = Annotated[int, Between(0)]
Test = Literal["none", "last"]
Mask = npt.NDArray[np.bool_]

RATINGS = {
    "user": "int64 (N,)",
    "item": "int64 (N,)",
    "rating": "float32 (N,), 1 to 5",
    "time": "int64 (N,)",
    "history": "int64 (N, history): items before this one, the latest last; with `history`",
    "others": "int64 (N, others): items that the user has not rated; with `others`",
    "known": "float32 (items, users): ratings, 0 for none; with `matrix`, in place of all others",
    "held_out": "float32 (items, users): the ratings of the test part; with `matrix`",
}
KINDS, TASTES = 6, 4
"""Of items; numbers that a taste is made of."""


@register("made_ratings", columns=RATINGS)
def made_ratings(
    users: Count = 400,
    items: Count = 200,
    each: Count = 25,
    test: Test = "none",
    history: Some = 0,
    others: Some = 0,
    matrix: bool = False,
    seed: Seed = 0,
) -> Dataset:
    """Films that people with hidden tastes saw, one after the other, and how they liked them.

    A film is of one of six kinds, q = kind + 0.4 N(0, 1), a person has a taste p ~ N(0, 1), both
    of four numbers. The rating is 3.4 + 0.4 b + 0.4 c + 0.5 p q + 0.4 N(0, 1), rounded to 1 to 5,
    where b is the person's mildness and c the film's quality. Each person sees ``each`` films and
    none twice: next comes i with a chance in proportion to e^(popularity + p q), and e^4 times
    that for the film that is the sequel of the last one. ``test: last`` makes everyone's last film
    the test part. In place of MovieLens 100k, with the same options.
    """
    if each >= items:
        fail("GF071", f"nobody can see {each} of {items} items and leave some out")
    random = generator(27, seed)
    kinds = random.standard_normal((KINDS, TASTES))
    film = kinds[np.arange(items) % KINDS] + 0.4 * random.standard_normal((items, TASTES))
    liking = random.standard_normal((users, TASTES)) @ film.T
    quality, mildness = random.standard_normal(items), random.standard_normal((users, 1))
    score = 3.4 + 0.4 * (mildness + quality) + 0.5 * liking
    score += 0.4 * random.standard_normal(score.shape)
    pull = 0.5 * random.standard_normal(items) + 0.3 * quality + liking
    seen = _one_after_the_other(random, pull, each)
    rows = {
        "user": np.repeat(np.arange(users), each),
        "item": seen.reshape(-1),
        "time": np.tile(np.arange(each), users),
    }
    rating = np.clip(np.round(score[rows["user"], rows["item"]]), 1, 5).astype(np.float32)
    return rated(
        "made_ratings",
        rows | {"rating": rating},
        (users, items),
        f"{users * each:,} ratings of {items} films by {users} people",
        test=test,
        history=history,
        others=others,
        matrix=matrix,
        seed=seed,
    )


def _one_after_the_other(random: np.random.Generator, pull: Array, each: int) -> Indices:
    """What each person sees (users, each): draws without repetition, sequels in their order."""
    users, items = pull.shape
    sequel = np.roll(random.permutation(items), 1)
    left = np.asarray(pull, np.float64)
    seen = np.zeros((users, each), np.int64)
    rows = np.arange(users)
    for turn in range(each):
        chances = left.copy()
        if turn:
            chances[rows, sequel[seen[:, turn - 1]]] += 4
        seen[:, turn] = np.argmax(chances + random.gumbel(size=chances.shape), axis=1)
        left[rows, seen[:, turn]] = -np.inf
    return seen


def rated(
    name: str,
    rows: Mapping[str, Array],
    sizes: tuple[int, int],
    about: str,
    *,
    test: Test,
    history: int,
    others: int,
    matrix: bool,
    seed: int,
    tokenizers: Mapping[str, Tokenizer] | None = None,
) -> Dataset:
    """Columns ``user``, ``item``, ``rating``, ``time`` with what the options add to them.

    Rows keep their order; with ``history`` those before which a user has rated less are left out.
    GF071 where a user leaves too few items unrated for ``others``, and for columns that a matrix
    does not have.
    """
    if matrix and (history or others):
        fail("GF071", "'matrix' has all ratings at once, and no rows for 'history' and 'others'")
    user, item = np.asarray(rows["user"], np.int64), np.asarray(rows["item"], np.int64)
    last = _last(user, np.asarray(rows["time"], np.int64))
    if matrix:
        tests = last if test == "last" else np.zeros(len(user), bool)
        grids = {"known": _grid(rows, sizes, ~tests), "held_out": _grid(rows, sizes, tests)}
        return Dataset(name, grids, about)
    columns: dict[str, Array] = dict(rows)
    kept = np.ones(len(user), bool)
    if history:
        columns["history"], kept = _before(user, item, np.asarray(rows["time"]), history)
    if others:
        columns["others"] = _unrated(user, item, sizes, others, generator(28, seed))
    columns = {column: values[kept] for column, values in columns.items()}
    parts = {"train": np.flatnonzero(~last[kept]), "test": np.flatnonzero(last[kept])}
    splits = parts if test == "last" else None
    return Dataset(name, columns, about, splits=splits, tokenizers=dict(tokenizers or {}))


def _in_time(user: Indices, time: Array) -> Indices:
    """The rows user by user, each in the order of time, equally late ones as they stand."""
    return np.lexsort((np.arange(len(user)), time, user))


def _last(user: Indices, time: Indices) -> Mask:
    """Whether a row is the last of its user."""
    order = _in_time(user, time)
    found = np.zeros(len(user), bool)
    found[order[np.append(user[order][1:] != user[order][:-1], True)]] = True
    return found


def _grid(rows: Mapping[str, Array], sizes: tuple[int, int], chosen: Mask) -> Array:
    """(items, users) of the chosen ratings."""
    grid = np.zeros(sizes[::-1], np.float32)
    grid[rows["item"][chosen], rows["user"][chosen]] = rows["rating"][chosen]
    return grid


def _before(user: Indices, item: Indices, time: Array, length: int) -> tuple[Array, Array]:
    """The items that the user rated before each row, and which rows have so many."""
    order = _in_time(user, time)
    ordered = user[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    place = np.arange(len(order))
    rank = place - np.repeat(starts, np.diff(np.append(starts, len(order))))
    found = np.zeros((len(order), length), np.int64)
    found[order] = item[order][np.maximum(place[:, None] - np.arange(length, 0, -1), 0)]
    kept = np.zeros(len(order), bool)
    kept[order] = rank >= length
    return found, kept


def _unrated(
    user: Indices, item: Indices, sizes: tuple[int, int], count: int, random: np.random.Generator
) -> Array:
    """For each row so many different items that its user has not rated."""
    found = np.zeros((len(user), count), np.int64)
    for one in np.unique(user):
        mine = np.flatnonzero(user == one)
        free = np.setdiff1d(np.arange(sizes[1]), item[mine])
        if len(free) < count:
            fail("GF071", f"user {one} leaves {len(free)} items unrated, not {count}")
        order = np.argsort(random.random((len(mine), len(free))), axis=1)
        found[mine] = free[order[:, :count]]
    return found
