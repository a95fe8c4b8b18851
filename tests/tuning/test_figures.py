"""Figures of searches, from events and trials written by hand."""

from __future__ import annotations

import pytest

from graphflow.figures import draw
from graphflow.tuning.figures import (
    any_time,
    coordinates,
    described,
    distribution,
    parameters,
    timeline,
)
from graphflow.tuning.figures import learning_curves as curves
from graphflow.tuning.results import Kept
from graphflow.tuning.trials import Trial

from .conftest import SPACE, kept


def test_the_any_time_curve_is_a_staircase_to_the_end():
    """Figure 19.2.1's axes: incumbent against wall-clock time; nothing is known before 1 s."""
    one, two = any_time([kept(name="a"), kept("min", name="b")]).series
    assert list(one.x) == [1.0, 2.0, 2.0, 3.0, 3.0, 3.5]
    assert list(one.y) == [0.5, 0.5, 0.6, 0.6, 0.7, 0.7]
    assert (list(two.x), list(two.y)) == ([1.0, 3.5], [0.5, 0.5])
    assert (one.name, two.name) == ("a", "b")


def test_the_timeline_has_a_span_a_stretch_and_a_mark_an_epoch():
    shown = timeline(kept())
    found = [(span.text, span.row, span.begin, span.end) for span in shown.spans]
    assert found == [("1", 1, 0.5, 2.1), ("0", 0, 0.0, 3.1), ("2", 1, 2.2, 3.5)]
    assert shown.spans[0].about == "trial 1, stopped: lr=0.01 hidden=8 act=tanh"
    assert [(m.time, m.row) for m in shown.moments] == [(1.0, 0), (2.0, 1), (3.0, 0)]
    assert shown.moments[2].about == "trial 0, epoch 2: 0.7"


def test_the_distribution_climbs_by_one_share_at_each_trial_that_has_a_metric():
    """F(e) of Dive into Deep Learning 8.8: how many of the errors are at most e."""
    one, two = distribution([kept(name="a"), kept("min", name="b")]).series
    assert (list(one.x), list(one.y)) == ([0.6, 0.6, 0.7, 0.7], [0, 0.5, 0.5, 1])
    assert (list(two.x), list(two.y)) == ([0.5, 0.5, 0.6, 0.6], [0, 0.5, 0.5, 1])
    nothing = Kept("c", kept().asked, [Trial(0, {}, 0, {}, "failed")], [])
    assert distribution([nothing]).series == []


def test_learning_curves_are_those_of_trials_with_a_metric():
    assert [(s.name, list(s.y)) for s in curves(kept()).series] == [
        ("trial 0", [0.5, 0.7]), ("trial 1", [0.6]),
    ]  # fmt: skip


@pytest.mark.parametrize(("trials", "legend"), [(12, True), (13, False)])
def test_many_learning_curves_have_no_legend(trials, legend):
    one = kept()
    many = [Trial(n, {}, 1, {1: 0.5}, "complete") for n in range(trials)]
    assert draw(curves(Kept("t", one.asked, many, []))).layout.showlegend is legend


def test_settings_against_the_best_metric_leave_out_what_failed():
    charts = parameters(kept())
    assert list(charts) == list(SPACE)
    (lr,), (act,) = charts["lr"].series, charts["act"].series
    assert (list(lr.x), list(lr.y), list(lr.color)) == ([0.1, 0.01], [0.7, 0.6], [2, 1])
    assert (charts["lr"].log, charts["hidden"].log) == ("x", "")
    assert list(act.x) == [0, 1] and list(charts["act"].x_words) == ["relu", "tanh"]


def test_parallel_coordinates_end_at_the_metric():
    lr, hidden, act, metric = coordinates(kept()).axes
    assert (list(lr.values), lr.log) == ([0.1, 0.01], True)
    assert (list(hidden.values), hidden.log, hidden.words) == ([4, 8], False, ())
    assert (list(act.values), list(act.words)) == ([0, 1], ["relu", "tanh"])
    assert (metric.name, list(metric.values)) == ("test/accuracy", [0.7, 0.6])


def test_figures_of_several_searches_bear_their_names():
    one = described([kept()])
    assert list(one) == ["any-time", "distribution", "gantt", "curves", "configurations", *SPACE]
    two = described([kept(name="a"), kept(name="b")])
    assert [n for n in two if n.startswith("gantt")] == ["gantt-a", "gantt-b"]


def test_all_figures_can_be_drawn():
    for description in described([kept()]).values():
        assert draw(description).data
