"""Pooling."""

from __future__ import annotations

from math import prod

from graphflow.interop.onnx.reader.call import Call, join
from graphflow.interop.onnx.reader.maps.windows import Window, known_sizes, window
from graphflow.interop.onnx.reader.table import Result, maps
from graphflow.interop.onnx.reader.text import listing
from graphflow.ir.dims import product


def _window(call: Call) -> Window:
    return window(call, call.integers("kernel_shape") or [], call.shape()[2:])


@maps("MaxPool")
def max_pool(call: Call) -> list[Result]:
    """The largest element of each window, and where it lies."""
    found, x = _window(call), call.x()
    if not call.dtype().is_float:
        x = call.let(f"cast({x}, float)", "float")
    simple = found.before == found.after and all(
        2 * p <= k for p, k in zip(found.before, found.kernel, strict=True)
    )
    if simple:
        options = [o for o in found.options() if not o.startswith("stride")]
        options += ["ceil_mode=true"] if found.ceil else []
        arguments = join([x, listing(found.kernel), f"stride={listing(found.stride)}", *options])
        best = f"max_pool({arguments})"
    else:
        x = _surrounded(call, x, found, "-inf")
        arguments = join([x, listing(found.kernel), f"stride={listing(found.stride)}",
                          f"dilation={listing(found.dilation)}"])  # fmt: skip
        best = f"max_pool({arguments})"
    if not call.dtype().is_float:
        best = f"cast({best}, {call.dtype()})"
    if not call.wants(1):
        return [best]
    if not simple:
        call.unsupported("with indices and this padding is not supported")
    return [best, _flat_indices(call, arguments)]


def _flat_indices(call: Call, arguments: str) -> str:
    """Positions in the whole array instead of in each plane."""
    sizes = call.shape()
    plane = product(sizes[2:])
    at = f"max_pool_indices({arguments})"
    if call.integer("storage_order", 0):
        if len(sizes) != 4:
            call.unsupported("with storage_order=1 is there for two spatial axes only")
        h, w = sizes[2:]
        row = call.let(at, "at")
        at = f"{row} % {w} * {h} + {row} // {w}"
    ones = [1] * (len(sizes) - 2)
    starts = f"arange({sizes[0] * sizes[1]}) * {plane}"
    return f"{at} + reshape({starts}, {listing([sizes[0], sizes[1], *ones])})"


def _surrounded(call: Call, x: str, found: Window, value: str) -> str:
    """``x`` with its padding, and as much more as a last, incomplete window covers."""
    sizes = known_sizes(call)
    counts = found.counts(sizes)
    pairs = [[0, 0], [0, 0]]
    for i, n in enumerate(sizes):
        reach = (counts[i] - 1) * found.stride[i] + found.extent[i]
        pairs.append([found.before[i], max(found.after[i], reach - n - found.before[i])])
    if not any(p for pair in pairs for p in pair):
        return x
    return call.let(f"pad({x}, {listing(pairs)}, value={value})", "padded")


def _sums(call: Call, x: str, found: Window) -> str:
    """The sum over each window of an array that has its padding."""
    channels = call.shape()[1]
    if all(d == 1 for d in found.dilation):
        mean = f"avg_pool({x}, {listing(found.kernel)}, stride={listing(found.stride)})"
        return f"{mean} * {prod(found.kernel)}"
    kernel = listing([channels, 1, *found.kernel])
    options = join([f"stride={listing(found.stride)}", f"dilation={listing(found.dilation)}"])
    return f"conv({x}, ones({kernel}), {options}, groups={channels})"


@maps("AveragePool")
def average_pool(call: Call) -> str:
    """The mean of each window, over the padding too where that is wanted."""
    found, include = _window(call), bool(call.integer("count_include_pad", 0))
    plain = all(d == 1 for d in found.dilation) and found.before == found.after
    if plain and all(2 * p <= k for p, k in zip(found.before, found.kernel, strict=True)):
        options = [f"stride={listing(found.stride)}"]
        options += [f"padding={found.padding}"] if found.padded else []
        options += ["ceil_mode=true"] if found.ceil else []
        options += ["count_include_pad=false"] if not include and options[1:] else []
        return f"avg_pool({join([call.x(), listing(found.kernel), *options])})"
    sizes = known_sizes(call)
    ones = f"ones({listing([1, call.shape()[1], *sizes])}, {call.dtype()})"
    if include:
        pairs = [[0, 0], [0, 0], *map(list, zip(found.before, found.after, strict=True))]
        ones = f"pad({ones}, {listing(pairs)}, value=1)"
    members = call.let(ones, "members")
    if include:
        rest = Window(found.kernel, found.stride, found.dilation, [0] * len(sizes),
                      [0] * len(sizes), found.ceil)  # fmt: skip
        members = _reaching(call, members, found, rest, sizes)
    else:
        members = _surrounded(call, members, found, "0")
    total = _sums(call, _surrounded(call, call.x(), found, "0"), found)
    return f"{total} / ({_sums(call, members, found)})"


def _reaching(call: Call, x: str, found: Window, rest: Window, sizes: list[int]) -> str:
    """``x``, which has its padding, with what a last window covers beyond it."""
    counts, pairs = found.counts(sizes), [[0, 0], [0, 0]]
    for i, n in enumerate(sizes):
        room = n + found.before[i] + found.after[i]
        pairs.append([0, max(0, (counts[i] - 1) * rest.stride[i] + rest.extent[i] - room)])
    return call.let(f"pad({x}, {listing(pairs)})", "reach") if any(e for _, e in pairs) else x


@maps("LpPool")
def lp_pool(call: Call) -> str:
    """The p-norm of each window."""
    found, p = _window(call), call.integer("p", 2)
    powers = f"{call.x()} ** {p}" if p % 2 == 0 else f"abs({call.x()}) ** {p}"
    x = _surrounded(call, call.let(powers, "powers"), found, "0")
    total = f"({_sums(call, x, found)})"
    return f"sqrt{total}" if p == 2 else f"{total} ** {1 / p}"


@maps("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
def over_all(call: Call) -> str:
    """One number for each channel."""
    axes = listing(range(2, call.ndim()))
    if call.op == "GlobalLpPool":
        p = call.integer("p", 2)
        return f"sum(abs({call.x()}) ** {p}, axis={axes}, keepdims=true) ** {1 / p}"
    name = "mean" if call.op == "GlobalAveragePool" else "max"
    return f"{name}({call.x()}, axis={axes}, keepdims=true)"


@maps("MaxUnpool")
def max_unpool(call: Call) -> str:
    """Elements put back to where max pooling took them from, zeros elsewhere."""
    sizes = call.shape()
    kernel = call.integers("kernel_shape") or []
    stride = call.integers("strides") or [1] * len(kernel)
    pads = call.integers("pads") or [0] * (2 * len(kernel))
    target = [*sizes[:2]]
    for i, n in enumerate(sizes[2:]):
        target.append((n - 1) * stride[i] + kernel[i] - pads[i] - pads[i + len(kernel)])
    at = f"reshape({call.x(1)}, [-1])"
    flat = f"scatter_add(reshape({call.x()}, [-1]), {at}, {product(target)})"
    whole = f"reshape({flat}, {listing(target)})"
    wanted = call.dims(2, "the shape") if call.has(2) else target
    if wanted == target:
        return whole
    more = [[0, w - t] for w, t in zip(wanted, target, strict=True)]
    return f"pad({whole}, {listing(more)})"
