from __future__ import annotations

import numpy as np
import pytest

from graphflow.data import load


def test_synthetic_regression_is_the_line_it_says() -> None:
    data = load("synthetic_regression")
    x, y = data.columns["x"], data.columns["y"]
    assert (x.shape, x.dtype) == ((2000, 2), np.float32)
    assert (y.shape, y.dtype) == ((2000, 1), np.float32)
    design = np.column_stack([x, np.ones(2000)])
    solution, (error,), *_ = np.linalg.lstsq(design, y[:, 0], rcond=None)
    assert np.allclose(solution, [2, -3.4, 4.2], atol=2e-3)
    assert np.sqrt(error / 2000) == pytest.approx(0.01, rel=0.1)
    assert np.allclose(x.mean(axis=0), 0, atol=0.1)
    assert np.allclose(x.std(axis=0), 1, atol=0.1)


def test_synthetic_regression_without_noise_is_exact() -> None:
    data = load("synthetic_regression", n=50, w=[1, 2, 3], b=-1, noise=0)
    x, y = data.columns["x"].astype(float), data.columns["y"].astype(float)
    assert np.allclose(x @ [[1], [2], [3]] - 1, y, atol=1e-5)


DRAWN = [
    "synthetic_regression", "blobs", "moons", "high_dimensional_regression", "polynomial", "sine",
    "kernel_regression", "gaussian", "spirals", "xor", "circles",
]  # fmt: skip


@pytest.mark.parametrize("source", DRAWN)
def test_seeds(source: str) -> None:
    first, again, other = (load(source, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.columns["x"], again.columns["x"])
    assert not np.array_equal(first.columns["x"], other.columns["x"])


def test_high_dimensional_regression_is_what_the_book_says() -> None:
    data = load("high_dimensional_regression")
    x, y = data.columns["x"].astype(float), data.columns["y"].astype(float)
    assert (x.shape, y.shape) == ((120, 200), (120, 1))
    assert data.splits is not None
    assert {name: len(part) for name, part in data.splits.items()} == {"train": 20, "val": 100}
    rest = y[:, 0] - (0.05 + 0.01 * x.sum(axis=1))
    assert rest.std() == pytest.approx(0.01, rel=0.2)
    exact = load("high_dimensional_regression", noise=0, w=2, b=3, features=3)
    assert np.allclose(exact.columns["y"][:, 0], 3 + 2 * exact.columns["x"].sum(axis=1), atol=1e-5)


def test_polynomial_by_hand() -> None:
    data = load("polynomial", noise=0)
    x, y = data.columns["x"].astype(float), data.columns["y"].astype(float)
    assert np.allclose(y, 5 + 1.2 * x - 3.4 * x**2 / 2 + 5.6 * x**3 / 6, atol=1e-4)
    assert load("polynomial", noise=0, w=[7], n_train=2, n_val=1).columns["y"].tolist() == [[7]] * 3


def test_sine() -> None:
    data = load("sine")
    time, x = data.columns["time"], data.columns["x"]
    assert time[[0, -1]].tolist() == [1, 1000]
    assert (x - np.sin(0.01 * time)).std() == pytest.approx(0.2, rel=0.1)


def test_kernel_regression() -> None:
    data = load("kernel_regression")
    assert data.splits is not None
    x, y = (data.columns[name][:, 0].astype(float) for name in ("x", "y"))
    train, val = data.splits["train"], data.splits["val"]
    assert (len(train), len(val)) == (40, 50)
    assert np.all(np.diff(x[train]) >= 0)
    assert 0 <= x[train].min() <= x[train].max() < 5
    assert np.allclose(x[val], np.arange(0, 5, 0.1))
    assert np.allclose(y[val], 2 * np.sin(x[val]) + x[val], atol=1e-5)
    assert 0.6 < (y - 2 * np.sin(x) - x)[train].std() < 1.4


def test_gaussian_has_the_covariance_that_the_book_prints() -> None:
    x = load("gaussian", n=200_000).columns["x"].astype(float)
    assert np.allclose(np.cov(x.T), [[1.01, 1.95], [1.95, 4.25]], atol=0.05)
    assert np.allclose(x.mean(axis=0), [1, 2], atol=0.03)


def test_spirals_without_noise_lie_on_their_arms() -> None:
    data = load("spirals", n=31, classes=3, noise=0)
    x, label = data.columns["x"].astype(float), data.columns["label"]
    assert sorted(np.bincount(label).tolist()) == [10, 10, 11]
    r = np.hypot(*x.T)
    for arm in range(3):
        radius = r[label == arm]
        assert np.allclose(radius, np.linspace(0, 1, len(radius)), atol=1e-6)
        angle = 4 * (arm + radius)
        expected = radius[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
        assert np.allclose(x[label == arm], expected, atol=1e-5)


def test_xor() -> None:
    data = load("xor", n=1000)
    x, label = data.columns["x"], data.columns["label"]
    assert np.array_equal(label == 1, (x[:, 0] > 0) != (x[:, 1] > 0))
    assert 400 < label.sum() < 600
    assert np.abs(x).max() <= 1


def test_circles() -> None:
    data = load("circles", n=100, noise=0, factor=0.25)
    x, label = data.columns["x"], data.columns["label"]
    assert np.allclose(np.hypot(*x.T), np.where(label == 1, 0.25, 1), atol=1e-6)


def test_blobs() -> None:
    data = load("blobs", n=90, centers=4, features=3, std=0.1)
    x, label = data.columns["x"], data.columns["label"]
    assert (x.shape, x.dtype) == ((90, 3), np.float32)
    assert label.dtype == np.int64
    assert sorted(np.bincount(label).tolist()) == [22, 22, 23, 23]
    for one in range(4):
        assert x[label == one].std(axis=0).max() < 0.2


def test_moons() -> None:
    data = load("moons", n=100, noise=0)
    x, label = data.columns["x"], data.columns["label"]
    assert (x.shape, x.dtype, label.dtype) == ((100, 2), np.float32, np.int64)
    assert np.bincount(label).tolist() == [50, 50]
    assert np.allclose(np.hypot(*x[label == 0].T), 1, atol=1e-6)
    assert np.allclose(np.hypot(x[label == 1, 0] - 1, x[label == 1, 1] - 0.5), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ("synthetic_regression", {"n": 0}),
        ("synthetic_regression", {"n": 10**9}),
        ("synthetic_regression", {"w": []}),
        ("synthetic_regression", {"w": 3}),
        ("synthetic_regression", {"noise": -1}),
        ("synthetic_regression", {"n": 10**7, "w": [1, 2]}),
        ("synthetic_regression", {"seed": -1}),
        ("blobs", {"std": float("nan")}),
        ("blobs", {"features": 10**6}),
        ("blobs", {"seed": 2**32}),
        ("moons", {"noise": "none"}),
        ("high_dimensional_regression", {"features": 10**6}),
        ("polynomial", {"w": []}),
        ("gaussian", {"matrix": []}),
        ("gaussian", {"mean": []}),
        ("gaussian", {"mean": [1, 2, 3]}),
        ("circles", {"factor": 1}),
        ("spirals", {"classes": 0}),
    ],
)
def test_options_out_of_range(refused, source: str, options: dict[str, object]) -> None:
    assert refused(load, source, **options).code == "GF071"


def test_made_up_houses_follow_their_formula_and_have_gaps() -> None:
    houses = load("made_houses", n=6000, noise=0)
    quality, year, area, frontage, zone, alley, price = (
        houses.columns[name]
        for name in ("OverallQual", "YearBuilt", "GrLivArea", "LotFrontage", "MSZoning", "Alley",
                     "SalePrice")
    )  # fmt: skip
    assert np.isnan(frontage).mean() == pytest.approx(1 / 6, abs=0.02)
    assert (alley == None).mean() == pytest.approx(0.9, abs=0.02)  # noqa: E711
    plain = (alley == None) & (zone == "RL") & ~np.isnan(frontage)  # noqa: E711
    expected = (
        12.1 + 0.12 * (quality - 6) + 0.5 * np.log(area / 1500) + 0.003 * (year - 1970)
        + 0.002 * (frontage - 70)
    )  # fmt: skip
    np.testing.assert_allclose(np.log(price[plain]), expected[plain], atol=2e-3)
    assert np.array_equal(price, load("made_houses", n=6000, noise=0).columns["SalePrice"])
    assert not np.array_equal(
        price, load("made_houses", n=6000, noise=0, seed=1).columns["SalePrice"]
    )
