"""Nets that give each pixel a class, at small sizes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.parity.cases import Case, Feed

GRAPHS = "../../graphs/vision"


def _scenes(size: int, classes: int) -> Callable[[np.random.Generator], Feed]:
    def draw(rng: np.random.Generator) -> Feed:
        image = rng.standard_normal((2, 1, size, size))
        return {"image": image, "mask": rng.integers(0, classes, (2, size, size))}

    return draw


SEGMENTATION_CASES = [
    Case("fcn_resnet18", f"{GRAPHS}/fcn_resnet18.yaml", _scenes(64, 3),
         {"H": 64, "W": 64, "width": 2, "classes": 3}, outputs=("scores",)),
    Case("fcn_skips", f"{GRAPHS}/fcn_skips.yaml", _scenes(8, 3),
         {"size": 8, "width": 2, "classes": 3}, outputs=("scores",)),
]  # fmt: skip
