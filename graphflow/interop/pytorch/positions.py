"""Primitives that write, search and count by position, as expressions of PyTorch."""

from __future__ import annotations

from graphflow.interop.pytorch.arrays import per_axis
from graphflow.interop.pytorch.primitives import Site, dims, margins, operand, rule, sizes, tupled
from graphflow.interop.source import Code, call, infix, method, quoted

REDUCES = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}


@rule("scatter")
def _scatter(site: Site) -> Code:
    x, indices, updates = (operand(site, i) for i in range(3))
    axis, reduce = site.node.attr("axis"), site.node.attr("reduce")
    if reduce == "none":
        return call("torch.scatter", x, axis, _counted_up(site, indices), updates)
    kind = quoted(REDUCES[str(reduce)])
    return call("torch.scatter_reduce", x, axis, _counted_up(site, indices), updates, kind)


def _counted_up(site: Site, indices: Code) -> Code:
    """Positions without negative ones, which count from the end."""
    axis = site.node.attr("axis")
    assert isinstance(axis, int)
    return infix("%", indices, site.size(site.types[0].shape[axis], 0))


@rule("scatter_add")
def _scatter_add(site: Site) -> Code:
    """``index_add`` into zeros; positions of several axes are joined into one."""
    site.node.attr("size")  # the result's shape says it
    updates, indices = operand(site), operand(site, 1)
    axis, shape = site.node.attr("axis"), site.node.tensor.shape
    assert isinstance(axis, int)
    rank = site.types[1].ndim
    if rank != 1:
        indices = method(indices, "flatten") if rank else method(indices, "reshape", 1)
        flat = "flatten" if rank else "unsqueeze"
        ends = (axis, axis + rank - 1) if rank else (axis,)
        updates = method(updates, flat, *ends)
    zeros = call("torch.zeros", sizes(site, shape), dtype=f"{updates.at(10)}.dtype")
    return method(zeros, "index_add", axis, indices, updates)


@rule("scatter_add_along_axis")
def _scatter_add_along_axis(site: Site) -> Code:
    site.node.attr("size")
    updates, indices = operand(site), operand(site, 1)
    zeros = call("torch.zeros", sizes(site, site.node.tensor.shape),
                 dtype=f"{updates.at(10)}.dtype")  # fmt: skip
    return method(zeros, "scatter_add", site.node.attr("axis"), indices, updates)


@rule("cummax", "cummin")
def _extreme_so_far(site: Site) -> Code:
    code = call(f"torch.{site.node.op}", operand(site), dim=site.node.attr("axis"))
    return Code(f"{code}.values")


@rule("logcumsumexp")
def _logcumsumexp(site: Site) -> Code:
    return call("torch.logcumsumexp", operand(site), dim=site.node.attr("axis"))


@rule("svd")
def _svd(site: Site) -> Code:
    return call("torch.linalg.svd", operand(site), full_matrices=False)


@rule("pinv")
def _pinv(site: Site) -> Code:
    rcond = site.node.attr("rcond")
    shown = None if rcond is None else site.literal(rcond, "rcond")
    return call("torch.linalg.pinv", operand(site), rtol=shown)


@rule("matrix_rank")
def _matrix_rank(site: Site) -> Code:
    tol = site.node.attr("tol")
    more = {} if tol is None else {"atol": site.literal(tol, "tol"), "rtol": 0}
    return call("torch.linalg.matrix_rank", operand(site), **more)


@rule("polygamma")
def _polygamma(site: Site) -> Code:
    return call("torch.polygamma", site.literal(site.node.attr("n"), "n"), operand(site))


@rule("searchsorted")
def _searchsorted(site: Site) -> Code:
    side = site.node.attr("side")
    shown = None if side == "left" else quoted(str(side))
    return call("torch.searchsorted", operand(site), operand(site, 1), side=shown)


@rule("nonzero")
def _nonzero(site: Site) -> Code:
    size, fill = (site.literal(site.node.attr(name), name) for name in ("size", "fill"))
    found = call("torch.nonzero_static", operand(site), size=size, fill_value=fill)
    return Code(f"{found}.T")


@rule("unfold")
def _unfold(site: Site) -> Code:
    return call(_pictures(site), operand(site), **_windows(site))


@rule("fold")
def _fold(site: Site) -> Code:
    return call(_pictures(site), operand(site), tupled(site, dims(site, "output_size")),
                **_windows(site))  # fmt: skip


def _pictures(site: Site) -> str:
    """PyTorch has these two for pictures with even margins."""
    pairs = margins(site)
    if len(pairs) != 2 or any(before != after for before, after in pairs):
        site.refuse(f"PyTorch's {site.node.op} takes pictures (N, C, H, W) with even margins")
    return f"F.{site.node.op}"


def _windows(site: Site) -> dict[str, str]:
    once = tuple(before for before, _ in margins(site))
    return {
        "kernel_size": per_axis(site, "kernel_size"), "dilation": per_axis(site, "dilation"),
        "padding": repr(once), "stride": per_axis(site, "stride"),
    }  # fmt: skip
