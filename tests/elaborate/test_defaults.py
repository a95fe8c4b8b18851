"""What stands for an input that is not fed."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf


@pytest.mark.parametrize(
    ("shape", "default"), [("[3]", "stack(1, 2, 3)"), ("[3]", "2"), ("[2, 3]", "normal([])")]
)
def test_a_default_of_another_type_becomes_the_inputs_under_its_name(shape, default):
    """A cast or a stretched copy is the input: it is fed, differentiated and written out."""
    body = (
        f"inputs: {{z: {{shape: {shape}, dtype: float64, default: '{default}'}}}}\n"
        "nodes: {y: sum(z ** 2)}\noutputs: [y]\n"
    )
    m = gf.loads("graphflow: 1\nname: test\n" + body)
    for loaded in (m, gf.loads(m.expanded())):
        drawn = loaded.compile(of="y", keep=["z"])({})
        assert drawn["z"].dtype == np.float64
        assert drawn["y"] == pytest.approx(np.sum(drawn["z"] ** 2))
    fed = np.full(drawn["z"].shape, 0.1)
    given = m.compile(of="y", wrt=["z"])({"z": fed})
    np.testing.assert_allclose(given.gradients["z"], 2 * fed, rtol=1e-15)
