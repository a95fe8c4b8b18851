"""The recommenders: three people, of whom each has seen a film, and two that they have not."""

from __future__ import annotations

import numpy as np

from tests.parity.cases import Case, Feed


def _people(rng: np.random.Generator, **more: tuple[int, ...]) -> Feed:
    shapes = {"film": (3,), "unseen": (3, 6)} | more
    drawn: Feed = {name: rng.integers(0, 9, shape) for name, shape in shapes.items()}
    return {**drawn, "user": rng.integers(0, 5, 3), "drawn": np.array([1, 4])}


def _case(name: str, sizes: dict[str, int], **more: tuple[int, ...]) -> Case:
    overrides = {"users": 5, "items": 9, "others": 6, "negatives": 2, **sizes}
    file = f"../../graphs/recommender/{name}.yaml"
    return Case(name, file, lambda rng: _people(rng, **more), overrides)


RECOMMENDER_CASES = [
    _case("neumf", {"factors": 4}),
    _case("deepfm", {"factors": 4}, before=(3,)),
    _case("caser", {"width": 4, "across": 3, "p_drop": 0}, history=(3, 5)),
]
