"""Pictures changed, enlarged and segmented: what chapters 14.1, 14.2, 14.9 to 14.11, 14.13 and
14.14 of the book claim.
"""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from tests.gallery.training import GRAPHS, trained, value_of, values_of


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


# -- segmentation ----------------------------------------------------------------------------------
def test_an_image_and_its_mask_are_cut_out_alike():
    model = gf.load(GRAPHS["segmentation_scenes"])
    count = np.arange(2 * 48 * 48).reshape(2, 48, 48) % 21
    feed = {"image": count[:, None].astype(np.float32), "mask": count}
    found = model.compile(of="cut_image", keep=["cut_mask", "read_back"], mode="train")(feed).values
    np.testing.assert_array_equal(found["cut_image"][:, 0], found["cut_mask"])
    np.testing.assert_array_equal(found["read_back"], found["cut_mask"])


def test_the_book_s_fcn_has_as_many_numbers_and_the_same_maps():
    sizes = {"H": 320, "W": 480, "colours": 3, "width": 64, "classes": 21}
    model = gf.load(GRAPHS["fcn_resnet18"], sizes)
    assert sum(p.size for p in model.parameters.values()) == 12_993_642
    shapes = [model.graph[name].tensor.shape[1:] for name in ("features", "coarse", "scores")]
    assert shapes == [(512, 10, 15), (21, 10, 15), (21, 320, 480)]


@pytest.mark.slow
def test_skips_find_the_outlines_of_unseen_digits():
    assert trained("fcn_skips")["test/iou"] >= 0.8


# -- what was learned before -----------------------------------------------------------------------
def test_a_net_starts_from_what_digits_before_has_learned():
    fine = gf.load(GRAPHS["fine_tuning"])
    held = gf.load(GRAPHS["digits_before"])
    held.load_weights(str(GRAPHS["digits_before"].with_suffix(".safetensors")))
    for name, value in held.parameters.items():
        if name.startswith("net."):
            np.testing.assert_array_equal(fine.parameters[name], value)


@pytest.mark.slow
def test_fine_tuning_is_right_more_often_than_a_start_from_scratch():
    found = trained("fine_tuning")
    assert found["test/tuned"] > 0.9 > 0.85 > found["test/scratch"]


@pytest.mark.slow
def test_a_new_head_learns_from_the_scores_of_a_frozen_net():
    model = gf.load(GRAPHS["dog_breeds"])
    before = {name: value.copy() for name, value in model.parameters.items()}
    found = gf.train(model).metrics
    assert found["test/accuracy"] > 0.8
    for name, value in model.parameters.items():
        assert (value == before[name]).all() == name.startswith(("net.", "head."))
