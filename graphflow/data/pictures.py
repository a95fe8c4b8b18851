"""Published sets of pictures: hot dogs, bananas with boxes, sprites, and segmented photographs."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache
from io import StringIO
from typing import Annotated

import numpy as np

from graphflow.data.archive import Members, opened
from graphflow.data.dataset import Dataset, Indices, generator
from graphflow.data.decoding import Bytes, decoded
from graphflow.data.files import Remote, decode
from graphflow.data.options import Between, concerning
from graphflow.data.registry import register
from graphflow.data.tokenizers import Words
from graphflow.diagnostics import fail

Side = Annotated[int, Between(1, 4096)]

BOOK = "https://d2l-data.s3-accelerate.amazonaws.com/"
HOTDOG = Remote(
    "hotdog.zip", f"{BOOK}hotdog.zip", "sha1:fba480ffa8aa7e0febbb511d181409f899b9baa5",
    size=261_292_301, instead="source: digits, or photographs", top="hotdog",
)  # fmt: skip
BANANAS = Remote(
    "banana-detection.zip", f"{BOOK}banana-detection.zip",
    "sha1:5de26c8fce5ccdea9f91267273464dc968d20d72",
    size=27_000_000, instead="source: digit_scenes", top="banana-detection",
)  # fmt: skip
POKEMON = Remote(
    "pokemon.zip", f"{BOOK}pokemon.zip", "sha1:c065c0e2593b8b161a2d7873e42418bf6a21106c",
    size=70_000_000, instead="source: digits, or photographs", top="pokemon",
)  # fmt: skip
VOC2012 = Remote(
    "VOCtrainval_11-May-2012.tar", f"{BOOK}VOCtrainval_11-May-2012.tar",
    "sha1:4e443f8a2eca6b1dac8a6c57641b67dd40621a49",
    size=1_999_639_040, instead="source: digit_scenes", top="VOCdevkit/VOC2012",
)  # fmt: skip
VOC_CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair",
    "cow", "diningtable", "dog", "horse", "motorbike", "person", "potted plant", "sheep", "sofa",
    "train", "tv/monitor",
)  # fmt: skip
SUFFIXES = (".jpg", ".jpeg", ".png")


@register(
    "hotdog",
    columns={"image": "uint8 (N, 3, H, W), 0 to 255", "label": "int64 (N,): 0 hotdog, 1 not"},
    files=[HOTDOG],
)
def hotdog(size: tuple[Side, Side] = (256, 256)) -> Dataset:
    """Photographs with and without hot dogs: 2,000 to train, 800 to test.

    All are resized to ``size`` (height, width); crops and flips belong into ``feed``. Dive into
    Deep Learning 14.2.
    """
    classes = ("hotdog", "not-hotdog")
    parts = ("train", "test")
    with opened(HOTDOG) as members:
        names = {
            part: [(name, label) for label, kind in enumerate(classes)
                   for name in _pictures(members, f"{part}/{kind}/")]
            for part in parts
        }  # fmt: skip
        everything = [pair for part in parts for pair in names[part]]
        image = _resized(members, [name for name, _ in everything], size)
    n = len(names["train"])
    return Dataset(
        "hotdog",
        {"image": image, "label": np.array([label for _, label in everything], dtype=np.int64)},
        f"hot dogs and other food: {n:,} train and {len(image) - n:,} test photographs",
        splits={"train": np.arange(n), "test": np.arange(n, len(image))},
        tokenizers={"label": Words(("hotdog", "not hotdog"))},
    )


@register("pokemon", columns={"image": "uint8 (N, 3, H, W), 0 to 255"}, files=[POKEMON])
def pokemon(size: tuple[Side, Side] = (64, 64)) -> Dataset:
    """Sprites of Pokemon from many games, resized to ``size`` (height, width).

    ``feed: {real: image / 127.5 - 1}`` brings them to -1 to 1, as in Dive into Deep Learning 20.2.
    """
    with opened(POKEMON) as members:
        image = _resized(members, _pictures(members, ""), size)
    return Dataset("pokemon", {"image": image}, f"{len(image):,} sprites of Pokemon")


@register(
    "bananas",
    columns={
        "image": "uint8 (N, 3, 256, 256), 0 to 255",
        "boxes": "float32 (N, 1, 5): class 0, then x1, y1, x2, y2 as shares of the side",
    },
    files=[BANANAS],
)
def bananas() -> Dataset:
    """Pictures with one banana and where it is: 1,000 to train, 100 to validate.

    Dive into Deep Learning 14.6.
    """
    parts = {"train": "bananas_train", "val": "bananas_val"}
    with opened(BANANAS) as members:
        rows = {part: _boxes(members, f"{folder}/") for part, folder in parts.items()}
        names = [name for found in rows.values() for name, _ in found]
        image = _resized(members, names, (256, 256))
    boxes = np.array([box for found in rows.values() for _, box in found], dtype=np.float32)
    boxes[:, 1:] /= 256
    n = len(rows["train"])
    return Dataset(
        "bananas",
        {"image": image, "boxes": boxes[:, None]},
        f"bananas: {n:,} train and {len(image) - n:,} validation pictures with a box each",
        splits={"train": np.arange(n), "val": np.arange(n, len(image))},
    )


def _boxes(members: Members, folder: str) -> list[tuple[str, list[float]]]:
    """The name of each picture, and its class and box in pixels."""
    name = f"{folder}label.csv"
    rows = list(csv.reader(StringIO(decode(members.read(name), name))))[1:]
    try:
        found = [(f"{folder}images/{row[0]}", [float(cell) for cell in row[1:6]]) for row in rows]
    except (ValueError, IndexError) as error:
        fail("GF073", f"'{name}' is not a table of names and five numbers: {error}")
    if not found or any(len(box) != 5 for _, box in found):
        fail("GF073", f"'{name}' is not a table of names and five numbers")
    return found


@register(
    "voc2012",
    columns={
        "image": "uint8 (N, 3, H, W), 0 to 255",
        "mask": "uint8 (N, H, W): the class of each pixel, 0 to 20",
    },
    files=[VOC2012],
)
def voc2012(
    crop: tuple[Side, Side] = (320, 480), seed: Annotated[int, Between(0)] = 0
) -> Dataset:
    """Photographs in which every pixel has one of 21 classes (Pascal VOC 2012, segmentation).

    Of each photograph a rectangle of ``crop`` (height, width) is cut out, at a place that depends
    on ``seed``; smaller ones are left out: 1,114 to train and 1,078 to validate are left at the
    default. White borders count as background. Everingham et al. 2010; Dive into Deep Learning
    14.9.
    """
    random = generator(23, seed)
    images, masks = [], []
    ends = []
    with opened(VOC2012) as members:
        for part in ("train", "val"):
            listed = f"ImageSets/Segmentation/{part}.txt"
            for name in decode(members.read(listed), listed).split():
                image = decoded(members.read(f"JPEGImages/{name}.jpg"), name)
                mask = _classes(decoded(members.read(f"SegmentationClass/{name}.png"), name))
                if image.shape[:2] != mask.shape:
                    fail("GF073", f"picture and mask of '{name}' in '{members.where}' differ")
                place = _corner(mask.shape, crop, random)
                if place is not None:
                    images.append(np.moveaxis(image[place], 2, 0))
                    masks.append(mask[place])
            ends.append(len(masks))
    if not masks:
        with concerning("crop"):
            fail("GF075", f"no photograph is as large as {crop[0]} x {crop[1]} pixels")
    n = ends[0]
    splits = {"train": np.arange(n), "val": np.arange(n, ends[1])}
    return Dataset(
        "voc2012",
        {"image": np.stack(images), "mask": np.stack(masks)},
        f"Pascal VOC 2012: {n:,} train and {ends[1] - n:,} validation pictures with masks",
        splits={part: rows for part, rows in splits.items() if len(rows)},
        tokenizers={"mask": Words(VOC_CLASSES)},
    )


def _corner(
    size: Sequence[int], crop: tuple[int, int], random: np.random.Generator
) -> tuple[slice, slice] | None:
    """A place for the rectangle at random; None where it does not fit."""
    spare = [have - want for have, want in zip(size, crop, strict=True)]
    if min(spare) < 0:
        return None
    top, left = (int(random.integers(room + 1)) for room in spare)
    return slice(top, top + crop[0]), slice(left, left + crop[1])


def palette(classes: int) -> Bytes:
    """The colours (classes, 3) that stand for classes in masks of Pascal VOC: the bits of the
    class, three by three, become the highest bits of red, green and blue.

    >>> palette(16)[[0, 1, 2, 8, 15]].tolist()
    [[0, 0, 0], [128, 0, 0], [0, 128, 0], [64, 0, 0], [192, 128, 128]]
    """
    number = np.arange(classes)
    channels = [
        sum((((number >> (3 * bit + channel)) & 1) << (7 - bit)) for bit in range(3))
        for channel in range(3)
    ]
    return np.stack([np.asarray(channel) for channel in channels], axis=1).astype(np.uint8)


def _classes(colours: Bytes) -> Bytes:
    """The class (H, W) that each colour (H, W, 3) stands for; 0 for a colour of no class."""
    return np.asarray(_table()[_number(colours)])


@cache
def _table() -> Bytes:
    table = np.zeros(2**24, dtype=np.uint8)
    table[_number(palette(len(VOC_CLASSES)))] = np.arange(len(VOC_CLASSES))
    return table


def _number(colours: Bytes) -> Indices:
    return np.asarray(colours.astype(np.int64) @ np.array([65536, 256, 1]))


def _pictures(members: Members, folder: str) -> list[str]:
    """The names of the pictures below a folder; GF073 where there are none."""
    found = [
        name
        for name in members.names
        if name.startswith(folder) and name.lower().endswith(SUFFIXES)
    ]
    if not found:
        fail("GF073", f"'{members.where}' has no pictures below '{folder}'")
    return found


def _resized(members: Members, names: Sequence[str], size: tuple[int, int]) -> Bytes:
    """Pictures (N, 3, H, W) of one size."""
    images = np.empty((len(names), 3, *size), dtype=np.uint8)
    for place, name in zip(images, names, strict=True):
        place[:] = np.moveaxis(decoded(members.read(name), name, size=size), 2, 0)
    return images
