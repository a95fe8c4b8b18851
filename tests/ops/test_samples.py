"""What every operator promises, tried on its own samples."""

from __future__ import annotations

import inspect
import re

import numpy as np
import pytest

from graphflow.ir.dims import Symbolic
from graphflow.ir.graph import LEAVES
from graphflow.ir.types import DType, TupleType, tensors
from graphflow.ops import OPS, Builder, Op, Value
from graphflow.ops.evaluate import run_node
from tests.ops.sampling import Case, cases, several

every_case = pytest.mark.parametrize("case", cases(), ids=str)
every_op = pytest.mark.parametrize("op", OPS.values(), ids=list(OPS))
PRECISIONS = (DType.FLOAT32, DType.FLOAT64)


known_cases = [case for case in cases() if case.sample.expected is not None]


@pytest.mark.parametrize("case", known_cases, ids=str)
def test_forward_gives_the_known_values(case: Case) -> None:
    expected = case.sample.expected
    results = case.run(case.arrays, DType.FLOAT64)
    known = expected if isinstance(expected, tuple) else (expected,)
    for result, wanted in zip(results, known, strict=True):
        np.testing.assert_allclose(result, wanted, rtol=1e-12, atol=1e-14, strict=False)
        assert result.shape == np.shape(wanted)


@every_case
@pytest.mark.parametrize("dtype", PRECISIONS, ids=str)
def test_inferred_type_is_that_of_the_result(case: Case, dtype: DType) -> None:
    graph, out = case.graph(dtype)
    node = graph[out]
    values = dict(case.leaves(dtype))
    for inner in graph:
        if inner.op not in LEAVES and inner.name != out:
            values[inner.name] = run_node(inner, [values[n] for n in inner.inputs])
    operands = [values[n] for n in node.inputs]
    raw = case.op.forward(np, *operands, **node.attributes())
    for result, declared in zip(several(raw), tensors(node.type), strict=True):
        assert np.shape(result) == declared.shape
        assert np.asarray(result).dtype.name == declared.dtype.value


@every_case
def test_memory_layout_of_operands_does_not_matter(case: Case) -> None:
    expected = case.run(case.arrays, DType.FLOAT64)
    spread = {}
    for name, x in case.arrays.items():
        wide = np.zeros(tuple(2 * n for n in x.shape), x.dtype).T.copy().T
        wide[(slice(None, None, 2),) * x.ndim] = x
        spread[name] = wide[(slice(None, None, 2),) * x.ndim]
    for a, b in zip(case.run(spread, DType.FLOAT64), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


@every_case
def test_single_precision_is_close_to_double(case: Case) -> None:
    double = case.run(case.arrays, DType.FLOAT64)
    single = case.run(case.leaves(DType.FLOAT32), DType.FLOAT32)
    for a, b in zip(single, double, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


@every_case
def test_operands_are_left_as_they_were(case: Case) -> None:
    before = {name: x.copy() for name, x in case.arrays.items()}
    case.run(case.arrays, DType.FLOAT64)
    for name, x in case.arrays.items():
        np.testing.assert_array_equal(x, before[name])


@every_case
def test_attributes_in_stored_form_stay_as_they_are(case: Case) -> None:
    graph, out = case.graph(DType.FLOAT64)
    node = graph[out]
    types = [graph[n].type for n in node.inputs]
    assert case.op.canonical(types, node.attributes()) == node.attributes()
    assert list(node.attributes()) == list(case.op.attributes)
    hash(node)


@every_case
def test_costs_are_sizes(case: Case) -> None:
    graph, out = case.graph(DType.FLOAT64)
    node = graph[out]
    types = [graph[n].type for n in node.inputs]
    for cost in (case.op.flops, case.op.workspace):
        value = cost(node.type, *types, **node.attributes())
        assert isinstance(value, int | Symbolic)
        assert not isinstance(value, int) or value >= 0


@every_op
def test_has_a_page(op: Op) -> None:
    assert inspect.getdoc(type(op)), "the docstring is the operator's page"
    if op.name in LEAVES:
        return
    assert op.latex, "how it is written"
    plain = op.latex.replace("{{", "").replace("}}", "")
    fields = set(re.findall(r"\{(\w+)\}", plain))
    names = {name.lstrip("*") for name in op.operands} | set(op.attributes)
    assert fields <= names
    op.latex.format(**dict.fromkeys(names, "x"))


differentiated = sorted({case.op.name for case in cases(differentiable=True)})


@pytest.mark.parametrize("name", differentiated)
def test_retains_what_its_derivative_reads(name: str) -> None:
    """``retains`` names exactly the operands (and "out") that some vjp node reads."""
    op = OPS[name]
    samples = [case for case in cases(differentiable=True) if case.op is op]
    read: set[str] = set()
    for case in samples:
        read |= values_read(case)
    assert read == set(op.retains)


def values_read(case: Case) -> set[str]:
    graph, out = case.graph(DType.FLOAT64)
    builder = Builder(graph)
    node = graph[out]
    gradients = [
        builder.input(f"g{i}", t) if t.dtype.is_float else None
        for i, t in enumerate(tensors(node.type))
    ]
    given = {out: "out"}
    names = [n.lstrip("*") for n in case.op.operands]
    for i, operand in enumerate(node.inputs):
        given[operand] = names[min(i, len(names) - 1)]
    before = set(builder.nodes)
    g = tuple(gradients) if isinstance(node.type, TupleType) else gradients[0]
    operands = [Value(builder, n) for n in node.inputs]
    assert case.op.vjp is not None
    parts = case.op.vjp(g, Value(builder, out), *operands, **node.attributes())
    assert len(parts) == len(node.inputs)
    needed = builder.graph().needed_for([p.name for p in parts if p is not None])
    fresh = [builder.nodes[n] for n in needed - before]
    return {given[i] for n in fresh for i in n.inputs if i in given}
