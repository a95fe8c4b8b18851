"""Heatmaps in a walk: which there are, and the matrices with their words."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from graphflow.view.study import Study
from graphflow.view.workspace import Workspace

FILE = """
graphflow: 1
name: two maps of one text
inputs:
  x: {shape: [N, T, 2], default: none}
  tokens: {shape: [N, T], dtype: int}
nodes:
  early: x @ swapaxes(x, 1, 2)
  late: stack([early, 2 * early], axis=1)
  total: sum(late) + 0.5 * sum(tokens)
outputs: [total]
figures:
  maps: {kind: heatmap, of: [early, late], names: [first, second], row_labels: tokens}
  curve: {kind: bar, of: "tokens[0]"}
check:
  - feed: {x: [[[1, 0], [0, 1]], [[1, 2], [3, 4]]], tokens: [[5, 6], [7, 8]]}
    expect: {total: 187}
""".replace(", default: none", "")


@pytest.fixture(scope="module")
def study() -> Study:
    return Study(Workspace(text=FILE, of="total"))


def test_values_are_there_once_they_have_run(study):
    (before,) = study.maps(-1)
    assert (before.values, before.sizes) == (("first", "second"), (None, None))
    (after,) = study.maps(len(study.steps) - 1)
    assert after.sizes == ((2,), (2, 2))
    assert after.axes(0) == (("matrix", 2),)
    assert after.axes(1) == (("sample", 2), ("head", 2))
    steps = [step.node for step in study.steps]
    (between,) = study.maps(steps.index("early"))
    assert between.sizes == ((2,), None)


def test_a_matrix_has_the_words_of_its_sample(study):
    last = len(study.steps) - 1
    view = study.map_at(last, "maps", 1, (1, 1))
    np.testing.assert_array_equal(view.matrix, [[10, 22], [22, 50]])
    assert (view.rows, view.columns) == (("7", "8"), ())
    assert study.map_at(last, "maps", 0, (0,)).rows == ("5", "6")


def test_what_is_not_there_is_told(study):
    last = len(study.steps) - 1
    for index, name, value, place, code in [
        (last, "curve", 0, (0,), "GF020"), (last, "maps", 0, (2,), "GF033"),
        (last, "maps", 1, (0,), "GF033"), (-1, "maps", 0, (0,), "GF082"),
    ]:  # fmt: skip
        with pytest.raises(gf.GraphflowError) as error:
            study.map_at(index, name, value, place)
        assert [d.code for d in error.value.diagnostics] == [code]
