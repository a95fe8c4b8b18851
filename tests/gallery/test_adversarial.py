"""What the files of `gan` claim: shapes and sizes of the book's nets, where games end."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from tests.gallery.training import trained

BLOCKS = """
graphflow: 1
name: the blocks of the book's nets
inputs:
  x: {{shape: {shape}}}
nodes:
  y: {call}
outputs: [y]
"""


@pytest.mark.parametrize(
    ("shape", "call", "expected"),
    [
        ((2, 3, 16, 16), "dcgan_generator_block(x, 20)", (2, 20, 32, 32)),
        ((2, 3, 1, 1), "dcgan_generator_block(x, 20, stride=1, padding=0)", (2, 20, 4, 4)),
        ((1, 100), "dcgan_generator(x)", (1, 3, 64, 64)),
        ((2, 3, 16, 16), "dcgan_discriminator_block(x, 20)", (2, 20, 8, 8)),
        ((1, 3, 64, 64), "dcgan_discriminator(x)", (1,)),
    ],
)
def test_shapes_are_those_that_the_book_prints(shape, call, expected):
    assert gf.loads(BLOCKS.format(shape=list(shape), call=call)).graph["y"].tensor.shape == expected


@pytest.mark.parametrize(
    ("shape", "call", "size"),
    [((1, 100), "dcgan_generator(x)", 3_576_704),
     ((1, 3, 64, 64), "dcgan_discriminator(x)", 2_765_696)],
)  # fmt: skip
def test_the_books_nets_have_so_many_parameters(shape, call, size):
    leaves = gf.loads(BLOCKS.format(shape=list(shape), call=call)).graph.leaves("parameter")
    assert sum(int(np.prod(leaf.tensor.shape)) for leaf in leaves) == size


@pytest.mark.slow
def test_the_game_for_a_normal_distribution_ends_where_nobody_can_tell():
    found = trained("gan_gaussian")
    assert found["train/d_loss"] == pytest.approx(0.693, abs=0.005)
    assert found["train/g_loss"] == pytest.approx(0.693, abs=0.02)


@pytest.mark.slow
def test_drawn_digits_are_recognised_and_of_all_kinds():
    model = gf.load("dcgan")
    gf.train(model)
    program = model.compile(of="confidence", keep=["taken_for"])
    values = program({"real": np.zeros((1000, 1, 8, 8), np.float32)}).values
    assert float(values["confidence"]) > 0.8
    assert (np.bincount(values["taken_for"], minlength=10) > 10).all()
