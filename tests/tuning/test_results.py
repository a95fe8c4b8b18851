"""What searches have come to, from events and trials written by hand."""

from __future__ import annotations

import subprocess
import sys

import pytest

from graphflow.tuning.folder import Event
from graphflow.tuning.results import best_of, incumbents, ranked, stretches
from graphflow.tuning.trials import Trial

from .conftest import kept


def test_the_incumbent_improves_where_a_better_metric_came():
    assert incumbents(kept()) == ([1.0, 2.0, 3.0], [0.5, 0.6, 0.7])
    assert incumbents(kept("min")) == ([1.0], [0.5])


def test_a_stretch_that_has_not_ended_reaches_the_last_event():
    assert stretches(kept().events[:3])[-1] == (1, 1, 0.5, 1.0)


def test_a_trial_that_goes_on_has_several_stretches():
    events = [Event(t, e, 0, 0) for t, e in ((0.0, "start"), (1.0, "end"), (2.0, "start"),
                                             (4.0, "end"))]  # fmt: skip
    assert stretches(events) == [(0, 0, 0.0, 1.0), (0, 0, 2.0, 4.0)]


@pytest.mark.parametrize(("maximise", "order"), [(True, [0, 2, 1, 3]), (False, [1, 0, 2, 3])])
def test_the_best_come_first_and_those_without_a_metric_last(maximise, order):
    values = [{1: 0.7}, {1: 0.2}, {1: 0.7}, {}]
    trials = [Trial(n, {}, 1, v, "complete") for n, v in enumerate(values)]
    assert [trial.number for trial in ranked(trials[::-1], maximise)] == order
    best = best_of(trials, maximise)
    assert best == (trials[order[0]], values[order[0]][1], 1)


def test_nothing_is_best_where_nothing_has_a_metric():
    assert best_of([Trial(0, {}, 1, {1: 0.3}, "failed")], maximise=True) is None
    assert best_of([], maximise=False) is None


def test_what_a_search_came_to_is_said_without_plotly():
    code = "import sys, graphflow.tuning.results; sys.exit('plotly' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
