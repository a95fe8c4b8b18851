"""Sources that draw their samples: lines and curves with noise, points of several classes."""

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

CURVE = {"x": "float32 (N, 1)", "y": "float32 (N, 1)"}
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


@register("high_dimensional_regression", columns={"x": "float32 (N, d)", "y": "float32 (N, 1)"})
def high_dimensional_regression(
    n_train: Count = 20,
    n_val: Count = 100,
    features: Count = 200,
    w: float = 0.01,
    b: float = 0.05,
    noise: Spread = 0.01,
    seed: Seed = 0,
) -> Dataset:
    """More inputs than samples: y = b + w (x_1 + ... + x_d) + noise N(0, 1), x ~ N(0, 1).

    With the defaults, those of Dive into Deep Learning 3.7, the 20 training samples are fitted
    perfectly by weights that are wrong elsewhere, unless weight decay keeps them small.
    """
    n = n_train + n_val
    _check_size(n, features, "features")
    random = generator(5, seed)
    x = random.standard_normal((n, features))
    y = b + w * x.sum(axis=1, keepdims=True) + noise * random.standard_normal((n, 1))
    about = f"{n_train} + {n_val} samples of y = {b:g} + {w:g} sum(x) + noise, {features} inputs"
    return _curve("high_dimensional_regression", x, y, about, n_train)


@register("polynomial", columns=CURVE)
def polynomial(
    n_train: Count = 100,
    n_val: Count = 100,
    w: Sequence[float] = (5.0, 1.2, -3.4, 5.6),
    noise: Spread = 0.1,
    seed: Seed = 0,
) -> Dataset:
    """A polynomial with noise: y = sum_i w_i x^i / i! + noise N(0, 1), x ~ N(0, 1).

    Fitted by polynomials of too low and too high a degree, it shows under- and overfitting (Dive
    into Deep Learning 3.6). The factorials keep high powers small.
    """
    _check_size(n_train + n_val, len(w), "w")
    random = generator(6, seed)
    x = random.standard_normal((n_train + n_val, 1))
    factorials = np.cumprod([1.0, *range(1, len(w))])
    y = x ** np.arange(len(w)) @ (np.asarray(w) / factorials)[:, None]
    y = y + noise * random.standard_normal(y.shape)
    about = f"{n_train} + {n_val} points of a polynomial of degree {len(w) - 1} with noise"
    return _curve("polynomial", x, y, about, n_train)


@register("sine", columns={"time": "float32 (N,)", "x": "float32 (N,)"})
def sine(n: Count = 1000, frequency: float = 0.01, noise: Spread = 0.2, seed: Seed = 0) -> Dataset:
    """A noisy wave in time: x_t = sin(frequency t) + noise N(0, 1), t = 1, ..., n.

    Dive into Deep Learning 9.1 predicts x_t from the four values before it: add
    ``transforms: [windows(x, 4)]``.
    """
    time = np.arange(1, n + 1)
    x = np.sin(frequency * time) + noise * generator(7, seed).standard_normal(n)
    columns: dict[str, Array] = {"time": time.astype(np.float32), "x": x.astype(np.float32)}
    about = f"{n} steps of sin({frequency:g} t) with noise {noise:g}"
    return Dataset("sine", columns, about)


@register("kernel_regression", columns=CURVE)
def kernel_regression(n: Count = 40, noise: Spread = 1.0, seed: Seed = 0) -> Dataset:
    """A curve for attention pooling: y = 2 sin(x) + x + noise N(0, 1).

    Part ``train`` has ``n`` sorted x ~ U(0, 5), part ``val`` the 50 noiseless points
    0, 0.1, ..., 4.9 (Dive into Deep Learning 11.2).
    """
    random = generator(8, seed)
    x = np.concatenate([np.sort(random.uniform(0, 5, n)), np.arange(50) / 10])[:, None]
    y = 2 * np.sin(x) + x
    y[:n] += noise * random.standard_normal((n, 1))
    return _curve("kernel_regression", x, y, f"{n} noisy and 50 exact points of 2 sin(x) + x", n)


@register("gaussian", columns={"x": "float32 (N, d)"})
def gaussian(
    n: Count = 1000,
    matrix: Sequence[Sequence[float]] = ((1.0, 2.0), (-0.1, 0.5)),
    mean: Sequence[float] = (1.0, 2.0),
    seed: Seed = 0,
) -> Dataset:
    """Points of a normal distribution: x = z A + mean with z ~ N(0, 1), so the covariance is A'A.

    The defaults are those of the generative adversarial net of Dive into Deep Learning 20.1.
    """
    if any(len(row) != len(mean) for row in matrix):
        fail("GF071", f"each row of 'matrix' needs {len(mean)} numbers, as 'mean' has")
    _check_size(n, len(matrix), "matrix")
    _check_size(n, len(mean), "mean")
    z = generator(9, seed).standard_normal((n, len(matrix)))
    x = z @ np.asarray(matrix, dtype=np.float64) + np.asarray(mean, dtype=np.float64)
    about = f"{n} points of a normal distribution in {len(mean)} dimensions"
    return Dataset("gaussian", {"x": x.astype(np.float32)}, about)


@register("spirals", columns=POINTS)
def spirals(n: Count = 300, classes: Count = 3, noise: Spread = 0.2, seed: Seed = 0) -> Dataset:
    """Arms that wind around each other, one class each; no straight line divides them.

    Arm k is (r sin a, r cos a) with r from 0 to 1 and the angle a = 4 (k + r) + noise N(0, 1),
    as in Stanford's CS231n.
    """
    label = np.arange(n) * classes // n
    counts = np.bincount(label, minlength=classes)
    r = np.concatenate([np.linspace(0, 1, count) for count in counts])
    angle = 4 * (label + r) + noise * generator(10, seed).standard_normal(n)
    x = np.stack([r * np.sin(angle), r * np.cos(angle)], axis=1)
    return _points("spirals", x, label, f"{n} points on {classes} arms of a spiral")


@register("xor", columns=POINTS)
def xor(n: Count = 400, noise: Spread = 0.0, seed: Seed = 0) -> Dataset:
    """Points of a square [-1, 1]^2: class 1 where x_1 x_2 < 0, which one straight line cannot say.

    ``noise`` moves the points after they have got their class.
    """
    random = generator(11, seed)
    x = random.uniform(-1, 1, (n, 2))
    label = x[:, 0] * x[:, 1] < 0
    x = x + noise * random.standard_normal(x.shape)
    return _points("xor", x, label, f"{n} points in four quadrants, classes crosswise")


@register("circles", columns=POINTS)
def circles(
    n: Count = 300,
    noise: Spread = 0.05,
    factor: Annotated[float, Between(0, 0.99)] = 0.5,
    seed: Seed = 0,
) -> Dataset:
    """A small circle inside a large one (scikit-learn's make_circles)."""
    from sklearn.datasets import make_circles

    x, label = make_circles(n, noise=noise, factor=factor, random_state=seed)
    return _points("circles", x, label, f"{n} points on two circles (make_circles)")


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


ZONES = {"FV": 0.15, "RL": 0.1, "RM": -0.1}
"""Zones of a made up town, and what each adds to the logarithm of a price."""
ALLEYS = {"Pave": 0.05, "Grvl": -0.05}


@register(
    "made_houses",
    columns={
        "SalePrice": "float64 (N,), in dollars",
        "Id, OverallQual, YearBuilt": "int64 (N,)",
        "GrLivArea, LotFrontage": "float64 (N,); of one house in six nobody knows the frontage",
        "MSZoning, Alley": "text; nine houses in ten have no alley",
    },
)
def made_houses(
    n: Annotated[int, Between(1, 1_000_000)] = 600, noise: Spread = 0.1, seed: Seed = 0
) -> Dataset:
    """Made up houses with gaps and words, under some of the names of house_prices.

    log(SalePrice) = 12 + 0.12 (OverallQual - 6) + 0.5 log(GrLivArea / 1500) + 0.003 (YearBuilt -
    1970) + 0.002 (LotFrontage - 70) + what zone and alley add (FV 0.15, RL 0.1, RM -0.1, Pave
    0.05, Grvl -0.05) + noise N(0, 1).
    """
    random = generator(21, seed)
    quality, year = random.integers(2, 11, n), random.integers(1900, 2011, n)
    area = np.round(1500 * np.exp(0.3 * random.standard_normal(n)))
    frontage = np.round(np.clip(70 + 20 * random.standard_normal(n), 20, 200))
    zone = random.choice(list(ZONES), n, p=[0.05, 0.75, 0.2])
    alley = random.choice(["", *ALLEYS], n, p=[0.9, 0.04, 0.06])
    logarithm = (
        12 + 0.12 * (quality - 6) + 0.5 * np.log(area / 1500) + 0.003 * (year - 1970)
        + 0.002 * (frontage - 70) + noise * random.standard_normal(n)
        + np.array([ZONES[z] + ALLEYS.get(a, 0) for z, a in zip(zone, alley, strict=True)])
    )  # fmt: skip
    columns: dict[str, Array] = {
        "Id": np.arange(1, n + 1),
        "OverallQual": quality,
        "YearBuilt": year,
        "GrLivArea": area,
        "LotFrontage": np.where(random.random(n) < 1 / 6, np.nan, frontage),
        "MSZoning": zone.astype(object),
        "Alley": np.array([str(a) or None for a in alley], dtype=object),
        "SalePrice": np.round(np.exp(logarithm), -2),
    }
    return Dataset("made_houses", columns, f"{n} made up houses with gaps and words")


def _curve(name: str, x: Array, y: Array, about: str, n_train: int) -> Dataset:
    """Samples of which the first ``n_train`` are for training, the others for validation."""
    columns: dict[str, Array] = {"x": x.astype(np.float32), "y": y.astype(np.float32)}
    order = np.arange(len(x))
    return Dataset(name, columns, about, splits={"train": order[:n_train], "val": order[n_train:]})


def _points(name: str, x: Array, label: Array, about: str) -> Dataset:
    columns: dict[str, Array] = {"x": x.astype(np.float32), "label": label.astype(np.int64)}
    return Dataset(name, columns, about)


def _check_size(rows: int, width: int, option: str) -> None:
    if width == 0:
        fail("GF071", f"'{option}' needs at least one number")
    if rows * width > MOST:
        fail("GF071", f"{rows} rows of {width} numbers are more than the limit of {MOST} numbers")
