"""What a worker's graph agrees on with the others."""

from __future__ import annotations

import numpy as np
import pytest

from graphflow.autodiff import reverse
from graphflow.ir import DType, Graph, TensorType
from graphflow.ir.dims import symbol
from graphflow.ops import Builder, F, Value
from graphflow.ops.all_reduce import reducing_by
from graphflow.ops.evaluate import evaluate
from graphflow.passes.pipeline import optimise
from graphflow.passes.specialise import specialise
from graphflow.passes.synchronise import in_order, synchronised

B = symbol("B")


def rows(builder: Builder) -> Value:
    return builder.input("x", TensorType(DType.FLOAT, (B, 3)))


def all_reduces(graph: Graph) -> list[str]:
    return [node.name for node in graph if node.op == "all_reduce_mean"]


class Recorded:
    """An all-reduce with a worker that has twice as much."""

    def __init__(self) -> None:
        self.places: list[str] = []

    def mean(self, place: str, value: np.ndarray, xp: object) -> np.ndarray:
        self.places.append(place)
        return 1.5 * value


def test_a_mean_that_leads_to_rows_is_met_for_and_one_that_ends_is_not():
    b = Builder()
    x = rows(b)
    centred = x - F.mean(x, axis=0)
    loss = F.mean(centred * centred)
    graph = synchronised(b.graph([loss.name]), "B")
    assert all_reduces(graph) == ["mean"]
    assert graph.outputs == (loss.name,) and graph["mean.mean"].op == "mean"


def test_a_mean_that_becomes_a_state_is_met_for():
    b = Builder()
    x = rows(b)
    state = b.leaf("state", "s", TensorType(DType.FLOAT, (3,)))
    following = state * 0.9 + F.mean(x, axis=0) * 0.1
    graph = b.graph([], {"s": following.name})
    assert all_reduces(synchronised(graph, "B")) == ["mean"]


def test_a_mean_over_other_axes_stays():
    b = Builder()
    x = rows(b)
    graph = b.graph([(x - F.mean(x, axis=1, keepdims=True)).name])
    assert synchronised(graph, "B") is graph


@pytest.mark.parametrize("correction", [0, 1])
@pytest.mark.parametrize("keepdims", [False, True])
def test_alone_a_variance_is_the_same_number(correction: int, keepdims: bool):
    b = Builder()
    x = rows(b)
    y = x * F.var(x, axis=0, keepdims=keepdims, correction=correction)
    graph = b.graph([y.name])
    after = specialise(synchronised(graph, "B"), {"B": 5, "B.all": 5}, DType.FLOAT64, False)
    before = specialise(graph, {"B": 5}, DType.FLOAT64, False)
    fed = {"x": np.random.default_rng(0).normal(size=(5, 3))}
    found, expected = evaluate(after, fed), evaluate(before, fed)
    np.testing.assert_allclose(found[after.outputs[0]], expected[before.outputs[0]], rtol=1e-13)


def test_numbers_of_rows_beside_statistics_are_those_of_all_workers():
    """B stands twice: once beside a statistic, once in a loss."""
    b = Builder()
    x = rows(b)
    count = b.constant(B, DType.FLOAT, "count")
    total = F.mean(x, axis=0) * count
    loss = F.sum(x - total) / count
    graph = specialise(synchronised(b.graph([total.name, loss.name]), "B"),
                       {"B": 2, "B.all": 8}, DType.FLOAT64, False)  # fmt: skip
    found = evaluate(graph, {"x": np.ones((2, 3))})
    np.testing.assert_array_equal(found[graph.outputs[0]], [8.0, 8.0, 8.0])
    assert found[graph.outputs[1]] == (1 - 8) * 6 / 2


def test_backward_meets_for_the_gradient_of_a_mean():
    """y = x - m: of the gradient of m there is the workers' mean, too."""
    b = Builder()
    x = rows(b)
    y = x - F.mean(x, axis=0)
    loss = F.sum(y * b.input("w", TensorType(DType.FLOAT, (B, 3))))
    graph = reverse(synchronised(b.graph([loss.name]), "B"), loss.name, ["x"])
    slope = graph.gradients[loss.name, "x"]
    graph = in_order(graph.restricted_to(graph.needed_for([slope])))
    assert len(all_reduces(graph)) == 1
    assert graph[all_reduces(graph)[0]].attr("place") == all_reduces(graph)[0]
    concrete = specialise(
        Graph(graph.nodes, (slope,)), {"B": 2, "B.all": 4}, DType.FLOAT64, False
    )
    weights = np.arange(6.0).reshape(2, 3)
    with reducing_by(Recorded()):
        found = evaluate(concrete, {"x": np.ones((2, 3)), "w": weights})[concrete.outputs[0]]
    np.testing.assert_allclose(found, weights - 1.5 * weights.sum(axis=0) / 2)


def test_meetings_follow_each_other():
    b = Builder()
    x = rows(b)
    first, second = F.all_reduce_mean(x), F.all_reduce_mean(x * 2)
    graph = specialise(
        in_order(b.graph([second.name, first.name])), {"B": 2}, DType.FLOAT64, False
    )
    assert graph[second.name].inputs[1:] == (first.name,)
    all_reduce = Recorded()
    with reducing_by(all_reduce):
        evaluate(graph, {"x": np.ones((2, 3))})
    assert all_reduce.places == [first.name, second.name]


def test_a_tangent_is_met_for_like_its_value():
    op = F.all_reduce_mean
    b = Builder()
    x, v = rows(b), b.input("v", TensorType(DType.FLOAT, (B, 3)))
    out = op(x)
    from graphflow.ops import get_op

    rule = get_op("all_reduce_mean").jvp
    assert rule is not None
    found = rule(out, [x], [v], place="")
    assert isinstance(found, Value) and found.node.inputs == ("v",)


def test_a_mean_of_workers_is_not_computed_while_compiling():
    """One worker's constant may be another one's variable: all wait for it, so all must come."""
    b = Builder()
    twos = b.add("full", shape=(4,), value=2.0, dtype=DType.FLOAT32)
    graph = b.graph([F.all_reduce_mean(F.mean(twos)).name])
    assert len(all_reduces(optimise(graph))) == 1
