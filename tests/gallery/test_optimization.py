"""The trajectories of Dive into Deep Learning, chapter 12: the end points that the book prints."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import graphflow as gf
from graphflow.training import Iteration

PRINTED = [
    # file, overrides, digits, end point
    ("gd_1d", {}, 6, {"x": 0.060466}),
    ("gd_1d", {"lr": 0.05}, 6, {"x": 3.486784}),
    ("gd_1d", {"lr": 1.1}, 6, {"x": 61.917364}),
    ("gd_1d", {"lr": 1.05}, 6, {"x": 25.937425}),
    ("gd_local_minimum", {}, 6, {"x": -1.528166}),
    ("gd_2d", {}, 6, {"x1": -0.057646, "x2": -0.000073}),
    ("newton_1d", {"run.steps": 10}, 6, {"x": 0.0}),
    ("newton_nonconvex", {}, 4, {"x": 26.8341}),
    ("newton_nonconvex", {"lr": 0.5}, 4, {"x": 7.2699}),
    ("gd_2d", {"a": 0.1, "lr": 0.4}, 6, {"x1": -0.943467, "x2": -0.000073}),
    ("gd_2d", {"a": 0.1, "lr": 0.6}, 6, {"x1": -0.387814, "x2": -1673.365109}),
    ("momentum_2d", {}, 6, {"x1": 0.007188, "x2": 0.002553}),
    ("momentum_2d", {"beta": 0.25}, 6, {"x1": -0.126340, "x2": -0.186632}),
    ("adagrad_2d", {}, 6, {"x1": -2.382563, "x2": -0.158591}),
    ("adagrad_2d", {"lr": 2}, 6, {"x1": -0.002295, "x2": 0.0}),
    ("rmsprop_2d", {}, 6, {"x1": -0.010599, "x2": 0.0}),
]


@pytest.mark.parametrize(("name", "overrides", "digits", "end"), PRINTED)
def test_the_run_ends_where_the_book_prints_it(name, overrides, digits, end):
    model = gf.load(name, overrides)
    outcome = gf.run(model)
    for leaf, value in end.items():
        last = outcome.history[leaf].values[-1]
        assert f"{last:.{digits}f}".lstrip("-") == f"{value:.{digits}f}".lstrip("-")
        assert np.sign(np.round(last, digits)) == np.sign(value)
        assert model.state[leaf] == last


LIBRARY = [
    ("sgd(lr=0.4)", {"x1": -0.943467, "x2": -0.000073}),
    ("sgd(lr=0.6)", {"x1": -0.387814, "x2": -1673.365109}),
    ("sgd(lr=0.6, momentum=0.5)", {"x1": 0.007188, "x2": 0.002553}),
    ("sgd(lr=0.6, momentum=0.25)", {"x1": -0.126340, "x2": -0.186632}),
    ("adagrad(lr=0.4, eps=1e-6, eps_inside_root=true)", {"x1": -2.382563, "x2": -0.158591}),
    ("adagrad(lr=2, eps=1e-6, eps_inside_root=true)", {"x1": -0.002295, "x2": 0.0}),
    ("rmsprop(lr=0.4, alpha=0.9, eps=1e-6, eps_inside_root=true)", {"x1": -0.010599, "x2": 0.0}),
]


@pytest.mark.parametrize(("optimizer", "end"), LIBRARY)
def test_an_optimizer_of_the_library_takes_the_same_way(optimizer, end):
    model = gf.load("optimizers_2d", {"train.optimizer": optimizer})
    outcome = gf.train(model, dtype="float64")
    for leaf, value in end.items():
        np.testing.assert_allclose(outcome.history[leaf].values[-1], value, rtol=0, atol=5e-7)


State = dict[str, np.ndarray]
Rule = Callable[[np.ndarray, State, int], np.ndarray]


def adam(g: np.ndarray, state: State, t: int) -> np.ndarray:
    """D2L 12.10: the step that is subtracted."""
    v, s = state.get("v", 0 * g), state.get("s", 0 * g)
    state["v"], state["s"] = 0.9 * v + 0.1 * g, 0.999 * s + 0.001 * g**2
    return 0.4 * (state["v"] / (1 - 0.9**t)) / (np.sqrt(state["s"] / (1 - 0.999**t)) + 1e-6)


def yogi(g: np.ndarray, state: State, t: int) -> np.ndarray:
    """D2L 12.10, Yogi."""
    v, s = state.get("v", 0 * g), state.get("s", 0 * g)
    state["v"], state["s"] = 0.9 * v + 0.1 * g, s + 0.001 * np.sign(g**2 - s) * g**2
    return 0.4 * (state["v"] / (1 - 0.9**t)) / (np.sqrt(state["s"] / (1 - 0.999**t)) + 1e-3)


def adadelta(g: np.ndarray, state: State, t: int) -> np.ndarray:
    """D2L 12.9."""
    s, u = state.get("s", 0 * g), state.get("u", 0 * g)
    state["s"] = 0.9 * s + 0.1 * g**2
    step = np.sqrt(u + 1e-5) / np.sqrt(state["s"] + 1e-5) * g
    state["u"] = 0.9 * u + 0.1 * step**2
    return step


@pytest.mark.parametrize(
    ("optimizer", "rule"),
    [
        ("adam(lr=0.4, eps=1e-6)", adam),
        ("yogi(lr=0.4, eps=1e-3)", yogi),
        ("adadelta(rho=0.9, eps=1e-5)", adadelta),
    ],
)
def test_every_point_of_the_way_is_that_of_the_books_equations(optimizer, rule: Rule):
    model = gf.load("optimizers_2d", {"train.optimizer": optimizer})
    history = gf.train(model, dtype="float64").history
    found = np.stack([history["x1"].values, history["x2"].values], axis=1)
    points, state = [np.array([-5.0, -2.0])], State()
    for t in range(1, 21):
        points.append(points[-1] - rule(np.array([0.2, 4]) * points[-1], state, t))
    np.testing.assert_allclose(found, points, rtol=1e-9)


@pytest.mark.parity
@pytest.mark.parametrize("lr", [0.1, 0.5, 1])
def test_lbfgs_takes_the_way_of_pytorch(lr):
    import torch

    model = gf.load("optimizers_2d", {"train.optimizer": f"lbfgs(lr={lr})"})
    history = gf.train(model, dtype="float64").history
    found = np.stack([history["x1"].values, history["x2"].values], axis=1)
    x = torch.tensor([-5.0, -2.0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([x], lr=lr, max_iter=1)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        f = 0.1 * x[0] ** 2 + 2 * x[1] ** 2
        f.backward()
        return f

    points = [x.detach().numpy().copy()]
    for _ in range(20):
        optimizer.step(closure)
        points.append(x.detach().numpy().copy())
    np.testing.assert_allclose(found, points, rtol=1e-6, atol=1e-9)


def ends(model: gf.Model, runs: int, steps: int) -> np.ndarray:
    """Where runs with different seeds end, (runs, 2)."""
    iteration: Iteration = model.iteration()
    found = []
    for seed in range(runs):
        iteration.seed, iteration.runs = seed, 0
        model.store.restore({})
        for _ in range(steps):
            iteration.step({})
        found.append([float(model.state["x1"]), float(model.state["x2"])])
    return np.array(found)


@pytest.mark.parametrize(
    ("overrides", "steps", "mean", "std"),
    [
        ({}, 50, (0.0, 0.0), (0.1667, 0.125)),
        # e^(-0.1 t) is below 1e-4 after 100 steps: the book's other 900 change nothing
        ({"decay": 0.1}, 100, (-0.8257, -0.0450), (0.0747, 0.0399)),
        ({"power": 0.5}, 50, (-0.0124, 0.0), (0.105, 0.075)),
    ],
)
def test_noisy_descent_ends_as_often_as_theory_says_within_the_books_bounds(
    overrides, steps, mean, std
):
    """Means and deviations follow from the linear recurrence of the point and its variance."""
    runs = 60
    found = ends(gf.load("sgd_2d", overrides), runs, steps)
    np.testing.assert_array_less(np.abs(found.mean(axis=0) - mean), 4 * np.array(std) / runs**0.5)
    np.testing.assert_array_less(np.abs(found.std(axis=0) / std - 1), 4 / (2 * runs) ** 0.5)


def test_the_power_iteration_finds_what_numpy_finds():
    model = gf.load("power_iteration")
    outcome = gf.run(model)
    values, vectors = np.linalg.eig(np.array([[2.0, 1.0], [2.0, 3.0]]))
    largest = int(np.argmax(values))
    assert outcome.finished
    np.testing.assert_allclose(outcome.history["eigenvalue"].values[-1], values[largest])
    np.testing.assert_allclose(model.state["v"], np.abs(vectors[:, largest]), rtol=1e-9)


def test_the_share_of_heads_follows_its_tosses():
    model = gf.load("coin_toss")
    share = gf.run(model).history["share"].values
    heads = np.round(share * np.arange(1, 1001))
    assert set(np.diff(heads)) == {0.0, 1.0}
    assert abs(share[-1] - 0.5) < 3 * 0.5 / 1000**0.5
    assert model.state["heads"] == heads[-1]
