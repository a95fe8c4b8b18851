"""Character language models: what chapters 9 and 10 of the book say of them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

import graphflow as gf
from graphflow.generation.decoding import decoder_of
from tests.gallery.training import GRAPHS, losses, trained, values_of

PARAMETERS = {
    "rnn_scratch": 2876, "rnn_concise": 2908, "lstm_scratch": 8732, "lstm_concise": 8860,
    "gru_scratch": 6780, "gru_concise": 6876, "deep_rnn_scratch": 4956, "deep_gru": 13_212,
}  # fmt: skip


@pytest.mark.parametrize(("name", "parameters"), PARAMETERS.items())
def test_the_parameters_of_the_book(name, parameters):
    leaves = gf.load(GRAPHS[name]).graph.leaves("parameter")
    assert sum(math.prod(leaf.tensor.shape) for leaf in leaves) == parameters


def test_the_shapes_of_the_book():
    """Windows of 100 characters of 16, two at a time, through 32 hidden units."""
    model = gf.load(GRAPHS["rnn_scratch"], {"vocab": 16})
    tokens = np.ones((2, 100), dtype=np.int64)
    hidden, last, logits = values_of(model, "rnn.h_next", "rnn.final.h", "logits", tokens=tokens)
    assert (hidden.shape, last.shape, logits.shape) == ((100, 2, 32), (2, 32), (100, 2, 16))


def test_the_states_of_both_directions_stand_side_by_side():
    for name, node in (("birnn_scratch", "both"), ("bigru", "net.output")):
        (both,) = values_of(name, node, tokens=np.ones((3, 17), dtype=np.int64))
        assert both.shape == (17, 3, 64)


@pytest.mark.parametrize("name", ["rnn_scratch", "lstm_scratch", "gru_scratch"])
def test_at_first_all_characters_are_as_likely(name):
    assert losses(name, 1)[0]["perplexity"] == pytest.approx(28, abs=0.1)


def test_a_word_is_guessed_without_having_been_read():
    tokens = np.arange(7)[None]
    before, after = (
        values_of("birnn_scratch", "logits", tokens=np.where(tokens == 3, other, tokens))[0]
        for other in (3, 40)
    )
    np.testing.assert_array_equal(before[3], after[3])
    assert not np.allclose(before[2], after[2]) and not np.allclose(before[4], after[4])


@pytest.mark.parametrize(
    "name", ["rnn_scratch", "lstm_concise", "gru_concise", "deep_rnn_scratch", "deep_gru"]
)
def test_states_that_go_on_say_what_the_whole_text_says(name):
    model = gf.load(GRAPHS[name], {"hidden": 8})
    plan = model.elaborated.generation
    assert plan is not None and plan.carry
    tokens = [1, 7, 3, 3, 20, 5, 11]
    for parameter in model.parameters:
        model.parameters[parameter] = 30 * model.parameters[parameter]
    whole = model.compile()({"tokens": np.array([tokens])})["logits"][:, 0]
    for carry in (plan.carry, ()):
        decoder = decoder_of(model, replace(plan, carry=carry), {}, 1, None, 0)
        said = [decoder.start(tokens[:1])[0]]
        said += [decoder.follow([0], [token])[0] for token in tokens[1:]]
        np.testing.assert_allclose(said, whole, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_a_gap_is_told_from_both_sides():
    both, left = (trained("birnn_scratch", behind=behind) for behind in (True, False))
    assert both["val/perplexity"] == pytest.approx(3.3, abs=0.2)
    assert left["val/perplexity"] == pytest.approx(5.9, abs=0.3)


@pytest.mark.slow
def test_a_pointer_cache_helps_on_text_that_was_not_trained_on():
    found = trained("pointer_cache")
    assert found["test/cached_perplexity"] < 0.75 * found["test/perplexity"]
