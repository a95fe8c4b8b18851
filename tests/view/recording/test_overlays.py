"""What is laid over a drawing, against numbers worked out by hand."""

import numpy as np
import pytest

from graphflow.view.drawing import Drawing, DrawnNode
from graphflow.view.study import Study
from graphflow.view.workspace import Edit, Workspace


def study_of(nodes: str, x: str, of: str = "f", **given) -> Study:
    text = f"""
graphflow: 1
name: overlaid
inputs: {{x: [N]}}
nodes: {{{nodes}}}
outputs: [{of}]
check: [{{feed: {{x: {x}}}, expect: {{{of}: 0}}}}]
"""
    return Study(Workspace(text=text, **given))


def test_values_are_marked_by_their_root_mean_square():
    marks = study_of("y: 100 * x, f: sum(y)", "[3, -4]").overlay("values").marks
    assert marks["x"].amount == pytest.approx(np.sqrt(12.5))
    assert marks["y"].amount == pytest.approx(100 * np.sqrt(12.5))
    # a hundred times is four buckets of half a power of ten
    assert (marks["x"].bucket, marks["y"].bucket) == (2, 6)
    assert marks["y"].text == "rms 354"


def test_gradients_are_marked_by_their_norm():
    marks = study_of("y: x * x, f: sum(y)", "[3, 4]").overlay("gradients").marks
    assert marks["x"].amount == pytest.approx(10)  # the gradient is 2 x = (6, 8)
    assert marks["y"].amount == pytest.approx(np.sqrt(2))


@pytest.mark.parametrize("factor", ["2", "1e-3"])
def test_the_gradients_of_layers_are_told_apart_whether_near_or_far(factor):
    """Each is ``factor`` times the one behind it: doubled, or vanishing."""
    nodes = f"a: {factor} * x, b: {factor} * a, c: {factor} * b, f: sum(c)"
    overlay = study_of(nodes, "[1]").overlay("gradients")
    buckets = [overlay.marks[name].bucket for name in "xabc"]
    assert len(set(buckets)) == 4
    assert sorted(buckets) == (buckets[::-1] if factor == "2" else buckets)
    assert len(overlay.legend) == 7


@pytest.mark.parametrize(
    ("factor", "flag"), [("1e-9", "vanishing"), ("1.0", ""), ("1e4", "exploding")]
)
def test_gradients_too_small_or_too_large_are_flagged(factor, flag):
    marks = study_of(f"f: {factor} * sum(x)", "[1, 2]").overlay("gradients").marks
    assert marks["x"].flag == flag


def test_a_relu_that_lets_nothing_through_is_dead():
    overlay = study_of("a: relu(x), b: relu(-x), f: sum(a) + sum(b)", "[-1, -2]").overlay
    marks = overlay("gradients").marks
    assert (marks["a"].flag, marks["b"].flag) == ("dead", "")


def test_the_first_nan_is_found_with_its_operands_and_where_it_went():
    study = study_of("l: log(x), s: sum(l), f: 2 * s", "[1, -1]")
    found = study.failing()
    assert (found.index, found.place) == (0, "l")
    assert found.operands == ("x is float64[2] from -1 to 1",)
    assert [study.steps[i].node for i in found.chain] == ["s", "f"]
    assert [s.flag for s in study.steps[:3]] == ["nan"] * 3
    assert study.overlay("values").failing == "l"
    assert study.overlay("values").marks["l"].flag == "nan"


def test_a_graph_without_nan_fails_nowhere():
    assert study_of("f: sum(x)", "[1, 2]").failing() is None


def test_an_infinity_that_is_masked_away_spoils_nothing():
    study = study_of(
        "m: 'where(x > 0, x, -inf)', p: 'softmax(m, axis=0)', f: sum(p * x)", "[1, -1, 2]"
    )
    assert study.failing() is None
    assert study.overlay("values").marks["m"].flag == "inf"


def test_an_infinity_that_becomes_a_nan_is_where_it_began():
    study = study_of("l: log(x), m: l * 0, f: sum(m)", "[1, 0]")
    assert study.failing().place == "l"
    assert [study.steps[i].node for i in study.failing().chain][:2] == ["m", "f"]


def test_time_and_memory_are_shares_of_a_whole():
    study = study_of("y: x * x, f: sum(y)", "[3, 4]")
    for kind in ("time", "memory"):
        overlay = study.overlay(kind)
        assert sum(m.amount for m in overlay.marks.values()) == pytest.approx(overlay.whole)
    # x * x, its gradient of two numbers; the sum, the 1 it begins with and its 1 stretched out
    assert study.overlay("memory").marks["y"].amount >= 2 * 8


def test_a_closed_group_shows_the_largest_of_what_is_in_it_and_sums_of_time():
    box = DrawnNode("g", "g", "", "group", 0, 0, 1, 1)
    drawing = Drawing("", 1, 1, "TB", (box,), (), (), {"x": "g", "y": "g", "f": "g"})
    study = study_of("y: 100 * x, f: sum(y)", "[3, -4]")
    (mark,) = study.overlay("values").seen(drawing).marks.values()
    assert mark.text == "largest inside: rms 354" and mark.inside == "y"
    time = study.overlay("time")
    assert time.seen(drawing).marks["g"].amount == pytest.approx(time.whole)


def test_colour_and_number_of_a_closed_box_are_of_one_gradient_and_said_to_be():
    """Of f = sum(1e-9 x) + sum(1000 y) one gradient vanishes, and the other is larger: the colour
    of the first would not be the largest inside.
    """
    box = DrawnNode("g", "g", "", "group", 0, 0, 1, 1)
    drawing = Drawing("", 1, 1, "TB", (box,), (), (), {"x": "g", "l": "g"})
    overlay = study_of("l: 1e-9 * x, f: sum(l)", "[1, 2, 3, 4, 5]").overlay("gradients")
    assert "‖∇‖" in overlay.about and "largest inside" in overlay.about
    (mark,) = overlay.seen(drawing).marks.values()
    assert (mark.bucket, mark.flag) == (overlay.marks["x"].bucket, "vanishing")
    assert mark.text == "inside: ‖∇‖ 2.24e-09" and mark.inside == "x"  # 1e-9 sqrt(5)


def test_an_edit_changes_values_downstream_and_gradients_upstream():
    study = Study(Workspace(graph="xyz", edits=(Edit("x", None, 1.0),)))
    marks = study.overlay("changes").marks
    assert {place: mark.text for place, mark in marks.items()} == {
        "x": "value -2 → 1 (+3)",
        "q": "value 3 → 6 (+3)",
        "f": "value -12 → -24 (-12)",
        "z": "gradient 3 → 6 (+3)",
    }
    assert {mark.flag for mark in marks.values()} == {"changed"}


def test_changes_are_those_of_the_last_edit():
    edits = (Edit("x", None, 1.0), Edit("z", None, 2.0))
    marks = Study(Workspace(graph="xyz", edits=edits)).overlay("changes").marks
    assert marks["f"].text == "value -24 → 12 (+36)"
    assert "x" in marks and marks["x"].text == "gradient -4 → 2 (+6)"
