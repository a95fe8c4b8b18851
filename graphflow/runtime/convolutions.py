"""Which convolutions of a graph cuDNN computes on a device, and why not the others."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from graphflow.backends.cuda.arrays import Strides, lying, row_by_row
from graphflow.backends.cudnn import Convolution, Refused, Tensor, convolution, missing
from graphflow.backends.cudnn.convolution import SIDES
from graphflow.backends.cupy import Computes, Convolves
from graphflow.ir.graph import Graph
from graphflow.ops.evaluate import Computed
from graphflow.ops.op import Array


@dataclass(frozen=True)
class Asked:
    """What cuDNN is asked for, and how operands and result lie; or why it is not asked."""

    wanted: Convolution | Refused
    lying: tuple[Tensor, ...]


def asked_convolutions(
    graph: Graph, seen: Mapping[str, Computed], exact: bool = False
) -> dict[str, Asked]:
    """What is asked for each convolution of a graph whose values lie like those ``seen``."""
    found: dict[str, Asked] = {}
    for node in graph:
        if node.op in SIDES:
            tensors = tuple(_tensor(seen[name]) for name in (*node.inputs, node.name))
            found[node.name] = Asked(convolution(node, tensors, exact), tensors)
    return found


def told(asked: Asked) -> str:
    """What computes a convolution, and how; no device need be there."""
    wanted = missing() or asked.wanted
    return _refusal(wanted) if isinstance(wanted, Refused) else f"cudnn: {wanted.how}"


def convolving(asked: Mapping[str, Asked], cudnn: Convolves | Refused) -> dict[str, Computes]:
    """What computes the convolutions that cuDNN computes. It warns of the others."""
    found: dict[str, Computes] = {}
    refused: dict[str, list[str]] = {}
    for name, each in asked.items():
        made = _made(each, cudnn)
        if isinstance(made, Refused):
            refused.setdefault(_refusal(made), []).append(name)
        else:
            found[name] = made
    for why, names in refused.items():
        warnings.warn(f"convolutions by {why}: {', '.join(names)}", stacklevel=2)
    return found


def _made(asked: Asked, cudnn: Convolves | Refused) -> Computes | Refused:
    if isinstance(cudnn, Refused):
        return cudnn
    if isinstance(asked.wanted, Refused):
        return asked.wanted
    return cudnn.convolving(asked.wanted, asked.lying)


def _refusal(refused: Refused) -> str:
    return f"cupy, since cuDNN {refused.why}"


def _tensor(x: Computed) -> Tensor:
    assert isinstance(x, np.ndarray)
    return Tensor(str(x.dtype), x.shape, _strides(x))


def _strides(x: Array) -> Strides:
    """How an array lies for cuDNN, which repeats no element: else row by row, in a copy."""
    repeats = any(n > 1 and not stride for n, stride in zip(x.shape, x.strides, strict=True))
    return row_by_row(x.shape) if repeats or x.flags.c_contiguous else lying(x)
