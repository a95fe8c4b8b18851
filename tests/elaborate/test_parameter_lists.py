"""Parameters declared by ``for:``: a list in expressions, one leaf for every value."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from graphflow.diagnostics import GraphflowError

FILE = """graphflow: 1
name: parameters by number
inputs: {{x: {{shape: [B, 4]}}}}
params:
  w: {{{w}, shape: [4, 4], init: ones}}
blocks:
  net:
    args: [n, v=true, bias=true]
    inputs: [x]
    params:
      v:
        for: {{i: range(n), way: "['', '_back']"}}
        name: v_l{{i}}{{way}}
        shape: ["dim(x, 1)", "i + 2"]
        init: ones
      b: {{for: {{i: range(n)}}, name: "b{{i}}", shape: ["i + 2"], init: zeros, when: bias}}
    nodes:
      y: "x @ v[1] + (b[0] if given(b) else 0)"
    outputs: [y]
nodes:
  z: net({net})
outputs: [z]
"""


def loaded(w: str = 'for: {i: range(2)}, name: "w{i}"', net: str = "x @ w[1], 2") -> gf.Model:
    return gf.loads(FILE.format(w=w, net=net))


def refused(**parts: str) -> tuple[str, str]:
    with pytest.raises(GraphflowError) as caught:
        loaded(**parts)
    found = caught.value.diagnostics[0]
    assert found.mark is not None
    return found.code, found.message


def test_there_is_one_for_every_value_and_the_last_counts_fastest():
    shapes = {name: p.shape for name, p in loaded().parameters.items()}
    assert shapes == {
        "w0": (4, 4), "w1": (4, 4),
        "z.v_l0": (4, 2), "z.v_l0_back": (4, 2), "z.v_l1": (4, 3), "z.v_l1_back": (4, 3),
        "z.b0": (2,), "z.b1": (3,),
    }  # fmt: skip
    assert list(shapes)[2:4] == ["z.v_l0", "z.v_l0_back"]


def test_the_name_stands_for_the_list():
    model = loaded()
    x = np.arange(8.0).reshape(2, 4)
    model.parameters["w1"] = w = np.arange(16.0).reshape(4, 4) / 7
    model.parameters["z.v_l0_back"] = v = np.arange(8.0).reshape(4, 2) - 3
    model.parameters["z.b0"] = b = np.array([1.0, -2.0])
    found = model.compile(dtype="float64")({"x": x}).values["z"]
    np.testing.assert_allclose(found, x @ w @ v + b, rtol=1e-6)


def test_the_list_can_be_given_and_when_it_holds_not_it_is_none():
    model = loaded(net="x, 2, v=w, bias=false")
    assert list(model.parameters) == ["w0", "w1"]


def test_the_long_form_writes_every_one():
    text = loaded().expanded()
    assert "z.v_l1_back:" in text
    assert list(gf.loads(text).parameters) == list(loaded().parameters)


def test_what_makes_no_names_is_refused():
    code, message = refused(w="for: {i: [0, 1]}")
    assert code == "GF012" and "'for' and 'name' of a parameter go together" in message
    assert refused(w="name: 'w'", net="x, 2")[0] == "GF012"
    assert refused(w='for: {i: [0, 1]}, name: "w{j}"')[0] == "GF012"
    assert refused(w='for: {i: [0, 1]}, name: "w {i}"')[0] == "GF025"
    assert refused(w="for: {i: [0, 0]}, name: 'w{i}'") == ("GF024", "'w0' is declared twice")
    code, message = refused(w="for: {i: 3}, name: 'w{i}'")
    assert (code, message) == ("GF033", "'i' takes a list of whole numbers or words, not 3")
    assert refused(w="for: {i: [-1]}, name: 'w{i}'")[0] == "GF033"


SCAN = """graphflow: 1
name: a direction that is known while the graph is built
inputs: {{x: {{shape: [3]}}}}
let: {{back: true}}
nodes:
  s:
    scan: {{a: x}}
    carry: {{h: 0.0}}
    nodes: {{sum_so_far: h + a}}
    next: {{h: sum_so_far}}
    collect: [sum_so_far]
    reverse: {reverse}
  y: s.sum_so_far
outputs: [y]
"""


@pytest.mark.parametrize(
    ("reverse", "expected"), [("back", [6, 5, 3]), ("not back", [1, 3, 6]), ("true", [6, 5, 3])]
)
def test_a_scan_turns_round_by_an_expression(reverse, expected):
    program = gf.loads(SCAN.format(reverse=reverse)).compile()
    np.testing.assert_array_equal(program({"x": [1.0, 2.0, 3.0]}).values["y"], expected)


def test_a_direction_that_hangs_on_data_is_refused():
    with pytest.raises(GraphflowError, match="'reverse' must be known while the graph is built"):
        gf.loads(SCAN.format(reverse="x[0] > 0"))
