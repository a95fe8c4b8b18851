from __future__ import annotations

import numpy as np
import pytest

from graphflow.data import Dataset, load


@pytest.fixture(scope="module")
def scenes() -> Dataset:
    return load("digit_scenes", n_train=60, n_test=20, most=4)


def test_shapes(scenes: Dataset) -> None:
    columns = {name: (c.shape, c.dtype.name) for name, c in scenes.columns.items()}
    assert columns == {
        "image": ((80, 1, 48, 48), "float32"),
        "boxes": ((80, 4, 5), "float32"),
        "mask": ((80, 48, 48), "int64"),
        "instances": ((80, 48, 48), "int64"),
    }
    assert scenes.splits is not None
    assert {n: len(p) for n, p in scenes.splits.items()} == {"train": 60, "test": 20}
    assert 0 <= scenes.columns["image"].min() <= scenes.columns["image"].max() <= 1


def test_each_box_is_tight_around_its_digit(scenes: Dataset) -> None:
    counts = set()
    for boxes, mask, instances in zip(
        *(scenes.columns[n] for n in ("boxes", "mask", "instances")), strict=True
    ):
        present = boxes[boxes[:, 0] >= 0]
        counts.add(len(present))
        assert np.all(boxes[len(present) :] == -1)
        assert instances.max() == len(present)
        assert np.array_equal(instances > 0, mask > 0)
        for number, (label, *corners) in enumerate(present, start=1):
            ys, xs = np.nonzero(instances == number)
            found = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]) / 48
            assert np.allclose(found, corners)
            assert set(mask[instances == number]) == {int(label) + 1}
    assert counts == {1, 2, 3, 4}


def test_a_digit_shines_where_its_mask_is(scenes: Dataset) -> None:
    image, mask = scenes.columns["image"][:, 0], scenes.columns["mask"]
    assert image[mask > 0].min() > 0.25
    assert image[mask == 0].max() <= 0.25


def test_a_lone_digit_of_its_own_size_is_a_digit_of_scikit_learn() -> None:
    data = load("digit_scenes", n_train=5, n_test=5, size=8, most=1, side=[8, 8])
    real = load("digits").columns
    shown = data.columns["image"][:, 0]
    for picture, (label, *_), mask in zip(
        shown, data.columns["boxes"][:, 0], data.columns["mask"], strict=True
    ):
        alike = real["image"][real["label"] == label, 0] / 16
        ink = mask > 0
        # Only its place may differ: compare the brightness that it is made of.
        brightest = np.sort(picture[ink])
        assert any(np.array_equal(brightest, np.sort(digit[digit > 0.25])) for digit in alike)


def test_seed_and_noise() -> None:
    first, again, other = (load("digit_scenes", n_train=3, n_test=2, seed=s) for s in (1, 1, 2))
    assert np.array_equal(first.columns["image"], again.columns["image"])
    assert not np.array_equal(first.columns["image"], other.columns["image"])
    noisy = load("digit_scenes", n_train=20, n_test=1, noise=0.1)
    empty = noisy.columns["image"][:, 0][noisy.columns["mask"] == 0]
    # A normal variable cut off below 0 has the second moment of half of it.
    assert np.mean(empty**2) == pytest.approx(0.1**2 / 2, rel=0.25)


@pytest.mark.parametrize(
    "options", [{"side": [20, 12]}, {"side": [12, 60]}, {"most": 0}, {"digits": "letters"}]
)
def test_options_that_do_not_fit(refused, options: dict[str, object]) -> None:
    assert refused(load, "digit_scenes", **options).code == "GF071"
