"""Layers of the library that are modules of PyTorch: they own parameters."""

from __future__ import annotations

from collections.abc import Sequence

from graphflow.interop.pytorch.layers import Call, Layer, built, layer, own, uneven
from graphflow.interop.pytorch.literals import marked
from graphflow.spec.elaborate.bound import Function
from graphflow.spec.elaborate.calltree import Ref

# -- layers with parameters ----------------------------------------------------------------------
INIT = ("weight_init", "bias_init", "activation")


@layer("linear")
def _linear(c: Call) -> Layer | None:
    if c.known("out_features", "bias", *INIT) and c.static("out_features", "bias"):
        size = c.shape("x")[-1]
        if not isinstance(size, int):
            return None
        sizes = marked(size, "in_features"), c.text("out_features")
        keys = c.changed("bias") if not c.call.arguments["bias"] else []
        return Layer(("x",), built("Linear", *sizes, keywords=[(k, "False") for k, _ in keys]))
    if c.known("out_features", "bias", "weight", "activation") and isinstance(
        c.call.arguments["weight"], Ref
    ):
        bias = c.call.arguments["bias"]
        names = ("x", "weight", "bias") if isinstance(bias, Ref) else ("x", "weight")
        return Layer(names, target="F.linear") if c.owns() else None
    return None


@layer("embedding")
def _embedding(c: Call) -> Layer | None:
    if not (c.known("num_embeddings", "embedding_dim", "padding_idx", "weight_init")
            and c.owns("weight")):  # fmt: skip
        return None
    keys = c.changed("padding_idx")
    table = c.text("num_embeddings"), c.text("embedding_dim")
    return Layer(("tokens",), built("Embedding", *table, keywords=keys))


CONV = ("stride", "padding", "dilation", "groups")


@layer("conv1d", "conv2d", "conv3d")
def _conv(c: Call) -> Layer | None:
    return _convolution(c, f"Conv{c.call.name[-2]}d", *CONV)


@layer("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def _conv_transpose(c: Call) -> Layer | None:
    name = f"ConvTranspose{c.call.name[-2]}d"
    return _convolution(c, name, "stride", "padding", "output_padding", "groups", "dilation")


def _convolution(c: Call, module: str, *options: str) -> Layer | None:
    known = ("out_channels", "kernel", "bias", *options)
    channels = c.shape("x")[1]
    if not (c.known(*known, *INIT) and c.static(*known) and isinstance(channels, int)):
        return None
    if uneven(c.call.arguments["padding"]):
        return None
    keys = c.changed(*options)
    if not c.call.arguments["bias"]:
        keys.append(("bias", "False"))
    sizes = marked(channels, "in_channels"), c.text("out_channels"), c.text("kernel", "kernel_size")
    return Layer(("x",), built(module, *sizes, keywords=keys))


@layer("batch_norm")
def _batch_norm(c: Call) -> Layer | None:
    shape = c.shape("x")
    if not (c.known("eps", "momentum", "affine") and isinstance(shape[1], int)
            and 2 <= len(shape) <= 5):  # fmt: skip
        return None
    if "running_mean" not in own(c, "running_mean", "running_var"):
        return None
    rank = max(1, len(shape) - 2)
    keys = c.changed("eps", "momentum", "affine")
    size = marked(shape[1], "num_features")
    return Layer(("x",), built(f"BatchNorm{rank}d", size, keywords=keys))


@layer("layer_norm", "rms_norm")
def _layer_norm(c: Call) -> Layer | None:
    names = ("axes", "eps", "affine", "bias")
    axes, shape = c.call.arguments["axes"], c.shape("x")
    last = shape[-axes:] if isinstance(axes, int) else ()
    if not (c.known(*names) and all(isinstance(d, int) for d in last)):
        return None
    keys = [(("elementwise_affine" if k == "affine" else k), v)
            for k, v in c.changed("eps", "affine", "bias")]  # fmt: skip
    size = marked(last[0] if len(last) == 1 else tuple(last), "normalized_shape")
    if c.call.name == "rms_norm":
        keys = [("eps", c.text("eps")), *(k for k in keys if k[0] != "eps")]
        return Layer(("x",), built("RMSNorm", size, keywords=keys))
    return Layer(("x",), built("LayerNorm", size, keywords=keys))


@layer("group_norm")
def _group_norm(c: Call) -> Layer | None:
    channels = c.shape("x")[1]
    if not (c.known("groups", "eps", "affine") and isinstance(channels, int)):
        return None
    sizes = c.text("groups", "num_groups"), marked(channels, "num_channels")
    return Layer(("x",), built("GroupNorm", *sizes, keywords=c.changed("eps", "affine")))


@layer("instance_norm")
def _instance_norm(c: Call) -> Layer | None:
    shape = c.shape("x")
    if not (c.known("eps", "affine") and isinstance(shape[1], int) and 3 <= len(shape) <= 5):
        return None
    if not c.call.arguments["affine"]:
        return Layer(("x",), target="F.instance_norm", keywords=tuple(c.changed("eps")))
    keys = c.changed("eps", "affine")
    name = f"InstanceNorm{len(shape) - 2}d"
    return Layer(("x",), built(name, marked(shape[1], "num_features"), keywords=keys))


@layer("prelu")
def _prelu(c: Call) -> Layer | None:
    if not (c.known("num_parameters", "init") and c.owns("weight")):
        return None
    keys = c.changed("num_parameters", "init")
    return Layer(("x",), built("PReLU", keywords=keys))


# -- recurrent layers ----------------------------------------------------------------------------
RECURRENT = ("bias", "num_layers", "batch_first", "dropout", "bidirectional", "proj_size")


@layer("rnn", "lstm", "gru")
def _recurrent(c: Call) -> Layer | None:
    kind, arguments = c.call.name, c.call.arguments
    if not c.known("hidden_size", "nonlinearity", "h0", "c0", *RECURRENT):
        return None
    starts = ("h0", "c0") if kind == "lstm" else ("h0",)
    given = tuple(n for n in starts if arguments.get(n) is not None)
    size, options = c.shape("x")[-1], [n for n in RECURRENT if n in arguments]
    if given not in ((), starts) or not (isinstance(size, int) and c.static(*options)):
        return None
    keys = c.changed(*options)
    act = arguments.get("nonlinearity")
    if kind == "rnn" and act not in ("tanh", "relu"):
        if not isinstance(act, Function) or act.block is not None or act.name != "tanh":
            return None
    elif act == "relu":
        keys.append(("nonlinearity", '"relu"'))
    build = built(kind.upper(), marked(size, "input_size"), c.text("hidden_size"), keywords=keys)
    start = {0: "{}", 1: "{}, {}", 2: "{}, ({}, {})"}[len(given)]
    results = _lstm_results if kind == "lstm" else _rnn_results
    return Layer(("x", *given), build, pattern=start, outputs=results)


def _rnn_results(name: str) -> Sequence[str]:
    return f"{name}[0]", f"{name}[1]"


def _lstm_results(name: str) -> Sequence[str]:
    return f"{name}[0]", f"{name}[1][0]", f"{name}[1][1]"
