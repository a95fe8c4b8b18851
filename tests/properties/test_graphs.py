"""What holds of every graph: plans agree, derivatives agree, the long form is the graph."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings

import graphflow as gf
from tests.properties.files import files

FEW = settings(max_examples=60, deadline=None)
CLOSE = {"rtol": 1e-9, "atol": 1e-11}
X = np.array([[0.3, -1.2, 0.8], [1.1, 0.4, -0.6]])
V = np.array([[0.7, 0.1, -0.4], [-0.9, 0.5, 0.2]])
W = np.array([[-0.2, 0.6, 0.3], [0.5, -0.8, 0.1]])


def run(text: str, plan: str = "fast") -> dict[str, np.ndarray]:
    """y, and its derivatives along fixed cotangents by x and all parameters."""
    model = gf.loads(text)
    wrt = ["x", *model.parameters]
    program = model.compile(of="y", wrt=wrt, dtype="float64", plan=plan)  # type: ignore[arg-type]
    y = model.compile(of="y", dtype="float64")({"x": X}).values["y"]
    cotangent = np.cos(np.arange(y.size, dtype=float)).reshape(y.shape)
    result = program({"x": X}, cotangent=cotangent if y.shape else None)
    return {"y": result.values["y"], **result.gradients}


def with_line(text: str, line: str) -> gf.Model:
    return gf.loads(text.replace("outputs: [y]", f"  {line}\noutputs: [y]"))


@FEW
@given(files())
def test_the_plain_plan_equals_the_fast_plan(text: str):
    fast, plain = run(text), run(text, "plain")
    for name in fast:
        np.testing.assert_allclose(fast[name], plain[name], **CLOSE)


@FEW
@given(files())
def test_reverse_mode_is_forward_mode_transposed(text: str):
    model = with_line(text, f"along: jvp(y, x, {V.tolist()})")
    along = model.compile(of="along", dtype="float64")({"x": X}).values["along"]
    back = run(text)
    cotangent = np.cos(np.arange(along.size, dtype=float)).reshape(along.shape)
    expected = float(along) if not along.shape else (along * cotangent).sum()
    np.testing.assert_allclose((back["x"] * V).sum(), expected, **CLOSE)


@FEW
@given(files())
def test_gradients_are_differences(text: str):
    model = gf.loads(text)
    program = model.compile(of="y", dtype="float64")
    step = 1e-5
    ahead, behind = (program({"x": X + s * step * V}).values["y"] for s in (1, -1))
    along = with_line(text, f"along: jvp(y, x, {V.tolist()})")
    found = along.compile(of="along", dtype="float64")({"x": X}).values["along"]
    np.testing.assert_allclose(found, (ahead - behind) / (2 * step), rtol=1e-4, atol=1e-6)


@FEW
@given(files())
def test_the_long_form_is_the_same_graph(text: str):
    model = gf.loads(text)
    long = model.expanded()
    again = gf.loads(long)
    assert again.graph.nodes == model.graph.nodes
    assert again.expanded() == long


@settings(max_examples=8, deadline=None)
@given(files())
def test_third_derivatives_through_a_hessian_are_differences(text: str):
    lines = (
        "h: hessian(sum(sin(y)) / sum(1 + y ** 2), x)\n  s: sum(sin(h))\n  third: gradient(s, x)"
    )
    program = with_line(text, lines).compile(of="s", dtype="float64", keep=["third"])
    step = 1e-4
    ahead, behind = (program({"x": X + s * step * V})["s"] for s in (1, -1))
    found = (program({"x": X})["third"] * V).sum()
    np.testing.assert_allclose(found, (ahead - behind) / (2 * step), rtol=1e-3, atol=1e-4)


@settings(max_examples=8, deadline=None)
@given(files())
def test_third_derivatives_through_a_jacobian_are_differences(text: str):
    lines = (
        "s: y / sum(1 + y ** 2)\n  j: jacobian(s, x)\n  d: sum(sin(j))\n"
        f"  along: jvp(d, x, {V.tolist()})\n  third: gradient(along, x)\n"
        f"  pushed: jvp(along, x, {W.tolist()})"
    )
    program = with_line(text, lines).compile(of="along", dtype="float64", keep=["third", "pushed"])
    step = 1e-4
    ahead, behind = (program({"x": X + s * step * W})["along"] for s in (1, -1))
    found = program({"x": X})
    expected = (ahead - behind) / (2 * step)
    np.testing.assert_allclose((found["third"] * W).sum(), expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found["pushed"], expected, rtol=1e-3, atol=1e-4)
