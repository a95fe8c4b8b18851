"""ONNX in: names, weights, readable lines, values that must be known, refusals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import graphflow as gf
from graphflow.diagnostics import GraphflowError
from graphflow.interop.onnx import from_onnx
from graphflow.interop.onnx.reader import translate
from graphflow.spec.writer import dump

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, tuple[int, list[int | str]]],
    outputs: Sequence[str],
    weights: dict[str, np.ndarray] | None = None,
    functions: Sequence[onnx.FunctionProto] = (),
    opset: int = 21,
    shape: Sequence[int] | None = None,
) -> onnx.ModelProto:
    """A model of a few nodes."""
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info(n, t, s) for n, (t, s) in inputs.items()],
        [helper.make_tensor_value_info(n, FLOAT, shape) for n in outputs],
        [numpy_helper.from_array(a, n) for n, a in (weights or {}).items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("own", 1)]
    return helper.make_model(graph, opset_imports=opsets, functions=list(functions))


def node(op: str, inputs: Sequence[str], *outputs: str, **attributes: object) -> onnx.NodeProto:
    return helper.make_node(op, inputs, outputs, **attributes)


W = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
B = np.array([1, -100], np.float32)
X = np.array([[1, 0, 0], [0, 1, 1]], np.float32)


def small() -> onnx.ModelProto:
    """relu(x W + b) with names that are no identifiers."""
    nodes = [node("MatMul", ["in.1", "fc.weight"], "m"), node("Add", ["m", "fc.bias"], "/fc/Add"),
             node("Relu", ["/fc/Add"], "out:0")]  # fmt: skip
    return model(nodes, {"in.1": (FLOAT, ["N", 3])}, ["out:0"], {"fc.weight": W, "fc.bias": B})


def refused(proto: onnx.ModelProto | str, code: str, **options: object) -> str:
    with pytest.raises(GraphflowError) as caught:
        gf.from_onnx(proto, **options)
    assert [d.code for d in caught.value.diagnostics] == [code]
    return str(caught.value)


def test_feeds_and_results_go_by_their_onnx_names():
    result = gf.from_onnx(small()).compile()({"in.1": X})
    np.testing.assert_array_equal(result.values["out:0"], [[2, 0], [9, 0]])


def test_an_import_reads_like_a_file_of_ours():
    text = translate(small()).text
    for line in ("in_1:", "shape: [N, 3]", "m: in_1 @ fc.weight", "fc_Add: m + fc.bias",
                 "out_0: relu(fc_Add)", "outputs: [out_0]"):  # fmt: skip
        assert line in text


def test_weights_are_parameters_with_gradients():
    imported = gf.from_onnx(small())
    assert list(imported.parameters) == ["fc.weight", "fc.bias"]
    np.testing.assert_array_equal(imported.parameters["fc.weight"], W)
    program = imported.compile(of="out:0", wrt=["fc.weight", "in.1"])
    gradients = program({"in.1": X}, cotangent=np.ones((2, 2))).gradients
    np.testing.assert_array_equal(gradients["fc.weight"], [[1, 0], [1, 0], [1, 0]])
    np.testing.assert_array_equal(gradients["in.1"], [[1, 3, 5], [1, 3, 5]])


def test_sizes_stay_open_or_are_given():
    program = gf.from_onnx(small()).compile()
    assert [program({"in.1": np.ones((n, 3))}).values["out:0"].shape[0] for n in (1, 4)] == [1, 4]
    fixed = gf.from_onnx(small(), sizes={"N": 2})
    assert fixed.graph["in.1"].tensor.shape == (2, 3)
    assert "there is no size called 'M'" in refused(small(), "GF061", sizes={"M": 2})


def test_shapes_computed_from_open_sizes_stay_open():
    nodes = [
        node("Shape", ["x"], "s"), node("Gather", ["s", "zero"], "n"),
        node("Unsqueeze", ["n", "axis"], "n1"), node("Concat", ["n1", "rest"], "to", axis=0),
        node("Reshape", ["x", "to"], "y"),
    ]  # fmt: skip
    constants = {"zero": np.array(0), "axis": np.array([0]), "rest": np.array([-1])}
    proto = model(nodes, {"x": (FLOAT, ["N", 2, 3])}, ["y"], constants)
    program = gf.from_onnx(proto).compile()
    assert program({"x": np.ones((5, 2, 3))}).values["y"].shape == (5, 6)


def test_a_value_that_must_be_known_is_asked_for_by_name():
    proto = model([node("Reshape", ["x", "to"], "y", name="flat")],
                  {"x": (FLOAT, [2, 3]), "to": (INT64, [1])}, ["y"])  # fmt: skip
    message = refused(proto, "GF102")
    assert "'flat' (Reshape)" in message and "the input 'to' of the graph" in message
    found = gf.from_onnx(proto, values={"to": np.array([6])}).compile()({"x": np.ones((2, 3))})
    assert found.values["y"].shape == (6,)
    assert "there is no input 'too'" in refused(proto, "GF065", values={"too": [6]})


def test_an_unknown_operator_is_named_with_its_line():
    nodes = [node("Relu", ["x"], "r"), node("Warp", ["r"], "y", name="w1", domain="own", speed=9)]
    message = refused(model(nodes, {"x": (FLOAT, [2])}, ["y"]), "GF101")
    assert "'own.Warp'" in message and "net:2:1" in message and "speed" in message
    assert "node 1 'w1' is a Warp of the domain 'own' and reads r" in message


@pytest.mark.parametrize("kind", [TensorProto.BFLOAT16, TensorProto.STRING, TensorProto.INT4])
def test_number_types_that_there_are_not(kind):
    proto = model([node("Identity", ["x"], "y")], {"x": (kind, [2])}, ["y"])
    assert "which graphflow does not have" in refused(proto, "GF101")


def test_functions_of_the_model_are_written_out():
    scale = helper.make_node("Elu", ["v"], ["e"])
    scale.attribute.append(onnx.AttributeProto(name="alpha", ref_attr_name="a", type=1))
    function = helper.make_function(
        "own", "twice", ["v"], ["w"], [scale, node("Add", ["e", "e"], "w")],
        [helper.make_opsetid("", 21)], attributes=["a"],
    )  # fmt: skip
    proto = model([node("twice", ["x"], "y", domain="own", a=2.0)], {"x": (FLOAT, [2])}, ["y"],
                  functions=[function])  # fmt: skip
    found = gf.from_onnx(proto).compile()({"x": np.array([-1, 3])}).values["y"]
    np.testing.assert_allclose(found, [4 * np.expm1(-1), 6], rtol=1e-6)


def test_a_function_that_calls_itself_is_refused():
    function = helper.make_function("own", "f", ["v"], ["w"], [node("f", ["v"], "w", domain="own")],
                                    [helper.make_opsetid("own", 1)])  # fmt: skip
    proto = model([node("f", ["x"], "y", domain="own")], {"x": (FLOAT, [2])}, ["y"],
                  functions=[function])  # fmt: skip
    assert "nested deeper than" in refused(proto, "GF004")


def branch(op: str) -> onnx.GraphProto:
    out = helper.make_tensor_value_info(op, FLOAT, None)
    return helper.make_graph([node(op, ["x"], op)], op, [], [out])


def test_a_branch_by_data():
    choice = node("If", ["c"], "y", then_branch=branch("Exp"), else_branch=branch("Neg"))
    proto = model([choice], {"c": (BOOL, []), "x": (FLOAT, [2])}, ["y"])
    program = gf.from_onnx(proto).compile()
    x = np.array([0, 1.0])
    np.testing.assert_allclose(program({"c": True, "x": x}).values["y"], np.exp(x), rtol=1e-6)
    np.testing.assert_array_equal(program({"c": False, "x": x}).values["y"], -x)
    known = translate(proto, values={"c": np.array(True)}).document["nodes"]
    assert known == {"Exp": "exp(x)", "y": "Exp"}


def halving() -> onnx.GraphProto:
    """One turn: v / 2, as long as it is above 1."""
    value = helper.make_tensor_value_info
    nodes = [node("Mul", ["v", "half"], "w"), node("Greater", ["w", "one"], "on")]
    constants = {"half": np.float32(0.5), "one": np.float32(1)}
    return helper.make_graph(
        nodes, "turn", [value("i", INT64, []), value("c", BOOL, []), value("v", FLOAT, [])],
        [value("on", BOOL, []), value("w", FLOAT, [])],
        [numpy_helper.from_array(np.array(a), n) for n, a in constants.items()],
    )  # fmt: skip


def test_a_loop_that_data_ends():
    proto = model([node("Loop", ["", "", "x"], "y", body=halving())], {"x": (FLOAT, [])}, ["y"])
    program = gf.from_onnx(proto).compile()
    assert [float(program({"x": v}).values["y"]) for v in (9.0, 3.0)] == [0.5625, 0.75]


def test_an_older_opset_is_converted():
    proto = model([node("Softmax", ["x"], "y", axis=1)], {"x": (FLOAT, [2, 2, 2])}, ["y"],
                  opset=11, shape=[2, 2, 2])  # fmt: skip
    x = np.arange(8.0).reshape(2, 2, 2)
    found = gf.from_onnx(proto).compile()({"x": x}).values["y"]
    flat = np.exp(x.reshape(2, 4))  # before opset 13 all axes from `axis` on are one
    np.testing.assert_allclose(found, (flat / flat.sum(1, keepdims=True)).reshape(2, 2, 2), 1e-6)


def test_a_large_table_of_integers_is_kept_and_not_trained():
    table = np.arange(100, dtype=np.int32)
    proto = model([node("Gather", ["t", "i"], "g"), node("Cast", ["g"], "y", to=FLOAT)],
                  {"i": (INT64, [2])}, ["y"], {"t": table})  # fmt: skip
    imported = gf.from_onnx(proto)
    assert list(imported.state) == ["t"] and not list(imported.parameters)
    found = imported.compile()({"i": np.array([7, 99])}).values["y"]
    np.testing.assert_array_equal(found, [7, 99])


def test_what_breaks_the_rules_of_onnx():
    x = {"x": (FLOAT, [2])}
    assert "nothing gives the value 'z'" in refused(model([node("Relu", ["z"], "y")], x, ["y"]),
                                                    "GF100")  # fmt: skip
    twice = [node("Relu", ["x"], "y"), node("Exp", ["x"], "y")]
    assert "'y' is given twice" in refused(model(twice, x, ["y"]), "GF100")
    assert "lacks its attribute axis" in refused(model([node("Concat", ["x"], "y")], x, ["y"]),
                                                 "GF100")  # fmt: skip
    wrong = node("Concat", ["x"], "y", axis="first")
    assert "is of the kind STRING" in refused(model([wrong], x, ["y"]), "GF100")


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setattr("graphflow.interop.onnx.find_spec", lambda name: None)
    with pytest.raises(GraphflowError, match=r"pip install 'graphflow\[onnx\]'"):
        from graphflow.interop import onnx as module

        module.__getattr__("from_onnx")


def test_the_function_is_offered_at_the_top():
    assert gf.from_onnx is from_onnx


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"values": 5}, "GF033"),
        ({"sizes": ["N"]}, "GF033"),
        ({"sizes": {"N": -1}}, "GF033"),
        ({"sizes": {"N": "x"}}, "GF033"),
        ({"values": {"in.1": "abc"}}, "GF031"),
        ({"values": {"in.1": np.ones((2, 4))}}, "GF061"),
        ({"max_nodes": 1}, "GF004"),
    ],
)
def test_arguments_that_do_not_fit(options, code):
    refused(small(), code, **options)


@pytest.mark.parametrize("source", [3, None, b"net.onnx"])
def test_what_is_no_model(source):
    assert "a path or a ModelProto" in refused(source, "GF033")


def test_a_graph_without_nodes():
    assert "computes nothing" in refused(model([], {"x": (FLOAT, [2])}, ["x"]), "GF100")


def test_a_known_input_is_a_constant():
    imported = gf.from_onnx(small(), values={"in.1": X})
    np.testing.assert_array_equal(imported.compile()({}).values["out:0"], [[2, 0], [9, 0]])


def test_an_open_axis_may_stay_as_it_is_when_others_are_resized():
    scales = np.array([1, 2], np.float32)
    resize = node("Resize", ["x", "", "s"], "y", mode="linear")
    proto = model([resize], {"x": (FLOAT, ["N", 2])}, ["y"], {"s": scales})
    found = gf.from_onnx(proto).compile()({"x": np.array([[0, 4.0]])}).values["y"]
    np.testing.assert_allclose(found, [[0, 1, 3, 4]])


def test_no_batch_at_all():
    shape = np.array([0, -1])
    proto = model([node("Reshape", ["x", "s"], "y")], {"x": (FLOAT, ["N", 2, 3])}, ["y"],
                  {"s": shape})  # fmt: skip
    assert gf.from_onnx(proto).compile()({"x": np.ones((0, 2, 3))}).values["y"].shape == (0, 6)


def test_an_import_is_trained_like_any_other_file():
    random = np.random.default_rng(0)
    weights = {"fc.weight": random.normal(0, 0.05, (64, 10)).astype(np.float32),
               "fc.bias": np.zeros(10, np.float32)}  # fmt: skip
    nodes = [node("Gemm", ["image", "fc.weight", "fc.bias"], "logits")]
    found = translate(model(nodes, {"image": (FLOAT, ["B", 64])}, ["logits"], weights))
    document = dict(found.document)
    document["inputs"] = {**document["inputs"], "y": {"shape": ["B"], "dtype": "int"}}
    document["nodes"] = {**document["nodes"], "loss": "cross_entropy(logits, y)"}
    document["data"] = {"source": "digits", "feed": {"image": "pixels / 16", "y": "label"},
                        "split": {"train": 0.8, "test": 0.2}, "batch": 64}  # fmt: skip
    document["train"] = {"minimize": "loss", "optimizer": "adam(lr=0.01)", "report": ["loss"]}
    trained = gf.loads(dump(document))
    for name, array in found.arrays.items():
        trained.parameters[name] = array
    outcome = gf.train(trained, steps=60)
    assert outcome.metrics["test/loss"] < 1 < np.log(10)
    assert not np.array_equal(trained.parameters["fc.weight"], weights["fc.weight"])
