"""What an agent lives through in the environments of Gymnasium, as a table of transitions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np

from graphflow.data.dataset import Array, Dataset
from graphflow.data.options import Between
from graphflow.data.registry import register
from graphflow.diagnostics import fail

if TYPE_CHECKING:
    import gymnasium

Environment = Literal[
    "CartPole-v1", "MountainCar-v0", "Acrobot-v1", "Pendulum-v1", "FrozenLake-v1", "Taxi-v3"
]


COLUMNS = {
    "observation": "float32 (N, d), or int64 (N,) where states are numbered",
    "action": "int64 (N,), or float32 (N, d) where actions are continuous",
    "reward": "float32 (N,)",
    "next_observation": "like observation",
    "terminated": "bool (N,): whether the episode ended in a final state",
    "truncated": "bool (N,): whether it was cut off by the limit of steps",
    "episode": "int64 (N,)",
}


@register("gymnasium", columns=COLUMNS)
def transitions(
    env: Environment = "CartPole-v1",
    n: Annotated[int, Between(1, 1_000_000)] = 10_000,
    seed: Annotated[int, Between(0, 2**31 - 1)] = 0,
) -> Dataset:
    """``n`` steps of random actions in an environment of Gymnasium: what to learn offline from.

    CartPole balances a pole on a cart that is pushed left (0) or right (1); an observation holds
    the cart's position and speed, and the pole's angle and angular speed.
    """
    simulator = _made(env)
    simulator.action_space.seed(seed)
    rows: list[tuple[Array, Array, float, Array, bool, bool, int]] = []
    episode, (observation, _) = 0, simulator.reset(seed=seed)
    for _ in range(n):
        action = simulator.action_space.sample()
        following, reward, terminated, truncated, _ = simulator.step(action)
        before, after = np.array(observation), np.array(following)
        rows.append(
            (before, np.array(action), float(reward), after, terminated, truncated, episode)
        )
        observation = following
        if terminated or truncated:
            episode, (observation, _) = episode + 1, simulator.reset()
    simulator.close()
    values = (_column(np.array(column)) for column in zip(*rows, strict=True))
    columns = dict(zip(COLUMNS, values, strict=True))
    return Dataset("gymnasium", columns, f"{n:,} random steps in {env}, {episode + 1} episodes")


def _made(env: str) -> gymnasium.Env[Array, Array]:
    try:
        import gymnasium
    except ImportError:
        fail("GF076", "the data source 'gymnasium' needs the package gymnasium",
             help="install it: pip install 'graphflow[envs]'")  # fmt: skip
    try:
        return gymnasium.make(env)
    except gymnasium.error.Error as error:
        fail("GF076", f"this version of gymnasium does not offer {env}: {error}")


def _column(values: Array) -> Array:
    """Truth values as they are, whole numbers as int64, others as float32."""
    if values.dtype.kind == "b":
        return values
    return values.astype(np.int64 if values.dtype.kind in "iu" else np.float32)
