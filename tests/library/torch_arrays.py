"""The compared functions of arrays in PyTorch."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F

Tensor = torch.Tensor

SAME = (
    "exp", "expm1", "sin", "cos", "tan", "atan", "sinh", "cosh", "tanh", "asinh", "erf", "sigmoid",
    "relu", "square", "reciprocal", "exp2", "abs", "neg", "log", "log1p", "log2", "log10", "sqrt",
    "rsqrt", "asin", "acos", "atanh", "lgamma", "digamma", "atan2", "maximum", "minimum", "fmod",
    "remainder", "pow", "logaddexp", "xlogy", "trace", "outer", "dot", "cdist", "cov", "corrcoef",
)  # fmt: skip
"""What PyTorch calls by the same name, with the same arguments."""


def scattered(reduce: str) -> Callable[..., Tensor]:
    return lambda x, i, u: x.scatter_reduce(1, i, u, reduce)


def padded(mode: str) -> Callable[..., Tensor]:
    return lambda x: F.pad(x[None], (3, 1, 1, 2), mode=mode)[0]


ARRAYS: dict[str, Callable[..., Tensor]] = {
    **{name: getattr(torch, name) for name in SAME},
    "softplus": F.softplus,
    "acosh": lambda x: (1 + x).acosh(),
    "lgamma_negative": lambda x: torch.lgamma(3 * x - 6.2),
    "polygamma": lambda x: torch.polygamma(2, x),
    "softplus_beta": lambda x: F.softplus(x, 3, 1),
    "pow_self": lambda x: x**x,
    "lerp": lambda a, b: torch.lerp(a, b.expand_as(a), 0.3),
    "clip": lambda x: x.clamp(-0.5, 0.4),
    "clip_from": lambda x, b: x.clamp(min=b),
    "nan_to_num": lambda x: x.log().nan_to_num(),
    "where": lambda x, m: torch.where(m, x, 2 * x),
    "masked_fill": lambda x, m: x.masked_fill(m, 7),
    # reductions
    "sum_axes": lambda x: x.sum((0, 2)),
    "mean_axis": lambda x: x.mean(1, keepdim=True),
    "var_sample": lambda x: x.var(1),
    "std_sample": lambda x: x.std((0, 1)),
    "prod": lambda x: x.prod(2),
    "max_axis": lambda x: x.amax(1),
    "min_all": lambda x: x.amin(),
    "logsumexp": lambda x: x.logsumexp((0, 2)),
    "norm_3": lambda x: torch.linalg.vector_norm(x, 3, 1),
    "norm_half": lambda x: torch.linalg.vector_norm(x, 0.5, (0, 1)),
    "norm_smallest": lambda x: torch.linalg.vector_norm(x, -torch.inf, 1),
    "nansum": lambda x: x.log().nansum(0),
    "nanmean": lambda x: x.log().nanmean(1),
    "cumsum": lambda x: x.cumsum(1),
    "cumprod": lambda x: x.cumprod(1),
    "cummax": lambda x: x.cummax(2).values,
    "cummin": lambda x: x.cummin(1).values,
    "logcumsumexp": lambda x: (9 * x).logcumsumexp(2),
    "sort": lambda x: x.sort(1).values,
    "sort_descending": lambda x: x.sort(descending=True).values,
    "quantile": lambda x: x.quantile(0.3, 1, keepdim=True),
    "quantile_all": lambda x: x.quantile(0.7),
    "diff": lambda x: x.diff(dim=1),
    # places
    "pad_reflect": padded("reflect"),
    "pad_replicate": padded("replicate"),
    "pad_circular": padded("circular"),
    "pad_value": lambda x: F.pad(x, (0, 0, 0, 2, 1, 0), value=3) * 2,
    "roll": lambda x: x.roll(5, 1) * 2,
    "flip": lambda x: x.flip(0, 2) * 2,
    "tile": lambda x: x.tile(2, 1, 3) * 2,
    "repeat_each": lambda x: x.repeat_interleave(3, 1) * 2,
    "tril": lambda x: x.tril(-1),
    "triu": lambda x: x.triu(1),
    "diag": lambda x: x.diag(1),
    "cdist_1": lambda a, b: torch.cdist(a, b, 1),
    "take": lambda x, i: x[:, i],
    "gather": lambda x, i: x.gather(1, i),
    "gather_fewer": lambda x, i: x.gather(1, i),
    "scatter_sum": scattered("sum"),
    "scatter_product": scattered("prod"),
    "scatter_max": scattered("amax"),
    "scatter_min": scattered("amin"),
    "bincount": lambda i, u: torch.zeros(5, dtype=u.dtype).index_add(0, i, u),
    "one_hot": lambda x, i: F.one_hot(i, 5) * x,
    "rearrange": lambda x: x.reshape(2, 3, 2, 2).permute(0, 2, 3, 1).reshape(4, 6) * 2,
}
