"""A pattern found in a graph, whatever its inputs are and however axes are turned."""

from __future__ import annotations

import pytest

from graphflow.ir.graph import Graph
from graphflow.ir.types import DType, TensorType
from graphflow.ops.builder import Builder, F, Value
from graphflow.ops.matmul import swapped
from graphflow.passes.patterns import Match, Turned, matched, turned


def built(make, *names: str) -> tuple[Graph, str]:
    b = Builder()
    out = make(*(b.input(name, TensorType(DType.FLOAT32, (3, 3))) for name in names))
    return b.graph((out.name,)), out.name


def scores(q: Value, k: Value) -> Value:
    return F.exp(q @ swapped(k)) * 2


PATTERN, ROOT = built(scores, "q", "k")


@pytest.mark.parametrize(
    ("make", "inputs"),
    [
        (scores, {"q": Turned("a", (0, 1)), "k": Turned("b", (0, 1))}),
        (lambda a, b: scores(a, swapped(b)), {"q": Turned("a", (0, 1)), "k": Turned("b", (1, 0))}),
        (lambda a, b: scores(swapped(swapped(a)), a), {"q": Turned("a", (0, 1))}),
        (lambda a, b: scores(F.tanh(a), b), {"q": Turned("tanh", (0, 1))}),
        (lambda a, b: F.exp(a @ b) * 2, {"q": Turned("a", (0, 1)), "k": Turned("b", (1, 0))}),
    ],
)
def test_it_is_found_with_what_its_inputs_stand_for(make, inputs):
    graph, name = built(make, "a", "b")
    found = matched(PATTERN, ROOT, graph, name, Match())
    assert found is not None and inputs.items() <= found.inputs.items()
    assert found.nodes[ROOT] == name


@pytest.mark.parametrize(
    "make",
    [
        lambda a, b: F.exp(a @ swapped(b)) * 3,
        lambda a, b: F.tanh(a @ swapped(b)) * 2,
        lambda a, b: swapped(F.exp(a @ swapped(b))) * 2,
        lambda a, b: F.exp(a @ swapped(b)),
        lambda a, b: a,
    ],
)
def test_what_is_something_else_is_not_found(make):
    graph, name = built(make, "a", "b")
    assert matched(PATTERN, ROOT, graph, name, Match()) is None


def test_an_input_stands_for_one_value():
    pattern, root = built(lambda x: x @ F.exp(x), "x")
    for make, same in ((lambda a, b: a @ F.exp(a), True), (lambda a, b: a @ F.exp(b), False)):
        graph, name = built(make, "a", "b")
        assert (matched(pattern, root, graph, name, Match()) is not None) == same
    graph, name = built(lambda a, b: a @ F.exp(a), "a", "b")
    known = Match({"x": Turned("b", (0, 1))})
    assert matched(pattern, root, graph, name, known) is None


def test_axes_that_are_turned_twice_are_taken_in_one_order():
    b = Builder()
    x = b.input("x", TensorType(DType.FLOAT32, (2, 3, 4)))
    y = F.transpose(F.transpose(x, axes=(2, 0, 1)), axes=(1, 2, 0))
    assert turned(b.graph(), y.name) == Turned("x", (0, 1, 2))
    z = F.transpose(F.transpose(x, axes=(2, 0, 1)), axes=(0, 2, 1))
    assert turned(b.graph(), z.name) == Turned("x", (2, 1, 0))
