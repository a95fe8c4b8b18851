"""Convolutions and attention by cuDNN, through the graph interface of its frontend. What is chosen,
and why not, depends on types, shapes and strides alone, and is told without a GPU.
"""

from graphflow.backends.cudnn.attention import Attention, attention, attention_refused
from graphflow.backends.cudnn.convolution import Convolution, convolution
from graphflow.backends.cudnn.graphs import Wanted
from graphflow.backends.cudnn.plans import MISSING, Library, Plan, library, missing
from graphflow.backends.cudnn.tensors import Refused, Tensor

__all__ = [
    "MISSING", "Attention", "Convolution", "Library", "Plan", "Refused", "Tensor", "Wanted",
    "attention", "attention_refused", "convolution", "library", "missing",
]  # fmt: skip
