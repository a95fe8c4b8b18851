"""The deep Q-network on CartPole: what its net learns from, and how long it balances."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from tests.gallery.training import losses, values_of


def test_memory_fills_a_row_a_step_and_holds_what_was_lived_through():
    model = gf.load("dqn", {"carts": 4, "steps": 8, "every": 8, "longest": 3})
    trainer = model.trainer()
    worlds = []
    for _ in range(8):
        worlds.append(np.array(trainer.store.array("world")))
        trainer.step({})
    memory = np.asarray(trainer.store.array("memory"))
    np.testing.assert_array_equal(memory[..., :4], worlds)
    assert set(np.unique(memory[..., 4])) <= {0, 1}
    begins_anew = np.abs(memory[:-1, :, 5:9] - memory[1:, :, :4]).max(-1) > 0
    assert begins_anew[2].all()  # after three steps, the longest that an episode is
    assert not begins_anew[[0, 1]].any()


def test_the_first_target_is_a_fall_and_nothing_else():
    """The slow net begins as zero, so that all errors are of moves before a fall."""
    first = losses("dqn", 1)[0]
    assert first["loss"] == 0 and first["record"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_balances_for_more_than_the_task_asks(seed):
    model = gf.load("dqn", {"train.seed": seed})
    gf.train(model)
    (episodes,) = values_of(model, "episodes")
    assert episodes.shape == (100,) and episodes.mean() > 350
