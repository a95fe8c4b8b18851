"""The section figures: what is read, and how each mistake is answered."""

from __future__ import annotations

import jsonschema
import pytest

import graphflow as gf
from graphflow.gallery import find
from graphflow.spec.figures import KINDS
from graphflow.spec.json_schema import schema

FILE = """\
graphflow: 1
name: a net
inputs: {{x: {{shape: [B, 64]}}, y: {{shape: [B], dtype: int}}}}
nodes:
  logits: linear(x, 10)
  loss: cross_entropy(logits, y)
  parts: split(logits, 2, axis=1)
outputs: [logits]
data: {{source: digits, feed: {{x: pixels / 16, y: label}}, split: {{train: 0.8, test: 0.2}}}}
train: {{minimize: loss, optimizer: sgd(lr=0.1), epochs: 1, history: [logits.bias]}}
figures:
  f: {figure}
"""


def loaded(figure: str):
    return gf.loads(FILE.format(figure=figure))


def problems(figure: str) -> list[tuple[str, str, str | None]]:
    with pytest.raises(gf.GraphflowError) as caught:
        loaded(figure)
    found = caught.value.diagnostics
    assert all(d.mark is not None and d.mark.line == 12 for d in found)
    return [(d.code, d.message, d.help) for d in found]


@pytest.mark.parametrize(
    ("figure", "code", "message", "help"),
    [
        ("{kind: lin, y: train/loss}", "GF013", "there is no kind 'lin'", "did you mean 'line'?"),
        ("{y: train/loss}", "GF012", "a figure needs the key 'kind'", None),
        ("line", "GF013", "a mapping for a figure is expected here, not 'line'", None),
        ("{kind: line, y: train/loss, logs: y}", "GF010", "a line figure has no key 'logs'",
         "did you mean 'log'?"),
        ("{kind: line}", "GF012", "a line figure needs the key 'y'", None),
        ("{kind: line, y: train/loss, log: z}", "GF013",
         "'x' or 'y' or 'xy' is expected here, not 'z'", None),
        ("{kind: line, y: train/los}", "GF020", "training reports no 'train/los'",
         "did you mean 'loss'?"),
        ("{kind: line, y: tset/loss}", "GF020", "the data have no part 'tset'",
         "did you mean 'test'?"),
        ("{kind: line, y: train/loss, x: logits}", "GF020",
         "'train/loss' is a metric: its x is epoch or step, not logits", None),
        ("{kind: line, y: relu(logits)}", "GF025", "'relu(logits)' is not what a figure can show",
         None),
        ("{kind: histogram, of: logit}", "GF020", "no node is called 'logit'", None),
        ("{kind: histogram, of: train/loss}", "GF020",
         "'train/loss' is a metric, which only lines and bars show", None),
        ("{kind: histogram, of: parts}", "GF022", "'parts' has several results",
         "name one of them"),
        ("{kind: images, of: loss}", "GF030",
         "images have two to four axes, but 'loss' is ()", None),
        ("{kind: images, of: x, part: tset}", "GF020", "the data have no part 'tset'",
         "did you mean 'test'?"),
        ("{kind: images, of: x, part: test, mode: train}", "GF012",
         "'mode: train' shows what is trained on, not the part 'test'",
         "leave out one of 'mode' and 'part'"),
        ("{kind: images, of: x, shape: [64]}", "GF013", "the shape of an image is expected here",
         None),
        ("{kind: images, of: x, columns: 0}", "GF013",
         "a whole number from 1 on is expected here, not 0", None),
        ("{kind: heatmap, of: logits.bias}", "GF030",
         "a heatmap needs two to four axes, but 'logits.bias' is (10)", None),
        ("{kind: heatmap, of: logits, words: [low, high]}", "GF012",
         "'words' stand for the numbers of 'cells': this heatmap needs that key", None),
        ("{kind: scatter, x: loss, y: loss, names: [low, high]}", "GF012",
         "'names' stand for the numbers of 'color': these points need that key", None),
        ("{kind: histogram, of: 'logits.bias[10]'}", "GF030",
         "'logits.bias[10]': the axis has 10 entries", None),
        ("{kind: histogram, of: 'logits.bias[0, 0]'}", "GF030",
         "'logits.bias' has 1 axes, not 2", None),
        ("{kind: embedding, of: logits.weight, dimensions: 4}", "GF013",
         "2 or 3 dimensions are expected here, not 4", None),
        ("{kind: text, prompts: [the]}", "GF012",
         "'prompts' are continued as the section 'generate' says, and there is none", None),
        ("{kind: tree, width: 2}", "GF012",
         "a tree grows as the section 'generate' says, and there is none", None),
        ("{kind: text}", "GF012", "a figure of texts needs the key 'of' or 'prompts'", None),
        ("{kind: contour, of: loss, x: 'logits.bias[0]', y: 'logits.bias[1]', x_range: [1, 0],"
         " y_range: [0, 1]}", "GF013",
         "two numbers are expected here, the smaller one first", None),
        ("{kind: contour, of: logits.bias, x: 'logits.bias[0]', y: 'logits.bias[1]',"
         " x_range: [0, 1], y_range: [0, 1]}", "GF030",
         "a function over a grid needs numbers, but 'logits.bias' is (10)", None),
        ("{kind: contour, of: 'logits.bias[0]', x: 'logits.weight[0, 0]', y: 'logits.bias[1]',"
         " x_range: [0, 1], y_range: [0, 1]}", "GF053",
         "'logits.bias[0]' does not depend on 'logits.weight[0, 0]'", None),
        ("{kind: contour, of: loss, x: 'logits.weight[0, 0]', y: 'logits.bias[0]',"
         " x_range: [0, 1], y_range: [0, 1], trajectory: true}", "GF020",
         "no history of 'logits.weight' is kept",
         "add 'history: [logits.weight]' under 'train'"),
    ],
)  # fmt: skip
def test_mistakes_are_answered_where_they_stand(figure, code, message, help):
    (found,) = problems(figure)
    assert found[:2] == (code, message)
    assert help is None or found[2] == help


def test_a_metric_whose_node_is_wrong_is_not_complained_of_again():
    text = find("mlp").read_text("utf-8").replace("p_drop: 0.3\n", "p_drop: 0.3 + nothing\n")
    with pytest.raises(gf.GraphflowError) as caught:
        gf.loads(text)
    assert [d.message for d in caught.value.diagnostics] == ["unknown name 'nothing'"]


def test_what_is_only_evaluated_is_no_metric_of_what_is_trained_on():
    evaluated = FILE.replace("epochs: 1,", "epochs: 1, evaluate: [logits.bias],")
    gf.loads(evaluated.format(figure="{kind: bar, of: test/logits.bias}"))
    with pytest.raises(gf.GraphflowError, match=r"training reports no 'train/logits\.bias'"):
        gf.loads(evaluated.format(figure="{kind: bar, of: train/logits.bias}"))


def test_all_mistakes_of_all_figures_are_told_at_once():
    both = "{kind: images, of: logit, labels: loss}\n  g: {kind: histogram, of: [w, logits.weigh]}"
    with pytest.raises(gf.GraphflowError) as caught:
        loaded(both)
    assert [d.mark.line for d in caught.value.diagnostics] == [12, 12, 13, 13]


def test_what_could_not_be_read_is_not_complained_of_again():
    text = FILE.format(figure="{kind: histogram, of: [logits, logits.weight]}")
    with pytest.raises(gf.GraphflowError) as caught:
        gf.loads(text.replace("linear(x, 10)", "linearr(x, 10)"))
    assert [d.mark.line for d in caught.value.diagnostics] == [5]


def test_a_gradient_needs_a_loss():
    with pytest.raises(gf.GraphflowError, match=r"'w\.grad' has no loss to differentiate"):
        gf.loads("""
graphflow: 1
name: no training
params: {w: {shape: [2], init: zeros}}
nodes: {f: sum(w)}
figures: {g: {kind: histogram, of: w.grad}}
""")


def test_the_long_form_keeps_the_figures():
    model = loaded("{kind: histogram, of: [logits, logits.weight, logits.weight.grad], bins: 7}")
    again = gf.loads(model.expanded())
    assert again.document.figures == model.document.figures


def test_an_override_reaches_a_figure():
    text = FILE.format(figure="{kind: histogram, of: logits}")
    model = gf.loads(text, {"figures.f.bins": 9})
    assert model.document.figures["f"].bins == 9


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_in_the_schema(kind):
    found = schema()
    figures = found["$defs"]["Document"]["properties"]["figures"]
    names = [ref["$ref"].rpartition("/")[2] for ref in figures["additionalProperties"]["oneOf"]]
    (mine,) = [r for n in names if (r := found["$defs"][n])["properties"]["kind"]["const"] == kind]
    assert set(mine["properties"]) == {"kind", *KINDS[kind].table()}


@pytest.mark.parametrize(
    ("figure", "valid"),
    [
        ({"kind": "line", "y": ["train/loss"], "log": "y"}, True),
        ({"kind": "contour", "of": "f", "x": "x[0]", "y": "x[1]", "x_range": [-1, 1],
          "y_range": [0, 1], "trajectory": True}, True),
        ({"kind": "images", "of": "x", "labels": ["y", "logits"], "shape": [8, 8]}, True),
        ({"kind": "lines", "y": "train/loss"}, False),
        ({"y": "train/loss"}, False),
        ({"kind": "line", "y": "train/loss", "bins": 3}, False),
    ],
)  # fmt: skip
def test_editors_know_what_a_figure_may_hold(figure, valid):
    file = {"graphflow": 1, "name": "n", "nodes": {"y": 1}, "figures": {"f": figure}}
    assert jsonschema.Draft202012Validator(schema()).is_valid(file) is valid
