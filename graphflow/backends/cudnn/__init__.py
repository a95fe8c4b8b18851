"""Convolutions by cuDNN, through the graph interface of its frontend. What is chosen, and why not,
depends on types, shapes and strides alone, and is told without a GPU.
"""

from graphflow.backends.cudnn.convolution import Convolution, Refused, Tensor, convolution
from graphflow.backends.cudnn.plans import MISSING, Library, Plan, library, missing

__all__ = [
    "MISSING", "Convolution", "Library", "Plan", "Refused", "Tensor", "convolution", "library",
    "missing",
]  # fmt: skip
