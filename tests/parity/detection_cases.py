"""Detectors at small sizes, which PyTorch computes with equal weights, targets included."""

from __future__ import annotations

import numpy as np

from tests.parity.cases import Case, Feed


def _scenes(rng: np.random.Generator) -> Feed:
    """Three pictures of 32 x 32 pixels with one or two boxes of two classes."""
    corner, extent = rng.uniform(0, 0.5, (3, 2, 2)), rng.uniform(0.25, 0.5, (3, 2, 2))
    kind = np.array([[[0], [1]], [[1], [-1]], [[1], [1]]])
    labels = np.concatenate([kind, corner, corner + extent], axis=2)
    return {"image": rng.standard_normal((3, 1, 32, 32)), "labels": labels}


def _detector(name: str, *more: str, **sizes: int) -> Case:
    small = {"size": 32, "kinds": 2, **sizes}
    file = f"../../graphs/vision/{name}.yaml"
    return Case(name, file, _scenes, small, outputs=(*more, "scores", "offsets"))


DETECTION_CASES = [
    _detector("tiny_ssd", deep=3),
    _detector("fast_rcnn", width=3, hidden=5),
    _detector("faster_rcnn", "proposals", width=3, hidden=5, most=6),
    _detector("rcnn", width=3),
]
