"""Measurements in turns, with processes that take known times."""

from __future__ import annotations

import subprocess
import sys
from itertools import count

import psutil
import pytest

from graphflow.bench import child, timing
from graphflow.bench.child import OURS
from graphflow.bench.report import Line, about_dropped, geometric_mean, lines, markdown, means
from graphflow.bench.rows import find
from graphflow.bench.timing import Bench, Run, in_a_process
from graphflow.diagnostics import GraphflowError

XYZ, MLP = find("xyz"), find("mlp-32")
TIMES = {
    ("xyz", OURS): [(1.0, 0.0), (9.0, 0.2), (3.0, 0.1)],
    ("xyz", "torch"): [(4.0, 0.0), (8.0, 0.0), (6.0, 0.0)],
    ("mlp-32", OURS): [(2.0, 0.0)] * 3,
    ("mlp-32", "torch"): [(1.0, 0.0)] * 3,
}


def faked():
    """A measurement that takes what ``TIMES`` says, and the turns that were taken."""
    turns, left = [], {key: iter(runs) for key, runs in TIMES.items()}

    def measure(implementation, row):
        turns.append((row.name, implementation))
        return Run(*next(left[row.name, implementation]))

    return measure, turns


def run_all(bench):
    return [(row.name, *taken) for row in bench.rows for taken in bench.run(row)]


def ended(rows=(XYZ, MLP), peers=("torch",)):
    measure, turns = faked()
    bench = Bench(rows, peers, 3, measure)
    assert [taken[:2] for taken in run_all(bench)] == turns
    return bench, turns


def test_both_sides_take_turns():
    _, turns = ended()
    assert turns[:6] == [("xyz", OURS), ("xyz", "torch")] * 3
    assert turns[6:] == [("mlp-32", OURS), ("mlp-32", "torch")] * 3


def test_a_ratio_is_of_medians_of_the_runs_that_nothing_disturbed():
    bench, _ = ended()
    xyz, mlp = lines(bench)
    # ours: the median of 1 and 3, since 9 was disturbed; theirs: of 4, 8 and 6
    assert (xyz.ours.middle, xyz.theirs.middle, xyz.ratio) == (2.0, 6.0, pytest.approx(1 / 3))
    assert xyz.ours.spread == (1.0, 3.0) and xyz.theirs.spread == (4.0, 8.0)
    assert (xyz.dropped, mlp.dropped, mlp.ratio) == (1, 0, 2.0)
    assert geometric_mean([xyz, mlp], "torch") == pytest.approx((2 / 3) ** 0.5)
    assert about_dropped([xyz, mlp]).startswith("1 run was dropped")
    assert means([xyz, mlp]) == ["geometric mean against PyTorch, eager: 0.816 (2 rows)"]


def test_without_a_peer_there_are_times_and_no_ratio():
    bench, _ = ended(peers=())
    assert [(x.ours.middle, x.ratio, x.against) for x in lines(bench)] == [
        (2.0, None, None), (2.0, None, None),
    ]  # fmt: skip


def test_a_row_all_of_whose_runs_were_disturbed_has_no_ratio():
    bench = Bench([XYZ], ["torch"], 2, lambda name, row: Run(1.0, 0.5))
    assert len(run_all(bench)) == 4
    (line,) = lines(bench)
    assert (line.ratio, line.ours.middle, line.dropped) == (None, None, 4)
    assert geometric_mean([line], "torch") is None and line.cells()[1] == ""


def test_who_is_interrupted_keeps_what_was_measured():
    measure, turns = faked()

    def until_the_third(implementation, row):
        if len(turns) == 3:
            raise KeyboardInterrupt
        return measure(implementation, row)

    bench = Bench([XYZ, MLP], ["torch"], 3, until_the_third)
    with pytest.raises(KeyboardInterrupt):
        run_all(bench)
    (line,) = lines(bench)
    assert (line.row.name, line.ratio, line.dropped) == ("xyz", 0.25, 1)


def test_runs_that_there_are_already_are_not_taken_again():
    measure, turns = faked()
    kept = {("xyz", OURS): [Run(5.0, 0.0)] * 2, ("xyz", "torch"): [Run(7.0, 0.0)]}
    bench = Bench([XYZ], ["torch"], 3, measure, kept)
    run_all(bench)
    assert turns == [("xyz", "torch"), ("xyz", OURS), ("xyz", "torch")]
    assert bench.taken(XYZ, OURS).kept == [5.0, 5.0, 1.0]


def test_the_page_has_the_table_and_names_no_place():
    bench, _ = ended()
    page = markdown(lines(bench), ["a processor, 2 cores"], 3)
    assert "| xyz | 0.333 | 0.02 | 2 | 1 to 3 | 6 | 4 to 8 |  | torch | 1 |" in page
    assert "geometric mean against PyTorch, eager: 0.816" in page and "a processor" in page


def test_a_line_as_json():
    bench, _ = ended()
    assert lines(bench)[0].to_json() == {
        "name": "xyz", "ratio": pytest.approx(1 / 3), "ours_ms": 2.0, "theirs_ms": 6.0,
        "against": "torch", "target": 0.02, "ours_spread_ms": (1.0, 3.0),
        "theirs_spread_ms": (4.0, 8.0), "ours_runs": 2, "theirs_runs": 3, "dropped": 1,
        "least_ms": None,
    }  # fmt: skip
    assert Line(MLP, bench.taken(MLP, OURS)).to_json()["theirs_ms"] is None


def test_a_measurement_is_the_median_of_what_the_clock_says(monkeypatch):
    steps = count()
    clock, work = iter(count()), iter(count(0, 2.0))
    monkeypatch.setattr(child, "perf_counter", lambda: float(next(clock)))
    monkeypatch.setattr(child, "_busy", lambda: next(work))
    monkeypatch.setattr(child, "_own", lambda: 0.0)
    found = child.measured(lambda: next(steps), seconds=0.0, warm=0.0)
    # every look at the clock is a second after the one before: steps take one, there are five
    assert found["ms"] == 1000.0 and found["times"] == child.LEAST
    assert 0 < found["load"] < 1


def test_a_process_that_fails_is_a_diagnostic():
    with pytest.raises(GraphflowError) as refused:
        timing.answer([sys.executable, "-c", "print(1 / 0)"], {}, "xyz")
    (diagnostic,) = refused.value.diagnostics
    assert diagnostic.code == "GF141" and "ZeroDivisionError" in diagnostic.message


def test_a_process_that_takes_too_long_is_given_up(monkeypatch):
    monkeypatch.setattr(timing, "LIMIT", 0.1)
    with pytest.raises(GraphflowError, match="given up"):
        timing.answer([sys.executable, "-c", "import time; time.sleep(60)"], {}, "xyz")


@pytest.mark.slow
def test_a_real_process_measures_a_step():
    for kernels in ("numpy", "numba"):
        run = in_a_process(1, kernels)(OURS, XYZ)
        assert 0 < run.milliseconds < 100 and run.load >= 0


def test_a_measurement_ends_with_the_process_that_asked_for_it():
    """Even where that is killed and can end nothing itself."""
    started = (
        "import subprocess, sys, time\n"
        "made = subprocess.Popen([sys.executable, '-c', 'import time; "
        "from graphflow.bench.child import end_with_the_parent; end_with_the_parent(); "
        "print(1, flush=True); time.sleep(60)'], stdout=subprocess.PIPE)\n"
        "made.stdout.readline()\n"
        "print(made.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", started], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        process = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    process.wait(timeout=20)
