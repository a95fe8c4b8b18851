"""Primitives that reduce, create, draw and convolve, as expressions of NumPy."""

from __future__ import annotations

from typing import cast

from graphflow.interop.numpy_script.rules import (
    array,
    arrays,
    dtype_text,
    rule,
    shape_of,
    size,
    tupled,
)
from graphflow.interop.rules import Site
from graphflow.interop.source import Code, call, infix, method, number, quoted
from graphflow.ir.dims import Dim, Shape
from graphflow.ir.graph import Attr
from graphflow.ir.types import DType
from graphflow.ops.rearrange import layout_of
from graphflow.ops.windows import Windows

REDUCTIONS = ("sum", "mean", "var", "prod", "max", "min", "any", "all")


@rule(*REDUCTIONS)
def _reduction(site: Site) -> Code:
    axis, keep = site.node.attr("axis"), site.node.attr("keepdims") or None
    assert isinstance(axis, tuple)
    whole = len(axis) == site.types[0].ndim
    chosen = None if whole else (axis[0] if len(axis) == 1 else tupled(axis))
    ddof = site.node.attr("correction") or None if site.node.op == "var" else None
    dtype = _counting(site) if site.node.op in ("sum", "prod") else None
    return call(
        f"np.{site.node.op}", array(site), axis=chosen, keepdims=keep, ddof=ddof, dtype=dtype
    )


@rule("logsumexp")
def _logsumexp(site: Site) -> Code:
    keep = site.node.attr("keepdims") or None
    return call(
        site.helper("logsumexp"), array(site), tupled(site.node.attr("axis")), keepdims=keep
    )


@rule("argmax", "argmin")
def _arg(site: Site) -> Code:
    keep = site.node.attr("keepdims") or None
    return call(f"np.{site.node.op}", array(site), axis=site.node.attr("axis"), keepdims=keep)


@rule("cumsum", "cumprod")
def _cumulated(site: Site) -> Code:
    axis, x = site.node.attr("axis"), array(site)
    exclusive, reverse = site.node.attr("exclusive"), site.node.attr("reverse")
    name, dtype = site.node.op, _counting(site)
    if not exclusive and not reverse:
        return call(f"np.{name}", x, axis=axis, dtype=dtype)
    step = {"cumsum": "np.add", "cumprod": "np.multiply"}[name]
    x = x if site.types[0].dtype.is_float else method(x, "astype", "np.int64")
    return call(site.helper("running"), x, step, axis, exclusive, reverse)


@rule("cummax", "cummin", "logcumsumexp")
def _accumulated(site: Site) -> Code:
    steps = {"cummax": "np.maximum", "cummin": "np.minimum", "logcumsumexp": "np.logaddexp"}
    return call(f"{steps[site.node.op]}.accumulate", array(site), axis=site.node.attr("axis"))


def _counting(site: Site) -> str | None:
    """The number type of sums and products, where NumPy would keep to one without a sign."""
    return "np.int64" if site.types[0].dtype.value.startswith("u") else None


@rule("einsum")
def _einsum(site: Site) -> Code:
    return call("np.einsum", quoted(str(site.node.attr("subscripts"))), *arrays(site))


@rule("addmm")
def _addmm(site: Site) -> Code:
    start, x, y, alpha = arrays(site)
    return infix("+", start, infix("*", alpha, infix("@", x, y)))


@rule("one_hot")
def _one_hot(site: Site) -> Code:
    classes, dtype = size(cast(Dim, site.node.attr("classes"))), site.node.attr("dtype")
    assert isinstance(dtype, DType)
    hit = infix("==", Code(f"{array(site)}[..., None]"), call("np.arange", classes))
    return Code(f"({hit}).astype({dtype_text(dtype)})")


@rule("rearrange")
def _rearrange(site: Site) -> Code:
    pattern, sizes = site.node.attr("pattern"), site.node.attr("sizes")
    layout = layout_of(site.types[0].shape, str(pattern), sizes)  # type: ignore[arg-type]
    parts, result = tupled(layout.parts), tupled(layout.result)
    return call(site.helper("rearranged"), array(site), parts, layout.order, result)


# -- new arrays ----------------------------------------------------------------------------------
@rule("zeros", "ones")
def _filled(site: Site) -> Code:
    return call(f"np.{site.node.op}", shape_of(site), dtype_text(site.node.tensor.dtype))


@rule("full")
def _full(site: Site) -> Code:
    return call("np.full", shape_of(site), _number(site.node.attr("value")),
                dtype_text(site.node.tensor.dtype))  # fmt: skip


@rule("eye")
def _eye(site: Site) -> Code:
    n, m, k = (site.node.attr(name) for name in ("n", "m", "k"))
    shown = size(cast(Dim, n)), size(cast("Dim | None", m)), size(cast(Dim, k))
    return call("np.eye", *shown, dtype_text(site.node.tensor.dtype))


@rule("arange")
def _arange(site: Site) -> Code:
    start, stop, step = (site.node.attr(name) for name in ("start", "stop", "step"))
    bounds = (start, stop, step) if stop is not None else (0, start, step)
    dtype = dtype_text(site.node.tensor.dtype)
    return call("np.arange", *(_number(b) for b in bounds), dtype)


@rule("linspace")
def _linspace(site: Site) -> Code:
    start, stop, num = (_number(site.node.attr(name)) for name in ("start", "stop", "num"))
    end = None if site.node.attr("endpoint") else False
    dtype = dtype_text(site.node.tensor.dtype)
    return call("np.linspace", start, stop, num, endpoint=end, dtype=dtype)


def _number(value: Attr) -> str:
    return number(value, "np").text if isinstance(value, int | float) else str(value)


# -- random --------------------------------------------------------------------------------------
DRAWS = {
    "uniform": ("uniform", ("low", "high")),
    "normal": ("normal", ("mean", "std")),
    "randint": ("integers", ("low", "high")),
}


@rule(*DRAWS)
def _drawn(site: Site) -> Code:
    name, arguments = DRAWS[site.node.op]
    shown = [_number(site.node.attr(a)) for a in arguments]
    drawn = call(f"rng.{name}", *shown, shape_of(site))
    dtype = site.node.tensor.dtype
    return call("np.asarray", drawn, dtype_text(dtype)) if dtype.is_float else drawn


@rule("bernoulli")
def _bernoulli(site: Site) -> Code:
    drawn = infix("<", call("rng.random", shape_of(site)), Code(_number(site.node.attr("p"))))
    return call("np.asarray", drawn, dtype_text(site.node.tensor.dtype))


@rule("truncated_normal")
def _truncated_normal(site: Site) -> Code:
    arguments = [_number(site.node.attr(n)) for n in ("mean", "std", "low", "high")]
    drawn = call(site.helper("truncated_normal"), "rng", *arguments, shape_of(site))
    return method(drawn, "astype", dtype_text(site.node.tensor.dtype))


@rule("categorical")
def _categorical(site: Site) -> Code:
    return call(site.helper("categorical"), "rng", array(site), shape_of(site))


@rule("permutation")
def _permutation(site: Site) -> Code:
    return call("rng.permutation", size(cast(Dim, site.node.attr("n"))))


# -- neighbourhoods ------------------------------------------------------------------------------
def _attrs(site: Site, *names: str) -> list[str]:
    return [tupled(site.node.attr(name)) for name in names]


def _counts(site: Site) -> str:
    """The spatial sizes of the result."""
    return tupled(site.node.tensor.shape[2:])


@rule("conv", "conv_transpose")
def _conv(site: Site) -> Code:
    name = site.helper(site.node.op)
    return call(name, *arrays(site), *_attrs(site, "stride", "padding", "dilation", "groups"),
                _counts(site))  # fmt: skip


@rule("conv_weight_grad")
def _conv_weight_grad(site: Site) -> Code:
    names = ("kernel", "stride", "padding", "dilation", "groups")
    return call(site.helper("conv_weight_grad"), *arrays(site), *_attrs(site, *names))


@rule("max_pool", "max_pool_indices")
def _max_pool(site: Site) -> Code:
    names = ("kernel_size", "stride", "padding", "dilation")
    return call(site.helper(site.node.op), array(site), *_attrs(site, *names), _counts(site))


@rule("avg_pool", "avg_unpool")
def _avg_pool(site: Site) -> Code:
    names = ("kernel_size", "stride", "padding")
    return call(site.helper(site.node.op), array(site), *_attrs(site, *names), _counts(site),
                bool(site.node.attr("count_include_pad")))  # fmt: skip


@rule("unfold", "fold")
def _folding(site: Site) -> Code:
    folds = site.node.op == "fold"
    spatial = cast(Shape, site.node.attr("output_size")) if folds else site.types[0].shape[2:]
    settings = [site.node.attr(n) for n in ("kernel_size", "stride", "padding", "dilation")]
    counts = tupled(Windows(*settings).counts(spatial))  # type: ignore[arg-type]
    last = [tupled(spatial)] if folds else []
    return call(site.helper(site.node.op), array(site), *map(tupled, settings), counts, *last)


@rule("adaptive_avg_pool", "adaptive_avg_unpool", "adaptive_max_pool", "adaptive_max_pool_indices")
def _adaptive(site: Site) -> Code:
    return call(site.helper(site.node.op), array(site), _counts(site))
