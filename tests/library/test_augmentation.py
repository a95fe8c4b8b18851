"""Transforms of images: known ones against Pillow, colorsys and NumPy, random ones by what they
draw in training, and that evaluation leaves images alone."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
from PIL import Image

import graphflow as gf
from graphflow.diagnostics import GraphflowError
from tests.library.calling import evaluated, file

IMAGES = np.random.default_rng(0).random((2, 3, 7, 9))


def trained(call: str, x: np.ndarray, seed: int = 0, step: int = 0) -> np.ndarray:
    """What a call gives in training mode."""
    program = gf.loads(file(call, {"x": x})).compile(dtype="float64", mode="train", seed=seed)
    return program({"x": x}, step=step).values["out"]


# -- known changes ------------------------------------------------------------------------------
@pytest.mark.parametrize("size", [(3, 4), (14, 5), (7, 9), (1, 1)])
def test_resize_is_pillows_bilinear(size: tuple[int, int]) -> None:
    found = evaluated(f"resize(x, {list(size)})", x=IMAGES)
    for image, sample in zip(found.reshape(6, *size), IMAGES.reshape(6, 7, 9), strict=True):
        expected = Image.fromarray(sample.astype(np.float32)).resize(size[::-1], Image.BILINEAR)
        np.testing.assert_allclose(image, np.asarray(expected), atol=1e-6)


def test_resize_by_the_shorter_side_and_without_antialias() -> None:
    assert evaluated("resize(x, 4)", x=IMAGES).shape == (2, 3, 4, 5)
    assert evaluated("resize(x, 4)", x=IMAGES.swapaxes(2, 3).copy()).shape == (2, 3, 5, 4)
    plain = evaluated("resize(x, [3, 5], antialias=false)", x=IMAGES)
    torchs = evaluated("interpolate(x, [3, 5], mode='bilinear')", x=IMAGES)
    np.testing.assert_allclose(plain, torchs, atol=1e-12)


def test_channels_are_normalised_one_by_one() -> None:
    found = evaluated("normalize_image(x, [0.1, 0.2, 0.3], [1, 2, 4])", x=IMAGES)
    mean, std = np.array([[0.1, 0.2, 0.3], [1, 2, 4]])[:, None, :, None, None]
    np.testing.assert_allclose(found, (IMAGES - mean) / std, rtol=1e-12)
    one = evaluated("normalize_image(x, 0.5, 2)", x=IMAGES)
    np.testing.assert_allclose(one, (IMAGES - 0.5) / 2)


@pytest.mark.parametrize(
    "call", ["normalize_image(x, [0, 0], 1)", "normalize_image(x, 0, [1, 0, 1])"]
)
def test_normalising_wants_a_value_for_each_channel(call: str) -> None:
    with pytest.raises(GraphflowError):
        evaluated(call, x=IMAGES)


def test_the_middle_and_a_margin() -> None:
    middle = evaluated("center_crop(x, [3, 5])", x=IMAGES)
    np.testing.assert_array_equal(middle, IMAGES[:, :, 2:5, 2:7])
    wide = evaluated("center_crop(x, 11)", x=IMAGES)
    np.testing.assert_array_equal(wide, np.pad(IMAGES, [(0, 0), (0, 0), (2, 2), (1, 1)]))


def test_colours_are_moved_as_colorsys_does() -> None:
    def moved(pixel: np.ndarray) -> tuple[float, float, float]:
        hue, saturation, value = colorsys.rgb_to_hsv(*pixel)
        return colorsys.hsv_to_rgb((hue - 0.3) % 1, saturation, value)

    expected = np.apply_along_axis(moved, 1, IMAGES)
    np.testing.assert_allclose(evaluated("adjust_hue(x, -0.3)", x=IMAGES), expected, atol=1e-12)
    grey = np.repeat(IMAGES[:, :1], 3, axis=1)
    np.testing.assert_allclose(evaluated("adjust_hue(x, 0.2)", x=grey), grey, atol=1e-12)


def test_brightness_contrast_and_saturation_by_their_formulas() -> None:
    grey = np.tensordot([0.2989, 0.587, 0.114], IMAGES, (0, 1))[:, None]
    level = grey.mean(axis=(1, 2, 3), keepdims=True)
    for call, expected in (
        ("adjust_brightness(x, 1.5)", 1.5 * IMAGES),
        ("adjust_contrast(x, 1.5)", 1.5 * IMAGES - 0.5 * level),
        ("adjust_saturation(x, 0.25)", 0.25 * IMAGES + 0.75 * grey),
    ):
        np.testing.assert_allclose(evaluated(call, x=IMAGES), expected.clip(0, 1), atol=1e-12)


def test_turns() -> None:
    square = IMAGES[:, :, :, :7].copy()
    for angle in (90, 180, -90):
        expected = np.rot90(square, angle // 90, axes=(2, 3))
        np.testing.assert_allclose(evaluated(f"rotate(x, {angle})", x=square), expected, atol=1e-12)
    moved = evaluated("rotate(x, 0, 2, 1, fill=0.5)", x=square)
    expected = np.full_like(square, 0.5)
    expected[:, :, 1:, 2:] = square[:, :, :-1, :-2]
    np.testing.assert_allclose(moved, expected, atol=1e-12)


# -- random changes -----------------------------------------------------------------------------
SAME_SIZE = [
    "random_horizontal_flip(x)", "random_vertical_flip(x)", "random_crop(x, [7, 9], padding=2)",
    "color_jitter(x, 0.4, 0.4, 0.4, 0.1)", "random_erasing(x, p=1)", "random_rotation(x, 30)",
    "random_affine(x, 10, [0.1, 0.2], [0.8, 1.2])", "random_resized_crop(x, [7, 9])",
]  # fmt: skip


@pytest.mark.parametrize("call", SAME_SIZE)
def test_training_draws_and_evaluation_does_nothing(call: str) -> None:
    x = np.random.default_rng(1).random((8, 3, 7, 9))
    np.testing.assert_allclose(evaluated(call, x=x), x, atol=1e-12)
    one, again, other = trained(call, x), trained(call, x), trained(call, x, step=1)
    np.testing.assert_array_equal(one, again)
    assert one.shape == x.shape and not np.array_equal(one, other)
    same = np.repeat(x[:1], 8, axis=0)
    drawn = trained(call, same)
    assert any(not np.array_equal(drawn[0], image) for image in drawn[1:])


def test_each_image_is_flipped_on_its_own_with_probability_p() -> None:
    x = np.tile(np.array([[[[0.0, 1.0]]]]), (4000, 1, 1, 1))
    flipped = trained("random_horizontal_flip(x, 0.3)", x)[:, 0, 0, 0]
    assert set(flipped) == {0.0, 1.0}
    assert flipped.mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / 4000))
    np.testing.assert_array_equal(trained("random_vertical_flip(x, 1)", x), x)


def test_a_random_crop_is_a_window_and_every_window_comes() -> None:
    x = np.tile(np.arange(16.0).reshape(1, 1, 4, 4), (900, 1, 1, 1))
    crops = trained("random_crop(x, 2)", x)
    windows = {tuple(x[0, 0, i : i + 2, j : j + 2].ravel()) for i in range(3) for j in range(3)}
    found, counts = np.unique(crops.reshape(900, 4), axis=0, return_counts=True)
    assert {tuple(window) for window in found} == windows
    assert counts.min() > 60 and counts.max() < 140  # 100 each, standard deviation 9.4
    with pytest.raises(GraphflowError, match="does not fit"):
        trained("random_crop(x, 6)", x)


def test_a_resized_crop_of_all_the_area_is_a_resize() -> None:
    call = "random_resized_crop(x, [4, 5], scale=[1, 1], ratio=[9 / 7, 9 / 7])"
    np.testing.assert_allclose(
        trained(call, IMAGES), evaluated("resize(x, [4, 5])", x=IMAGES), atol=1e-12
    )


def test_the_erased_share_follows_scale() -> None:
    x = np.ones((400, 1, 40, 40))
    kept = trained("random_erasing(x, p=1, scale=[0.1, 0.2], ratio=[0.5, 2], value=0)", x)
    share = 1 - kept.mean(axis=(1, 2, 3))
    assert share.min() > 0.085 and share.max() < 0.22
    assert share.mean() == pytest.approx(0.15, abs=0.01)
    untouched = trained("random_erasing(x, p=0.25)", x).all(axis=(1, 2, 3)).mean()
    assert untouched == pytest.approx(0.75, abs=0.1)


def test_the_factors_of_brightness_lie_in_their_range() -> None:
    x = np.full((500, 3, 1, 1), 0.5)
    factors = trained("color_jitter(x, brightness=0.4)", x)[:, 0, 0, 0] / 0.5
    assert 0.6 <= factors.min() < 0.62 and 1.38 < factors.max() <= 1.4
    assert factors.mean() == pytest.approx(1, abs=0.04)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("random_crop(x, 0)", "size is"),
        ("random_horizontal_flip(x, 2)", "probability"),
        ("random_resized_crop(x, 3, scale=[0.5, 0.1])", "scale is"),
        ("color_jitter(x, hue=0.7)", "hue is between"),
        ("random_affine(x, 10, [2, 0])", "translate"),
        ("resize(x, [1, 2, 3])", "shorter side"),
    ],
)
def test_wrong_arguments_are_answered(call: str, words: str) -> None:
    with pytest.raises(GraphflowError, match=words):
        trained(call, IMAGES)
