"""Painterly harmonisation: matches and histograms by NumPy, and what a pass changes."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from tests.gallery.training import GRAPHS, losses, value_of, values_of
from tests.library.calling import evaluated


def matched(values: np.ndarray, style: np.ndarray, bins: int) -> np.ndarray:
    """Each of the sorted numbers in the bin that the style's counts leave for it, one by one."""
    counts = np.histogram(style, bins)[0] * len(values) / len(style)
    low, step = values.min(), (values.max() - values.min()) / bins
    moved = np.empty_like(values)
    for i, place in enumerate(np.argsort(values), start=1):
        upto = np.cumsum(counts)
        bin = min(int(np.sum(upto < i - 1e-9)), bins - 1)
        inside = (i - upto[bin] + counts[bin]) / counts[bin]
        moved[place] = low + (bin + np.clip(inside, 0, 1)) * step
    return moved


def test_only_what_masks_mark_counts_in_the_histogram_loss():
    rng = np.random.default_rng(1)
    x, style = rng.standard_normal((1, 2, 4, 6)), rng.standard_normal((1, 2, 5, 4))
    mask = (rng.random((1, 1, 4, 6)) < 0.6).astype(float)
    chosen = (rng.random((1, 1, 5, 4)) < 0.7).astype(float)
    rows = [(a[mask[0, 0] > 0], b[chosen[0, 0] > 0]) for a, b in zip(x[0], style[0], strict=True)]
    expected = sum(((a - matched(a, b, 5)) ** 2).sum() for a, b in rows) / x.size
    call = "histogram_loss(x, s, 5, mask=m, style_mask=c)"
    found = evaluated(call, x=x, s=style, m=mask, c=chosen)
    assert found == pytest.approx(expected, rel=1e-6)
    x[:, :, mask[0, 0] == 0] += 9
    assert evaluated(call, x=x, s=style, m=mask, c=chosen) == pytest.approx(expected, rel=1e-6)


def test_the_nearest_patch_has_the_largest_cosine():
    rng = np.random.default_rng(2)
    x, style = rng.standard_normal((1, 3, 4, 5)), rng.standard_normal((1, 3, 3, 6))

    def patches(f: np.ndarray) -> np.ndarray:
        wide = np.pad(f[0], ((0, 0), (1, 1), (1, 1)))
        cut = [wide[:, i : i + 3, j : j + 3].ravel() for i in range(f.shape[2])
               for j in range(f.shape[3])]  # fmt: skip
        return np.array(cut) / np.linalg.norm(cut, axis=1, keepdims=True)

    expected = (patches(x) @ patches(style).T).argmax(1)
    np.testing.assert_array_equal(evaluated("patch_match(x, s)", x=x, s=style), expected)


@pytest.mark.slow
def test_the_first_pass_makes_the_gram_matrices_more_alike():
    found = losses("painterly_pass1", 4, H=48, W=64, width=4)
    assert found[-1]["style_total"] < 0.9 * found[0]["style_total"]


def test_nothing_changes_outside_of_the_flower():
    rng = np.random.default_rng(3)
    pictures = {name: rng.random((1, 3, 48, 64)) for name in ("painting", "pasted", "image")}
    mask = np.zeros((1, 1, 48, 64))
    mask[..., 20:24, 20:24] = 1
    composed = value_of(
        gf.load(GRAPHS["painterly_pass1"], {"H": 48, "W": 64, "width": 2}), "composed",
        mask=mask, **pictures,
    )  # fmt: skip
    np.testing.assert_allclose(composed[..., :10], pictures["painting"][..., :10], atol=1e-6)
    centre = (..., slice(21, 23), slice(21, 23))
    assert np.abs(composed - pictures["painting"])[centre].max() > 0.1


def test_the_source_draws_the_same_painting_twice_and_the_flower_only_inside():
    first, again = (gf.data.load("painted_temple", size=[48, 48]).columns for _ in range(2))
    np.testing.assert_array_equal(first["painting"], again["painting"])
    shifts = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    near = sum(np.roll(first["mask"], shift, (2, 3)) for shift in shifts)
    outside = np.broadcast_to(near == 0, first["pasted"].shape)
    np.testing.assert_array_equal(first["pasted"][outside], first["painting"][outside])
    assert 0.03 < first["mask"].mean() < 0.2
    assert first["pasted"].min() >= 0 and first["pasted"].max() <= 1


def test_the_second_pass_keeps_the_fitting_candidate_and_counts_a_choice_once():
    model = gf.load(GRAPHS["painterly_pass2"], {"H": 48, "W": 64, "width": 2, "side": 8})
    rng = np.random.default_rng(4)
    feed = {name: rng.random((1, 3, 48, 64)) for name in ("painting", "pasted", "refined", "image")}
    mask = np.zeros((1, 1, 48, 64))
    mask[..., 12:28, 20:36] = 1
    nearest, matches, style, inside, picked = values_of(
        model, "nearest", "matches", "style.relu4_1", "place", "picked4", mask=mask, **feed
    )
    rows, width = style[0].reshape(style.shape[1], -1).T, style.shape[3]
    places = np.stack(np.divmod(nearest, width)).reshape(2, style.shape[2], width)
    wide = np.pad(places, ((0, 0), (2, 2), (2, 2)), mode="edge")
    limits = np.array(style.shape[2:]) - 1
    for y, x in np.ndindex(*style.shape[2:]):
        shifts = [(i, j) for i in range(5) for j in range(5)]
        found = [(wide[:, y + i, x + j] - (i - 2, j - 2)).clip(0, limits) for i, j in shifts]
        around = places[:, max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].reshape(2, -1)
        near = rows[around[0] * width + around[1]]
        off = [((rows[r * width + c] - near) ** 2).sum() for r, c in found]
        best = matches.reshape(style.shape[2:])[y, x]
        assert ((rows[best] - near) ** 2).sum() == pytest.approx(min(off), rel=1e-4, abs=1e-6)
    once = np.zeros(inside.size)
    once[matches.reshape(-1)[inside.reshape(-1) > 0.5]] = 1
    np.testing.assert_array_equal(picked.reshape(-1), once)
