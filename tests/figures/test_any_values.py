"""Whatever the shapes and number types of its values, a figure is drawn or refused."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest

import graphflow as gf
from graphflow.figures import figures_of

FILE = """
graphflow: 1
name: values of all shapes
params:
  one: {shape: scalar, init: ones}
  nil: {shape: [0], init: zeros}
  flat: {shape: [3, 0], init: zeros}
  empty: {shape: [0, 4], init: zeros}
  three: {shape: [3], init: arange(3)}
  four: {shape: [4], init: 0.5 * arange(4)}
  matrix: {shape: [3, 4], init: 'reshape(arange(12), shape)'}
  cube: {shape: [3, 8, 8], init: zeros}
  images: {shape: [3, 3, 8, 8], init: zeros}
  hollow: {shape: [3, 0, 8, 8], init: zeros}
  infinite: {shape: [3], init: 1 / zeros(shape)}
  broken: {shape: [3, 4], init: zeros(shape) / zeros(shape)}
  large: {shape: [3], init: 1e30 + arange(3)}
  below: {shape: [3], init: -arange(3)}
nodes:
  classes: cast(three, int)
  tokens: cast(matrix, int)
  masks: cast(cube, int)
  huge: cast(three, int) * 1000000000000
  yes: three > 1
  f: sum(three)
outputs: [f]
figures:
  f: {%s}
"""
VALUES = (
    *("one", "nil", "flat", "empty", "three", "four", "matrix", "cube", "images", "hollow"),
    *("infinite", "broken", "large", "below", "classes", "tokens", "masks", "huge", "yes"),
    *("'three[0]'", "'matrix[:, 0]'", "'cube[0]'"),
)
KEYS = {
    "line": ("y", "x?", "equal: true", "log: xy", "count: 2"),
    "scatter": ("x", "y", "line?", "color?", "names: [a]", "equal: true", "log: xy", "count: 2"),
    "bar": ("of", "log: y", "labels: [a, b, c]"),
    "histogram": ("of", "log: xy", "bins: 1"),
    "heatmap": ("of", "row_labels?", "column_labels?", "cells?", "words: [a]", "diverging: true"),
    "contour": ("of", "x", "y", "log: true"),
    "surface": ("of", "x", "y", "log: true"),
    "images": ("of", "labels?", "names: [a, b]", "shape: [2, 2]", "shape: [3, 8, 8]"),
    "filters": ("of", "count: 2", "shape: [2, 2]"),
    "boxes": ("image", "boxes", "labels?", "scores?", "unit: share", "names: [a]"),
    "segmentation": ("image", "mask", "target?", "names: [a]", "count: 1"),
    "confusion_matrix": ("target", "predicted", "names: [a, b]", "share: true", "count: 2"),
    "embedding": ("of", "labels?", "dimensions: 3", "count: 2"),
    "text": ("of", "count: 2"),
    "tree": ("width: 2", "names: [a]", "count: 2"),
}
"""What each kind is given a value for, always or now and then (?), and what else is said."""
CASES = 25


def written(kind: str, chance: random.Random) -> str:
    """A figure of the kind with values drawn at random."""
    said = {"kind": kind}
    for key in KEYS[kind]:
        name, colon, value = key.partition(": ")
        if colon and chance.random() < 0.3:
            said[name] = value
        elif not colon and (name[-1] != "?" or chance.random() < 0.5):
            said[name.rstrip("?")] = chance.choice(VALUES)
    if kind in ("contour", "surface"):
        said |= dict.fromkeys(("x_range", "y_range"), "[-1, 1]") | {"points": "2"}
    return ", ".join(f"{key}: {value}" for key, value in said.items())


@pytest.mark.parametrize("kind", KEYS)
def test_a_figure_is_drawn_or_refused(kind):
    chance = random.Random(kind)
    with np.errstate(all="ignore"):
        for _ in range(CASES):
            try:
                (drawn,) = figures_of(gf.loads(FILE % written(kind, chance))).values()
            except gf.GraphflowError as error:
                assert all(found.mark is not None for found in error.diagnostics)
            else:
                json.dumps(json.loads(drawn.to_json()), allow_nan=False)
