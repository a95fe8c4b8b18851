from __future__ import annotations

import numpy as np
import pytest

from graphflow.backends.base import Backend
from graphflow.backends.null import NULL
from graphflow.backends.numpy_backend import NUMPY, portable
from graphflow.ir.graph import Node
from graphflow.ir.types import DType, tensors
from graphflow.ops import OPS
from graphflow.ops.control import Control
from graphflow.ops.elementwise import Elementwise
from graphflow.ops.evaluate import run_node
from graphflow.runtime.executor import Executor
from graphflow.schedule.plan import make_plan
from tests.ops.sampling import Case, cases, several
from tests.schedule.executing import Held

every_case = pytest.mark.parametrize(
    "case", [c for c in cases() if not isinstance(c.op, Control) and not c.op.abstract], ids=str
)


def bound(node: Node, operands: list[np.ndarray], out: tuple[np.ndarray, ...]) -> None:
    NUMPY.kernel(node, out, operands)()


def fresh(node: Node) -> tuple[np.ndarray, ...]:
    return tuple(np.full(t.shape, 7).astype(t.dtype.value) for t in tensors(node.type))


@every_case
@pytest.mark.parametrize("dtype", [DType.FLOAT32, DType.FLOAT64, DType.FLOAT16], ids=str)
def test_kernels_agree_with_the_portable_forward(case: Case, dtype: DType) -> None:
    if dtype is DType.FLOAT16 and case.op.family in ("linalg", "factor"):
        pytest.skip("LAPACK has no half precision")
    graph, name = case.graph(dtype)
    node, operands = graph[name], list(case.leaves(dtype).values())
    expected = several(run_node(node, list(operands)))
    out = fresh(node)
    bound(node, operands, out)
    tolerance = {"float16": 2e-3, "float32": 1e-6, "float64": 1e-14}[dtype.value]
    for got, wanted in zip(out, expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


@every_case
def test_kernels_take_operands_of_any_strides(case: Case) -> None:
    graph, name = case.graph(DType.FLOAT64)
    node = graph[name]
    operands = [np.array(x, order="F") for x in case.leaves(DType.FLOAT64).values()]
    operands = [np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x for x in operands]
    out = fresh(node)
    bound(node, operands, out)
    for got, wanted in zip(out, several(run_node(node, list(operands))), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-13)


elementwise = pytest.mark.parametrize(
    "case", [c for c in cases() if isinstance(c.op, Elementwise)], ids=str
)


@elementwise
def test_elementwise_kernels_may_write_over_an_operand(case: Case) -> None:
    graph, name = case.graph(DType.FLOAT64)
    node = graph[name]
    leaves = list(case.leaves(DType.FLOAT64).values())
    (expected,) = several(run_node(node, list(leaves)))
    for i, x in enumerate(leaves):
        if x.shape == expected.shape and x.dtype == expected.dtype:
            operands = [np.array(leaf) for leaf in leaves]
            bound(node, operands, (operands[i],))
            np.testing.assert_allclose(operands[i], expected, rtol=1e-13, atol=1e-14)


@elementwise
def test_elementwise_kernels_may_write_over_an_operand_read_twice(case: Case) -> None:
    graph, name = case.graph(DType.FLOAT64)
    node = graph[name]
    leaves = list(case.leaves(DType.FLOAT64).values())
    (target,) = fresh(node)
    alike = [x for x in leaves if x.shape == target.shape and x.dtype == target.dtype]
    operands = [x if all(x is not a for a in alike) else alike[0] for x in leaves]
    (expected,) = several(run_node(node, list(operands)))
    if alike:
        shared = alike[0].copy()
        bound(node, [shared if x is alike[0] else x for x in operands], (shared,))
        np.testing.assert_allclose(shared, expected, rtol=1e-13, atol=1e-14)


def test_where_keeps_what_is_not_a_number() -> None:
    case = next(c for c in cases() if c.op.name == "where")
    graph, name = case.graph(DType.FLOAT64)
    condition = np.array([[True], [False]])
    x, y = np.array([np.inf, -0.0]), np.array([[np.nan, np.nan], [np.inf, -0.0]])
    (out,) = fresh(graph[name])
    bound(graph[name], [condition, x, y], (out,))
    np.testing.assert_array_equal(out, np.where(condition, x, y))
    np.testing.assert_array_equal(np.signbit(out), np.signbit(np.where(condition, x, y)))


def node_of(op: str) -> tuple[Node, list[np.ndarray]]:
    case = next(c for c in cases() if c.op.name == op)
    graph, name = case.graph(DType.FLOAT64)
    return graph[name], list(case.leaves(DType.FLOAT64).values())


def test_the_rule_registered_last_is_asked_first() -> None:
    backend = Backend("test", portable)
    asked = []

    @backend.register("exp")
    def plain(node, out, inputs):
        asked.append("plain")
        return lambda: None

    @backend.register("exp", supports=lambda node: node.tensor.ndim == 2)
    def special(node, out, inputs):
        asked.append("special")
        return None  # cannot do these arrays: the next one is asked

    node, operands = node_of("exp")
    backend.kernel(node, fresh(node), operands)
    assert asked == ["special", "plain"]


def test_a_rule_that_does_not_support_a_node_is_left_out() -> None:
    backend = Backend("test", portable)

    @backend.register("exp", supports=lambda node: False)
    def never(node, out, inputs):
        raise AssertionError("not asked")

    node, operands = node_of("exp")
    out = fresh(node)
    backend.kernel(node, out, operands)()
    np.testing.assert_allclose(out[0], np.exp(operands[0]))


def test_the_null_backend_runs_a_plan_without_computing() -> None:
    case = next(c for c in cases() if c.op.name == "matmul")
    graph, name = case.graph(DType.FLOAT32)
    executor = Executor(make_plan(graph), Held({}), list(case.arrays), NULL)
    out = executor.run(case.leaves(DType.FLOAT32))[name]
    assert out.shape == graph[name].tensor.shape


def test_every_rule_is_for_an_operator_that_exists() -> None:
    from graphflow.backends.numpy_arrays import ARRAYS
    from graphflow.backends.numpy_elementwise import ELEMENTWISE

    assert {*ARRAYS, *ELEMENTWISE} <= OPS.keys()
