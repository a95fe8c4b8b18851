"""A deep Q-network balances a pole: its gradient, its memory, its slow net, its episodes."""

from __future__ import annotations

import numpy as np

import graphflow as gf
from tests.gallery.training import values_of

SMALL = {"steps": 40, "every": 10, "longest": 25, "hidden": 8}


def test_the_gradient_reaches_the_push_that_was_made_and_none_of_the_target():
    drawn = np.zeros((128, 10), "float32")
    drawn[:, 4] = 1  # all to the right, from rest to rest, every second one ahead of a fall
    drawn[1::2, 9] = 1
    constant = np.float32(np.arange(5) == 4)[:, None] * np.ones((5, 64), "float32")
    flat = np.full((64, 64), 1 / 64, "float32")
    ones = np.ones((64, 1), "float32") / 64
    model = gf.load("dqn")
    model.parameters.update({"w1": constant, "w2": flat, "w3": ones * np.float32([-0.2, -0.5])})
    slow = ones * np.float32([-0.4, -0.1])
    fed = {"drawn": drawn, "slow1": constant, "slow2": flat, "slow3": slow}
    of_w3 = model.compile(of="loss", wrt="w3")(fed).gradients["w3"]
    # errors -0.5 + 0.396 and -0.5 + 1, twice their mean, on units that are 1
    np.testing.assert_allclose(of_w3, np.tile([0, 0.396], (64, 1)), rtol=1e-5)


def test_memory_holds_the_moves_of_all_carts_and_the_slow_net_follows():
    model = gf.load("dqn", SMALL)
    gf.train(model, steps=12)
    memory = np.asarray(model.state["memory"])
    assert memory.shape == (40, 16, 10) and not memory[12:].any()
    assert set(np.unique(memory[:12, :, 4])) == {0, 1}
    came, fell = memory[:11, :, 5:9], memory[:11, :, 9] == 1
    np.testing.assert_array_equal(memory[1:12, :, :4][~fell], came[~fell])
    far, off = np.abs(came[..., 0]) > 2.4, np.abs(came[..., 2]) > np.radians(12)
    np.testing.assert_array_equal(fell, far | off)
    assert int(model.state["t"]) == 12 and 0 < float(model.state["lasted"]) <= 25
    assert np.abs(model.state["slow1"]).max() < np.abs(model.parameters["w1"]).max()


def test_an_episode_that_is_too_long_starts_again_and_is_no_fall():
    model = gf.load("dqn", {**SMALL, "longest": 3})
    world, move, fell = np.zeros((16, 4), "float32"), np.ones(16, "int64"), "move.fallen"
    over, fallen = values_of(model, "over", fell, world=world, action=move, age=np.full(16, 2))
    assert over.all() and not fallen.any()
