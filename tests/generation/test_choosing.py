from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphflow.diagnostics import GraphflowError
from graphflow.generation.choosing import chooser, kept, log_probabilities
from graphflow.spec.strategies import Greedy, Sample

P = np.log([0.1, 0.4, 0.05, 0.3, 0.15])


def probabilities(strategy: Sample, scores: np.ndarray = P) -> list[float]:
    return np.exp(kept(scores, strategy)).tolist()


def test_top_k_keeps_the_most_probable() -> None:
    assert probabilities(Sample(top_k=2)) == pytest.approx([0, 4 / 7, 0, 3 / 7, 0])
    assert probabilities(Sample(top_k=9)) == pytest.approx(np.exp(P).tolist())
    tied = np.log([0.4, 0.3, 0.3])
    assert probabilities(Sample(top_k=2), tied) == pytest.approx([0.4, 0.3, 0.3])


def test_top_p_keeps_the_fewest_that_reach_it() -> None:
    """0.4, 0.4 + 0.3 = 0.7, + 0.15 = 0.85: the one that reaches p is the last that stays."""
    assert probabilities(Sample(top_p=0.39)) == pytest.approx([0, 1, 0, 0, 0])
    assert probabilities(Sample(top_p=0.6)) == pytest.approx([0, 4 / 7, 0, 3 / 7, 0])
    assert probabilities(Sample(top_p=0.72)) == pytest.approx([0, 40 / 85, 0, 30 / 85, 15 / 85])
    assert probabilities(Sample(top_p=1.0)) == pytest.approx(np.exp(P).tolist())
    assert probabilities(Sample(top_p=1e-9)) == pytest.approx([0, 1, 0, 0, 0])


def test_the_temperature_sharpens() -> None:
    """softmax(log p / t) is p^(1 / t), scaled: with t = 1/2 the squares."""
    squares = np.exp(P) ** 2
    assert probabilities(Sample(temperature=0.5)) == pytest.approx(
        (squares / squares.sum()).tolist()
    )


def test_temperature_comes_first_then_k_then_p() -> None:
    """Squares 16, 9, 2.25, 1, 0.25: of the first three, 16 and 9 make 25 / 27.25 = 0.917."""
    found = probabilities(Sample(temperature=0.5, top_k=3, top_p=0.9))
    assert found == pytest.approx([0, 16 / 25, 0, 9 / 25, 0])


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=9), st.floats(0.01, 1))
@settings(deadline=None)
def test_the_nucleus_is_the_librarys(logits: list[float], top_p: float) -> None:
    """As transformers' TopPLogitsWarper says it: sorted upwards, what is within 1 - p goes."""
    scores = log_probabilities(np.array(logits))
    order = np.argsort(scores, kind="stable")
    summed = np.cumsum(np.exp(scores[order]))
    gone = order[:-1][summed[:-1] <= 1 - top_p]
    ours = np.exp(kept(scores, Sample(top_p=top_p)))
    near = np.isclose(summed, 1 - top_p, rtol=0, atol=1e-9).any()
    tied = len(set(scores)) < len(scores)
    if not (near or tied):
        assert sorted(np.flatnonzero(ours == 0)) == sorted(
            i for i in range(len(scores)) if i in gone or ours[i] == np.exp(scores[i]) == 0
        )
    assert ours.sum() == pytest.approx(1)


def test_draws_follow_the_probabilities() -> None:
    """5,000 draws: each count within four standard deviations of the binomial's."""
    draw = chooser(Sample(), seed=1)
    counts = np.bincount([draw(P, step) for step in range(5000)], minlength=5)
    expected = 5000 * np.exp(P)
    assert (abs(counts - expected) < 4 * np.sqrt(expected)).all()


def test_draws_depend_on_seed_and_place_alone() -> None:
    first = [chooser(Sample(), 3)(P, step) for step in range(40)]
    again = chooser(Sample(), 3)
    assert [again(P, step) for step in reversed(range(40))] == first[::-1]
    other = chooser(Sample(), 4)
    assert [other(P, step) for step in range(40)] != first


def test_what_is_out_is_never_drawn() -> None:
    draw = chooser(Sample(top_k=1), 0)
    assert {draw(P, step) for step in range(100)} == {1}
    assert chooser(Greedy(), 0)(P, 0) == 1


def test_logits_become_logarithms_of_probabilities() -> None:
    scores = log_probabilities(np.array([[1000.0, 1000.0, -math.inf]]))
    assert scores[0].tolist() == [pytest.approx(math.log(0.5))] * 2 + [-math.inf]


@pytest.mark.parametrize("logits", [[0.0, math.nan], [math.inf, 0.0], [-math.inf, -math.inf]])
def test_logits_that_say_nothing(logits: list[float]) -> None:
    with pytest.raises(GraphflowError, match="GF062"):
        log_probabilities(np.array(logits))


@pytest.mark.parametrize(
    "settings",
    [{"temperature": 0}, {"temperature": -1}, {"temperature": math.nan}, {"top_k": 0},
     {"top_k": True}, {"top_p": 0}, {"top_p": 1.1}],
)  # fmt: skip
def test_settings_without_sense(settings: dict[str, float]) -> None:
    with pytest.raises(GraphflowError, match="GF033"):
        Sample(**settings)
