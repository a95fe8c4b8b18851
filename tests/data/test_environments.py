from __future__ import annotations

import sys

import numpy as np
import pytest

from graphflow.data import load


def test_cartpole_obeys_its_equations_of_motion() -> None:
    """Positions move by Euler's rule with the step of 0.02 s that the environment documents."""
    pytest.importorskip("gymnasium")
    data = load("gymnasium", n=200).columns
    now, then = data["observation"].astype(float), data["next_observation"].astype(float)
    assert now.shape == (200, 4)
    assert np.allclose(then[:, 0], now[:, 0] + 0.02 * now[:, 1], atol=1e-6)
    assert np.allclose(then[:, 2], now[:, 2] + 0.02 * now[:, 3], atol=1e-6)
    pushed = then[:, 1] - now[:, 1]
    assert np.all((pushed > 0) == (data["action"] == 1))
    assert set(data["reward"].tolist()) == {1.0}


def test_an_episode_goes_on_where_it_was() -> None:
    pytest.importorskip("gymnasium")
    data = load("gymnasium", n=300).columns
    same = np.diff(data["episode"]) == 0
    assert np.array_equal(data["observation"][1:][same], data["next_observation"][:-1][same])
    ended = data["terminated"][:-1] | data["truncated"][:-1]
    assert np.array_equal(~same, ended)
    assert data["episode"][-1] > 3


def test_numbered_states_and_seeds() -> None:
    pytest.importorskip("gymnasium")
    first, again, other = (
        load("gymnasium", env="FrozenLake-v1", n=50, seed=s).columns for s in (1, 1, 2)
    )
    assert (first["observation"].shape, first["observation"].dtype) == ((50,), np.int64)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["action"], other["action"])
    assert load("gymnasium", env="Pendulum-v1", n=5).columns["action"].shape == (5, 1)


def test_only_environments_of_gymnasium_itself(refused) -> None:
    found = refused(load, "gymnasium", env="some.module:Thing-v0")
    assert found.code == "GF071"
    assert "CartPole-v1" in found.message


def test_without_gymnasium(monkeypatch: pytest.MonkeyPatch, refused) -> None:
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    found = refused(load, "gymnasium")
    assert found.code == "GF076"
    assert "graphflow[envs]" in found.help
