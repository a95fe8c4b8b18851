"""What optimizers over one vector are run on, here and in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Fit:
    """A loss as a file writes it and as tensors of PyTorch compute it, and where it starts."""

    loss: str
    compute: Callable[..., object]
    start: dict[str, object]
    feed: dict[str, Array]
    steps: int


def _points() -> dict[str, Array]:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((40, 5)) * [1, 3, 0.3, 1, 2]
    return {"x": x, "y": np.sign(x @ [1, -1, 2, 0, 0.5] + 0.5 * rng.standard_normal(40))}


ROSENBROCK = Fit(
    "sum((1 - a) ** 2 + 100 * (b - a ** 2) ** 2)",
    lambda a, b: ((1 - a) ** 2 + 100 * (b - a**2) ** 2).sum(),
    {"a": [-1.2], "b": 1.0},
    {},
    36,
)
LOGISTIC = Fit(
    "mean(log(1 + exp(-y * (x @ w + b)))) + 0.01 * sum(w ** 2)",
    lambda w, b, x, y: (1 + (-y * (x @ w + b)).exp()).log().mean() + 0.01 * (w**2).sum(),
    {"w": [0.0] * 5, "b": 0.0},
    _points(),
    20,
)
VALLEYS = Fit(
    "sum(100 * (w[1:] - w[:-1] ** 2) ** 2 + (1 - w[:-1]) ** 2)",
    lambda w: (100 * (w[1:] - w[:-1] ** 2) ** 2 + (1 - w[:-1]) ** 2).sum(),
    {"w": [-1.2, 1.0, -0.5, 0.8, 0.2, -1.0]},
    {},
    30,
)
WAVES = Fit(
    "sum(sin(5 * w) * w)",
    lambda w: ((5 * w).sin() * w).sum(),
    {"w": [1.0, 2.3, -4.0]},
    {},
    12,
)
KINKS = Fit(
    "abs(w[0] - 0.3) + abs(w[1] - 0.7)",
    lambda w: (w[0] - 0.3).abs() + (w[1] - 0.7).abs(),
    {"w": [1.0, 2.0]},
    {},
    12,
)
UNBOUNDED = Fit("-sum(w)", lambda w: -w.sum(), {"w": [1.0, 2.0]}, {}, 3)
FITS = {
    "rosenbrock": ROSENBROCK,
    "logistic": LOGISTIC,
    "valleys": VALLEYS,
    "waves": WAVES,
    "kinks": KINKS,
    "unbounded": UNBOUNDED,
}
LBFGS = [
    "lbfgs(0.05)",
    "lbfgs(0.3, history_size=3)",
    "lbfgs(line_search_fn='strong_wolfe')",
    "lbfgs(0.5, history_size=2, line_search_fn='strong_wolfe')",
    "lbfgs(1, 1e-3, 1e-3, line_search_fn='strong_wolfe')",
]
CASES = [(call, fit) for call in LBFGS for fit in FITS]


def kept(found: Mapping[str, Sequence[Array]]) -> dict[str, Array]:
    """The iterates that a record holds."""
    return {f"{n} {i}": np.array(values[i]) for n, values in found.items() for i in (1, 2, -1)}
