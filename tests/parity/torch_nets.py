"""LeNet, the nets of chapter 8 of the book, He's net for small pictures, by hand in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.parity.torch_adversarial import ADVERSARIAL_NETS
from tests.parity.torch_bert import BERT_NETS
from tests.parity.torch_detectors import DETECTORS
from tests.parity.torch_model import Model, Values
from tests.parity.torch_recommenders import RECOMMENDER_NETS
from tests.parity.torch_segmentation import SEGMENTATION_NETS
from tests.parity.torch_words import WORD_NETS


class Net(Model):
    """A classifier; ``score`` is what is differentiated."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.net = nn.Sequential(*layers)

    def forward(self, feed: Mapping[str, Tensor]) -> Values:
        logits = self.net(feed["image"])
        return {"logits": logits, "loss": F.cross_entropy(logits, feed["label"])}


def convs(*rows: tuple[int, ...]) -> list[nn.Module]:
    """Convolutions with ReLU; a row is (in, out, kernel, stride, padding)."""
    return [m for row in rows for m in (nn.Conv2d(*row), nn.ReLU())]  # type: ignore[arg-type]


def dense(into: int, *widths: int, classes: int = 10) -> list[nn.Module]:
    layers: list[nn.Module] = [nn.Flatten()]
    for width in widths:
        layers += [nn.Linear(into, width), nn.ReLU()]
        into = width
    return [*layers, nn.Linear(into, classes)]


def head(channels: int) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10)]


def stem(width: int, kernel: int, padding: int) -> list[nn.Module]:
    return [nn.Conv2d(1, width, kernel, 2, padding), nn.BatchNorm2d(width), nn.ReLU()]


def alexnet(thin: int, p_drop: int) -> Net:
    a, b, c, wide = 96 // thin, 256 // thin, 384 // thin, 4096 // thin
    return Net(
        *convs((1, a, 11, 4, 1)), nn.MaxPool2d(3, 2),
        *convs((a, b, 5, 1, 2)), nn.MaxPool2d(3, 2),
        *convs((b, c, 3, 1, 1), (c, c, 3, 1, 1), (c, b, 3, 1, 1)), nn.MaxPool2d(3, 2),
        *dense(b, wide, wide),
    )  # fmt: skip


def vgg(into: int, depths: list[int], width: int) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for depth, channels in zip(depths, [1, 2, 4, 8, 8], strict=True):
        for _ in range(depth):
            layers += convs((into, channels * width, 3, 1, 1))
            into = channels * width
        layers.append(nn.MaxPool2d(2))
    return layers


def vgg11(width: int, hidden: int, p_drop: int) -> Net:
    return Net(*vgg(1, [1, 1, 2, 2, 2], width), *dense(8 * width, hidden, hidden))


class VGG16(Net):
    def __init__(self) -> None:
        super().__init__(*vgg(3, [2, 2, 3, 3, 3], 2), *dense(16, 16, 16))

    def forward(self, feed: Mapping[str, Tensor]) -> Values:
        scores = self.net(feed["image"])
        return {"scores": scores, "best": scores.amax(1).sum()}


def nin(thin: int, p_drop: int) -> Net:
    def block(into: int, out: int, *geometry: int) -> list[nn.Module]:
        return convs((into, out, *geometry), (out, out, 1), (out, out, 1))

    a, b, c = 96 // thin, 256 // thin, 384 // thin
    return Net(
        *block(1, a, 11, 4, 0), nn.MaxPool2d(3, 2), *block(a, b, 5, 1, 2), nn.MaxPool2d(3, 2),
        *block(b, c, 3, 1, 1), nn.MaxPool2d(3, 2), *block(c, 10, 3, 1, 1),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip


class Inception(nn.Module):
    def __init__(self, into: int, a: int, b1: int, b2: int, c1: int, c2: int, d: int) -> None:
        super().__init__()
        self.out = a + b2 + c2 + d
        self.branches = nn.ModuleList([
            nn.Sequential(*convs((into, a, 1))),
            nn.Sequential(*convs((into, b1, 1), (b1, b2, 3, 1, 1))),
            nn.Sequential(*convs((into, c1, 1), (c1, c2, 5, 1, 2))),
            nn.Sequential(nn.MaxPool2d(3, 1, 1), *convs((into, d, 1))),
        ])  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], 1)


def googlenet() -> Net:
    """An eighth of the book's widths."""
    rows = [
        [(8, 12, 16, 2, 4, 4), (16, 16, 24, 4, 12, 8)],
        [(24, 12, 26, 2, 6, 8), (20, 14, 28, 3, 8, 8), (16, 16, 32, 3, 8, 8),
         (14, 18, 36, 4, 8, 8), (32, 20, 40, 4, 16, 16)],
        [(32, 20, 40, 4, 16, 16), (48, 24, 48, 6, 16, 16)],
    ]  # fmt: skip
    layers = [*convs((1, 8, 7, 2, 3)), nn.MaxPool2d(3, 2, 1)]
    layers += convs((8, 8, 1), (8, 24, 3, 1, 1))
    into = 24
    for stage in rows:
        layers.append(nn.MaxPool2d(3, 2, 1))
        for row in stage:
            layers.append(Inception(into, *row))
            into = layers[-1].out  # type: ignore[assignment]
    return Net(*layers, *head(into))


def lenet_sigmoid() -> Net:
    return Net(
        nn.Conv2d(1, 6, 5, padding=2), nn.Sigmoid(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Sigmoid(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.Sigmoid(), nn.Linear(120, 84), nn.Sigmoid(), nn.Linear(84, 10),
    )  # fmt: skip


def lenet_bn() -> Net:
    def squash(width: int, kind: type[nn.Module]) -> list[nn.Module]:
        return [kind(width), nn.Sigmoid()]  # type: ignore[call-arg]

    return Net(
        nn.Conv2d(1, 6, 5), *squash(6, nn.BatchNorm2d), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), *squash(16, nn.BatchNorm2d), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(256, 120), *squash(120, nn.BatchNorm1d),
        nn.Linear(120, 84), *squash(84, nn.BatchNorm1d), nn.Linear(84, 10),
    )  # fmt: skip


class Block(nn.Module):
    """relu(f(x) + shortcut): the book's residual and ResNeXt blocks."""

    def __init__(self, branch: list[nn.Module], shortcut: list[nn.Module]) -> None:
        super().__init__()
        self.branch, self.shortcut = nn.Sequential(*branch), nn.Sequential(*shortcut)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.branch(x) + self.shortcut(x))


def residual(into: int, out: int, stride: int) -> Block:
    branch = [
        nn.Conv2d(into, out, 3, stride, 1), nn.BatchNorm2d(out), nn.ReLU(),
        nn.Conv2d(out, out, 3, 1, 1), nn.BatchNorm2d(out),
    ]  # fmt: skip
    return Block(branch, [nn.Conv2d(into, out, 1, stride)] if stride > 1 else [])


class Thinned(nn.Module):
    """Every stride-th pixel, with `more` channels of zeros on either side: no weights."""

    def __init__(self, stride: int, more: int) -> None:
        super().__init__()
        self.stride, self.more = stride, more

    def forward(self, x: Tensor) -> Tensor:
        kept = x[:, :, :: self.stride, :: self.stride]
        return F.pad(kept, (0, 0, 0, 0, self.more, self.more))


def resnet56(depth: int, colours: int) -> Net:
    def bare(into: int, out: int, stride: int) -> list[nn.Module]:
        return [nn.Conv2d(into, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out)]

    layers, into = [*bare(colours, 16, 1), nn.ReLU()], 16
    for out in (16, 32, 64):
        for _ in range((depth - 2) // 6):
            stride = 1 if into == out else 2
            branch = [*bare(into, out, stride), nn.ReLU(), *bare(out, out, 1)]
            layers.append(Block(branch, [Thinned(stride, (out - into) // 2)]))
            into = out
    return Net(*layers, *head(64))


def resnet18_book(width: int) -> Net:
    layers = [*stem(width, 7, 3), nn.MaxPool2d(3, 2, 1)]
    into = width
    for i, out in enumerate([width, 2 * width, 4 * width, 8 * width]):
        layers += [residual(into, out, 2 if i else 1), residual(out, out, 1)]
        into = out
    return Net(*layers, *head(into))


def resnext_block(into: int, out: int, group: int, stride: int) -> Block:
    """Bottleneck ratio 1."""
    branch = [
        nn.Conv2d(into, out, 1), nn.BatchNorm2d(out), nn.ReLU(),
        nn.Conv2d(out, out, 3, stride, 1, groups=out // group), nn.BatchNorm2d(out), nn.ReLU(),
        nn.Conv2d(out, out, 1), nn.BatchNorm2d(out),
    ]  # fmt: skip
    shortcut = [nn.Conv2d(into, out, 1, stride), nn.BatchNorm2d(out)] if stride > 1 else []
    return Block(branch, shortcut)


def anynet(width: int, group: int, stages: list[tuple[int, int]]) -> Net:
    """``stages`` are (depth, channels)."""
    layers, into = stem(width, 3, 1), width
    for depth, out in stages:
        layers.append(resnext_block(into, out, group, 2))
        layers += [resnext_block(out, out, group, 1) for _ in range(depth - 1)]
        into = out
    return Net(*layers, *head(into))


class Grow(nn.Module):
    def __init__(self, into: int, growth: int) -> None:
        super().__init__()
        self.bn, self.conv = nn.BatchNorm2d(into), nn.Conv2d(into, growth, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.conv(F.relu(self.bn(x)))], 1)


def densenet(paper: bool, size: int) -> Net:
    layers, channels = [*stem(64, 7, 3), nn.MaxPool2d(3, 2, 1)], 64
    for i in range(4):
        layers += [Grow(channels + 32 * k, 32) for k in range(4)]
        channels += 128
        layers += [nn.BatchNorm2d(channels), nn.ReLU()]
        if i < 3:
            layers += [nn.Conv2d(channels, channels // 2, 1), nn.AvgPool2d(2)]
            channels //= 2
    return Net(*layers, *head(channels))


NETS: dict[str, Callable[..., Model]] = {
    f"../../graphs/cnn/{name}.yaml": build
    for name, build in {
        "alexnet": alexnet,
        "vgg11": vgg11,
        "vgg16": VGG16,
        "nin": nin,
        "googlenet": googlenet,
        "lenet_sigmoid": lenet_sigmoid,
        "lenet_bn": lenet_bn,
        "lenet_bn_scratch": lenet_bn,
        "resnet18_book": resnet18_book,
        "resnet56_cifar10": resnet56,
        "resnext": lambda: anynet(8, 4, [(2, 8), (2, 16), (2, 32), (2, 64)]),
        "densenet": densenet,
        "regnetx32": lambda paper, size: anynet(32, 16, [(4, 32), (6, 80)]),
    }.items()
} | BERT_NETS | WORD_NETS | RECOMMENDER_NETS | DETECTORS | SEGMENTATION_NETS | ADVERSARIAL_NETS
