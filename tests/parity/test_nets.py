"""Nets of the canned graphs against what PyTorch gave, without PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

from tests.parity import our_run
from tests.parity.cases import RTOL
from tests.parity.net_cases import NET_CASES, condensed, recorded


@pytest.mark.parametrize("name", NET_CASES)
def test_values_and_all_gradients(name):
    (outcome,) = our_run.compare(NET_CASES[name])
    for ours, theirs in zip(condensed(NET_CASES[name], outcome), recorded()[name], strict=True):
        assert (ours["name"], ours["shape"]) == (theirs["name"], theirs["shape"])
        found, expected = ([s["norm"], *s["projections"]] for s in (ours, theirs))
        assert np.abs(np.subtract(found, expected)).max() <= RTOL * theirs["norm"], ours["name"]
