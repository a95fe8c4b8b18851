"""Value iteration and Q-learning against Gymnasium's own table of the lake."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from tests.gallery.training import losses, values_of

gymnasium = pytest.importorskip("gymnasium", reason="the lake's table is Gymnasium's")


def sweeps(size: str, slippery: bool, count: int) -> tuple[np.ndarray, np.ndarray]:
    """V and Q after ``count`` sweeps over the transitions of FrozenLake."""
    lake = gymnasium.make("FrozenLake-v1", map_name=size, is_slippery=slippery)
    table = lake.unwrapped.P
    v, q = np.zeros(len(table)), np.zeros((len(table), 4))
    for _ in range(count):
        q = np.array([
            [sum(p * (r + 0.95 * v[s]) for p, s, r, _ in table[state][a]) for a in range(4)]
            for state in range(len(table))
        ])  # fmt: skip
        v = q.max(axis=1)
    return v, q


LARGE = {"n": 8, "goal": 63, "holes": [19, 29, 35, 41, 42, 46, 49, 52, 54, 59]}


@pytest.mark.parametrize(("size", "lake"), [("4x4", {}), ("8x8", LARGE)])
@pytest.mark.parametrize(("slippery", "slip"), [(False, 0), (True, "1/3")])
def test_ten_sweeps_are_those_over_gymnasiums_table(size, lake, slippery, slip):
    model = gf.load("value_iteration", {**lake, "slip": slip, "run.steps": 10, "run.until": False})
    history = gf.run(model).history["V"]
    assert history.steps.tolist() == list(range(11))
    for step in (0, 1, 5, 10):
        np.testing.assert_allclose(history.values[step], sweeps(size, slippery, step)[0], atol=1e-9)


def test_the_sweeps_end_when_nothing_changes_any_more_and_lead_to_the_goal():
    model = gf.load("value_iteration")
    outcome = gf.run(model)
    assert outcome.finished and outcome.progress.step == 7
    policy = outcome.history["policy"].values[-1]
    _, q = sweeps("4x4", False, 10)
    live = [s for s in range(16) if s not in (5, 7, 11, 12, 15)]
    np.testing.assert_allclose(q[live, policy[live]], q[live].max(axis=1))


def test_the_table_of_moves_comes_to_the_values_of_gymnasiums():
    outcome = gf.run(gf.load("q_value_iteration"))
    assert outcome.finished and outcome.progress.step == 8
    np.testing.assert_allclose(outcome.history["Q"].values[-1], sweeps("4x4", False, 10)[1])


def test_one_greedy_step_from_a_poor_policys_values_reaches_the_goal_from_everywhere():
    model = gf.load("policy_evaluation")
    better = gf.run(model).history["moves"].values[-1].reshape(-1)
    table = gymnasium.make("FrozenLake-v1", is_slippery=False).unwrapped.P
    for field in (0, 1, 2, 3, 4, 6, 8, 9, 10, 13, 14):
        for _ in range(6):
            field = table[field][int(better[field])][0][1] if field != 15 else 15
        assert field == 15


def test_the_chances_of_the_process_are_gymnasiums():
    (chances,) = values_of("mdp", "T", dtype="float64")
    table = gymnasium.make("FrozenLake-v1", is_slippery=True).unwrapped.P
    for field, actions in table.items():
        if field in (5, 7, 11, 12, 15):
            continue
        for action, outcomes in actions.items():
            expected = np.zeros(16)
            for chance, following, _, _ in outcomes:
                expected[following] += chance
            np.testing.assert_allclose(chances[field, action], expected, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("slip", ["1/3", 0])
def test_who_moves_at_random_earns_the_same_on_slippery_and_on_dry_ice(slip):
    outcome = gf.run(gf.load("mdp", {"slip": slip, "run.history": ["earned"]}), steps=2000)
    assert outcome.history["earned"].values[-1] == pytest.approx(0.00777, rel=0.15)


def test_steps_of_the_regression_are_sweeps_where_the_rate_is_half_the_moves():
    found = [step["loss"] for step in losses("q_regression", 8)]
    assert found[2] > found[0] and found[6] > 1e-2 and found[7] < 1e-12
    model = gf.load("q_regression")
    gf.train(model)
    best = sweeps("4x4", False, 10)[1]
    np.testing.assert_allclose(np.asarray(model.parameters["Q"]), best, atol=1e-6)


def test_a_gradient_through_the_target_as_well_is_slow():
    kept = gf.train(gf.load("q_regression", {"rate": 5}), steps=60).metrics["train/loss"]
    through = gf.load("q_regression", {"rate": 5, "constant": False})
    assert kept < 1e-5 and gf.train(through, steps=300).metrics["train/loss"] > 5e-4


@pytest.mark.slow
def test_a_low_temperature_believes_the_first_way_it_finds():
    warm, cold = (gf.load("softmax_exploration", {"temperature": t}) for t in (0.3, 0.02))
    known = []
    for model in (warm, cold):
        gf.run(model)
        known.append(int((np.asarray(model.state["Q"]).max(axis=1) > 0).sum()))
    assert known[0] == 11 and known[1] < 11


def walk(policy: np.ndarray) -> float:
    """What a walk by a policy earns in Gymnasium's lake."""
    lake = gymnasium.make("FrozenLake-v1", is_slippery=False)
    state, _ = lake.reset(seed=0)
    for _ in range(100):
        state, reward, ended, _, _ = lake.step(int(policy[state]))
        if ended:
            return float(reward)
    return 0.0


@pytest.mark.slow
def test_q_learning_finds_the_way_in_most_runs_of_256_episodes():
    earned = []
    for seed in range(10):
        model = gf.load("q_learning")
        outcome = gf.run(model, seed=seed)
        assert outcome.finished and int(model.state["episode"]) == 256
        q = np.array(model.state["Q"])
        best = sweeps("4x4", False, 100)[1]
        assert np.all(q <= best + 1e-6)  # nothing is believed to be worth more than it is
        earned.append(walk(q.argmax(axis=1)))
    assert sum(earned) >= 8


def test_the_move_onto_the_goal_is_learnt_to_its_worth():
    model = gf.load("q_learning", {"epsilon": 1, "episodes": 500})
    gf.run(model, steps=3000)
    q, best = np.array(model.state["Q"]), sweeps("4x4", False, 100)[1]
    assert q[14, 2] == pytest.approx(best[14, 2], rel=1e-3)


def test_a_larger_lake_is_learnt_on_by_its_settings():
    model = gf.load("q_learning", {**LARGE, "epsilon": 1})
    model.state["s"] = 62
    gf.run(model, steps=50)
    assert np.asarray(model.state["Q"]).shape == (64, 4)
    after, reward = values_of(model, "s_next", "reward", s=62, a=2)
    assert (int(after), float(reward)) == (63, 1)
