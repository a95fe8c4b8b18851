"""Blocks of the library that PyTorch has as functions: pooling, activations, losses."""

from __future__ import annotations

from graphflow.interop.pytorch.layers import Call, Layer, layer, uneven


# -- dropout, shapes, pooling --------------------------------------------------------------------
@layer("dropout")
def _dropout(c: Call) -> Layer | None:
    if not (c.known("p") and c.static("p")):
        return None
    return Layer(("x",), target="F.dropout", keywords=(("p", c.text("p")),), trains=True)


@layer("flatten")
def _flatten(c: Call) -> Layer | None:
    start = c.call.arguments["start_axis"]
    return Layer(("x",), target="torch.flatten", keywords=(("start_dim", repr(start)),))


@layer("max_pool1d", "max_pool2d", "max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d")
def _pool(c: Call) -> Layer | None:
    names = ("kernel", "stride", "padding", "dilation", "ceil_mode", "count_include_pad")
    options = [n for n in names[1:] if n in c.call.arguments]
    if not (c.known(*names) and c.static("kernel", *options)):
        return None
    if uneven(c.call.arguments["padding"]):
        return None
    keys = [("kernel_size", c.text("kernel")), *c.changed(*options)]
    return Layer(("x",), target=f"F.{c.call.name}", keywords=tuple(keys))


@layer("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d")
def _adaptive(c: Call) -> Layer | None:
    if not (c.known("output_size") and c.static("output_size")):
        return None
    keys = (("output_size", c.text("output_size")),)
    return Layer(("x",), target=f"F.{c.call.name}", keywords=keys)


# -- activations ---------------------------------------------------------------------------------
PLAIN = {
    "selu": "F.selu", "mish": "F.mish", "relu6": "F.relu6", "hardswish": "F.hardswish",
    "log_sigmoid": "F.logsigmoid", "softsign": "F.softsign",
    "tanhshrink": "F.tanhshrink",
}  # fmt: skip
WITH_NUMBERS = {
    "leaky_relu": ("F.leaky_relu", ("negative_slope",)), "elu": ("F.elu", ("alpha",)),
    "celu": ("F.celu", ("alpha",)), "hardtanh": ("F.hardtanh", ("min_val", "max_val")),
    "softshrink": ("F.softshrink", ("lambd",)), "hardshrink": ("F.hardshrink", ("lambd",)),
    "gelu": ("F.gelu", ("approximate",)),
}  # fmt: skip


@layer(*PLAIN)
def _activation(c: Call) -> Layer | None:
    return Layer(("x",), target=PLAIN[c.call.name]) if c.known() else None


@layer(*WITH_NUMBERS)
def _with_numbers(c: Call) -> Layer | None:
    target, names = WITH_NUMBERS[c.call.name]
    if not (c.known(*names) and c.static(*names)):
        return None
    return Layer(("x",), target=target, keywords=tuple(c.changed(*names)))


@layer("silu")
def _silu(c: Call) -> Layer | None:
    return Layer(("x",), target="F.silu") if c.known() else None


@layer("softmax", "log_softmax", "glu")
def _along_axis(c: Call) -> Layer | None:
    axis = c.call.arguments["axis"]
    if not isinstance(axis, int) or not c.known("axis"):
        return None
    return Layer(("x",), target=f"F.{c.call.name}", keywords=(("dim", repr(axis)),))


# -- losses --------------------------------------------------------------------------------------
SIMPLE_LOSSES = {
    "mse_loss": (), "l1_loss": (), "smooth_l1_loss": ("beta",), "huber_loss": ("delta",),
}  # fmt: skip


@layer(*SIMPLE_LOSSES)
def _simple_loss(c: Call) -> Layer | None:
    names = (*SIMPLE_LOSSES[c.call.name], "reduction")
    if not (c.known(*names) and c.static(*names)):
        return None
    keys = tuple(c.changed(*names))
    return Layer(c.inputs, target=f"F.{c.call.name}", keywords=keys)


@layer("binary_cross_entropy_with_logits")
def _bce_with_logits(c: Call) -> Layer | None:
    if not c.known("reduction"):
        return None
    keys = tuple(c.changed("reduction"))
    return Layer(c.inputs, target=f"F.{c.call.name}", keywords=keys)


@layer("cross_entropy")
def _cross_entropy(c: Call) -> Layer | None:
    names = ("axis", "label_smoothing", "ignore_index", "reduction")
    shape, axis = c.shape(c.inputs[0]), c.call.arguments["axis"]
    if c.call.arguments["ignore_index"] is None:
        return None  # PyTorch has no such setting
    if not (c.known(*names) and c.static(*names) and isinstance(axis, int)) or len(shape) < 2:
        return None
    keys = tuple(c.changed("label_smoothing", "ignore_index", "reduction"))
    target = c.tensor(c.inputs[1]).dtype
    if axis % len(shape) == 1:
        return Layer(c.inputs, target="F.cross_entropy", keywords=keys)
    if axis % len(shape) != len(shape) - 1 or target.is_float:
        return None
    if c.call.arguments["reduction"] == "none":
        return None
    flat = "{}.flatten(0, -2), {}.flatten()"
    return Layer(c.inputs, target="F.cross_entropy", keywords=keys, pattern=flat)
