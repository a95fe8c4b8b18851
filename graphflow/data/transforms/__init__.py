"""Transforms of whole columns, done once before batches are served.

What a transform learns (means, categories, vocabularies) it learns from the training part alone.
"""

from __future__ import annotations

# Importing these registers their transforms.
from graphflow.data.transforms import categories, numbers, rows, texts  # noqa: F401
from graphflow.data.transforms.frame import Fitted, FittedTransform, Frame, Transform, training_part
from graphflow.data.transforms.prepare import Prepared, prepare
from graphflow.data.transforms.registry import TRANSFORMS, arguments, make

__all__ = [
    "TRANSFORMS",
    "Fitted",
    "FittedTransform",
    "Frame",
    "Prepared",
    "Transform",
    "arguments",
    "make",
    "prepare",
    "training_part",
]
