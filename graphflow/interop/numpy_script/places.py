"""Primitives that look up, write at positions and search, as expressions of NumPy."""

from __future__ import annotations

from typing import cast

from graphflow.interop.numpy_script.rules import array, arrays, rule, size, tupled
from graphflow.interop.rules import Site
from graphflow.interop.source import Code, call, quoted
from graphflow.ir.dims import Dim


@rule("take")
def _take(site: Site) -> Code:
    return call("np.take", *arrays(site), axis=site.node.attr("axis"))


@rule("take_along_axis")
def _take_along_axis(site: Site) -> Code:
    axis = cast(int, site.node.attr("axis"))
    (x, indices), (of, at) = arrays(site), (type.shape for type in site.types)
    cut = ["" if i == axis or of[i] == n else f"{size(n)}" for i, n in enumerate(at)]
    if any(cut):  # the rest of x is not looked at
        x = Code(f"{x.at(10)}[{', '.join(f':{n}' for n in cut)}]")
    return call("np.take_along_axis", x, indices, axis=axis)


@rule("scatter_add", "scatter_add_along_axis")
def _scatter_add(site: Site) -> Code:
    total = size(cast(Dim, site.node.attr("size")))
    return call(site.helper(site.node.op), *arrays(site), total, site.node.attr("axis"))


STEPS = {"none": None, "add": "np.add", "mul": "np.multiply", "max": "np.maximum",
         "min": "np.minimum"}  # fmt: skip


@rule("scatter", "scatter_nd")
def _scatter(site: Site) -> Code:
    step = STEPS[str(site.node.attr("reduce"))]
    where = site.node.attr("axis" if site.node.op == "scatter" else "batch_dims")
    return call(site.helper(site.node.op), *arrays(site), step, where)


@rule("gather_nd")
def _gather_nd(site: Site) -> Code:
    return call(site.helper("gather_nd"), *arrays(site), site.node.attr("batch_dims"))


# -- order and search ----------------------------------------------------------------------------
@rule("sort", "argsort")
def _sort(site: Site) -> Code:
    axis, x = site.node.attr("axis"), array(site)
    descending = site.node.attr("descending")
    if descending and site.node.op == "argsort":
        return call(site.helper("descending"), x, axis)
    found = call(f"np.{site.node.op}", x, axis=axis, kind='"stable"')
    return call("np.flip", found, axis) if descending else found


@rule("topk")
def _topk(site: Site) -> Code:
    k, axis, largest = (site.node.attr(name) for name in ("k", "axis", "largest"))
    return call(site.helper("topk"), array(site), size(cast(Dim, k)), axis, largest)


@rule("searchsorted")
def _searchsorted(site: Site) -> Code:
    side = site.node.attr("side")
    shown = None if side == "left" else quoted(str(side))
    return call("np.searchsorted", *arrays(site), side=shown)


@rule("nonzero", "unique")
def _found(site: Site) -> Code:
    room, fill = size(cast(Dim, site.node.attr("size"))), tupled(site.node.attr("fill"))
    return call(site.helper(site.node.op), array(site), room, fill)
