"""Polynomials of exp, log and their like beside long double, all over their range."""

from __future__ import annotations

import numpy as np
import pytest

from tests.backends.numba_kernels.fused.fusing import inputs, results

ULPS = {"exp": 2, "log": 1.5, "tanh": 5, "log1p": 3, "expm1": 3, "sqrt": 1}
"""The largest error allowed, in units of the last digit of the exact value."""
ODD = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-30, -1e-30, 1e-40, 88.7, 89, -88, -104, 709, 1e30, -1]


def ranges(name: str) -> list[tuple[float, float]]:
    if name in ("log", "sqrt", "log1p"):
        low = -1.0 if name == "log1p" else 0.0
        return [(low, 2.0), (0.0, 1e-38), (0.0, 1e3), (-1e-3, 1e-3)]
    return [(-1.0, 1.0), (-1e-3, 1e-3), (-104.0, 89.0), (-10.0, 10.0)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ULPS)
def test_functions_are_exact_to_a_few_ulps(name: str, dtype: str) -> None:
    rng = np.random.default_rng(0)
    drawn = [rng.uniform(*span, 3000) for span in ranges(name)]
    x = np.concatenate([*drawn, ODD]).astype(dtype)
    (v,) = inputs(x)
    (got,) = results([v.builder.add(name, v)], [x])
    with np.errstate(all="ignore"):
        exact = getattr(np, name)(x.astype(np.longdouble))
        wanted = exact.astype(dtype)
    finite = np.isfinite(wanted)
    np.testing.assert_array_equal(got[~finite], wanted[~finite])
    assert np.isfinite(got[finite]).all()
    ulp = np.maximum(np.spacing(np.abs(wanted[finite])), np.finfo(dtype).smallest_subnormal)
    assert np.max(np.abs(got[finite] - exact[finite]) / ulp) <= ULPS[name]
