"""The compared blocks of convolutional nets, written out with PyTorch's functions."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


class Weights:
    """The parameters of a case by name; a layer called by its name takes its own."""

    def __init__(self, given: dict[str, Tensor], training: bool = True) -> None:
        self.given = given
        self.training = training

    def conv(self, name: str, x: Tensor, **options: int) -> Tensor:
        weight, bias = self.given[f"{name}_weight"], self.given.get(f"{name}_bias")
        return F.conv2d(x, weight, bias, **options)  # type: ignore[arg-type]

    def bn(self, name: str, x: Tensor) -> Tensor:
        weight, bias = self.given[f"{name}_weight"], self.given[f"{name}_bias"]
        mean, var = torch.zeros_like(weight), torch.ones_like(weight)
        return F.batch_norm(x, mean, var, weight, bias, training=self.training)


def vgg_block(x: Tensor, **params: Tensor) -> Tensor:
    w = Weights(params)
    for name in ("convs_0_conv2d1", "convs_1_conv2d1"):
        x = w.conv(name, x, padding=1).relu()
    return F.max_pool2d(x, 2)


def nin_block(x: Tensor, **params: Tensor) -> Tensor:
    w = Weights(params)
    x = w.conv("conv1", x, stride=2, padding=1).relu()
    return w.conv("conv3", w.conv("conv2", x).relu()).relu()


def inception(x: Tensor, **params: Tensor) -> Tensor:
    w = Weights(params)
    b1 = w.conv("b1_1", x).relu()
    b2 = w.conv("b2_2", w.conv("b2_1", x).relu(), padding=1).relu()
    b3 = w.conv("b3_2", w.conv("b3_1", x).relu(), padding=2).relu()
    b4 = w.conv("b4_2", F.max_pool2d(x, 3, 1, 1)).relu()
    return torch.cat([b1, b2, b3, b4], 1)


def residual(stride: int) -> Callable[..., Tensor]:
    """The book's block, in evaluation."""

    def run(x: Tensor, **params: Tensor) -> Tensor:
        w = Weights(params, training=False)
        y = w.bn("bn1", w.conv("conv1", x, stride=stride, padding=1)).relu()
        y = w.bn("bn2", w.conv("conv2", y, padding=1))
        return (y + (w.conv("conv3", x, stride=stride) if stride > 1 else x)).relu()

    return run


def basic_block(x: Tensor, **params: Tensor) -> Tensor:
    w = Weights(params)
    y = w.bn("bn1", w.conv("conv1", x, stride=2, padding=1)).relu()
    y = w.bn("bn2", w.conv("conv2", y, padding=1))
    return (y + w.bn("downsample_1", w.conv("downsample_0", x, stride=2))).relu()


def bottleneck(x: Tensor, **params: Tensor) -> Tensor:
    w = Weights(params)
    y = w.bn("bn1", w.conv("conv1", x)).relu()
    y = w.bn("bn2", w.conv("conv2", y, stride=2, padding=1)).relu()
    y = w.bn("bn3", w.conv("conv3", y))
    return (y + w.bn("downsample_1", w.conv("downsample_0", x, stride=2))).relu()


def resnext_block(x: Tensor, **params: Tensor) -> Tensor:
    w = Weights(params, training=False)
    y = w.bn("bn1", w.conv("conv1", x)).relu()
    y = w.bn("bn2", w.conv("conv2", y, stride=2, padding=1, groups=4)).relu()
    y = w.bn("bn3", w.conv("conv3", y))
    return (y + w.bn("bn4", w.conv("conv4", x, stride=2))).relu()


def dense_block(x: Tensor, **params: Tensor) -> Tensor:
    w = Weights(params, training=False)
    for name in ("net_0_dense_layer1", "net_1_dense_layer1"):
        y = w.conv(f"{name}_grown", w.bn(f"{name}_bn", x).relu(), padding=1)
        x = torch.cat([x, y], 1)
    return x


def transition_block(x: Tensor, **params: Tensor) -> Tensor:
    w = Weights(params)
    return F.avg_pool2d(w.conv("thinned", w.bn("bn", x).relu()), 2)


def squeeze_excitation(x: Tensor, **params: Tensor) -> Tensor:
    w = Weights(params)
    squeezed = w.conv("fc1", F.adaptive_avg_pool2d(x, 1)).relu()
    return x * w.conv("fc2", squeezed).sigmoid()


def inverted_residual(x: Tensor, **params: Tensor) -> Tensor:
    w = Weights(params)
    y = F.relu6(w.bn("bn1", w.conv("conv1", x)))
    y = F.relu6(w.bn("bn2", w.conv("conv2", y, padding=1, groups=8)))
    return x + w.bn("bn3", w.conv("conv3", y))


def g_block(x: Tensor, conv2d_trans_weight: Tensor, **params: Tensor) -> Tensor:
    y = F.conv_transpose2d(x, conv2d_trans_weight, stride=2, padding=1)
    return Weights(params).bn("bn", y).relu()


def d_block(x: Tensor, **params: Tensor) -> Tensor:
    w = Weights(params)
    return F.leaky_relu(w.bn("bn", w.conv("conv1", x, stride=2, padding=1)), 0.3)


ARCHITECTURES: dict[str, Callable[..., Tensor]] = {
    "vgg_block": vgg_block,
    "nin_block": nin_block,
    "inception": inception,
    "residual": residual(2),
    "residual_plain": residual(1),
    "basic_block": basic_block,
    "bottleneck": bottleneck,
    "resnext_block": resnext_block,
    "dense_block": dense_block,
    "transition_block": transition_block,
    "squeeze_excitation": squeeze_excitation,
    "inverted_residual": inverted_residual,
    "g_block": g_block,
    "d_block": d_block,
}
