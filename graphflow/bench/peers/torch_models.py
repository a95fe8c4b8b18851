"""The models of the table in PyTorch, as a person who cares for speed writes them.

Parameters are created in the order of our files and have the same shapes, so that a test can copy
ours. Convolutional nets run in the memory layout that is the faster one for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphflow.bench.rows import Row
from graphflow.ir.precision import Precision

Feed = Mapping[str, Tensor]
CHANNELS_FIRST = {"resnet18"}
"""Models of images that are faster with (N, C, H, W) as it stands, on a processor."""


class Twin(nn.Module):
    """A model of the table: a feed gives its loss."""

    def forward(self, feed: Feed) -> Tensor:
        raise NotImplementedError


class Classifier(Twin):
    """Cross entropy of what a net makes of the first input."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.net = nn.Sequential(*layers)

    def forward(self, feed: Feed) -> Tensor:
        x = feed["image"] if "image" in feed else feed["x"]
        return F.cross_entropy(self.net(x), feed["label"])


class Middle(Twin):
    """A layer between others: its input has a gradient, too, and that of its output is given."""

    def __init__(self, x: tuple[int, ...], layer: nn.Module) -> None:
        super().__init__()
        self.x = nn.Parameter(torch.randn(x))
        self.layer = layer

    def forward(self, feed: Feed) -> Tensor:
        y = self.layer(self.x)
        return ((y[0] if isinstance(y, tuple) else y) * feed["by_y"]).sum()


class XYZ(Twin):
    def __init__(self) -> None:
        super().__init__()
        self.x, self.y, self.z = (nn.Parameter(torch.tensor(v)) for v in (2.0, 3.0, 4.0))

    def forward(self, feed: Feed) -> Tensor:
        return (self.x + self.y) * self.z


class SkipGram(Twin):
    def __init__(self) -> None:
        super().__init__()
        self.v, self.u = nn.Embedding(10_000, 100), nn.Embedding(10_000, 100)

    def forward(self, feed: Feed) -> Tensor:
        scores = torch.bmm(self.v(feed["center"]), self.u(feed["context"]).transpose(1, 2))[:, 0]
        mask = feed["mask"]
        each = F.binary_cross_entropy_with_logits(
            scores, feed["label"], weight=mask, reduction="none"
        )
        return (each.sum(1) / mask.sum(1)).mean()


class Encoder(nn.Module):
    """A post-norm encoder layer of a Transformer, without dropout."""

    def __init__(self, d: int, heads: int, wide: int) -> None:
        super().__init__()
        self.heads = heads
        self.mixed, self.joined = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.norm1 = nn.LayerNorm(d)
        self.linear1, self.linear2 = nn.Linear(d, wide), nn.Linear(wide, d)
        self.norm2 = nn.LayerNorm(d)

    def forward(self, x: Tensor) -> Tensor:
        n, t, d = x.shape
        q, k, v = self.mixed(x).view(n, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, d)
        x = self.norm1(x + self.joined(seen))
        return self.norm2(x + self.linear2(F.relu(self.linear1(x))))


class Causal(nn.Module):
    """A pre-norm layer of a Transformer whose steps see what came before them."""

    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(d)
        self.mixed, self.joined = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.norm2 = nn.LayerNorm(d)
        self.linear1, self.linear2 = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

    def forward(self, x: Tensor) -> Tensor:
        n, t, d = x.shape
        q, k, v = self.mixed(self.norm1(x)).view(n, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.joined(seen.transpose(1, 2).reshape(n, t, d))
        return x + self.linear2(F.gelu(self.linear1(self.norm2(x)), approximate="tanh"))


class LanguageModel(Twin):
    """Layers of a Transformer between words and the chances of the next ones."""

    def __init__(self, words: int, steps: int, d: int, heads: int, depth: int) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(words, d), nn.Embedding(steps, d)
        self.layers = nn.Sequential(*(Causal(d, heads) for _ in range(depth)), nn.LayerNorm(d))
        self.out = nn.Linear(d, words)

    def forward(self, feed: Feed) -> Tensor:
        logits = self.out(self.layers(self.words(feed["words_read"]) + self.places.weight))
        return F.cross_entropy(logits.flatten(0, 1), feed["label"].flatten())


class Basic(nn.Module):
    """ResNet's block of two convolutions."""

    def __init__(self, into: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(into, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut = None
        if stride != 1 or into != planes:
            self.shortcut = nn.Sequential(
                nn.Conv2d(into, planes, 1, stride, bias=False), nn.BatchNorm2d(planes)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)), inplace=True)))
        return F.relu(y + (x if self.shortcut is None else self.shortcut(x)), inplace=True)


class Bottleneck(nn.Module):
    """ResNet's block of three convolutions."""

    def __init__(self, into: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        out = 4 * planes
        self.conv1 = nn.Conv2d(into, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.shortcut = None
        if stride != 1 or into != out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(into, out, 1, stride, bias=False), nn.BatchNorm2d(out)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn3(self.conv3(F.relu(self.bn2(self.conv2(y)), inplace=True)))
        return F.relu(y + (x if self.shortcut is None else self.shortcut(x)), inplace=True)


class Side(nn.Module):
    """Ways side by side, joined on the channels."""

    def __init__(self, *ways: nn.Module) -> None:
        super().__init__()
        self.ways = nn.ModuleList(ways)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([way(x) for way in self.ways], 1)


def conv(into: int, out: int, size: int, stride: int = 1, padding: int = 0) -> nn.Module:
    return nn.Sequential(nn.Conv2d(into, out, size, stride, padding), nn.ReLU(inplace=True))


def lenet(act: type[nn.Module], pool: type[nn.Module]) -> Twin:
    return Classifier(
        nn.Conv2d(1, 6, 5, padding=2), act(), pool(2, 2), nn.Conv2d(6, 16, 5), act(), pool(2, 2),
        nn.Flatten(), nn.Linear(400, 120), act(), nn.Linear(120, 84), act(), nn.Linear(84, 10),
    )  # fmt: skip


def resnet18(*stem: nn.Module) -> Twin:
    return Classifier(
        *stem, Basic(64, 64), Basic(64, 64), Basic(64, 128, 2), Basic(128, 128),
        Basic(128, 256, 2), Basic(256, 256), Basic(256, 512, 2), Basic(512, 512),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10),
    )  # fmt: skip


def resnet50() -> Twin:
    layers: list[nn.Module] = []
    into = 64
    for planes, count, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for place in range(count):
            layers.append(Bottleneck(into, planes, 1 if place else stride))
            into = 4 * planes
    return Classifier(
        *stem(3, 7, 2, 3), nn.MaxPool2d(3, 2, 1), *layers,
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(into, 10),
    )  # fmt: skip


def stem(into: int, size: int, stride: int, padding: int) -> tuple[nn.Module, ...]:
    first = nn.Conv2d(into, 64, size, stride, padding, bias=False)
    return first, nn.BatchNorm2d(64), nn.ReLU(inplace=True)


def vgg11() -> Twin:
    layers: list[nn.Module] = []
    into = 1
    for count, out in ((1, 16), (1, 32), (2, 64), (2, 128), (2, 128)):
        for _ in range(count):
            layers.append(conv(into, out, 3, padding=1))
            into = out
        layers.append(nn.MaxPool2d(2))
    return Classifier(
        *layers, nn.Flatten(), nn.Linear(512, 4096), nn.ReLU(inplace=True),
        nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Linear(4096, 10),
    )  # fmt: skip


def nin() -> Twin:
    def block(into: int, out: int, size: int, stride: int, padding: int) -> nn.Module:
        ones = conv(out, out, 1), conv(out, out, 1)
        return nn.Sequential(conv(into, out, size, stride, padding), *ones)

    return Classifier(
        block(1, 96, 11, 4, 0), nn.MaxPool2d(3, 2), block(96, 256, 5, 1, 2), nn.MaxPool2d(3, 2),
        block(256, 384, 3, 1, 1), nn.MaxPool2d(3, 2), block(384, 10, 3, 1, 1),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip


def inception(
    into: int, c1: int, c2: tuple[int, int], c3: tuple[int, int], c4: int
) -> nn.Module:  # fmt: skip
    return Side(
        conv(into, c1, 1),
        nn.Sequential(conv(into, c2[0], 1), conv(*c2, 3, padding=1)),
        nn.Sequential(conv(into, c3[0], 1), conv(*c3, 5, padding=2)),
        nn.Sequential(nn.MaxPool2d(3, 1, 1), conv(into, c4, 1)),
    )


def googlenet() -> Twin:
    def pool() -> nn.Module:
        return nn.MaxPool2d(3, 2, 1)

    return Classifier(
        conv(1, 64, 7, 2, 3), pool(), conv(64, 64, 1), conv(64, 192, 3, padding=1), pool(),
        inception(192, 64, (96, 128), (16, 32), 32),
        inception(256, 128, (128, 192), (32, 96), 64), pool(),
        inception(480, 192, (96, 208), (16, 48), 64),
        inception(512, 160, (112, 224), (24, 64), 64),
        inception(512, 128, (128, 256), (24, 64), 64),
        inception(512, 112, (144, 288), (32, 64), 64),
        inception(528, 256, (160, 320), (32, 128), 128), pool(),
        inception(832, 256, (160, 320), (32, 128), 128),
        inception(832, 384, (192, 384), (48, 128), 128),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1024, 10),
    )  # fmt: skip


def densenet() -> Twin:
    def grown(into: int, *layer: nn.Module) -> nn.Module:
        return nn.Sequential(nn.BatchNorm2d(into), nn.ReLU(inplace=True), *layer)

    layers: list[nn.Module] = [
        nn.Conv2d(1, 64, 7, 2, 3), nn.BatchNorm2d(64), nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2, 1),
    ]  # fmt: skip
    into = 64
    for thinned in (96, 112, 120, None):
        for _ in range(4):
            layers.append(Side(nn.Identity(), grown(into, nn.Conv2d(into, 32, 3, 1, 1))))
            into += 32
        if thinned is not None:
            layers.append(grown(into, nn.Conv2d(into, thinned, 1), nn.AvgPool2d(2)))
            into = thinned
    layers += [grown(into, nn.AdaptiveAvgPool2d(1)), nn.Flatten(), nn.Linear(into, 10)]
    return Classifier(*layers)


MODELS: dict[str, Callable[[int], Twin]] = {
    "softmax_regression": lambda batch: Classifier(nn.Linear(784, 10)),
    "mlp": lambda batch: Classifier(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10)),
    "xyz": lambda batch: XYZ(),
    "lenet_sigmoid": lambda batch: lenet(nn.Sigmoid, nn.AvgPool2d),
    "lenet_relu": lambda batch: lenet(nn.ReLU, nn.MaxPool2d),
    "conv3x3": lambda batch: Middle((batch, 64, 32, 32), nn.Conv2d(64, 64, 3, padding=1)),
    "resnet18": lambda batch: resnet18(*stem(3, 7, 2, 3), nn.MaxPool2d(3, 2, 1)),
    "resnet18_wide": lambda batch: resnet18(*stem(3, 3, 1, 1)),
    "vgg11": lambda batch: vgg11(),
    "nin": lambda batch: nin(),
    "googlenet": lambda batch: googlenet(),
    "densenet": lambda batch: densenet(),
    "lstm": lambda batch: Middle((35, batch, 256), nn.LSTM(256, 256)),
    "transformer_block": lambda batch: Middle((batch, 64, 256), Encoder(256, 8, 1024)),
    "word2vec": lambda batch: SkipGram(),
    "resnet50": lambda batch: resnet50(),
    "transformer_12": lambda batch: LanguageModel(10_000, 512, 768, 12, 12),
}


def twin(row: Row, batch: int | None = None) -> Twin:
    """The model of a row, for another batch than the table's where one is given."""
    return MODELS[row.model](batch or row.batch)


def tensors(feed: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
    """A feed for a twin."""
    return {name: torch.from_numpy(array) for name, array in feed.items()}


def sees_gpu() -> bool:
    """Whether PyTorch was built for a GPU that is there."""
    return torch.cuda.is_available()


def one_step(
    model: Twin, feed: Feed, rate: float, compiled: bool = False, device: str = "cpu",
    precision: Precision = "fp32",
) -> Callable[[], Tensor]:  # fmt: skip
    """What makes one step and gives the loss before it. A feed is brought to a GPU in each step, as
    it is on our side.
    """
    on_gpu = device == "cuda"
    model = model.to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, fused=True if on_gpu else None)
    mode = "reduce-overhead" if on_gpu else "default"
    loss_of = torch.compile(model, mode=mode) if compiled else model
    mixed = torch.autocast(device, torch.bfloat16, enabled=precision == "bf16")

    def step() -> Tensor:
        optimizer.zero_grad(set_to_none=True)
        given = {name: x.to(device, non_blocking=True) for name, x in feed.items()}
        with mixed:
            loss = loss_of(given)
        loss.backward()
        optimizer.step()
        return loss

    return step


def prepared(row: Row, threads: int, compiled: bool, on_gpu: bool) -> Callable[[], object]:
    """What makes one step of a row. On a GPU its loss is waited for, and float32 is multiplied as
    it stands, without TF32.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    model, feed = twin(row), tensors(row.feed())
    if on_gpu or row.model not in CHANNELS_FIRST:
        last = torch.channels_last
        model = model.to(memory_format=last)
        feed = {n: x.to(memory_format=last) if x.ndim == 4 else x for n, x in feed.items()}
    if not on_gpu:
        return one_step(model, feed, row.rate, compiled, precision=row.precision)
    pinned = {name: x.pin_memory() for name, x in feed.items()}
    step = one_step(model, pinned, row.rate, compiled, "cuda", row.precision)
    return lambda: step().item()
