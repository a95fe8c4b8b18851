"""What of the library is compared with PyTorch: calls, what they are fed, what they own.

A case is one call. Feeds and parameters are drawn by name, so that graphflow and PyTorch get the
same numbers; the names and shapes of the parameters are part of what is compared.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

Array = np.ndarray
Shape = tuple[int, ...]
RECORDS = Path(__file__).parent / "records"


@dataclass(frozen=True)
class Draw:
    """How an input is drawn: ``normal``, ``unit`` (0 to 1), ``fixed`` (the same, but no derivative
    is taken by it), ``signs`` (-1 or 1), ``below`` n, ``shares`` (positive, adding up to 1 along
    the last axis) or ``mask`` (half of them true).
    """

    shape: Shape
    kind: Literal["normal", "unit", "fixed", "signs", "below", "shares", "mask"] = "normal"
    n: int = 0

    @property
    def dtype(self) -> str:
        return {"below": "int", "mask": "bool"}.get(self.kind, "float")

    def array(self, name: str) -> Array:
        rng = np.random.default_rng(zlib.crc32(f"{name} {self.shape}".encode()))
        if self.kind == "below":
            return rng.integers(0, self.n, self.shape)
        if self.kind == "mask":
            return rng.permuted(np.arange(np.prod(self.shape)) % 2 == 0).reshape(self.shape)
        drawn = rng.uniform(0.05, 0.95, self.shape)
        if self.kind == "normal":
            return rng.standard_normal(self.shape)
        if self.kind == "signs":
            return np.sign(drawn - 0.5)
        return drawn / drawn.sum(-1, keepdims=True) if self.kind == "shares" else drawn


def normal(*shape: int) -> Draw:
    return Draw(shape)


def below(n: int, *shape: int) -> Draw:
    return Draw(shape, "below", n)


@dataclass(frozen=True)
class Case:
    """One call, ``out: call``; ``results`` are the parts of several results."""

    name: str
    call: str
    inputs: Mapping[str, Draw]
    params: Mapping[str, Shape] = field(default_factory=dict)
    results: tuple[str, ...] = ()
    mode: Literal["train", "eval"] = "train"

    def text(self) -> str:
        """A file with the call, and a scalar that every result has a part in."""
        inputs = "".join(
            f"  {name}: {{shape: {list(d.shape)}, dtype: {d.dtype}}}\n"
            for name, d in self.inputs.items()
        )
        total = " + ".join(f"sum(sin({name}))" for name in self.outputs)
        return (
            f"graphflow: 1\nname: {self.name}\ninputs:\n{inputs}nodes:\n  out: {self.call}\n"
            f"  total: {total}\noutputs: [{', '.join(self.outputs)}, total]\n"
        )

    @property
    def outputs(self) -> tuple[str, ...]:
        return tuple(f"out.{part}" for part in self.results) or ("out",)

    @property
    def wrt(self) -> tuple[str, ...]:
        """What the derivatives are taken by."""
        varied = (n for n, d in self.inputs.items() if d.dtype == "float" and d.kind != "fixed")
        return (*varied, *self.params)

    def feed(self) -> dict[str, Array]:
        return {name: draw.array(f"{self.name}.{name}") for name, draw in self.inputs.items()}

    def weights(self) -> dict[str, Array]:
        return {n: Draw(s).array(f"{self.name}.{n}") / 2 for n, s in self.params.items()}


X = {"x": normal(4, 6)}
IMAGE = {"x": normal(2, 4, 6, 5)}
CHANNELS = {"out.weight": (4,), "out.bias": (4,)}

ACTIVATIONS = [
    Case("softmax", "softmax(x)", X),
    Case("softmax_axis", "softmax(x, axis=0)", X),
    Case("log_softmax", "log_softmax(x, axis=1)", IMAGE),
    Case("leaky_relu", "leaky_relu(x, 0.2)", X),
    Case("prelu", "prelu(x)", IMAGE, {"out.weight": (1,)}),
    Case("prelu_channels", "prelu(x, 4)", IMAGE, {"out.weight": (4,)}),
    Case("elu", "elu(x, 0.7)", X),
    Case("celu", "celu(x, 0.5)", X),
    Case("selu", "selu(x)", X),
    Case("gelu", "gelu(x)", X),
    Case("gelu_tanh", "gelu(x, approximate='tanh')", X),
    Case("silu", "silu(x)", X),
    Case("mish", "mish(x)", X),
    Case("hardtanh", "hardtanh(x, -0.5, 1)", X),
    Case("relu6", "relu6(4 * x)", X),
    Case("hardsigmoid", "hardsigmoid(3 * x)", X),
    Case("hardswish", "hardswish(3 * x)", X),
    Case("log_sigmoid", "log_sigmoid(20 * x)", X),
    Case("softsign", "softsign(x)", X),
    Case("softshrink", "softshrink(x)", X),
    Case("hardshrink", "hardshrink(x)", X),
    Case("tanhshrink", "tanhshrink(x)", X),
    Case("glu", "glu(x)", X),
    Case("glu_axis", "glu(x, axis=1)", IMAGE),
    Case("normalize", "normalize(x)", X),
    Case("normalize_p", "normalize(x, 3, axis=0)", X),
    Case("norm", "norm(x)", X),
    Case("norm_1", "norm(x, 1, axis=1)", X),
    Case("norm_inf", "norm(x, inf, axis=0, keepdims=true)", X),
    Case("std", "std(x, axis=1, correction=1)", X),
    Case("cosine_similarity", "cosine_similarity(a, b)", {"a": normal(3, 5), "b": normal(3, 5)}),
    Case("moveaxis", "moveaxis(x, 1, -1) * 2", IMAGE),
    Case("swapaxes", "swapaxes(x, -1, 1) * 2", IMAGE),
]

SCORES = {"x": normal(5, 7), "t": below(7, 5)}
MAPS = {"x": normal(2, 4, 3, 5), "t": below(4, 2, 3, 5)}
PAIR = {"x": normal(4, 3), "t": normal(4, 3)}
CHANCES = {"x": Draw((4, 3), "unit"), "t": Draw((4, 3), "unit")}
WEIGHTED = {**SCORES, "w": Draw((7,), "fixed")}

LOSSES = [
    Case("cross_entropy", "cross_entropy(x, t)", SCORES),
    Case("cross_entropy_sum", "cross_entropy(x, t, reduction=sum)", SCORES),
    Case("cross_entropy_none", "cross_entropy(x, t, reduction='none')", SCORES),
    Case("cross_entropy_smooth", "cross_entropy(x, t, label_smoothing=0.1)", SCORES),
    Case("cross_entropy_ignored", "cross_entropy(x, t, ignore_index=3)", SCORES),
    Case("cross_entropy_weight", "cross_entropy(x, t, weight=w)", WEIGHTED),
    Case(
        "cross_entropy_all",
        "cross_entropy(x, t, weight=w, ignore_index=3, label_smoothing=0.2)", WEIGHTED,
    ),
    Case("cross_entropy_axis", "cross_entropy(x, t, axis=1)", MAPS),
    Case(
        "cross_entropy_axis_weight",
        "cross_entropy(x, t, axis=1, weight=w, label_smoothing=0.1, ignore_index=2)",
        {**MAPS, "w": Draw((4,), "fixed")},
    ),
    Case(
        "cross_entropy_soft", "cross_entropy(x, t, label_smoothing=0.1)",
        {"x": normal(5, 7), "t": Draw((5, 7), "shares")},
    ),
    Case(
        "cross_entropy_soft_weight", "cross_entropy(x, t, axis=1, weight=w, reduction=sum)",
        {"x": normal(2, 4, 3), "t": Draw((2, 4, 3), "shares"), "w": Draw((4,), "fixed")},
    ),
    Case("nll_loss", "nll_loss(log_softmax(x), t)", SCORES),
    Case("binary_cross_entropy", "binary_cross_entropy(x, t)", CHANCES),
    Case("binary_cross_entropy_with_logits", "binary_cross_entropy_with_logits(9 * x, t)", CHANCES),
    Case(
        "binary_cross_entropy_with_logits_weights",
        "binary_cross_entropy_with_logits(x, t, weight=w, pos_weight=p)",
        {**CHANCES, "w": Draw((4, 3), "fixed"), "p": Draw((3,), "fixed")},
    ),
    Case("mse_loss", "mse_loss(x, t)", PAIR),
    Case("l1_loss", "l1_loss(x, t, reduction='sum')", PAIR),
    Case("smooth_l1_loss", "smooth_l1_loss(x, t, beta=0.5)", PAIR),
    Case("huber_loss", "huber_loss(x, t, delta=0.7)", PAIR),
    Case("kl_div", "kl_div(x, t)", CHANCES),
    Case("kl_div_batchmean", "kl_div(x, t, reduction='batchmean', log_target=true)", PAIR),
    Case("hinge_loss", "hinge_loss(x, t)", {"x": normal(4, 3), "t": Draw((4, 3), "signs")}),
    Case("multi_margin_loss", "multi_margin_loss(x, t, margin=0.8)", SCORES),
    Case("poisson_nll_loss", "poisson_nll_loss(x, t)", PAIR),
    Case("poisson_nll_loss_rate", "poisson_nll_loss(x, t, log_input=false)", CHANCES),
    Case(
        "gaussian_nll_loss", "gaussian_nll_loss(x, t, v, full=true)",
        {**PAIR, "v": Draw((4, 3), "unit")},
    ),
    Case(
        "triplet_margin_loss", "triplet_margin_loss(a, p, n)",
        {"a": normal(4, 3), "p": normal(4, 3), "n": normal(4, 3)},
    ),
]  # fmt: skip

LAYERS = [
    Case("linear", "linear(x, 5)", X, {"out.weight": (5, 6), "out.bias": (5,)}),
    Case("linear_3d", "linear(x, 5, bias=false, activation=relu)", {"x": normal(2, 3, 6)},
         {"out.weight": (5, 6)}),
    Case("linear_given", "linear(x, weight=w, bias=b)",
         {**X, "w": normal(5, 6), "b": normal(5)}),
    Case("embedding", "embedding(t, 9, 4)", {"t": below(9, 3, 5)}, {"out.weight": (9, 4)}),
    Case("embedding_padded", "embedding(t, 9, 4, padding_idx=2)", {"t": below(9, 3, 5)},
         {"out.weight": (9, 4)}),
    Case("flatten", "flatten(x)", IMAGE),
    Case("flatten_from_2", "flatten(x, 2)", IMAGE),
    Case("dropout_eval", "dropout(x, 0.7)", X, mode="eval"),
    Case("dropout_0", "dropout(x, 0)", X),
    Case("dropout_1", "dropout(x, 1)", X),
    Case("batch_norm", "batch_norm(x)", IMAGE, CHANNELS),
    Case("batch_norm_2d", "batch_norm(x, eps=0.1, affine=false)", X),
    Case("batch_norm_eval", "batch_norm(x)", IMAGE, CHANNELS, mode="eval"),
    Case("layer_norm", "layer_norm(x)", X, {"out.weight": (6,), "out.bias": (6,)}),
    Case("layer_norm_axes", "layer_norm(x, 2, bias=false)", IMAGE, {"out.weight": (6, 5)}),
    Case("layer_norm_plain", "layer_norm(x, affine=false)", IMAGE),
    Case("rms_norm", "rms_norm(x, eps=1e-3)", X, {"out.weight": (6,)}),
    Case("group_norm", "group_norm(x, 2)", IMAGE, CHANNELS),
    Case("instance_norm", "instance_norm(x)", IMAGE),
    Case("instance_norm_affine", "instance_norm(x, affine=true)", IMAGE, CHANNELS),
]

KERNEL = {"out.weight": (6, 4, 3, 2), "out.bias": (6,)}
CONVOLUTIONS = [
    Case("conv1d", "conv1d(x, 6, 3, stride=2, padding=1)", {"x": normal(2, 4, 9)},
         {"out.weight": (6, 4, 3), "out.bias": (6,)}),
    Case("conv2d", "conv2d(x, 6, [3, 2], stride=[2, 1], padding=[1, 0])", IMAGE, KERNEL),
    Case("conv2d_groups", "conv2d(x, 6, 3, groups=2, dilation=2, padding=2, bias=false)", IMAGE,
         {"out.weight": (6, 2, 3, 3)}),
    Case("conv2d_given", "conv2d(x, weight=w, padding=1)", {**IMAGE, "w": normal(3, 4, 3, 3)}),
    Case("conv3d", "conv3d(x, 3, 2, padding=1)", {"x": normal(1, 2, 4, 3, 3)},
         {"out.weight": (3, 2, 2, 2, 2), "out.bias": (3,)}),
    Case("conv_transpose1d", "conv_transpose1d(x, 6, 3, stride=2, output_padding=1)",
         {"x": normal(2, 4, 5)}, {"out.weight": (4, 6, 3), "out.bias": (6,)}),
    Case("conv_transpose2d", "conv_transpose2d(x, 6, 3, stride=2, padding=1)", IMAGE,
         {"out.weight": (4, 6, 3, 3), "out.bias": (6,)}),
    Case("conv_transpose2d_groups", "conv_transpose2d(x, 6, [3, 2], groups=2, dilation=2)", IMAGE,
         {"out.weight": (4, 3, 3, 2), "out.bias": (6,)}),
    Case("conv_transpose3d", "conv_transpose3d(x, 3, 2, stride=2)", {"x": normal(1, 2, 2, 3, 3)},
         {"out.weight": (2, 3, 2, 2, 2), "out.bias": (3,)}),
    Case("max_pool1d", "max_pool1d(x, 3, stride=2, padding=1)", {"x": normal(2, 4, 9)}),
    Case("max_pool2d", "max_pool2d(x, 2)", IMAGE),
    Case("max_pool2d_ceil", "max_pool2d(x, [3, 2], stride=2, padding=1, ceil_mode=true)", IMAGE),
    Case("max_pool3d", "max_pool3d(x, 2, stride=1)", {"x": normal(1, 2, 4, 3, 3)}),
    Case("avg_pool1d", "avg_pool1d(x, 3)", {"x": normal(2, 4, 9)}),
    Case("avg_pool2d", "avg_pool2d(x, 3, stride=2, padding=1)", IMAGE),
    Case("avg_pool2d_inside", "avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=false)",
         IMAGE),
    Case("avg_pool3d", "avg_pool3d(x, 2)", {"x": normal(1, 2, 4, 3, 3)}),
    Case("adaptive_avg_pool1d", "adaptive_avg_pool1d(x, 4)", {"x": normal(2, 4, 9)}),
    Case("adaptive_avg_pool2d", "adaptive_avg_pool2d(x, [4, 1])", IMAGE),
    Case("adaptive_avg_pool3d", "adaptive_avg_pool3d(x, 2)", {"x": normal(1, 2, 4, 3, 3)}),
]

STEP = {"x": normal(3, 5), "h": normal(3, 4)}
SERIES = {"x": normal(6, 3, 5)}
HIDDEN = ("output", "hidden")


def gates(n: int, suffix: str = "") -> dict[str, Shape]:
    """PyTorch's parameters of a recurrent layer with 5 inputs, 4 hidden units and n gates."""
    shapes = {"weight_ih": (4 * n, 5), "weight_hh": (4 * n, 4), "bias_ih": (4 * n,)}
    return {f"out.{k}{suffix}": v for k, v in {**shapes, "bias_hh": (4 * n,)}.items()}


def unbiased(params: dict[str, Shape]) -> dict[str, Shape]:
    return {name: shape for name, shape in params.items() if "bias" not in name}


SEQUENCES = [
    Case("rnn_cell", "rnn_cell(x, h)", STEP, gates(1)),
    Case("rnn_cell_relu", "rnn_cell(x, h, bias=false, nonlinearity=relu)", STEP,
         unbiased(gates(1))),
    Case("lstm_cell", "lstm_cell(x, h, c)", {**STEP, "c": normal(3, 4)}, gates(4),
         ("h_next", "c_next")),
    Case("gru_cell", "gru_cell(x, h)", STEP, gates(3)),
    Case("rnn", "rnn(x, 4)", SERIES, gates(1, "_l0"), HIDDEN),
    Case("lstm", "lstm(x, 4)", SERIES, gates(4, "_l0"), (*HIDDEN, "cell")),
    Case("lstm_started", "lstm(x, 4, h, c, bias=false)",
         {**SERIES, "h": normal(3, 4), "c": normal(3, 4)}, unbiased(gates(4, "_l0")),
         (*HIDDEN, "cell")),
    Case("gru", "gru(x, 4)", SERIES, gates(3, "_l0"), HIDDEN),
    Case("gru_started", "gru(x, 4, h, bias=false)", {**SERIES, "h": normal(3, 4)},
         unbiased(gates(3, "_l0")), HIDDEN),
]

QUERY = {"q": normal(2, 3, 4, 6), "k": normal(2, 3, 5, 6), "v": normal(2, 3, 5, 7)}
HEADS = {"q": normal(2, 4, 6), "k": normal(2, 5, 6), "v": normal(2, 5, 6)}
PROJECTIONS = {
    "out.in_proj_weight": (18, 6), "out.in_proj_bias": (18,),
    "out.out_proj.weight": (6, 6), "out.out_proj.bias": (6,),
}  # fmt: skip
ATTENTION = [
    Case("attention", "scaled_dot_product_attention(q, k, v)", QUERY),
    Case("attention_causal", "scaled_dot_product_attention(q, k, v, is_causal=true, scale=0.3)",
         QUERY),
    Case("attention_mask", "scaled_dot_product_attention(q, k, v, mask=m)",
         {**QUERY, "m": Draw((4, 5), "mask")}),
    Case("multi_head_attention", "multi_head_attention(q, k, v, 2)", HEADS, PROJECTIONS,
         ("out", "weights")),
    Case("multi_head_attention_mask", "multi_head_attention(q, k, v, 3, mask=m, bias=false)",
         {**HEADS, "m": Draw((4, 5), "mask")}, unbiased(PROJECTIONS), ("out", "weights")),
]

FAMILIES = {
    "activations": ACTIVATIONS,
    "losses": LOSSES,
    "layers": LAYERS,
    "convolutions": CONVOLUTIONS,
    "sequences": SEQUENCES,
    "attention": ATTENTION,
}
CASES = {case.name: case for family in FAMILIES.values() for case in family}
