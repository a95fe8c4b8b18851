"""Primitives that give arrays another shape, as expressions of PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from graphflow.interop.pytorch.primitives import (
    Site,
    axes,
    dims,
    dtype_text,
    operand,
    rule,
    sizes,
    tupled,
)
from graphflow.interop.source import Code, call, method
from graphflow.ir.dims import Dim
from graphflow.ir.graph import Attr
from graphflow.ops.rearrange import parse_pattern


@rule("reshape")
def _reshape(site: Site) -> Code:
    shape, before = dims(site), site.types[0].shape
    for i in range(len(shape)):  # the axes from i on are joined
        head = tuple(shape[:i]) == tuple(before[:i])
        if head and len(shape) == i + 1 and len(before) > i + 1:
            return method(operand(site), "flatten", *([i] if i else []))
    open_sizes = [i for i, d in enumerate(shape) if not isinstance(d, int)]
    if len(open_sizes) == 1:
        i = open_sizes[0]
        rest = [*shape[:i], -1, *shape[i + 1 :]]
        if all(rest):
            return method(operand(site), "reshape", sizes(site, rest))
    return method(operand(site), "reshape", sizes(site, shape, 0) or "()")


@rule("transpose")
def _transpose(site: Site) -> Code:
    order = site.node.attr("axes")
    assert isinstance(order, tuple)
    if order == (1, 0):
        return Code(f"{operand(site).at(10)}.T")
    return method(operand(site), "permute", *order)


@rule("broadcast_to")
def _broadcast_to(site: Site) -> Code:
    if site.args[0].scalar:
        dtype = dtype_text(site.types[0].dtype)
        return call("torch.full", tupled(site, dims(site)), site.args[0], dtype=dtype)
    return method(operand(site), "expand", sizes(site, dims(site)) or "()")


@rule("expand_dims")
def _expand_dims(site: Site) -> Code:
    added = site.node.attr("axis")
    assert isinstance(added, tuple)
    code = operand(site)
    for axis in sorted(added):  # type: ignore[type-var]
        code = method(code, "unsqueeze", axis)
    return code


@rule("squeeze")
def _squeeze(site: Site) -> Code:
    axis = site.node.attr("axis")
    return method(operand(site), "squeeze", axes(axis)) if axis else operand(site)


@rule("concat", "stack")
def _joined(site: Site) -> Code:
    name = "torch.cat" if site.node.op == "concat" else "torch.stack"
    parts = ", ".join(str(operand(site, i)) for i in range(len(site.args)))
    return call(name, f"[{parts}]", dim=site.node.attr("axis"))


@rule("split")
def _split(site: Site) -> Code:
    sections, axis = site.node.attr("sections"), site.node.attr("axis")
    if isinstance(sections, tuple):
        ends = [site.size(d).text for d in sections]  # type: ignore[arg-type]
        return call("torch.tensor_split", operand(site), f"({', '.join(ends)},)", dim=axis)
    return method(operand(site), "chunk", sections, dim=axis)


@rule("tile")
def _tile(site: Site) -> Code:
    return method(operand(site), "tile", sizes(site, dims(site, "reps")) or "()")


@rule("repeat")
def _repeat(site: Site) -> Code:
    repeats = site.size(site.node.attr("repeats"))  # type: ignore[arg-type]
    axis = site.node.attr("axis")
    source = operand(site) if axis is not None else method(operand(site), "flatten")
    return call("torch.repeat_interleave", source, repeats, dim=0 if axis is None else axis)


@rule("flip")
def _flip(site: Site) -> Code:
    axis = site.node.attr("axis")
    chosen = range(site.types[0].ndim) if axis is None else axis
    return method(operand(site), "flip", *chosen)  # type: ignore[misc]


@rule("roll")
def _roll(site: Site) -> Code:
    shift, axis = site.size(site.node.attr("shift")), site.node.attr("axis")  # type: ignore[arg-type]
    return call("torch.roll", operand(site), shift, axis)


@rule("tril", "triu")
def _triangle(site: Site) -> Code:
    k = site.size(site.node.attr("k"))  # type: ignore[arg-type]
    return call(f"torch.{site.node.op}", operand(site), *([k] if k.text != "0" else []))


@rule("diag")
def _diag(site: Site) -> Code:
    k = site.node.attr("k")
    last = site.types[0].ndim > 1
    name = "torch.diagonal" if last else "torch.diag_embed"
    keywords = {"dim1": -2, "dim2": -1} if last and site.types[0].ndim > 2 else {}
    return call(name, operand(site), offset=k or None, **keywords)


@rule("pad")
def _pad(site: Site) -> Code:
    widths, mode = site.node.attr("pad_width"), site.node.attr("mode")
    assert isinstance(widths, tuple)
    if mode not in ("constant", "edge", "reflect", "wrap"):
        site.refuse(f"margins of the kind '{mode}'")
    if mode != "constant":
        name = site.helper("pad_copying")
        rows = ", ".join(f"({sizes(site, pair)})" for pair in widths)  # type: ignore[arg-type]
        return call(name, operand(site), f"[{rows}]", f'"{mode}"')
    turned = [d for pair in reversed(widths) for d in pair]  # type: ignore[union-attr]
    value = site.node.attr("value")
    shown = site.literal(value, "value") if value != 0 else None
    return call("F.pad", operand(site), f"({sizes(site, turned)})", value=shown)  # type: ignore[arg-type]


@rule("rearrange")
def _rearrange(site: Site) -> Code:
    """``unflatten``, ``permute`` and ``flatten``, as many of them as it takes."""
    pattern, given = site.node.attr("pattern"), site.node.attr("sizes")
    assert isinstance(pattern, str) and isinstance(given, tuple)
    left, right = parse_pattern(pattern)
    known: dict[str, Dim] = dict(given)  # type: ignore[arg-type]
    if any(n in ("...", "1") or n not in known for group in (*left, *right) for n in group):
        return _rearranged_by_shape(site)
    code, names = operand(site), [n for group in left for n in group]
    for axis in reversed(range(len(left))):
        if len(left[axis]) != 1:
            parts = [str(d) if isinstance(d, int) else "-1" for d in (known[n] for n in left[axis])]
            if parts.count("-1") > 1 or not parts:
                return _rearranged_by_shape(site)
            parts = [site.literal(int(p), n) if p != "-1" else p
                     for p, n in zip(parts, left[axis], strict=True)]  # fmt: skip
            code = method(code, "unflatten", axis, f"({', '.join(parts)},)".replace(",)", ")")
                          if len(parts) > 1 else f"({parts[0]},)")  # fmt: skip
    order = [names.index(n) for group in right for n in group]
    if order != sorted(order):
        code = method(code, "permute", *order)
    for axis, group in reversed(list(enumerate(right))):
        start = sum(len(g) for g in right[:axis])
        if len(group) > 1:
            code = method(code, "flatten", start, start + len(group) - 1)
        elif not group:
            return _rearranged_by_shape(site)
    return code


def _rearranged_by_shape(site: Site) -> Code:
    """The general case: reshape, permute, reshape."""
    from graphflow.ops.rearrange import layout_of

    pattern, given = site.node.attr("pattern"), site.node.attr("sizes")
    layout = layout_of(site.types[0].shape, pattern, given)  # type: ignore[arg-type]
    code = method(operand(site), "reshape", sizes(site, layout.parts) or "()")
    if layout.order != tuple(range(len(layout.order))):
        code = method(code, "permute", *layout.order)
    return method(code, "reshape", sizes(site, layout.result) or "()")


@rule("slice")
def _slice(site: Site) -> Code:
    index = site.node.attr("index")
    assert isinstance(index, tuple)
    code, entries, reversed_axes = operand(site), [], []
    axis = 0
    for kind, *rest in cast("tuple[tuple[Attr, ...], ...]", index):
        size = site.types[0].shape[axis] if kind != "newaxis" else 0
        if kind == "slice" and isinstance(rest[2], int) and rest[2] < 0:
            reversed_axes.append(axis)
        axis += kind != "newaxis"
        entries.append(_entry(site, kind, rest, size))
    if reversed_axes:  # PyTorch has no negative steps
        return call(site.helper("strided"), code, _python_index(site, index))
    while entries and entries[-1] == ":":
        entries.pop()
    return Code(f"{code.at(10)}[{', '.join(entries)}]") if entries else code


def _entry(site: Site, kind: object, rest: Sequence[object], size: Dim) -> str:
    if kind == "newaxis":
        return "None"
    if kind == "index":
        return site.size(rest[0]).text  # type: ignore[arg-type]
    first, last, by = rest
    start = "" if first in (None, 0) else site.size(first).text  # type: ignore[arg-type]
    stop = "" if last is None or last == size else _stop(site, last, size)  # type: ignore[arg-type]
    return f"{start}:{stop}" + ("" if by in (None, 1) else f":{by}")


def _stop(site: Site, stop: Dim, size: Dim) -> str:
    """Where a slice ends, counted from the end where the size is a symbol."""
    left = stop - size
    if isinstance(left, int) and not isinstance(size, int) and left < 0:
        return str(left)
    return site.size(stop).text


def _python_index(site: Site, index: Sequence[Attr]) -> str:
    shown = []
    for kind, *rest in cast("tuple[tuple[Attr, ...], ...]", index):
        bounds = ["None" if b is None else site.size(b).text for b in rest]  # type: ignore[arg-type]
        shown.append({"newaxis": "None", "index": bounds[0] if bounds else ""}.get(
            str(kind), f"slice({', '.join(bounds)})"))  # fmt: skip
    return f"({', '.join(shown)},)"
