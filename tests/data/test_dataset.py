from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphflow.data import Dataset, OptionError, split
from graphflow.diagnostics import GraphflowError


def numbers(n: int, **options: object) -> Dataset:
    return Dataset("numbers", {"x": np.arange(n), "y": np.arange(n) * 2.0}, "counted", **options)


def test_take_copies_samples_in_the_order_asked() -> None:
    data = numbers(5)
    taken = data.take([3, 1])
    assert taken["x"].tolist() == [3, 1]
    assert taken["y"].tolist() == [6.0, 2.0]
    taken["x"][0] = 99
    assert data.columns["x"].tolist() == [0, 1, 2, 3, 4]


def test_axis_follows_from_steps() -> None:
    assert numbers(5).axis == 0
    assert numbers(5, steps=2).axis == 1


def test_columns_of_different_lengths_are_refused(refused) -> None:
    columns = {"x": np.zeros(3), "y": np.zeros(4)}
    found = refused(Dataset, "odd", columns, "made up")
    assert found.code == "GF075"
    assert "x: 3, y: 4" in found.message


@given(
    n=st.integers(20, 300),
    weights=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    seed=st.integers(0, 2**40),
    steps=st.sampled_from([None, 7]),
)
def test_parts_are_disjoint_and_cover(
    n: int, weights: list[int], seed: int, steps: int | None
) -> None:
    fractions = {f"part{i}": w / sum(weights) for i, w in enumerate(weights)}
    data = numbers(n, steps=steps)
    try:
        parts = split(data, fractions, seed)
    except GraphflowError as error:
        assert "would be empty" in str(error)
        return
    assert list(parts) == list(fractions)
    joined = np.concatenate(list(parts.values()))
    assert sorted(joined.tolist()) == list(range(n))
    for name, part in parts.items():
        assert abs(len(part) - fractions[name] * n) <= 1
    if steps is not None:
        assert joined.tolist() == list(range(n))


def test_split_depends_on_the_seed_only() -> None:
    data, fractions = numbers(100), {"train": 0.8, "test": 0.2}
    first, again, other = (split(data, fractions, seed) for seed in (1, 1, 2))
    assert len(first["train"]) == 80
    assert np.array_equal(first["train"], again["train"])
    assert not np.array_equal(first["train"], other["train"])


def test_without_fractions_the_parts_of_the_source_win() -> None:
    own = {"train": np.arange(7), "test": np.arange(7, 10)}
    assert split(numbers(10, splits=own), None, seed=0) == own
    everything = split(numbers(4), None, seed=0)
    assert {name: part.tolist() for name, part in everything.items()} == {"train": [0, 1, 2, 3]}
    mixed = split(numbers(10, splits=own), {"train": 0.5, "test": 0.5}, seed=0)
    assert len(mixed["train"]) == 5


@pytest.mark.parametrize(
    ("fractions", "words"),
    [
        ({"train": 0.8, "test": 0.3}, "add up to 1.1"),
        ({}, "add up to 0"),
        ({"train": 1.0, "test": 0.0}, "between 0 and 1"),
        ({"train": -0.5, "test": 1.5}, "between 0 and 1"),
        ({"train": float("nan")}, "between 0 and 1"),
        ({"train": True}, "between 0 and 1"),
        ({"train": "most"}, "between 0 and 1"),
        ({"train": 0.99, "test": 0.01}, "'test' would be empty"),
    ],
)
def test_fractions_that_are_no_split(refused, fractions: dict[str, float], words: str) -> None:
    found = refused(split, numbers(10), fractions, 0)
    assert found.code == "GF075"
    assert words in found.message
    assert found.help
    with pytest.raises(OptionError) as caught:
        split(numbers(10), fractions, 0)
    assert caught.value.option == "split"


def test_a_negative_seed_is_refused(refused) -> None:
    assert refused(split, numbers(10), {"train": 1.0}, -1).code == "GF075"
