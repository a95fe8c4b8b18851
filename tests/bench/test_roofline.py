"""How fast this machine is at best, and how long a row takes there at least."""

from __future__ import annotations

import pytest

from graphflow.bench.roofline import Rates, measured, rates
from graphflow.bench.rows import find


def test_a_row_takes_at_least_its_products():
    flops = 256 * (784 * 10) * 2 * 2  # forward, and the weights' gradient
    found = Rates(1e9, 1e15).least_ms(find("softmax-regression"))
    assert found == pytest.approx(flops / 1e6, rel=0.01)


def test_or_its_leaves_read_and_written():
    leaves = 4 * (256 * 784 + 2 * (7840 + 10)) + 8 * 256 + 16  # labels, and the random key
    assert Rates(1e18, 1e9).least_ms(find("softmax-regression")) == pytest.approx(leaves / 1e6)


def test_what_is_measured_is_that_of_a_computer():
    for found in (measured(1), rates(1)):
        assert 1e8 < found.flops < 1e14 and 1e8 < found.bytes < 1e13
