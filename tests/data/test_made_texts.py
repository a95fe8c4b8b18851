"""Labels of made up texts are read off the texts themselves, by other means than wrote them."""

from __future__ import annotations

import re

import numpy as np
import pytest

from graphflow.data import load
from graphflow.data.made_texts import ADJECTIVES, distinct
from graphflow.diagnostics import GraphflowError

DENIED = ("anything but", "far from", "never", "not")
ORDER = ("entailment", "contradiction", "neutral")


def texts(data, column: str) -> list[str]:
    return [data.tokenizers[column].decode(row) for row in data.columns[column].tolist()]


def opinions(text: str) -> list[int]:
    """1 for praise and -1 for blame, sentence by sentence."""
    found = []
    for said in text.split(" . "):
        sign = next((2 * i - 1 for i in (0, 1) for w in ADJECTIVES[i] if w in said.split()), 0)
        found.append(-sign if any(f" {word} " in said for word in DENIED) else sign)
    return [sign for sign in found if sign]


def test_a_reviews_label_is_what_most_of_its_opinions_say() -> None:
    data = load("made_reviews")
    found = texts(data, "tokens")
    assert [sum(opinions(text)) > 0 for text in found] == (data.columns["label"] == 1).tolist()
    assert {len(opinions(text)) for text in found} == {1, 3}
    assert len(set(found)) == len(found) == 2500
    assert data.columns["label"].mean() == pytest.approx(0.5, abs=0.05)


def test_counting_words_of_praise_is_not_enough() -> None:
    """As many words of praise as of blame, or more of the wrong kind, in two reviews of five."""
    data = load("made_reviews")
    words = [{w: i for i in (0, 1) for w in ADJECTIVES[i]}.get(w) for w in
             data.tokenizers["tokens"].tokens]  # fmt: skip
    sign = np.array([0 if one is None else 2 * one - 1 for one in words])
    counted = sign[data.columns["tokens"]].sum(axis=1) > 0
    assert 0.55 < (counted == data.columns["label"]).mean() < 0.7


def test_reviews_fit_their_columns() -> None:
    data = load("made_reviews", n_train=300, n_test=50)
    assert data.columns["tokens"].shape == (350, 36) and data.columns["length"].max() < 36
    pad = data.tokenizers["tokens"].numbers["<pad>"]
    assert ((data.columns["tokens"] != pad).sum(axis=1) == data.columns["length"]).all()
    assert {name: len(rows) for name, rows in data.splits.items()} == {"train": 300, "test": 50}
    words = set(data.tokenizers["tokens"].tokens)
    assert {"this", "movie", "is", "so", "great", "bad"} <= words  # what the book asks its nets


@pytest.mark.parametrize(
    ("premise", "hypothesis", "label"),
    [
        ("a dog finds a kite in the park .", "an animal finds a toy outdoors .", 0),
        ("a dog finds a kite in the park on a sunny day .", "a dog finds a kite outdoors .", 0),
        ("a dog finds a kite in the park .", "a cat finds a kite in the park .", 1),
        ("a dog finds a kite in the park .", "a dog finds a kite in the kitchen .", 1),
        ("a dog finds a kite in the park .", "a dog sells a kite in the park .", 1),
        ("a dog finds a toy outdoors .", "a dog finds a kite outdoors .", 2),
        ("a dog finds a kite outdoors .", "a dog finds a kite outdoors on a rainy day .", 2),
    ],
)
def test_the_relation_of_two_sentences(premise: str, hypothesis: str, label: int) -> None:
    """The pairs of the source agree with a reader who knows words for more than one thing."""
    assert read(premise, hypothesis) == label


MORE = {"animal": "cat dog horse", "person": "boy girl man woman", "fruit": "apple banana lemon",
        "instrument": "drum guitar piano", "toy": "ball doll kite",
        "indoors": "cellar kitchen school", "outdoors": "field garden park"}  # fmt: skip
WORD = re.compile(
    r"(animal|person|cat|dog|horse|boy|girl|man|woman) (\w+s) (?:a|an) (\w+) (?:in the )?(\w+)"
    r"(?: on a (\w+) day)? \."
)


def read(premise: str, hypothesis: str) -> int:
    pairs = list(zip(WORD.search(premise).groups(), WORD.search(hypothesis).groups(), strict=True))
    follows = [b is None or a == b or a in MORE.get(b, "").split() for a, b in pairs]
    open_ = [a is None or b in MORE.get(a, "").split() for a, b in pairs]
    if all(follows):
        return 0
    return 2 if all(f or o for f, o in zip(follows, open_, strict=True)) else 1


def test_inferences_are_as_a_reader_would_have_them() -> None:
    data = load("made_inferences")
    pairs = list(zip(texts(data, "premise"), texts(data, "hypothesis"), strict=True))
    assert [read(a, b) for a, b in pairs] == data.columns["label"].tolist()
    assert len(set(pairs)) == 3600 and all(a != b for a, b in pairs)
    assert np.bincount(data.columns["label"]).min() > 1000
    assert data.tokenizers["label"].tokens == ORDER
    assert data.columns["premise_length"].max() < data.columns["premise"].shape[1]


def test_more_texts_than_there_are() -> None:
    with pytest.raises(GraphflowError, match="3 different texts"):
        distinct(3, lambda: ("yes",))


def test_the_same_seed_gives_the_same_texts() -> None:
    one, again, other = (load("made_reviews", n_train=50, n_test=5, seed=s) for s in (0, 0, 1))
    assert texts(one, "tokens") == texts(again, "tokens") != texts(other, "tokens")
