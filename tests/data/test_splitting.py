"""Parts by size, in order, and class by class; parts by share are in test_dataset."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphflow.data import Dataset, OptionError, split
from graphflow.diagnostics import GraphflowError


def labelled(*counts: int) -> Dataset:
    label = np.repeat(np.arange(len(counts)), counts)
    words = np.array(["abcdefgh"[k] for k in label], dtype=object)
    return Dataset("mine", {"label": label, "word": words}, "a sketch")


def test_sizes_count_samples_and_may_leave_some() -> None:
    parts = split(labelled(100), {"train": 60, "test": 30}, seed=0)
    assert {name: len(part) for name, part in parts.items()} == {"train": 60, "test": 30}
    assert len(set(np.concatenate(list(parts.values())).tolist())) == 90


def test_parts_in_order() -> None:
    parts = split(labelled(10), {"train": 6, "test": 3}, seed=0, ordered=True)
    assert parts["train"].tolist() == list(range(6))
    assert parts["test"].tolist() == [6, 7, 8]
    shares = split(labelled(10), {"train": 0.7, "test": 0.3}, seed=5, ordered=True)
    assert shares["test"].tolist() == [7, 8, 9]


@pytest.mark.parametrize("column", ["label", "word"])
def test_every_part_has_the_shares_of_the_classes(column: str) -> None:
    data = labelled(80, 15, 5)
    parts = split(data, {"train": 0.6, "test": 0.4}, seed=3, stratify=column)
    counts = [np.bincount(data.array("label")[part], minlength=3) for part in parts.values()]
    assert [c.tolist() for c in counts] == [[48, 9, 3], [32, 6, 2]]
    again = split(data, {"train": 0.6, "test": 0.4}, seed=3, stratify=column)
    other = split(data, {"train": 0.6, "test": 0.4}, seed=4, stratify=column)
    assert np.array_equal(parts["train"], again["train"])
    assert not np.array_equal(parts["train"], other["train"])
    assert not np.array_equal(parts["train"], np.sort(parts["train"]))


@given(
    counts=st.lists(st.integers(1, 40), min_size=1, max_size=6),
    train=st.floats(0.2, 0.8),
    seed=st.integers(0, 99),
)
def test_no_class_is_off_by_more_than_its_rounding(counts, train, seed) -> None:
    data = labelled(*counts)
    try:
        parts = split(data, {"train": train, "test": 1 - train}, seed, stratify="label")
    except GraphflowError as error:
        assert "would be empty" in str(error)
        return
    assert len(parts["train"]) == round(train * len(data))
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(len(data)))
    found = np.bincount(data.array("label")[parts["train"]], minlength=len(counts))
    # The line is cut at t: each class has t c samples before it, half a one more or less, and one
    # where places are equal. So t n is off by half a sample a class, and by the size's rounding.
    slack = 1.5 + (len(counts) + 1) / 2 * np.array(counts) / sum(counts)
    assert (abs(found - train * np.array(counts)) <= slack).all()


@pytest.mark.parametrize(
    ("parts", "how", "option", "words"),
    [
        ({"train": 8, "test": 3}, {}, "split", "there are 10 samples, and the parts ask for 11"),
        ({"train": 8, "test": 0}, {}, "split", "part 'test' has 0 samples"),
        ({"train": 8, "test": 0.2}, {}, "split", "between 0 and 1, not 8"),
        ({"train": 0.5, "test": 0.5}, {"stratify": "lable"}, "stratify", "no column 'lable'"),
        ({"train": 5}, {"stratify": "label", "ordered": True}, "stratify", "order of time"),
        (None, {"ordered": True}, "ordered", "there is no 'split'"),
        (None, {"stratify": "label"}, "stratify", "there is no 'split'"),
    ],
)
def test_impossible_parts_are_refused(parts, how, option: str, words: str) -> None:
    with pytest.raises(OptionError) as caught:
        split(labelled(10), parts, 0, **how)
    assert caught.value.option == option
    assert words in caught.value.diagnostics[0].message
    assert caught.value.diagnostics[0].help
