"""Random loops, nested ones too: executor against interpreter, gradients against slopes."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest

from graphflow.autodiff import reverse
from graphflow.ir.graph import Graph
from graphflow.ir.types import DType, TensorType
from graphflow.ops import Builder, F, Value
from graphflow.ops.evaluate import evaluate
from graphflow.runtime.executor import Executor
from graphflow.schedule.plan import make_plan

MATRIX = TensorType(DType.FLOAT64, (3, 3))


@dataclass
class Leaves:
    """A store of plain arrays."""

    held: dict[str, np.ndarray]
    version: int = field(default=0)

    def array(self, name: str) -> np.ndarray:
        return self.held[name]


def random_body(
    draw: random.Random, carries: int, elements: int, captured: int, nested: bool
) -> Graph:
    """A loop's body: smooth steps on matrices, maybe a loop inside, then its results."""
    b = Builder()
    kinds = ["carry"] * carries + ["element"] * elements + ["captured"] * captured
    values = [b.input(f"{kind}{i}", MATRIX) for i, kind in enumerate(kinds)]
    for _ in range(draw.randint(1, 8)):
        x, y = draw.choice(values), draw.choice(values)
        values.append(draw.choice(STEPS)(x, y))
    if nested:
        inner = random_body(draw, 1, 1, 1, nested=False)
        pair = F.stack(values[-1], values[0], axis=0)
        values += random_scan(draw, b, inner, [draw.choice(values)], [pair], [values[0]], 2)
    collected = draw.randint(0 if carries else 1, 3)
    return b.graph([draw.choice(values).name for _ in range(carries + collected)])


STEPS = (
    lambda x, y: (x @ y) * 0.2,
    lambda x, y: F.transpose(x),
    lambda x, y: F.tanh(x),
    lambda x, y: F.sigmoid(x) - y * 0.5,
    lambda x, y: x * y,
    lambda x, y: F.broadcast_to(F.sum(x, axis=0, keepdims=True), shape=(3, 3)) * 0.1,
)


def random_scan(
    draw: random.Random,
    b: Builder,
    body: Graph,
    starts: list[Value],
    sequences: list[Value],
    captured: list[Value],
    length: int,
) -> list[Value]:
    """The loop's final carries, and the last of each collected result."""
    scan = b.add(
        "scan", *starts, *sequences, *captured, body=body, carries=len(starts),
        sequences=len(sequences), length=length, reverse=draw.random() < 0.5,
    )  # fmt: skip
    finals = [scan.item(i) for i in range(len(starts))]
    stacks = [scan.item(i) for i in range(len(starts), len(body.outputs))]
    return finals + [F.sum(s, axis=0) for s in stacks]


@dataclass
class Case:
    """A loss through a random loop, its gradients, and an update of what the loop captures."""

    seed: int

    def __post_init__(self) -> None:
        draw = random.Random(self.seed)
        carries, elements, captured = draw.randint(1, 3), draw.randint(0, 2), draw.randint(0, 2)
        length = draw.choice([0, 1, 2, 5])
        body = random_body(draw, carries, elements, captured, nested=draw.random() < 0.4)
        b = Builder()
        starts = [b.input(f"start{i}", MATRIX) for i in range(carries)]
        series = [b.input(f"series{i}", MATRIX.with_shape((3, length, 3))) for i in range(elements)]
        weights = [b.leaf("parameter", f"weight{i}", MATRIX) for i in range(captured)]
        turned = [F.transpose(s, axes=(1, 0, 2)) for s in series]
        seen = [F.transpose(w) if draw.random() < 0.5 else w for w in weights]
        values = random_scan(draw, b, body, starts, turned, seen, length)
        loss = F.sum(b.add("stack", *[F.sum(v * v) for v in values], axis=0))
        self.wrt = [v.name for v in (*starts, *series, *weights)]
        self.loss = loss.name
        self.forward = b.graph([loss.name])
        self.graph = self._step([w.name for w in weights])

    def _step(self, weights: list[str]) -> Graph:
        graph = reverse(self.forward, self.loss, self.wrt)
        self.gradients = {w: graph.gradients[self.loss, w] for w in self.wrt}
        b = Builder(graph)
        updates = {w: b.value(w) - b.value(self.gradients[w]) * 0.01 for w in weights}
        outputs = dict.fromkeys((self.loss, *self.gradients.values()))
        graph = b.graph(tuple(outputs), {w: v.name for w, v in updates.items()})
        return graph.restricted_to(graph.needed_for((*graph.roots(), *self.wrt)))

    def arrays(self, op: str) -> dict[str, np.ndarray]:
        random_numbers = np.random.default_rng(self.seed)
        return {n.name: random_numbers.normal(size=n.tensor.shape) for n in self.graph.leaves(op)}


def slope(case: Case, at: Mapping[str, np.ndarray], along: Mapping[str, np.ndarray]) -> float:
    """The derivative of the loss along a direction, from two values."""
    step = 1e-6
    sides = [
        evaluate(case.forward, {n: x + sign * step * along[n] for n, x in at.items()})[case.loss]
        for sign in (1, -1)
    ]
    return float(sides[0] - sides[1]) / (2 * step)  # type: ignore[operator]


@pytest.mark.parametrize("seed", range(60))
def test_gradients_through_loops_are_slopes(seed: int) -> None:
    case = Case(seed)
    at = case.arrays("input") | case.arrays("parameter")
    values = evaluate(case.graph, at)
    along = {n: np.random.default_rng(seed + 1).normal(size=x.shape) for n, x in at.items()}
    found = sum(float(np.sum(values[g] * along[w])) for w, g in case.gradients.items())
    assert found == pytest.approx(slope(case, at, along), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("reuse", [True, False])
@pytest.mark.parametrize("seed", range(60))
def test_executor_runs_loops_like_the_interpreter(seed: int, reuse: bool) -> None:
    case = Case(seed)
    feed, weights = case.arrays("input"), case.arrays("parameter")
    store = Leaves({n: w.copy() for n, w in weights.items()})
    executor = Executor(make_plan(case.graph, reuse), store, list(feed))
    for _ in range(2):
        values = evaluate(case.graph, {**feed, **weights})
        found = executor.run(feed)
        for name in case.graph.outputs:
            np.testing.assert_allclose(found[name], values[name], rtol=1e-10, atol=1e-12)
        weights = {n: np.array(values[v]) for n, v in case.graph.updates.items()}
        for name, weight in weights.items():
            np.testing.assert_allclose(store.held[name], weight, rtol=1e-10, atol=1e-12)


def test_what_a_loop_collects_for_its_gradient_is_in_the_bodys_order() -> None:
    b = Builder()
    x, w = b.input("x", MATRIX), b.input("w", MATRIX)
    y = F.tanh(F.sigmoid(F.tanh(x @ w) @ w) @ w)
    body = b.graph([y.name])
    outer = Builder()
    start, weight = outer.input("start", MATRIX), outer.input("weight", MATRIX)
    scan = outer.add(
        "scan", start, weight, body=body, carries=1, sequences=0, length=3, reverse=False,
        name="loop",
    )  # fmt: skip
    loss = F.sum(scan.item(0))
    graph = reverse(outer.graph([loss.name]), loss.name, ["weight"])
    (collecting,) = graph["loop"].regions
    collected = collecting.outputs[1:]
    assert len(collected) > 2
    assert list(collected) == [n for n in collecting.nodes if n in collected]
