from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
import pytest

from graphflow.data import load
from graphflow.data.dataset import generator
from graphflow.data.grammar import ACTIONS, ADJECTIVES, NOUNS, VERBS, sentence

SENTENCES = [sentence(generator(4, seed)) for seed in range(300)]


def test_a_verb_agrees_with_its_noun_across_a_clause() -> None:
    noun = rf"the (?:(?:{'|'.join(ADJECTIVES)}) )?(?:{'|'.join(NOUNS)})"
    one, act = f"(?:{'|'.join(VERBS)})", f"(?:{'|'.join(ACTIONS)})"
    anyone = rf"(?:{noun}s?)"
    others = rf"(?:{noun} {act}s|{noun}s {act})"
    single = rf"{noun}(?: that (?:{act}s {anyone}|{others}))? (?:{one}s|{act}s {anyone})\."
    several = rf"{noun}s(?: that (?:{act} {anyone}|{others}))? (?:{one}|{act} {anyone})\."
    assert [s for s in SENTENCES if not re.fullmatch(f"{single}|{several}", s)] == []
    assert any(re.fullmatch(single, s) and "that" in s for s in SENTENCES)
    assert any(re.fullmatch(several, s) and "that" in s for s in SENTENCES)


def mean_length(words: Sequence[str]) -> float:
    return sum(map(len, words)) / len(words)


def coin(p: float) -> float:
    """The entropy of a coin."""
    return -p * math.log(p) - (1 - p) * math.log(1 - p)


def test_what_the_best_guesser_reaches_is_what_the_graph_says() -> None:
    """Perplexity e^(H / L): the choices of a sentence, H nats, over its L characters."""
    noun = (
        coin(0.5) + coin(0.3) + 0.3 * math.log(4) + math.log(8),
        (4 + 0.3 * (mean_length(ADJECTIVES) + 1) + mean_length(NOUNS) + 0.5),
    )
    action = math.log(5), mean_length(ACTIONS) + 0.5
    clause = coin(0.5) + action[0] + noun[0], action[1] + 1 + noun[1]
    predicate = (
        coin(0.5) + 0.5 * math.log(5) + 0.5 * (action[0] + noun[0]),
        0.5 * (mean_length(VERBS) + 0.5) + 0.5 * (action[1] + 1 + noun[1]),
    )
    nats = noun[0] + coin(0.3) + 0.3 * clause[0] + predicate[0]
    characters = noun[1] + 0.3 * (len(" that ") + clause[1]) + 1 + predicate[1] + len(". ")
    assert math.exp(nats / characters) == pytest.approx(1.42, abs=0.005)
    assert len(load("sentences", n=3000)) == pytest.approx(3000 * characters, rel=0.02)


def test_sentences_are_a_text_like_others() -> None:
    data = load("sentences", n=50, steps=8)
    assert (data.steps, data.axis) == (8, 1)
    assert np.array_equal(data.columns["tokens"][1:], data.columns["targets"][:-1])
    assert len(data.tokenizers["tokens"]) <= 28
    again = load("sentences", n=50, steps=8)
    assert np.array_equal(again.columns["tokens"], data.columns["tokens"])
    other = load("sentences", n=50, steps=8, seed=1)
    assert not np.array_equal(other.columns["tokens"][:200], data.columns["tokens"][:200])


def test_words_are_tokens_too() -> None:
    tokens = load("sentences", n=500, level="word").tokenizers["tokens"].tokens
    assert {"the", "that", "dogs", "sees", "."} <= set(tokens)
