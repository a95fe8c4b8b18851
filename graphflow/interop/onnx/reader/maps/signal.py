"""Fourier transforms, as products with matrices of cosines and sines; windows folded back."""

from __future__ import annotations

import numpy as np

from graphflow.interop.onnx.reader.call import Call
from graphflow.interop.onnx.reader.maps.windows import fixed_size, paddings
from graphflow.interop.onnx.reader.table import maps
from graphflow.interop.onnx.reader.text import listing

MOST_FREQUENCIES = 2**13
"""Length of a transform: its matrices have the square of it."""


@maps("DFT")
def dft(call: Call) -> str:
    """The discrete Fourier transform along an axis; the last axis holds real and imaginary part."""
    if call.has(2):
        axis = call.axis(int(call.scalar(2, "the axis")), call.ndim())
    else:
        axis = call.axis(call.integer("axis", 1 if call.version < 20 else -2), call.ndim())
    inverse, onesided = bool(call.integer("inverse", 0)), bool(call.integer("onesided", 0))
    size = fixed_size(call, call.shape()[axis])
    natural = 2 * (size - 1) if inverse and onesided else size
    length = int(call.scalar(1, "the length")) if call.has(1) else natural
    parts = [f"{call.x()}[..., {i}]" for i in range(fixed_size(call, call.shape()[-1]))]
    last = axis == call.ndim() - 2
    parts = [call.let(p if last else f"moveaxis({p}, {axis}, -1)", "part") for p in parts]
    real, imaginary = transformed(call, parts, (size, length), inverse, onesided)
    given = [real] if imaginary is None else [real, imaginary]
    moved = given if last else [f"moveaxis({part}, -1, {axis})" for part in given]
    return f"stack([{', '.join(moved)}], axis=-1)"


def transformed(
    call: Call, parts: list[str], sizes: tuple[int, int], inverse: bool, onesided: bool
) -> tuple[str, str | None]:
    """Real and imaginary part of the transform of the last axis, padded or cut to ``length``."""
    size, length = sizes
    if not 0 < length <= MOST_FREQUENCIES:
        call.unsupported(f"of the length {length} is not supported")
    used = min(size, length // 2 + 1 if inverse and onesided else length)
    parts = [part if used == size else f"{part}[..., :{used}]" for part in parts]
    results = length // 2 + 1 if onesided and not inverse else length
    turns = f"arange({used})[:, None] * arange({results})[None, :] % {length}"
    angle = call.let(f"cast({turns}, float64) * {2 * np.pi / length}", "angle")
    scale = f" / {length}" if inverse else ""
    cos, sin = (
        call.let(f"cast({name}({angle}){scale}, {call.dtype()})", name) for name in ("cos", "sin")
    )
    real = parts[0]
    imaginary = parts[1] if len(parts) > 1 else None
    if inverse and onesided:
        share = call.let(f"constant({listing(_shares(used, length))}, float)", "share")
        real, imaginary = f"({real} * {share})", imaginary and f"({imaginary} * {share})"
        total = f"{real} @ {cos}" + (f" - {imaginary} @ {sin}" if imaginary else "")
        return call.let(total, "real"), None
    plus, minus = ("-", "+") if inverse else ("+", "-")
    if imaginary is None:
        other = f"{real} @ {sin}" if inverse else f"-({real} @ {sin})"
        return call.let(f"{real} @ {cos}", "real"), call.let(other, "imaginary")
    first = call.let(f"{real} @ {cos} {plus} {imaginary} @ {sin}", "real")
    return first, call.let(f"{imaginary} @ {cos} {minus} {real} @ {sin}", "imaginary")


def _shares(used: int, length: int) -> list[float]:
    """How often each one-sided frequency occurs in the whole spectrum."""
    return [1.0 if k == 0 or 2 * k == length else 2.0 for k in range(used)]


@maps("STFT")
def stft(call: Call) -> str:
    """The transforms of windows that move along a signal."""
    step = int(call.scalar(1, "the step"))
    size = fixed_size(call, call.shape()[1])
    length = call.shape(2)[0] if call.has(2) else size
    if call.has(3):
        length = int(call.scalar(3, "the length"))
    if not isinstance(length, int) or not 0 < length <= size or step <= 0:
        call.broken(f"has windows of {length} elements, {step} apart, on {size}")
    frames = 1 + (size - length) // step
    at = f"arange({frames})[:, None] * {step} + arange({length})[None, :]"
    axis = call.let(at, "at")
    both = fixed_size(call, call.shape()[-1]) if call.ndim() == 3 else 0
    sources = [f"{call.x()}[..., {i}]" for i in range(both)] or [call.x()]
    parts = [f"take({source}, {axis}, axis=1)" for source in sources]
    window = f" * {call.x(2)}" if call.has(2) else ""
    parts = [call.let(f"{part}{window}", "frames") for part in parts]
    onesided = bool(call.integer("onesided", 1))
    real, imaginary = transformed(call, parts, (length, length), False, onesided)
    return f"stack([{real}, {imaginary}], axis=-1)"


@maps("Col2Im")
def col2im(call: Call) -> str:
    """Windows added back to where they were taken from."""
    image, kernel = call.ints(1, "the image's size"), call.ints(2, "the window's size")
    ndim = len(image)
    stride, dilation = (call.integers(w) or [1] * ndim for w in ("strides", "dilations"))
    before, after = paddings(call, kernel, stride, dilation, image)
    pads = listing([b, e] for b, e in zip(before, after, strict=True))
    settings = f"dilation={listing(dilation)}, padding={pads}, stride={listing(stride)}"
    return f"fold({call.x()}, {listing(image)}, {listing(kernel)}, {settings})"
