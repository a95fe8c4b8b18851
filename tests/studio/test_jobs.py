from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from graphflow import load_run
from graphflow.diagnostics import GraphflowError
from graphflow.run_entries import entry
from graphflow.studio.jobs import Job, Jobs
from graphflow.studio.limits import Limits
from graphflow.studio.live import FOLDER
from graphflow.studio.trainer import Order
from graphflow.training.history import Records
from graphflow.training.run_folder import RunFolder
from graphflow.view.workspace import Workspace

PARABOLA = """
graphflow: 1
name: w
params: {w: {shape: scalar, init: '4.0'}}
nodes: {f: w ** 2}
train: {minimize: f, optimizer: sgd(lr=0.25), steps: 3}
"""
LONG = PARABOLA.replace("steps: 3", "steps: 100000000")


@pytest.fixture
def jobs(limits: Limits, tmp_path: Path) -> Iterator[Jobs]:
    found = Jobs(replace(limits, runs=str(tmp_path / "runs")))
    yield found
    for job in found._jobs.values():
        job.kill()
        job.wait(10)


def order(text: str) -> Order:
    return Order("", Workspace(text=text))


def test_a_text_is_trained_on_the_files_of_its_folder(jobs: Jobs, limits: Limits, tmp_path: Path):
    folder = Path(limits.folders[0]) / "sub"
    folder.mkdir()
    (folder / "only.csv").write_text("a,b\n1,2\n2,4\n")
    text = PARABOLA.replace(
        "nodes: {f: w ** 2}",
        "inputs: {x: {shape: [B]}, y: {shape: [B]}}\nnodes: {f: mean((x * w - y) ** 2)}\n"
        "data: {source: csv, path: only.csv, batch: 2, feed: {x: a, y: b}}",
    )
    job = jobs.start(Order("", Workspace(text=text, folder=str(folder))), "line")
    job.wait(30)
    assert job.report.state == "complete", job.report.diagnostics


def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def paused(jobs: Jobs) -> Job:
    job = jobs.start(order(LONG), "long")
    until(lambda: job.report.step > 0)
    job.tell("pause")
    until(lambda: job.report.state == "paused")
    return job


def test_a_training_runs_to_its_end_in_a_process_of_its_own(jobs: Jobs):
    job = jobs.start(order(PARABOLA), "My parabola")
    assert job.wait(20) and job.report.state == "complete"
    assert job.folder.name.startswith("My-parabola-")
    # w - 0.25 * 2 w halves w in every step
    assert float(load_run(job.folder).parameters["w"]) == 0.5
    (standing,) = jobs.runs()
    assert (standing.state, standing.entry.steps) == ("complete", 3)


def test_what_it_shows_live_is_what_was_computed(jobs: Jobs):
    job = jobs.start(order(PARABOLA), "p")
    assert job.wait(20)
    values = Records(job.folder / FOLDER / "values.npy").stored()
    assert values["#step"].tolist() == [1, 2, 3] and values["loss"].tolist() == [16.0, 4.0, 1.0]
    gauges = Records(job.folder / FOLDER / "gauges.npy").stored()
    assert gauges["#step"][0] == 1
    np.testing.assert_allclose(gauges["gradients"][0], [8.0])
    np.testing.assert_allclose(gauges["ratios"][0], [0.5])


def test_a_training_can_be_paused_stepped_kept_and_stopped(jobs: Jobs):
    job = paused(jobs)
    step = job.report.step
    assert RunFolder(job.folder).latest().progress["step"] == step
    time.sleep(0.1)
    assert job.report.step == step
    for count in (1, 2):
        job.tell("step")
        until(lambda n=count: (job.report.state, job.report.step) == ("paused", step + n))
    job.tell("snapshot")
    until(lambda: bool(RunFolder(job.folder).snapshots()))
    job.tell("go")
    until(lambda: job.report.step > step + 2)
    job.tell("stop")
    assert job.wait(20) and job.report.state == "stopped"
    assert entry(job.folder).state == "stopped"
    (kept,) = RunFolder(job.folder).snapshots()
    assert kept == f"snapshot-{step + 2:08d}"
    assert RunFolder(job.folder).checkpoint(kept).progress["step"] == step + 2


def test_a_step_at_a_time_is_gauged_each_time(jobs: Jobs):
    job = paused(jobs)
    step = job.report.step
    for count in (1, 2, 3):
        job.tell("step")
        until(lambda n=count: (job.report.state, job.report.step) == ("paused", step + n))
    gauges = Records(job.folder / FOLDER / "gauges.npy").stored()
    assert gauges["#step"][-2:].tolist() == [step + 2, step + 3]


def test_a_click_that_comes_twice_counts_once(jobs: Jobs):
    job = paused(jobs)
    step, told = job.report.step, job.told
    for _ in range(3):
        job.tell("step", after=told)
    until(lambda: (job.report.state, job.report.step) == ("paused", step + 1))
    assert job.told == told + 1
    time.sleep(0.2)
    assert job.report.step == step + 1


def test_a_training_that_is_killed_says_so_and_goes_on(jobs: Jobs):
    job = paused(jobs)
    step = job.report.step
    psutil.Process(job.process.pid).kill()
    assert job.wait(20) and job.report.state == "killed"
    (why,) = job.report.diagnostics
    assert "SIGKILL" in why.message and "resume" in (why.help or "")
    again = jobs.resume(job.folder, steps=step + 5)
    assert again.wait(20) and again.report.state == "complete"
    assert again.report.step == step + 5
    values = Records(job.folder / FOLDER / "values.npy").stored()
    assert values["#step"].tolist() == list(range(1, step + 6))


def test_a_studio_that_is_started_again_finds_its_runs_and_resumes_them(jobs: Jobs):
    job = paused(jobs)
    step = job.report.step
    job.tell("stop")
    assert job.wait(20)
    later = Jobs(jobs.limits)
    (standing,) = later.runs()
    assert standing.state == "stopped" and standing.job is None
    again = later.resume(standing.entry.path, steps=step + 2)
    assert again.wait(20) and again.report.state == "complete"


def test_what_is_wrong_with_a_file_is_told(jobs: Jobs):
    job = jobs.start(order(PARABOLA.replace("w ** 2", "q ** 2")), "p")
    assert job.wait(20) and job.report.state == "failed"
    assert [found.code for found in job.report.diagnostics] == ["GF020"]


def test_a_loss_that_is_no_number_any_more_is_told(jobs: Jobs):
    job = jobs.start(order(LONG.replace("lr=0.25", "lr=2.0")), "diverges")
    assert job.wait(20) and job.report.state == "failed"
    assert [found.code for found in job.report.diagnostics] == ["GF062"]


def test_trainings_stop_with_a_checkpoint_when_the_studio_closes(jobs: Jobs):
    job = jobs.start(order(LONG), "long")
    until(lambda: job.report.step > 0)
    jobs.close()
    assert job.over and RunFolder(job.folder).latest().progress["step"] > 0


def test_no_more_trainings_than_the_studio_allows(limits: Limits, jobs: Jobs):
    jobs.limits = replace(jobs.limits, processes=1)
    job = jobs.start(order(LONG), "long")
    with pytest.raises(GraphflowError, match="as many as the studio takes"):
        jobs.start(order(PARABOLA), "another")
    with pytest.raises(GraphflowError, match="is being trained"):
        jobs.resume(job.folder)


def test_a_run_that_lies_elsewhere_is_not_gone_on_with(jobs: Jobs, tmp_path: Path):
    Path(jobs.limits.runs).mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (Path(jobs.limits.runs) / "link").symlink_to(tmp_path / "outside")
    for place in (tmp_path / "outside", Path(jobs.limits.runs) / "link"):
        with pytest.raises(GraphflowError, match="no run of this studio"):
            jobs.resume(place)


def test_a_training_past_its_time_is_stopped_and_can_be_resumed(jobs: Jobs):
    jobs.limits = replace(jobs.limits, training_seconds=0.5)
    job = jobs.start(order(LONG), "long")
    assert job.wait(20) and job.report.state == "stopped"
    assert "longer than 0.5 seconds" in job.report.diagnostics[0].message


@pytest.mark.slow
def test_a_training_stops_with_a_checkpoint_when_the_studio_is_killed(tmp_path: Path):
    code = (
        "import sys, time; from graphflow.studio.jobs import Jobs\n"
        "from graphflow.studio.limits import Limits; from graphflow.studio.trainer import Order\n"
        "from graphflow.view.workspace import Workspace\n"
        "job = Jobs(Limits()).start(Order('', Workspace(text=sys.argv[1])), 'long')\n"
        "while not job.report.step: time.sleep(0.01)\n"
        "print(job.process.pid, job.folder, flush=True); sys.stdin.read()"
    )
    studio = subprocess.Popen([sys.executable, "-c", code, LONG], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True, cwd=tmp_path)  # fmt: skip
    assert studio.stdout is not None
    process, folder = studio.stdout.readline().split()
    studio.kill()
    studio.communicate()
    until(lambda: entry(Path(folder)).state == "stopped")
    assert RunFolder(folder).latest().progress["stopped"] is True
    until(lambda: not psutil.pid_exists(int(process))
          or psutil.Process(int(process)).status() == psutil.STATUS_ZOMBIE)  # fmt: skip


def test_a_training_is_slowed_down_and_hurried_while_it_runs(jobs: Jobs):
    slow = replace(order(PARABOLA.replace("steps: 3", "steps: 30")), pace="2 updates a second")
    job = jobs.start(slow, "slow")
    until(lambda: job.report.step > 0)
    time.sleep(0.6)
    assert job.report.step < 4 and not job.over
    job.tell("pause")
    until(lambda: job.report.state == "paused")
    job.set_pace("as fast as possible")
    job.tell("go")
    begun = time.monotonic()
    assert job.wait(5) and time.monotonic() - begun < 3
    # w - 0.25 * 2 w halves w in every step, at whatever pace
    assert float(load_run(job.folder).parameters["w"]) == 4.0 / 2**30
