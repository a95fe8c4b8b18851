"""Resize: every axis by itself, as a choice of elements or as a matrix of weights.

Where an element of the result lies in the source, and what its neighbours count, depends on sizes
and settings alone, so both are computed while the model is translated. Source: ONNX, Resize-19.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from graphflow.interop.onnx.reader.call import Call
from graphflow.interop.onnx.reader.maps.windows import fixed_size
from graphflow.interop.onnx.reader.table import maps
from graphflow.interop.onnx.reader.text import listing
from graphflow.ops.op import Array

MOST_WEIGHTS = 2**24
"""Entries of the matrix of one axis."""


@dataclass(frozen=True)
class Axis:
    """One axis that changes: its sizes, by how much it is scaled, and the part that is taken."""

    axis: int
    size: int
    result: int
    scale: float
    roi: tuple[float, float]

    def origins(self, mode: str) -> Array:
        """Where the elements of the result lie in the source."""
        x, n, width = np.arange(self.result, dtype=np.float64), self.size, self.scale * self.size
        if mode == "align_corners":
            return x * (n - 1) / (width - 1) if width != 1 else np.zeros_like(x)
        if mode == "asymmetric":
            return x / self.scale
        if mode == "tf_crop_and_resize":
            start, end = self.roi
            if width == 1:
                return np.full_like(x, (end + start) * (n - 1) / 2)
            return start * (n - 1) + x * (end - start) * (n - 1) / (width - 1)
        centered = (x + 0.5) / self.scale - 0.5
        if mode == "pytorch_half_pixel" and width == 1:
            return np.full_like(x, -0.5)
        if mode == "half_pixel_symmetric":
            return n / 2 * (1 - self.result / width) + centered
        return centered


@maps("Resize")
def resize(call: Call) -> str:
    """Another size by the nearest element, or by linear or cubic interpolation."""
    mode = call.word("coordinate_transformation_mode", "half_pixel")
    known = {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners",
             "asymmetric", "tf_crop_and_resize"}  # fmt: skip
    if mode not in known:
        call.unsupported(f"with coordinate_transformation_mode={mode} is not supported")
    x = call.x() if call.dtype().is_float else call.let(f"cast({call.x()}, float)", "float")
    outside = []
    for axis in _axes(call):
        origins = axis.origins(mode)
        if axis.size == axis.result and np.array_equal(origins, np.arange(axis.size)):
            continue
        if mode == "tf_crop_and_resize":
            beyond = (origins < 0) | (origins > axis.size - 1)
            outside += [(axis, beyond)] if beyond.any() else []
        x = call.let(_along(call, x, axis, origins), f"axis{axis.axis}")
    for axis, beyond in outside:
        shape = [-1 if i == axis.axis else 1 for i in range(call.ndim())]
        mask = call.hold(beyond.reshape(shape), "outside")
        x = call.let(f"where({mask}, {call.real('extrapolation_value', 0.0)}, {x})", "filled")
    return x if call.dtype().is_float else f"cast(round({x}), {call.dtype()})"


def _axes(call: Call) -> list[Axis]:
    """The axes that change, with their sizes; one of open size may stay as it is."""
    ndim, given = call.ndim(), call.integers("axes")
    axes = [call.axis(a, ndim) for a in given] if given is not None else list(range(ndim))
    before, k = [call.shape()[a] for a in axes], len(axes)
    roi = [float(r) for r in call.known(1, "the roi").reshape(-1)] if call.has(1) else []
    roi = roi if len(roi) == 2 * k else [0.0] * k + [1.0] * k
    wanted = call.dims(3, "the sizes") if call.has(3) else None
    scales = [] if wanted else [float(s) for s in call.known(2, "the scales").reshape(-1)]
    if len(wanted or scales) != k:
        call.broken(f"has {k} axes, but not as many sizes or scales")
    moved = [wanted[i] != before[i] if wanted else scales[i] != 1.0 for i in range(k)]
    changed = [i for i in range(k) if moved[i] or isinstance(before[i], int)]
    sizes = [fixed_size(call, before[i]) for i in changed]
    if wanted is not None:
        after, factors = _to_sizes(call, sizes, [fixed_size(call, wanted[i]) for i in changed])
    else:
        factors = [scales[i] for i in changed]
        after = [int(np.floor(s * n)) for s, n in zip(factors, sizes, strict=True)]
    if any(n <= 0 or f <= 0 for n, f in zip(sizes, factors, strict=True)):
        call.broken(f"scales {sizes} by {factors}")
    if max(after, default=0) > MOST_WEIGHTS:
        call.unsupported(f"to the size {max(after)} is not supported")
    parts = zip(changed, sizes, after, factors, strict=True)
    return [Axis(axes[i], n, m, f, (roi[i], roi[i + k])) for i, n, m, f in parts]


def _to_sizes(call: Call, before: list[int], after: list[int]) -> tuple[list[int], list[float]]:
    """Wanted sizes, or the nearest that keep the proportions; and the scales that lead there."""
    scales = [Fraction(a, b) if b else Fraction(1) for a, b in zip(after, before, strict=True)]
    policy = call.word("keep_aspect_ratio_policy", "stretch")
    if policy != "stretch" and scales:
        scale = min(scales) if policy == "not_larger" else max(scales)
        scales = [scale] * len(before)
        after = [int(scale * n + Fraction(1, 2)) for n in before]
    return after, [float(s) for s in scales]


def _along(call: Call, x: str, axis: Axis, origins: Array) -> str:
    """``x`` resized along one axis."""
    if call.word("mode", "nearest") == "nearest":
        chosen = listing(_nearest(call, origins, axis.size).tolist())
        if len(chosen) > 1_000:
            chosen = call.hold(_nearest(call, origins, axis.size), "chosen")
            return f"take({x}, {chosen}, axis={axis.axis})"
        return f"take({x}, {chosen}, axis={axis.axis})"
    if axis.size * axis.result > MOST_WEIGHTS:
        call.unsupported(f"from {axis.size} to {axis.result} elements needs too large a matrix")
    weights = call.hold(_weights(call, axis, origins).T, "weights", call.dtype())
    if axis.axis == call.ndim() - 1:
        return f"{x} @ {weights}"
    return f"swapaxes(swapaxes({x}, {axis.axis}, -1) @ {weights}, {axis.axis}, -1)"


def _nearest(call: Call, origins: Array, size: int) -> Array:
    """The nearest elements; which of two that are equally near, a setting says."""
    how = call.word("nearest_mode", "round_prefer_floor")
    rules = {
        "round_prefer_floor": np.ceil(origins - 0.5),
        "round_prefer_ceil": np.floor(origins + 0.5),
        "floor": np.floor(origins),
        "ceil": np.ceil(origins),
    }
    if how not in rules:
        call.unsupported(f"with nearest_mode={how} is not supported")
    found: Array = np.clip(rules[how], 0, size - 1).astype(np.int64)
    return found


def _weights(call: Call, axis: Axis, origins: Array) -> Array:
    """What each element of the source counts for each element of the result."""
    cubic = call.word("mode", "nearest") == "cubic"
    shrink = min(axis.scale, 1.0) if call.integer("antialias", 0) else 1.0
    radius = 2 if cubic else 1
    taps = 2 - 2 * int(np.floor(-radius / shrink) + 1)
    a = call.real("cubic_coeff_a", -0.75)
    matrix = np.zeros((axis.result, axis.size))
    for row, x in enumerate(origins):
        first = int(np.ceil(x)) - taps // 2
        places = first + np.arange(taps)
        distance = np.abs(places - x) * shrink
        share = _cubic(distance, a) if cubic else np.maximum(1 - distance, 0)
        if call.integer("exclude_outside", 0):
            share = np.where((places < 0) | (places >= axis.size), 0, share)
        np.add.at(matrix[row], np.clip(places, 0, axis.size - 1), share / share.sum())
    return matrix


def _cubic(d: Array, a: float) -> Array:
    """Keys' cubic kernel."""
    near = (a + 2) * d**3 - (a + 3) * d**2 + 1
    far = a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0))
