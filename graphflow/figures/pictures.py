"""Images in rows, with boxes and masks over them, drawn as one large image."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from graphflow.figures.descriptions import Box, Picture, Pictures
from graphflow.figures.fields import limits
from graphflow.figures.theme import COLOURS, DIVERGING, Numbers, colour, figure, finite, safe

Bytes = npt.NDArray[np.uint8]
CELL, LARGEST, MAGNIFIED = 96, 440, 24
"""About how many pixels of the page an image has: one of many, one of a few; how many at most
each of its own has."""
LINE = 20
"""Pixels of the page above an image for its title."""
NAME = 20
"""Pixels of the page that the name of a class takes beside the images."""
MOST_CLASSES = 32
"""Classes of masks that are named beside the images."""
VEIL = 0.45
"""How much of a mask's colour covers the image."""


@dataclass(frozen=True)
class _Grid:
    """Where images stand in the one large image, in its own pixels."""

    height: int
    width: int
    columns: int
    rows: int
    gap: int
    above: int
    cell: int

    def corner(self, index: int) -> tuple[int, int]:
        """The row and the column of the upper left pixel of an image."""
        row, column = divmod(index, self.columns)
        return row * (self.height + self.above + self.gap) + self.above, column * (
            self.width + self.gap
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Of the large image."""
        height = self.rows * (self.height + self.above + self.gap) - self.gap
        return height, self.columns * (self.width + self.gap) - self.gap


def draw_pictures(pictures: Pictures) -> go.Figure:
    """All images on one scale of grey or colour; smaller ones stand in the frame of the largest."""
    shown = list(pictures.pictures)
    grid = _grid(pictures)
    low, high = pictures.range or limits([p.pixels for p in shown], pictures.diverging)
    canvas = np.zeros((*grid.shape, 4), np.uint8)
    for index, picture in enumerate(shown):
        pixels = _masked(coloured(picture.pixels, low, high, pictures.diverging), picture.mask)
        top, left = grid.corner(index)
        canvas[top : top + len(pixels), left : left + pixels.shape[1], :3] = pixels
        canvas[top : top + len(pixels), left : left + pixels.shape[1], 3] = 255
    scale = grid.cell / grid.width
    height = max(int(grid.shape[0] * scale), NAME * len(_classes(pictures)))
    made = figure(pictures.labels, height=height, below=20)
    made.add_trace(go.Image(source=_png(canvas), hoverinfo="skip"))
    _frame(made, grid)
    for index, picture in enumerate(shown):
        _over(made, picture, grid.corner(index))
    _key(made, pictures, low, high)
    return made


def _grid(pictures: Pictures) -> _Grid:
    sizes = [np.shape(p.pixels)[:2] for p in pictures.pictures] or [(1, 1)]
    height, width = max(h for h, _ in sizes), max(w for _, w in sizes)
    columns = max(1, min(pictures.columns, len(sizes)))
    cell = max(CELL, min(LARGEST, 900 // columns - 8, MAGNIFIED * width))
    if width > 2 * height:
        cell = min(900, 2 * cell)
    per_pixel = width / cell
    titled = any(p.title for p in pictures.pictures)
    gap = max(1, round(8 * per_pixel))
    above = max(1, int(np.ceil(LINE * per_pixel))) if titled else 0
    return _Grid(height, width, columns, -(-len(sizes) // columns), gap, above, cell)


def coloured(pixels: npt.NDArray[np.generic], low: float, high: float, diverging: bool) -> Bytes:
    """An image as bytes (h, w, 3): grey, colours as they are, or red and blue on both sides of 0.

    >>> coloured(np.array([[0.0, 1.0]]), 0, 1, False).tolist()
    [[[0, 0, 0], [255, 255, 255]]]
    """
    values = np.nan_to_num(finite(pixels), nan=low)
    share = np.clip((values - low) / ((high - low) or 1.0), 0, 1)
    if share.ndim == 3:
        return np.asarray(np.round(share * 255), np.uint8)
    if not diverging:
        return np.repeat(np.asarray(np.round(share * 255), np.uint8)[:, :, None], 3, axis=2)
    steps = sample_colorscale(DIVERGING, np.linspace(0, 1, 256).tolist(), colortype="tuple")
    table = np.round(np.array(steps) * 255).astype(np.uint8)
    return np.asarray(table[np.round(share * 255).astype(int)])


def _masked(pixels: Bytes, mask: npt.NDArray[np.generic] | None) -> Bytes:
    """The image with each class but 0 in its colour."""
    if mask is None:
        return pixels
    classes = np.nan_to_num(finite(mask)).astype(int)
    mixed: Numbers = pixels.astype(np.float64)
    for index in np.unique(classes[classes > 0]):
        chosen = classes == index
        mixed[chosen] = (1 - VEIL) * mixed[chosen] + VEIL * np.array(_ink(int(index)))
    return np.asarray(np.round(mixed), np.uint8)


def _ink(index: int) -> tuple[int, int, int]:
    """The colour of a class from 1 on; when all have been used once, they are darker: paler
    ones of some are others.
    """
    ink, left = colour(index - 1), 0.45 ** ((index - 1) // len(COLOURS))
    red, green, blue = (round(left * int(ink[i : i + 2], 16)) for i in (1, 3, 5))
    return red, green, blue


def _png(canvas: Bytes) -> str:
    """The image as the address that a page takes it from: the bytes themselves."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(canvas, "RGBA").save(stream, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()


def _frame(made: go.Figure, grid: _Grid) -> None:
    """No axes; pixels are square, and the whole stands at the upper left."""
    height, width = grid.shape
    hidden = {"visible": False, "constrain": "domain"}
    made.update_xaxes({**hidden, "range": [-0.5, width - 0.5], "constraintoward": "left"})
    made.update_yaxes({**hidden, "range": [height - 0.5, -0.5], "scaleanchor": "x",
                       "constraintoward": "top"})  # fmt: skip
    made.update_layout(showlegend=False, margin={"l": 12})


def _over(made: go.Figure, picture: Picture, corner: tuple[int, int]) -> None:
    """The title above an image and the boxes on it."""
    top, left = corner
    if picture.title:
        made.add_annotation(
            x=left - 0.5, y=top - 0.5, text=safe(picture.title), showarrow=False,
            xanchor="left", yanchor="bottom", font={"size": 12}, xshift=-2,
        )  # fmt: skip
    for box in picture.boxes:
        _box(made, box, top, left, np.shape(picture.pixels))


def _box(made: go.Figure, box: Box, top: int, left: int, shape: Sequence[int]) -> None:
    """A rectangle; pixel (0, 0) covers -0.5 to 0.5, a box counts from its outer edge."""
    corners = finite(np.array(box.corners))
    if not np.isfinite(corners).all():
        return
    limit = np.array([shape[1], shape[0], shape[1], shape[0]], np.float64)
    offset = np.array([left, top, left, top], np.float64) - 0.5
    x0, y0, x1, y1 = (np.clip(corners, 0, limit) + offset).tolist()
    ink = colour(box.group + 1)
    made.add_shape(type="rect", x0=x0, y0=y0, x1=x1, y1=y1, line={"color": ink, "width": 2})
    if box.text:
        made.add_annotation(
            x=x0, y=y0, text=safe(box.text), showarrow=False, xanchor="left", yanchor="top",
            font={"size": 10, "color": "#ffffff"}, bgcolor=ink, borderpad=1,
        )  # fmt: skip


def _key(made: go.Figure, pictures: Pictures, low: float, high: float) -> None:
    """What the colours mean: a bar for numbers on both sides of 0, names for classes."""
    if pictures.diverging:
        bar = {"thickness": 14, "outlinewidth": 0, "title": {"text": safe(pictures.labels.z)}}
        made.add_trace(go.Scatter(
            x=[None], y=[None], mode="markers", hoverinfo="skip", showlegend=False,
            marker={"color": [0], "colorscale": DIVERGING, "cmin": low, "cmax": high,
                    "showscale": True, "colorbar": bar},
        ))  # fmt: skip
    for index in _classes(pictures):
        name = pictures.names[index] if index < len(pictures.names) else f"class {index}"
        made.add_trace(go.Scatter(
            x=[None], y=[None], mode="markers", name=safe(name), showlegend=True,
            marker={"symbol": "square", "size": 12, "color": f"rgb{_ink(index)}"},
        ))  # fmt: skip
        made.update_layout(showlegend=True)


def _classes(pictures: Pictures) -> list[int]:
    """The classes from 1 on that masks hold."""
    masks = [finite(p.mask).reshape(-1) for p in pictures.pictures if p.mask is not None]
    values = np.concatenate(masks or [np.zeros(0)])
    return [int(value) for value in np.unique(values[values > 0])][:MOST_CLASSES]
