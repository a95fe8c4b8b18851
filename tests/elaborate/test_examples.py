"""The design's example files: what they must give, and the long form of each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import graphflow as gf
from graphflow.ir.dims import product
from graphflow.ir.types import DType
from graphflow.ops.evaluate import evaluate
from graphflow.passes import specialise

EXAMPLES = Path(__file__).parents[1] / "examples"
FILES = sorted(EXAMPLES.glob("*.yaml"))
SMALL = {
    "d_lstm.yaml": {"vocab": 20, "width": 8, "hidden": 6},
    "e_transformer.yaml": {"vocab": 20, "d": 8, "heads": 2, "ffn": 16, "depth": 1},
    "g_style.yaml": {"H": 16, "W": 16},
}
BAD = {
    "1_key": ("GF010", 17, 5),
    "2_fn": ("GF021", 19, 9),
    "3_name": ("GF020", 23, 23),
    "4_shape": ("GF030", 16, 16),
    "5_evil": ("GF023", 12, 6),
    "6_comp": ("GF023", 12, 7),
    "7_dup": ("GF011", 14, 3),
    "8_arg": ("GF022", 45, 29),
    "9_carry": ("GF034", 30, 26),
    "10_loss": ("GF040", 35, 13),
    "11_key": ("GF010", 50, 7),
    "12_out": ("GF020", 61, 23),
    "13_flow": ("GF002", 17, 15),
    "14_anchor": ("GF003", 12, 6),
}


def count(model: gf.Model) -> int:
    leaves = model.elaborated.leaves
    return sum(int(product(leaves[n].type.shape)) for n in model.elaborated.parameters)


def test_parameter_counts():
    assert count(gf.load(EXAMPLES / "c_resnet18.yaml")) == 11_689_512
    assert len(gf.load(EXAMPLES / "c_resnet18.yaml").parameters) == 62
    assert count(gf.load(EXAMPLES / "e_transformer.yaml")) == 63_045_632


def test_both_styles_give_the_same_kind_of_graph():
    """The mathematical MLP uses the operators that the pipeline uses, apart from accuracy's."""
    pipeline = {n.op for n in gf.load(EXAMPLES / "b_mlp.yaml").graph}
    mathematics = {n.op for n in gf.load(EXAMPLES / "b2_mlp_math.yaml").graph}
    assert mathematics - pipeline == set()
    assert pipeline - mathematics <= {"transpose", "argmax", "equal", "cast", "mean"}


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_the_long_form_gives_the_identical_graph(file: Path):
    model = gf.load(file, SMALL.get(file.name))
    again = gf.loads(model.expanded())
    assert again.elaborated.graph == model.elaborated.graph
    assert again.expanded() == model.expanded()


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_the_long_form_starts_from_the_same_values(file: Path):
    model = gf.load(file, SMALL.get(file.name))
    again = gf.loads(model.expanded())
    for name in model.elaborated.parameters:
        starts = []
        for graph in (model.elaborated.initial, again.elaborated.initial):
            part = graph.restricted_to(graph.needed_for([name]))
            concrete = specialise(
                gf.Graph(part.nodes, (graph.resolve(name),)), {}, DType.FLOAT64, False
            )
            leaves = {leaf.name: np.ones(leaf.tensor.shape) for leaf in concrete.leaves("input")}
            leaves["rng"] = np.array([3, 0])
            starts.append(evaluate(concrete, leaves)[concrete.outputs[0]])
        np.testing.assert_array_equal(*starts)


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_at_the_place(name: str):
    file = EXAMPLES / "bad" / f"{name}.yaml"
    with pytest.raises(gf.GraphflowError) as caught:
        gf.load(file)
    found = {(d.code, d.mark.line, d.mark.column) for d in caught.value.diagnostics}
    assert BAD[name] in found
    for diagnostic in caught.value.diagnostics:
        text = diagnostic.render()
        assert f"{name}.yaml:{diagnostic.mark.line}" in text and "^" in text and "help:" in text


EVERYTHING = """
graphflow: 1
name: every construct that holds a graph
inputs: {x: {shape: [T, 2]}, a: scalar}
params: {w: {shape: [2, 2], init: xavier_normal, weights: w.npz}}
state: {count: {shape: scalar, init: zeros, reset: epoch}}
nodes:
  loop:
    scan: {v: x}
    reverse: true
    carry: {h: "zeros([2])", c: 1.0}
    nodes:
      noise: normal([2]) * 0.1
      p, q: split(v @ w, 2)
      deep: {scan: {steps: 3}, carry: {k: h}, next: {k: k * 0.5 + noise}}
      n: {from: deep.final.k + p, through: [tanh, _ * c]}
    next: {h: n, c: c * sum(q)}
    collect: [n, noise]
  root: {while: "abs(y * y - a) > 1e-9", carry: {y: a}, next: {y: (y + a / y) / 2}, max_steps: 50}
  r: stop_gradient(root.y)
  b: {cond: r > 1, then: r, else: {nodes: {h: r / 2}, out: h * a + 1}}
  u, v: split(dropout(x, 0.5), 2, axis=1)
  f: sum(loop.n ** 2) * b + sum(u * v) + count
  g, gw: gradient(f, [a, w])
  one: gradient(f, x)
  hess: jacobian(one[0], a)
updates: {count: count + 1}
outputs: [f, g]
"""


def test_the_long_form_of_every_construct():
    model = gf.loads(EVERYTHING)
    again = gf.loads(model.expanded())
    assert again.elaborated.graph == model.elaborated.graph
    assert again.graph == model.graph
    assert again.expanded() == model.expanded()
    assert again.elaborated.leaves["w"].weights == "w.npz"


def test_the_long_form_of_expressions_in_the_training_section():
    text = """
graphflow: 1
name: t
let: {unused: 3, rate: 0.1, half: rate / 2}
inputs: {x: {shape: [3]}}
params: {w: {shape: [3], init: ones}}
nodes: {a: sum(x * w), pair: [a, a], three: 3}
outputs: [pair]
train: {minimize: a ** 2 + 0.1 * sum(w), optimizer: sgd(lr=half)}
"""
    model = gf.loads(text)
    again = gf.loads(model.expanded())
    assert again.elaborated.graph == model.elaborated.graph
    assert list(again.document.let) == ["rate", "half"]
    x = np.ones(3)
    for trained in (model, again):
        trained.trainer(dtype="float64").step({"x": x})
    np.testing.assert_array_equal(model.parameters["w"], again.parameters["w"])
