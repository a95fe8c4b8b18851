"""What the graphs of sequences to sequences claim: searches, losses, translations of dates."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import graphflow as gf
from graphflow.training.feed import open_feed
from tests.gallery.training import GRAPHS, trained, values_of

STEPS = [  # what follows the token before, step by step, as search_strategies has it
    {None: [0.5, 0.2, 0.2, 0.1]},
    {0: [0.1, 0.4, 0.3, 0.2]},
    {1: [0.2, 0.2, 0.4, 0.2], 2: [0.1, 0.6, 0.2, 0.1]},
    {1: [0.1, 0.2, 0.1, 0.6], 2: [0, 0.2, 0.2, 0.6]},
]
END = 3


def probability(text: tuple[int, ...]) -> float:
    """The product of the tables' entries; after the end comes the end."""
    found, last = 1.0, None
    for table, token in zip(STEPS, text, strict=True):
        follows = [0, 0, 0, 1] if last == END else table.get(last, [0.25] * 4)
        found, last = found * follows[token], token
    return found


@pytest.mark.parametrize(("alpha", "best"), [(0.75, "1324"), (0, "1444")])
def test_an_exhaustive_search_is_one_over_all_texts(alpha: float, best: str) -> None:
    model = gf.load(GRAPHS["search_strategies"], {"alpha": alpha})
    every, found, length = values_of(model, "every", "exhaustive", "length", dtype="float64")
    texts = list(itertools.product(range(4), repeat=4))
    np.testing.assert_allclose(every.ravel(), [probability(t) for t in texts], atol=1e-12)
    sizes = [4 if END not in t else t.index(END) + 1 for t in texts]
    assert length.tolist() == sizes
    assert str(found) == best


@pytest.mark.parametrize(("k", "text", "p"), [(1, 1234, 0.048), (2, 1324, 0.054), (4, 1324, 0.054)])
def test_a_wider_beam_finds_what_a_narrow_one_misses(k: int, text: int, p: float) -> None:
    model = gf.load(GRAPHS["search_strategies"], {"k": k})
    found, chance = values_of(model, "beam.text", "beam_p")
    assert int(found) == text and chance == pytest.approx(p)


def test_the_costs_of_searches_are_those_printed_in_the_book() -> None:
    names = ("greedy_cost", "beam_cost", "exhaustive_cost")
    costs = values_of("search_strategies", *names, dtype="float64")
    assert costs == pytest.approx([5, math.log10(2e5), 40])


def test_a_beam_of_two_keeps_what_the_books_figure_keeps() -> None:
    made = gf.generate(gf.load(GRAPHS["beam_search"]), considered=10)
    kept = ["".join("ABCDE"[t] for t in b.tokens) for b in made.branches if b.kept]
    assert kept == ["A", "C", "CE", "AB", "CED", "ABD"]
    assert [len([b for b in made.branches if len(b.tokens) == n]) for n in (1, 2, 3)] == [5, 10, 10]
    assert made.log_probability == pytest.approx(math.log(0.126), rel=1e-5)


@pytest.mark.parametrize(("width", "text"), [(1, "0 0 1 3"), (2, "0 2 4 3"), (25, "0 2 4 3")])
def test_a_greedy_search_begins_with_the_better_letter(width: int, text: str) -> None:
    assert gf.generate(gf.load(GRAPHS["beam_search"]), strategy=f"beam({width})").text == text


def test_what_a_decoder_says_alone_is_what_generate_says() -> None:
    """Untrained, so that it babbles; the batch writes together, generate one text at a time."""
    pytest.importorskip("babel")
    small = {"hidden": 8, "embed": 4, "train.seed": 1, "data.n_train": 400}
    for name in ("seq2seq", "translator"):
        model = gf.load(GRAPHS[name], small)
        feed = open_feed(model.elaborated, model.folder, 0)
        beyond = np.arange(180) >= len(model.tokenizers["target"])  # scores that mean no word
        model.parameters["decode.dense.bias"] = np.where(beyond, -1e9, 0.0)
        batch, _ = next(iter(feed.evaluation("val")))
        rows = {key: value[:2] for key, value in batch.items()}
        (answers,) = values_of(model, "answer", **rows)
        for row, answer in enumerate(answers):
            given = {key: rows[key][row : row + 1] for key in ("source", "source_length")}
            said = gf.generate(model, given=given, strategy="greedy()", length=len(answer))
            assert list(said.tokens) == answer[: len(said.tokens)].tolist()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["seq2seq", "translator"])
@pytest.mark.parametrize("seed", [0, 1])
def test_unseen_dates_are_translated_without_a_mistake(name: str, seed: int) -> None:
    pytest.importorskip("babel")
    assert trained(name, **{"train.seed": seed})["val/exact"] >= 0.95


@pytest.mark.slow
def test_dates_can_be_learned_without_a_teacher() -> None:
    pytest.importorskip("babel")
    assert trained("seq2seq", teacher=False)["val/exact"] >= 0.95
