"""Sources that draw their samples: regression, blobs, moons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np

from graphflow.data.dataset import Array, Dataset, generator
from graphflow.data.options import Between
from graphflow.data.registry import register
from graphflow.diagnostics import fail

MOST = 10_000_000
Count = Annotated[int, Between(1, MOST)]
Spread = Annotated[float, Between(0)]
Seed = Annotated[int, Between(0, 2**32 - 1)]  # the range scikit-learn accepts

POINTS = {"x": "float32 (N, features)", "label": "int64 (N,)"}


@register("synthetic_regression", columns={"x": "float32 (N, d)", "y": "float32 (N, 1)"})
def synthetic_regression(
    n: Count = 2000,
    w: Sequence[float] = (2.0, -3.4),
    b: float = 4.2,
    noise: Spread = 0.01,
    seed: Seed = 0,
) -> Dataset:
    """A linear model with noise: x ~ N(0, 1), y = x w + b + noise N(0, 1).

    The defaults are those of Dive into Deep Learning 3.3, which trains on one half.
    """
    _check_size(n, len(w), "w")
    random = generator(3, seed)
    x = random.standard_normal((n, len(w)))
    y = x @ np.asarray(w, dtype=np.float64) + b + noise * random.standard_normal(n)
    columns: dict[str, Array] = {
        "x": x.astype(np.float32),
        "y": y.astype(np.float32).reshape(n, 1),
    }
    about = f"{n} samples of y = x w + b + noise with w = {list(w)}, b = {b:g}, noise {noise:g}"
    return Dataset("synthetic_regression", columns, about)


@register("blobs", columns=POINTS)
def blobs(
    n: Count = 300, centers: Count = 3, features: Count = 2, std: Spread = 1.0, seed: Seed = 0
) -> Dataset:
    """Isotropic Gaussian clouds, one class each (scikit-learn's make_blobs)."""
    from sklearn.datasets import make_blobs

    _check_size(max(n, centers), features, "features")
    x, label = make_blobs(n, features, centers=centers, cluster_std=std, random_state=seed)
    return _points("blobs", x, label, f"{n} points in {centers} Gaussian clouds (make_blobs)")


@register("moons", columns=POINTS)
def moons(n: Count = 300, noise: Spread = 0.1, seed: Seed = 0) -> Dataset:
    """Two interleaving half circles in the plane (scikit-learn's make_moons)."""
    from sklearn.datasets import make_moons

    x, label = make_moons(n, noise=noise, random_state=seed)
    return _points("moons", x, label, f"{n} points on two half circles (make_moons)")


def _points(name: str, x: Array, label: Array, about: str) -> Dataset:
    columns: dict[str, Array] = {"x": x.astype(np.float32), "label": label.astype(np.int64)}
    return Dataset(name, columns, about)


def _check_size(rows: int, width: int, option: str) -> None:
    if width == 0:
        fail("GF071", f"'{option}' needs at least one number")
    if rows * width > MOST:
        fail("GF071", f"{rows} rows of {width} numbers are more than the limit of {MOST} numbers")
