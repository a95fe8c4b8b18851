"""Fully convolutional nets, by hand in PyTorch; layers stand in our order of creation."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch.nn.functional as F
from torch import Tensor, nn

from tests.parity.torch_model import Model, Values


def bare(into: int, out: int, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    """A convolution without bias, and batch norm."""
    conv = nn.Conv2d(into, out, kernel, stride, kernel // 2, bias=False)
    return [conv, nn.BatchNorm2d(out)]


class BasicBlock(nn.Module):
    def __init__(self, into: int, out: int, stride: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(*bare(into, out, 3, stride), nn.ReLU(), *bare(out, out))
        fits = stride == 1 and into == out
        self.shortcut = nn.Sequential(*([] if fits else bare(into, out, 1, stride)))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.branch(x) + self.shortcut(x))


class FCN(Model):
    """ResNet-18's body, a 1 x 1 convolution, a transposed one 32 times as large."""

    def __init__(self, H: int, W: int, width: int, classes: int) -> None:
        super().__init__()
        layers = [*bare(1, width, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
        into = width
        for i in range(4):
            out = width << i
            layers += [BasicBlock(into, out, 2 if i else 1), BasicBlock(out, out, 1)]
            into = out
        paint = nn.ConvTranspose2d(classes, classes, 64, 32, 16)
        self.net = nn.Sequential(*layers, nn.Conv2d(into, classes, 1), paint)

    def forward(self, feed: Mapping[str, Tensor]) -> Values:
        scores = self.net(feed["image"])
        each = F.cross_entropy(scores, feed["mask"], reduction="none").mean(1).mean(1)
        return {"scores": scores, "loss": each.sum()}


class FCNWithSkips(Model):
    def __init__(self, size: int, width: int, classes: int) -> None:
        super().__init__()

        def see(into: int, out: int) -> nn.Sequential:
            return nn.Sequential(
                nn.MaxPool2d(2), *bare(into, out), nn.ReLU(), *bare(out, out), nn.ReLU()
            )

        def larger() -> nn.Module:
            return nn.ConvTranspose2d(classes, classes, 4, 2, 1, bias=False)

        self.whole = nn.Conv2d(1, width, 3, padding=1)
        self.by_2, self.by_4 = see(width, 3 * width), see(3 * width, 8 * width)
        self.coarse = nn.Conv2d(8 * width, classes, 1)
        self.larger_2, self.score_2 = larger(), nn.Conv2d(3 * width, classes, 1)
        self.larger_1, self.score_1 = larger(), nn.Conv2d(width, classes, 1)

    def forward(self, feed: Mapping[str, Tensor]) -> Values:
        whole = F.relu(self.whole(feed["image"]))
        by_2 = self.by_2(whole)
        coarse = self.coarse(self.by_4(by_2))
        finer = self.larger_2(coarse) + self.score_2(by_2)
        scores = self.larger_1(finer) + self.score_1(whole)
        return {"scores": scores, "loss": F.cross_entropy(scores, feed["mask"])}


SEGMENTATION_NETS: dict[str, Callable[..., Model]] = {
    "../../graphs/vision/fcn_resnet18.yaml": FCN,
    "../../graphs/vision/fcn_skips.yaml": FCNWithSkips,
}
