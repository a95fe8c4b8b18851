"""Whole numbers that stand for floats: x = (q - zero point) * scale."""

from __future__ import annotations

from graphflow.interop.onnx.reader.call import Call, join
from graphflow.interop.onnx.reader.maps.windows import window
from graphflow.interop.onnx.reader.table import Result, maps
from graphflow.interop.onnx.reader.text import listing
from graphflow.ir.types import DType

BOUNDS = {
    DType.UINT8: (0, 255), DType.INT8: (-128, 127), DType.UINT16: (0, 65535),
    DType.INT16: (-32768, 32767),
}  # fmt: skip


def aligned(call: Call, index: int) -> str:
    """A scale or zero point of operand 0 so that it stretches: one, one a row, or one a block."""
    sizes, own = call.shape(), call.shape(index)
    name = call.x(index)
    if not own or own == (1,):
        return f"reshape({name}, [])" if own else name
    axis, block = call.axis(call.integer("axis", 1), len(sizes)), call.integer("block_size", 0)
    if len(own) == 1 and len(sizes) != 1:
        stretched = [own[0] if i == axis else 1 for i in range(len(sizes))]
        return f"reshape({name}, {listing(stretched)})"
    if block:
        whole = f"repeat({name}, {block}, axis={axis})"
        return f"{whole}[{', '.join([':'] * axis + [f':{sizes[axis]}'])}]"
    return name


def rounded(expression: str, dtype: DType) -> str:
    """The nearest number of a whole type, within its bounds."""
    low, high = BOUNDS[dtype]
    return f"cast(minimum(maximum({expression}, {low}), {high}), {dtype})"


def _target(call: Call, index: int) -> DType:
    if call.has(index):
        dtype = call.dtype(index)
    else:
        wanted = call.integer("output_dtype", 0)
        dtype = call.dtype_attribute("output_dtype", None) if wanted else DType.UINT8
    if dtype not in BOUNDS:
        call.unsupported(f"to {dtype} is not supported")
    return dtype


@maps("QuantizeLinear")
def quantize(call: Call) -> str:
    """round(x / scale) + zero point, within the bounds of the type."""
    dtype = _target(call, 2)
    x = call.x() if call.dtype().is_float else f"cast({call.x()}, float)"
    shift = f" + {aligned(call, 2)}" if call.has(2) else ""
    if shift:
        shift = f" + cast({aligned(call, 2)}, float)"
    return rounded(f"round({x} / {aligned(call, 1)}){shift}", dtype)


@maps("DequantizeLinear")
def dequantize(call: Call) -> str:
    """(q - zero point) * scale."""
    target = call.dtype(1)
    if call.integer("output_dtype", 0):
        target = call.dtype_attribute("output_dtype", None)
    x = f"cast({call.x()}, {call.dtype(1)})"
    if call.has(2):
        x = f"({x} - cast({aligned(call, 2)}, {call.dtype(1)}))"
    found = f"{x} * {aligned(call, 1)}"
    return found if target is call.dtype(1) else f"cast({found}, {target})"


@maps("DynamicQuantizeLinear")
def dynamic(call: Call) -> list[Result]:
    """Quantized to uint8 by the range of the numbers themselves, which 0 belongs to."""
    low = call.let(f"minimum(min({call.x()}), 0)", "low")
    scale = call.let(f"(maximum(max({call.x()}), 0) - {low}) / 255", "scale")
    zero = call.let(rounded(f"round(0 - {low} / {scale})", DType.UINT8), "zero")
    q = rounded(f"round({call.x()} / {scale}) + cast({zero}, float)", DType.UINT8)
    return [q, scale, zero]


def _shifted(call: Call, index: int, zero: int, axis: int | None) -> str:
    """An operand less its zero point, as whole numbers of 32 bits."""
    x = f"cast({call.x(index)}, int32)"
    if not call.has(zero):
        return x
    own, z = call.shape(zero), f"cast({call.x(zero)}, int32)"
    ndim = call.ndim(index)
    if len(own) == 1 and axis is not None and own != (1,):
        z = f"reshape({z}, {listing([own[0] if i == axis % ndim else 1 for i in range(ndim)])})"
    return f"({x} - {z})"


@maps("MatMulInteger")
def matmul_integer(call: Call) -> str:
    """(a - a's zero point) @ (b - b's zero point)."""
    a, b = _shifted(call, 0, 2, -2), _shifted(call, 1, 3, -1)
    return f"cast({a} @ {b}, int32)"


@maps("ConvInteger")
def conv_integer(call: Call) -> str:
    """A convolution of whole numbers."""
    x, w = _shifted(call, 0, 2, None), _shifted(call, 1, 3, 0)
    return f"cast({_convolved(call, x, w, 1)}, int32)"


def _convolved(call: Call, x: str, w: str, weight: int) -> str:
    kernel = call.shape(weight)[2:]
    found = window(call, call.integers("kernel_shape") or kernel, call.shape()[2:])
    groups = call.integer("group", 1)
    x, w = (call.let(f"cast({part}, float64)", "exact") for part in (x, w))
    options = [*found.options(), f"groups={groups}" if groups != 1 else ""]
    return f"round(conv({join([x, w, *options])}))"


@maps("QLinearMatMul")
def qlinear_matmul(call: Call) -> str:
    """A product of quantized matrices, quantized."""
    a, b = _shifted(call, 0, 2, -2), _shifted(call, 3, 5, -1)
    scale = f"{call.x(1)} * {call.x(4)} / {call.x(6)}"
    product = f"cast({a} @ {b}, {call.dtype(1)})"
    moved = f"round({product} * ({scale})) + cast({call.x(7)}, {call.dtype(1)})"
    return rounded(moved, _target(call, 7))


@maps("QLinearConv")
def qlinear_conv(call: Call) -> str:
    """A convolution of quantized numbers, quantized."""
    x, w = _shifted(call, 0, 2, None), _shifted(call, 3, 5, 0)
    found = _convolved(call, x, w, 3)
    channels = listing([1, call.shape(3)[0], *[1] * (call.ndim() - 2)])
    if call.has(8):
        found = f"({found} + reshape({call.x(8)}, {channels}))"
    scale = f"{call.x(1)} * {call.x(4)} / {call.x(6)}"
    if call.shape(4) not in ((), (1,)):
        scale = f"reshape({scale}, {channels})"
    moved = f"round(cast({found}, float) * ({scale})) + cast({call.x(7)}, float)"
    return rounded(moved, _target(call, 7))
