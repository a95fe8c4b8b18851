"""Canned graphs and small files, exported and run by others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

import graphflow as gf
from graphflow.ir.types import DType
from graphflow.passes import specialise
from tests.interop.onnx.running import checked, run

EXAMPLES = Path(__file__).parents[2] / "examples"
SIZES = {"B": 3, "S": 4, "T": 5}
SMALL = {
    "c_resnet18": {"classes": 7},
    "d_lstm": {"vocab": 20, "width": 6, "hidden": 8},
    "e_transformer": {"vocab": 20, "d": 16, "heads": 2, "ffn": 24, "depth": 2},
    "f_gan": {"latent": 4},
}
GRAPHS = [
    "mlp", "mlp_math", "softmax_regression", "linear_regression_scratch", "xyz", "sigmoid_neuron",
    "resnet18", "lstm", "gan", "transformer", "style_transfer",
]  # fmt: skip


def inputs_of(proto):
    """Arrays of the right kind for the inputs: small whole numbers or fractions."""
    draw = np.random.default_rng(0)
    found = {}
    for value in proto.graph.input:
        tensor = value.type.tensor_type
        shape = [SIZES[d.dim_param] if d.dim_param else d.dim_value for d in tensor.shape.dim]
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        array = draw.uniform(-1, 1, shape) if dtype.kind == "f" else draw.integers(0, 2, shape)
        found[value.name] = array.astype(dtype)
    return found


def compare(model, mode="eval", **options):
    proto = checked(gf.to_onnx(model, mode=mode, **options))
    feed = inputs_of(proto)
    found = run(proto, feed)
    ours = model.compile(mode=mode, **options)(feed).values
    assert list(found) == list(ours)
    for name, value in found.items():
        assert value.dtype == ours[name].dtype and value.shape == ours[name].shape
        size = np.abs(ours[name]).max(initial=1)
        np.testing.assert_allclose(value, ours[name], rtol=1e-5, atol=1e-5 * size)
    return proto


def names():
    for name in (*GRAPHS, *(path.stem for path in sorted(EXAMPLES.glob("*.yaml")))):
        yield pytest.param(name, marks=pytest.mark.slow if name == "c_resnet18" else ())


@pytest.mark.parametrize("name", list(names()))
def test_canned_graphs_agree(name):
    file = EXAMPLES / f"{name}.yaml"
    compare(gf.load(file if file.exists() else name, SMALL.get(name)))


def test_draws_of_training_are_inputs():
    proto = compare(gf.load("mlp", {"hidden": 8}), mode="train")
    assert "logits.dropout1.kept" in {i.name for i in proto.graph.input}


def test_names_are_those_of_the_file():
    proto = gf.to_onnx(gf.load("resnet18"))
    assert [i.name for i in proto.graph.input] == ["image"]
    assert [o.name for o in proto.graph.output] == ["logits"]
    assert {t.name for t in proto.graph.initializer} >= gf.load("resnet18").parameters.keys()
    (batch, *_) = proto.graph.input[0].type.tensor_type.shape.dim
    assert batch.dim_param == "B"
    assert all(node.doc_string.startswith("line ") for node in proto.graph.node)


def test_sizes_can_be_fixed():
    proto = compare(gf.load("transformer"))
    fixed = gf.to_onnx(gf.load("mlp"), B=4)
    assert fixed.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 4
    assert proto.graph.input


def loaded(lines, inputs="x: {shape: [B, T]}", **sections):
    text = f"graphflow: 1\nname: test\ninputs: {{{inputs}}}\nnodes:\n"
    more = "".join(f"{key}: {value}\n" for key, value in sections.items())
    return gf.loads(text + "".join(f"  {line}\n" for line in lines) + more)


OPEN_SIZES = [
    "y: reshape(x, [-1])",
    "y: x / dim(x, 1)",
    "y: arange(dim(x, 1)) + x",
    "y: mean(x, axis=0) + var(x, axis=1, keepdims=true)",
    "y: x[:, 1:-1]",
    "y: x[::-1, ::2]",
    "y: pad(x, [[0, 1], [2, 0]])",
    "y: concat([x, zeros([dim(x, 0), 2])], axis=1)",
    "y: gradient(sum(x[:, ::2] ** 3), x)",
    "y: gradient(sum(x[1:, -2] ** 3), x)",
    "y: roll(x, 7, axis=1)",
    "y: flip(cumsum(x, axis=1), axis=0)",
    "y: cumprod(x, axis=1, exclusive=true)",
    "y: tile(x, [2, 1, 3])",
    "y: repeat(x, 3, axis=0)",
    "y: tril(x)",
    "y: sort(x, axis=1)",
    "y: one_hot(argmax(x, axis=1), dim(x, 1))",
    "y: eye(dim(x, 1), dim(x, 0))",
    "y: 'rearrange(x, \"b (t e) -> (b t) e\", e=1)'",
    "y: einsum('bt,bs->ts', x, x)",
    "y: gradient(sum(max(x, axis=1) ** 2), x)",
    "y: 'x[:, :dim(x, 1) // 2]'",
]


@pytest.mark.parametrize("line", OPEN_SIZES)
def test_sizes_stay_open(line):
    proto = compare(loaded([line]))
    assert {d.dim_param for d in proto.graph.input[0].type.tensor_type.shape.dim} == {"B", "T"}


def test_a_size_is_read_off_a_formula():
    model = loaded(["y: mean(x) * ones([N])"], "x: {shape: ['2 * N + 1']}")
    proto = gf.to_onnx(model)
    found = run(proto, {"x": np.arange(7, dtype=np.float32)})
    np.testing.assert_allclose(found["y"], [3, 3, 3])


def test_what_needs_a_size_says_so():
    model = loaded(["y: adaptive_avg_pool2d(x, [2, 3])"], "x: {shape: [B, 2, H, W]}")
    with pytest.raises(gf.GraphflowError) as caught:
        gf.to_onnx(model)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "GF026" and diagnostic.mark is not None
    assert "H, W" in diagnostic.message and "--sizes H=4, W=4" in (diagnostic.help or "")
    checked(gf.to_onnx(model, H=5, W=7))


LOOPS = """
graphflow: 1
name: loops in loops
inputs: {x: {shape: [T, B]}, a: scalar}
nodes:
  outer:
    scan: {row: x}
    carry: {total: 'zeros([dim(x, 1)])'}
    reverse: true
    nodes:
      inner:
        scan: {steps: 3}
        carry: {v: row}
        nodes: {grown: v * 1.5 + total}
        next: {v: grown}
      next_total: total + inner.final.v
    next: {total: next_total}
    collect: [next_total]
  root:
    while: abs(r * r - a) > 1e-4
    carry: {r: a}
    next: {r: (r + a / r) / 2}
    max_steps: 50
  y:
    cond: root.r > 1
    then: root.r
    else: {nodes: {inverse: 1 / root.r}, out: inverse}
  idle:
    scan: {steps: 0}
    carry: {c: a}
    nodes: {more: c + a}
    next: {c: more}
    collect: [more]
outputs: [outer.next_total, outer.final.total, root.r, y, idle.final.c, idle.more]
"""


@pytest.mark.parametrize("a", [0.25, 9.0])
def test_loops_and_branches(a):
    model = gf.loads(LOOPS)
    proto = checked(gf.to_onnx(model))
    draw = np.random.default_rng(0)
    feed = {"x": draw.uniform(-1, 1, (4, 3)).astype(np.float32), "a": np.array(a, np.float32)}
    found, ours = run(proto, feed), model.compile()(feed).values
    assert list(found) == list(ours)
    for name in ours:
        np.testing.assert_allclose(found[name], ours[name], rtol=1e-5)
    kinds = {node.op_type for node in proto.graph.node}
    assert {"Scan", "Loop", "If"} <= kinds


def test_gradients_through_a_scan():
    lines = ["s: {scan: {row: x}, carry: {h: 'zeros([dim(x, 1)])'}, "
             "nodes: {n: tanh(h + row)}, next: {h: n}, collect: [n]}",
             "y: gradient(sum(s.n ** 2), x)"]  # fmt: skip
    compare(loaded(lines))


def test_outputs_may_share_a_value_or_be_an_input():
    model = loaded(["y: x * 1", "z: x + 0.5", "w: 0.5 + x"], outputs="[x, y, z, w]")
    found = run(checked(gf.to_onnx(model)), {"x": np.ones((1, 2), np.float32)})
    assert list(found) == ["x", "y", "z", "w"]
    np.testing.assert_array_equal(found["w"], [[1.5, 1.5]])


def test_what_cannot_be_written_names_the_line_and_the_reason():
    model = loaded(["p: cholesky(x @ transpose(x) + eye(dim(x, 0)))", "y: inv(p) + det(p)"])
    with pytest.raises(gf.GraphflowError) as caught:
        gf.to_onnx(model)
    first, second = caught.value.diagnostics
    assert (first.code, second.code) == ("GF103", "GF103")
    assert "'p' is cholesky" in first.message and "inv" in second.message
    assert first.mark is not None and first.mark.line == 5
    assert "factorisations" in (first.help or "")


def test_draws_inside_a_loop_are_refused():
    lines = ["s: {scan: {row: x}, carry: {h: '0.0'}, nodes: {n: 'h + sum(row * uniform([2]))'}, "
             "next: {h: n}}", "y: s.final.h"]  # fmt: skip
    with pytest.raises(gf.GraphflowError) as caught:
        gf.to_onnx(loaded(lines, "x: {shape: [T, 2]}"))
    assert "uniform" in caught.value.diagnostics[0].message


def test_other_number_types():
    model = loaded(["y: tanh(x) / 3"])
    compare(model, dtype="float64")
    half = gf.to_onnx(model, dtype="float16")
    assert half.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT16


@pytest.mark.parametrize("options", [{"mode": "test"}, {"Q": 3}, {"player": "g"},
                                     {"dtype": "int64"}, {"B": -1}])  # fmt: skip
def test_wrong_options_are_answered(options):
    with pytest.raises(gf.GraphflowError):
        gf.to_onnx(loaded(["y: x"]), **options)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "uint16", "int32", "uint64"])
@pytest.mark.parametrize("call", ["sum(x)", "max(x, axis=1)", "x @ transpose(x)", "sort(x)",
                                  "where(x > 0, x, x)", "concat([x, x])", "argmax(x, axis=0)",
                                  "pad(x, 1)", "flip(x)", "einsum('ij,kj->ik', x, x)"])  # fmt: skip
def test_small_number_types(call, dtype):
    model = loaded([f'y: "{call}"'], f"x: {{shape: [2, 3], dtype: {dtype}}}")
    proto = checked(gf.to_onnx(model))
    x = np.array([[1, 0, 3], [2, 5, 0]]).astype(dtype)
    names = ReferenceEvaluator(proto).run(None, {"x": x})
    ours = model.compile()({"x": x})["y"]
    np.testing.assert_array_equal(names[0], ours)
    assert names[0].dtype == ours.dtype


def test_a_size_as_a_number_anywhere():
    lines = ["a: arange(dim(x, 0), dim(x, 0) + 4)", "b: pad(x, [[0, 1], [1, 0]], value=dim(x, 1))",
             "y: sum(a) + sum(b) + sum(full([2], dim(x, 0)))"]  # fmt: skip
    compare(loaded(lines))


def test_trained_values_are_exported():
    model = gf.load("linear_regression_scratch")
    name = next(iter(model.parameters))
    model.parameters[name] = np.full_like(model.parameters[name], 2.5)
    (tensor,) = (t for t in gf.to_onnx(model).graph.initializer if t.name == name)
    assert np.unique(onnx.numpy_helper.to_array(tensor)) == [2.5]


def test_regions_are_specialised_like_the_graph_around_them():
    graph = gf.loads(LOOPS).graph
    assert specialise(graph, {}, DType.FLOAT32, training=False, partial=True)
