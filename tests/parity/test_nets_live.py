"""Nets of the canned graphs against PyTorch, entry by entry."""

from __future__ import annotations

import numpy as np
import pytest

from tests.parity import our_run, torch_run
from tests.parity.cases import RTOL
from tests.parity.net_cases import NET_CASES, condensed, recorded

pytestmark = pytest.mark.parity
FLOOR = 1e-3
"""Biases in front of a batch norm have no gradient: theirs are compared with the net's largest."""


@pytest.mark.parametrize("name", NET_CASES)
def test_values_and_every_gradient(name):
    case = NET_CASES[name]
    (ours,), (theirs,) = our_run.compare(case), torch_run.compare(case)
    for key, value in ours.values.items():
        np.testing.assert_allclose(value, theirs.values[key], rtol=RTOL, atol=RTOL)
    for loss, gradients in ours.gradients.items():
        pairs = list(zip(gradients.items(), theirs.gradients[loss].values(), strict=True))
        floor = FLOOR * max(np.abs(expected).max() for _, expected in pairs)
        for (parameter, value), expected in pairs:
            off = np.abs(value - expected).max()
            assert off <= RTOL * (np.abs(expected).max() + floor), parameter


@pytest.mark.parametrize("name", NET_CASES)
def test_the_record_is_what_pytorch_gives(name):
    (outcome,) = torch_run.compare(NET_CASES[name])
    for now, kept in zip(condensed(NET_CASES[name], outcome), recorded()[name], strict=True):
        found, expected = ([s["norm"], *s["projections"]] for s in (now, kept))
        np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9 * kept["norm"])
