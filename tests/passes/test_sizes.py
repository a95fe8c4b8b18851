from __future__ import annotations

import pytest

from graphflow.diagnostics import GraphflowError, Mark
from graphflow.ir import DType, Graph, Origin, TensorType, symbol
from graphflow.ops import Builder
from graphflow.passes import Shown, shown_by, solve_sizes

B, T = symbol("B"), symbol("T")


def inputs(**shapes: tuple) -> Graph:
    b = Builder()
    for name, shape in shapes.items():
        b.origin = Origin(Mark("m.yaml", 3, 7))
        b.input(name, TensorType(DType.FLOAT, shape))
    return b.graph()


def refused(graph: Graph, feed: dict, given: dict | None = None) -> str:
    with pytest.raises(GraphflowError) as caught:
        solve_sizes(graph, feed, given or {})
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "GF061"
    return diagnostic.message


def test_fed_shapes_give_sizes():
    graph = inputs(x=(B, T, 3), y=(B,), n=())
    feed = {"x": (2, 5, 3), "y": (2,), "n": ()}
    assert solve_sizes(graph, feed, {}) == {"B": 2, "T": 5}


def test_arithmetic_is_solved():
    graph = inputs(x=(2 * B + 1,))
    assert solve_sizes(graph, {"x": (9,)}, {}) == {"B": 4}


def test_two_symbols_wait_for_one_of_them():
    graph = inputs(x=(B * T, T + 1), y=(B // 2, B))
    assert solve_sizes(graph, {"x": (6, 4), "y": (1, 2)}, {}) == {"T": 3, "B": 2}


def test_what_cannot_be_solved_is_left_open():
    graph = inputs(x=(B * T,), y=(B // 2,))
    assert solve_sizes(graph, {"x": (6,), "y": (1,)}, {}) == {}


def test_given_sizes_are_kept():
    assert solve_sizes(inputs(x=(B,)), {}, {"T": 4}) == {"T": 4}


def test_an_alias_can_be_fed():
    b = Builder(inputs(x=(B,)))
    b.aliases["image"] = "x"
    assert solve_sizes(b.graph(), {"image": (3,)}, {}) == {"B": 3}


def test_inputs_that_disagree():
    graph = inputs(x=(B, 3), y=(B,))
    assert refused(graph, {"x": (32, 3), "y": (31,)}) == (
        "axis 0 of 'y' has size 31, but it must be B = 32; B = 32, "
        "because axis 0 of 'x' has size 32"
    )


def test_a_given_size_that_disagrees():
    assert refused(inputs(x=(2 * B,)), {"x": (6,)}, {"B": 4}) == (
        "axis 0 of 'x' has size 6, but it must be 2*B = 8; B = 4, because it was given"
    )


def test_a_fixed_size_that_disagrees():
    assert refused(inputs(x=(B, 3)), {"x": (2, 4)}) == (
        "axis 1 of 'x' has size 4, but it must be 3"
    )


def test_wrong_number_of_axes_and_where_it_is_declared():
    graph = inputs(x=(B, 3))
    assert refused(graph, {"x": (3,)}) == "'x' is declared [B, 3], but has shape [3]"
    with pytest.raises(GraphflowError, match=r"m.yaml:3:7: 'x' is declared float\[B, 3\]"):
        solve_sizes(graph, {"x": (3,)}, {})


def test_sizes_no_symbol_can_give():
    graph = inputs(x=(2 * B + 1,))
    assert refused(graph, {"x": (4,)}) == "axis 0 of 'x' has size 4, which 2*B + 1 cannot be"
    assert "cannot be" in refused(inputs(x=(B + 3,)), {"x": (2,)})


def test_the_axis_nearest_to_a_symbol_shows_it():
    shapes = [("w", (B * T,)), ("x", (2 * B + 1,)), ("y", (3, 5 - T)), ("z", (B, B))]
    assert shown_by(shapes) == {"B": Shown("z", 0, 1, 0), "T": Shown("y", 1, -1, 5)}
    assert list(shown_by(shapes)) == ["B", "T"]


def test_a_symbol_may_be_shown_by_means_of_others():
    shapes = [("x", (B * T + B // 2,)), ("z", (B,))]
    assert shown_by(shapes) == {"B": Shown("z", 0, 1, 0), "T": Shown("x", 0, B, B // 2)}
    assert shown_by(shapes[:1], {"B"}) == {"T": Shown("x", 0, B, B // 2)}
    assert shown_by(shapes[:1], {"T"}) == {}


def test_powers_and_floor_divisions_show_nothing():
    assert shown_by([("x", (B * B, B // 2, B * T, 3))]) == {}
