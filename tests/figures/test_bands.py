"""Curves over a node with a band between two others and points beside them."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from graphflow.diagnostics import GraphflowError
from graphflow.figures import Band, Chart, Series, draw
from graphflow.figures.gather import Material, describe

CURVES = """
graphflow: 1
name: curves
nodes:
  x: 2.0 - arange(5)
  y: x ** 2
  rows: stack([y, -y])
  low: y - 1
  high: y + 1
  seen: 0.5 * arange(3)
  heights: seen + 7
  f: sum(y)
outputs: [f]
figures: {f: {kind: line, %s}}
"""


def described(keys: str) -> Chart:
    model = gf.loads(CURVES % keys)
    return describe("f", model.document.figures["f"], Material(model))


def test_a_band_and_points_stand_beside_the_curves_over_a_node():
    chart = described("x: x, y: y, band: [low, high], points: [seen, heights]")
    curve, points = chart.series
    np.testing.assert_array_equal(curve.x, [-2, -1, 0, 1, 2])
    np.testing.assert_array_equal(points.x, [0, 0.5, 1])
    np.testing.assert_array_equal(points.y, [7, 7.5, 8])
    assert (curve.mode, points.mode, points.name) == ("lines", "markers", "heights")
    (band,) = chart.bands
    assert band.name == "low to high"
    np.testing.assert_array_equal(band.x, [-2, -1, 0, 1, 2])
    np.testing.assert_array_equal(band.high - band.low, [2, 2, 2, 2, 2])


def test_rows_as_long_as_x_are_a_curve_each_in_the_order_of_x():
    chart = described("x: x, y: [rows, y]")
    assert [s.name for s in chart.series] == ["rows[0]", "rows[1]", "y"]
    np.testing.assert_array_equal(chart.series[1].x, [-2, -1, 0, 1, 2])
    np.testing.assert_array_equal(chart.series[1].y, [-4, -1, 0, -1, -4])


def test_a_band_is_filled_from_its_lower_to_its_upper_edge():
    x = np.arange(3.0)
    band = Band("two deviations", x, x - 1, x + 1)
    low, high, curve = draw(Chart([Series("mean", x, x)], bands=[band])).data
    assert low.fill is None and high.fill == "tonexty" and not low.showlegend
    assert high.fillcolor == "rgba(0, 114, 178, 0.2)" and curve.line.color == "#0072B2"
    np.testing.assert_array_equal(high.y - low.y, [2, 2, 2])
    assert high.name == "two deviations"


@pytest.mark.parametrize(
    ("keys", "code", "words"),
    [
        ("y: y, band: [low, high]", "GF012", "the key 'x'"),
        ("x: x, y: y, band: [low]", "GF013", "two names"),
        ("x: x, y: y, points: [seen, hights]", "GF020", "hights"),
    ],
)
def test_what_has_no_place_is_told(keys, code, words):
    with pytest.raises(GraphflowError) as caught:
        gf.loads(CURVES % keys)
    assert caught.value.diagnostics[0].code == code
    assert words in caught.value.diagnostics[0].message


def test_an_edge_of_another_length_is_told():
    with pytest.raises(GraphflowError, match="3 values"):
        described("x: x, y: y, band: [low, heights]")
