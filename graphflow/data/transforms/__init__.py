"""Transforms of whole columns, done once before batches are served.

What a transform learns (means, categories, vocabularies) it learns from the training part alone.
"""

from __future__ import annotations

# Importing these registers their transforms.
from graphflow.data.transforms import categories, numbers, rows, texts  # noqa: F401
from graphflow.data.transforms.prepare import Prepared, prepare
from graphflow.data.transforms.registry import TRANSFORMS, arguments, make
from graphflow.data.transforms.table import Fitted, FittedTransform, Table, Transform, training_part

__all__ = [
    "TRANSFORMS",
    "Fitted",
    "FittedTransform",
    "Prepared",
    "Table",
    "Transform",
    "arguments",
    "make",
    "prepare",
    "training_part",
]
