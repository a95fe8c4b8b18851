"""Blocks of convolutional nets that are compared with PyTorch."""

from __future__ import annotations

from tests.library.case import Case, Shape, normal

IMAGE = {"x": normal(2, 4, 6, 6)}


def conv(name: str, out: int, into: int, size: int, bias: bool = True) -> dict[str, Shape]:
    weight: dict[str, Shape] = {f"out.{name}.weight": (out, into, size, size)}
    return {**weight, f"out.{name}.bias": (out,)} if bias else weight


def bn(name: str, channels: int) -> dict[str, Shape]:
    return {f"out.{name}.weight": (channels,), f"out.{name}.bias": (channels,)}


ARCHITECTURES = [
    Case("vgg_block", "vgg_block(x, 2, 3)", IMAGE,
         conv("convs.0.conv2d1", 3, 4, 3) | conv("convs.1.conv2d1", 3, 3, 3)),
    Case("nin_block", "nin_block(x, 3, 5, 2, 1)", IMAGE,
         conv("conv1", 3, 4, 5) | conv("conv2", 3, 3, 1) | conv("conv3", 3, 3, 1)),
    Case("inception", "inception(x, 2, [3, 4], [2, 3], 1)", IMAGE,
         conv("b1_1", 2, 4, 1) | conv("b2_1", 3, 4, 1) | conv("b2_2", 4, 3, 3)
         | conv("b3_1", 2, 4, 1) | conv("b3_2", 3, 2, 5) | conv("b4_2", 1, 4, 1)),
    # in evaluation: in training batch norm takes the biases off again, and leaves no derivative
    Case("residual", "residual(x, 6, use_1x1conv=true, strides=2)", IMAGE,
         conv("conv1", 6, 4, 3) | bn("bn1", 6) | conv("conv2", 6, 6, 3) | bn("bn2", 6)
         | conv("conv3", 6, 4, 1), mode="eval"),
    Case("residual_plain", "residual(x, 4)", IMAGE,
         conv("conv1", 4, 4, 3) | bn("bn1", 4) | conv("conv2", 4, 4, 3) | bn("bn2", 4),
         mode="eval"),
    Case("basic_block", "basic_block(x, 6, 2)", IMAGE,
         conv("conv1", 6, 4, 3, False) | bn("bn1", 6) | conv("conv2", 6, 6, 3, False)
         | bn("bn2", 6) | conv("downsample.0", 6, 4, 1, False) | bn("downsample.1", 6)),
    Case("bottleneck", "bottleneck(x, 3, 2, 2)", IMAGE,
         conv("conv1", 3, 4, 1, False) | bn("bn1", 3) | conv("conv2", 3, 3, 3, False)
         | bn("bn2", 3) | conv("conv3", 6, 3, 1, False) | bn("bn3", 6)
         | conv("downsample.0", 6, 4, 1, False) | bn("downsample.1", 6)),
    Case("resnext_block", "resnext_block(x, 6, 2, 1.4, use_1x1conv=true, strides=2)", IMAGE,
         conv("conv1", 8, 4, 1) | bn("bn1", 8) | conv("conv2", 8, 2, 3) | bn("bn2", 8)
         | conv("conv3", 6, 8, 1) | bn("bn3", 6) | conv("conv4", 6, 4, 1) | bn("bn4", 6),
         mode="eval"),
    Case("dense_block", "dense_block(x, 2, 3)", IMAGE,
         bn("net.0.dense_layer1.bn", 4) | conv("net.0.dense_layer1.grown", 3, 4, 3)
         | bn("net.1.dense_layer1.bn", 7) | conv("net.1.dense_layer1.grown", 3, 7, 3),
         mode="eval"),
    Case("transition_block", "transition_block(x, 3)", IMAGE,
         bn("bn", 4) | conv("thinned", 3, 4, 1)),
    Case("squeeze_excitation", "squeeze_excitation(x, 3)", IMAGE,
         conv("fc1", 3, 4, 1) | conv("fc2", 4, 3, 1)),
    Case("inverted_residual", "inverted_residual(x, 4, expand_ratio=2)", IMAGE,
         conv("conv1", 8, 4, 1, False) | bn("bn1", 8) | conv("conv2", 8, 1, 3, False)
         | bn("bn2", 8) | conv("conv3", 4, 8, 1, False) | bn("bn3", 4)),
    Case("g_block", "g_block(x, 3)", IMAGE,
         {"out.conv2d_trans.weight": (4, 3, 4, 4), **bn("bn", 3)}),
    Case("d_block", "d_block(x, 3, alpha=0.3)", IMAGE, conv("conv1", 3, 4, 4, False) | bn("bn", 3)),
]  # fmt: skip
