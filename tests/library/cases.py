"""What of the library is compared with PyTorch: calls, what they are fed, what they own."""

from __future__ import annotations

from tests.library.architecture_cases import ARCHITECTURES
from tests.library.array_cases import ARRAYS
from tests.library.attention_cases import ATTENTION
from tests.library.case import RECORDS, Array, Case, below, normal
from tests.library.loss_cases import LOSSES
from tests.library.sequence_cases import SEQUENCES
from tests.library.vision_cases import FURTHER, LINEAR_ALGEBRA, VISION

__all__ = ["CASES", "FAMILIES", "RECORDS", "Array", "Case"]

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
    Case("cosines", "cosines(a, b)", {"a": normal(2, 3, 5), "b": normal(4, 5)}),
    Case("moveaxis", "moveaxis(x, 1, -1) * 2", IMAGE),
    Case("swapaxes", "swapaxes(x, -1, 1) * 2", IMAGE),
]

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

FAMILIES = {
    "activations": ACTIVATIONS,
    "losses": LOSSES,
    "layers": LAYERS,
    "convolutions": CONVOLUTIONS,
    "sequences": SEQUENCES,
    "attention": ATTENTION,
    "architectures": ARCHITECTURES,
    "arrays": ARRAYS,
    "vision": VISION,
    "further_layers": FURTHER,
    "linear_algebra": LINEAR_ALGEBRA,
}
CASES = {case.name: case for family in FAMILIES.values() for case in family}
