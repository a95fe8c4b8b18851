"""Lists of numbers written in a file are tensors wherever one is wanted."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf


def value(expression: str) -> np.ndarray:
    text = f"graphflow: 1\nname: table\nnodes:\n  y: >-\n    {expression}\n"
    return gf.loads(text).compile(dtype="float64")({}).values["y"]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cross_entropy([[0.0, 0.0]], [1])", np.log(2)),
        ("mse_loss([1.0, 2.0], [1.0, 4.0])", 2),
        ("floor([-1.5, 2.5])", [-2, 2]),
        ("exp([[0.0]])", [[1]]),
        ("prod([[1, 2], [3, 4]], axis=1)", [2, 12]),
        ("sum([[1, 2], [3, 4]])", 10),
        ("max([1, 5, 2])", 5),
        ("min([0.5])", 0.5),
        ("maximum([1, 5], [3, 3])", [3, 5]),
    ],
)
def test_a_table_is_a_tensor(expression: str, expected: object):
    np.testing.assert_allclose(value(expression), np.asarray(expected))


def test_several_results_are_no_output():
    model = gf.loads("{graphflow: 1, name: s, inputs: {x: {shape: [4]}}, "
                     "nodes: {y: 'split(x, 2)'}}")  # fmt: skip
    with pytest.raises(gf.GraphflowError) as caught:
        model.compile()
    assert caught.value.diagnostics[0].code == "GF022"
    assert "a, b: ..." in str(caught.value)
