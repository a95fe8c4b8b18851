"""A painting made of brush strokes, and a photographed flower that does not belong into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import numpy.typing as npt

from graphflow.data.bundled import photograph, resized
from graphflow.data.dataset import Array, Dataset, generator
from graphflow.data.options import Between
from graphflow.data.registry import register

Floats = npt.NDArray[np.float64]
Side = Annotated[int, Between(48, 1024)]
COLOURS = "float32 (1, 3, H, W), 0 to 1"
PHOTO = (427, 640)
FLOWER = (0.515, 0.492, 0.345)
"""Where the dahlia of the photograph is: its middle, and its radius as a share of the height."""
PLACE = (0.29, 0.70)
"""Where it is pasted: in the sky, right of the temple."""
SHRUNK = 0.7


@dataclass(frozen=True)
class _Brush:
    """Half its width and its length in pixels of a picture 160 high; strokes for each pixel."""

    radius: float
    length: float
    density: float


BRUSHES = (_Brush(4.5, 16, 0.04), _Brush(2.5, 11, 0.09), _Brush(1.4, 7, 0.12))


@register(
    "painted_temple",
    columns={"painting": COLOURS, "pasted": COLOURS, "mask": "float32 (1, 1, H, W), 0 or 1"},
)
def painted_temple(
    size: tuple[Side, Side] = (120, 176), seed: Annotated[int, Between(0)] = 0
) -> Dataset:
    """A painting of a temple, and the same with a photographed flower in its sky.

    The photographs are scikit-learn's. The painting is made of strokes of three brushes, the widest
    first, which follow the edges of the photograph, each in one colour; ``mask`` is 1 where the
    flower covers more than half of a pixel.
    """
    height, width = size
    temple = photograph("china", height, width)[0].astype(np.float64)
    grey = temple.mean(0)
    painting = _painted(np.clip(grey + 1.4 * (temple - grey), 0, 1), generator(32, seed))
    pasted, mask = _pasted(painting, height, width)
    columns: dict[str, Array] = {
        name: picture[None].astype(np.float32)
        for name, picture in {"painting": painting, "pasted": pasted, "mask": mask}.items()
    }
    about = f"a temple painted with strokes, {height} x {width}, and a photographed flower in it"
    return Dataset("painted_temple", columns, about)


def _pasted(painting: Floats, height: int, width: int) -> tuple[Floats, Floats]:
    """The painting with the flower, its edge as soft as a pixel, and where it is."""
    photo = photograph("flower", *PHOTO)[0].astype(np.float64)
    cover = _petals(photo)
    rows, columns = round(SHRUNK * height), round(SHRUNK * width)
    layers = resized(np.moveaxis(np.concatenate([photo * cover, cover]), 0, 2), rows, columns)
    top = round(PLACE[0] * height - FLOWER[0] * rows)
    left = round(PLACE[1] * width - FLOWER[1] * columns)
    y, x = np.mgrid[:height, :width]
    here = layers[:, (y - top).clip(0, rows - 1), (x - left).clip(0, columns - 1)]
    return here[:3] + (1 - here[3:]) * painting, (here[3:] > 0.5).astype(np.float64)


def _petals(photo: Floats) -> Floats:
    """1 where the flower is (1, H, W), without the shadow around it."""
    height, width = photo.shape[1:]
    y, x = np.mgrid[:height, :width]
    away = np.hypot(y - FLOWER[0] * height, x - FLOWER[1] * width) / height
    orange = (photo[0] - photo[2] > 0.2) & (away < FLOWER[2])
    flower = orange | (away < 0.6 * FLOWER[2])
    return (_smooth(flower[None].astype(np.float64), 3) > 0.8).astype(np.float64)


def _painted(photo: Floats, rng: np.random.Generator) -> Floats:
    """A photograph (3, H, W) as strokes."""
    height, width = photo.shape[1:]
    scale = height / 160
    canvas = _smooth(photo, 6 * scale)
    for brush in BRUSHES:
        seen = _smooth(photo, 0.8 * brush.radius * scale)
        angles = _directions(seen, brush.radius * scale)
        for _ in range(round(brush.density * height * width / scale**2)):
            y, x = rng.integers(height), rng.integers(width)
            _stroke(canvas, brush, scale, (int(y), int(x)), angles[y, x], seen[:, y, x], rng)
    return np.clip(canvas, 0, 1)


def _directions(picture: Floats, radius: float) -> Floats:
    """The angle of strokes: along edges, and where there are none along slow waves."""
    height, width = picture.shape[1:]
    down, across = np.gradient(_smooth(picture.mean(0)[None], radius)[0])
    y, x = np.mgrid[:height, :width] * (160 / height)
    wave = 0.6 * np.sin(x / 37) + 0.5 * np.cos(y / 23)
    edge, angle = np.clip(np.hypot(down, across) / 0.02, 0, 1), np.arctan2(across, -down)
    doubled = edge * np.exp(2j * angle) + (1 - edge) * np.exp(2j * wave)
    angles: Floats = np.angle(doubled) / 2
    return angles


def _stroke(
    canvas: Floats, brush: _Brush, scale: float, at: tuple[int, int], angle: float,
    colour: Floats, rng: np.random.Generator,
) -> None:  # fmt: skip
    """One stroke in a colour that is a little off, with the trace of its bristles."""
    half = brush.length * scale * rng.uniform(0.6, 1.2) / 2
    radius = brush.radius * scale * rng.uniform(0.8, 1.2)
    reach, (y, x) = int(half + radius) + 2, at
    top, left = max(0, y - reach), max(0, x - reach)
    part = canvas[:, top : y + reach + 1, left : x + reach + 1]
    rows = np.arange(top, top + part.shape[1])[:, None] - y
    columns = np.arange(left, left + part.shape[2]) - x
    angle += rng.normal(0, 0.15)
    along = columns * np.cos(angle) + rows * np.sin(angle)
    beside = rows * np.cos(angle) - columns * np.sin(angle)
    cover = np.clip(radius + 0.5 - np.hypot(np.maximum(np.abs(along) - half, 0), beside), 0, 1)
    bristles = 1 + 0.1 * np.sin(beside * 2.5 / scale + rng.uniform(0, 6))
    mixed = np.clip(colour + rng.normal(0, 0.035, 3) + rng.normal(0, 0.04), 0, 1)
    part += 0.9 * cover * (mixed[:, None, None] * bristles - part)


def _smooth(picture: Floats, sigma: float) -> Floats:
    """(C, H, W) under a Gaussian, the border going on outside."""
    reach = int(3 * sigma) + 1
    weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    weights /= weights.sum()
    for axis in (1, 2):
        pads = [(reach, reach) if k == axis else (0, 0) for k in range(3)]
        padded, n = np.pad(picture, pads, mode="edge"), picture.shape[axis]
        turns = (np.take(padded, np.arange(i, i + n), axis) for i in range(2 * reach + 1))
        picture = sum((w * turn for w, turn in zip(weights, turns, strict=True)), np.zeros(()))
    return picture
