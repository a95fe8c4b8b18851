"""What the graphs of boxes, anchors and detectors claim."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

import graphflow as gf
from tests.gallery.training import GRAPHS, trained, value_of, values_of


def test_anchors_that_the_book_prints() -> None:
    """2,042,040 boxes of a picture of 561 x 728, five of them around its pixel (250, 250)."""
    model = gf.load(GRAPHS["anchors"])
    image = np.zeros((1, 3, 561, 728))
    count, around, off = values_of(
        model, "count", "around", "off", image=image, row=250, column=250
    )
    assert count == 2_042_040 and off < 1e-6
    np.testing.assert_allclose(around[0], [0.06, 0.07, 0.63, 0.82], atol=0.005)
    np.testing.assert_allclose(around[3], [-0.0646, 0.1814, 0.7528, 0.7117], atol=5e-5)


def test_a_box_that_meets_nothing_is_drawn_by_the_generalized_index() -> None:
    history = gf.train(gf.load(GRAPHS["box_iou"])).history
    iou = np.asarray(history["iou"][1]).ravel()
    assert not iou[:14].any() and iou[14] > 0 and iou[-1] > 0.9


def test_rounds_take_the_largest_index_that_is_left() -> None:
    """The book's picture: x23, x71, x54 and x92 of 9 anchors and 4 objects, counted from 1."""
    iou = np.full((9, 4), 0.1)
    for value, (anchor, item) in zip(
        (0.9, 0.8, 0.7, 0.4), ((2, 3), (7, 1), (5, 4), (9, 2)), strict=True
    ):
        iou[anchor - 1, item - 1] = value
    text = GRAPHS["anchor_labels"].read_text(encoding="utf-8").replace("A: 5, G: 2", "A: 9, G: 4")
    model = gf.loads(
        re.sub(r"    default: [^:]*\n(?=  objects|\nnodes)", "", text).split("check:")[0]
    )
    feed = {"anchors": np.zeros((9, 4)), "objects": np.zeros((4, 5)), "iou": iou}
    owner, anchor = values_of(model, "owner", "rounds.anchor", **feed)
    assert owner.tolist() == [-1, 2, -1, -1, 3, -1, 0, -1, 1]
    assert (anchor + 1).tolist() == [2, 7, 5, 9]


def test_offsets_of_the_book_in_float32() -> None:
    """Its print ends with 4.17e-06 and 6.26e-01: log(1e-6 + 1) rounded in float32."""
    offsets, off = values_of("anchor_labels", "offsets", "off")
    np.testing.assert_allclose(offsets[4, 2:], [4.17e-6, 0.626], rtol=2e-3)
    assert off == 0


def test_a_higher_threshold_keeps_a_third_box() -> None:
    keep, library = values_of(gf.load(GRAPHS["nms"], {"threshold": 0.6}), "keep", "library")
    assert keep.tolist() == library.tolist() == [0, 3, 2, -1]


def test_losses_are_what_the_text_says() -> None:
    p = np.arange(1, 100) / 100
    plain, bent = values_of("detection_losses", "gamma_0", "gamma_5", p=p)
    assert bent[89] / plain[89] < 1.1e-5 and bent[9] / plain[9] > 0.5


def test_the_books_tiny_ssd_has_its_parameters_and_anchors() -> None:
    model = gf.load(GRAPHS["tiny_ssd"], {"paper": True})
    leaves = model.graph.leaves("parameter")
    assert sum(math.prod(leaf.tensor.shape) for leaf in leaves) == 1_010_376
    nodes = model.graph
    assert nodes["anchors"].tensor.shape == (1, 5444, 4)
    assert nodes["scores"].tensor.shape[1:] == (5444, 2)
    assert nodes["offsets"].tensor.shape[1:] == (21776,)


@pytest.mark.slow
def test_tiny_ssd_finds_digits_that_it_has_not_seen() -> None:
    assert trained("tiny_ssd")["test/mAP"] > 0.88


def test_a_window_is_followed_by_align_and_rounded_by_pool() -> None:
    align = [float(value_of("roi_align", "align", left=left)) for left in (1.0, 1.25, 1.45)]
    pool = [float(value_of("roi_align", "pool", left=left)) for left in (1.0, 1.25, 1.45, 1.55)]
    np.testing.assert_allclose(align, [2.5, 2.75, 2.95], rtol=1e-6)
    assert pool == [3, 3, 3, 4]


@pytest.mark.slow
def test_regions_learn_to_be_digits() -> None:
    assert trained("fast_rcnn")["test/mAP"] > 0.68


@pytest.mark.slow
def test_proposals_come_to_meet_the_objects() -> None:
    metrics = trained("faster_rcnn")
    assert metrics["test/recall"] > 0.8 and metrics["train/object_loss"] < 0.15


@pytest.mark.slow
def test_masks_of_unseen_digits_are_drawn() -> None:
    assert trained("mask_rcnn")["test/mask_iou"] > 0.815
