"""Images of other sizes and places, windows and their adjoints, beyond the comparison of calls."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from graphflow.diagnostics import GraphflowError
from tests.library.calling import differentiated, evaluated, file

IMAGE = np.random.default_rng(0).standard_normal((2, 4, 6, 5))


def test_doubling_by_hand() -> None:
    x = np.array([[[1.0, 2.0, 4.0]]])
    linear = evaluated("interpolate(x, scale_factor=2, mode='linear')", x=x)
    np.testing.assert_allclose(linear, [[[1, 1.25, 1.75, 2.5, 3.5, 4]]])
    corners = evaluated("interpolate(x, 5, mode='linear', align_corners=true)", x=x)
    np.testing.assert_allclose(corners, [[[1, 1.5, 2, 3, 4]]])
    nearest = evaluated("interpolate(x, scale_factor=2)", x=x)
    np.testing.assert_array_equal(nearest, [[[1, 1, 2, 2, 4, 4]]])


def test_an_image_of_open_size_is_resized_when_it_is_known() -> None:
    text = (
        "graphflow: 1\nname: resize\ninputs: {x: {shape: [B, C, H, W]}}\nnodes:\n"
        "  twice: interpolate(x, scale_factor=2, mode='bilinear')\n"
        "  fixed: interpolate(x, [3, 4], mode='bicubic')\n"
        "  near: interpolate(x, [5, 2])\noutputs: [twice, fixed, near]\n"
    )
    program = gf.loads(text).compile(dtype="float64")
    for shape in [(1, 2, 4, 3), (2, 1, 1, 6)]:
        x = np.random.default_rng(1).standard_normal(shape)
        values = program({"x": x}).values
        for name, call in (
            ("twice", "interpolate(x, scale_factor=2, mode='bilinear')"),
            ("fixed", "interpolate(x, [3, 4], mode='bicubic')"),
            ("near", "interpolate(x, [5, 2])"),
        ):
            np.testing.assert_allclose(values[name], evaluated(call, x=x), rtol=1e-12, atol=1e-14)


def test_the_unmoved_grid_gives_the_image() -> None:
    theta = np.tile([[1.0, 0, 0], [0, 1, 0]], (2, 1, 1))
    for corners in ("true", "false"):
        call = f"grid_sample(x, affine_grid(a, [2, 4, 6, 5], {corners}), align_corners={corners})"
        np.testing.assert_allclose(evaluated(call, x=IMAGE, a=theta), IMAGE, atol=1e-12)


def test_shuffles_are_undone() -> None:
    call = "pixel_shuffle(pixel_unshuffle(x, 2), 2) - x"
    assert not evaluated(call, x=IMAGE[:, :, :, :4].copy()).any()
    assert not evaluated("channel_shuffle(channel_shuffle(x, 2), 2) - x", x=IMAGE).any()


def test_a_convolution_is_a_product_with_unfolded_windows() -> None:
    weight = np.random.default_rng(2).standard_normal((3, 4, 3, 2))
    attrs = "padding=[[1, 0], [0, 2]], stride=[2, 1], dilation=[1, 2]"
    product = f"reshape(w, [3, 24]) @ unfold(x, [3, 2], {attrs})"
    conv = f"conv2d(x, weight=w, {attrs})"
    expected = evaluated(conv, x=IMAGE, w=weight)
    found = evaluated(product, x=IMAGE, w=weight)
    np.testing.assert_allclose(found.reshape(expected.shape), expected, rtol=1e-11, atol=1e-12)


def test_fold_is_the_adjoint_of_unfold() -> None:
    """<unfold x, c> = <x, fold c> for windows that overlap."""
    columns = np.random.default_rng(3).standard_normal((2, 24, 16))
    spread = evaluated("unfold(x, [3, 2])", x=IMAGE)
    back = evaluated("fold(c, [6, 5], [3, 2])", c=columns)
    np.testing.assert_allclose((spread * columns).sum(), (IMAGE * back).sum(), rtol=1e-11)


@pytest.mark.parametrize("margin", [0, 1])
def test_unpooling_puts_every_entry_where_it_was(margin: int) -> None:
    """A margin that no window reached comes back by output_size."""
    shape = (2, 3, 6 + margin, 4 + margin)
    x = np.random.default_rng(4).permutation(np.prod(shape)).reshape(shape) + 1.0
    size = f", output_size={list(shape[2:])}" if margin else ""
    found = evaluated(f"max_unpool2d(max_pool2d(x, 2), max_pool_indices(x, 2), 2{size})", x=x)
    largest = x[:, :, :6, :4].reshape(2, 3, 3, 2, 2, 2).max(axis=(3, 5))
    spread = np.pad(np.kron(largest, np.ones((2, 2))), ((0, 0), (0, 0), (0, margin), (0, margin)))
    np.testing.assert_array_equal(found, np.where(spread == x, x, 0))


def test_a_length_of_nothing_has_a_gradient_of_zero() -> None:
    value, by = differentiated("sum(lp_pool1d(x, 2, 2))", ["x"], x=np.zeros((1, 1, 4)))
    assert value == 0 and not by["x"].any()


def test_channels_share_local_responses_by_hand() -> None:
    x = np.array([[[1.0], [2.0], [3.0]]])
    found = evaluated("local_response_norm(x, 3, alpha=3, beta=1, k=1)", x=x)
    np.testing.assert_allclose(found[0, :, 0], [1 / 6, 2 / 15, 3 / 14])


REFUSED = {
    "interpolate(m, 4)": "interpolate resizes (N, C, 1 to 3 spatial axes)",
    "interpolate(x)": "give size or scale_factor, one of them",
    "interpolate(x, 4, scale_factor=2)": "give size or scale_factor, one of them",
    "interpolate(x, [1, 2, 3])": "size is a positive whole number, or one for each spatial axis",
    "interpolate(x, 0)": "size is a positive whole number",
    "interpolate(x, 4, mode='linear')": "linear (1 spatial axis)",
    "interpolate(x, 4, mode='cubic')": "not 'cubic'",
    "interpolate(x, 4, align_corners=true)": "align_corners means something for linear and cubic",
    "grid_sample(x, m)": "the grid is (N, H, W, 2)",
    "grid_sample(m, g)": "grid_sample looks at images",
    "grid_sample(x, g, 'cubic')": "mode is 'bilinear', 'nearest' or, for images, 'bicubic'",
    "grid_sample(x[:, :, None], h, 'bicubic')": "for images, 'bicubic', not 'bicubic'",
    "grid_sample(x, g, padding_mode='wrap')": "padding_mode is 'zeros', 'border' or 'reflection'",
    "affine_grid(m, [1, 1, 2, 2])": "affine_grid takes matrices (N, 2, 3)",
    "pixel_shuffle(x, 3)": "3 squared must divide the channels",
    "pixel_unshuffle(x, 4)": "4 must divide the height and width",
    "channel_shuffle(x, 3)": "must fall into 3 groups",
    "unfold(x, [3, 3, 3])": "kernel_size has 3 values for 2 axes",
    "unfold(x, 9)": "a window of 9 elements does not fit",
    "fold(x, 4, 2)": "fold to [4] wants (batch, channels * 2, 3 windows)",
    "conv2d(x, 3, 3, padding_mode='mirror')": "padding_mode is 'zeros', 'reflect'",
    "conv2d(x, 3, 3, padding='full', padding_mode='reflect')": "non-negative integer, not 'full'",
    "lp_pool2d(x, 0, 2)": "the power of a length is a positive number, not 0",
    "max_unpool2d(x, x, 2)": "one index for every entry",
    "adaptive_max_pool2d(x, [none, 0])": "a positive whole number for each axis, not 0",
    "local_response_norm(x, 0)": "size counts channels",
}
FEED = {"x": IMAGE, "m": np.zeros((4, 6)), "g": np.zeros((2, 3, 3, 2)),
        "h": np.zeros((2, 1, 3, 3, 3))}  # fmt: skip


@pytest.mark.parametrize("call", REFUSED)
def test_a_wrong_call_is_refused(call: str) -> None:
    with pytest.raises(GraphflowError) as caught:
        gf.loads(file(call, FEED))
    (found,) = caught.value.diagnostics
    assert REFUSED[call] in found.message
