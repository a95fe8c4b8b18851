"""Heatmaps of a run's steps, with words in their cells."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from graphflow.figures import draw
from graphflow.figures.gather import Material, describe

COUNTING = """
graphflow: 1
name: a matrix that grows
state: {{n: {{shape: scalar, init: 0, dtype: int}}}}
nodes:
  grid: n * [[1.0, 2.0], [3.0, 4.0]]
  signs: where(grid > 5, 1, 0) + [[0, 0], [0, -1]]
  wide: ones([2, 3])
  half: 0.5 * grid
updates: {{n: n + 1}}
outputs: [grid]
run: {{steps: 9, history: [grid, signs, half]}}
figures:
  f: {figure}
"""


def shown(figure: str):
    model = gf.loads(COUNTING.format(figure=figure))
    kept = gf.run(model).history
    history = {name: (kept[name].steps, kept[name].values) for name in kept}
    return describe("f", model.document.figures["f"], Material(model, history=history))


def test_steps_are_evenly_spaced_from_the_first_to_the_last():
    panels = shown("{kind: heatmap, of: grid, steps: 3}").panels
    assert [panel.title for panel in panels] == ["step 0", "step 4", "step 8"]
    np.testing.assert_array_equal(panels[1].values, [[4, 8], [12, 16]])
    assert len(shown("{kind: heatmap, of: grid, steps: 100}").panels) == 9


def test_cells_hold_the_words_of_their_numbers_and_none_below_zero():
    figure = "{kind: heatmap, of: grid, cells: signs, words: [low, high], steps: 2}"
    first, last = shown(figure).panels
    assert first.cells == [["low", "low"], ["low", ""]]
    assert last.cells == [["high", "high"], ["high", "low"]]
    drawn = draw(shown(figure)).data[1]
    assert [list(row) for row in drawn.text] == last.cells and drawn.texttemplate == "%{text}"


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        ("{kind: heatmap, of: grid, steps: 2, count: 2}", "'steps' shows what a run keeps"),
        ("{kind: heatmap, of: grid, steps: 2, part: test}", "'steps' shows what a run keeps"),
        ("{kind: heatmap, of: wide, steps: 2}", "no history of 'wide' is kept"),
        ("{kind: heatmap, of: grid, cells: wide}", r"cells 'wide' of \(2, 3\) for values of"),
        ("{kind: heatmap, of: grid, cells: signs, words: [low], steps: 9}", "1 words for cells"),
        ("{kind: heatmap, of: grid, cells: half, steps: 9}", "whole numbers, but there is 0.5"),
    ],
)
def test_what_does_not_fit_is_told(figure, message):
    with pytest.raises(gf.GraphflowError, match=message):
        shown(figure)


def test_without_a_run_there_are_no_steps():
    model = gf.loads(COUNTING.format(figure="{kind: heatmap, of: grid, steps: 3}"))
    with pytest.raises(gf.GraphflowError, match="there is no history of 'grid' yet"):
        describe("f", model.document.figures["f"], Material(model))
