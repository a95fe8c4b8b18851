"""Programs, results, the stepper and the trace, through the public API."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import graphflow as gf
from graphflow.runtime.trace import first_nonfinite, trace

EXAMPLES = Path(__file__).parents[1] / "examples"
HEAD = "graphflow: 1\nname: t\n"
POINT = {"x": -2.0, "y": 5.0, "z": -4.0}


def xyz() -> gf.Program:
    model = gf.load(EXAMPLES / "a_xyz.yaml")
    return model.compile(of="f", wrt=["x", "y", "z"], dtype="float64")


def test_a_program_is_compiled_once_for_each_size():
    model = gf.loads(HEAD + "inputs: {x: {shape: [B, 2]}}\nnodes: {y: x * 2}\n")
    program = model.compile(of="y")
    for rows in (3, 5, 3):
        assert program({"x": np.ones((rows, 2))})["y"].shape == (rows, 2)
    assert len(program.compiler._plans) == 2


def test_results_stay_valid_after_later_runs():
    body = "inputs: {x: {shape: [3]}}\nnodes: {y: x * 2, z: 'y[1:]'}\noutputs: [y, z]\n"
    program = gf.loads(HEAD + body).compile()
    first = program({"x": [1.0, 2.0, 3.0]})
    kept = {n: np.array(v) for n, v in first.values.items()}
    program({"x": [9.0, 9.0, 9.0]})
    for name, value in kept.items():
        np.testing.assert_array_equal(first.values[name], value)


def test_shapes_that_disagree_say_which_input_says_what():
    model = gf.load(EXAMPLES / "b_mlp.yaml")
    with pytest.raises(gf.GraphflowError) as caught:
        model.compile(of="loss")({"x": np.ones((32, 64)), "y": np.ones(31, dtype=int)})
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "GF061" and "32" in diagnostic.message and "31" in diagnostic.message
    assert {note.mark.line for note in diagnostic.notes if note.mark} == {12}


@pytest.mark.parametrize(
    ("feed", "code"),
    [
        ({"x": 1, "y": 2}, "GF065"),
        ({"x": 1, "y": 2, "z": 3, "w": 4}, "GF065"),
        ({"x": "a", "y": 2, "z": 3}, "GF031"),
        ({"x": [1, 2], "y": 2, "z": 3}, "GF061"),
    ],
)
def test_bad_feeds_are_diagnostics(feed: dict[str, object], code: str):
    with pytest.raises(gf.GraphflowError, match=code):
        xyz()(feed)


def test_parameters_are_shared_live_and_checked():
    model = gf.loads(HEAD + "inputs: {x: {shape: [B, 2]}}\nnodes: {y: 'linear(x, 1)'}\n")
    one, two = model.compile(of="y"), model.compile(of="y", dtype="float64")
    x = np.ones((1, 2))
    model.parameters["y.weight"] = np.array([[1.0, 2.0]])
    model.parameters["y.bias"][:] = 0.5
    assert float(one({"x": x})["y"].item()) == float(two({"x": x})["y"].item()) == 3.5
    model.parameters["y.bias"][:] = 1.5
    assert float(one({"x": x})["y"].item()) == 4.5
    with pytest.raises(gf.GraphflowError, match="GF030"):
        model.parameters["y.weight"] = np.ones((3, 3))
    with pytest.raises(gf.GraphflowError, match=r"y\.bias"):
        model.parameters["y.biass"] = np.ones(1)


def test_initial_values_depend_on_the_seed_and_the_name_alone():
    body = HEAD + "inputs: {x: {shape: [B, 2]}}\nnodes: {a: 'linear(x, 3)', b: 'linear(x, 3)'}\n"
    first, second = gf.loads(body), gf.loads(body)
    late = np.array(second.parameters["b.weight"])
    np.testing.assert_array_equal(first.parameters["a.weight"], second.parameters["a.weight"])
    np.testing.assert_array_equal(first.parameters["b.weight"], late)
    assert not np.array_equal(first.parameters["a.weight"], late)


def test_weights_are_read_renamed_and_missed_with_a_diagnostic(tmp_path: Path):
    text = HEAD + """
inputs: {x: {shape: [B, 2]}}
layers: {net: {is: linear(3), weights: w.npz, trainable: false, rename: {fc.weight: weight}}}
nodes: {y: net(x)}
"""
    (tmp_path / "m.yaml").write_text(text)
    with pytest.raises(gf.GraphflowError, match=r"GF077.*layers\.net\.weights=none|GF077"):
        gf.load(tmp_path / "m.yaml").compile(of="y")({"x": np.ones((1, 2))})
    np.savez(tmp_path / "w.npz", **{"fc.weight": np.arange(6.0).reshape(3, 2), "bias": np.ones(3)})
    model = gf.load(tmp_path / "m.yaml")
    np.testing.assert_allclose(model.compile(of="y")({"x": np.ones((1, 2))})["y"], [[2, 6, 10]])
    free = gf.load(tmp_path / "m.yaml", {"layers.net.weights": "none"})
    assert free.compile(of="y")({"x": np.ones((1, 2))})["y"].shape == (1, 3)


def test_plans_agree():
    model = gf.load(EXAMPLES / "b_mlp.yaml", {"hidden": 16})
    rng = np.random.default_rng(0)
    feed = {"x": rng.standard_normal((8, 64)), "y": rng.integers(0, 10, 8)}
    results = [
        model.compile(of="loss", wrt=list(model.parameters), mode="train", plan=plan)(feed)
        for plan in ("fast", "plain", "guarded")
    ]
    for other in results[1:]:
        np.testing.assert_allclose(results[0]["loss"], other["loss"], rtol=1e-6)
        for name, gradient in other.gradients.items():
            np.testing.assert_allclose(results[0].gradients[name], gradient, rtol=1e-4, atol=1e-7)


def test_notebooks_show_graphs_and_results():
    program = xyz()
    assert "<table>" in program.graph._repr_html_() and "q.grad" in program.graph._repr_html_()
    shown = program(POINT)._repr_html_()
    assert "∂/∂x" in shown and "-12" in shown


# -- stepping ----------------------------------------------------------------------------------


def test_stepping_walks_forward_and_backward_with_the_chain_rule():
    stepper = gf.Stepper(xyz(), POINT)
    steps = stepper.run_to_end()
    assert [(s.node, s.phase) for s in steps][:3] == [
        ("q", "forward"),
        ("f", "forward"),
        ("f.grad", "backward"),
    ]
    chain = {s.node: s.chain for s in steps if s.chain}
    assert set(chain) == {"q.grad", "z.grad", "x.grad", "y.grad"}
    for rule in chain.values():
        np.testing.assert_allclose(rule.upstream * rule.local, rule.contribution)
    assert float(chain["z.grad"].local) == 3


def test_back_restores_what_was_there():
    stepper = gf.Stepper(xyz(), POINT)
    stepper.run_to("q.grad")
    before = dict(stepper.values)
    stepper.run_to_end()
    stepper.run_to("q.grad")
    assert stepper.values.keys() == before.keys()
    assert all(stepper.values[n] is before[n] or stepper.values[n] == before[n] for n in before)
    stepper.reset()
    assert stepper.current is None
    with pytest.raises(gf.GraphflowError, match="GF082"):
        stepper.back()


def test_a_fan_out_shows_its_running_sum():
    model = gf.loads(HEAD + "inputs: {x: scalar}\nnodes: {y: x * x + 3 * x}\n")
    stepper = gf.Stepper(model.compile(of="y", wrt="x", dtype="float64"), {"x": 2.0})
    totals = [s.chain.total for s in stepper.run_to_end() if s.chain and s.chain.operand == "x"]
    assert float(totals[-1]) == 7
    assert [float(t) for t in totals] == sorted(float(t) for t in totals)


def test_the_trace_keeps_values_times_and_bytes():
    found = trace(xyz(), POINT)
    row = found["q"]
    assert (row.op, row.phase, row.bytes, row.gradient) == ("add", "forward", 8, "q.grad")
    assert row.summaries[0].mean == 3 and found.seconds > 0
    assert first_nonfinite(found.rows) is None


def test_the_trace_shows_the_first_value_that_is_not_finite():
    model = gf.loads(HEAD + "inputs: {x: {shape: [2]}}\nnodes: {a: log(x), b: a * 2, y: sum(b)}\n")
    found = trace(model.compile(of="y"), {"x": [0.0, 1.0]})
    row = first_nonfinite(found.rows)
    assert row is not None and row.name == "a" and row.summaries[0].nonfinite == 1


def test_outputs_on_the_way_are_given_too():
    model = gf.load(EXAMPLES / "b_mlp.yaml", {"hidden": 8})
    feed = {"x": np.ones((2, 64)), "y": np.zeros(2, dtype=int)}
    found = model.compile(of="loss", wrt="logits.linear3.bias", keep=["accuracy"])(feed)
    assert list(found.values) == ["loss", "logits", "accuracy"]
    assert list(model.compile(of="logits.linear1")({"x": feed["x"]}).values) == ["logits.linear1"]


@pytest.mark.parametrize(
    "feed", [None, 5, [1], "x", {5: 1}, {None: 1}, {"x": [[1, 2], [3]], "y": 1, "z": 1}]
)
def test_feeds_of_any_kind_are_answered(feed: object):
    with pytest.raises(gf.GraphflowError):
        xyz()(feed)


def test_gradients_at_zero_are_finite():
    model = gf.loads(HEAD + """
inputs: {x: {shape: [4]}, y: {shape: [4]}}
nodes: {p: "x ** y", f: sum(p * sin(p)), n: norm(x * 0)}
""")
    feed = {"x": [0.0, 0.0, 2.0, 0.0], "y": [2.0, 1.0, 0.0, 0.0]}
    found = model.compile(of="f", wrt=["x", "y"], dtype="float64")(feed).gradients
    slope = np.sin(1) + np.cos(1)
    np.testing.assert_allclose(found["x"], 0, atol=1e-15)
    np.testing.assert_allclose(found["y"], [0, 0, slope * np.log(2), 0], atol=1e-15)
    length = model.compile(of="n", wrt="x", dtype="float64")(feed)
    assert float(length["n"]) == 0 and not length.gradients["x"].any()


def test_half_precision_has_a_variance():
    model = gf.loads(HEAD + "inputs: {x: {shape: [N]}}\nnodes: {v: var(x)}\n")
    x = np.where(np.arange(10000) % 2, 10.0, 20.0)
    assert float(model.compile(of="v", dtype="float16")({"x": x})["v"]) == 25


@pytest.mark.parametrize(
    "arguments",
    [
        {"of": "f", "wrt": 5},
        {"of": "f", "wrt": [None]},
        {"of": ["f"]},
        {"keep": 3},
        {"of": "f", "plan": "x"},
        {"of": "f", "C": 3},
        {"wrt": "x"},
        {"backend": "abacus"},
        {"dtype": "int"},
        {"of": "f", "kernels": "numba", "exact_conv": "yes"},
    ],
)
def test_arguments_that_do_not_fit_are_answered(arguments: dict[str, object]):
    with pytest.raises(gf.GraphflowError):
        gf.load(EXAMPLES / "a_xyz.yaml").compile(**arguments)


def test_text_is_text():
    with pytest.raises(gf.GraphflowError):
        gf.loads(None)


class Recorded(np.ndarray):
    """What a tensor of PyTorch's that requires a gradient does."""

    requires_grad = True

    def __array__(self, *args: object, **kwargs: object) -> np.ndarray:
        raise RuntimeError("Can't call numpy() on Tensor that requires grad.")


def test_a_tensor_that_records_gradients_is_to_be_detached_first():
    program = gf.loads(HEAD + "inputs: {x: {shape: [B, 2]}}\nnodes: {y: x * 2}\n").compile(of="y")
    with pytest.raises(gf.GraphflowError, match="GF065") as caught:
        program({"x": np.ones((3, 2)).view(Recorded)})
    assert caught.value.diagnostics[0].help == "detach it first: x.detach()"
