"""The schedulers' decisions, against the worked schedules of Dive into Deep Learning 19.4, 19.5."""

from __future__ import annotations

import math

import pytest

from graphflow.spec.elaborate import SchedulerPlan
from graphflow.tuning.schedulers import (
    Assignment,
    Basic,
    Promotion,
    Standings,
    SuccessiveHalving,
    rungs,
    scheduler_of,
)
from graphflow.tuning.trials import Trial


class Bench:
    """Trials without training: jobs are given out and reported on by hand."""

    def __init__(self, scheduler, limit=None, maximise=False):
        self.scheduler, self.trials = scheduler, []
        self.limit, self.maximise = limit, maximise

    @property
    def standings(self):
        return Standings(self.trials, self.limit, self.maximise)

    def take(self):
        """What a free worker begins: (trial, until)."""
        job = self.scheduler.following(self.standings)
        if job is None:
            return None
        if job.trial is None:
            self.trials.append(Trial(len(self.trials), {}, job.until, state="running"))
            return len(self.trials) - 1, job.until
        trial = self.trials[job.trial]
        trial.until, trial.state = job.until, "running"
        return trial.number, trial.until

    def end(self, number, value):
        trial = self.trials[number]
        trial.values[trial.until] = value
        trial.state = "paused"

    def fail(self, number):
        self.trials[number].state = "failed"


@pytest.mark.parametrize(
    ("least", "longest", "factor", "levels"),
    [
        (2, 10, 2, [2, 4, 8, 10]),  # the book's, 19.4
        (1, 8, 2, [1, 2, 4, 8]),
        (1, 9, 3, [1, 3, 9]),
        (1, 1, 2, [1]),
        (3, 4, 2, [3, 4]),
        (1, 1000, 10, [1, 10, 100, 1000]),  # int(log(1000) / log(10)) is 2 in floats
    ],
)
def test_rungs(least, longest, factor, levels):
    assert rungs(least, longest, factor) == levels


def test_thirty_evaluations_are_two_rounds_of_8_4_2_1():
    """The book's run: eta 2, 2 to 10 epochs, 8 + 4 + 2 + 1 evaluations a round."""
    bench = Bench(SuccessiveHalving(2, 10, 2), limit=16)
    taken = []
    while (job := bench.take()) is not None:
        taken.append(job)
        bench.end(job[0], value=job[0] / 100)  # earlier trials are better
    once = [(n, 2) for n in range(8)] + [(n, 4) for n in range(4)] + [(0, 8), (1, 8), (0, 10)]
    again = [(n + 8, until) for n, until in once]
    assert taken == once + again
    assert len(taken) == 30


def test_synchronous_halving_with_two_workers_as_in_figure_19_5_1():
    bench = Bench(SuccessiveHalving(1, 4, 2), limit=4)
    assert [bench.take(), bench.take()] == [(0, 1), (1, 1)]
    bench.end(0, 0.1)
    assert bench.take() == (2, 1)
    bench.end(1, 0.5)
    assert bench.take() == (3, 1)
    bench.end(3, 0.2)
    assert bench.take() is None  # trial 2 is still running: a worker waits
    bench.end(2, 0.4)
    assert [bench.take(), bench.take()] == [(0, 2), (3, 2)]
    bench.end(0, 0.1)
    assert bench.take() is None  # trial 3 takes longer
    bench.end(3, 0.15)
    assert bench.take() == (0, 4)
    assert bench.take() is None


def test_a_free_worker_begins_the_next_round_and_promotions_come_first():
    """19.4: new configurations of a rung take precedence over those of the next round."""
    bench = Bench(SuccessiveHalving(1, 2, 2))
    assert [bench.take(), bench.take()] == [(0, 1), (1, 1)]
    bench.end(0, 0.5)
    assert bench.take() == (2, 1)  # round two, while trial 1 runs
    bench.end(1, 0.4)
    assert bench.take() == (1, 2)
    assert bench.take() == (3, 1)


def test_asynchronous_halving_with_two_workers_as_in_figure_19_5_2():
    """The six trials whose schedule the book tells in prose; 0 is best, then 3, 2, 1."""
    bench = Bench(Promotion(1, 4, 2))
    assert [bench.take(), bench.take()] == [(0, 1), (1, 1)]
    bench.end(0, 0.1)
    assert bench.take() == (2, 1)  # one result is not enough to promote
    bench.end(1, 0.5)
    assert bench.take() == (0, 2)  # the better of trials 0 and 1
    bench.end(0, 0.1)
    assert bench.take() == (3, 1)  # too few on rung 1
    bench.end(3, 0.2)
    assert bench.take() == (4, 1)  # worse than trial 0 at rung 0: a new one
    bench.end(2, 0.3)
    assert bench.take() == (3, 2)  # two of four go on, and trial 2 is worse than 3
    bench.end(3, 0.2)
    assert bench.take() == (0, 4)  # two evaluations on rung 1
    bench.end(4, 0.9)
    assert bench.take() == (5, 1)


def test_asynchronous_halving_ends_when_nothing_is_left_to_promote():
    bench = Bench(Promotion(1, 2, 2), limit=3)
    for value in (0.3, 0.2):
        bench.end(bench.take()[0], value)
    assert bench.take() == (1, 2)
    assert bench.take() == (2, 1)
    assert bench.scheduler.hopeless(bench.standings) == []
    bench.end(1, 0.1)
    bench.end(2, 0.4)
    assert bench.take() is None
    assert [t.number for t in bench.scheduler.hopeless(bench.standings)] == [0, 1, 2]


def test_those_that_were_compared_and_not_promoted_are_let_go():
    bench = Bench(SuccessiveHalving(1, 4, 2), limit=4)
    for value in (0.4, 0.1, 0.3):
        bench.end(bench.take()[0], value)
    assert bench.scheduler.hopeless(bench.standings) == []
    bench.end(bench.take()[0], 0.2)
    assert {t.number for t in bench.scheduler.hopeless(bench.standings)} == {0, 2}


def test_a_failed_trial_is_the_worst_of_its_rung_and_does_not_hold_it_up():
    bench = Bench(SuccessiveHalving(1, 2, 2), limit=2)
    bench.take(), bench.take()
    bench.end(0, 0.9)
    bench.fail(1)
    assert bench.take() == (0, 2)


def test_a_trial_that_fails_after_its_promotion_does_not_hold_up_the_round():
    bench = Bench(SuccessiveHalving(1, 4, 2), limit=4)
    for value in (0.1, 0.2, 0.3, 0.4):
        bench.end(bench.take()[0], value)
    assert [bench.take(), bench.take()] == [(0, 2), (1, 2)]
    bench.fail(0)
    bench.end(1, 0.2)
    assert bench.take() == (1, 4)


def test_a_round_of_which_all_failed_is_over():
    bench = Bench(SuccessiveHalving(1, 2, 2), limit=2)
    bench.take(), bench.take()
    bench.fail(0)
    bench.fail(1)
    assert bench.take() is None


def test_a_metric_that_is_no_number_is_the_worst():
    standings = Standings([Trial(0, {}, 1, {1: math.nan}), Trial(1, {}, 1, {1: 5.0})], None)
    assert [t.number for t in standings.ranked(standings.trials, 1)] == [1, 0]


def test_what_is_maximised_is_turned_round():
    bench = Bench(Promotion(1, 2, 2), maximise=True)
    for value in (0.3, 0.9):
        bench.end(bench.take()[0], value)
    assert bench.take() == (1, 2)


def test_a_shorter_last_round_is_halved_as_well():
    bench = Bench(SuccessiveHalving(1, 4, 2), limit=6)
    taken = []
    while (job := bench.take()) is not None:
        taken.append(job)
        bench.end(job[0], value=job[0])
    assert taken[7:] == [(4, 1), (5, 1), (4, 2), (4, 4)]


def test_the_basic_scheduler_trains_all_to_the_end():
    basic = scheduler_of(SchedulerPlan("basic", 7))
    assert basic == Basic(7)
    assert basic.following(Standings([], 1)) == Assignment(None, 7)
    assert basic.following(Standings([Trial(0, {}, 7)], 1)) is None
