"""Training steps by oneDNN's kernels beside steps by NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from graphflow.cli.survey import survey
from graphflow.runtime.bind import computed_by

NET = """
graphflow: 1
name: some of everything
params:
  images: {shape: [4, 3, 18, 18], init: normal}
nodes:
  a: relu(conv2d(images, 32, 5, stride=2, padding=2))
  b: relu(conv2d(a, 32, 3, padding=1))
  c: relu(conv2d(b, 32, 3, padding=1, groups=32))
  d: flatten(conv2d(c, 16, 1))
  e: linear(relu(linear(d, 900)), 10)
  loss: mean(e ** 2)
train: {minimize: loss, optimizer: sgd(lr=0.05), steps: 3, seed: 0}
"""


def trained(kernels: str, **how: bool) -> dict[str, np.ndarray]:
    model = gf.loads(NET)
    gf.train(model, kernels=kernels, **how)  # type: ignore[arg-type]
    return {name: model.store.array(name).copy() for name in model.store.names()}


@pytest.mark.parametrize("exact", [False, True])
def test_steps_leave_what_numpys_leave_and_the_same_each_time(exact: bool) -> None:
    plain, fast, again = (
        trained(kernels, exact_conv=exact) for kernels in ("numpy", "onednn", "onednn")
    )
    for name, value in plain.items():
        np.testing.assert_allclose(fast[name], value, rtol=1e-3, atol=1e-5, err_msg=name)
        np.testing.assert_array_equal(fast[name], again[name], err_msg=name)


def test_the_schedule_tells_who_computes_what() -> None:
    found = survey(gf.loads(NET), {}, backward=True, kernels="onednn")
    by = computed_by(found.kernels.backend, found.plan)
    makers = {op: {by[n.name].split(",")[0] for n in found.plan.graph if n.op == op}
              for op in ("conv", "fused")}  # fmt: skip
    assert makers["conv"] == {"onednn"} and makers["fused"] == {"numba"}
