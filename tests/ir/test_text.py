from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphflow.diagnostics import GraphflowError
from graphflow.ir import (
    ArrayLiteral,
    DType,
    Graph,
    Node,
    TensorType,
    TupleType,
    from_text,
    symbol,
    to_text,
)
from graphflow.ops import OPS, Builder

B, T = symbol("B"), symbol("T")
FLOAT = DType.FLOAT32

symbols = st.sampled_from(["B", "T", "batch_size", "float", "nan", "array", "none"]).map(symbol)
dims = st.recursive(
    st.integers(0, 9) | symbols,
    lambda d: st.one_of(
        st.tuples(d, d).map(lambda p: p[0] + p[1]),
        st.tuples(d, d).map(lambda p: p[0] - p[1]),
        st.tuples(d, d).map(lambda p: p[0] * p[1]),
        st.tuples(d, d.filter(lambda q: q != 0)).map(lambda p: p[0] // p[1]),
    ),
    max_leaves=6,
)
tensor_types = st.builds(
    TensorType, st.sampled_from(list(DType)), st.lists(dims, max_size=3).map(tuple)
)
types = tensor_types | st.lists(tensor_types, max_size=3).map(lambda t: TupleType(tuple(t)))
arrays = st.builds(
    lambda dtype, shape: ArrayLiteral(np.arange(np.prod(shape)).reshape(shape).astype(dtype)),
    st.sampled_from(["bool", "int64", "float32", "float64", ">f4"]),
    st.lists(st.integers(0, 3), max_size=3),
)
plain_attrs = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8),
    dims, st.sampled_from(list(DType)), arrays,
)  # fmt: skip
names = st.text(min_size=1, max_size=6) | st.sampled_from(["return", "update", "alias", "a.b"])


@st.composite
def graphs(draw, depth=1):
    nodes: dict[str, Node] = {}
    attrs = st.recursive(plain_attrs, lambda a: st.lists(a, max_size=3).map(tuple), max_leaves=4)
    if depth:
        attrs |= graphs(depth=depth - 1)
    for name in draw(st.lists(names, max_size=5, unique=True)):
        keys = draw(st.lists(st.sampled_from(["axis", "value", "body"]), max_size=2, unique=True))
        operands = draw(st.lists(st.sampled_from(list(nodes)), max_size=3)) if nodes else []
        nodes[name] = Node(
            draw(st.sampled_from(["input", "add", "scan"])),
            tuple(operands),
            tuple((key, draw(attrs)) for key in keys),
            draw(types),
            name,
        )
    if not nodes:
        return Graph({})
    node = st.sampled_from(list(nodes))
    return Graph(
        nodes,
        tuple(draw(st.lists(node, max_size=3))),
        draw(st.dictionaries(node, node, max_size=2)),
        draw(st.dictionaries(names, node, max_size=2)),
        {},
        draw(st.dictionaries(st.tuples(names, names), node, max_size=2)),
    )


@given(graphs())
def test_every_graph_reads_back_as_it_was(graph):
    text = to_text(graph)
    again = from_text(text)
    assert again == graph
    assert (again.aliases, again.gradients) == (graph.aliases, graph.gradients)
    assert to_text(again) == text


@given(dims)
def test_every_size_reads_back_as_it_was(dim):
    node = Node("full", (), (("shape", (dim, 3)),), TensorType(FLOAT, (dim,)), "x")
    again = from_text(to_text(Graph({"x": node})))["x"]
    assert (again.type, again.attrs) == (node.type, node.attrs)


@given(st.floats())
def test_numbers_are_exact(value):
    text = to_text(Graph({"c": Node("constant", (), (("value", value),), TensorType(FLOAT), "c")}))
    again = from_text(text)["c"].attr("value")
    assert type(again) is float
    assert again == value or (math.isnan(again) and math.isnan(value))
    assert math.copysign(1, again) == math.copysign(1, value)


def test_arrays_keep_every_bit():
    odd = np.array([0x7FC01234, 0x80000000, 0xFF800001, 1], np.uint32).view(np.float32)
    b = Builder()
    b.constant(odd, FLOAT, "c")
    assert from_text(to_text(b.graph())) == b.graph()


def test_a_graph_as_a_person_reads_it():
    b = Builder()
    x = b.input("x", TensorType(DType.FLOAT, (B, 2 * T + 1)))
    y = b.add("reshape", x * 2.5, shape=(B * (2 * T + 1),), name="y")
    graph = b.graph([y.name], {"x": "mul"})
    assert to_text(graph).splitlines() == [
        "x: float[B, 2*T + 1] = input()",
        "constant: float[] = constant(value=2.5, dtype=float)",
        "mul: float[B, 2*T + 1] = mul(x, constant)",
        "y: float[2*B*T + B] = reshape(mul, shape=[2*B*T + B])",
        "return y",
        "update x = mul",
    ]


def test_regions_stand_indented_in_braces():
    inner = Builder()
    carry = inner.input("s", TensorType(FLOAT))
    following = inner.add("neg", carry, name="n")
    b = Builder()
    b.add(
        "scan", b.input("x", TensorType(FLOAT)), name="loop",
        body=inner.graph([following.name]), carries=1, sequences=0, length=3,
    )  # fmt: skip
    graph = b.graph(["loop"])
    assert to_text(graph).splitlines()[1:] == [
        "loop: (float32[]) = scan(x, body={",
        "  s: float32[] = input()",
        "  n: float32[] = neg(s)",
        "  return n",
        "}, carries=1, sequences=0, length=3, reverse=false)",
        "return loop",
    ]
    assert from_text(to_text(graph)) == graph


def test_a_symbol_named_like_a_type_stays_a_symbol():
    odd = symbol("float32")
    node = Node("full", (), (("shape", (odd, DType.FLOAT32)),), TensorType(FLOAT, (odd,)), "x")
    assert from_text(to_text(Graph({"x": node})))["x"] == node


X = "x: float[2] = input()\n"


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("x float[2] = input()", "1:1", "expected a line"),
        ("x: float[2 = input()", "1:12", "expected ']'"),
        ("x: real[2] = input()", "1:4", "expected a number type"),
        (X + "y: float[2] = neg(z)", "2:19", "a node on an earlier line"),
        (X + "y: float[2] = neg(y)", "2:19", "a node on an earlier line"),
        (X + X, "2:1", "this one is taken"),
        (X + "return q", "2:8", "a node on an earlier line"),
        (X + "update x = q", "2:12", "a node on an earlier line"),
        (X + "y: float[] = f(x, a=)", "2:21", "a word"),
        (X + "y: float[] = f(x, a=[1, 2)", "2:26", "expected ']'"),
        (X + 'y: float[] = f(a=array("<f4", [3], "00"))', "2:18", "do not fit"),
        (X + "y: float[] = f(a={\n", "3:1", "found the end"),
        (X + "}", "2:1", "expected a node"),
        (X + "y: float[] = f(x) ?", "2:19", "part of a graph"),
        (X + "y: float[1.5] = f(x)", "2:10", "an integer"),
        (X + f"y: float[{'9' * 5000}] = f(x)", "2:10", "an integer"),
        (X + 'y: float[] = f(a=array("(", [0], ""))', "2:18", "do not fit"),
    ],
)
def test_other_text_is_refused_with_its_place(text, place, message):
    with pytest.raises(GraphflowError) as caught:
        from_text(text)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "GF005"
    assert str(diagnostic.mark) == f"<graph>:{place}"
    assert message in diagnostic.message


def test_brackets_without_end_are_refused():
    with pytest.raises(GraphflowError, match="fewer brackets"):
        from_text("y: float[] = f(a=" + "[" * 100_000)


@given(st.text(alphabet='xy: =float[2](),"{}\n\\*+-1.<', max_size=40))
def test_any_text_is_a_graph_or_refused(text):
    try:
        from_text(text)
    except GraphflowError as error:
        assert error.diagnostics[0].code == "GF005"


def sample_graph(op: str) -> Graph:
    b = Builder()
    for sample in OPS[op].samples():
        types = [
            TensorType(DType.FLOAT64, x[0]) if isinstance(x, tuple)
            else TensorType(DType(x.dtype.name), x.shape)
            for x in sample.inputs
        ]  # fmt: skip
        b.add(op, *(b.input("x", t) for t in types), **sample.attrs)
    return b.graph(list(b.nodes)[-1:])


@pytest.mark.parametrize("op", [name for name, op in OPS.items() if list(op.samples())])
def test_every_operator_reads_back_as_it_was(op):
    graph = sample_graph(op)
    assert from_text(to_text(graph)) == graph
