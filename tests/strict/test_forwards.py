"""Every operator's portable forward runs on a namespace that offers only what CuPy does."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

import graphflow as gf
from graphflow.backends.sets import kernel_set
from graphflow.diagnostics import GraphflowError
from graphflow.ir.graph import LEAVES, Graph
from graphflow.ir.types import DType, tensors
from graphflow.ops import OPS, Op
from graphflow.ops.evaluate import Computed, evaluate
from graphflow.ops.help import helped
from graphflow.ops.op import Array
from graphflow.runtime.planning import fast_plan
from tests.ops.sampling import Case, cases, several
from tests.strict.cupy_like import cupy_like, fetched
from tests.strict.helping import HostHelp
from tests.strict.recording import watched

PRECISIONS = (DType.FLOAT32, DType.FLOAT64)
UNSAMPLED = {
    "affine", "all_reduce_mean", "attending", "cond", "fused", "item", "constant", "scan",
    "while_loop",
}  # fmt: skip
"""Operators that run without samples: they have examples, or stand in those of others."""


def on_host(case: Case, dtype: DType) -> bool:
    graph, out = case.graph(dtype)
    node = graph[out]
    return case.op.on_host([graph[n].type for n in node.inputs], node.attributes())


def run(graph: Graph, leaves: Mapping[str, Array]) -> dict[str, Computed]:
    """A graph's values on the strict namespace."""
    return evaluate(graph, {name: cupy_like.asarray(x) for name, x in leaves.items()}, cupy_like)


def compare(graph: Graph, leaves: Mapping[str, Array], *names: str) -> dict[str, Computed]:
    """Run a graph on both namespaces: the same numbers."""
    found, expected = run(graph, leaves), evaluate(graph, leaves)
    for name in names:
        for ours, theirs in zip(several(found[name]), several(expected[name]), strict=True):
            assert isinstance(ours, cupy_like.ndarray)
            np.testing.assert_array_equal(fetched(ours), theirs)
            assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    return found


@pytest.mark.parametrize("dtype", PRECISIONS, ids=str)
@pytest.mark.parametrize("case", [c for c in cases() if not on_host(c, DType.FLOAT32)], ids=str)
def test_forward_gives_the_same_numbers(case: Case, dtype: DType) -> None:
    graph, out = case.graph(dtype)
    values, node = compare(graph, case.leaves(dtype), out), graph[out]
    result = case.op.forward(cupy_like, *(values[n] for n in node.inputs), **node.attributes())
    for part, declared in zip(several(result), tensors(node.type), strict=True):
        assert isinstance(part, cupy_like.ndarray)
        assert part.dtype.name == declared.dtype.value


@pytest.mark.parametrize("op", [op for op in OPS.values() if op.example], ids=lambda op: op.name)
def test_examples_give_the_same_numbers(op: Op) -> None:
    model = gf.loads(f"graphflow: 1\nname: example\n{op.example}")
    prepared = model.compile().prepared({})
    names = [node.name for node in prepared.graph if node.op not in LEAVES]
    compare(prepared.graph, prepared.leaves, *names)


def test_fused_nodes_give_the_same_numbers() -> None:
    x = np.linspace(-1, 1, 60_000, dtype=np.float32).reshape(300, 200)
    text = "graphflow: 1\nname: f\ninputs: {x: {shape: [300, 200]}}\noutputs: [y]\n"
    model = gf.loads(f"{text}nodes: {{y: sum(softmax(x * 2.0) * exp(x))}}")
    prepared = model.compile(dtype="float32").prepared({"x": x})
    graph = fast_plan(prepared.graph, kernel_set("numba")).graph
    assert "fused" in {node.op for node in graph}
    compare(graph, prepared.leaves, *(node.name for node in graph if node.op not in LEAVES))


def test_what_wants_numpy_is_known() -> None:
    found = {case.op.name for case in cases() if on_host(case, DType.FLOAT32)}
    assert found == {"scatter", "scatter_nd"}
    for case in cases():
        if case.op.name in found and on_host(case, DType.FLOAT32):
            assert dict(case.sample.attrs).get("reduce", "none") in ("none", "mul")


def test_every_operator_is_tried() -> None:
    runs = {name for name, op in OPS.items() if not op.abstract and name not in LEAVES}
    assert runs - {case.op.name for case in cases()} == UNSAMPLED


sampled = sorted({case.op.name for case in cases()})


def noted_of(name: str) -> list[str]:
    """What an operator's forward waits for with its samples, that lie on the device before."""
    brought = []
    for case in cases():
        if case.op.name == name and not on_host(case, DType.FLOAT64):
            graph, _ = case.graph(DType.FLOAT64)
            leaves = case.leaves(DType.FLOAT64)
            brought.append((graph, {n: cupy_like.asarray(x) for n, x in leaves.items()}))
    with watched() as noted:
        for graph, leaves in brought:
            evaluate(graph, leaves, cupy_like)
        return [*noted]


@pytest.mark.parametrize("name", sampled)
def test_what_waits_says_so(name: str) -> None:
    help = HostHelp()
    with helped(help):
        assert bool(noted_of(name)) == OPS[name].waits
    assert not help.told()


@pytest.mark.parametrize("name", sampled)
def test_what_a_device_is_asked_for_waits_without_one(name: str) -> None:
    op = OPS[name]
    assert bool(noted_of(name)) == (op.waits or op.notes or op.random)


@pytest.mark.parametrize("name", ["take", "take_along_axis", "scatter_add", "gather_nd"])
@pytest.mark.parametrize("place", [-4, 3])
def test_positions_beyond_the_axis_do_not_wrap_around(name: str, place: int) -> None:
    x, places = cupy_like.asarray(np.zeros(3)), cupy_like.asarray(np.array([0, place, 1]))
    attrs = {"gather_nd": {"batch_dims": 0}}.get(name, {"axis": 0, "negative": True})
    if name == "scatter_add":
        attrs["size"] = 3
    if name == "gather_nd":
        places = places[:, None]
    with pytest.raises(GraphflowError, match=f"position {place} is out of range"):
        OPS[name].forward(cupy_like, x, places, **attrs)
