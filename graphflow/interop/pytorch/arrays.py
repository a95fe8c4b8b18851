"""Primitives that reduce, look up, create, draw and convolve, as expressions of PyTorch."""

from __future__ import annotations

from graphflow.interop.pytorch.primitives import (
    Site,
    axes,
    dims,
    dtype_text,
    margins,
    operand,
    rule,
    sizes,
    tensor,
    tupled,
)
from graphflow.interop.source import Code, call, infix, method, quoted
from graphflow.ir.dims import Symbolic
from graphflow.ir.graph import Attr
from graphflow.ir.types import DType

REDUCTIONS = {
    "sum": "torch.sum", "mean": "torch.mean", "var": "torch.var", "max": "torch.amax",
    "min": "torch.amin", "logsumexp": "torch.logsumexp", "any": "torch.any", "all": "torch.all",
}  # fmt: skip


@rule(*REDUCTIONS)
def _reduction(site: Site) -> Code:
    op, axis, keep = site.node.op, site.node.attr("axis"), site.node.attr("keepdims") or None
    assert isinstance(axis, tuple)
    x = operand(site)
    if not axis:  # one number is left as it is
        return infix("*", x, Code("0")) if op == "var" else x
    whole = len(axis) == site.types[0].ndim and not keep
    dim = None if whole and op != "logsumexp" else axes(axis)
    correction = site.node.attr("correction") if op == "var" else None
    return call(REDUCTIONS[op], x, dim=dim, keepdim=keep, correction=correction)


@rule("prod")
def _prod(site: Site) -> Code:
    axis, keep = site.node.attr("axis"), site.node.attr("keepdims")
    assert isinstance(axis, tuple)
    x = operand(site)
    if len(axis) == site.types[0].ndim and not keep:
        return call("torch.prod", x)
    for a in sorted(axis, reverse=True):  # type: ignore[type-var]
        x = call("torch.prod", x, dim=a, keepdim=keep or None)
    return x


@rule("argmax", "argmin")
def _arg(site: Site) -> Code:
    keep = site.node.attr("keepdims") or None
    return call(f"torch.{site.node.op}", operand(site), dim=site.node.attr("axis"), keepdim=keep)


@rule("sort", "argsort")
def _sort(site: Site) -> Code:
    down = site.node.attr("descending") or None
    axis = site.node.attr("axis")
    code = call("torch.sort", operand(site), dim=axis, descending=down, stable=True)
    return Code(f"{code}.{'values' if site.node.op == 'sort' else 'indices'}")


@rule("topk")
def _topk(site: Site) -> Code:
    k = site.literal(site.node.attr("k"), "k")
    largest = None if site.node.attr("largest") else False
    return call("torch.topk", operand(site), k, dim=site.node.attr("axis"), largest=largest)


@rule("cumsum", "cumprod")
def _cumulated(site: Site) -> Code:
    axis, back = site.node.attr("axis"), site.node.attr("reverse")
    assert isinstance(axis, int)
    x = method(operand(site), "flip", axis) if back else operand(site)
    if site.node.attr("exclusive"):  # what comes before: a 0 or 1 in front, the last one left out
        rank = site.types[0].ndim
        margins = ", ".join(["0, 0"] * (rank - 1 - axis) + ["1, -1"])
        x = call("F.pad", x, f"({margins})", value=None if site.node.op == "cumsum" else 1)
    code = call(f"torch.{site.node.op}", x, dim=axis)
    return method(code, "flip", axis) if back else code


@rule("einsum")
def _einsum(site: Site) -> Code:
    subscripts = site.node.attr("subscripts")
    assert isinstance(subscripts, str)
    return call("torch.einsum", quoted(subscripts), *map(str, site.args))


@rule("addmm")
def _addmm(site: Site) -> Code:
    start, x, y, alpha = site.args
    return infix("+", start, infix("*", alpha, infix("@", x, y)))


@rule("solve")
def _solve(site: Site) -> Code:
    return call("torch.linalg.solve", *site.args)


@rule("triangular_solve")
def _triangular_solve(site: Site) -> Code:
    a, b = site.args
    vector = site.types[1].ndim == 1
    right = Code(f"{b.at(10)}[:, None]") if vector else b
    code = call("torch.linalg.solve_triangular", a, right, upper=not site.node.attr("lower"),
                unitriangular=site.node.attr("unitriangular") or None)  # fmt: skip
    return Code(f"{code}[:, 0]") if vector else code


# -- indexing ------------------------------------------------------------------------------------
@rule("take")
def _take(site: Site) -> Code:
    axis = site.node.attr("axis")
    assert isinstance(axis, int)
    x, indices = operand(site), site.args[1]
    if axis == 0 and not site.node.attr("negative") and site.types[0].ndim == 2:
        return call("F.embedding", indices, x)
    return Code(f"{x.at(10)}[{':, ' * axis}{indices}]")


@rule("take_along_axis")
def _take_along_axis(site: Site) -> Code:
    axis, indices = site.node.attr("axis"), operand(site, 1)
    assert isinstance(axis, int)
    if site.node.attr("negative"):
        indices = infix("%", indices, site.size(site.types[0].shape[axis], 0))
    return call("torch.gather", operand(site), axis, indices)


@rule("one_hot")
def _one_hot(site: Site) -> Code:
    classes, dtype = site.size(site.node.attr("classes")), site.node.attr("dtype")  # type: ignore[arg-type]
    assert isinstance(dtype, DType)
    inside = infix("==", Code(f"{operand(site).at(10)}[..., None]"), call("torch.arange", classes))
    return Code(f"({inside}).to({dtype_text(dtype)})")


# -- new arrays ----------------------------------------------------------------------------------
def _dtype(site: Site, name: str = "dtype") -> str | None:
    dtype = site.node.attr(name)
    return dtype_text(dtype) if isinstance(dtype, DType) and dtype is not DType.FLOAT else None


@rule("zeros", "ones")
def _filled(site: Site) -> Code:
    return call(f"torch.{site.node.op}", sizes(site, dims(site)) or "()", dtype=_dtype(site))


@rule("full")
def _full(site: Site) -> Code:
    value = site.literal(site.node.attr("value"), "value")
    result = site.node.tensor.dtype
    dtype = dtype_text(result)
    return call("torch.full", tupled(site, dims(site)), value, dtype=dtype)


@rule("eye")
def _eye(site: Site) -> Code:
    n, m, k = (site.node.attr(name) for name in ("n", "m", "k"))
    if k:
        code = call("torch.ones", sizes(site, (n, m)))  # type: ignore[arg-type]
        code = method(method(code, "tril", k), "triu", k)
        return code if _dtype(site) is None else method(code, "to", _dtype(site))
    both = [n] if n == m or m is None else [n, m]
    return call("torch.eye", sizes(site, both), dtype=_dtype(site))  # type: ignore[arg-type]


@rule("arange")
def _arange(site: Site) -> Code:
    start, stop, step = (site.node.attr(name) for name in ("start", "stop", "step"))
    if stop is None:
        start, stop = 0, start
    shown = [_bound(site, b) for b in (start, stop, step)]
    if step == 1:
        shown = shown[:2] if start != 0 else shown[1:2]
    dtype = site.node.tensor.dtype
    return call("torch.arange", *shown, dtype=None if dtype is DType.INT64 else dtype_text(dtype))


def _bound(site: Site, value: Attr) -> str:
    if isinstance(value, int | Symbolic):
        return site.size(value).text
    return site.literal(value, "bound")


@rule("linspace")
def _linspace(site: Site) -> Code:
    start, stop, num = (site.node.attr(name) for name in ("start", "stop", "num"))
    count = site.size(num)  # type: ignore[arg-type]
    if site.node.attr("endpoint"):
        return call("torch.linspace", _bound(site, start), _bound(site, stop), count)
    more = infix("+", count, Code("1"))
    return Code(f"{call('torch.linspace', _bound(site, start), _bound(site, stop), more)}[:-1]")


# -- random --------------------------------------------------------------------------------------
@rule("uniform")
def _uniform(site: Site) -> Code:
    low, high = site.node.attr("low"), site.node.attr("high")
    drawn = call("torch.rand", sizes(site, dims(site)) or "()", dtype=_dtype(site))
    if (low, high) == (0, 1):
        return drawn
    empty = call("torch.empty", sizes(site, dims(site)) or "()", dtype=_dtype(site))
    return method(empty, "uniform_", site.literal(low, "low"), site.literal(high, "high"))


@rule("normal")
def _normal(site: Site) -> Code:
    mean, std = site.node.attr("mean"), site.node.attr("std")
    drawn = call("torch.randn", sizes(site, dims(site)) or "()", dtype=_dtype(site))
    if std != 1:
        drawn = infix("*", Code(site.literal(std, "std")), drawn)
    return drawn if mean == 0 else infix("+", Code(site.literal(mean, "mean")), drawn)


@rule("truncated_normal")
def _truncated_normal(site: Site) -> Code:
    names = ("mean", "std", "low", "high")
    mean, std, low, high = (site.literal(site.node.attr(n), n) for n in names)
    empty = call("torch.empty", sizes(site, dims(site)) or "()", dtype=_dtype(site))
    return call("nn.init.trunc_normal_", empty, mean, std, low, high)


@rule("bernoulli")
def _bernoulli(site: Site) -> Code:
    p, dtype = site.literal(site.node.attr("p"), "p"), site.node.tensor.dtype
    drawn = infix("<", call("torch.rand", sizes(site, dims(site)) or "()"), Code(p))
    return method(drawn, "to", dtype_text(dtype)) if dtype is not DType.BOOL else drawn


@rule("randint")
def _randint(site: Site) -> Code:
    low, high = (site.size(site.node.attr(n)) for n in ("low", "high"))  # type: ignore[arg-type]
    return call("torch.randint", low, high, tupled(site, dims(site)))


@rule("permutation")
def _permutation(site: Site) -> Code:
    return call("torch.randperm", site.size(site.node.attr("n")))  # type: ignore[arg-type]


# -- neighbourhoods ------------------------------------------------------------------------------
def per_axis(site: Site, name: str) -> str:
    """One entry for each spatial axis, written once where all are equal."""
    value = site.node.attr(name)
    assert isinstance(value, tuple)
    return site.literal(value[0], name) if len(set(value)) == 1 else repr(value)


def _sides(site: Site) -> tuple[Code, str]:
    """The operand and its padding: uneven margins are padded beforehand."""
    pairs = margins(site)
    if any(before != after for before, after in pairs):
        turned = [d for pair in reversed(pairs) for d in pair]
        if site.node.op not in ("conv", "max_pool"):
            site.refuse("margins that differ between the sides")
        fill = {"value": "-torch.inf"} if site.node.op == "max_pool" else {}
        return call("F.pad", operand(site), f"({sizes(site, turned)})", **fill), "0"
    once = [before for before, _ in pairs]
    same = len(set(once)) == 1
    return operand(site), site.literal(once[0], "padding") if same else repr(tuple(once))


@rule("conv")
def _conv(site: Site) -> Code:
    x, padding = _sides(site)
    rank = site.types[0].ndim - 2
    return call(f"F.conv{rank}d", x, operand(site, 1), **_window(site, padding))


@rule("conv_transpose")
def _conv_transpose(site: Site) -> Code:
    x, padding = _sides(site)
    extra = per_axis(site, "output_padding")
    rank = site.types[0].ndim - 2
    more = {"output_padding": extra} if site.node.attr("output_padding") else {}
    return call(f"F.conv_transpose{rank}d", x, operand(site, 1), **_window(site, padding), **more)


def _window(site: Site, padding: str) -> dict[str, str]:
    return {
        "stride": per_axis(site, "stride"), "padding": padding,
        "dilation": per_axis(site, "dilation"),
        "groups": site.literal(site.node.attr("groups"), "groups"),
    }  # fmt: skip


@rule("max_pool")
def _max_pool(site: Site) -> Code:
    x, padding = _sides(site)
    ceil = site.node.attr("ceil_mode") or None
    rank = site.types[0].ndim - 2
    return call(f"F.max_pool{rank}d", x, per_axis(site, "kernel_size"), per_axis(site, "stride"),
                padding, per_axis(site, "dilation"), ceil_mode=ceil)  # fmt: skip


@rule("avg_pool")
def _avg_pool(site: Site) -> Code:
    x, padding = _sides(site)
    ceil = site.node.attr("ceil_mode") or None
    inside = None if site.node.attr("count_include_pad") else False
    rank = site.types[0].ndim - 2
    return call(f"F.avg_pool{rank}d", x, per_axis(site, "kernel_size"), per_axis(site, "stride"),
                padding, ceil_mode=ceil, count_include_pad=inside)  # fmt: skip


@rule("adaptive_avg_pool", "adaptive_max_pool")
def _adaptive_pool(site: Site) -> Code:
    rank = site.types[0].ndim - 2
    given = dims(site, "output_size")
    shown = site.size(given[0]).text if len(set(given)) == 1 else tupled(site, given)
    return call(f"F.{site.node.op}{rank}d", tensor(site.args[0]), shown)
