from __future__ import annotations

import signal
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphflow.diagnostics import GraphflowError
from graphflow.ir.graph import Graph
from graphflow.ir.types import DType, TensorType
from graphflow.ops import Builder, F, Value
from graphflow.ops.evaluate import evaluate
from graphflow.passes.specialise import specialise
from graphflow.runtime.executor import Executor
from graphflow.schedule import updates
from graphflow.schedule.plan import make_plan
from graphflow.spec.document import read_document
from graphflow.spec.elaborate import elaborate
from graphflow.spec.yaml12 import read_file
from graphflow.training.step_graph import step_graph
from tests.schedule.executing import Held, check, executor, same
from tests.schedule.graphs import (
    graphs,
    leaf_values,
    tensor,
    with_gradients,
)

EXAMPLES = Path(__file__).parent.parent / "examples"
LARGE = (64, 64)


@settings(max_examples=200, deadline=None)
@given(graphs(updates=True), st.sampled_from([0, updates.SMALL]))
def test_random_graphs_give_what_the_interpreter_gives(graph: Graph, small: int) -> None:
    with patch.object(updates, "SMALL", small):  # with 0, small leaves too are written directly
        check(graph)


@settings(max_examples=100, deadline=None)
@given(graphs(updates=True))
def test_random_graphs_with_gradients(graph: Graph) -> None:
    with patch.object(updates, "SMALL", 0):
        check(with_gradients(graph), runs=1)


def two_parameters(shape: tuple[int, ...] = LARGE) -> tuple[Builder, Value, Value]:
    b = Builder()
    return b, b.leaf("parameter", "u", tensor(*shape)), b.leaf("parameter", "v", tensor(*shape))


UPDATES = {
    "swap": lambda u, v: {"u": v, "v": u},
    "transposed": lambda u, v: {"u": F.transpose(u), "v": F.transpose(u)},
    "of each other": lambda u, v: {"u": v * 0.5, "v": u * 0.5},
    "both from both": lambda u, v: {"u": u + v, "v": u - v},
    "one node": lambda u, v: dict.fromkeys(("u", "v"), u * v),
    "itself": lambda u, v: {"u": u, "v": v + F.transpose(u)},
    "in place, read transposed": lambda u, v: {"u": u + F.transpose(u), "v": v},
    "read by a sum": lambda u, v: {"u": u * F.sum(u), "v": v * F.sum(u)},
    "chained": lambda u, v: (lambda m: {"u": m, "v": v - F.sin(u) * m})(u * 0.9 + v),
}


@pytest.mark.parametrize("shape", [(2, 2), LARGE], ids=["small", "large"])
@pytest.mark.parametrize("make", UPDATES.values(), ids=list(UPDATES))
def test_updates_are_made_from_the_old_values(make, shape: tuple[int, ...]) -> None:
    b, u, v = two_parameters(shape)
    following = {leaf: value.name for leaf, value in make(u, v).items()}
    check(b.graph([F.sum(u * v).name, "u", F.transpose(v).name], following), tolerance=1e-9)
    check(b.graph([F.sum(u * v).name], following), tolerance=1e-9)


def test_an_update_from_a_fed_value() -> None:
    b = Builder()
    b.input("x", tensor(*LARGE))
    b.leaf("state", "last", tensor(*LARGE))
    check(b.graph(["last"], {"last": "x"}))


@given(graphs())
def test_the_plain_plan_keeps_every_value(graph: Graph) -> None:
    leaves = leaf_values(graph)
    runner, _, feed = executor(graph, leaves, reuse=False)
    runner.run(feed)
    with np.errstate(all="ignore"):
        expected = evaluate(graph, leaves)
    for node in graph:
        if isinstance(node.type, TensorType):
            same(runner.value(node.name), expected[node.name])


def test_outputs_stay_valid_after_later_runs() -> None:
    b = Builder()
    out = b.input("x", tensor(3)) * 2
    runner, _, _ = executor(b.graph([out.name, "x"]), {"x": np.zeros(3)})
    first = runner.run({"x": np.ones(3)})
    runner.run({"x": np.full(3, 5.0)})
    np.testing.assert_array_equal(first[out.name], [2, 2, 2])
    np.testing.assert_array_equal(first["x"], [1, 1, 1])


def counting(shape: tuple[int, ...] = (3,)) -> tuple[Graph, str]:
    b = Builder()
    w = b.leaf("parameter", "w", tensor(*shape, dtype=DType.FLOAT32))
    return b.graph([F.sum(w).name], {"w": (w + 1).name}), F.sum(w).name


@pytest.mark.parametrize("shape", [(3,), LARGE], ids=["small", "large"])
@pytest.mark.parametrize("dtype", ["float64", "float16"])
def test_a_store_of_another_number_type_keeps_it(dtype: str, shape: tuple[int, ...]) -> None:
    graph, _ = counting(shape)
    held = Held({"w": np.full(shape, 1.5, dtype)})
    runner = Executor(make_plan(graph), held, [])
    array = held.array("w")
    runner.run({})
    array += 0.25  # a change from outside is seen by the next run
    runner.run({})
    assert held.array("w") is array and array.dtype == dtype
    np.testing.assert_array_equal(array, np.full(shape, 3.75, dtype))


def test_arrays_of_the_store_are_updated_in_place() -> None:
    graph, _ = counting(LARGE)
    held = Held({"w": np.zeros(LARGE, np.float32)})
    array = held.array("w")
    Executor(make_plan(graph), held, []).run({})
    assert held.array("w") is array and (array == 1).all()


def test_a_new_version_of_the_store_is_bound_again() -> None:
    graph, _ = counting()
    (total,) = graph.outputs
    held = Held({"w": np.zeros(3, np.float32)})
    runner = Executor(make_plan(graph), held, [])
    runner.run({})
    old = held.array("w")
    held.arrays["w"] = np.full(3, 10, np.float32)
    held.version += 1
    assert runner.run({})[total] == 30
    np.testing.assert_array_equal(held.array("w"), [11, 11, 11])
    np.testing.assert_array_equal(old, [1, 1, 1])


def test_a_leaf_that_is_not_fed_is_refused() -> None:
    b = Builder()
    out = b.input("x", tensor(3)) * 2
    runner = Executor(make_plan(b.graph([out.name])), Held({}), ["x"])
    with pytest.raises(GraphflowError, match="GF065"):
        runner.run({})
    with pytest.raises(GraphflowError, match="GF061"):
        runner.run({"x": np.ones(4)})


def test_a_stored_leaf_of_another_shape_is_refused() -> None:
    graph, _ = counting((3,))
    with pytest.raises(GraphflowError, match="GF061"):
        Executor(make_plan(graph), Held({"w": np.zeros(4, np.float32)}), [])


def test_what_is_fed_is_converted() -> None:
    b = Builder()
    out = b.input("x", tensor(2, dtype=DType.FLOAT32)) / 2
    runner = Executor(make_plan(b.graph([out.name])), Held({}), ["x"])
    got = runner.run({"x": np.array([1, 3], np.uint8)})[out.name]
    np.testing.assert_array_equal(got, np.array([0.5, 1.5], np.float32))


def test_a_fed_leaf_cannot_be_updated() -> None:
    b = Builder()
    x = b.input("x", tensor(2))
    with pytest.raises(ValueError, match="fed"):
        Executor(make_plan(b.graph([], {"x": (x * 2).name})), Held({}), ["x"])


def test_random_numbers_follow_the_key() -> None:
    b = Builder()
    out = F.normal(b.rng(), shape=(4,), dtype=DType.FLOAT64)
    graph = b.graph([out.name])
    runner = Executor(make_plan(graph), Held({}), ["rng"])
    first = runner.run({"rng": np.array([1, 1])})[out.name]
    second = runner.run({"rng": np.array([1, 2])})[out.name]
    assert not np.array_equal(first, second)
    same(first, evaluate(graph, {"rng": np.array([1, 1])})[out.name], 0)


# -- interrupts ---------------------------------------------------------------------------------


def test_an_interrupt_during_the_updates_waits_for_their_end() -> None:
    b, u, v = two_parameters()
    graph = b.graph([], {"u": (u + 1).name, "v": (v + 1).name})
    held = Held({"u": np.zeros(LARGE), "v": np.zeros(LARGE)})
    runner = Executor(make_plan(graph), held, [])
    ending = runner._line.ending
    ending.insert(1, lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        runner.run({})
    assert (held.array("u") == 1).all() and (held.array("v") == 1).all()
    ending.pop(1)
    runner.run({})  # and the executor can go on
    assert (held.array("v") == 2).all()


def test_an_interrupt_before_the_updates_changes_nothing() -> None:
    b, u, v = two_parameters()
    graph = b.graph([], {"u": (u @ v).name, "v": (v + u @ v).name})
    held = Held({"u": np.ones(LARGE), "v": np.ones(LARGE)})
    runner = Executor(make_plan(graph), held, [])
    runner._line.kernels.append(lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        runner.run({})
    assert (held.array("u") == 1).all() and (held.array("v") == 1).all()


# -- whole training steps ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["b_mlp", "b2_mlp_math", "f_gan"])
def test_training_steps_of_the_examples(name: str) -> None:
    path = EXAMPLES / f"{name}.yaml"
    _, tree = read_file(str(path))
    elaborated = elaborate(read_document(tree), path.parent)
    assert elaborated.training is not None
    for objective in elaborated.training.objectives:
        symbolic = step_graph(elaborated, objective).graph
        sizes = dict.fromkeys("BTNSLHW", 3)
        graph = specialise(symbolic, sizes, DType.FLOAT64, training=True)
        leaves = {
            leaf: np.abs(value) * 0.1 + 0.01 if value.dtype.kind == "f" else value
            for leaf, value in leaf_values(graph).items()
        }
        runner, held, feed = executor(graph, leaves)
        expected = evaluate(graph, leaves)
        got = runner.run(feed)
        for output in graph.outputs:
            same(got[output], expected[output])
        for leaf, value in graph.updates.items():
            same(held.array(leaf), expected[value])
