"""Values that do not fit each other are told with their place, never a traceback."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from graphflow.figures import figures_of

FILE = """\
graphflow: 1
name: values that do not fit
params:
  three: {{shape: [3], init: zeros}}
  four: {{shape: [4], init: zeros}}
  matrix: {{shape: [3, 4], init: zeros}}
  images: {{shape: [2, 3, 4], init: zeros}}
  boxes: {{shape: [2, 3, 3], init: zeros}}
  good: {{shape: [2, 3, 4], init: zeros}}
  masks: {{shape: [2, 5, 5], init: zeros}}
  pairs: {{shape: [2, 2], init: zeros}}
  half: {{shape: [3], init: '0.5 + arange(3)'}}
  halves: {{shape: [2, 3, 4], init: 'zeros(shape) + 0.5'}}
  long: {{shape: [99, 2], init: zeros}}
  broken: {{shape: [3, 4], init: 'zeros(shape) / zeros(shape)'}}
nodes: {{f: sum(three)}}
outputs: [f]
figures:
  f: {figure}
"""


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        ("{kind: scatter, x: three, y: four}", "'four' has 4 values, x has 3"),
        ("{kind: line, x: three, y: matrix}", "'matrix' has 12 values, x has 3"),
        ("{kind: scatter, x: three, y: three, color: four}", "'three' has 4 values, x has 3"),
        ("{kind: bar, of: [three, four]}", "the vectors of one figure have one length"),
        ("{kind: bar, of: three, labels: [a]}", "1 labels for 3 bars"),
        ("{kind: images, of: matrix, shape: [5, 5]}", "4 pixels make no image of 5 x 5"),
        ("{kind: images, of: images, labels: three}", "3 labels for 2 images"),
        ("{kind: embedding, of: matrix, labels: [a, b]}", "2 labels for 3 rows of 'matrix'"),
        ("{kind: heatmap, of: matrix, row_labels: [a, b]}", "2 'row_labels' for 3 places"),
        ("{kind: confusion_matrix, target: three, predicted: four}",
         "targets (3,) and predictions (4,) do not fit"),
        ("{kind: confusion_matrix, target: matrix, predicted: three}",
         "targets (3, 4) and predictions (3,) do not fit"),
        ("{kind: confusion_matrix, target: three, predicted: half}",
         "classes and tokens are whole numbers, but there is 0.5"),
        ("{kind: confusion_matrix, target: half, predicted: three}",
         "classes and tokens are whole numbers, but there is 0.5"),
        ("{kind: text, of: half}", "classes and tokens are whole numbers, but there is 0.5"),
        ("{kind: segmentation, image: images, mask: images, target: halves}", "there is 0.5"),
        ("{kind: images, of: matrix, shape: [2, 2], labels: matrix, names: [a, b]}",
         "4 scores of 'matrix' for 2 names"),
        ("{kind: line, y: long}", "'long' has 99 rows, each of them a curve: 48 can be shown"),
        ("{kind: boxes, image: images, boxes: matrix}", "3 rows of 'matrix' for 2 images"),
        ("{kind: segmentation, image: images, mask: halves}", "there is 0.5"),
        ("{kind: segmentation, image: images, mask: masks}", "masks of 5 x 5 over images of 3 x 4"),
        ("{kind: boxes, image: images, boxes: boxes}", "boxes are (N, K, 4), not (2, 3, 3)"),
        ("{kind: boxes, image: images, boxes: good, scores: pairs}",
         "4 numbers of 'pairs' for 6 boxes"),
        ("{kind: text, of: matrix, tokens: words}", "have no vocabulary for a column 'words'"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told(figure, message):
    model = gf.loads(FILE.format(figure=figure))
    with pytest.raises(gf.GraphflowError) as caught:
        figures_of(model)
    (found,) = caught.value.diagnostics
    assert message in found.message


@pytest.mark.parametrize(
    "figure",
    [
        "{kind: heatmap, of: broken}",
        "{kind: histogram, of: broken}",
        "{kind: embedding, of: broken}",
        "{kind: images, of: broken}",
        "{kind: filters, of: broken}",
        "{kind: line, y: broken}",
        "{kind: bar, of: 'broken[0]'}",
        "{kind: confusion_matrix, target: 'matrix[:, 0]', predicted: broken}",
        "{kind: images, of: images, labels: 'broken[:, 0]'}",
        "{kind: text, of: broken}",
        "{kind: boxes, image: images, boxes: good, labels: broken, scores: broken}",
    ],
)
def test_numbers_that_are_not_finite_break_no_figure(figure):
    text = FILE.format(figure=figure)
    for name in ("images", "good"):
        text = text.replace(f"{name}: {{shape: [2, 3, 4]", f"{name}: {{shape: [3, 4, 4]")
    with np.errstate(all="ignore"):
        (drawn,) = figures_of(gf.loads(text)).values()
    assert drawn.to_json()
