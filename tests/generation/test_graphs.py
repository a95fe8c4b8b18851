"""The canned graphs that write: trained for a while, they say what makes sense."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

import graphflow as gf
from graphflow.data.grammar import ACTIONS, ADJECTIVES, NOUNS, VERBS
from graphflow.generation.decoding import decoder_of

WORDS = {
    "the", "that", *ADJECTIVES,
    *(word + s for word in (*NOUNS, *VERBS, *ACTIONS) for s in ("", "s")),
}  # fmt: skip


def test_kept_keys_and_values_say_what_the_whole_text_says() -> None:
    model = gf.load("gpt", {"width": 16, "heads": 2})
    plan = model.elaborated.generation
    assert plan is not None and len(plan.carry) == 1 + 2 * 2
    tokens = np.random.default_rng(0).integers(0, 24, 30)
    whole = model.compile()({"tokens": tokens[:, None]})["logits"][:, 0]
    for carry in (plan.carry, ()):
        decoder = decoder_of(model, replace(plan, carry=carry), {}, 1, None, 0)
        said = [decoder.start([int(tokens[0])])[0]]
        said += [decoder.follow([0], [int(token)])[0] for token in tokens[1:]]
        np.testing.assert_allclose(said, whole, rtol=1e-5, atol=1e-5)


def test_rows_of_kept_keys_and_values_follow_their_texts() -> None:
    model = gf.load("gpt", {"width": 16, "heads": 2, "vocab": 5})
    plan = model.elaborated.generation
    assert plan is not None
    kept, again = (
        decoder_of(model, replace(plan, carry=carry), {}, 3, None, 0) for carry in (plan.carry, ())
    )
    np.testing.assert_allclose(kept.start([1, 2])[:1], again.start([1, 2])[:1], atol=1e-5)
    for parents, tokens in (([0, 0, 0], [1, 2, 3]), ([2, 0, 2], [4, 1, 0]), ([1, 1], [2, 3])):
        found, expected = kept.follow(parents, tokens), again.follow(parents, tokens)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_evaluating_a_model_that_keeps_keys_and_values_starts_afresh() -> None:
    model = gf.load("gpt", {"width": 16, "heads": 2, "data.n": 300, "data.batch": 4})
    result = gf.train(model, steps=6)
    assert model.state["position"] == 0
    tokens = np.arange(12).reshape(6, 2)
    loss = model.compile("loss")({"tokens": tokens, "targets": tokens})["loss"]
    gf.generate(model, "the ", length=5)
    assert model.compile("loss")({"tokens": tokens, "targets": tokens})["loss"] == loss
    assert np.isfinite(result.metrics["test/loss"])


def words_of(text: str) -> list[str]:
    """The words that are whole."""
    return re.findall(r"[a-z]+", text.rpartition(" ")[0])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "epochs", "perplexity"), [("lstm", 10, 1.6), ("gpt", 8, 1.6)])
def test_what_a_language_model_writes_is_language(
    name: str, epochs: int, perplexity: float
) -> None:
    model = gf.load(name)
    result = gf.train(model, epochs=epochs)
    assert result.metrics["test/perplexity"] < perplexity
    text = gf.generate(model, "the dogs that ", length=300, seed=1).text
    words = words_of(text)
    assert len(words) > 40
    assert sum(word in WORDS for word in words) > 0.9 * len(words)


@pytest.mark.slow
def test_dates_are_translated() -> None:
    pytest.importorskip("babel")
    model = gf.load("translator")
    result = gf.train(model)
    assert result.metrics["val/exact"] > 0.95
    for text, expected in (
        ("thursday, january 5, 2012", "5 janvier 2012"),
        ("march 13, 1987", "13 mars 1987"),
        ("aug 1, 1969", "1 août 1969"),
    ):
        for strategy in ("greedy()", "beam(3)"):
            found = gf.generate(model, given={"source": text}, strategy=strategy)
            assert found.finished and found.text == expected
