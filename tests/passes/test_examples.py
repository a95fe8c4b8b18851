"""The fast plan of every example's training step computes what the plain plan computes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from graphflow.autodiff import reverse
from graphflow.ir import LEAVES, DType, Graph
from graphflow.ir.types import type_symbols
from graphflow.ops.evaluate import evaluate
from graphflow.passes import optimise, specialise, stands_for
from graphflow.passes.pipeline import count
from graphflow.spec.elaborate import elaborate
from graphflow.spec.load import load_document
from graphflow.training.step_graph import step_graph

EXAMPLES = Path(__file__).parent.parent / "examples"
SMALL: dict[str, dict[str, int | float]] = {
    "a_xyz": {},
    "b2_mlp_math": {"hidden": 8},
    "b_mlp": {"hidden": 8},
    "c_resnet18": {"classes": 5},
    "d_lstm": {"vocab": 11, "width": 4, "hidden": 3},
    "e_transformer": {"vocab": 11, "d": 8, "heads": 2, "ffn": 6, "depth": 1},
    "f_gan": {"latent": 4, "pixels": 9},
    "g_style": {"H": 16, "W": 16},
}


def steps(name: str) -> list[Graph]:
    """The training steps of an example, or its gradients where it is not trained."""
    text = (EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8").replace("224, 224", "32, 32")
    elaborated = elaborate(load_document(text, overrides=SMALL[name]), EXAMPLES)
    if elaborated.training is not None:
        return [step_graph(elaborated, player).graph for player in elaborated.training.objectives]
    graph = elaborated.graph
    scalar = "f" if name == "a_xyz" else "loss"
    derived = reverse(graph, scalar, elaborated.parameters or ("x", "y", "z"))
    return [replace(derived, outputs=(*graph.outputs, *derived.gradients.values()))]


def concrete(graph: Graph) -> Graph:
    """The graph for training in float64, every size 2."""
    symbols = frozenset().union(*(type_symbols(node.type) for node in graph))
    return specialise(graph, dict.fromkeys(symbols, 2), DType.FLOAT64, training=True)


def leaves(graph: Graph) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(0)
    found: dict[str, np.ndarray] = {"rng": np.array([3, 1])}
    for node in graph:
        if node.op in LEAVES - {"rng"}:
            shape, dtype = node.tensor.shape, node.tensor.dtype
            fan = max(1, int(np.prod(shape[1:])))
            values = draw.uniform(0.1, 1, shape) / fan if dtype.is_float else np.zeros(shape)
            found[node.name] = np.asarray(values, dtype.value)
    return found


@pytest.mark.parametrize("name", SMALL)
def test_the_fast_step_computes_what_the_plain_step_computes(name):
    for graph in map(concrete, steps(name)):
        fast = optimise(graph)
        given = leaves(graph)
        plain_values, fast_values = evaluate(graph, given), evaluate(fast, given)
        roots = dict(zip(graph.roots(), map(fast.resolve, graph.roots()), strict=True))
        for old, new in roots.items():
            assert np.isfinite(plain_values[old]).all(), old
            np.testing.assert_allclose(
                fast_values[new], plain_values[old], rtol=1e-12, atol=1e-300, err_msg=old
            )
        assert [fast.resolve(name) for name in graph.outputs] == list(fast.outputs)
        assert list(fast.updates) == list(graph.updates)


@pytest.mark.parametrize("name", SMALL)
def test_the_fast_step_is_final_and_accounted_for(name):
    for graph in map(concrete, steps(name)):
        fast = optimise(graph)
        assert optimise(fast) is fast
        assert count(fast) <= count(graph)
        homes = stands_for(graph, fast)
        assert list(homes) == list(fast.nodes)
        named = [plain for plain_names in homes.values() for plain in plain_names]
        assert set(graph.needed_for(graph.roots())) <= set(named)


def test_training_steps_become_smaller():
    (graph,) = map(concrete, steps("b_mlp"))
    assert len(optimise(graph)) < 0.7 * len(graph)
