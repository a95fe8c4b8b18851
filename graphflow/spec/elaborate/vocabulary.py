"""What other libraries call things: the name that was meant, for messages."""

from __future__ import annotations

from collections.abc import Iterable

from graphflow.diagnostics import did_you_mean

ELSEWHERE = {
    "bce": "binary_cross_entropy",
    "bceloss": "binary_cross_entropy",
    "bcewithlogitsloss": "binary_cross_entropy_with_logits",
    "cat": "concat",
    "clamp": "clip",
    "concatenate": "concat",
    "crossentropyloss": "cross_entropy",
    "dense": "linear",
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
    "reducemean": "mean",
    "reducesum": "sum",
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


def suggest(name: str, candidates: Iterable[str]) -> str | None:
    """The name meant, as this language spells it (``nn.MaxPool2d``, ``dim``), or the closest."""
    names = set(candidates)
    word = _squashed(name.rpartition(".")[2])
    spelled = {_squashed(n): n for n in sorted(names)}
    meant = ELSEWHERE.get(word, spelled.get(word))
    return f"did you mean '{meant}'?" if meant in names else did_you_mean(name, names)


def _squashed(name: str) -> str:
    return name.replace("_", "").lower()
