"""Regions of images: which boxes to keep, and where in a region the largest entries lie.

A box is (x1, y1, x2, y2), its left, upper, right and lower edge.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.dims import Dim, product
from graphflow.ir.graph import Attr
from graphflow.ir.types import DType, TensorType, ValueType
from graphflow.ops.arguments import number, operand, per_axis, size
from graphflow.ops.op import Array, Attrs, Namespace, Op, Sample, register

Sizes = tuple[int, ...]


@register
class Nms(Op):
    """Non-maximum suppression: the numbers of the boxes to keep, best score first, then -1.

    The box of the highest score is kept, those whose intersection with it exceeds ``iou_threshold``
    of their union are dropped, and so on with the rest; of equal scores the first box comes first.
    At most ``max_output`` boxes are kept (all, by default), which is the size of the result, and
    only those with a score above ``score_threshold``. boxes (..., N, 4) with scores (..., N): each
    set by itself.
    """

    family, waits = "regions", True
    latex = r"\operatorname{{nms}}({boxes}, {scores})"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        boxes, scores = operand(types), operand(types, 1)
        if boxes.ndim < 2 or boxes.shape[-1] != 4 or scores.shape != boxes.shape[:-1]:
            fail(
                "GF030",
                "nms wants boxes (..., N, 4) and scores (..., N), but the shapes are "
                f"{list(boxes.shape)} and {list(scores.shape)}",
            )
        most, least = attrs["max_output"], attrs["score_threshold"]
        return {
            "iou_threshold": number(attrs["iou_threshold"], "iou_threshold"),
            "max_output": boxes.shape[-2] if most is None else size(most, "max_output"),
            "score_threshold": None if least is None else number(least, "score_threshold"),
        }

    def infer(
        self,
        boxes: TensorType,
        scores: TensorType,
        *,
        iou_threshold: float,
        max_output: Dim | None = None,
        score_threshold: float | None = None,
    ) -> TensorType:
        assert max_output is not None
        return TensorType(DType.INT64, (*boxes.shape[:-2], max_output))

    def forward(
        self,
        xp: Namespace,
        boxes: Array,
        scores: Array,
        *,
        iou_threshold: float,
        max_output: int,
        score_threshold: float | None,
    ) -> Array:
        out = xp.full((*boxes.shape[:-2], max_output), -1, np.int64)
        least = -np.inf if score_threshold is None else score_threshold
        for at in np.ndindex(boxes.shape[:-2]):
            found = _kept(xp, boxes[at], scores[at], iou_threshold, max_output, least)
            out[at][: len(found)] = xp.asarray(found, np.int64)
        return out

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        boxes = operand(types)
        return 3 * boxes.size * boxes.shape[-2]

    def samples(self) -> Iterator[Sample]:
        boxes = np.array([[0.1, 0.08, 0.52, 0.92], [0.08, 0.2, 0.56, 0.95],
                          [0.15, 0.3, 0.62, 0.91], [0.55, 0.2, 0.9, 0.88]])  # fmt: skip
        scores = np.array([0.9, 0.8, 0.7, 0.9])
        half: Attrs = {"iou_threshold": 0.5}
        yield Sample([boxes, scores], half, np.array([0, 3, -1, -1]), False)
        both = np.stack([boxes, boxes]), np.stack([scores, -scores])
        attrs: Attrs = {"iou_threshold": 0.6, "max_output": 3, "score_threshold": -0.85}
        yield Sample(both, attrs, np.array([[0, 3, 2], [2, -1, -1]]), False)
        yield Sample([np.zeros((0, 4)), np.zeros(0)], half, np.zeros(0), False)


def _kept(
    xp: Namespace, boxes: Array, scores: Array, threshold: float, most: int, least: float
) -> list[int]:
    """The boxes of one set to keep."""
    order = xp.argsort(-scores, kind="stable")
    order = order[scores[order] > least]
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    found: list[int] = []
    while order.size and len(found) < most:
        best, rest = int(order[0]), order[1:]
        found.append(best)
        low = xp.maximum(boxes[best, :2], boxes[rest, :2])
        high = xp.minimum(boxes[best, 2:], boxes[rest, 2:])
        shared = xp.maximum(high - low, 0).prod(axis=-1)
        order = rest[~(shared > threshold * (areas[best] + areas[rest] - shared))]
    return found


@register
class RoiPoolIndices(Op):
    """Where roi_pool's elements lie in the flattened image, -1 for a bin without pixels.

    x is (N, C, H, W); each row of ``boxes`` (K, 5) is the number of an image and a box in it, which
    ``spatial_scale`` brings to x's pixels. The box, rounded to whole pixels, its last ones
    included, falls into ``output_size`` bins that may share pixels. Gives (K, C, *output_size).
    Source: Girshick 2015, Fast R-CNN; torchvision.ops.roi_pool.
    """

    family, waits = "regions", True
    latex = r"\operatorname{{arg\,roipool}}({x}, {boxes})"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        x, boxes = operand(types), operand(types, 1)
        if x.ndim != 4 or boxes.ndim != 2 or boxes.shape[1] != 5:
            fail(
                "GF030",
                "roi_pool wants images (N, C, H, W) and boxes (K, 5), but the shapes are "
                f"{list(x.shape)} and {list(boxes.shape)}",
                help="a row of boxes is [number of the image, x1, y1, x2, y2]",
            )
        return {
            "output_size": per_axis(attrs["output_size"], 2, "output_size"),
            "spatial_scale": number(attrs["spatial_scale"], "spatial_scale"),
        }

    def infer(
        self, x: TensorType, boxes: TensorType, *, output_size: Sizes, spatial_scale: float = 1.0
    ) -> TensorType:
        return TensorType(DType.INT64, (boxes.shape[0], x.shape[1], *output_size))

    def forward(
        self, xp: Namespace, x: Array, boxes: Array, *, output_size: Sizes, spatial_scale: float
    ) -> Array:
        images, channels, *spatial = x.shape
        out = xp.full((len(boxes), channels, *output_size), -1, np.int64)
        images_of = boxes[:, 0].astype(np.int64).tolist()
        scaled = xp.floor(boxes[:, 1:] * spatial_scale + 0.5).astype(np.int64).tolist()
        for k, (image, box) in enumerate(zip(images_of, scaled, strict=True)):
            if not 0 <= image < images:
                fail("GF080", f"roi_pool: a box lies in image {image}, but there are {images}")
            start = (image * channels + xp.arange(channels)) * prod(spatial)
            rows = _bins(box[1], box[3], output_size[0], spatial[0])
            columns = _bins(box[0], box[2], output_size[1], spatial[1])
            for i, (top, bottom) in enumerate(rows):
                for j, (left, right) in enumerate(columns):
                    if top < bottom and left < right:
                        part = x[image, :, top:bottom, left:right].reshape(channels, -1)
                        row, column = xp.divmod(part.argmax(axis=1), right - left)
                        out[k, :, i, j] = start + (top + row) * spatial[1] + left + column
        return out

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return operand(types, 1).shape[0] * product(operand(types).shape[1:])

    def samples(self) -> Iterator[Sample]:
        x = np.arange(16.0).reshape(1, 1, 4, 4)
        boxes = np.array([[0.0, 0, 0, 20, 20], [0.0, 0, 10, 30, 30]])
        attrs: Attrs = {"output_size": 2, "spatial_scale": 0.1}
        expected = np.array([[[[5, 6], [9, 10]]], [[[9, 11], [13, 15]]]])
        yield Sample([x, boxes], attrs, expected, False)
        outside = np.array([[0.0, 6, 6, 7, 7]])
        yield Sample([x, outside], {"output_size": (1, 2)}, np.full((1, 1, 1, 2), -1), False)


def _bins(first: int, last: int, count: int, size: int) -> list[tuple[int, int]]:
    """First pixel and end of every bin between two pixels of an axis, both included."""
    n = max(last - first + 1, 1)
    ends = [(first + i * n // count, first - (-(i + 1) * n // count)) for i in range(count)]
    return [(min(max(a, 0), size), min(max(b, 0), size)) for a, b in ends]
