"""What goes to a browser: small, and JSON in the strict sense."""

from __future__ import annotations

import json

from graphflow.view.overlay import Marked, Overlay
from graphflow.view.scene import drawn
from graphflow.view.steps import Step
from graphflow.view.wire import number, wire_drawing, wire_overlay, wire_schedule
from graphflow.view.workspace import Look
from tests.view.scene.outlines import layers, written


def strict(value: object) -> str:
    return json.dumps(value, allow_nan=False)


def test_numbers_that_json_does_not_have_are_words():
    numbers = [number(v) for v in (float("nan"), float("inf"), float("-inf"), 1.0, 0.5)]
    assert strict(numbers) == '["nan", "inf", "-inf", 1, 0.5]'


def test_four_hundred_boxes_take_less_than_200_kilobytes():
    outline = written(layers(9)).outline
    drawing = drawn(outline, Look(opened=tuple(outline.groups), folded=False))
    assert 380 < len(drawing.nodes) < 420
    assert len(strict(wire_drawing(drawing))) < 200_000


def test_which_boxes_can_be_opened_is_said():
    drawing = drawn(written(layers(2)).outline, Look(opened=()))
    sent = {node["id"]: "closed" in node for node in wire_drawing(drawing)["nodes"]}
    boxes = {node.id: node.kind == "group" for node in drawing.nodes}
    assert sent == boxes and any(boxes.values()) and not all(boxes.values())


def test_an_edge_is_a_path_with_its_label_where_there_is_room():
    text = "{graphflow: 1, name: s, inputs: {x: {shape: [3]}}, nodes: {y: 2 * x, f: sum(y)}}"
    drawing = wire_drawing(drawn(written(text, "f").outline, Look()))
    first, second = drawing["edges"]
    assert (first["s"], first["t"], first["label"]) == ("x", "y", "3")
    assert first["d"].startswith("M") and second["t"] == "f"
    x, y = drawing["nodes"][:2]
    assert x["y"] + x["h"] / 2 < first["ly"] < y["y"] - y["h"] / 2


def test_a_schedule_says_every_text_once():
    steps = [
        Step(0, 0, "q", "add", "forward", "q", block=("a", "b"), text="q = 1"),
        Step(1, 0, "h", "mul", "forward", "l/h", within=(("l", 3),), text="h = 2"),
        Step(2, 0, "q.grad", "mul", "backward", "q", edge=("q", "l/h"), flag="nan"),
    ]
    wire = wire_schedule(steps, ["gradient of h"])
    names = wire["names"]
    rows = [
        [names[row[0]], row[1], names[row[2]], [names[i] for i in row[3:5] if i >= 0],
         wire["blocks"][row[5]], row[6], wire["within"][row[7]], wire["flags"][row[8]]]
        for row in wire["steps"]
    ]  # fmt: skip
    assert rows == [
        ["q", 0, "q", [], ["a", "b"], 0, [], ""],
        ["l/h", 0, "l/h", [], [], 0, [["l", 3]], ""],
        ["q.grad", 1, "q", ["q", "l/h"], [], 0, [], "nan"],
    ]
    assert len(set(names)) == len(names) == 3
    assert wire["texts"] == ["q = 1", "h = 2", ""] and wire["turns"] == ["gradient of h"]


def test_a_schedule_that_differs_has_another_mark():
    revs = {
        wire_schedule([Step(0, 0, "q", "add", "forward", "q", text=text)], [])["rev"]
        for text in ("q = 1", "q = 1", "q = 2")
    }
    assert len(revs) == 2


def test_an_overlay_is_a_row_for_each_box():
    marks = {
        "w": Marked(float("nan"), 1, "nan", "nan"),
        "g": Marked(2.0, 3, "largest inside: 2", "", "h"),
    }
    assert wire_overlay(Overlay("gradients", ("small", "large"), marks)) == {
        "kind": "gradients",
        "about": "Euclidean norm ‖∇‖; of a closed box the largest inside, parameters too",
        "legend": ["small", "large"],
        "marks": {"w": [1, "nan", "nan"], "g": [3, "largest inside: 2", "", "h"]},
    }
