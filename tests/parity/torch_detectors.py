"""Detectors of chapter 14 of the book, by hand in PyTorch: TinySSD, R-CNN and its faster kin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.parity.torch_model import Model, Values

RATIOS = (1.0, 2.0, 0.5)
SIZES = ((0.2, 0.272), (0.37, 0.447), (0.54, 0.619), (0.71, 0.79), (0.88, 0.961))


def prior(height: int, width: int, sizes: Sequence[float], ratios: Sequence[float]) -> Tensor:
    """Anchors (A, 4): each size with the first ratio, then the first size with the others."""
    shapes = [(s, ratios[0]) for s in sizes] + [(sizes[0], r) for r in ratios[1:]]
    rows = []
    for i in range(height):
        for j in range(width):
            x, y = (j + 0.5) / width, (i + 0.5) / height
            for s, r in shapes:
                w, h = s * r**0.5 * height / width / 2, s / r**0.5 / 2
                rows.append([x - w, y - h, x + w, y + h])
    return torch.tensor(rows, dtype=torch.float64)


def iou(a: Tensor, b: Tensor) -> Tensor:
    low, high = torch.maximum(a[:, None, :2], b[:, :2]), torch.minimum(a[:, None, 2:], b[:, 2:])
    shared = (high - low).clamp(min=0).prod(2)
    area = [(box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1]) for box in (a, b)]
    return shared / (area[0][:, None] + area[1] - shared)


def targets(anchors: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Offsets (A, 4), mask (A, 4) and classes (A) for the objects (G, 5) of one image."""
    labels = labels[labels[:, 0] >= 0]
    left = iou(anchors, labels[:, 1:])
    best, owner = left.max(1)
    owner[best < 0.5] = -1
    for _ in range(len(labels)):
        anchor, item = divmod(int(left.argmax()), len(labels))
        owner[anchor] = item
        left[anchor], left[:, item] = -1, -1
    own, here = labels[owner.clamp(min=0)], owner >= 0
    classes = torch.where(here, own[:, 0].long() + 1, 0)
    mask = here[:, None].expand(-1, 4).double()
    return encoded(anchors, own[:, 1:]) * mask, mask, classes


def encoded(anchors: Tensor, boxes: Tensor) -> Tensor:
    """Offsets (A, 4) of boxes to their anchors."""
    width, wide = anchors[:, 2:] - anchors[:, :2], boxes[:, 2:] - boxes[:, :2]
    moved = (boxes[:, :2] + boxes[:, 2:] - anchors[:, :2] - anchors[:, 2:]) / 2 / width
    return torch.cat((10 * moved, 5 * torch.log(1e-6 + wide / width)), 1)


def decoded(anchors: Tensor, offsets: Tensor) -> Tensor:
    """Boxes (A, 4) that lie to anchors as offsets say."""
    width, centre = anchors[:, 2:] - anchors[:, :2], (anchors[:, 2:] + anchors[:, :2]) / 2
    centre, half = centre + offsets[:, :2] / 10 * width, width * torch.exp(offsets[:, 2:] / 5) / 2
    return torch.cat((centre - half, centre + half), 1)


def judged(scores: Tensor, offsets: Tensor, feed: Mapping[str, Tensor], anchors: Tensor) -> Values:
    """The class loss, and what is absolutely or smoothly wrong of the offsets."""
    found = [targets(anchors, labels) for labels in feed["labels"]]
    wanted, mask, classes = (torch.stack(part) for part in zip(*found, strict=True))
    class_loss = F.cross_entropy(scores.flatten(0, 1), classes.flatten())
    return {
        "scores": scores, "offsets": offsets, "class_loss": class_loss,
        "wrong": offsets * mask.flatten(1), "wanted": wanted.flatten(1),
    }  # fmt: skip


class TinySSD(Model):
    def __init__(self, size: int, kinds: int, deep: int) -> None:
        super().__init__()
        self.kinds, widths = kinds, (1, 16, deep, deep, deep)
        self.blocks = nn.ModuleList([self.down(a, b) for a, b in pairwise(widths)])
        self.heads = nn.ModuleList(
            [nn.ModuleList((nn.Conv2d(w, 4 * (kinds + 1), 3, 1, 1), nn.Conv2d(w, 16, 3, 1, 1)))
             for w in (*widths[1:], deep)]
        )  # fmt: skip
        here = [size >> k for k in range(1, 5)] + [1]
        self.anchors = torch.cat(
            [prior(n, n, sizes, RATIOS) for n, sizes in zip(here, SIZES, strict=True)]
        )

    def down(self, into: int, out: int) -> nn.Sequential:
        layers: list[nn.Module] = []
        for channels in (into, out):
            layers += [nn.Conv2d(channels, out, 3, 1, 1), nn.BatchNorm2d(out), nn.ReLU()]
        return nn.Sequential(*layers, nn.MaxPool2d(2))

    def forward(self, feed: Mapping[str, Tensor]) -> Values:
        x, found = feed["image"], []
        for k, heads in enumerate(self.heads):
            x = self.blocks[k](x) if k < 4 else F.adaptive_max_pool2d(x, 1)
            found.append([head(x).permute(0, 2, 3, 1).flatten(1) for head in heads])
        scores, offsets = (torch.cat(part, 1) for part in zip(*found, strict=True))
        scores = scores.reshape(len(scores), -1, self.kinds + 1)
        values = judged(scores, offsets, feed, self.anchors)
        loss = values["class_loss"] + F.l1_loss(values["wrong"], values["wanted"])
        return values | {"loss": loss}


class FastRCNN(Model):
    """RoI pooling by its definition: torchvision.ops.roi_pool, which rounds and overlaps."""

    def __init__(self, size: int, kinds: int, width: int, hidden: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, width, 3, 1, 1), nn.ReLU(), nn.Conv2d(width, width, 3, 1, 1), nn.ReLU(),
            nn.MaxPool2d(2),
        )  # fmt: skip
        self.hidden = nn.Linear(16 * width, hidden)
        self.score, self.offset = nn.Linear(hidden, kinds + 1), nn.Linear(hidden, 4)
        self.anchors, self.scale = prior(4, 4, (0.3, 0.42, 0.56), (1.0,)), size / 2

    def forward(self, feed: Mapping[str, Tensor]) -> Values:
        maps = self.net(feed["image"])
        pooled = torch.stack(
            [pool(one, box, self.scale) for one in maps for box in self.anchors.tolist()]
        )
        h = F.relu(self.hidden(pooled.flatten(1)))
        scores = self.score(h).reshape(len(maps), len(self.anchors), -1)
        offsets = self.offset(h).reshape(len(maps), -1)
        values = judged(scores, offsets, feed, self.anchors)
        loss = values["class_loss"] + F.smooth_l1_loss(values["wrong"], values["wanted"])
        return values | {"loss": loss}


def pool(maps: Tensor, box: Sequence[float], scale: float, bins: int = 4) -> Tensor:
    """The largest entries (C, bins, bins) of the bins of a box in maps (C, H, W)."""
    x1, y1, x2, y2 = (int(torch.floor(torch.tensor(edge * scale + 0.5))) for edge in box)
    rows, columns = (
        [(max(a + k * n // bins, 0), min(a - (-(k + 1) * n // bins), size)) for k in range(bins)]
        for a, n, size in ((y1, y2 - y1 + 1, maps.shape[1]), (x1, x2 - x1 + 1, maps.shape[2]))
    )
    found = [
        maps[:, a:b, c:d].amax((1, 2)) if a < b and c < d else maps.new_zeros(len(maps))
        for a, b in rows
        for c, d in columns
    ]
    return torch.stack(found, 1).reshape(-1, bins, bins)


class FasterRCNN(Model):
    """Its region proposal network learns with the net that reads what it proposes."""

    def __init__(self, size: int, kinds: int, width: int, hidden: int, most: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, width, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(width, width, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2),
        )  # fmt: skip
        self.around = nn.Conv2d(width, hidden, 3, 1, 1)
        self.objectness, self.moves = nn.Conv2d(hidden, 6, 1), nn.Conv2d(hidden, 12, 1)
        self.hidden = nn.Linear(16 * width, hidden)
        self.score, self.offset = nn.Linear(hidden, kinds + 1), nn.Linear(hidden, 4)
        self.anchors = prior(size // 4, size // 4, (0.3, 0.42, 0.56), (1.0,))
        self.scale, self.most = size / 4, most

    def forward(self, feed: Mapping[str, Tensor]) -> Values:
        maps, labels = self.net(feed["image"]), feed["labels"]
        around = F.relu(self.around(maps))
        objectness, moves = (
            head(around).permute(0, 2, 3, 1).flatten(1) for head in (self.objectness, self.moves)
        )
        objectness = objectness.reshape(len(maps), -1, 2)
        proposals = [self.proposed(*each) for each in zip(objectness, moves, strict=True)]
        read = [self.read(one, boxes) for one, boxes in zip(maps, proposals, strict=True)]
        scores, offsets = (torch.stack(part) for part in zip(*read, strict=True))
        rpn = judged(objectness, moves, {"labels": objects_alone(labels)}, self.anchors)
        found = [assigned(*each) for each in zip(proposals, labels, strict=True)]
        classes, target = (torch.stack(part) for part in zip(*found, strict=True))
        class_loss = F.cross_entropy(scores.flatten(0, 1), classes.flatten())
        box_loss = F.smooth_l1_loss(offsets * (classes > 0)[..., None], target)
        move_loss = F.smooth_l1_loss(rpn["wrong"], rpn["wanted"])
        loss = rpn["class_loss"] + move_loss + class_loss + box_loss
        return {"proposals": torch.stack(proposals), "scores": scores, "offsets": offsets,
                "loss": loss}  # fmt: skip

    def proposed(self, objectness: Tensor, moves: Tensor) -> Tensor:
        """The boxes of one image that non-maximum suppression keeps, the likeliest first."""
        boxes = decoded(self.anchors, moves.reshape(-1, 4)).detach()
        left = objectness.softmax(1)[:, 1].argsort(descending=True)
        kept = []
        while len(left) and len(kept) < self.most:
            kept.append(boxes[left[0]])
            left = left[iou(kept[-1][None], boxes[left])[0] <= 0.7]
        return torch.stack(kept)

    def read(self, maps: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """Scores and offsets of the boxes of one image."""
        pooled = torch.stack([pool(maps, box, self.scale) for box in boxes.tolist()])
        h = F.relu(self.hidden(pooled.flatten(1)))
        return self.score(h), self.offset(h)


def objects_alone(labels: Tensor) -> Tensor:
    """Labels (N, G, 5) in which all objects are of kind 0."""
    return torch.cat((labels[..., :1].clamp(max=0), labels[..., 1:]), 2)


def assigned(boxes: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Classes (P) and offsets (P, 4) of boxes, each by the object that it meets best."""
    labels = labels[labels[:, 0] >= 0]
    best, owner = iou(boxes, labels[:, 1:]).max(1)
    own, here = labels[owner], best >= 0.5
    offsets = encoded(boxes, own[:, 1:]) * here[:, None]
    return torch.where(here, own[:, 0].long() + 1, 0), offsets


class RCNN(Model):
    """One net over regions of 8 x 8 pixels, which support vectors judge."""

    def __init__(self, size: int, kinds: int, width: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, width, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
        )  # fmt: skip
        self.score, self.offset = nn.Linear(16 * width, kinds + 1), nn.Linear(16 * width, 4)
        self.anchors, self.size = prior(6, 6, (0.3, 0.42, 0.56), (1.0,)), size

    def forward(self, feed: Mapping[str, Tensor]) -> Values:
        count = len(self.anchors)
        crops = [
            cut(image, box, self.size) for image in feed["image"] for box in self.anchors.tolist()
        ]
        h = self.net(torch.stack(crops))
        scores = self.score(h).reshape(-1, count, self.score.out_features)
        offsets = self.offset(h).reshape(-1, 4 * count)
        found = [targets(self.anchors, labels) for labels in feed["labels"]]
        wanted, mask, classes = (torch.stack(part) for part in zip(*found, strict=True))
        side = 2 * F.one_hot(classes, scores.shape[2]) - 1
        weight = torch.where(classes > 0, 10.0, 1.0).double()[..., None]
        short = (weight * F.relu(1 - side * scores)).sum() / weight.sum() / scores.shape[2]
        loss = short + 0.1 * F.mse_loss(offsets * mask.flatten(1), wanted.flatten(1))
        return {"scores": scores, "offsets": offsets, "loss": loss}


def cut(image: Tensor, box: Sequence[float], scale: float, bins: int = 8) -> Tensor:
    """A box of an image (C, H, W) as (C, bins, bins), means of 2 x 2 points between the pixels."""
    x1, y1, x2, y2 = (edge * scale - 0.5 for edge in box)
    share = (torch.arange(2 * bins).double() + 0.5) / (2 * bins)
    ys, xs = y1 + (y2 - y1) * share, x1 + (x2 - x1) * share
    seen = across(image.shape[1], ys) @ image @ across(image.shape[2], xs).T
    return F.adaptive_avg_pool2d(seen, bins)


def across(size: int, places: Tensor) -> Tensor:
    """Weights (places, size) of linear interpolation: the border goes on for a pixel, then 0."""
    inside = ((places >= -1) & (places <= size)).double()[:, None]
    distance = (places.clamp(0, size - 1)[:, None] - torch.arange(size)).abs()
    return inside * (1 - distance).clamp(min=0)


DETECTORS: dict[str, Callable[..., Model]] = {
    "../../graphs/vision/tiny_ssd.yaml": TinySSD,
    "../../graphs/vision/fast_rcnn.yaml": FastRCNN,
    "../../graphs/vision/faster_rcnn.yaml": FasterRCNN,
    "../../graphs/vision/rcnn.yaml": RCNN,
}
