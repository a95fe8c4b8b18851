"""Functions of arrays, operators and blocks, that are compared with PyTorch."""

from __future__ import annotations

from tests.library.case import Case, Draw, below, normal

X = {"x": normal(3, 4)}
DEEP = {"x": normal(2, 3, 4)}
UNIT = {"x": Draw((3, 4), "unit")}
PAIR = {"a": normal(3, 4), "b": normal(4)}
SHARES = {"p": Draw((2, 5), "shares"), "q": Draw((2, 5), "unit")}
PICKED = {"x": normal(3, 4), "i": below(4, 3, 2)}
WRITTEN = {**PICKED, "u": normal(3, 2)}
MASKED = {"x": normal(3, 4), "m": Draw((3, 4), "mask")}

ELEMENTARY = [
    *(Case(name, f"{name}(x)", X) for name in (
        "exp", "expm1", "sin", "cos", "tan", "atan", "sinh", "cosh", "tanh", "asinh", "erf",
        "sigmoid", "relu", "softplus", "square", "reciprocal", "exp2", "abs", "neg",
    )),
    *(Case(name, f"{name}(x)", UNIT) for name in (
        "log", "log1p", "log2", "log10", "sqrt", "rsqrt", "asin", "acos", "atanh", "lgamma",
        "digamma",
    )),
    Case("acosh", "acosh(1 + x)", UNIT),
    Case("lgamma_negative", "lgamma(3 * x - 6.2)", {"x": Draw((2,), "unit")}),
    Case("polygamma", "polygamma(x, 2)", UNIT),
    Case("softplus_beta", "softplus(x, beta=3, threshold=1)", X),
    Case("atan2", "atan2(a, b)", PAIR),
    Case("maximum", "maximum(a, b)", PAIR),
    Case("minimum", "minimum(a, b)", PAIR),
    Case("fmod", "fmod(a, b)", PAIR),
    Case("remainder", "a % b", PAIR),
    Case("pow", "x ** y", {"x": Draw((3, 4), "unit"), "y": normal(4)}),
    Case("pow_self", "x ** x", UNIT),
    Case("logaddexp", "logaddexp(a, b)", PAIR),
    Case("lerp", "lerp(a, b, 0.3)", PAIR),
    Case("xlogy", "xlogy(p, q)", SHARES),
    Case("clip", "clip(x, -0.5, 0.4)", X),
    Case("clip_from", "clip(x, min=b)", {"x": normal(3, 4), "b": normal(4)}),
    Case("nan_to_num", "nan_to_num(log(x))", X),
    Case("where", "where(m, x, 2 * x)", MASKED),
    Case("masked_fill", "masked_fill(x, m, 7)", MASKED),
]  # fmt: skip

REDUCTIONS = [
    Case("sum_axes", "sum(x, axis=[0, 2])", DEEP),
    Case("mean_axis", "mean(x, axis=1, keepdims=true)", DEEP),
    Case("var_sample", "var(x, axis=1, correction=1)", DEEP),
    Case("std_sample", "std(x, axis=[0, 1], correction=1)", DEEP),
    Case("prod", "prod(x, axis=2)", DEEP),
    Case("max_axis", "max(x, axis=1)", DEEP),
    Case("min_all", "min(x)", DEEP),
    Case("logsumexp", "logsumexp(x, axis=[0, 2])", DEEP),
    Case("norm_3", "norm(x, 3, axis=1)", DEEP),
    Case("norm_half", "norm(x, 0.5, axis=[0, 1])", DEEP),
    Case("norm_smallest", "norm(x, -inf, axis=1)", DEEP),
    Case("nansum", "nansum(log(x), axis=0)", X),
    Case("nanmean", "nanmean(log(x), axis=1)", X),
    Case("cumsum", "cumsum(x, axis=1)", DEEP),
    Case("cumprod", "cumprod(x, axis=1)", DEEP),
    Case("cummax", "cummax(x, axis=2)", DEEP),
    Case("cummin", "cummin(x, axis=1)", DEEP),
    Case("logcumsumexp", "logcumsumexp(9 * x, axis=2)", DEEP),
    Case("sort", "sort(x, axis=1)", DEEP),
    Case("sort_descending", "sort(x, descending=true)", DEEP),
    Case("quantile", "quantile(x, 0.3, axis=1, keepdims=true)", DEEP),
    Case("quantile_all", "quantile(x, 0.7)", DEEP),
    Case("cov", "cov(x)", X),
    Case("corrcoef", "corrcoef(x)", X),
    Case("diff", "diff(x, axis=1)", DEEP),
]

PLACES = [
    Case("pad_reflect", "pad(x, [[0, 0], [1, 2], [3, 1]], mode='reflect')", DEEP),
    Case("pad_replicate", "pad(x, [[0, 0], [1, 2], [3, 1]], mode='edge')", DEEP),
    Case("pad_circular", "pad(x, [[0, 0], [1, 2], [3, 1]], mode='wrap')", DEEP),
    Case("pad_value", "pad(x, [[1, 0], [0, 2], [0, 0]], value=3) * 2", DEEP),
    Case("roll", "roll(x, 5, axis=1) * 2", DEEP),
    Case("flip", "flip(x, axis=[0, 2]) * 2", DEEP),
    Case("tile", "tile(x, [2, 1, 3]) * 2", DEEP),
    Case("repeat_each", "repeat(x, 3, axis=1) * 2", DEEP),
    Case("tril", "tril(x, -1)", DEEP),
    Case("triu", "triu(x, 1)", DEEP),
    Case("diag", "diag(x, 1)", X),
    Case("trace", "trace(x)", X),
    Case("outer", "outer(a, b)", {"a": normal(3), "b": normal(4)}),
    Case("dot", "dot(a, b)", {"a": normal(4), "b": normal(4)}),
    Case("cdist", "cdist(a, b)", {"a": normal(2, 3, 5), "b": normal(2, 4, 5)}),
    Case("cdist_1", "cdist(a, b, 1)", {"a": normal(3, 5), "b": normal(4, 5)}),
    Case("take", "take(x, i, axis=1)", PICKED),
    Case("gather", "gather(x, i, axis=1)", PICKED),
    Case("gather_fewer", "gather(x, i, axis=1)", {"x": normal(3, 4), "i": below(4, 2, 5)}),
    Case("scatter_sum", "scatter(x, i, u, axis=1, reduce='add')", WRITTEN),
    Case("scatter_product", "scatter(x, i, u, axis=1, reduce='mul')", WRITTEN),
    Case("scatter_max", "scatter(x, i, u, axis=1, reduce='max')", WRITTEN),
    Case("scatter_min", "scatter(x, i, u, axis=1, reduce='min')", WRITTEN),
    Case("bincount", "bincount(i, 5, weights=u)", {"i": below(4, 6), "u": normal(6)}),
    Case("one_hot", "one_hot(i, 5) * x", {"x": normal(5), "i": below(5, 3, 2)}),
    Case("rearrange", "rearrange(x, 'b h (w c) -> (b w) (c h)', c=2) * 2", DEEP),
]

ARRAYS = [*ELEMENTARY, *REDUCTIONS, *PLACES]
