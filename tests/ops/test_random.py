"""Random operators: what a draw depends on, and what it looks like."""

from __future__ import annotations

import numpy as np
import pytest

from graphflow.diagnostics import GraphflowError
from graphflow.ir.types import DType, TensorType
from graphflow.ops import OPS, Builder
from graphflow.ops.random import stream_number

KEY = np.array([7, 0])
DRAWS = {
    "uniform": {"shape": (1000,), "low": 0, "high": 1, "dtype": DType.FLOAT64},
    "normal": {"shape": (1000,), "mean": 0, "std": 1, "dtype": DType.FLOAT64},
    "truncated_normal": {"shape": (1000,), "mean": 0, "std": 1, "low": -2, "high": 2,
                         "dtype": DType.FLOAT64},
    "bernoulli": {"p": 0.3, "shape": (1000,), "dtype": DType.FLOAT64},
    "randint": {"low": 0, "high": 10, "shape": (1000,)},
    "categorical": {"p": np.array([0.2, 0.0, 0.5, 0.3]), "shape": (1000,)},
    "permutation": {"n": 1000},
    "rng_split": {"n": 100},
}  # fmt: skip
every_draw = pytest.mark.parametrize("name", DRAWS)


def draw(name: str, key: np.ndarray = KEY, stream: str = "h", **changed: object) -> np.ndarray:
    attrs = {**DRAWS[name], **changed}
    operands = [attrs.pop(n) for n in OPS[name].operands[1:]]
    return OPS[name].forward(np, key, *operands, stream=stream, **attrs)


def test_every_random_operator_is_tried_here() -> None:
    assert {op.name for op in OPS.values() if op.random} == set(DRAWS)


@every_draw
def test_a_draw_depends_on_seed_stream_and_step_only(name: str) -> None:
    first = draw(name)
    np.testing.assert_array_equal(first, draw(name))
    for other in (
        draw(name, np.array([8, 0])),
        draw(name, np.array([7, 1])),
        draw(name, np.array([-7, 0])),
        draw(name, stream="h2"),
    ):
        assert (first != other).any()


@pytest.mark.parametrize("name", [n for n, a in DRAWS.items() if "dtype" in a])
def test_single_precision_draws_are_the_double_ones_rounded(name: str) -> None:
    double, single = draw(name), draw(name, dtype=DType.FLOAT32)
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, double.astype(np.float32))


def test_streams_are_numbered_the_same_everywhere() -> None:
    assert stream_number("features.dropout") == 10923706715578287471


def test_distributions() -> None:
    n = 100_000
    u, z = draw("uniform", shape=(n,)), draw("normal", shape=(n,), mean=2.0, std=3.0)
    assert abs(u.mean() - 0.5) < 0.01 and abs(u.var() - 1 / 12) < 0.01
    assert abs(z.mean() - 2) < 0.05 and abs(z.std() - 3) < 0.05
    t = draw("truncated_normal", shape=(n,), low=-1, high=1)
    assert t.min() >= -1 and t.max() <= 1 and abs(t.std() - 0.5396) < 0.01
    b = draw("bernoulli", shape=(n,))
    assert set(np.unique(b)) == {0.0, 1.0} and abs(b.mean() - 0.3) < 0.01
    assert set(draw("randint", low=-2, high=2)) == {-2, -1, 0, 1}
    assert sorted(draw("permutation")) == list(range(1000))


def test_categories_come_up_as_often_as_their_weights_say() -> None:
    weights = np.array([[2.0, 0.0, 5.0, 3.0, 0.0], [0.0, 0.0, 0.0, 1.0, 0.0]])
    drawn = draw("categorical", p=weights, shape=(20_000,))
    assert drawn.shape == (20_000, 2) and (drawn[:, 1] == 3).all()
    shares = np.bincount(drawn[:, 0], minlength=5) / 20_000
    np.testing.assert_allclose(shares, weights[0] / 10, atol=0.015)
    assert shares[1] == shares[4] == 0


@pytest.mark.parametrize("weights", [[0.5, -0.1], [0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0]])
def test_weights_that_are_no_probabilities_are_refused(weights: list[float]) -> None:
    with pytest.raises(GraphflowError, match="GF083"):
        draw("categorical", p=np.array(weights))


def test_uniform_never_reaches_high() -> None:
    """Rounding to float16 would reach 1 once in 4,096 draws."""
    drawn = draw("uniform", shape=(100_000,), dtype=DType.FLOAT16)
    assert drawn.max() < 1
    assert (draw("uniform", low=3, high=3) == 3).all()


def test_split_keys_begin_alike_and_draw_apart() -> None:
    keys = draw("rng_split", n=4)
    assert keys.shape == (4, 2) and keys.dtype == np.int64
    np.testing.assert_array_equal(keys[:2], draw("rng_split", n=2))
    drawn = [tuple(draw("normal", key, shape=(2,))) for key in keys]
    assert len(set(drawn)) == 4


def test_the_stream_of_a_node_is_its_name() -> None:
    builder = Builder()
    noise = builder.add("normal", builder.rng(), shape=(2,), name="z")
    assert noise.node.attr("stream") == "z"
    assert noise.type == TensorType(DType.FLOAT, (2,))
