"""What changes shapes: reshape, transpose, concat, slice, pad, and what asks for shapes."""

from __future__ import annotations

import math

import numpy as np

from graphflow.interop.onnx.reader.call import Call
from graphflow.interop.onnx.reader.items import Known, Weight
from graphflow.interop.onnx.reader.table import Result, Unpack, maps
from graphflow.interop.onnx.reader.tensors import array_of
from graphflow.interop.onnx.reader.text import INLINE, listing
from graphflow.ir.dims import Dim, product
from graphflow.ir.types import DType, broadcast
from graphflow.ops.op import Array


@maps("Constant")
def constant(call: Call) -> Known:
    """An array of the file: a weight where it is a large one of floats."""
    array, dtype = _value(call)
    weight = dtype.is_float and array.size > INLINE
    return (Weight if weight else Known)(array, dtype, call.proto.output[0])


def _value(call: Call) -> tuple[Array, DType]:
    given = call.attributes
    if "value" in given:
        return array_of(given["value"].t, call.translator.folder)
    if "value_float" in given:
        return np.array(given["value_float"].f, np.float32), DType.FLOAT
    if "value_floats" in given:
        return np.array(given["value_floats"].floats, np.float32), DType.FLOAT
    if "value_int" in given:
        return np.array(given["value_int"].i, np.int64), DType.INT64
    if "value_ints" in given:
        return np.array(given["value_ints"].ints, np.int64), DType.INT64
    call.unsupported(f"has {', '.join(given) or 'no value'}: only numbers can be constants")


@maps("ConstantOfShape")
def constant_of_shape(call: Call) -> str:
    """An array of equal numbers."""
    shape = listing(call.dims(0, "the shape"))
    if "value" not in call.attributes:
        return f"zeros({shape}, dtype=float)"
    array, dtype = array_of(call.attributes["value"].t, call.translator.folder)
    return f"full({shape}, {call.number(array.reshape(-1)[0], dtype)}, dtype={dtype})"


@maps("Shape")
def shape(call: Call) -> Known:
    """The sizes of an array, which are known."""
    sizes = call.shape()
    start, end = call.integer("start", 0), call.integer("end", len(sizes))
    return _sizes(list(sizes)[slice(start, end)], call)


@maps("Size")
def size(call: Call) -> Known:
    """The number of elements."""
    return _sizes(product(call.shape()), call)


def _sizes(value: list[Dim] | Dim, call: Call) -> Known:
    plain = all(isinstance(d, int) for d in (value if isinstance(value, list) else [value]))
    array = np.array(value, np.int64 if plain else object)
    return Known(array, DType.INT64, call.proto.output[0])


@maps("Reshape")
def reshape(call: Call) -> str:
    """The same numbers in another shape: 0 keeps a size, -1 takes what is left."""
    target, sizes = call.dims(1, "the shape"), call.shape()
    kept: set[int] = set()
    if not call.integer("allowzero", 0):
        kept = {i for i, t in enumerate(target) if t == 0}
        if any(i >= len(sizes) for i in kept):
            call.broken(f"keeps an axis that its operand lacks: {target} of {list(sizes)}")
    kept |= {i for i, t in enumerate(target[: len(sizes)]) if t == sizes[i]}
    if -1 in target:
        others = product(t for i, t in enumerate(target) if t != -1 and i not in kept)
        total = product(n for i, n in enumerate(sizes) if i not in kept)
        if others != 0 and (total // others) * others == total:
            target[target.index(-1)] = total // others
    target = [sizes[i] if i in kept else t for i, t in enumerate(target)]
    return f"reshape({call.x()}, {listing(target)})"


@maps("Flatten")
def flatten(call: Call) -> str:
    """Two axes: those before ``axis`` and the others."""
    sizes = call.shape()
    axis = call.integer("axis", 1)
    axis = axis if axis == len(sizes) else call.axis(axis, len(sizes))
    return f"reshape({call.x()}, {listing([product(sizes[:axis]), product(sizes[axis:])])})"


@maps("Transpose")
def transpose(call: Call) -> str:
    """The axes in another order."""
    order = call.integers("perm")
    return f"transpose({call.x()})" if order is None else f"transpose({call.x()}, {order})"


@maps("Concat")
def concat(call: Call) -> str:
    """One after the other."""
    return f"concat([{', '.join(call.xs())}], axis={call.integer('axis')})"


@maps("Split")
def split(call: Call) -> Unpack | str:
    """Pieces of given sizes, or as many equal ones as there are outputs."""
    axis = call.axis(call.integer("axis", 0), call.ndim())
    total, count = call.shape()[axis], len(call.proto.output)
    sizes = call.integers("split")
    if sizes is None and call.has(1):
        sizes = call.ints(1, "the sizes of the pieces")
    if sizes is None:
        if not isinstance(total, int):
            return Unpack(f"split({call.x()}, {count}, axis={axis})")
        each = math.ceil(total / count)
        sizes = [max(0, min(each, total - i * each)) for i in range(count)]
    if count == 1:
        return call.x()
    ends = np.cumsum(sizes)[:-1].tolist()
    return Unpack(f"split({call.x()}, {listing(ends)}, axis={axis})")


@maps("Slice")
def slice_(call: Call) -> str:
    """Every step-th element from start up to end, along some axes."""
    starts, ends = call.dims(1, "the starts"), call.dims(2, "the ends")
    axes = call.ints(3, "the axes") if call.has(3) else list(range(len(starts)))
    steps = call.ints(4, "the steps") if call.has(4) else [1] * len(starts)
    sizes = call.shape()
    entries = [":"] * len(sizes)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        axis = call.axis(axis, len(sizes))
        entries[axis] = _entry(sizes[axis], start, end, step)
    return f"{call.x()}[{', '.join(entries)}]" if entries else call.x()


def _entry(size: Dim, start: Dim, end: Dim, step: int) -> str:
    """One axis of a slice, within its bounds."""
    if isinstance(size, int) and isinstance(start, int) and isinstance(end, int) and step:
        first, last, _ = slice(start, end, step).indices(size)
        if step > 0:
            last = max(first, last)
        shown = [str(first) if first else "", str(last) if 0 <= last < size else ""]
        if step < 0:
            shown = [str(first), str(last) if last >= 0 else ""]
            if first <= last or first < 0:
                return "0:0"
    else:
        far = isinstance(end, int) and abs(end) >= 2**31 - 1
        shown = ["" if start == 0 else str(start), "" if far else str(end)]
    return ":".join(shown if step == 1 else [*shown, str(step)])


@maps("Squeeze")
def squeeze(call: Call) -> str:
    """Without axes of size 1."""
    axes = call.axes(1, call.ndim())
    return f"squeeze({call.x()})" if axes is None else f"squeeze({call.x()}, axis={listing(axes)})"


@maps("Unsqueeze")
def unsqueeze(call: Call) -> str:
    """With new axes of size 1."""
    given = call.integers("axes")
    axes = given if given is not None else call.ints(1, "the axes")
    return f"expand_dims({call.x()}, axis={listing(axes)})" if axes else call.x()


@maps("Expand")
def expand(call: Call) -> str:
    """Stretched to the shape that it and another one broadcast to."""
    target = broadcast(call.shape(), tuple(call.dims(1, "the shape")))
    return f"broadcast_to({call.x()}, {listing(target)})"


@maps("Tile")
def tile(call: Call) -> str:
    """Laid out several times along each axis."""
    return f"tile({call.x()}, {listing(call.ints(1, 'the repeats'))})"


@maps("Pad")
def pad(call: Call) -> str:
    """Margins around an array; negative ones cut off."""
    ndim, widths = call.ndim(), call.integers("pads") or call.ints(1, "the pads")
    axes = [call.axis(a, ndim) for a in call.ints(3, "the axes")] if call.has(3) else range(ndim)
    table: list[list[int]] = [[0, 0] for _ in range(ndim)]
    if len(widths) != 2 * len(axes):
        call.broken(f"has {len(widths)} widths for {len(axes)} axes")
    for i, axis in enumerate(axes):
        table[axis] = [widths[i], widths[i + len(axes)]]
    x = call.x()
    if any(w < 0 for pair in table for w in pair):
        cuts = [f"{max(0, -b)}:{f'-{-e}' if e < 0 else ''}" for b, e in table]
        x = call.let(f"{x}[{', '.join(cuts)}]", "cut")
        table = [[max(0, b), max(0, e)] for b, e in table]
    mode = call.word("mode", "constant")
    if mode != "constant":
        return f"pad({x}, {listing(table)}, mode='{mode}')"
    value = call.scalar(2, "the value of the padding") if call.has(2) else 0
    shown = f", value={call.number(value, call.dtype())}" if value else ""
    return f"pad({x}, {listing(table)}{shown})"


@maps("DepthToSpace")
def depth_to_space(call: Call) -> str:
    """Blocks of channels laid out in space."""
    p = call.integer("blocksize")
    inside = "c p q" if call.word("mode", "DCR") == "CRD" else "p q c"
    return f"rearrange({call.x()}, 'n ({inside}) h w -> n c (h p) (w q)', p={p}, q={p})"


@maps("SpaceToDepth")
def space_to_depth(call: Call) -> str:
    """Blocks in space stacked as channels."""
    p = call.integer("blocksize")
    return f"rearrange({call.x()}, 'n c (h p) (w q) -> n (p q c) h w', p={p}, q={p})"


@maps("Trilu")
def triangle(call: Call) -> str:
    """The upper or the lower triangle."""
    k = int(call.scalar(1, "the diagonal")) if call.has(1) else 0
    return f"{'triu' if call.integer('upper', 1) else 'tril'}({call.x()}, k={k})"


@maps("EyeLike")
def eye_like(call: Call) -> str:
    """Ones on a diagonal."""
    dtype = call.dtype_attribute("dtype", call.dtype())
    n, m = call.shape()
    return f"eye({n}, {m}, k={call.integer('k', 0)}, dtype={dtype})"


@maps("Range")
def range_(call: Call) -> str:
    """Numbers from start up to, and without, limit."""
    given = [call.number(call.scalar(i, f"the {w}"), call.dtype())
             for i, w in enumerate(("start", "limit", "delta"))]  # fmt: skip
    return f"arange({', '.join(given)}, dtype={call.dtype()})"


@maps("ReverseSequence")
def reverse_sequence(call: Call) -> str:
    """The first elements of each sequence in reverse order, the others as they are."""
    time, batch = call.integer("time_axis", 0), call.integer("batch_axis", 1)
    sizes = call.shape()
    steps, rows = ([n if i == axis else 1 for i, n in enumerate(sizes)] for axis in (time, batch))
    t = call.let(f"reshape(arange({sizes[time]}), {listing(steps)})", "time")
    n = call.let(f"reshape({call.x(1)}, {listing(rows)})", "lengths")
    index = call.let(f"broadcast_to(where({t} < {n}, {n} - 1 - {t}, {t}), {listing(sizes)})", "at")
    return f"take_along_axis({call.x()}, {index}, axis={time})"


@maps("Identity", "OptionalGetElement")
def identity(call: Call) -> Result:
    """The operand itself."""
    return call.item(0)


