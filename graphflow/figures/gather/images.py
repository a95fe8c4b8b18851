"""Images, filters, boxes and masks."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, isqrt, prod

import numpy as np

from graphflow.diagnostics import Mark, fail
from graphflow.figures.descriptions import Array, Box, Labels, Picture, Pictures
from graphflow.figures.gather.material import Material
from graphflow.figures.gather.matrices import classes_of
from graphflow.spec.figure_keys import Ref
from graphflow.spec.figures import (
    BoxesDecl,
    FiltersDecl,
    ImagesDecl,
    PicturesDecl,
    SegmentationDecl,
)

SHOWN = 16
"""Images of a figure that does not say how many."""


def images(decl: ImagesDecl, material: Material, name: str) -> Pictures:
    """Images in rows, their labels above them."""
    count = decl.count or SHOWN
    refs, training = [decl.of, *decl.labels], decl.mode == "train"
    values, *labels = material.values(refs, decl.part, count, training)
    pixels = as_images(values[:count], _known(decl, decl.of, values, material), decl.mark)
    for ref, label in zip(decl.labels, labels, strict=True):
        if len(label) != len(values):
            fail("GF030", f"{len(label)} labels for {len(values)} images", ref.mark)
        if decl.names and label.ndim == 2 and label.shape[1] != len(decl.names):
            fail("GF030", f"{label.shape[1]} scores of '{ref}' for {len(decl.names)} names",
                 ref.mark)  # fmt: skip
    lines = [_words(label, decl.names) for label in labels]
    titles = [", ".join(words) for words in zip(*lines, strict=True)] or [""] * len(pixels)
    note = decl.about or (", ".join(map(str, decl.labels)) if len(decl.labels) > 1 else "")
    shown = [Picture(image, title) for image, title in zip(pixels, titles, strict=False)]
    return _pictures(decl, shown, Labels(decl.title or name, note=note))


def _known(
    decl: PicturesDecl, of: Ref, values: Array, material: Material
) -> tuple[int, ...] | None:
    """The shape that the file says, or that the data source says of rows of pixels."""
    found = material.image_shapes.get(of.name)
    flat = found is not None and values.ndim == 2 and values.shape[1] == prod(found)
    return decl.shape or (found if flat else None)


def _pictures(decl: PicturesDecl, shown: Sequence[Picture], labels: Labels) -> Pictures:
    return Pictures(shown, decl.columns, labels, decl.range, names=decl.names)


def _words(label: Array, names: Sequence[str]) -> list[str]:
    """Labels as words: of scores, the class of the largest; other numbers as they are."""
    if label.ndim == 2:
        label = classes_of(label, 1)
    return [_word(value, names) for value in label.tolist()]


def _word(value: object, names: Sequence[str]) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        return f"{value:.3g}" if isinstance(value, float) else str(value)
    place = int(value)
    return names[place] if 0 <= place < len(names) else str(place)


def as_images(values: Array, shape: tuple[int, ...] | None, mark: Mark) -> list[Array]:
    """Values (N, ...) as images (h, w) or (h, w, 3). GF030 where they are none.

    Rows of pixels are square images unless a ``shape`` is known; one channel is grey, three
    are colours, of other numbers the first one is shown.
    """
    if 0 in values.shape[1:]:
        fail("GF030", f"values {values.shape} are images without pixels", mark)
    if shape is not None or values.ndim == 2:
        values = values.reshape(len(values), *_shape(values, shape, mark))
    if values.ndim == 3:
        return list(values)
    if values.shape[1] == 3:
        return list(np.moveaxis(values, 1, -1))
    return [image[0] for image in values]


def _shape(values: Array, shape: tuple[int, ...] | None, mark: Mark) -> tuple[int, ...]:
    pixels = int(np.prod(values.shape[1:]))
    side = isqrt(pixels)
    if shape is None and side * side != pixels:
        fail("GF030", f"{pixels} pixels make no square image", mark,
             help="say its shape: shape: [H, W], or [C, H, W]")  # fmt: skip
    if shape is not None and int(np.prod(shape)) != pixels:
        sizes = " x ".join(map(str, shape))
        fail("GF030", f"{pixels} pixels make no image of {sizes}", mark)
    return shape or (side, side)


def filters(decl: FiltersDecl, material: Material, name: str) -> Pictures:
    """Each filter on its own; those of three channels in colour, of others each channel."""
    (values,) = material.values([decl.of], None)
    if values.ndim == 4 and values.shape[1] != 3:
        values = values.reshape(-1, *values.shape[2:])
    total = len(values)
    pixels = as_images(values[: decl.count], decl.shape, decl.mark)
    colour = bool(pixels) and pixels[0].ndim == 3
    note = decl.about or (f"the first {decl.count} of {total}" if total > decl.count else "")
    labels = Labels(decl.title or name, z="weight", note=note)
    return Pictures([Picture(p) for p in pixels], decl.columns, labels, diverging=not colour)


def segmentation(decl: SegmentationDecl, material: Material, name: str) -> Pictures:
    """The mask over each image, and the true one beside it."""
    count = decl.count or SHOWN // 2
    refs = [decl.image, decl.mask, *([decl.target] if decl.target else [])]
    values, *masks = (v[:count] for v in material.values(refs, decl.part, count))
    pixels = as_images(values, _known(decl, decl.image, values, material), decl.mark)
    titles = ("predicted", "true") if decl.target else ("",)
    masks = [classes_of(mask, 3) for mask in masks]
    for ref, mask in zip(refs[1:], masks, strict=True):
        _one_each(ref, mask, pixels)
    shown = []
    for index, image in enumerate(pixels):
        for mask, title in zip(masks, titles, strict=True):
            classes = mask[index]
            if classes.shape != image.shape[:2]:
                sizes = [" x ".join(map(str, s)) for s in (classes.shape, image.shape[:2])]
                fail("GF030", f"masks of {sizes[0]} over images of {sizes[1]}", decl.mark)
            shown.append(Picture(image, title, mask=classes))
    return _pictures(decl, shown, Labels(decl.title or name, note=decl.about))


def boxes(decl: BoxesDecl, material: Material, name: str) -> Pictures:
    """Boxes whose score is high enough, with their class and score."""
    count = decl.count or SHOWN // 2
    further = [ref for ref in (decl.labels, decl.scores) if ref is not None]
    values, corners, *rest = (
        v[:count] for v in material.values([decl.image, decl.boxes, *further], decl.part, count)
    )
    pixels = as_images(values, _known(decl, decl.image, values, material), decl.mark)
    corners = _corners(decl.boxes, corners)
    _one_each(decl.boxes, corners, pixels)
    for ref, numbers in zip(further, rest, strict=True):
        if numbers.size != corners.size // 4:
            fail("GF030", f"{numbers.size} numbers of '{ref}' for {corners.size // 4} boxes",
                 ref.mark)  # fmt: skip
    rest = [numbers.reshape(corners.shape[:2]) for numbers in rest]
    labels = rest[0] if decl.labels is not None else None
    scores = rest[-1] if decl.scores is not None else None
    shown = []
    for index, image in enumerate(pixels):
        size = image.shape[:2] if decl.unit == "share" else (1, 1)
        mine = corner_form(corners[index], decl.format) * [size[1], size[0], size[1], size[0]]
        found = [
            _box(tuple(box), _at(labels, index, k), _at(scores, index, k), decl.names)
            for k, box in enumerate(mine.tolist())
            if _visible(_at(labels, index, k), _at(scores, index, k), decl.threshold)
        ]
        shown.append(Picture(image, boxes=found))
    return _pictures(decl, shown, Labels(decl.title or name, note=decl.about))


def _corners(ref: Ref, boxes: Array) -> Array:
    """Four numbers a box: (N, K, 4)."""
    if boxes.shape[-1] != 4:
        sizes = ", ".join(map(str, boxes.shape))
        fail("GF030", f"boxes are (N, K, 4), not ({sizes})", ref.mark)
    return boxes.reshape(len(boxes), boxes.shape[1] if boxes.ndim == 3 else 1, 4)


def _one_each(ref: Ref, values: Array, images: Sequence[Array]) -> None:
    if len(values) != len(images):
        fail("GF030", f"{len(values)} rows of '{ref}' for {len(images)} images", ref.mark)


def _at(values: Array | None, index: int, k: int) -> float | None:
    return None if values is None else float(values[index, k])


def _visible(label: float | None, score: float | None, threshold: float) -> bool:
    """A class below 0 is no object; a score that is too low is not shown."""
    known = label is None or (isfinite(label) and label >= 0)
    return known and (score is None or score >= threshold)


def _box(
    corners: tuple[float, ...], label: float | None, score: float | None, names: Sequence[str]
) -> Box:
    told = [] if label is None else [_word(label, names)]
    told += [] if score is None else [f"{score:.2f}"]
    x0, y0, x1, y1 = corners
    return Box((x0, y0, x1, y1), " ".join(told), 0 if label is None else int(label))


def corner_form(boxes: Array, format: str) -> Array:
    """Boxes (K, 4) from corner to corner: ``xywh`` has a corner and sizes, ``cxcywh`` the centre.

    >>> corner_form(np.array([[5.0, 5, 2, 4]]), "cxcywh").tolist()
    [[4.0, 3.0, 6.0, 7.0]]
    """
    first, second = boxes[:, :2].astype(np.float64), boxes[:, 2:].astype(np.float64)
    if format == "xywh":
        second = first + second
    elif format == "cxcywh":
        first, second = first - second / 2, first + second / 2
    return np.concatenate([first, second], axis=1)
