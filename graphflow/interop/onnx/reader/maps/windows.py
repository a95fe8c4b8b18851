"""Kernels, strides and padding as ONNX writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphflow.diagnostics import fail
from graphflow.interop.onnx.reader.call import Call
from graphflow.interop.onnx.reader.text import listing
from graphflow.ir.dims import Dim


@dataclass(frozen=True)
class Window:
    """One entry for each spatial axis; ``before`` and ``after`` are the padding."""

    kernel: list[int]
    stride: list[int]
    dilation: list[int]
    before: list[int]
    after: list[int]
    ceil: bool = False

    @property
    def extent(self) -> list[int]:
        """How far a window reaches."""
        return [d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True)]

    @property
    def padded(self) -> bool:
        """Whether there is any padding."""
        return any(self.before) or any(self.after)

    def counts(self, sizes: Sequence[int]) -> list[int]:
        """The number of windows along each axis."""
        found = []
        for i, n in enumerate(sizes):
            room = n + self.before[i] + self.after[i] - self.extent[i]
            count = room // self.stride[i] + 1
            if self.ceil and room % self.stride[i]:
                count += (count * self.stride[i]) < n + self.before[i]
            found.append(count)
        return found

    def options(self) -> list[str]:
        """stride, padding and dilation as arguments, where they are not the defaults."""
        found = []
        if any(s != 1 for s in self.stride):
            found.append(f"stride={_short(self.stride)}")
        if self.padded:
            found.append(f"padding={self.padding}")
        if any(d != 1 for d in self.dilation):
            found.append(f"dilation={_short(self.dilation)}")
        return found

    @property
    def padding(self) -> str:
        """One number for all sides, one for each axis, or pairs."""
        if self.before == self.after:
            return _short(self.before)
        return listing([b, e] for b, e in zip(self.before, self.after, strict=True))


def _short(values: Sequence[int]) -> str:
    return str(values[0]) if len(set(values)) == 1 else listing(values)


def window(
    call: Call, kernel: Sequence[Dim], sizes: Sequence[Dim], auto: bool = True
) -> Window:
    """The window of a convolution or pooling over axes of these sizes.

    ``auto`` says whether auto_pad is heeded: a transposed convolution means something else by it.
    """
    ndim = len(sizes)
    fixed = [k for k in kernel if isinstance(k, int)]
    if len(fixed) != ndim or not 1 <= ndim <= 3:
        call.unsupported(f"slides over {ndim} axes with the kernel {list(kernel)}; 1 to 3 axes, "
                         "and a kernel of known size, are what there is")  # fmt: skip
    stride, dilation = (_each(call, name, ndim) for name in ("strides", "dilations"))
    before, after = paddings(call, fixed, stride, dilation, sizes, auto)
    return Window(fixed, stride, dilation, before, after, bool(call.integer("ceil_mode", 0)))


def _each(call: Call, name: str, ndim: int) -> list[int]:
    found = call.integers(name) or [1] * ndim
    if len(found) != ndim or any(f < 1 for f in found):
        call.broken(f"has the {name} {found} for {ndim} axes")
    return found


def paddings(
    call: Call,
    kernel: list[int],
    stride: list[int],
    dilation: list[int],
    sizes: Sequence[Dim],
    auto: bool = True,
) -> tuple[list[int], list[int]]:
    """Padding before and after each axis: written out, or such that sizes divide by the stride."""
    ndim, how = len(kernel), call.word("auto_pad", "NOTSET")
    if how in ("NOTSET", "") or not auto:
        pads = call.integers("pads") or [0] * (2 * ndim)
        if len(pads) != 2 * ndim or any(p < 0 for p in pads):
            call.broken(f"has the padding {pads} for {ndim} axes")
        return pads[:ndim], pads[ndim:]
    if how == "VALID":
        return [0] * ndim, [0] * ndim
    before, after = [], []
    for n, k, s, d in zip(sizes, kernel, stride, dilation, strict=True):
        if not isinstance(n, int) and s != 1:
            fail("GF102", f"{call.op} with auto_pad={how} and a stride needs the size {n}",
                 help="give it: from_onnx(..., sizes={...})")  # fmt: skip
        total = d * (k - 1)
        if isinstance(n, int):
            total = max(0, (-(-n // s) - 1) * s + d * (k - 1) + 1 - n)
        small = total // 2
        before.append(small if how == "SAME_UPPER" else total - small)
        after.append(total - before[-1])
    return before, after


def fixed_size(call: Call, size: Dim) -> int:
    """A size that must be a number."""
    if not isinstance(size, int):
        fail("GF102", f"{call.op} needs the size {size}",
             help="give it: from_onnx(..., sizes={...})")  # fmt: skip
    return size


def known_sizes(call: Call) -> list[int]:
    """The spatial sizes of the operand as numbers."""
    return [fixed_size(call, size) for size in call.shape()[2:]]
