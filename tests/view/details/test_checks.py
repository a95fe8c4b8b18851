"""Checks find what is wrong, and only that."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

import graphflow as gf
from graphflow.ops import OPS
from graphflow.ops.builder import F
from graphflow.ops.elementwise import Float
from graphflow.view.details.checks.precision import precision
from graphflow.view.details.checks.report import PARTS
from graphflow.view.study import Study
from graphflow.view.workspace import Workspace
from tests.view.details.plain import as_json

HEAD = "graphflow: 1\nname: t\n"


def study(text: str, of: str = "") -> Study:
    return Study(Workspace(text=HEAD + text, of=of))


@pytest.fixture
def broken_op():
    """A cube whose derivative says 2 x^2, not 3 x^2."""

    @gf.register
    class WrongCube(Float):
        """The cube. y = x^3."""

        latex = "{x}^3"

        def forward(self, xp, x):
            return x * x * x

        def vjp(self, g, y, x):
            return (g * x * x * F.exp(x.like(0.0)) * x.like(2.0),)

    yield "wrong_cube"
    del OPS["wrong_cube"]


def test_a_wrong_gradient_is_found_where_it_is(broken_op):
    made = study("inputs: {x: {shape: [3]}}\nparams: {w: {shape: [3], init: 'full(1)'}}\n"
                 "nodes: {a: x * w, b: wrong_cube(a), c: tanh(b), f: sum(c)}\n"
                 "check: [{about: a, feed: {x: [0.1, 0.2, 0.5]}, expect: {}}]\n")  # fmt: skip
    section = made.check("gradients").section("gradients")
    assert (section.verdict, section.first) == ("bad", "b")
    wrong = {row.name for row in section.failures}
    assert wrong == {"b", "w", "x"}  # its rule, and what lies before it
    report = made.gradient_check("w")
    assert not report.good and "disagree" in report.note
    assert made.gradient_check("c").good


def test_all_is_well_with_the_smallest_graph():
    report = Study(Workspace(graph="xyz")).check()
    assert [s.part for s in report.sections] == list(PARTS) and report.good
    assert all(s.verdict == "good" for s in report.sections)
    assert pickle.loads(pickle.dumps(report)) == report
    as_json(report)
    with pytest.raises(gf.GraphflowError, match="GF006"):
        Study(Workspace(graph="xyz")).check("all")


def test_missed_golden_values_are_told():
    made = study("inputs: {x: scalar}\nnodes: {y: x * x, z: y + 1}\n"
                 "check: [{about: wrong, feed: {x: 3}, expect: {y: 9, z: 11}}]\n")  # fmt: skip
    section = made.check("golden").section("golden")
    assert (section.verdict, section.first) == ("bad", "z")
    (row,) = section.failures
    assert (row.expected, row.found, row.error) == ("11", "10", 1.0)
    assert section.words == "1 of 2 expected values is missed."


def test_a_file_without_checks_has_no_verdict():
    made = study("params: {w: {shape: [2], init: 'full(1)'}}\nnodes: {f: sum(w * w)}\n")
    assert made.check("golden").section("golden").verdict == "none"


@pytest.mark.parametrize("at, slope", [(2.0, 2 * 2.0 + 3), (-1.0, 1.0)])
def test_a_gradient_meets_its_differences(at, slope):
    made = study("inputs: {x: scalar}\nnodes: {y: x * x + 3 * x}\n"
                 f"check: [{{about: a, feed: {{x: {at}}}, expect: {{}}}}]\n")  # fmt: skip
    report = made.gradient_check("x")
    assert report.analytic == slope and report.good and len(report.rows) == 12
    assert report.best.error < 1e-9 and report.rows[-1].error > report.best.error


def test_one_element_is_the_partial_derivative():
    made = study("inputs: {x: {shape: [2, 2]}}\nnodes: {f: sum(x ** 3)}\n"
                 "check: [{about: a, feed: {x: [[1, 2], [3, 4]]}, expect: {}}]\n")  # fmt: skip
    assert made.gradient_check("x", (1, 0)).analytic == pytest.approx(27)
    with pytest.raises(gf.GraphflowError, match="no element"):
        made.gradient_check("x", (2, 0))


def test_a_corner_is_told_from_a_mistake():
    made = study("inputs: {x: {shape: [3]}}\nnodes: {h: relu(x), f: sum(h)}\n"
                 "check: [{about: a, feed: {x: [0, 1, -1]}, expect: {}}]\n")  # fmt: skip
    report = made.gradient_check("x", (0,))
    assert report.kink and report.good and "corner" in report.note
    assert not made.gradient_check("x", (1,)).kink
    section = made.check("gradients").section("gradients")
    assert section.verdict == "good" and {r.status for r in section.rows} >= {"corner", "good"}


def test_nodes_on_the_way_can_be_checked_and_others_are_refused():
    made = Study(Workspace(graph="xyz"))
    assert made.gradient_check("q").analytic == -4  # df/dq = z
    for name, code in (("q.grad", "GF020"), ("qq", "GF020")):
        with pytest.raises(gf.GraphflowError, match=code):
            made.gradient_check(name)


def test_stop_gradient_stands_still_in_the_differences():
    made = study("inputs: {x: scalar}\nnodes: {s: stop_gradient(x * x), f: x * s}\n"
                 "check: [{about: a, feed: {x: 3}, expect: {f: 27}}]\n", of="f")  # fmt: skip
    report = made.gradient_check("x")
    assert report.analytic == 9 and report.good


STAND_IN = """
inputs: {{x: {{shape: [2]}}}}
params: {{w: {{shape: [2], init: 'full(0.5)'}}}}
nodes:
  z: w * x
  t: tanh(z)
  slope: stop_gradient({slope})
  mine: stop_gradient(t) + slope * (z - stop_gradient(z))
  loss: sum(square(mine))
check: [{{about: a, feed: {{x: [1, 2]}}, expect: {{}}}}]
"""


@pytest.mark.parametrize(
    ("slope", "right"), [("1 - t", False), ("1 - t * t", True)], ids=["wrong", "right"]
)
def test_what_stop_gradient_hides_is_told_with_the_verdict(slope, right):
    """A derivative written by hand: of tanh it is 1 - tanh^2."""
    made = study(STAND_IN.format(slope=slope), of="loss")
    report, section = made.gradient_check("w", (1,)), made.check("gradients").sections[0]
    t = np.tanh(1.0)
    assert report.good and report.held == "with 3 stop_gradients held still"
    assert report.analytic == pytest.approx(2 * t * (1 - t * t if right else 1 - t) * 2)
    assert report.freed == pytest.approx(2 * t * (1 - t * t) * 2, rel=1e-6)
    assert report.hidden is not right
    assert (section.verdict, section.note) == ("good" if right else "held", report.held)
    row = next(row for row in section.rows if row.name == "w")
    assert row.status == section.verdict and f"{report.held}; let go" in row.words


def test_a_small_value_is_checked_entry_by_entry_beside_its_random_direction():
    made = study("inputs: {x: {shape: [3, 2]}}\nnodes: {f: sum(x ** 3)}\n"
                 "check: [{feed: {x: [[1, 2], [3, 4], [5, 6]]}, expect: {}}]\n")  # fmt: skip
    report = made.gradient_check("x")
    assert (report.seed, report.size, report.held) == (0, 6, "")
    found = {row.index: row for row in report.entries}
    x = np.arange(1.0, 7.0).reshape(3, 2)
    for index in np.ndindex(3, 2):
        assert found[index].analytic == pytest.approx(3 * x[index] ** 2)
        assert found[index].numeric == pytest.approx(3 * x[index] ** 2, rel=1e-5)
    direction = np.random.default_rng(0).standard_normal((3, 2)) * x  # each as large as its entry
    assert report.analytic == pytest.approx(np.sum(3 * x**2 * direction))
    single = made.gradient_check("x", (0, 1))
    assert single.seed is None and not single.entries


def test_a_check_that_expects_nothing_is_told_from_none():
    fed = study("inputs: {x: scalar}\nnodes: {y: x}\ncheck: [{about: a, feed: {x: 3}}]\n")
    bare = study("params: {w: {shape: [2], init: 'full(1)'}}\nnodes: {f: sum(w * w)}\n")
    assert "expects nothing" in fed.check("golden").sections[0].words
    assert "no check: section" in bare.check("golden").sections[0].words


def test_two_models_of_one_seed_are_equal_and_say_so():
    text = ("inputs: {x: {shape: [4]}}\nparams: {w: {shape: [4], init: normal}}\n"
            "nodes: {h: 'dropout(x * w, 0.5)', f: sum(h)}\n"
            "check: [{about: a, feed: {x: [1, 2, 3, 4]}, expect: {}, mode: train}]\n")  # fmt: skip
    section = Study(Workspace(text=HEAD + text, seed=5)).check("determinism").sections[0]
    assert section.verdict == "good" and "seed 5" in section.words


def test_float32_that_runs_over_is_named():
    made = study("inputs: {x: {shape: [2]}}\nnodes: {a: x * 10, e: exp(a), f: sum(e) * 2}\n"
                 "check: [{about: a, feed: {x: [1, 20]}, expect: {}}]\n")  # fmt: skip
    section = made.check("precision").sections[0]  # e^200 is beyond 3e38
    assert (section.verdict, section.first) == ("bad", "e")
    assert "range" in section.failures[0].words


def test_cancellation_is_rounding_and_not_a_mistake():
    made = study("inputs: {x: {shape: [2]}}\nnodes: {a: x + 1000000, b: a - 1000000, f: sum(b)}\n"
                 "check: [{about: a, feed: {x: [0.3, 0.7]}, expect: {}}]\n")  # fmt: skip
    section = made.check("precision").sections[0]
    assert section.verdict == "good"
    b = next(row for row in section.rows if row.name == "b")
    assert b.error > 1e-3  # float32 keeps 0.3 + 10^6 to 0.03


def test_a_wrong_fast_plan_is_named(monkeypatch):
    from graphflow.view.details.checks import precision as module

    made = study("inputs: {x: {shape: [2]}}\nnodes: {a: x * 2, b: tanh(a), f: sum(b)}\n"
                 "check: [{about: a, feed: {x: [0.3, 0.7]}, expect: {}}]\n")  # fmt: skip

    def spoilt(graph):
        node = graph.nodes["b"]
        return replace(graph, nodes={**graph.nodes, "b": replace(node, op="sin")})

    monkeypatch.setattr(module, "optimise", spoilt)
    section = precision(made.recording.turns)
    assert (section.verdict, section.first) == ("bad", "b")
    assert section.failures[0].what == "float32, fast plan"
    np.testing.assert_allclose(eval(section.failures[0].expected), np.tanh([0.6, 1.4]), rtol=1e-4)
