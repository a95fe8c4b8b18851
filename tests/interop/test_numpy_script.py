"""Stand-alone scripts of NumPy against the models they came from."""

from __future__ import annotations

import ast
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import save_file

import graphflow as gf
from graphflow.diagnostics import GraphflowError
from graphflow.interop.numpy_script.script import differentiated, script, wanted
from graphflow.interop.source import fitted
from graphflow.ir.types import DType
from tests.canned import graphs
from tests.interop.pytorch_run import drawn

REFUSED = {
    "fast_rcnn": "roi_pool_indices", "faster_rcnn": "nms", "nms": "nms",
    "roi_align": "roi_pool_indices", "roi_pool": "roi_pool_indices",
}  # fmt: skip
"""The canned graphs with an operator that scripts have no line for."""
SMALL: dict[str, dict[str, float]] = {
    "style_transfer": {"H": 16, "W": 20, "width": 1},
    "resnet18": {"width": 2},
    "lstm": {"hidden": 8, "width": 4},
    "mlp": {"hidden": 16},
}
GRAPHS = [
    "xyz", "sigmoid_neuron", "linear_regression_scratch", "softmax_regression", "mlp", "mlp_math",
    "resnet18", "lstm", "style_transfer",
]  # fmt: skip

FEATURES = {
    "loops and branches": """
inputs: {x: {shape: [T, B, 3]}, a: scalar}
params: {w: {shape: [3, 3], init: xavier_uniform}}
nodes:
  run:
    scan: {e: x}
    reverse: true
    carry: {h: 'zeros([dim(x, 1), 3])'}
    nodes: {h_next: tanh(e @ w + h)}
    next: {h: h_next}
    collect: [h_next]
  root:
    while: x * x > 2
    carry: {x: a * a + 3}
    next: {x: x / 2}
  which:
    cond: root.x > 1
    then: root.x
    else: 1 / root.x
  loss: sum(run.h_next ** 2) + sum(run.final.h)
outputs: [run.h_next, which, loss]
""",
    "windows with every setting": """
inputs: {x: {shape: [B, 4, 9, 8]}}
nodes:
  a: conv2d(x, 6, [3, 2], stride=[2, 1], padding=[1, 0], dilation=[1, 2], groups=2)
  b: conv_transpose2d(a, 4, 3, stride=2, padding=1, output_padding=1, groups=2)
  c: max_pool2d(x, 3, stride=2, padding=1, ceil_mode=true)
  d: avg_pool2d(x, 3, stride=2, padding=1, ceil_mode=true, count_include_pad=false)
  e: adaptive_avg_pool2d(x, [4, 3])
  loss: sum(sin(b)) + sum(c ** 2) + sum(d ** 3) + sum(e ** 2)
outputs: [a, b, c, d, e, loss]
""",
    "matrices": """
inputs: {x: {shape: [4, 3]}, b: {shape: [3]}}
nodes:
  u, s, v: svd(x)
  a: swapaxes(x, 0, 1) @ x + eye(3)
  p: pinv(x)
  t: triangular_solve(a, b, lower=false)
  q: solve(a, b) * det(a)
  loss: sum(s ** 2) + sum(p ** 2) + sum(t) + sum(q)
outputs: [s, p, t, loss]
""",
    "order and windows": """
inputs: {x: {shape: [2, 3, 6, 6]}, n: {shape: [B, 5]}}
nodes:
  c: unfold(x, 3, stride=2, padding=1)
  d: fold(c, [6, 6], 3, stride=2, padding=1)
  m: adaptive_max_pool2d(x, [2, 4])
  r: pad(x, [[0, 0], [0, 0], [2, 1], [1, 2]], mode='reflect')
  values, places: topk(n, 3)
  s: sort(n, descending=true)
  e: cumsum(n, axis=1, exclusive=true, reverse=true)
  k: cummax(n, axis=1)
  w: scatter(n, places, values, axis=1, reduce='add')
  g: gather_nd(n, [[0, 1], [1, -1]])
  loss: >-
    sum(d ** 2) + sum(m ** 2) + sum(r ** 3) + sum(s ** 2) + sum(e ** 2) + sum(k ** 2) + sum(w ** 2)
    + sum(g ** 2) + sum(softplus(n, beta=2))
outputs: [c, d, m, values, places, s, e, k, w, g, loss]
""",
    "looking up": """
inputs: {t: {shape: [B, 5], dtype: int}, x: {shape: [B, 4, 6]}}
nodes:
  e: embedding(t, 7, 3)
  r: rearrange(x, 'b c (h w) -> b h (c w)', h=2)
  s: x[:, ::-2, 1:]
  p: pad(x, [[0, 0], [1, 2], [0, 0]])
  loss: sum(e ** 2) + sum(sin(r)) + sum(s ** 2) + sum(p ** 3) + mean(softplus(x)) + var(gelu(x))
outputs: [loss]
""",
}


def run(model, folder, feed=None):
    """The script's results for the model's weights, in a Python that sees NumPy alone."""
    file, results = folder / "model.py", folder / "results.npz"
    file.write_text(script(model, "eval", "float64", {}), encoding="utf-8")
    arguments = []
    if feed is not None:
        model.save_weights(folder / "weights.safetensors")
        np.savez(folder / "feed.npz", **feed)
        arguments = [folder / "weights.safetensors", folder / "feed.npz", results]
    command = [sys.executable, "-I", file, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    if feed is None:
        return done.stdout
    with np.load(results) as archive:
        return dict(archive)


def agrees(model, folder):
    feed = {name: np.abs(a) + 0.5 if a.ndim == 0 else a for name, a in drawn(model).items()}
    found = run(model, folder, feed)
    _, values, gradients = differentiated(model, False)
    ((of, wrt),) = wanted(model).items()
    ours = model.compile(of=of, wrt=wrt, keep=list(values), dtype="float64")(feed)
    assert found.keys() == {*values, *gradients}
    for name in values:
        np.testing.assert_allclose(found[name], ours.values[name], rtol=1e-10, atol=1e-12)
    for name, gradient in ours.gradients.items():
        scale = max(float(np.abs(gradient).max(initial=0)), 1e-12)
        np.testing.assert_allclose(found[f"{name}.grad"], gradient, rtol=0, atol=1e-10 * scale)


@pytest.mark.parametrize("name", GRAPHS)
def test_a_canned_graph_gives_the_same_loss_and_gradients(name, tmp_path):
    model = gf.load(name, SMALL.get(name))
    if "image" in model.parameters:
        shape = model.elaborated.leaves["image"].type.shape
        model.parameters["image"] = np.random.default_rng(1).standard_normal(shape)
    agrees(model, tmp_path)


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_gives_the_same_loss_and_gradients(feature, tmp_path):
    agrees(gf.loads(f"graphflow: 1\nname: {feature}{FEATURES[feature]}"), tmp_path)


def test_a_net_without_a_loss_gives_its_answers_without_us(tmp_path):
    model = gf.load("hybrid_mlp")
    feed = {"x": np.random.default_rng(0).standard_normal((3, 512))}
    found = run(model, tmp_path, feed)
    ours = model.compile(of="y", dtype="float64")(feed)
    assert found.keys() == {"y"}
    np.testing.assert_allclose(found["y"], ours.values["y"], rtol=1e-12)


def test_it_runs_from_drawn_values_and_prints_the_loss_and_norms(tmp_path):
    shown = run(gf.load("linear_regression_scratch"), tmp_path)
    assert [line.partition(" = ")[0] for line in shown.splitlines() if " = " in line] == [
        "loss", "|w.grad|", "|b.grad|"
    ]  # fmt: skip


def test_bounded_normal_numbers_and_classes_are_drawn(tmp_path):
    text = "nodes:\n  p: softmax(x)\n  k: categorical(p, shape=[500])\n" + (
        "  z: truncated_normal([1000], mean=1, std=2, low=0, high=2)\n"
    )
    text = f"graphflow: 1\nname: d\ninputs: {{x: {{shape: [2]}}}}\n{text}outputs: [k, z]\n"
    names = {}
    exec(script(gf.loads(text), "eval", "float64", {}), names)
    rng = np.random.default_rng(0)
    values, _ = names["run"]({"x": np.log([1.0, 3.0])}, {}, rng)
    assert set(values["k"]) == {0, 1} and abs(values["k"].mean() - 0.75) < 0.1
    assert values["z"].shape == (1000,) and values["z"].min() >= 0 and values["z"].max() <= 2
    assert abs(values["z"].mean() - 1) < 0.1 and values["z"].std() > 0.5


def test_weights_of_every_number_type_are_read(tmp_path):
    names = {}
    exec(script(gf.load("linear_regression_scratch"), "eval", "float64", {}), names)
    kinds = [d.value for d in DType if d not in (DType.FLOAT, DType.BFLOAT16)]  # no leaf has it
    arrays = {kind: np.array([[0, 1], [1, 100]]).astype(kind) for kind in kinds}
    save_file(arrays, tmp_path / "weights.safetensors")
    found = names["read"](str(tmp_path / "weights.safetensors"))
    assert found.keys() == arrays.keys()
    for kind, array in arrays.items():
        assert found[kind].dtype == array.dtype
        np.testing.assert_array_equal(found[kind], array)


def test_weights_of_a_number_type_that_numpy_has_not_are_refused(tmp_path):
    names = {}
    exec(script(gf.load("linear_regression_scratch"), "eval", "float64", {}), names)
    head = b'{"w": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}'
    file = tmp_path / "weights.safetensors"
    file.write_bytes(len(head).to_bytes(8, "little") + head + b"\0\0")
    with pytest.raises(ValueError, match="'w' is BF16"):
        names["read"](str(file))


def test_two_players_have_derivatives_of_their_own_losses(tmp_path):
    shown = run(gf.load("gan"), tmp_path)
    assert "|D.linear1.weight.grad of d_loss| = " in shown
    assert "|G.linear1.weight.grad of g_loss| = " in shown
    assert "|G.linear1.weight.grad of d_loss| = " not in shown


@pytest.mark.parametrize("name", graphs())
def test_scripts_import_numpy_alone_and_keep_within_100_columns(name):
    if name in REFUSED:
        with pytest.raises(GraphflowError, match=f"no line for '{REFUSED[name]}'"):
            script(gf.load(name), "train", "float32", {})
        return
    text = script(gf.load(name, SMALL.get(name)), "train", "float32", {})
    module = ast.parse(text)
    imported = {n.names[0].name for n in ast.walk(module) if isinstance(n, ast.Import)}
    assert {"json", "sys", "numpy"} <= imported <= {"json", "math", "sys", "numpy"}
    assert [line for line in text.splitlines() if len(line) > 100] == []


def test_text_of_the_file_never_becomes_code():
    text = script(
        gf.loads(
            'graphflow: 1\nname: "x\\"\\"\\"\\nimport os"\nabout: "\\\\"\n'
            "inputs: {np: {shape: [B, 2]}, FLOAT: {shape: [2]}, feed: {shape: [2]}}\n"
            "nodes: {run: np * FLOAT + feed, sys: sum(run)}\noutputs: [sys]\n"
        ),
        "eval", "float64", {},
    )  # fmt: skip
    module = ast.parse(text)
    imported = {n.names[0].name for n in ast.walk(module) if isinstance(n, ast.Import)}
    assert imported == {"json", "sys", "numpy"} and text.isascii()


def test_an_operator_without_a_line_is_refused():
    text = "graphflow: 1\nname: f\ninputs: {x: {shape: [3]}}\nnodes:\n  y: digamma(x)\n"
    with pytest.raises(GraphflowError) as caught:
        script(gf.loads(text), "eval", "float64", {})
    (found,) = caught.value.diagnostics
    assert found.code == "GF103" and found.mark is not None and found.mark.line == 5
    assert found.help == "NumPy has no derivatives of the gamma function"


def test_names_that_do_not_fit_in_a_line_stand_one_below_the_other():
    names, values = ([f"{word}{i}" for i in range(12)] for word in ("carried", "value"))
    rows = fitted(f"    {', '.join(names)} = ({', '.join(values)})")
    assert rows == ["    (", *(f"        {n}," for n in names), "    ) = (",
                    *(f"        {v}," for v in values), "    )"]  # fmt: skip
