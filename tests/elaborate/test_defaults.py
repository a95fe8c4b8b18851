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


def test_a_fed_whole_number_is_read_where_its_default_would_be_cast() -> None:
    text = (
        "graphflow: 1\nname: n\ninputs: {n: {shape: scalar, dtype: int, default: 62}}\n"
        "nodes: {y: n + 0.5}\noutputs: [y]\n"
    )
    model = gf.loads(text)
    assert model.compile()({}).values["y"] == 62.5
    assert model.compile()({"n": 0}).values["y"] == 0.5
