"""Pictures of several real digits: where each is, what it is, which pixels are its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt

from graphflow.data.dataset import Array, Dataset, Indices, generator
from graphflow.data.options import Between
from graphflow.data.registry import load, register
from graphflow.diagnostics import fail

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]
Count = Annotated[int, Between(1, 100_000)]
Side = Annotated[int, Between(8, 512)]
INK = 0.25
"""How bright a pixel is, of 1, that belongs to a digit and not to its background."""
TRIES = 30
"""How often a free place is looked for before a digit is left out."""


@dataclass(frozen=True, eq=False)
class _Scene:
    """One picture: (S, S) brightness, (M, 5) boxes, (S, S) classes and (S, S) digits by number."""

    image: Floats
    boxes: Floats
    mask: Numbers
    instances: Numbers


@register(
    "digit_scenes",
    columns={
        "image": "float32 (N, 1, S, S), 0 to 1",
        "boxes": "float32 (N, M, 5): class, x1, y1, x2, y2 as shares of the side; -1 if there "
        "are fewer",
        "mask": "int64 (N, S, S): 0 for background, else the digit + 1",
        "instances": "int64 (N, S, S): 0 for background, else the row of boxes + 1",
    },
)
def digit_scenes(
    n_train: Count = 800,
    n_test: Count = 200,
    size: Side = 48,
    most: Annotated[int, Between(1, 20)] = 3,
    side: tuple[Side, Side] = (12, 20),
    noise: Annotated[float, Between(0, 1)] = 0.0,
    digits: Literal["digits", "mnist"] = "digits",
    seed: Annotated[int, Between(0)] = 0,
) -> Dataset:
    """Scenes for detection and segmentation: 1 to ``most`` handwritten digits in a picture.

    Each digit is real (scikit-learn's, or MNIST's), scaled to a height and width between the two
    of ``side``, and placed where its box touches no other. ``noise`` is the standard deviation of
    the background. The scenes of part ``test`` are made of digits that ``train`` has not seen.
    Boxes and classes are as multibox_target wants them (Dive into Deep Learning 14.6).
    """
    smallest, largest = side
    if not smallest <= largest <= size:
        fail("GF071", f"a digit of {smallest} to {largest} pixels does not fit a side of {size}",
             help="side: [smallest, largest], both at most size")  # fmt: skip
    source = load(digits)
    image = source.array("image")[:, 0].astype(np.float32)
    label = source.array("label").astype(np.int64)
    make = _Scenes(image / image.max(), label, size, most, side, noise)
    random = generator(12, seed)
    seen, unseen = _divided(len(image), n_train / (n_train + n_test), random)
    scenes = [make.scene(seen, random) for _ in range(n_train)]
    scenes += [make.scene(unseen, random) for _ in range(n_test)]
    columns: dict[str, Array] = {
        "image": np.stack([s.image for s in scenes])[:, None],
        "boxes": np.stack([s.boxes for s in scenes]),
        "mask": np.stack([s.mask for s in scenes]),
        "instances": np.stack([s.instances for s in scenes]),
    }
    parts = {"train": np.arange(n_train), "test": np.arange(n_train, n_train + n_test)}
    about = f"{n_train:,} + {n_test:,} pictures of {size} x {size} pixels, 1 to {most} digits each"
    return Dataset("digit_scenes", columns, about, splits=parts)


def _divided(n: int, share: float, random: np.random.Generator) -> tuple[Indices, Indices]:
    """The digits, divided at random into those for training and those for testing."""
    order = random.permutation(n)
    cut = min(max(1, round(share * n)), n - 1)
    return order[:cut], order[cut:]


@dataclass(frozen=True, eq=False)
class _Scenes:
    """What scenes are made of: digits of brightness 0 to 1, and how many are put how large."""

    digits: Floats
    label: Numbers
    size: int
    most: int
    side: tuple[int, int]
    noise: float

    def scene(self, allowed: Indices, random: np.random.Generator) -> _Scene:
        """One picture with digits from ``allowed``."""
        shape = (self.size, self.size)
        image = np.clip(self.noise * random.standard_normal(shape), 0, 1).astype(np.float32)
        mask, instances = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        boxes = np.full((self.most, 5), -1, np.float32)
        placed = 0
        for which in random.choice(allowed, random.integers(1, self.most + 1)):
            side = int(random.integers(self.side[0], self.side[1] + 1))
            digit = _cut(_scaled(self.digits[which], side))
            place = _free_place(instances, digit.shape, random)
            if place is None:
                continue
            (top, left), (height, width) = place, digit.shape
            window = (slice(top, top + height), slice(left, left + width))
            image[window] = np.maximum(image[window], digit)
            ink = digit > INK
            mask[window][ink] = self.label[which] + 1
            instances[window][ink] = placed + 1
            corners = np.array([left, top, left + width, top + height]) / self.size
            boxes[placed] = [self.label[which], *corners]
            placed += 1
        return _Scene(image, boxes, mask, instances)


def _scaled(digit: Floats, side: int) -> Floats:
    """A digit as ``side`` x ``side`` pixels, by bilinear interpolation."""
    from PIL import Image

    scaled = Image.fromarray(digit).resize((side, side), Image.Resampling.BILINEAR)
    return np.asarray(scaled, dtype=np.float32)


def _cut(digit: Floats) -> Floats:
    """A digit without the empty rows and columns around its ink."""
    ink = digit > INK
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _free_place(
    instances: Numbers, shape: tuple[int, ...], random: np.random.Generator
) -> tuple[int, int] | None:
    """The top left corner of a window that holds no digit yet; None if none is found."""
    size = len(instances)
    for _ in range(TRIES):
        top = int(random.integers(size - shape[0] + 1))
        left = int(random.integers(size - shape[1] + 1))
        if not instances[top : top + shape[0], left : left + shape[1]].any():
            return top, left
    return None
