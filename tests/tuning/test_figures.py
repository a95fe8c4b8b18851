"""Figures of searches, from events and trials written by hand."""

from __future__ import annotations

import numpy as np
import pytest

from graphflow.tuning.figures import Kept, any_time, coordinates, gantt, incumbents, parameters
from graphflow.tuning.figures import learning_curves as curves
from graphflow.tuning.folder import Asked, Event
from graphflow.tuning.trials import Trial

SPACE = {"lr": "loguniform(1e-3, 1)", "hidden": "randint(1, 9)", "act": "choice(relu, tanh)"}


def kept(mode="max", name="t"):
    asked = Asked("d.yaml", {}, "float32", 2, None, 2, 0, "test/accuracy", mode, "basic()",
                  "random", SPACE)  # fmt: skip
    trials = [
        Trial(0, {"lr": 0.1, "hidden": 4, "act": "relu"}, 2, {1: 0.5, 2: 0.7}, "complete"),
        Trial(1, {"lr": 0.01, "hidden": 8, "act": "tanh"}, 2, {1: 0.6}, "stopped"),
        Trial(2, {"lr": 0.5, "hidden": 2, "act": "tanh"}, 2, {}, "failed", "GF062"),
    ]
    events = [
        Event(0.0, "start", 0, 0), Event(0.5, "start", 1, 1),
        Event(1.0, "epoch", 0, 0, 1, 0.5), Event(2.0, "epoch", 1, 1, 1, 0.6),
        Event(2.1, "end", 1, 1, 1, 0.6, "stopped"), Event(2.2, "start", 2, 1),
        Event(3.0, "epoch", 0, 0, 2, 0.7), Event(3.1, "end", 0, 0, 2, 0.7, "complete"),
        Event(3.5, "end", 2, 1, 0, None, "failed"),
    ]  # fmt: skip
    return Kept(name, asked, trials, events)


def test_the_incumbent_improves_where_a_better_metric_came():
    assert incumbents(kept()) == ([1.0, 2.0, 3.0], [0.5, 0.6, 0.7])
    assert incumbents(kept("min")) == ([1.0], [0.5])


def test_the_any_time_curve_is_a_staircase_to_the_end():
    """Figure 19.2.1's axes: incumbent against wall-clock time; nothing is known before 1 s."""
    one, two = any_time([kept(name="a"), kept("min", name="b")]).data
    assert list(one.x) == [1.0, 2.0, 2.0, 3.0, 3.0, 3.5]
    assert list(one.y) == [0.5, 0.5, 0.6, 0.6, 0.7, 0.7]
    assert (list(two.x), list(two.y)) == ([1.0, 3.5], [0.5, 0.5])
    assert (one.name, two.name) == ("a", "b")


def test_the_gantt_has_a_bar_a_stretch_and_a_mark_an_epoch():
    *bars, marks = gantt(kept()).data
    found = [(bar.text, bar.y[0], bar.base[0], bar.x[0]) for bar in bars]
    assert found == [("1", 1, 0.5, pytest.approx(1.6)), ("0", 0, 0.0, 3.1),
                     ("2", 1, 2.2, pytest.approx(1.3))]  # fmt: skip
    assert list(marks.x) == [1.0, 2.0, 3.0] and list(marks.y) == [0, 1, 0]


def test_a_bar_that_has_not_ended_reaches_the_last_event():
    begun = kept()
    (bar, _) = gantt(Kept("t", begun.asked, begun.trials, begun.events[:3])).data[-2:]
    assert (bar.base[0], bar.x[0]) == (0.5, 0.5)


def test_learning_curves_are_those_of_trials_with_a_metric():
    assert [(t.name, list(t.y)) for t in curves(kept()).data] == [
        ("trial 0", [0.5, 0.7]), ("trial 1", [0.6]),
    ]  # fmt: skip


def test_settings_against_the_best_metric_leave_out_what_failed():
    drawn = parameters(kept())
    assert list(drawn) == list(SPACE)
    assert list(drawn["lr"].data[0].x) == [0.1, 0.01] and drawn["lr"].layout.xaxis.type == "log"
    assert list(drawn["act"].data[0].x) == ["relu", "tanh"]


def test_parallel_coordinates_take_logarithms_and_words():
    lr, hidden, act, metric = coordinates(kept()).data[0].dimensions
    assert np.allclose(lr["values"], [-1, -2])
    assert list(hidden["values"]) == [4, 8]
    assert list(act["values"]) == [0, 1] and list(act["ticktext"]) == ["relu", "tanh"]
    assert list(metric["values"]) == [0.7, 0.6]
