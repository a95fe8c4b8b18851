"""A step of every canned graph by numba's kernels beside one by NumPy's: what both leave."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from graphflow.gallery import list_graphs
from graphflow.runs import Way, started
from graphflow.training.run_settings import RunSettings

STEPS = 2


def stepped(name: str, kernels: str) -> dict[str, np.ndarray]:
    """All parameters and states after two steps, in float64: chaos has no room to grow."""
    model = gf.load(name)
    if model.elaborated.training is None and model.elaborated.run is None:
        pytest.skip("it makes no steps")
    settings = RunSettings(backend="numpy", dtype="float64", steps=STEPS, seed=1, kernels=kernels)
    outcome = started(model, settings, None, Way()).run()
    values = {f"reported {k}": np.asarray(v) for k, v in outcome.metrics.items()}
    return values | {name: model.store.array(name).copy() for name in model.store.names()}


@pytest.mark.slow
@pytest.mark.parametrize("name", [entry.name for entry in list_graphs()])
def test_both_leave_the_same(name):
    plain, fast = stepped(name, "numpy"), stepped(name, "numba")
    assert plain.keys() == fast.keys() and plain
    for leaf, value in plain.items():
        np.testing.assert_allclose(fast[leaf], value, rtol=1e-6, atol=1e-9, err_msg=leaf)
