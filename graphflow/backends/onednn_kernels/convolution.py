"""Convolutions, their adjoints and their derivatives by the weight, in 1, 2 or 3 dimensions.

Images that lie pixel by pixel without gaps are taken as they are. Others, and weights always, are
copied to where oneDNN wants them, and results from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from graphflow.backends.base import Bound, Factory, Operand
from graphflow.backends.numba_kernels.convolution import BATCH, WINOGRAD, Convolution, windows_of
from graphflow.backends.onednn_kernels.library import dims, engine, library
from graphflow.backends.onednn_kernels.primitives import (
    GRADIENT,
    SCRATCH,
    SCRATCHPAD,
    SOURCE,
    TARGET,
    WEIGHTS,
    Attributes,
    Description,
    Layout,
    Memory,
    Step,
    copying,
    kernel,
    made_for_threads,
)
from graphflow.ir.graph import Node
from graphflow.ops.op import Array
from graphflow.ops.windows import Windows

DIRECT, TRAINING = 1, 64
SMALL = 20_000_000
"""Multiplications up to which Winograd's algorithm costs more than it saves."""
HEAVY, HEAVY_GRADIENT = 5_000, 1_000
"""Weights for each pixel of the result from which they take longer to be copied than used; and if
what is computed is their gradient.
"""
PARTS = {
    "conv": (SOURCE, WEIGHTS, TARGET),
    "conv_transpose": (TARGET + GRADIENT, WEIGHTS, SOURCE + GRADIENT),
    "conv_weight_grad": (SOURCE, TARGET + GRADIENT, WEIGHTS + GRADIENT),
}
"""The parts that operands and result of the operators play."""


def convolutions(exact: bool) -> Mapping[str, Factory]:
    """The rules. Without ``exact`` Winograd's algorithm takes what it is faster at."""
    return dict.fromkeys(PARTS, partial(_bound, exact))


def _bound(
    exact: bool, node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]
) -> Bound | None:
    """A side of a convolution bound to its arrays, unless others are faster."""
    *_, result = parts = PARTS[node.op]
    arrays = {p: a for p, a in zip(parts, (*inputs, *out), strict=True) if isinstance(a, Array)}
    by_part = {part % GRADIENT: array for part, array in arrays.items()}
    x, weight, y = (by_part[part] for part in (SOURCE, WEIGHTS, TARGET))
    windows, groups = windows_of(node, weight), node.attr("groups")
    assert isinstance(groups, int)
    if not all(map(_usable, arrays.values())) or windows.counts(x.shape[2:]) != y.shape[2:]:
        return None
    (own,) = (part for part in parts if part % GRADIENT == WEIGHTS)
    pixels, most = y.size // y.shape[1], HEAVY_GRADIENT if own == result else HEAVY
    few = exact or weight.size * pixels <= SMALL
    numbas = Convolution.of(node, x, weight, y)
    if numbas and numbas.way(few, adjoint=result == SOURCE + GRADIENT) in (WINOGRAD, BATCH):
        return None
    if weight.size > most * pixels:
        return None
    if groups > 1:
        arrays[own] = weight.reshape(groups, len(weight) // groups, *weight.shape[1:])
    with made_for_threads() as threads:
        description = _described(windows, arrays, result)
        if description is None:
            return None
        run = kernel(_steps(description, arrays, result), threads)
    return Bound(run, f"onednn, {description.implementation}")


def _usable(array: Array) -> bool:
    """Whether oneDNN can see an array: float32, whole and positive strides, not empty."""
    forward = all(s > 0 or n == 1 for n, s in zip(array.shape, array.strides, strict=True))
    whole = all(s % array.itemsize == 0 for s in array.strides)
    return array.dtype == np.float32 and array.size > 0 and forward and whole


def _described(windows: Windows, arrays: Mapping[int, Array], result: int) -> Description | None:
    """What oneDNN has for images as they lie, or else for others; none if that is its reference
    implementation, which is slow.
    """
    for free in (False, True):
        lies = {p % GRADIENT: _wanted(p % GRADIENT, array, free) for p, array in arrays.items()}
        found = _chosen(windows, lies, result)
        if not found.slow:
            return found
    return None


def _wanted(part: int, array: Array, free: bool) -> Layout:
    """How an array is to lie: as it does, if that is pixel by pixel; else as oneDNN likes."""
    as_it_is = part != WEIGHTS and _by_pixels(array) and not free
    return _lying(array) if as_it_is else Layout(array.shape)


def _by_pixels(array: Array) -> bool:
    return np.moveaxis(array, 1, -1).flags.c_contiguous and array.shape[1] > 1


def _lying(array: Array) -> Layout:
    """How an array lies."""
    return Layout.of(array, (0, *range(2, array.ndim), 1) if _by_pixels(array) else None)


def _chosen(windows: Windows, lies: Mapping[int, Layout], result: int) -> Description:
    """A side of a convolution; those backward see what forward would be."""
    x, weight, y = (lies[part] for part in (SOURCE, WEIGHTS, TARGET))
    before, after = zip(*windows.padding, strict=True)
    moves = tuple(map(dims, (windows.stride, [d - 1 for d in windows.dilation], before, after)))
    forward = Description(
        "convolution_forward", engine(), TRAINING, DIRECT, x, weight, None, y, *moves,
        attributes := Attributes(),
    )  # fmt: skip
    last = *moves, forward, attributes
    if result == SOURCE + GRADIENT:
        return Description("convolution_backward_data", engine(), DIRECT, x, weight, y, *last)
    if result == WEIGHTS + GRADIENT:
        kind = "convolution_backward_weights"
        return Description(kind, engine(), DIRECT, x, weight, None, y, *last)
    return forward


def _steps(description: Description, arrays: Mapping[int, Array], result: int) -> list[Step]:
    """What computes it: operands to where they are wanted, the primitive, the result back."""
    own = {part: _lying(array) for part, array in arrays.items()}
    wanted = {part: description.layout(part) for part in arrays}
    equal = library().dnnl_memory_desc_equal
    moved = [part for part in arrays if not equal(own[part], wanted[part])]
    rooms = [*(wanted[part] for part in moved), description.layout(SCRATCHPAD)]
    *places, scratch = SCRATCH.memories(rooms)
    lying = {part: Memory(own[part], array) for part, array in arrays.items()}
    there = dict(zip(moved, places, strict=True))
    before = [
        copying(lying[part], own[part], there[part], wanted[part])
        for part in moved
        if part != result
    ]
    after = [
        copying(there[part], wanted[part], lying[part], own[part])
        for part in moved
        if part == result
    ]
    return [*before, Step(description, {**lying, **there, SCRATCHPAD: scratch}), *after]
