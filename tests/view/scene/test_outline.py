"""The structure of graphs: what is a group, what is folded, what stands in something else."""

from __future__ import annotations

import pytest

from graphflow.view.scene import drawn
from graphflow.view.workspace import Look
from tests.view.scene.outlines import canned, written


def by_id(drawing):
    return {node.id: node for node in drawing.nodes}


def test_a_box_has_the_users_name_and_the_operation_as_it_is_written():
    boxes = by_id(drawn(canned("xyz").outline, Look()))
    assert [(b.label, b.sub, b.kind) for b in boxes.values()] == [
        ("x", "input", "input"),
        ("y", "input", "input"),
        ("q", "x + y", "op"),
        ("z", "input", "input"),
        ("f", "q * z", "loss"),
    ]


def test_the_layers_of_the_transformer_are_rows_of_two():
    rows = canned("transformer").outline.rows
    assert ("memory.0.encoder_layer1", "memory.1.encoder_layer1") in rows
    assert ("decoded.0.decoder_layer1", "decoded.1.decoder_layer1") in rows
    drawing = drawn(canned("transformer").outline, Look())
    folded = {node.id: node.folded for node in drawing.nodes if node.folded > 1}
    assert folded == {"memory.0.encoder_layer1": 2, "decoded.0.decoder_layer1": 2}


def test_only_the_first_stage_of_resnet_18_has_two_equal_blocks():
    # in the others the first block halves the resolution and has a projection (He et al., table 1)
    outline = canned("resnet18").outline
    assert [row for row in outline.rows if "stage" in row[0]] == [
        ("features.stage1.basic1", "features.stage1.0.basic1")
    ]
    drawing = drawn(outline, Look(folded=False))
    assert all(node.folded == 1 for node in drawing.nodes)


LAYERS = """
graphflow: 1
name: five layers
inputs: {x: {shape: [2, 4]}}
blocks:
  layer:
    inputs: [x]
    nodes: {h: "linear(x, 4)", out: relu(h) + x}
    outputs: [out]
nodes:
  h: {from: x, through: [{repeat: 5, through: [layer]}]}
  loss: sum(h)
outputs: [loss]
"""
FIVE = [f"h.{k}.layer1" for k in range(5)]


def test_a_row_is_one_box_that_counts_all_copies():
    outline = written(LAYERS).outline
    assert outline.rows == (tuple(FIVE),)
    box = by_id(drawn(outline, Look(opened=("h",))))[FIVE[0]]
    # linear (transpose, matmul, add), relu and add, five times over
    assert (box.label, box.folded, box.count) == ("layer1", 5, 25)
    assert box.inline == ("20 parameters each",)  # 4 x 4 weights and 4 biases


@pytest.mark.parametrize(
    ("opened", "folded"),
    [((1,), {0: 1, 2: 3}), ((0,), {1: 4}), ((4,), {0: 4}), ((1, 3), {0: 1, 2: 1, 4: 1})],
)
def test_opening_a_block_of_a_row_leaves_the_others_folded(opened, folded):
    look = Look(opened=("h", *(FIVE[k] for k in opened)))
    drawing = drawn(written(LAYERS).outline, look)
    assert {g.id for g in drawing.groups} == {"h", *(FIVE[k] for k in opened)}
    boxes = {node.id: node.folded for node in drawing.nodes if node.kind == "group"}
    assert {k: boxes[FIVE[k]] for k in range(5) if FIVE[k] in boxes} == folded


def test_every_node_of_every_copy_is_seen_in_the_folded_box():
    outline = written(LAYERS).outline
    drawing = drawn(outline, Look(opened=("h",)))
    for id, box in outline.boxes.items():
        if box.group.startswith("h."):
            assert drawing.shown_as.get(id, id) == FIVE[0]


def test_copies_are_numbered_where_they_stand_apart():
    drawing = drawn(written(LAYERS).outline, Look(opened=("h", FIVE[1])))
    labels = {node.id: node.label for node in drawing.nodes if node.kind == "group"}
    assert (labels[FIVE[0]], labels[FIVE[2]]) == ("layer1 1/5", "layer1 3–5/5")
    assert {g.id: g.label for g in drawing.groups}[FIVE[1]] == "layer1 2/5"


def test_blocks_of_different_width_are_no_row():
    wider = '"linear(x, dim(x, 1) + 1)", out: relu(h)}'
    other = LAYERS.replace('"linear(x, 4)", out: relu(h) + x}', wider)
    assert written(other).outline.rows == ()


def test_parameters_stand_in_what_reads_them_or_beside_it():
    text = """
    graphflow: 1
    name: affine
    inputs: {x: {shape: [2, 4]}}
    params: {W: {shape: [4, 3], init: 1}, b: {shape: [3], init: 0}}
    nodes: {y: x @ W + b, loss: sum(y)}
    """
    outline = written(text).outline
    inline, shown = (drawn(outline, Look(parameters=p)) for p in ("inline", "shown"))
    assert by_id(inline)["y.matmul"].inline == ("W 4x3",)
    assert by_id(inline)["y"].inline == ("b 3",) and inline.shown_as["W"] == "y.matmul"
    assert by_id(shown)["W"].kind == "parameter" and "W" not in shown.shown_as
    assert ("W", "y.matmul") in {(e.source, e.target) for e in shown.edges}


def test_variables_of_a_function_without_inputs_are_boxes():
    boxes = by_id(drawn(canned("optimizers_2d").outline, Look()))
    assert boxes["x1"].kind == boxes["x2"].kind == "parameter"


def test_a_group_that_a_line_makes_is_named_after_the_line_and_one_node_makes_none():
    outline = canned("gd_2d").outline
    assert outline.groups == {}  # all that is there is one line
    assert {n.label for n in drawn(outline, Look()).nodes} == {"x1", "x2", "pow", "mul", "f"}


def test_a_call_of_one_node_is_a_box_with_the_calls_name():
    box = by_id(drawn(canned("lstm").outline, Look()))["e.rows"]
    assert (box.label, box.sub, box.inline) == ("e", "embedding 28, 32", ("weight 28x32",))


def test_constants_are_numbers_in_the_operation_and_no_boxes():
    text = "{graphflow: 1, name: c, inputs: {x: scalar}, nodes: {f: 3 * x + 0.5}}"
    drawing = drawn(written(text, "f").outline, Look(parameters="shown"))
    assert [(n.label, n.sub) for n in drawing.nodes] == [
        ("x", "input"),
        ("mul", "3 * x"),
        ("f", "… + 0.5"),
    ]
    assert drawing.shown_as["f.constant"] == "f.mul"


def test_a_derivative_in_the_file_is_a_box_below_what_it_differentiates():
    text = """
    graphflow: 1
    name: slopes
    inputs: {x: scalar, y: scalar}
    nodes: {f: x * y ** 2, "g, h": "gradient(f, x, y)", loss: f + g * h}
    """
    drawing = drawn(written(text).outline, Look())
    subs = {n.label: n.sub for n in drawing.nodes}
    assert (subs["g"], subs["h"], subs["mul"]) == ("∂f/∂x", "∂f/∂y", "g * h")
    labels = {n.id: n.label for n in drawing.nodes}
    edges = {(labels[e.source], labels[e.target]) for e in drawing.edges}
    assert {("f", "g"), ("f", "h"), ("g", "mul"), ("h", "mul")} <= edges
    assert "full" not in {n.sub for n in drawing.nodes}


def test_a_screen_reader_hears_operation_name_and_shape():
    box = by_id(drawn(canned("resnet18").outline, Look()))["features.conv2d1.swept"]
    assert box.description.startswith("conv, features.conv2d1.swept, weight 16x1x7x7, output ")


def test_a_row_that_stays_folded_does_not_keep_deeper_groups_closed():
    text = """
    graphflow: 1
    name: deeper
    inputs: {x: {shape: [2, 4]}}
    blocks:
      pair: {inputs: [x], nodes: {s: x * x, out: s + x}, outputs: [out]}
      outer: {inputs: [x], nodes: {p: pair(x), t: exp(p), out: p + t}, outputs: [out]}
    nodes: {a: pair(x), b: pair(a), o: outer(b), loss: sum(o)}
    """
    drawing = drawn(written(text).outline, Look())
    assert {g.id for g in drawing.groups} == {"o", "o.p"}
    assert [(n.id, n.folded) for n in drawing.nodes if n.kind == "group"] == [("a", 2)]
