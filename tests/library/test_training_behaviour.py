"""Update rules without a twin in PyTorch, against their formulas in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from tests.library.our_run import trained
from tests.library.small_training import file, path
from tests.library.training_cases import start


def slope(w: np.ndarray, x: np.ndarray) -> np.ndarray:
    return x * np.cos(w * x) + 0.3 * w**2


def follows(call: str, rule) -> None:
    """``rule(w, g, t, memory)`` gives the next w; the memory starts at zeros."""
    w, x = start()
    memory: dict[str, np.ndarray] = {}
    for t, ours in enumerate(trained(call), 1):
        w = rule(w, slope(w, x), t, memory)
        np.testing.assert_allclose(ours, w, rtol=1e-9)


@pytest.mark.parametrize("nesterov", [False, True])
def test_the_rate_may_stand_inside_the_velocity(nesterov):
    """v <- mu v + lr g, p <- p - v: a rate that falls acts on new gradients alone."""

    def rule(w, g, t, memory):
        lr = 0.1 * 0.9 ** (t - 1)
        v = memory["v"] = 0.9 * memory.get("v", 0) + lr * g
        return w - (lr * g + 0.9 * v if nesterov else v)

    flag = str(nesterov).lower()
    rate = "exponential_lr(0.1, 0.9)"
    follows(f"sgd({rate}, momentum=0.9, lr_in_velocity=true, nesterov={flag})", rule)


def test_adam_with_eps_inside_the_root():
    def rule(w, g, t, memory):
        m = memory["m"] = 0.9 * memory.get("m", 0) + 0.1 * g
        v = memory["v"] = 0.999 * memory.get("v", 0) + 0.001 * g**2
        return w - 0.1 * m / (1 - 0.9**t) / np.sqrt(v / (1 - 0.999**t) + 0.01)

    follows("adam(0.1, eps=0.01, eps_inside_root=true)", rule)


def test_rmsprop_with_eps_inside_the_root():
    def rule(w, g, t, memory):
        s = memory["s"] = 0.9 * memory.get("s", 0) + 0.1 * g**2
        return w - 0.05 * g / np.sqrt(s + 1e-3)

    follows("rmsprop(0.05, alpha=0.9, eps=1e-3, eps_inside_root=true)", rule)


def test_lars_steps_in_proportion_to_the_weights():
    def rule(w, g, t, memory):
        norm = np.linalg.norm(w)
        local = 0.01 * norm / (np.linalg.norm(g) + 0.1 * norm + 1e-8)
        v = memory["v"] = 0.9 * memory.get("v", 0) + 2 * local * (g + 0.1 * w)
        return w - v

    follows("lars(2, weight_decay=0.1, eta=0.01)", rule)


def test_lamb_steps_as_far_as_the_weights_are_long():
    def rule(w, g, t, memory):
        m = memory["m"] = 0.9 * memory.get("m", 0) + 0.1 * g
        v = memory["v"] = 0.999 * memory.get("v", 0) + 0.001 * g**2
        u = m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-6) + 0.3 * w
        return w - 0.05 * np.linalg.norm(w) / np.linalg.norm(u) * u

    follows("lamb(0.05, weight_decay=0.3)", rule)


@pytest.mark.parametrize("call", ["lamb(0.1)", "lars(0.1)"])
def test_weights_of_zero_can_leave_it(call):
    """The quotient of norms would be zero for ever."""
    assert path("sum((w - 1) ** 2)", call, 1, {"w": [0.0, 0.0]})["w"][-1] == pytest.approx(
        [0.1, 0.1] if call.startswith("lamb") else [0.2, 0.2], rel=1e-5
    )


def test_the_larger_the_better_with_maximize():
    for call in ("lars(0.1, maximize=true)", "lamb(maximize=true)", "lion(maximize=true)"):
        found = path("sum(w)", call, 1, {"w": [1.0, 2.0]})["w"]
        assert (found[1] > found[0]).all()


def test_averaged_descent_keeps_the_mean_of_its_way():
    """torch.optim.ASGD's ax: from the second update on when t0 is 0."""
    start = {"w": [1.0, -2.0]}
    model = gf.loads(file("sum(w ** 2) + sum(w)", "asgd(0.1, t0=0)", start))
    model.parameters["w"] = np.array(start["w"])
    trainer = model.trainer(dtype="float64")
    way = []
    for _ in range(5):
        trainer.step({})
        way.append(np.array(model.parameters["w"]))
    average = trainer.store.array("optimizer.w.average")
    np.testing.assert_allclose(average, np.mean(way[1:], axis=0), rtol=1e-12)
