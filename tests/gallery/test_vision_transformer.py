"""Sections 11.8 and 11.9 of the book: the vision Transformer, and one sentence in three modes."""

from __future__ import annotations

import math

import numpy as np
import pytest

import graphflow as gf
from tests.gallery.training import GRAPHS, losses, trained, values_of

PAPER = {"paper": True}


def shape(model: gf.Model, name: str) -> tuple[object, ...]:
    sizes = model.graph[model.graph.resolve(name)].tensor.shape
    return tuple(size if isinstance(size, int) else str(size) for size in sizes)


def test_images_of_96_pixels_are_36_patches():
    assert shape(gf.load(GRAPHS["patch_embedding"], PAPER), "embedded") == ("B", 36, 512)


def test_a_block_changes_no_shape_in_the_books_size():
    assert shape(gf.load(GRAPHS["vit_block"], PAPER), "out") == (2, 100, 24)


def test_the_vision_transformer_has_the_parameters_of_the_book():
    model = gf.load(GRAPHS["vit"], PAPER)
    leaves = model.graph.leaves("parameter")
    assert sum(math.prod(leaf.tensor.shape) for leaf in leaves) == 6_457_866
    assert shape(model, "tokens") == ("B", 37, 512)


def test_the_first_steps_of_the_vision_transformer_lower_its_loss():
    found = [values["loss"] for values in losses("vit", 60, depth=1)]
    assert np.mean(found[-5:]) < 0.9 * found[0]


@pytest.mark.slow
@pytest.mark.parametrize("mean_pool", [False, True])
def test_the_vision_transformer_reads_digits(mean_pool):
    assert trained("vit", mean_pool=mean_pool)["test/accuracy"] >= 0.96


def test_all_words_move_a_masked_word_and_only_earlier_ones_the_next_word():
    (around,) = values_of("bert_toy", "touched", dtype="float64")
    (before,) = values_of("gpt_toy", "touched", dtype="float64")
    assert (around > 0).all()
    assert (np.triu(before, 1) == 0).all() and (np.diag(before) > 0).all()


@pytest.mark.parametrize("name", ["bert_toy", "gpt_toy", "t5_toy"])
def test_one_sentence_is_soon_known_by_heart(name):
    assert trained(name)["train/loss"] < 0.2
