"""Values as text, tables and pictures."""

from __future__ import annotations

import io
import json
import pickle

import numpy as np
import pytest
from PIL import Image

import graphflow as gf
from graphflow.runtime.guard import summarise
from graphflow.view.details.values import shown
from tests.view.details.plain import as_json


def test_small_values_are_tables_and_large_ones_pictures():
    small = shown("a", np.array([[1.0, -2.5], [np.nan, np.inf]]))
    assert small.cells == (("1", "-2.5"), ("nan", "inf")) and not small.picture
    large = shown("b", np.arange(400.0).reshape(20, 20))
    assert not large.cells and large.picture.startswith(b"\x89PNG")
    assert [text for _, text in large.colours] == ["0", "399"]


def test_a_heatmap_has_zero_in_the_middle_and_marks_what_is_not_finite():
    numbers = np.zeros((20, 20))
    numbers[0, 0], numbers[0, 1], numbers[19, 19] = -2, 1, np.nan
    made = shown("a", numbers)
    assert [text for _, text in made.colours] == ["-2", "0", "2", "not finite (hatched)"]
    image = np.asarray(Image.open(io.BytesIO(made.picture)))
    cell = image.shape[0] // 20
    assert tuple(image[cell // 2, cell // 2, :3]) == (5, 48, 97)  # RdBu's blue end
    assert tuple(image[5 * cell, 5 * cell, :3]) == (247, 247, 247)
    corner = image[19 * cell :, 19 * cell :, :3].reshape(-1, 3)
    assert {tuple(c) for c in corner} == {(231, 41, 138), (0, 0, 0)}


def test_thin_matrices_are_stretched_to_be_seen():
    made = shown("a", np.random.default_rng(0).normal(size=(4, 256)))
    wide, high = Image.open(io.BytesIO(made.picture)).size
    assert wide == 256 and high == 64


def test_a_long_thin_matrix_keeps_its_columns_and_takes_no_more_room_than_it_has():
    made = shown("a", np.broadcast_to([0.0, 1.0, 2.0, 3.0], (400_000, 4)))
    image = np.asarray(Image.open(io.BytesIO(made.picture)).convert("RGB"))
    assert len(image) <= 384 and len({tuple(pixel) for pixel in image[0]}) == 4
    assert made.caption == "each cell the mean of 1042 x 1"


def test_images_are_shown_as_they_are():
    red = np.zeros((2, 3, 40, 40))
    red[1, 0] = 1
    made = shown("x", red, 1)
    image = np.asarray(Image.open(io.BytesIO(made.picture)))
    assert made.slices == 2 and (image[..., 0] == 255).all() and not image[..., 1:].any()
    with pytest.raises(gf.GraphflowError, match="no slice 2"):
        shown("x", red, 2)


def test_more_dimensions_are_shown_slice_by_slice():
    made = shown("t", np.arange(24.0).reshape(2, 3, 2, 2), 5)
    assert made.slices == 6 and made.cells == (("20", "21"), ("22", "23"))
    assert "[1, 2, :, :]" in made.caption


@pytest.mark.parametrize("value", [
    np.zeros((0, 3)), np.array(3), np.array(True), np.full((40, 40), np.nan),
    np.ones((3, 40), bool),
    np.array([1e308, -1e308]), np.array([1.0, -1, 1]) * np.finfo(float).max,
    np.full((20, 20), 3e38, np.float32), np.array([1.0, 1 + 1e-16]),
    np.full(5, np.inf), np.arange(5000), np.random.default_rng(0).normal(size=(1, 4, 30, 30)),
    np.float64(2.5), np.random.default_rng(0).normal(size=(2, 1, 2, 20, 20)),
    np.zeros((2, 0, 5, 5)), np.zeros((0, 3, 20, 20)),
], ids=lambda v: f"{v.dtype}{v.shape}")  # fmt: skip
@pytest.mark.filterwarnings("error")
def test_any_array_can_be_shown_sent_and_kept(value):
    made = shown("a", value)
    assert pickle.loads(pickle.dumps(made)) == made
    json.dumps(as_json(made), allow_nan=False)


def test_the_largest_numbers_have_moments():
    largest = np.finfo(float).max
    found = summarise(np.array([largest, -largest]))
    assert (found.mean, found.std) == (0, largest)


def test_without_pictures_all_else_is_as_with_them():
    value = np.arange(400.0).reshape(20, 20)
    full, brief = shown("b", value), shown("b", value, pictured=False)
    assert full.picture and not brief.picture
    assert (brief.text, brief.summary, brief.cells) == (full.text, full.summary, full.cells)


def test_changes_are_told():
    assert shown("a", np.array(3.0), before=np.array(2.5)).change == "+0.5"
    assert shown("a", np.array([1.0, 2]), before=np.array([1.0, 4])).change == (
        "1 of 2 entries, by up to 2"
    )
    assert shown("a", np.array([1.0, np.nan]), before=np.array([1.0, np.nan])).change == ""
