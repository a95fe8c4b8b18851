"""Sections 15.8 to 16.7 of the book: BERT, pretrained and fine-tuned."""

from __future__ import annotations

import math

import numpy as np
import pytest

import graphflow as gf
from tests.gallery.training import GRAPHS, losses, values_of

PAPER = {"paper": True}


def shape(model: gf.Model, name: str) -> tuple[object, ...]:
    sizes = model.graph[model.graph.resolve(name)].tensor.shape
    return tuple(size if isinstance(size, int) else str(size) for size in sizes)


def count(model: gf.Model, prefix: str = "") -> int:
    leaves = [leaf for leaf in model.graph.leaves("parameter") if leaf.name.startswith(prefix)]
    return sum(math.prod(leaf.tensor.shape) for leaf in leaves)


def test_the_heads_have_the_shapes_of_the_book():
    model = gf.load(GRAPHS["bert_heads"], PAPER)
    printed = {
        "encoded": (2, 8, 768), "words": (2, 3, 10000), "word_losses": (6,), "following": (2, 2),
        "pair_losses": (2,),
    }  # fmt: skip
    assert {name: shape(model, name) for name in printed} == printed


def test_the_books_bert_has_5_632_546_parameters():
    model = gf.load(GRAPHS["bert_pretrain"], PAPER)
    assert count(model) == 5_632_546
    assert {part: count(model, part) for part in ("bert.", "guess.", "follows.")} == {
        "bert.": 2_985_984, "guess.": 2_629_792, "follows.": 16_512 + 258,
    }  # fmt: skip


def test_bert_does_not_look_behind_the_valid_tokens():
    rng = np.random.default_rng(0)
    text = rng.integers(0, 100, (2, 12))
    other = np.where(np.arange(12) < 7, text, 0)
    fed = {"segments": np.zeros((2, 12), int), "valid_len": np.array([7, 7])}
    one, two = (values_of("bert_pretrain", "encoded", tokens=t, **fed)[0] for t in (text, other))
    np.testing.assert_allclose(one[:, :7], two[:, :7], atol=1e-6)


@pytest.mark.slow
def test_the_first_steps_of_pretraining_lower_the_loss_of_masked_words():
    found = [values["mlm_loss"] for values in losses("bert_pretrain", 60, **{"data.n": 500})]
    assert np.mean(found[-5:]) < 0.9 * found[0]


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory):
    file = tmp_path_factory.mktemp("bert") / "bert.safetensors"
    model = gf.load(GRAPHS["bert_pretrain"])
    gf.train(model)
    model.save_weights(file)
    return file


def accuracy(name, weights):
    """After fine-tuning, from the weights of a run or from scratch."""
    model = gf.load(GRAPHS[name])
    if weights is not None:
        model.load_weights(weights, only="bert")
    return gf.train(model).metrics["test/accuracy"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "pretrained_reaches", "better_by"),
    [("bert_kinds", 0.85, 0.1), ("bert_tags", 0.8, 0.1), ("bert_encode", 0.9, 0.2)],
)
def test_fine_tuning_beats_training_from_scratch(name, pretrained_reaches, better_by, pretrained):
    tuned, scratch = accuracy(name, pretrained), accuracy(name, None)
    assert tuned >= pretrained_reaches
    assert tuned >= scratch + better_by


def test_a_sentence_and_a_pair_have_the_shapes_of_the_book():
    """a crane is flying; a crane driver came, he just left: 4 and 4 + 3 words and their marks."""
    model = gf.load(GRAPHS["bert_pretrain"], {"width": 128, "ffn": 256})
    for places in (4 + 2, 4 + 3 + 3):
        row = np.ones((1, places), int)
        fed = {"tokens": row, "segments": row, "valid_len": np.array([places])}
        assert values_of(model, "encoded", **fed)[0].shape == (1, places, 128)
