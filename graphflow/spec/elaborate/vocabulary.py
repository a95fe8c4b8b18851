"""What other libraries call things: the name that was meant, for messages."""

from __future__ import annotations

from collections.abc import Iterable

from graphflow.diagnostics import did_you_mean

ELSEWHERE = {
    "bce": "binary_cross_entropy",
    "bceloss": "binary_cross_entropy",
    "bcewithlogitsloss": "binary_cross_entropy_with_logits",
    "cat": "concat",
    "chunk": "split",
    "clamp": "clip",
    "concatenate": "concat",
    "crossentropyloss": "cross_entropy",
    "dense": "linear",
    "detach": "stop_gradient",
    "fc": "linear",
    "glorotnormal": "xavier_normal",
    "glorotuniform": "xavier_uniform",
    "grad": "gradient",
    "henormal": "kaiming_normal",
    "heuniform": "kaiming_uniform",
    "indexselect": "take",
    "kldivloss": "kl_div",
    "mae": "l1_loss",
    "mm": "matmul",
    "mse": "mse_loss",
    "permute": "transpose",
    "rand": "uniform",
    "randn": "normal",
    "reducemean": "mean",
    "reducesum": "sum",
    "srckeypaddingmask": "valid_lens",
    "keypaddingmask": "valid_lens",
    "memorykeypaddingmask": "valid_lens",
    "tgtkeypaddingmask": "valid_lens",
    "swish": "silu",
    "unsqueeze": "expand_dims",
    "view": "reshape",
    "dim": "axis",
    "learningrate": "lr",
    "amax": "max",
    "amin": "min",
    "divide": "div",
    "multiply": "mul",
    "negative": "neg",
    "repeatinterleave": "repeat",
    "scatterreduce": "scatter",
    "subtract": "sub",
} | {f"{kind}norm{n}d": f"{kind}_norm" for kind in ("batch", "instance") for n in (1, 2, 3)}
ELSEWHERE |= {f"arc{f}": f"a{f}" for f in ("sin", "cos", "tan", "tan2", "sinh", "cosh", "tanh")}
"""What other libraries call a function or an argument, in small letters without underscores."""

METHODS = {
    "T": "transpose({x})",
    "bool": "cast({x}, bool)",
    "double": "cast({x}, float64)",
    "float": "cast({x}, float32)",
    "half": "cast({x}, float16)",
    "int": "cast({x}, int32)",
    "long": "cast({x}, int64)",
    "mT": "swapaxes({x}, -1, -2)",
    "t": "transpose({x})",
    "to": "cast({x}, float32)",
    "type": "cast({x}, float32)",
}
"""Attributes and methods of other libraries' tensors that are called otherwise here."""


def function_for(tensor: str, method: str, candidates: Iterable[str]) -> str:
    """Help for ``x.T`` and ``x.relu()``: tensors have no methods, functions take them."""
    if method in METHODS:
        return f"write {METHODS[method].format(x=tensor)}"
    names = set(candidates)
    spelled = ELSEWHERE.get(_squashed(method), method)
    if spelled in names:
        return f"write {spelled}({tensor})"
    return f"a tensor has no parts: what is done with it is a function, f({tensor})"


def suggest(name: str, candidates: Iterable[str]) -> str | None:
    """The name meant, as this language spells it (``nn.MaxPool2d``, ``dim``), or the closest."""
    names = set(candidates)
    word = _squashed(name.rpartition(".")[2])
    spelled = {_squashed(n): n for n in sorted(names)}
    meant = ELSEWHERE.get(word, spelled.get(word))
    return f"did you mean '{meant}'?" if meant in names else did_you_mean(name, names)


def _squashed(name: str) -> str:
    return name.replace("_", "").lower()
