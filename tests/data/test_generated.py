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


@pytest.mark.parametrize("source", ["synthetic_regression", "blobs", "moons"])
def test_seeds(source: str) -> None:
    first, again, other = (load(source, n=20, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.columns["x"], again.columns["x"])
    assert not np.array_equal(first.columns["x"], other.columns["x"])


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
    ],
)
def test_options_out_of_range(refused, source: str, options: dict[str, object]) -> None:
    assert refused(load, source, **options).code == "GF071"
