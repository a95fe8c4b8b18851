"""Attention as cuDNN is asked for it, beside its definition in float32."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from graphflow.backends.cuda.arrays import lying
from graphflow.backends.cudnn import Attention, Library, Plan, Refused, Tensor, attention
from graphflow.ir.graph import Node
from graphflow.ir.types import DType, TensorType
from graphflow.ops import attending
from graphflow.ops.builder import Builder
from graphflow.ops.evaluate import evaluate
from tests.backends.cudnn.stand_in import StandIn, aligned

SHAPES = {"q": (2, 3, 5, 8), "k": (2, 3, 7, 8), "v": (2, 3, 7, 16), "g": (2, 3, 5, 16)}
BOUND = 2e-3
"""|error| / |value| in the Euclidean norm: results are rounded to float16."""


@pytest.fixture
def cudnn(monkeypatch) -> StandIn:
    found = StandIn()
    monkeypatch.setitem(sys.modules, "cudnn", found)
    return found


def drawn(name: str) -> np.ndarray:
    random = np.random.default_rng(ord(name))
    return random.standard_normal(SHAPES[name]).astype(np.float16)


def seen(x: np.ndarray) -> Tensor:
    return Tensor(str(x.dtype), x.shape, lying(x))


def node_of(causal: bool, derivative: bool) -> tuple[Node, list[np.ndarray]]:
    """An ``attending`` node, and its operands: for the derivative also what attention gave."""
    q, k, v, g = map(drawn, SHAPES)
    node, operands = _built(attending.attention, [q, k, v], causal)
    if not derivative:
        return node, operands
    y, logs = forwards(node, operands)
    return _built(attending.derivative, [q, k, v, y, logs, g], causal)


def _built(body, operands: list[np.ndarray], causal: bool) -> tuple[Node, list[np.ndarray]]:
    builder = Builder()
    types = [TensorType(DType(str(x.dtype)), x.shape) for x in operands]
    given = [builder.input(f"x{i}", type) for i, type in enumerate(types)]
    region = body(*types[:3], 0.4, causal)
    made = builder.add("attending", *given, body=region, scale=0.4, causal=causal)
    return made.node, operands


def forwards(node: Node, operands: list[np.ndarray]) -> list[np.ndarray]:
    body = node.attr("body")
    names = [leaf.name for leaf in body.leaves("input")]
    values = evaluate(body, dict(zip(names, operands, strict=True)))
    return [values[name] for name in body.outputs]


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("derivative", [False, True])
def test_it_is_that_of_the_definition(cudnn, causal, derivative):
    node, operands = node_of(causal, derivative)
    expected = forwards(node, operands)
    results = [aligned(x.shape, x.dtype) for x in expected]
    arrays = [np.copyto(place := aligned(x.shape, x.dtype), x) or place for x in operands]
    wanted = attention(node, [seen(x) for x in arrays], [seen(x) for x in results])
    assert isinstance(wanted, Attention)
    plan = Library().plan(wanted)
    assert isinstance(plan, Plan)
    workspace = aligned((plan.workspace,), np.dtype(np.uint8))
    plan.run([x.ctypes.data for x in (*arrays, *results)], workspace.ctypes.data, 0)
    for found, exact in zip(results, expected, strict=True):
        assert found.dtype == exact.dtype
        difference = np.linalg.norm(found.astype(np.float32) - exact)
        assert difference < BOUND * np.linalg.norm(exact.astype(np.float32))
    (graph,) = cudnn.graphs
    assert graph.notes == ["NONDETERMINISTIC"]
    what = "derivative of attention" if derivative else "attention"
    keys = "earlier keys" if causal else "7 keys"
    assert wanted.how == f"{what}, 3 heads, 5 queries of 8, {keys}"


@pytest.mark.parametrize(
    ("dtype", "size", "why"),
    [
        ("float32", 8, "computes attention of float32 with fewer digits"),
        ("float64", 8, "has no attention of float64"),
        ("float16", 12, "has attention of vectors of 8, 16, 24, ... numbers, not of 12"),
    ],
)
def test_what_it_does_not_compute_says_why(dtype, size, why):
    node, _ = node_of(False, False)
    x = seen(np.empty((2, 3, 5, size), dtype))
    assert attention(node, [x, x, x], [x, x]) == Refused(why)
