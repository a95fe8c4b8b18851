"""Second derivatives and forward mode of every loss, over its settings."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from tests.library.case import Case
from tests.library.loss_cases import LOSSES

HELD = {"histogram_loss"}  # its target moves with the input but is held constant
CASES = [case for case in LOSSES if case.name not in HELD]


def program(case: Case) -> gf.Program:
    """The slope of the case's total along a direction, both ways, and its derivative."""
    name = case.wrt[0]
    direction = f"  along: {{shape: {list(case.inputs[name].shape)}}}\nnodes:\n"
    lines = (
        f"  slopes: gradient(total, {name})\n  slope: sum(slopes * along)\n"
        f"  forward: jvp(total, {name}, along)\noutputs: [slope, forward, "
    )
    text = case.text().replace("nodes:\n", direction, 1)
    text = text.replace("outputs: [", lines, 1)
    return gf.loads(text).compile(
        of="slope", wrt=[name], dtype="float64", keep=["slopes", "forward"]
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_slopes_of_slopes_and_forward_mode(case):
    run, name, feed = program(case), case.wrt[0], case.feed()
    v = np.random.default_rng(3).standard_normal(feed[name].shape)
    found = run({**feed, "along": v})
    assert found.values["forward"] == pytest.approx(float(found.values["slope"]), rel=1e-9)
    step = 1e-6
    ends = [run({**feed, name: feed[name] + d * v, "along": v}).values for d in (step, -step)]
    differences = (ends[0]["slopes"] - ends[1]["slopes"]) / (2 * step)
    scale = max(float(np.abs(differences).max()), 1e-3)
    np.testing.assert_allclose(found.gradients[name], differences, rtol=0, atol=1e-5 * scale)
