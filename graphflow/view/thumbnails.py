"""What of a graph is seen before it is opened: its size and a small picture."""

from __future__ import annotations

from graphflow.api import load
from graphflow.ir.dims import product
from graphflow.model import Model
from graphflow.view.cards import Thumbnail
from graphflow.view.drawing import Drawing
from graphflow.view.scene import drawn, outlined
from graphflow.view.svg import svg
from graphflow.view.workspace import Look

ROOM = 258.0, 150.0
"""Pixels that a picture has on a card."""
LEGIBLE = 0.45
"""A picture that is drawn smaller than by this factor has no words: they could not be read."""


def thumbnail(name: str) -> Thumbnail:
    """The thumbnail of a canned graph."""
    model = load(name)
    elaborated = model.elaborated
    outline = outlined([model.graph], elaborated.calls, elaborated.goals)
    pictures = (
        drawn(outline, Look(direction, shapes=False, values=False)) for direction in ("TB", "LR")
    )
    picture = max(pictures, key=scale)
    nodes = sum(node.op not in ("constant", "rng") for node in elaborated.graph)
    boxes = ", ".join(node.label for node in picture.nodes[:8])
    more = f" and {len(picture.nodes) - 8} more" if len(picture.nodes) > 8 else ""
    told = f"The graph of {model.name}: {boxes}{more}"
    legible = scale(picture) >= LEGIBLE
    light, dark = (svg(picture, model.name, told, theme, legible) for theme in ("light", "dark"))
    return Thumbnail(nodes, parameters(model), light, dark, told)


def scale(picture: Drawing) -> float:
    """How much smaller a picture is on a card."""
    return min(ROOM[0] / max(picture.width, 1.0), ROOM[1] / max(picture.height, 1.0))


def parameters(model: Model) -> int:
    """How many numbers a model learns, as far as its sizes are known.

    >>> parameters(load("linear_regression_scratch"))
    3
    """
    leaves = (model.elaborated.leaves[name].type.shape for name in model.elaborated.parameters)
    return sum(size for shape in leaves if isinstance(size := product(shape), int))
