"""Pictures changed, enlarged and segmented: what chapters 14.1, 14.2, 14.9 to 14.11, 14.13 and
14.14 of the book claim.
"""

from __future__ import annotations

import numpy as np

import graphflow as gf
from tests.gallery.training import GRAPHS, value_of, values_of


def test_a_transposed_convolution_is_the_way_back_of_a_convolution():
    back, again = values_of("conv_as_matmul", "back", "again", kernel=[[0.3, -2], [1, 0.7]])
    np.testing.assert_allclose(again, back, rtol=1e-6)


def test_a_bilinear_kernel_enlarges_as_interpolation_does():
    photo = np.random.default_rng(0).uniform(size=(1, 3, 48, 72))
    assert value_of("bilinear_upsampling", "difference", photo=photo) < 1e-6


def test_the_book_s_photograph_is_twice_as_large():
    model = gf.load(GRAPHS["bilinear_upsampling"], {"paper": True})
    assert model.graph["larger"].tensor.shape == (1, 3, 1122, 1456)


def test_eight_copies_are_changed_in_training_and_only_then():
    model = gf.load(GRAPHS["image_augmentation"])
    photo = np.random.default_rng(0).uniform(size=(1, 3, 100, 150)).astype(np.float32)
    for name in ("mirrored", "hue"):
        drawn = model.compile(of=name, mode="train")({"photo": photo}).values[name]
        kept = model.compile(of=name)({"photo": photo}).values[name]
        assert len(np.unique(drawn.reshape(8, -1), axis=0)) == (2 if name == "mirrored" else 8)
        np.testing.assert_array_equal(kept, np.repeat(photo, 8, axis=0))
