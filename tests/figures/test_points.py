"""Points in a plane: their groups and what these are called, and axes that are alike."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from graphflow.figures import draw
from graphflow.figures.gather import Material, describe

POINTS = """
graphflow: 1
name: points
params:
  place: {shape: [6], init: arange(6)}
  height: {shape: [6], init: arange(6) ** 2}
nodes:
  third: arange(6) - arange(6) // 3 * 3
  middle: mean(place * height)
outputs: [middle]
figures:
  f: %s
"""
GROUPS = "{kind: scatter, x: place, y: height, color: third%s}"


def described(figure: str):
    model = gf.loads(POINTS % figure)
    return describe("f", model.document.figures["f"], Material(model))


def test_groups_of_points_are_those_of_the_colours():
    shown = described(GROUPS % "")
    assert [s.name for s in shown.series] == ["0", "1", "2"]
    np.testing.assert_array_equal(shown.series[1].x, [1, 4])
    np.testing.assert_array_equal(shown.series[1].y, [1, 16])


def test_groups_have_names_as_far_as_there_are_some():
    shown = described(GROUPS % ", names: [nil, one]")
    assert [s.name for s in shown.series] == ["nil", "one", "2"]


@pytest.mark.parametrize("kind", ["scatter", "line"])
@pytest.mark.parametrize(("said", "anchor"), [(", equal: true", "x"), ("", None)])
def test_a_unit_is_as_long_on_both_axes_where_the_file_says_so(kind, said, anchor):
    shown = described(f"{{kind: {kind}, x: place, y: height{said}}}")
    assert draw(shown).layout.yaxis.scaleanchor == anchor
