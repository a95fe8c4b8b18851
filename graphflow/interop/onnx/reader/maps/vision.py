"""Images read between their pixels, regions of interest, boxes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product as combinations

import numpy as np

from graphflow.interop.onnx.reader.call import Call
from graphflow.interop.onnx.reader.table import Result, maps
from graphflow.interop.onnx.reader.text import listing
from graphflow.ir.dims import Dim, product

MODES = {"bilinear": "linear", "bicubic": "cubic"}
"""Older words for the modes of GridSample."""


@maps("GridSample")
def grid_sample(call: Call) -> str:
    """An image, or a volume, seen at the points of a grid."""
    mode = call.word("mode", "linear")
    mode = MODES.get(mode, mode)
    border, corners = call.word("padding_mode", "zeros"), bool(call.integer("align_corners", 0))
    if call.ndim() == 4 and mode != "cubic":
        name = "bilinear" if mode == "linear" else mode
        settings = f"mode='{name}', padding_mode='{border}', align_corners={str(corners).lower()}"
        return f"grid_sample({call.x()}, {call.x(1)}, {settings})"
    return Sampling(call, border, corners).sampled(mode)


class Sampling:
    """GridSample in any number of dimensions, from its neighbours one by one."""

    def __init__(self, call: Call, border: str, corners: bool) -> None:
        self.call, self.border, self.corners = call, border, corners
        self.sizes = call.shape()[2:]
        self.shape = call.shape(1)[:-1]
        self.points = product(self.shape[1:])
        n, c = call.shape()[:2]
        self.flat = call.let(f"reshape({call.x()}, {listing([n, c, product(self.sizes)])})", "flat")

    def sampled(self, mode: str) -> str:
        """The expression of the result."""
        n, c = self.call.shape()[:2]
        rank = len(self.sizes)
        grid = f"reshape({self.call.x(1)}, {listing([n, self.points, rank])})"
        grid = self.call.let(grid, "points")
        at = [self._place(f"{grid}[..., {rank - 1 - axis}]", size)
              for axis, size in enumerate(self.sizes)]  # fmt: skip
        neighbours = [self._neighbours(mode, x) for x in at]
        terms = []
        for chosen in combinations(*neighbours):
            value = self._value([place for place, _ in chosen])
            shares = [f"{share}[:, None]" for _, share in chosen if share]
            terms.append(" * ".join([value, *shares]))
        total = terms[0]
        for start in range(1, len(terms), 8):
            total = self.call.let(" + ".join([total, *terms[start : start + 8]]), "sum")
        return f"reshape({total}, {listing([n, c, *self.shape[1:]])})"

    def _place(self, x: str, size: Dim) -> str:
        """A coordinate from -1 to 1 in pixels, brought inside where the padding says so."""
        call = self.call
        inside = f"({x} + 1) * ({size} - 1) / 2"
        if not self.corners:
            inside = f"(({x} + 1) * {size} - 1) / 2"
        return call.let(inside, "at")

    def _neighbours(self, mode: str, x: str) -> list[tuple[str, str]]:
        """Places along one axis, and what each counts."""
        let = self.call.let
        if mode == "nearest":
            return [(let(f"round({x})", "near"), "")]
        first = let(f"floor({x})", "first")
        t = let(f"{x} - {first}", "t")
        if mode == "linear":
            return [(first, let(f"1 - {t}", "share")), (let(f"{first} + 1", "next"), t)]
        found = []
        for step, d in ((-1, f"{t} + 1"), (0, t), (1, f"1 - {t}"), (2, f"2 - {t}")):
            near = step in (0, 1)
            share = f"1.25 * ({d}) ** 3 - 2.25 * ({d}) ** 2 + 1"
            if not near:
                share = f"-0.75 * ({d}) ** 3 + 3.75 * ({d}) ** 2 - 6 * ({d}) + 3"
            found.append((let(f"{first} + {step}", "near"), let(share, "share")))
        return found

    def _value(self, places: Sequence[str]) -> str:
        """The elements at whole places, 0 where they lie outside."""
        let, index, valid, stride = self.call.let, [], [], 1
        steps: list[Dim] = []
        for size in reversed(self.sizes):
            steps.insert(0, stride)
            stride = stride * size  # type: ignore[assignment]
        for place, size, step in zip(places, self.sizes, steps, strict=True):
            inside = self._mirrored(place, size)
            if self.border == "zeros":
                valid.append(f"({place} >= 0) * ({place} <= {size} - 1)")
            index.append(f"minimum(maximum({inside}, 0), {size} - 1) * {step}")
        at = let(f"cast({' + '.join(index)}, int64)", "index")
        n, c = self.call.shape()[:2]
        wide = f"broadcast_to({at}[:, None], {listing([n, c, self.points])})"
        value = let(f"take_along_axis({self.flat}, {wide}, axis=2)", "value")
        if not valid:
            return value
        return let(f"{value} * cast({' * '.join(valid)}, float)[:, None]", "value")

    def _mirrored(self, place: str, size: Dim) -> str:
        if self.border != "reflection":
            return place
        if self.corners:
            span = f"(2 * {size} - 2)"
            return f"({size} - 1 - abs({place} % {span} - {size} + 1))"
        return f"({size} - abs(({place} + 0.5) % (2 * {size}) - {size}) - 0.5)"


@maps("RoiAlign")
def roi_align(call: Call) -> str:
    """The means of the bins of regions."""
    if call.word("mode", "avg") != "avg":
        call.unsupported("with mode=max is not supported")
    ratio = call.integer("sampling_ratio", 0)
    if ratio == 0:
        call.unsupported("with sampling_ratio=0 fits the number of points to each box, which "
                         "is known only when the model runs")  # fmt: skip
    aligned = call.word("coordinate_transformation_mode", "half_pixel") == "half_pixel"
    size = [call.integer("output_height", 1), call.integer("output_width", 1)]
    number = f"cast({call.x(2)}, {call.dtype()})[:, None]"
    boxes = call.let(f"concat([{number}, {call.x(1)}], axis=1)", "boxes")
    settings = f"spatial_scale={call.real('spatial_scale', 1.0)}, sampling_ratio={ratio}"
    return f"roi_align({call.x()}, {boxes}, {size}, {settings}, aligned={str(aligned).lower()})"


@maps("NonMaxSuppression")
def non_max_suppression(call: Call) -> Result:
    """The boxes to keep, as [image, class, box]; boxes and scores must be known."""
    boxes, scores = call.known(0, "the boxes"), call.known(1, "the scores")
    most = int(call.scalar(2, "the number of boxes")) if call.has(2) else 0
    overlap = call.scalar(3, "the overlap") if call.has(3) else 0.0
    if most <= 0 or not scores.size:
        return call.array(np.zeros((0, 3), np.int64))
    if call.integer("center_point_box", 0):
        center, half = boxes[..., :2], boxes[..., 2:] / 2
        boxes = np.concatenate([center - half, center + half], axis=-1)
    else:
        y, x = np.sort(boxes[..., 0::2], axis=-1), np.sort(boxes[..., 1::2], axis=-1)
        boxes = np.stack([x[..., 0], y[..., 0], x[..., 1], y[..., 1]], axis=-1)
    shape = (*scores.shape, 4)
    held = call.hold(np.broadcast_to(boxes[:, None], shape).astype(np.float32), "boxes")
    options = f"{call.number(overlap, call.dtype())}, max_output={min(most, shape[2])}"
    if call.has(4):
        low = call.scalar(4, "the score threshold")
        options += f", score_threshold={call.number(low, call.dtype())}"
    kept = call.computed(f"nms({held}, {call.x(1)}, {options})")
    image, kind, place = np.nonzero(kept >= 0)
    return call.array(np.stack([image, kind, kept[image, kind, place]], axis=1).astype(np.int64))
